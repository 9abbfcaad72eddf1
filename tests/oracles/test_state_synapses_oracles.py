"""Pooling between the states of energy-based rules: the energy's derivatives, and its gradient."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from convolution_parts import FIELDS, GIVEN, batch
from torch.nn.functional import one_hot

from spikelearn._errors import SpikelearnError
from spikelearn._seeding import torch_generator
from spikelearn.networks.cnn import CNN
from spikelearn.rules import make_rule

KINDS = ["strides", "max", "average", "residual"]


def prepared(name: str, kind: str, **options: Any) -> Any:
    # What is carried one to one couples states so strongly that they come to rest slowly.
    rule = make_rule(name, **{"feedback": 0.3} if kind == "residual" else {}, **options)
    net = CNN(**GIVEN | FIELDS[kind]).build(0).double()
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.mul_(0.3)  # states come to rest in few steps
    rule.prepare(net, torch_generator(0, "rule"))
    return rule


def updates(rule: Any) -> list[torch.Tensor]:
    found: list[torch.Tensor] = []
    rule.update(*batch(), lambda: found.extend(p.grad for p in rule.network.parameters()))
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_states_rest_where_the_energy_does_and_learn_by_its_derivatives(kind):
    rule, (x, _) = prepared("equilibrium_propagation", kind, free_steps=60), batch()
    states = [s.requires_grad_() for s in rule.free_states(x)]
    energy = rule.energy(x)
    parameters = list(rule.network.parameters())
    value = energy.of(states).sum()
    by_states = torch.autograd.grad(value, states, retain_graph=True)
    for slope, s in zip(by_states, states, strict=True):
        torch.testing.assert_close(slope, torch.zeros_like(s), rtol=0, atol=1e-8)
    expected = torch.autograd.grad(value, parameters)
    with torch.no_grad():
        found = rule.energy(x).contrast(x, states, torch.ones(6, dtype=x.dtype))
    kept = [
        g
        for layer, pair in zip(rule.network, found, strict=True)
        for g in pair[: 2 if layer.has_bias else 1]
    ]
    torch.testing.assert_close(kept, list(expected))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("loss", ["squared_error", "cross_entropy"])
def test_a_small_nudge_gives_the_gradient_of_the_loss_of_states_at_rest(loss, kind):
    """Against finite differences of the loss along the update and along another direction."""
    settings = {"beta": 1e-3, "free_steps": 60, "nudged_steps": 60, "loss": loss}
    rule, (x, y) = prepared("equilibrium_propagation_centred", kind, **settings), batch()
    found, parameters = updates(rule), list(rule.network.parameters())
    generator = torch.Generator().manual_seed(2)
    other = [torch.randn(g.shape, generator=generator, dtype=g.dtype) for g in found]
    for direction in (found, other):
        losses = []
        for step in (1e-5, -2e-5):
            with torch.no_grad():
                for parameter, change in zip(parameters, direction, strict=True):
                    parameter.add_(change, alpha=step)
            losses.append(rule.objective(x, y))
        with torch.no_grad():
            for parameter, change in zip(parameters, direction, strict=True):
                parameter.add_(change, alpha=1e-5)
        slope = (losses[0] - losses[1]) / 2e-5
        expected = sum((g * d).sum() for g, d in zip(found, direction, strict=True))
        torch.testing.assert_close(expected, slope, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_states_with_the_label_held_learn_by_the_difference_of_energies(kind):
    rule, (x, y) = prepared("contrastive_hebbian", kind), batch()
    found, parameters = updates(rule), list(rule.network.parameters())
    energy = rule.energy(x)
    with torch.no_grad():
        free = energy.relax(energy.start(), rule.free_steps)
        held = [*free[:-1], one_hot(y, 4).double()]
        held = rule.energy(x).relax(held, rule.nudged_steps, lambda a, s: s)
        free = energy.relax(free, rule.nudged_steps)
    value = (energy.of(held) - energy.of(free)).mean()
    expected = torch.autograd.grad(value, parameters)
    torch.testing.assert_close(found, list(expected))


def test_complex_states_average_and_have_no_highest():
    rule = prepared("equilibrium_propagation_holomorphic", "average", beta=0.1, points=4,
                    free_steps=60, nudged_steps=60)  # fmt: skip
    centred = prepared("equilibrium_propagation_centred", "average", beta=1e-3, free_steps=60,
                       nudged_steps=60, activation="shifted_sigmoid")  # fmt: skip
    for exact, limit in zip(updates(rule), updates(centred), strict=True):
        torch.testing.assert_close(exact, limit, rtol=1e-2, atol=1e-3)
    with pytest.raises(SpikelearnError, match="complex states have no highest one: pool averages"):
        prepared("equilibrium_propagation_holomorphic", "max")


def test_activity_is_told_as_the_next_layer_receives_it():
    rule, (x, _) = prepared("equilibrium_propagation", "average"), batch()
    shapes = [h.shape[1:] for h in rule.activity(x).values()]
    assert shapes == [layer.out_shape for layer in rule.network]
