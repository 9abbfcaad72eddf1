"""The tangent pass against torch and finite differences, and the noise that tends to it."""

from __future__ import annotations

import pytest
import torch

from spikelearn.rules.forward_gradient import tangent
from spikelearn.rules.rule import forward_pass
from tests.oracles.perturbed_networks import (
    KINDS,
    batch,
    network,
    prepared,
    update_of,
)


@pytest.mark.parametrize("kind", KINDS)
def test_the_tangent_pass_is_torchs_jacobian_vector_product_and_a_finite_difference(
    kind: str,
) -> None:
    net, (x, _) = network(kind), batch()
    passes = forward_pass(net, x)
    generator = torch.Generator().manual_seed(3)
    directions = [torch.randn(p.z.shape, generator=generator, dtype=torch.float64) for p in passes]

    def scores(*added: torch.Tensor) -> torch.Tensor:
        h = x
        for layer, extra in zip(net, added, strict=True):
            h = layer.activate(layer.drive(h) + extra)
        return h

    zeros = tuple(torch.zeros_like(d) for d in directions)
    with torch.no_grad():
        found = tangent(net, passes, directions)
        _, exact = torch.func.jvp(scores, zeros, tuple(directions))
        step = 1e-5
        plus, minus = (scores(*(s * d for d in directions)) for s in (step, -step))
    torch.testing.assert_close(found, exact, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(found, (plus - minus) / (2 * step), rtol=1e-7, atol=1e-8)


def test_perturbation_at_a_smaller_sigma_is_nearer_to_the_forward_gradient() -> None:
    net, (x, y) = network(), batch()
    exact = update_of(prepared("forward_gradient", net), x, y)
    gaps = []
    for sigma in (1e-1, 1e-2, 1e-3):
        # The same noise: both draw layer by layer, from one seed.
        rule = prepared("node_perturbation", net, sigma=sigma)
        gaps.append(float((update_of(rule, x, y) - exact).norm() / exact.norm()))
    assert gaps[1] < gaps[0] / 50
    assert gaps[2] < gaps[1] / 50
