"""Errors are one family; progress is shown on the error stream."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from rich.progress import Progress

from spikelearn import DataUnavailableError, SpikelearnError, UnsupportedFeatureError, _compiling
from spikelearn import _progress as progress_module
from spikelearn._progress import COMPILING, progress_bars, progress_of_call, without_progress


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
    with progress_bars():  # and nothing begins, as where what was asked for is wrong
        pass
    assert capfd.readouterr() == ("", "")


def test_bars_say_that_code_is_compiled_and_then_again_what_is_done(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SPIKELEARN_CACHE", str(tmp_path))  # where an earlier run left nothing
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


@pytest.fixture
def bars(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Titles of the bars that are shown, as at a terminal, where every call lasts long."""
    titles: list[str] = []

    @contextlib.contextmanager
    def shown(transient: bool = False) -> Iterator[Callable[[str], Callable[..., None]]]:
        def add(title: str) -> Callable[..., None]:
            titles.append(title)
            return lambda fraction, words: None

        yield add
        titles.append("gone" if transient else "stays")

    monkeypatch.setattr(progress_module, "_bars", shown)
    monkeypatch.setattr(progress_module, "_is_watched", lambda: True)
    monkeypatch.setattr(progress_module, "LATER_S", -1.0)
    return titles


def test_a_long_call_shows_a_bar_by_itself_and_takes_it_away(bars: list[str]) -> None:
    with progress_of_call(None, "comparing") as say:
        assert say is not None
        say(0.3)
        say(0.5, "half")
        for asked in (None, True):
            with progress_of_call(asked, "within") as inner:
                assert inner is None
    assert bars == ["comparing", "gone"]
    with progress_of_call(True, "again") as say:
        assert say is not None
        say(1.0, "done at once")
    assert len(bars) == 2


def test_what_is_silenced_or_short_shows_none(
    bars: list[str], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    told: list[float] = []
    with progress_of_call(told.append, "own") as say:
        assert say == told.append
        with progress_of_call(None, "within") as inner:
            assert inner is None
    with progress_of_call(False, "none") as say:
        assert say is not None
        say(0.5, "nothing is shown")
    for block in (without_progress, progress_bars):
        with block(), progress_of_call(None, "quiet") as say:
            assert say is None
    bars.clear()
    monkeypatch.setattr(progress_module, "LATER_S", 1e9)
    with progress_of_call(None, "short") as say:
        assert say is not None
        say(0.3)
    assert bars == []
    assert capfd.readouterr().err == ""


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> None:
    """As at a terminal, where every call lasts long."""
    monkeypatch.setattr(progress_module, "_is_watched", lambda: True)
    monkeypatch.setattr(progress_module, "LATER_S", -1.0)


@pytest.mark.usefixtures("watched")
def test_a_bar_of_the_user_goes_on(capfd: pytest.CaptureFixture[str]) -> None:
    with Progress() as own, progress_of_call(None, "ours") as say:
        own.add_task("theirs", total=1)
        assert say is not None
        say(0.5, "half")
    assert "ours" not in capfd.readouterr().err


def test_nobody_watches_a_worker_or_a_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    with progress_of_call(None, "piped") as say:
        assert say is None
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    assert progress_module._is_watched()
    monkeypatch.setattr("multiprocessing.parent_process", lambda: "a process")
    assert not progress_module._is_watched()


@pytest.mark.parametrize("widgets", [True, False])
def test_a_notebook_shows_bars_where_it_has_what_draws_them(
    widgets: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell = SimpleNamespace(get_ipython=lambda: SimpleNamespace(kernel="a kernel"))
    monkeypatch.setitem(sys.modules, "IPython", shell)
    monkeypatch.setattr("sys.stderr.isatty", lambda: False, raising=False)
    found = SimpleNamespace() if widgets else None
    monkeypatch.setattr("importlib.util.find_spec", lambda name: found)
    assert progress_module._is_watched() is widgets


@pytest.mark.parametrize("given", [3, "yes", [], 0.5])
def test_what_is_no_function_is_refused(given: object) -> None:
    with (
        pytest.raises(SpikelearnError, match=r"progress is a function, or False for no bar"),
        progress_of_call(given, "x"),
    ):
        pass
