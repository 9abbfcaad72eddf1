"""Updates with one thing changed."""

from __future__ import annotations

import torch

from spikelearn.plausibility.instruments.repeated_update import RepeatedUpdate


def test_each_variation_changes_what_it_says() -> None:
    update = RepeatedUpdate("node_perturbation")
    outcomes = update.variations
    name = update.weight_names()[0]
    base = outcomes.pop("nothing")
    assert set(outcomes) == {"stimulus", "label", "noise", "biases", "weights"}
    assert torch.equal(base.updates[name], update.run().updates[name])
    for outcome in outcomes.values():
        assert not torch.equal(outcome.updates[name], base.updates[name])


def test_the_network_itself_stays() -> None:
    update = RepeatedUpdate("backprop")
    before = [p.clone() for p in update.network().parameters()]
    assert update.variations
    for kept, now in zip(before, update.network().parameters(), strict=True):
        assert torch.equal(kept, now)


def test_rules_that_draw_nothing_are_the_same_with_other_noise() -> None:
    outcomes = RepeatedUpdate("feedback_alignment").variations
    assert all(
        torch.equal(update, outcomes["nothing"].updates[name])
        for name, update in outcomes["noise"].updates.items()
    )
