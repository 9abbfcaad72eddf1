"""In which steps of its time grid an activity's states were recorded."""

from __future__ import annotations

from typing import Protocol

from spikelearn._time_steps import nearest_step


class Recorded(Protocol):
    """What of an activity says so."""

    @property
    def dt_ms(self) -> float: ...
    @property
    def states_every_ms(self) -> float | None: ...
    @property
    def states_first_ms(self) -> float: ...


def state_steps(activity: Recorded) -> tuple[int, int]:
    """Steps from one record of the states to the next, and the step of the first."""
    every_ms, dt_ms = activity.states_every_ms, activity.dt_ms
    if every_ms is None or not dt_ms > 0:
        return 1, 0
    return max(1, nearest_step(every_ms, dt_ms)), nearest_step(activity.states_first_ms, dt_ms)
