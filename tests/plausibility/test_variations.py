"""Updates with one thing changed."""

from __future__ import annotations

import torch

from spikelearn.plausibility.instruments.repeated_update import RepeatedUpdate
from spikelearn.plausibility.instruments.variations import further_stimuli


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


def test_further_stimuli_are_other_images_each_and_the_same_ones_every_time() -> None:
    update = RepeatedUpdate("backprop")
    shown = [update.x, *further_stimuli(update)]
    for i, x in enumerate(shown):
        assert x.shape == update.x.shape
        assert x.dtype == update.x.dtype
        assert 0 <= float(x.min()) <= float(x.max()) <= 1
        for other in shown[:i]:
            assert not (x == other).all(1).any()  # no sample is what it was
    assert all(torch.equal(a, b) for a, b in zip(shown[1:], further_stimuli(update), strict=True))
    means = [float(x.mean()) for x in shown]
    assert min(means) < 0.2
    assert max(means) > 0.45
