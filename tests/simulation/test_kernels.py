"""What Python calls of the native engine's compiled code."""

from __future__ import annotations

import numpy as np

from spikelearn.simulation.native.kernels import sort_by_source


def test_synapses_are_sorted_by_source_and_keep_their_order_there() -> None:
    rng = np.random.default_rng(3)
    pre, values = rng.integers(0, 5, 40).astype(np.uint32), rng.random(40)
    place = np.cumsum([0, *np.bincount(pre, minlength=5)])[:-1]
    moved = np.empty(40)
    sort_by_source(pre, values, place, moved)
    assert np.array_equal(moved, values[np.argsort(pre, kind="stable")])
