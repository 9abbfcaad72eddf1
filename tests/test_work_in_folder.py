"""Work whose results lie in a folder: the same whether a worker sees the folder or sends them."""

from __future__ import annotations

import contextlib
import warnings
from pathlib import Path

import pytest

from spikelearn import _work_in_folder
from spikelearn._atomic import WriteError
from spikelearn._errors import SpikelearnError
from spikelearn._files import read_yaml, write_yaml
from spikelearn._store import MADE, new_result
from spikelearn._work_in_folder import Failed, _InFolder, outcomes_in, to_send, write_sent
from spikelearn._workers import LostTask, Workers


class _OddWarning(UserWarning):
    pass


def _result(task, folder):
    """A result in a folder, a file beside it, a warning, or an error."""
    if task == "wrong":
        raise SpikelearnError("no such thing")
    if task == "odd":
        raise ZeroDivisionError("by nothing")
    if task == "full":
        raise WriteError("no room")
    warnings.warn(f"{task} is small", _OddWarning, stacklevel=1)
    warnings.warn("of a library", DeprecationWarning, stacklevel=1)
    with new_result(folder / "results" / task, {"task": task}) as place:
        (place / "code").mkdir()
        write_yaml(place / "code" / "value.yaml", {"value": len(task)})
    (folder / f".{task}.checkpoint").write_text(task)
    return len(task)


def _files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != MADE  # which tells the day
    }


@pytest.fixture
def seen_by_all(tmp_path):
    """What a process of its own writes."""
    with warnings.catch_warnings(action="ignore"):
        found = dict(outcomes_in(tmp_path / "alone", _result, ["ab", "abc"], Workers()))
    assert found == {"ab": 2, "abc": 3}
    return _files(tmp_path / "alone")


def test_what_is_raised_is_an_outcome_and_stops_no_other(tmp_path, recwarn):
    found = dict(outcomes_in(tmp_path, _result, ["wrong", "ab", "odd", "full"], Workers()))
    assert found["ab"] == 2
    assert found["wrong"] == Failed("no such thing")
    assert found["odd"].sentence.startswith("_result raised ZeroDivisionError: by nothing at ")
    assert not found["odd"].passing
    assert found["full"] == Failed("no room", passing=True)

    def interrupted(task, folder):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(outcomes_in(tmp_path, interrupted, ["ab"], Workers()))


def test_without_a_folder_work_is_told_so():
    assert list(outcomes_in(None, lambda task, folder: (task, folder), [1], Workers())) == [
        (1, (1, None))
    ]


def test_a_worker_that_does_not_see_the_folder_sends_what_it_wrote(tmp_path, seen_by_all):
    folder = tmp_path / "mine"
    with _work_in_folder.seen(folder, by_others=True) as token:
        (sent,) = (_InFolder(_result, folder, token, alone=False)(task) for task in ["ab"])
        assert sent.files == {}
        assert sent.notes == ((_OddWarning, "ab is small"),)
        (folder / token).rmdir()
        unseen = _InFolder(_result, folder, token, alone=False)("abc")
    assert not list(folder.glob(".seen.*"))
    assert set(unseen.files) == {"results/abc", ".abc.checkpoint"}
    assert not (folder / "results" / "abc").exists()
    for place, content in unseen.files.items():
        write_sent(folder / place, content)
    assert _files(folder) == seen_by_all
    assert to_send(folder) == to_send(folder)
    value = folder / "results" / "abc" / "code" / "value.yaml"
    assert read_yaml(value) == {"value": 3}


def test_a_worker_that_died_again_and_again_is_a_failure(tmp_path, monkeypatch):
    def lossy(function, tasks, *others):
        yield from ((task, LostTask()) for task in tasks)

    monkeypatch.setattr(_work_in_folder, "outcomes", lossy)
    ((_, failed),) = outcomes_in(tmp_path, _result, ["ab"], Workers())
    assert "workers died one after another" in failed.sentence


def test_two_processes_give_the_same_whether_they_see_the_folder_or_not(
    tmp_path, seen_by_all, monkeypatch
):
    monkeypatch.setattr(_work_in_folder, "elsewhere", lambda workers: True)
    monkeypatch.setattr(_work_in_folder, "seen", lambda *_: contextlib.nullcontext("no token"))
    folder = tmp_path / "two"
    with pytest.warns(_OddWarning) as told:
        found = dict(outcomes_in(folder, _result, ["ab", "wrong", "abc"], Workers(2)))
    assert sorted(str(one.message) for one in told) == ["ab is small", "abc is small"]
    assert (found["ab"], found["abc"]) == (2, 3)
    assert found["wrong"] == Failed("no such thing")
    assert _files(folder) == seen_by_all
