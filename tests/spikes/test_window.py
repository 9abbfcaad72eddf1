"""A part of every trial: which spikes and states it holds, and when they are in it."""

from __future__ import annotations

import numpy as np
import pytest
from activities import activities, assert_same_spikes, small_activity
from hypothesis import given, settings
from hypothesis import strategies as st

from spikelearn._errors import SpikelearnError
from spikelearn.spikes import (
    Activity,
    PopulationSpikes,
    between,
    distances_between_neurons,
    distances_between_trials,
)


def test_a_part_holds_its_first_step_and_not_its_last() -> None:
    steps = np.arange(600)
    spikes = PopulationSpikes.from_unsorted(1, steps * 0.1, np.zeros(600))
    states = {"n.v_mv": steps[None, :, None] * 1.0}
    activity = Activity({"n": spikes}, 60.0, 0.1, states=states, provenance={"seed": 3})
    part = activity.between(20.3, 50.0)
    assert part.duration_ms == pytest.approx(29.7)
    np.testing.assert_array_equal(part["n"].times_ms, np.arange(297) * 0.1)
    np.testing.assert_array_equal(part.states["n.v_mv"][0, :, 0], np.arange(203, 500))
    assert part.provenance == {"seed": 3, "window_ms": [20.3, 50.0]}
    assert part.between(10.0).provenance["window_ms"] == [30.3, 50.0]


def test_the_whole_is_the_activity_itself_and_its_end_counts() -> None:
    activity = small_activity()
    assert between(activity) is activity
    late = between(activity, 12.5)
    assert late["excitatory"].times_ms.tolist() == pytest.approx([0.0, 37.5, 17.6])
    assert late.labels == activity.labels
    path_safe = late.weights["inhibitory->excitatory"]
    np.testing.assert_array_equal(path_safe, activity.weights["inhibitory->excitatory"])


@settings(max_examples=20, deadline=None)
@given(activities(), st.integers(1, 199))
def test_two_parts_hold_every_spike_once(activity: Activity, step: int) -> None:
    middle = step * activity.dt_ms
    if middle >= activity.duration_ms:
        return
    first, second = between(activity, 0.0, middle), between(activity, middle)
    assert first.n_spikes + second.n_spikes == activity.n_spikes
    for name in activity.states:
        n_steps = activity.states[name].shape[1]
        assert first.states[name].shape[1] + second.states[name].shape[1] == n_steps


def test_a_part_is_saved_and_read_like_any_activity(tmp_path) -> None:
    part = small_activity().between(5.0, 40.0)
    assert_same_spikes(Activity.load(part.save(tmp_path / "part.nwb")), part)


def test_distances_are_those_of_the_part() -> None:
    activity = small_activity()
    part = activity.between(5.0)
    for found, expected in (
        (
            distances_between_neurons(activity, "excitatory", start_ms=5.0),
            distances_between_neurons(part, "excitatory"),
        ),
        (
            distances_between_trials(activity, "excitatory", 2, start_ms=5.0),
            distances_between_trials(part, "excitatory", 2),
        ),
    ):
        np.testing.assert_allclose(found, expected)


@pytest.mark.parametrize(("start", "stop"), [(-1, 5), (5, 5), (6, 5), (0, 51), (50, None)])
def test_a_part_outside_the_trial_is_refused(start, stop) -> None:
    with pytest.raises(SpikelearnError, match="within the trial, 0 to 50 ms"):
        between(small_activity(), start, stop)
