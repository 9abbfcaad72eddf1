"""What rules of networks that spike share: the input spikes of training and of evaluation."""

from __future__ import annotations

import pytest
import torch

from spikelearn._seeding import torch_generator
from spikelearn.networks.spiking_mlp import SpikingMLP
from spikelearn.rules import RULES, make_rule
from spikelearn.rules._spiking import SpikingRule

SPIKING_RULES = [name for name, entry in RULES.items() if "spiking_mlp" in entry.networks]
MODEL = SpikingMLP(name="s", sizes=(8, 7, 5), max_rate_hz=400.0, duration_ms=50.0)
X = torch.rand(4, 8, generator=torch.Generator().manual_seed(1))


def prepared(name: str, seed: int = 0) -> SpikingRule:
    rule = make_rule(name)
    rule.prepare(MODEL.build(0), torch_generator(seed, "rule"))
    assert isinstance(rule, SpikingRule)
    return rule


@pytest.mark.parametrize("name", SPIKING_RULES)
def test_evaluation_shows_the_same_spikes_whatever_training_has_drawn(name: str) -> None:
    rule = prepared(name, seed=5)
    before = rule.predict(X)
    rule.input_spikes(X)
    assert torch.equal(rule.predict(X), before)
    assert torch.equal(prepared(name).predict(X), before)
    assert torch.equal(list(rule.activity(X).values())[-1], before)


def test_input_spikes_of_training_have_the_rates_of_the_pixels() -> None:
    rule = prepared("surrogate")
    spikes = torch.stack([rule.input_spikes(X) for _ in range(200)])
    d = MODEL
    expected = X.double() * d.max_rate_hz * d.dt_ms / 1000.0
    found = spikes.double().mean((0, 1))
    n = spikes.shape[0] * spikes.shape[1]
    # Five standard deviations of a share of n draws.
    assert bool(((found - expected).abs() <= 5 * (expected * (1 - expected) / n).sqrt()).all())


def test_spikes_that_are_given_are_shown_as_they_are() -> None:
    rule = prepared("surrogate")
    given = (torch.rand(4, rule.network.n_steps, 8) > 0.8).float()
    state = rule.generator.get_state()
    shown = rule.input_spikes(given)
    assert torch.equal(rule.generator.get_state(), state)
    assert shown.shape == (rule.network.n_steps, 4, 8)
    assert float(shown.sum()) == float(given.sum())
