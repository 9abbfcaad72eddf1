"""Stimulus currents and background spikes for Brian2 in this process, handed in step by step."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from spikelearn.simulation.grid.network import Background, GridNetwork


def handed_in(
    b2: Any, grid: GridNetwork, groups: dict[str, Any], first: int, last: int, clock: Any
) -> list[Any]:
    """Stimulus currents and background spikes, handed in step by step."""
    operations = []
    for name, group in groups.items():
        if grid.driven(name):
            drive = grid.drive(name, first, last)
            operations.append(_drive_operation(b2, group, drive, last - first, clock))
    for background in grid.background:
        group = groups[background.target]
        counts = background.counts(first, last)
        operations.append(_background_operation(b2, group, background, counts, clock))
    return operations


def _drive_operation(
    b2: Any, group: Any, drive: Iterator[np.ndarray], replicas: int, clock: Any
) -> Any:
    variable = group.variables["external"]
    shape = (replicas, len(group) // replicas)

    def hand_in() -> None:
        variable.set_value(np.broadcast_to(next(drive), shape).ravel())

    return b2.NetworkOperation(hand_in, clock=clock, when="start")


def _background_operation(
    b2: Any, group: Any, background: Background, counts: Iterator[np.ndarray], clock: Any
) -> Any:
    goal = group.variables["v" if background.channel is None else f"current{background.channel}"]
    # What reaches the potential of a refractory neuron is lost.
    direct = background.channel is None
    held = direct and "active" in group.variables
    # The potential of equations of one's own is in volts.
    unit = 1e-3 if direct and not group.variables["v"].dim.is_dimensionless else 1.0

    def hand_in() -> None:
        arriving = unit * (background.weight * next(counts)).ravel()
        if held:
            arriving = arriving * group.state("active", use_units=False)[:]
        goal.set_value(goal.get_value() + arriving)

    return b2.NetworkOperation(hand_in, clock=clock, when="synapses")
