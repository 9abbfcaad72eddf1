"""A backend: a module with FEATURES and `run`, and a line in BACKENDS."""

from __future__ import annotations

from collections.abc import Callable

from spikelearn.simulation import BACKENDS
from spikelearn.simulation.grid.network import GridNetwork, Result
from spikelearn.simulation.simulate import load_backend

FEATURES = load_backend("native").FEATURES


def run(grid: GridNetwork, progress: Callable[[float], None], precision: str) -> Result:
    """Run it on our engine; somebody's own would do the work here."""
    return load_backend("native").run(grid, progress, precision)


BACKENDS["added"] = ("added_backend", "numba")
