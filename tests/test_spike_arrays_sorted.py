"""`PopulationSpikes`: spikes as sorted flat arrays."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from spikelearn._spike_arrays import PopulationSpikes

ROWS = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 50).map(float), st.integers(0, 4)), max_size=40
)


@given(rows=ROWS)
def test_spikes_in_any_order_come_out_sorted_and_complete(
    rows: list[tuple[int, float, int]],
) -> None:
    spikes = PopulationSpikes.from_unsorted(
        5, [t for _, t, _ in rows], [s for _, _, s in rows], [k for k, _, _ in rows]
    )
    found = list(zip(spikes.trials, spikes.times_ms, spikes.senders, strict=True))
    assert found == sorted(rows)
    assert len(spikes) == len(rows)


@given(rows=ROWS)
def test_counts_and_trains_agree_with_counting_by_hand(rows: list[tuple[int, float, int]]) -> None:
    spikes = PopulationSpikes.from_unsorted(
        5, [t for _, t, _ in rows], [s for _, _, s in rows], [k for k, _, _ in rows]
    )
    counts = spikes.counts(4)
    assert counts.shape == (4, 5)
    for trial in range(4):
        trains = spikes.trains(trial)
        assert len(trains) == 5
        for sender in range(5):
            mine = sorted(t for k, t, s in rows if (k, s) == (trial, sender))
            assert trains[sender].tolist() == mine
            assert counts[trial, sender] == len(mine)


def test_one_trial_number_serves_all_spikes() -> None:
    spikes = PopulationSpikes.from_unsorted(2, [3.0, 1.0], [0, 1], 2)
    np.testing.assert_array_equal(spikes.trials, [2, 2])
    np.testing.assert_array_equal(spikes.senders, [1, 0])
