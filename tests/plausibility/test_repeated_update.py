"""One update as often as wanted: the same numbers, and another one where something is changed."""

from __future__ import annotations

import pytest
import torch

from spikelearn.plausibility.instruments.repeated_update import RepeatedUpdate, effect


@pytest.mark.parametrize("rule", ["node_perturbation", "eprop_spiking", "eventprop"])
def test_the_update_is_the_same_each_time_to_the_last_bit(rule: str) -> None:
    update = RepeatedUpdate(rule)
    one, two = update.run().updates, update.run().updates
    assert one
    assert all(torch.equal(one[name], two[name]) for name in one)


def test_the_update_of_backpropagation_is_the_gradient() -> None:
    update = RepeatedUpdate("backprop")
    network = update.network()
    loss = torch.nn.functional.cross_entropy(network(update.x), update.y)
    gradients = torch.autograd.grad(loss, list(update.weights(network).values()))
    updates = update.run().updates
    for name, gradient in zip(update.weight_names(), gradients, strict=True):
        torch.testing.assert_close(updates[name], gradient)


def test_an_effect_is_relative_to_the_unchanged_update() -> None:
    one, two = {"w": torch.tensor([3.0, 4.0])}, {"w": torch.tensor([3.0, 9.0])}
    assert effect(two, one, ["w"]) == 1.0
    assert effect(one, one, ["w"]) == 0.0
    assert effect(one, {"w": torch.zeros(2)}, ["w"]) == float("inf")


def test_old_names_say_where_the_new_ones_are() -> None:
    from spikelearn.plausibility import bench, provenance

    with pytest.warns(FutureWarning, match="RepeatedUpdate"):
        assert bench.Bench is RepeatedUpdate
    with pytest.warns(FutureWarning, match=r"update\.traced\(\)"):
        sources = provenance.trace(RepeatedUpdate("oja")).sources("network.layers.0.weight")
    assert "label" not in sources
