"""Units of several sessions: the same by name, and never by position."""

from __future__ import annotations

import numpy as np

from spikelearn.recordings.sessions import joined_sessions, session_notes
from tests.recordings.examples import recorded_responses


def two_days(n_first: int = 3, n_second: int = 3) -> list[np.ndarray]:
    random = np.random.default_rng(0)
    return [random.normal(size=(4, 2, n_first)), random.normal(size=(4, 3, n_second))]


def test_units_of_one_name_have_the_repeats_of_both_sessions() -> None:
    monday, tuesday = two_days()
    values, names = joined_sessions(
        [monday, tuesday], [("x", "y", "z"), ("z", "x", "y")], ["mon", "tue"]
    )
    assert names == ("x", "y", "z")
    np.testing.assert_array_equal(values[:, :2], monday)
    np.testing.assert_array_equal(values[:, 2:], tuesday[:, :, [1, 2, 0]])


def test_other_units_stand_side_by_side_with_their_own_repeats() -> None:
    monday, tuesday = two_days()
    values, names = joined_sessions(
        [monday, tuesday], [("x", "y", "z"), ("z", "p", "q")], ["mon", "tue"]
    )
    assert names == ("x", "y", "z", "p", "q")
    assert values.shape == (4, 5, 5)
    np.testing.assert_array_equal(values[:, :2, :3], monday)
    np.testing.assert_array_equal(values[:, 2:, 2], tuesday[:, :, 0])
    np.testing.assert_array_equal(values[:, :3, 3:], tuesday[:, :, 1:])
    assert np.isnan(values[:, 2:, :2]).all()
    assert np.isnan(values[:, 3:, 3:]).all()


def test_units_that_are_only_numbered_are_each_sessions_own() -> None:
    days = two_days(3, 4)
    values, names = joined_sessions(days, [range(3), range(4)], ["mon", "tue"])  # type: ignore[list-item]
    assert names == ("mon:0", "mon:1", "mon:2", "tue:0", "tue:1", "tue:2", "tue:3")
    assert values.shape == (4, 3, 7)
    _, names = joined_sessions(two_days(), [("0", "1", "2"), ("x", "y", "z")], ["", ""])
    assert names == ("0:0", "0:1", "0:2", "1:x", "1:y", "1:z")


def test_a_single_session_is_as_it_is() -> None:
    monday = two_days()[0]
    values, names = joined_sessions([monday], [("0", "1", "2")], [""])
    assert values is monday
    assert names == ("0", "1", "2")


def test_how_sessions_are_joined_is_said() -> None:
    def said(*names: tuple[str, ...]) -> list[str]:
        return session_notes(
            recorded_responses(session=str(i), unit_names=its) for i, its in enumerate(names)
        )

    one = tuple("vwxyz")
    assert said(one) == []
    (same,) = said(one, one[::-1])
    assert "taken as the same 5 units" in same
    (other,) = said(one, tuple("abcde"))
    assert "other units each: 10 stand side by side" in other
    (some,) = said(one, tuple("yzabc"))
    assert "2 names of units in common" in some
    assert "8 in all" in some
    (numbered,) = said((), ())
    assert "numbered, not named" in numbered
    assert "10 side by side" in numbered
