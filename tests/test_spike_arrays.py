"""Flat arrays of spikes: sorted, cut into trials, trains and pieces."""

from __future__ import annotations

import numpy as np
import pytest

from spikelearn._errors import SpikelearnError
from spikelearn._spike_arrays import PopulationSpikes, pieces


def test_spikes_in_any_order_are_sorted_by_trial_time_and_sender() -> None:
    generator = np.random.default_rng(0)
    times, senders = generator.integers(0, 5, 200) * 1.0, generator.integers(0, 4, 200)
    trials = generator.integers(0, 3, 200)
    spikes = PopulationSpikes.from_unsorted(4, times, senders, trials)
    rows = sorted(zip(trials, times, senders, strict=True))
    assert list(zip(spikes.trials, spikes.times_ms, spikes.senders, strict=True)) == rows


def test_trains_are_the_same_in_however_many_pieces_they_are_made() -> None:
    generator = np.random.default_rng(1)
    spikes = PopulationSpikes.from_unsorted(
        7, generator.random(100), generator.integers(0, 7, 100), generator.integers(0, 2, 100)
    )
    whole = spikes.trains(1)
    for at_once in (1, 13, 1000):
        for one, other in zip(spikes.each_train(1, at_once), whole, strict=True):
            np.testing.assert_array_equal(one, other)
    assert [len(train) for train in whole] == spikes.counts(2)[1].tolist()


@pytest.mark.parametrize(
    ("times", "senders", "words"),
    [
        ([1.0], [0, 1], "1 spike times but 2 senders"),
        ([np.inf], [0], "must be finite"),
        ([1.0], [2], "senders must lie in 0 to 1, found 2 to 2"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(times: list, senders: list, words: str) -> None:
    with pytest.raises(SpikelearnError, match=words):
        PopulationSpikes.from_unsorted(2, times, senders)


def test_pieces_cover_every_item_once() -> None:
    assert [(p.start, p.stop) for p in pieces(10, 3, 4)] == [(3, 7), (7, 10)]
    assert list(pieces(0)) == []
