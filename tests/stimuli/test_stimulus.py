"""A batch of stimuli as a simulation reads it."""

from __future__ import annotations

import numpy as np
import pytest

from spikelearn._errors import SpikelearnError
from spikelearn._spike_arrays import PopulationSpikes
from spikelearn.stimuli import Stimulus


def test_what_does_not_fit_the_trials_is_refused() -> None:
    spikes = PopulationSpikes.from_unsorted(1, [1.0], [0], [2])
    with pytest.raises(SpikelearnError, match="belong to trial 2, but the stimulus has 2 trials"):
        Stimulus(("a", "b"), {"in": spikes})
    with pytest.raises(SpikelearnError, match="at least one trial, found none"):
        Stimulus(())
    with pytest.raises(SpikelearnError, match="a list of one per trial, found 'abc'"):
        Stimulus("abc")
    with pytest.raises(SpikelearnError, match="currents_pa are a mapping by population, found flo"):
        Stimulus(currents_pa=300.0)  # type: ignore[arg-type]
    with pytest.raises(SpikelearnError, match="must be a number or an array, found rows of sev"):
        Stimulus(currents_pa={"n": [[1.0], [1.0, 2.0]]})  # type: ignore[dict-item]


@pytest.mark.parametrize(
    ("current", "word"),
    [(np.zeros((3, 1)), "3 dimensions"), (np.full((1, 3, 1), np.nan), "not finite")],
)
def test_a_current_has_three_dimensions_and_is_finite(current: np.ndarray, word: str) -> None:
    with pytest.raises(SpikelearnError, match=f"the current into 'n' .*{word}"):
        Stimulus(currents_pa={"n": current})


def test_a_stimulus_from_spike_times_holds_them() -> None:
    stimulus = Stimulus.from_spike_times("in", [[3.0, 1.0], [], [2.0]], label="mine")
    assert stimulus.labels == ("mine",)
    assert [t.tolist() for t in stimulus.spikes["in"].trains(0)] == [[1.0, 3.0], [], [2.0]]
