"""Weight mirrors: what noise tells of the forward weights, by formula and at rest."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from spikelearn.networks.layers import Dense, Layer, RateNetwork
from spikelearn.rules import weight_mirror
from spikelearn.rules.weight_mirror import WeightMirror, answers
from tests.oracles.feedback_weights import (
    MODELS,
    batch,
    cosine,
    feedback,
    network,
    prepared,
)


def mirrored(rule: WeightMirror) -> list[torch.Tensor]:
    """What a mirror phase adds to the feedback weights, but for their decay."""
    rule.mirror()
    return [rule.decay * b.detach() - b.grad for b in feedback(rule)]


def test_a_mirror_phase_finds_the_weights_as_the_square_root_of_its_samples() -> None:
    # A layer of 6 units on 8, hardly bent: cos^2 = N / (N + n_in + 1) for a linear one, since each
    # entry of the correlation has the variance (|w|^2 + w_ij^2) sigma^4 / N.
    generator = torch.Generator().manual_seed(0)
    layers = [Dense(4, 8, "tanh", generator), Dense(8, 6, "tanh", generator)]
    net = RateNetwork([*layers, Dense(6, 5, "identity", generator)]).double()
    for n, least in ((100, 0.93), (1000, 0.992), (10_000, 0.998)):
        found = [
            cosine(
                mirrored(prepared("weight_mirror", net, seed, sigma=0.1, n_noise=n))[0],
                net.weights()[1],
            )
            for seed in range(20)
        ]
        assert np.mean(found) == pytest.approx(math.sqrt(n / (n + 9)), abs=0.5 / n + 0.0005)
        assert min(found) > least - 3 / n


def test_a_mirror_phase_is_its_formula_written_out_by_hand() -> None:
    net = network("mlp")
    rule = prepared("weight_mirror", net, sigma=0.7, n_noise=11, decay=0.3)
    drawn = []
    original = rule.draw
    rule.draw = lambda *a, **k: drawn.append(original(*a, **k)) or drawn[-1]
    rule.mirror()
    for layer, matrix, noise in zip(list(net)[1:], feedback(rule), drawn, strict=True):
        w, b = layer.weight.detach().numpy(), layer.bias.detach().numpy()
        answers = [w @ xi + b for xi in 0.7 * noise.numpy()]
        if layer.activation == "relu":
            answers = [np.maximum(z, 0) for z in answers]
        mean = np.mean(answers, axis=0)
        together = sum(
            np.outer(y - mean, xi) for y, xi in zip(answers, 0.7 * noise.numpy(), strict=True)
        )
        expected = 0.3 * matrix.detach().numpy() - together / (10 * 0.7**2)
        np.testing.assert_allclose(matrix.grad.numpy(), expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("kind", MODELS)
def test_mirrored_weights_come_to_rest_at_the_slope_over_the_decay_times_the_forward_weights(
    kind: str,
) -> None:
    net = network(kind)
    with torch.no_grad():
        for layer in net:
            layer.bias.zero_()
    rule = prepared("weight_mirror", net, n_noise=1000, decay=0.5)
    for step in range(1, 101):  # a running mean
        rule.mirror()
        with torch.no_grad():
            for matrix in feedback(rule):
                matrix.sub_(matrix.grad / (0.5 * step))
    for layer, matrix in zip(list(net)[1:], feedback(rule), strict=True):
        # Without biases half of the noise passes a rectified unit.
        slope = 0.5 if layer.activation == "relu" else 1.0
        torch.testing.assert_close(
            matrix.detach(),
            layer.weight.detach() * slope / 0.5,
            rtol=0,
            atol=0.04 * float(layer.weight.detach().abs().max()),
        )


@pytest.mark.parametrize("every", [1, 3])
def test_mirror_phases_move_feedback_alone_and_learning_the_network_alone(every: int) -> None:
    rule = prepared("weight_mirror", network("mlp"), every=every)
    moved: list[str] = []

    def apply() -> None:
        groups = rule.groups()
        moved.append("+".join(k for k, ps in groups.items() if any(p.grad is not None for p in ps)))
        for parameter in rule.parameters():
            parameter.grad = None

    for step in range(6):
        rule.update(*batch(seed=step), apply)
    phases = ["feedback", *["network"] * every]
    assert moved == phases * (6 // every)


@pytest.mark.parametrize("kind", MODELS)
def test_weight_mirrors_read_no_forward_weight_but_through_the_answers_to_noise(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    net = network(kind)
    rule = prepared("weight_mirror", net)
    noise = rule.generator.get_state()
    given: list[torch.Tensor] = []

    def answered(layer: Layer, xi: torch.Tensor) -> torch.Tensor:
        given.append(answers(layer, xi))
        return given[-1].clone()

    monkeypatch.setattr(weight_mirror, "answers", answered)
    found = mirrored(rule)
    assert len(given) == len(found) == len(net) - 1
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for p in net.parameters():
            p.copy_(torch.randn(p.shape, generator=generator, dtype=p.dtype))
    rule.generator.set_state(noise)
    other = mirrored(rule)  # other weights answer otherwise, and are mirrored
    assert not any(torch.equal(a, b) for a, b in zip(other, found, strict=True))
    kept = iter(given[: len(found)])
    monkeypatch.setattr(weight_mirror, "answers", lambda *_: next(kept).clone())
    rule.generator.set_state(noise)
    assert all(torch.equal(a, b) for a, b in zip(mirrored(rule), found, strict=True))
