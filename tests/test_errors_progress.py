"""Errors are one family; progress is shown on the error stream."""

from __future__ import annotations

import pytest
from rich.progress import Progress

from spikelearn import DataUnavailableError, SpikelearnError, UnsupportedFeatureError, _compiling
from spikelearn._progress import COMPILING, progress_bars


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


def test_bars_say_that_code_is_compiled_and_then_again_what_is_done(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shown = []
    update = Progress.update

    def updated(self: Progress, *args: object, **fields: object) -> None:
        shown.append(fields["words"])
        update(self, *args, **fields)  # type: ignore[arg-type]

    monkeypatch.setattr(Progress, "update", updated)

    @_compiling.compiled()
    def half(x: float) -> float:
        return x / 2

    with progress_bars() as bar:
        say = bar("simulating")
        say(0.0, "making the network")
        half(3.0)
        say(0.5, "at it")
    assert shown == ["making the network", COMPILING, "making the network", "at it"]
