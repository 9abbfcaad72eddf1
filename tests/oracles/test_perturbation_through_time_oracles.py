"""Node perturbation through time: the gradient, on average over its noise."""

from __future__ import annotations

import pytest

from tests.oracles.recurrent_networks import (
    KINDS,
    batch,
    cosine,
    flat,
    gradient,
    network,
    prepared,
    update_of,
)


@pytest.mark.parametrize("kind", KINDS)
def test_node_perturbation_is_the_gradient_on_average(kind: str) -> None:
    net, (x, y) = network(kind, n_steps=3, hidden=4), batch(n_steps=3)
    truth = flat(gradient(net, x, y, "cross_entropy"))
    rule = prepared("node_perturbation_through_time", net, sigma=1e-4, n_directions=10)
    # Noise is drawn for each sample: many copies of the batch are as many draws.
    few = flat(update_of(rule, x.repeat(3, 1), y.repeat(3)))
    many = flat(update_of(rule, x.repeat(3000, 1), y.repeat(3000)))
    assert (many - truth).norm() < 0.1 * (few - truth).norm()
    assert cosine(many, truth) > 0.98
    assert (many * truth).sum() / truth.square().sum() == pytest.approx(1.0, abs=0.05)
