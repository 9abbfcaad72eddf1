"""The session clock: trials one after another, and apart again."""

from __future__ import annotations

import numpy as np
from activities import activities, small_activity
from hypothesis import given, settings

from spikelearn.spikes import Activity
from spikelearn.spikes.session import (
    session_state,
    session_trains_ms,
    split_state,
    split_trials,
    steps_per_trial,
    trial_starts_ms,
)


@settings(max_examples=20)
@given(activities())
def test_spikes_laid_on_the_session_clock_come_back_by_trial(activity: Activity) -> None:
    starts = trial_starts_ms(activity)
    for spikes in activity.populations.values():
        times, ends = session_trains_ms(spikes, starts)
        senders = np.repeat(np.arange(spikes.size), np.diff([0, *ends]))
        again = split_trials(
            spikes.size, times, senders,
            starts_ms=starts, duration_ms=activity.duration_ms, dt_ms=activity.dt_ms,
        )  # fmt: skip
        np.testing.assert_array_equal(
            again.counts(activity.n_trials), spikes.counts(activity.n_trials)
        )
        for trial in range(activity.n_trials):
            for one, other in zip(again.trains(trial), spikes.trains(trial), strict=True):
                np.testing.assert_allclose(one, other, atol=2e-6)


def test_a_state_has_nan_between_trials_and_comes_back() -> None:
    activity = small_activity()
    state, steps = activity.states["excitatory.v_mv"], steps_per_trial(activity)
    joined = session_state(state, steps)
    assert np.isnan(joined).all(1).sum() == (len(state) - 1) * (steps - state.shape[1])
    np.testing.assert_array_equal(split_state(joined, steps, state.shape), state)
