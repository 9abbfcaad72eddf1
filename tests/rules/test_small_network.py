"""The small network that rules are checked on: replayed noise, added updates, relabelled units."""

from __future__ import annotations

import pytest
import torch

from spikelearn._checks import Fails
from spikelearn.rules import RULES, make_rule
from spikelearn.rules.small_network import (
    SmallNetwork,
    compare,
    descend,
    permuted,
    record,
    replay,
    sample_of,
    small_model,
    update_of,
)

KINDS = sorted({kind for entry in RULES.values() for kind in entry.networks} - {"spiking"})


@pytest.mark.parametrize("name", [name for name, entry in RULES.items() if not entry.simulated])
def test_there_is_a_small_network_of_a_kind_that_a_rule_trains(name: str) -> None:
    rule = make_rule(name)
    if rule.networks != ("residual_mlp",):
        assert small_model(rule).kind in rule.networks


def test_a_rule_made_afresh_starts_from_the_same_weights_and_noise() -> None:
    small = SmallNetwork("node_perturbation", None, 3)
    one, two = (update_of(small.fresh(), small.x, small.y) for _ in range(2))
    compare(one, two, "two fresh rules differ", 0.0)
    other = SmallNetwork("node_perturbation", None, 4)
    with pytest.raises(Fails, match="seeds differ"):
        compare(update_of(other.fresh(), small.x, small.y), one, "seeds differ")


def test_replayed_noise_gives_the_update_again_and_other_shapes_are_refused() -> None:
    small = SmallNetwork("node_perturbation", None, 0)
    rule = small.fresh()
    drawn = record(rule)
    expected = update_of(rule, small.x, small.y)
    again = small.fresh()
    again.generator.manual_seed(99)
    replay(again, drawn)
    compare(update_of(again, small.x, small.y), expected, "replayed noise differs", 0.0)
    replay(again, drawn)
    with pytest.raises(Fails, match="draws change"):
        update_of(again, small.x[:3], small.y[:3])


def test_updates_that_are_applied_in_pieces_add_up() -> None:
    small = SmallNetwork("backprop", None, 0)
    whole = update_of(small.fresh(), small.x, small.y)
    rule = small.fresh()
    update = rule.update

    def in_two(x: torch.Tensor, y: torch.Tensor, apply: object) -> torch.Tensor:
        update(x, y, apply)  # type: ignore[arg-type]
        return update(x, y, apply)  # type: ignore[arg-type]

    rule.update = in_two  # type: ignore[method-assign, assignment]
    twice = update_of(rule, small.x, small.y)
    compare(twice, {name: 2 * tensor for name, tensor in whole.items()}, "pieces do not add up")


def test_a_step_down_moves_weights_by_the_rate_times_the_update() -> None:
    small = SmallNetwork("backprop", None, 0)
    rule = small.fresh()
    before = [p.detach().clone() for p in rule.network.parameters()]
    update = update_of(small.fresh(), small.x, small.y)
    rule.update(small.x, small.y, descend(rule, 0.5, output_only=True))
    after = list(rule.network.parameters())
    assert all(torch.equal(a, b) for a, b in zip(before[:-2], after[:-2], strict=True))
    for old, new, change in zip(before[-2:], after[-2:], list(update.values())[-2:], strict=True):
        torch.testing.assert_close(new.detach(), old - 0.5 * change)


def test_axes_say_what_is_relabelled_and_what_belongs_to_a_sample() -> None:
    tensor = torch.arange(24.0).reshape(2, 3, 4)
    order = torch.tensor([2, 0, 1])
    moved = permuted(tensor, ("batch", 0, None), {0: order})
    assert torch.equal(moved, tensor[:, order])
    assert torch.equal(sample_of(tensor, ("batch", 0, None), 1), tensor[1:])
    assert torch.equal(sample_of(tensor, (None, 0, None), 1), tensor)
