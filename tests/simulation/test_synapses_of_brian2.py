"""For Brian2, synapses that differ in their delay alone are one object: no code for each delay."""

from __future__ import annotations

import numpy as np
from random_networks import Features, make_case

from spikelearn.simulation.brian2.synapses import by_projection
from spikelearn.simulation.grid.network import to_grid


def test_delays_that_are_drawn_are_joined_and_lose_no_synapse() -> None:
    case = make_case(
        Features(
            seed=3, n_steps=50, sizes=(6, 4),
            projections=(
                ("in", "n0", None, 2, "uniform"),
                ("n0", "n1", 10.0, "spread", "uniform"),
                ("n1", "n0", 10.0, "spread", "sparse"),
            ),
        )
    )  # fmt: skip
    grid = to_grid(
        case.network, case.stimulus, case.n_steps * case.dt_ms, case.dt_ms, case.seed, ()
    )
    joined = list(by_projection(grid.synapses))
    assert [synapses.name for synapses, _ in joined] == [p.name for p in case.network.projections]
    assert np.ndim(joined[0][1]) == 0
    for synapses, delays in joined[1:]:
        parts = [part for part in grid.synapses if part.name == synapses.name]
        assert len(parts) > 2, "delays that do not differ prove nothing"
        expected = sorted(
            (part.delay_steps, *synapse)
            for part in parts
            for synapse in zip(
                part.connections.pre, part.connections.post, part.connections.weight, strict=True
            )
        )
        c = synapses.connections
        assert sorted(zip(delays, c.pre, c.post, c.weight, strict=True)) == expected  # type: ignore[arg-type]
