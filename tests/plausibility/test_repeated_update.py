"""One update as often as wanted: the same numbers, and another one where something is changed."""

from __future__ import annotations

import pytest
import torch

from spikelearn.plausibility.instruments.repeated_update import RepeatedUpdate


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


@pytest.mark.parametrize("rule", ["backprop", "backprop_through_time", "eventprop"])
def test_every_parameter_belongs_to_a_layer(rule: str) -> None:
    update = RepeatedUpdate(rule)
    weights = update.weight_names()
    assert [update.layer_of[name] for name in weights] == list(range(len(weights)))
    assert set(update.hidden_names()) <= set(update.hidden_parameters())
    biases = set(update.layer_of) - set(weights)
    assert len(biases) == (0 if update.spikes else len(weights))
    assert all(update.layer_of[n] == update.layer_of[n.replace("bias", "weight")] for n in biases)


def test_old_names_say_where_the_new_ones_are() -> None:
    from spikelearn.plausibility import bench, provenance

    with pytest.warns(FutureWarning, match="RepeatedUpdate"):
        assert bench.Bench is RepeatedUpdate
    with pytest.warns(FutureWarning, match=r"update\.traced\(\)"):
        sources = provenance.trace(RepeatedUpdate("oja")).sources("network.layers.0.weight")
    assert "label" not in sources
