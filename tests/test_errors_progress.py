"""Errors are one family; progress is shown on the error stream."""

from __future__ import annotations

import pytest

from spikelearn import DataUnavailableError, SpikelearnError, UnsupportedFeatureError
from spikelearn._progress import progress_bars


def test_every_error_of_ours_is_caught_as_one() -> None:
    for kind in (SpikelearnError, DataUnavailableError, UnsupportedFeatureError):
        with pytest.raises(SpikelearnError):
            raise kind("a sentence")
    assert issubclass(SpikelearnError, ValueError)


def test_bars_say_their_titles_and_words_and_leave_the_output_alone(
    capfd: pytest.CaptureFixture[str],
) -> None:
    with progress_bars() as bar:
        say = bar("comparing")
        say(0.5, "half of it")
        say(1.5, "done")
    out, err = capfd.readouterr()
    assert out == ""
    assert "comparing" in err
    assert "100%" in err
