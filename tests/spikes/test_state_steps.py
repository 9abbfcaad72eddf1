"""In which steps states were recorded: every one, every so many, or from a later one on."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from spikelearn.spikes.state_steps import state_steps


@pytest.mark.parametrize(
    ("every_ms", "first_ms", "dt_ms", "steps"),
    [
        (None, 0.0, 0.1, (1, 0)),
        (0.7, 0.0, 0.1, (7, 0)),  # 0.7 / 0.1 is 6.999...
        (1.0, 0.3, 0.1, (10, 3)),
        (0.1, 0.0, 0.1, (1, 0)),
        (2.0, 0.0, 0.0, (1, 0)),  # an activity without steps
    ],
)
def test_a_record_is_so_many_steps_after_the_one_before(every_ms, first_ms, dt_ms, steps) -> None:
    activity = SimpleNamespace(dt_ms=dt_ms, states_every_ms=every_ms, states_first_ms=first_ms)
    assert state_steps(activity) == steps
