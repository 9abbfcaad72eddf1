"""Relaxation of predictive coding, against the derivatives of its energy."""

from __future__ import annotations

import pytest
import torch
from convolution_parts import FIELDS, assert_same, batch, prepared, updates
from torch.nn.functional import one_hot

from spikelearn.rules._relaxation import Relaxation
from spikelearn.rules.rule import forward_pass, in_training


@pytest.mark.parametrize("kind", FIELDS)
def test_predictive_coding_descends_its_energy(kind):
    """Values and all that is learned go down the energy of the values, by its derivatives."""
    rule, (x, y) = prepared("predictive_coding", kind, n_steps=2), batch()
    layers, rate = list(rule.network), 0.1
    names, parameters = zip(*rule.network.named_parameters(), strict=True)

    def energy(values: list[torch.Tensor]) -> torch.Tensor:
        total, h = 0.0, x
        for layer, v in zip(layers, [*values, one_hot(y, 4).double()], strict=True):
            total = total + 0.5 * (v - layer.drive(h)).square().sum()
            h = layer.activate(v) if layer is not layers[-1] else v
        return total

    state = rule.generator.get_state()
    with in_training(rule, len(y)):
        relaxation = Relaxation(forward_pass(rule.network, x), y, rule.loss)
        values = [z.clone() for z in relaxation.values[:-1]]
        for _ in range(2):
            given = [v.requires_grad_() for v in values]
            slopes = torch.autograd.grad(energy(given), given)
            values = [(v - rate * s).detach() for v, s in zip(values, slopes, strict=True)]
            with torch.no_grad():
                relaxation.move(rate)
                relaxation.predict()
        torch.testing.assert_close(relaxation.values[:-1], values)
        torch.testing.assert_close(relaxation.energy().sum(), energy(values).detach())
        expected = torch.autograd.grad(energy(values) / len(y), parameters)
    rule.generator.set_state(state)
    assert_same(updates(rule), dict(zip(names, expected, strict=True)))
