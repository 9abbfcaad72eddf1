"""SoftHebb: its formula, its resting length, and the hard competition it tends to."""

from __future__ import annotations

import pytest
import torch

from tests.oracles.hebbian_learning import learn, prepared


@pytest.mark.parametrize("anti_hebbian", [False, True])
def test_one_update_of_softhebb_is_its_formula(anti_hebbian: bool) -> None:
    rule = prepared(
        "softhebb", (5, 3, 2), anti_hebbian=anti_hebbian, adaptive_rate=False, radius=2.0,
        temperature=0.5,
    )  # fmt: skip
    w = rule.network.weights()[0].detach().clone()
    generator = torch.Generator().manual_seed(0)
    x = torch.nn.functional.normalize(torch.randn(4, 5, generator=generator, dtype=torch.float64))
    learn(rule, x, 0.0)
    expected = torch.zeros_like(w)
    for sample in x:
        u = w @ sample
        p = (u / 0.5).softmax(0)
        for k in range(3):
            sign = 1 if not anti_hebbian or k == u.argmax() else -1
            expected[k] += sign * p[k] * (sample - u[k] * w[k]) / len(x)
    torch.testing.assert_close(-rule.network.weights()[0].grad, expected)


@pytest.mark.parametrize("radius", [0.5, 2.0])
def test_the_length_of_a_softhebb_unit_comes_to_one_where_it_is_driven(radius: float) -> None:
    rule = prepared(
        "softhebb", (5, 4, 2), anti_hebbian=False, adaptive_rate=False, radius=radius,
        temperature=1.0,
    )  # fmt: skip
    weight = rule.network.weights()[0]
    generator = torch.Generator().manual_seed(0)
    for _ in range(50):
        x = torch.nn.functional.normalize(
            torch.randn(1, 5, generator=generator, dtype=torch.float64)
        )
        u = (weight @ x[0]).detach()
        p = u.softmax(0)
        before = weight.detach().square().sum(1)
        # d|w|^2 / dt = 2 p u (1 - |w|^2): its sign is that of p u (1 - |w|^2).
        learn(rule, x, 1e-7)
        slope = (weight.detach().square().sum(1) - before) / 1e-7
        torch.testing.assert_close(slope, 2 * p * u * (1 - before), rtol=1e-4, atol=1e-6)
    x = torch.nn.functional.normalize(torch.rand(200, 5, generator=generator).double())
    learn(rule, x, 0.5, 4000)
    lengths = weight.detach().norm(dim=1)
    # At the fixed point w is along <p x>, and of the length that <p u^2> = <p u> |w| ... allows.
    u = x @ weight.detach().T
    p = u.softmax(1)
    torch.testing.assert_close(
        p.T @ x, (p * u).sum(0)[:, None] * weight.detach(), rtol=1e-6, atol=1e-8
    )
    assert (lengths <= 1 + 1e-9).all()


def test_an_ever_lower_temperature_is_the_hard_competition() -> None:
    generator = torch.Generator().manual_seed(0)
    x = torch.nn.functional.normalize(torch.randn(20, 5, generator=generator)).double()
    soft = prepared(
        "softhebb", (5, 4, 2), anti_hebbian=False, adaptive_rate=False, temperature=1e-6
    )
    w = soft.network.weights()[0].detach()
    learn(soft, x, 0.0)
    u = x @ w.T
    winner = torch.nn.functional.one_hot(u.argmax(1), 4).double()
    expected = (winner.T @ x - (winner * u).sum(0)[:, None] * w) / len(x)
    torch.testing.assert_close(-soft.network.weights()[0].grad, expected)
