"""What Python calls of the native engine's compiled code."""

from __future__ import annotations

import numpy as np

from spikelearn.simulation.native.kernels import count_by_source, sort_by_source


def test_synapses_are_sorted_by_source_and_keep_their_order_there() -> None:
    rng = np.random.default_rng(3)
    pre, values = rng.integers(0, 5, 40).astype(np.uint32), rng.random(40)
    place = np.cumsum([0, *np.bincount(pre, minlength=5)])[:-1]
    moved = np.empty(40)
    post = rng.integers(0, 9, 40).astype(np.uint32)
    sort_by_source(pre, post, 0, 9, values, place, moved)
    assert np.array_equal(moved, values[np.argsort(pre, kind="stable")])


def test_those_onto_some_of_the_targets_are_counted_and_sorted_alone() -> None:
    rng = np.random.default_rng(4)
    pre, values = rng.integers(0, 5, 40).astype(np.uint32), rng.random(40)
    post = rng.integers(0, 9, 40).astype(np.uint32)
    here = (post >= 3) & (post < 7)
    counts = np.zeros(5, dtype=np.int64)
    count_by_source(pre, post, 3, 7, counts)
    assert np.array_equal(counts, np.bincount(pre[here], minlength=5))
    moved = np.empty(counts.sum())
    sort_by_source(pre, post, 3, 7, values, np.cumsum([0, *counts])[:-1], moved)
    assert np.array_equal(moved, values[here][np.argsort(pre[here], kind="stable")])
