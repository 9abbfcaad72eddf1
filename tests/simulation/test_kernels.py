"""What Python calls of the native engine's compiled code."""

from __future__ import annotations

import numpy as np

from spikelearn.simulation.native.kernels import count_rows, fill_rows, mark_delays

SOURCES, DELAYS, SYNAPSES = 5, np.array([1, 4, 9]), 60


def drawn() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Source, target, delay and weight of each synapse."""
    rng = np.random.default_rng(4)
    pre, post = (rng.integers(0, n, SYNAPSES, dtype=np.int32) for n in (SOURCES, 9))
    return pre, post, rng.choice(DELAYS, SYNAPSES).astype(np.uint16), rng.random(SYNAPSES)


def test_synapses_onto_some_targets_are_put_into_rows_in_the_order_given() -> None:
    pre, post, delays, weights = drawn()
    place_of = np.zeros(10, dtype=np.int64)
    place_of[DELAYS] = np.arange(3)
    for steps in (delays, np.array([4], np.uint16)):
        of = np.broadcast_to(steps, SYNAPSES)
        here = np.flatnonzero((post >= 3) & (post < 7))
        row = pre[here] * 3 + place_of[of[here]]
        counts = np.zeros(SOURCES * 3, dtype=np.int64)
        count_rows(pre, post, 3, 7, steps, place_of, 3, counts)
        assert np.array_equal(counts, np.bincount(row, minlength=SOURCES * 3))
        free = np.cumsum([0, *counts])[:-1]
        to_post, to_weight = np.zeros(here.size, np.uint32), np.zeros(here.size)
        fill_rows(
            pre, post, 3, 7, steps, place_of, 3, free, 100, weights, to_post, to_weight,
        )  # fmt: skip
        order = here[np.argsort(row, kind="stable")]
        assert np.array_equal(to_weight, weights[order])
        assert np.array_equal(to_post, post[order] - 3 + 100)
        assert np.array_equal(free, np.cumsum(counts))


def test_one_weight_for_all_is_not_written() -> None:
    pre, post, delays, _ = drawn()
    nothing, to_post = np.zeros(0), np.zeros(SYNAPSES, np.uint32)
    place_of, free = np.zeros(10, dtype=np.int64), np.zeros(SOURCES, dtype=np.int64)
    free[1:] = np.cumsum(np.bincount(pre, minlength=SOURCES))[:-1]
    fill_rows(pre, post, 0, 9, delays, place_of, 1, free, 0, nothing, to_post, nothing)
    assert np.array_equal(to_post, post[np.argsort(pre, kind="stable")])


def test_delays_that_occur_are_marked() -> None:
    seen = np.zeros(10, dtype=bool)
    mark_delays(drawn()[2], seen)
    assert np.array_equal(np.flatnonzero(seen), DELAYS)
