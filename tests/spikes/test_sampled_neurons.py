"""Some of a population's neurons."""

from __future__ import annotations

import numpy as np
import pytest
from activities import small_activity

from spikelearn._errors import SpikelearnError
from spikelearn.spikes._neurons import check_neuron, only, sample


def test_a_sample_is_evenly_spaced_or_drawn_without_replacement() -> None:
    neurons = np.arange(10) * 2
    assert sample(neurons, 5, None).tolist() == [0, 4, 8, 12, 16]
    drawn = sample(neurons, 5, np.random.default_rng(0))
    assert len(set(drawn)) == 5
    assert (np.diff(drawn) > 0).all()
    assert sample(neurons, None, None) is neurons
    with pytest.raises(SpikelearnError, match="at least 1 neuron"):
        sample(neurons, 0, None)


def test_the_spikes_of_some_neurons_are_theirs_under_new_numbers() -> None:
    spikes = small_activity()["excitatory"]
    kept = only(spikes, np.array([1, 2]))
    assert kept.size == 2
    for trial in range(3):
        for new, old in ((0, 1), (1, 2)):
            np.testing.assert_array_equal(kept.trains(trial)[new], spikes.trains(trial)[old])


def test_a_neuron_that_is_not_there_is_refused() -> None:
    check_neuron(small_activity()["inhibitory"], "inhibitory", 1)
    with pytest.raises(SpikelearnError, match="'inhibitory' has no neuron 2; neurons are 0 to 1"):
        check_neuron(small_activity()["inhibitory"], "inhibitory", 2)
