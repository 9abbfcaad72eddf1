"""Handicaps act on the weights as they say."""

from __future__ import annotations

from typing import Any

import torch
from measured import audited

from spikelearn.plausibility.handicaps import HANDICAPS


def handicap(name: str) -> Any:
    return HANDICAPS[name](audited("backprop"))


def test_with_fixed_signs_each_unit_s_outgoing_weights_have_one_sign() -> None:
    weight = torch.randn(20, 30)
    handicap("fixed signs").after([weight], torch.Generator())
    assert not ((weight > 0).any(0) & (weight < 0).any(0)).any()
    assert (weight != 0).any(0).float().mean() > 0.9


def test_weight_noise_passes_and_leaves_the_weights_as_they_were() -> None:
    weight = torch.randn(20, 30)
    before = weight.clone()
    undo = handicap("weight noise").before([weight], torch.Generator().manual_seed(0))
    assert 0.05 < float((weight / before - 1).std()) < 0.15
    undo()
    assert torch.equal(weight, before)


def test_weights_of_four_bits_have_at_most_sixteen_values_and_their_mean_stays() -> None:
    weight = torch.randn(200, 300)
    before = weight.clone()
    handicap("4 bits").after([weight], torch.Generator().manual_seed(0))
    assert len(weight.unique()) <= 16
    assert abs(float((weight - before).mean())) < 1e-2


def test_late_updates_all_arrive_within_four_steps() -> None:
    hold, noise = handicap("late updates").hold, torch.Generator().manual_seed(0)
    update = torch.ones(50, 3)
    arrived = [hold([update], noise)[0]]
    arrived += [hold([torch.zeros(50, 3)], noise)[0] for _ in range(4)]
    assert torch.equal(torch.stack(arrived).sum(0), update)
    assert all(part.any() for part in arrived)
