"""Rows of synapses that were arranged before, for networks that run again with other weights.

Within `pairs_kept` the arranged synapses of a large network without plasticity are kept by all that
decides them. One weight that all synapses of a projection share is none of it: it stands in the
projection's record alone, and is written there anew. So is nothing that belongs to neurons.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from spikelearn._keys import content_key
from spikelearn.networks.drawn_pairs import keep, keeping, look_up
from spikelearn.simulation.grid.network import GridNetwork
from spikelearn.simulation.grid.synapses import GridProjection
from spikelearn.simulation.native.parts import Part
from spikelearn.simulation.native.rows import Rows, arrange_synapses, groups_of

# Of fewer synapses to look rows up takes as long as to arrange them.
_FEWEST = 20_000

Arranged = tuple[list[Rows], int | None, int]
"""What `arrange_synapses` gives: rows by part, the shortest delay from neurons, and the longest."""


@dataclass(frozen=True)
class _Kept:
    """Rows, and of how many steps the trials were that cut their delays off."""

    arranged: Arranged
    n_steps: int

    def serves(self, n_steps: int) -> bool:
        """Whether trials of so many steps have the same delays."""
        return self.n_steps == n_steps or self.arranged[2] < min(self.n_steps, n_steps)


def rows_of(
    grid: GridNetwork,
    parts: Sequence[Part],
    populations: Sequence[np.ndarray],
    channels: Sequence[np.ndarray],
) -> Arranged:
    """The synapses of each part in rows, arranged now or kept from before; see `arrange_synapses`.

    Parameters
    ----------
    grid : GridNetwork
    parts : sequence of Part
    populations, channels : sequences of arrays
        Records of each part's populations and channels.
    """
    key = _key(grid, parts, populations, channels) if keeping() else None
    if key is None:
        return arrange_synapses(grid, parts, populations, channels)
    found = look_up(key)
    if found is not None and found.serves(grid.n_steps):
        rows, shortest, longest = found.arranged
        return [_weighted(grid, *one) for one in zip(parts, rows, strict=True)], shortest, longest
    arranged = arrange_synapses(grid, parts, populations, channels)
    n_bytes = sum(array.nbytes for rows in arranged[0] for array in rows)
    keep(key, _Kept(arranged, grid.n_steps), n_bytes)
    return arranged


def _weighted(grid: GridNetwork, part: Part, rows: Rows) -> Rows:
    """The rows with today's weights, where all synapses of a projection share one."""
    records = rows.projections.copy()
    here = [
        g
        for g in groups_of(grid.projections)
        if any(p.target in part.neurons for p in g.projections)
    ]
    for record, group in zip(records, here, strict=True):
        weight = group.same_weight
        if weight is not None and not np.isnan(record["same_weight"]):
            record["same_weight"] = weight
    return rows._replace(projections=records)


def _key(
    grid: GridNetwork,
    parts: Sequence[Part],
    populations: Sequence[np.ndarray],
    channels: Sequence[np.ndarray],
) -> str | None:
    """Of all that decides the rows; None where they are not kept."""
    projections = [p for p in grid.projections if isinstance(p, GridProjection)]
    few = sum(p.expected_number for p in projections) < _FEWEST
    if few or grid.plastic or len(projections) < len(grid.projections):
        return None
    if any(p.projection.unit == "ns" and _below_zero(p.projection.weight) for p in projections):
        return None  # it is refused where it is drawn
    number = {id(p): index for index, p in enumerate(projections)}
    groups = [[number[id(p)] for p in group.projections] for group in groups_of(projections)]
    places = [
        [populations["first"], populations["first_channel"], channels["start"]]
        for populations, channels in zip(populations, channels, strict=True)
    ]
    dealt = [[part.number, part.n_parts, dict(part.first), dict(part.sizes)] for part in parts]
    sizes = {name: population.size for name, population in grid.neurons.items()}
    return content_key(
        [
            "rows",
            [_decides(p) for p in projections],
            list(sizes.items()),
            list(grid.sources),
            groups,
            places,
            dealt,
            grid.dt_ms,
        ]
    )


def _below_zero(weight: Any) -> bool:
    return isinstance(weight, float) and weight < 0


def _decides(p: GridProjection) -> list[Any]:
    """What decides the synapses of a projection, but for one weight of all."""
    described = p.projection
    n_source = p.network.populations[p.source].size
    weights = "one" if p.same_weight is not None else [described.weight, p.gain]
    delays = described.delay_ms if p.shared_delay is None else p.shared_delay
    return [
        p.index, p.seed, p.source, p.target, n_source, p.n_target, p.channel, p.joins_all,
        [described.connectivity.kind, described.connectivity],
        [type(described.weight).__name__, weights], [type(delays).__name__, delays],
        p.network.weight_bits,
    ]  # fmt: skip
