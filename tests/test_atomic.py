"""Files and folders are there whole or as they were; nothing of killed processes stays."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from spikelearn import _atomic
from spikelearn._atomic import (
    WriteError,
    atomic_folder,
    atomic_path,
    by_way_of_memory,
    check_folder,
    leftovers,
    make_folder,
    placed_files,
    remove_leftovers,
    worked_on,
    workers_on,
)
from spikelearn._errors import SpikelearnError

FAILURES: list[type[BaseException]] = [RuntimeError, KeyboardInterrupt, SystemExit, OSError]


def fail_while_writing(
    make: Callable[[Path], AbstractContextManager[Path]], path: Path, failure: type[BaseException]
) -> None:
    """Write something, then fail."""
    with make(path) as temporary:
        target = temporary / "file" if temporary.is_dir() else temporary
        target.write_text("half")
        raise failure


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("make", [atomic_path, atomic_folder])
def test_a_failed_write_leaves_nothing(
    make: Callable[[Path], AbstractContextManager[Path]],
    failure: type[BaseException],
    tmp_path: Path,
) -> None:
    with pytest.raises(failure):
        fail_while_writing(make, tmp_path / "result.nwb", failure)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("what", ["file", "link to a file", "link to nothing"])
def test_a_folder_takes_the_place_of_no_file(what: str, tmp_path: Path) -> None:
    place, kept = tmp_path / "thesis.txt", tmp_path / "kept"
    if what != "link to nothing":
        kept.write_text("precious")
    if what == "file":
        kept.rename(place)
    else:
        place.symlink_to(kept)
    there = sorted(tmp_path.iterdir())
    begun = []
    said = r"thesis\.txt: it is a (file|link to nothing), not a folder"
    with pytest.raises(WriteError, match=said), atomic_folder(place):
        begun.append("work")
    for check in (check_folder, make_folder):
        with pytest.raises(WriteError, match=said):
            check(place)
    with pytest.raises(WriteError, match=r"thesis\.txt is a (file|link to nothing), not a folder"):
        check_folder(place / "below")
    assert (begun, sorted(tmp_path.iterdir())) == ([], there)
    assert what == "link to nothing" or place.read_text() == "precious"


def test_a_file_that_came_while_a_folder_was_made_stays(tmp_path: Path) -> None:
    place = tmp_path / "thesis.txt"
    with pytest.raises(WriteError, match="it is a file"), atomic_folder(place):
        place.write_text("precious")
    assert place.read_text() == "precious"
    assert list(tmp_path.iterdir()) == [place]


def test_a_file_takes_the_place_of_no_folder(tmp_path: Path) -> None:
    place, begun = tmp_path / "results", []
    place.mkdir()
    said = "results: there is a folder of that name"
    with pytest.raises(WriteError, match=said), atomic_path(place):
        begun.append("work")
    assert (begun, list(tmp_path.iterdir())) == ([], [place])


@pytest.mark.parametrize("failure", FAILURES)
def test_a_failed_write_leaves_the_earlier_file_or_folder_as_it_was(
    failure: type[BaseException], tmp_path: Path
) -> None:
    file, folder = tmp_path / "file.txt", tmp_path / "folder"
    file.write_text("earlier")
    folder.mkdir()
    (folder / "inside").write_text("earlier")
    with pytest.raises(failure):
        fail_while_writing(atomic_path, file, failure)
    with pytest.raises(failure):
        fail_while_writing(atomic_folder, folder, failure)
    assert file.read_text() == "earlier"
    assert [p.name for p in folder.iterdir()] == ["inside"]
    assert (folder / "inside").read_text() == "earlier"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file.txt", "folder"]


def test_the_final_name_appears_with_the_whole_content(tmp_path: Path) -> None:
    path = tmp_path / "new" / "deep" / "spikes.nwb"
    with atomic_path(path) as temporary:
        assert temporary.suffix == ".nwb"  # some writers choose the format by it
        assert temporary.parent.parent == path.parent  # renaming across file systems would copy
        temporary.write_text("whole")
        (temporary.parent / "side file").write_text("of the writer")
        assert not path.exists()
    assert path.read_text() == "whole"
    assert [p.name for p in path.parent.iterdir()] == ["spikes.nwb"]
    with atomic_path(path) as temporary:
        temporary.write_text("replaced")
        assert path.read_text() == "whole"
    assert path.read_text() == "replaced"


def test_a_folder_appears_whole_and_can_be_read_by_others(tmp_path: Path) -> None:
    path = tmp_path / "runs" / "demo"
    with atomic_folder(path) as temporary:
        (temporary / "a").write_text("1")
        assert not path.exists()
    assert [p.name for p in path.iterdir()] == ["a"]
    assert path.stat().st_mode & 0o777 == 0o755
    with atomic_folder(path) as temporary:
        (temporary / "b").write_text("2")
    assert [p.name for p in path.iterdir()] == ["b"]
    assert [p.name for p in path.parent.iterdir()] == ["demo"]


@pytest.mark.parametrize("interrupted", [1, 2])
def test_replacing_a_folder_interrupted_midway_leaves_the_old_one_or_the_new_one(
    interrupted: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "run"
    path.mkdir()
    (path / "content").write_text("old")
    replace, calls = os.replace, 0

    def interrupt(source: Any, target: Any) -> None:
        nonlocal calls
        calls += 1
        if calls == interrupted:
            raise KeyboardInterrupt
        replace(source, target)

    monkeypatch.setattr(os, "replace", interrupt)
    with contextlib.suppress(KeyboardInterrupt), atomic_folder(path) as temporary:
        (temporary / "content").write_text("new")
    assert (path / "content").read_text() in ("old", "new")
    assert [p.name for p in tmp_path.iterdir()] == ["run"]


@pytest.mark.parametrize("make", [atomic_path, atomic_folder])
@pytest.mark.parametrize("moment", ["mkdir", "put away"])
def test_an_interrupt_as_soon_as_a_hidden_folder_is_made_or_goes_leaves_none(
    make: Callable[[Path], AbstractContextManager[Path]],
    moment: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with make(tmp_path / "result") as temporary:
        ((temporary / "file") if temporary.is_dir() else temporary).write_text("old")
    mkdir, put_away = Path.mkdir, _atomic._put_away

    def made(folder: Path, *given: Any, **named: Any) -> None:
        mkdir(folder, *given, **named)
        if folder.name.startswith(".result"):
            raise KeyboardInterrupt

    def interrupted(folder: Path) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, contextlib.suppress(KeyboardInterrupt):
        if moment == "mkdir":
            patched.setattr(Path, "mkdir", made)
        else:
            patched.setattr(_atomic, "_put_away", interrupted)
        fail_while_writing(make, tmp_path / "result", RuntimeError)
    assert put_away is _atomic._put_away
    _atomic.put_away_all()
    assert [p.name for p in tmp_path.iterdir()] == ["result"]


@contextlib.contextmanager
def umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


@pytest.mark.parametrize("mask", [0o022, 0o077, 0o002])
def test_permissions_are_those_of_any_new_file_whoever_writes_it(mask: int, tmp_path: Path) -> None:
    def write(path: Path) -> None:  # as safetensors has it, for itself alone
        path.write_text("1")
        path.chmod(0o600)

    with umask(mask):
        with atomic_path(tmp_path / "file") as temporary:
            write(temporary)
        with atomic_folder(tmp_path / "run") as temporary:
            (temporary / "inner").mkdir(mode=0o700)
            write(temporary / "weights")
            write(temporary / "inner" / "table")
    modes = {p.name: p.stat().st_mode & 0o777 for p in tmp_path.rglob("*")}
    assert modes == {
        "file": 0o666 & ~mask, "run": 0o777 & ~mask, "inner": 0o777 & ~mask,
        "weights": 0o666 & ~mask, "table": 0o666 & ~mask,
    }  # fmt: skip


_KILLED = """
import sys
from spikelearn._atomic import atomic_folder, atomic_path
with atomic_path(sys.argv[1] + "/a.npz") as one, atomic_folder(sys.argv[1] + "/run") as two:
    one.write_text("half")
    (two / "weights").write_text("half")
    print("writing", flush=True)
    sys.stdin.read()
"""


@pytest.mark.skipif(os.name != "posix", reason="needs a signal that cannot be caught")
def test_what_a_killed_process_left_is_removed_and_what_a_running_one_writes_is_not(
    tmp_path: Path,
) -> None:
    def writing() -> subprocess.Popen[str]:
        child = subprocess.Popen(
            [sys.executable, "-c", _KILLED, str(tmp_path)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert child.stdout is not None
        assert child.stdout.readline() == "writing\n"
        return child

    killed = writing()
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    of_killed = set(tmp_path.iterdir())
    assert len(of_killed) == 3
    running = writing()
    removed = remove_leftovers(tmp_path) or of_killed  # by the one that runs, if it was first
    assert set(removed) == of_killed
    assert len(list(tmp_path.iterdir())) == 3
    running.communicate("")
    assert running.returncode == 0
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.npz", "run"]


def test_folders_of_others_that_look_alike_stay(tmp_path: Path) -> None:
    names = [".run.tmp-elsewhere-1-abc", ".hidden", f".run.tmp-{_atomic._host()}-{os.getpid()}-a"]
    for name in names:
        (tmp_path / name).mkdir()
    assert remove_leftovers(tmp_path) == []
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(names)


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        OSError(errno.EDQUOT, "Disk quota exceeded"),
        RuntimeError("Error while serializing: I/O error: No space left on device (os error 28)"),
    ],
)
@pytest.mark.parametrize("make", [atomic_path, atomic_folder])
def test_a_full_disk_is_one_sentence_whatever_library_writes(
    make: Callable[[Path], AbstractContextManager[Path]], error: Exception, tmp_path: Path
) -> None:
    with (
        pytest.raises(WriteError, match=r"cannot write .*result.*no room left") as caught,
        make(tmp_path / "result"),
    ):
        raise error
    assert caught.value.__cause__ is error
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("make", [atomic_path, atomic_folder])
def test_a_place_that_cannot_be_written_to_is_told_by_the_name_that_was_asked_for(
    make: Callable[[Path], AbstractContextManager[Path]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refused(*given: object, **named: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", "hidden")

    monkeypatch.setattr(Path, "mkdir", refused)
    with pytest.raises(PermissionError) as caught, make(tmp_path / "result"):
        pass
    assert caught.value.filename == str(tmp_path / "result")

    def full(*given: object, **named: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "hidden")

    monkeypatch.setattr(Path, "mkdir", full)
    with pytest.raises(WriteError, match="no room left"), make(tmp_path / "result"):
        pass


def test_an_error_that_says_nothing_is_of_the_disk_where_that_is_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=0))
    with pytest.raises(WriteError), atomic_path(tmp_path / "a"):
        raise RuntimeError("HDF5 library failed")
    with pytest.raises(SpikelearnError, match="a mistake"), atomic_path(tmp_path / "a"):
        raise SpikelearnError("a mistake of the user's")


def test_what_is_to_last_is_on_the_disk_before_it_has_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced = []
    monkeypatch.setattr(os, "fsync", lambda descriptor: synced.append(os.fstat(descriptor).st_size))
    with atomic_path(tmp_path / "a") as temporary:
        temporary.write_text("1")
    assert synced == []
    with atomic_path(tmp_path / "a", durable=True) as temporary:
        temporary.write_text("12")
    with atomic_folder(tmp_path / "b", durable=True) as temporary:
        (temporary / "c").write_text("123")
    assert synced == [2, 3]


_KILLED_BETWEEN = """
import os, signal, sys
from spikelearn import _atomic
replace, calls = os.replace, 0
def once(source, target):
    global calls
    replace(source, target)
    calls += 1
    if calls == 1:  # the old result is aside, the new one has not its name yet
        os.kill(os.getpid(), signal.SIGKILL)
os.replace = once
with _atomic.atomic_folder(sys.argv[1] + "/run") as folder:
    (folder / "content").write_text("new")
"""


@pytest.mark.skipif(os.name != "posix", reason="needs a signal that cannot be caught")
def test_a_result_that_a_killed_process_had_moved_aside_is_put_back(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "content").write_text("old")
    killed = subprocess.run([sys.executable, "-c", _KILLED_BETWEEN, str(tmp_path)], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert not (tmp_path / "run").exists()
    remove_leftovers(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["run"]
    assert (tmp_path / "run" / "content").read_text() == "old"


def test_a_folder_is_looked_into_by_what_it_is_not_by_how_it_is_called(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dead = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"],
                          capture_output=True, text=True, check=True).stdout.strip()  # fmt: skip
    for name in ("one", "two"):
        (tmp_path / name / "runs" / f".a.tmp-{_atomic._host()}-{dead}-x").mkdir(parents=True)
        monkeypatch.chdir(tmp_path / name)
        assert len(remove_leftovers(Path("runs"))) == 1


def test_who_works_on_a_path_is_told_while_it_does(tmp_path: Path) -> None:
    path = tmp_path / "run [a*]"
    with worked_on(path):
        assert workers_on(path) == [f"process {os.getpid()}"]
        assert workers_on(tmp_path / "run [a*] b") == []
        assert leftovers(tmp_path) == []
    assert workers_on(path) == []
    assert list(tmp_path.iterdir()) == []


def test_a_mark_of_a_killed_process_says_nothing_and_one_of_another_machine_does(
    tmp_path: Path,
) -> None:
    path = tmp_path / "run"
    program = (
        "import os, pathlib, sys\n"
        "from spikelearn._atomic import worked_on\n"
        "with worked_on(pathlib.Path(sys.argv[1])):\n    os._exit(0)"
    )
    subprocess.run([sys.executable, "-c", program, str(path)], check=True)
    (left,) = tmp_path.iterdir()
    assert workers_on(path) == []
    assert leftovers(tmp_path) == [left]
    elsewhere = tmp_path / ".run.work-node7-12-ab"
    elsewhere.mkdir()
    assert workers_on(path) == [
        "process 12 of the machine node7 (its mark is .run.work-node7-12-ab)"
    ]
    assert remove_leftovers(tmp_path) == [left]
    assert list(tmp_path.iterdir()) == [elsewhere]


def test_files_that_get_their_names_are_told_at_any_moment(tmp_path: Path) -> None:
    with placed_files() as placed:
        with atomic_path(tmp_path / "a") as temporary:
            temporary.touch()
            assert placed() == []
        assert placed() == [tmp_path / "a"]
        with pytest.raises(FileNotFoundError), atomic_path(tmp_path / "b"):
            pass  # nothing was written
        with pytest.raises(RuntimeError):
            fail_while_writing(atomic_path, tmp_path / "c", RuntimeError)
        assert placed() == [tmp_path / "a"]


def test_files_are_told_of_to_whoever_watches_when_another_has_ended(tmp_path: Path) -> None:
    with placed_files() as placed:
        with placed_files():
            pass
        with atomic_path(tmp_path / "a") as temporary:
            temporary.touch()
        assert placed() == [tmp_path / "a"]


def test_what_goes_by_way_of_memory_is_written_at_the_end_or_not_at_all(tmp_path: Path) -> None:
    with by_way_of_memory(tmp_path / "a") as buffer:
        buffer.write(b"whole")
        assert not (tmp_path / "a").exists()
    assert (tmp_path / "a").read_bytes() == b"whole"
    with pytest.raises(ZeroDivisionError), by_way_of_memory(tmp_path / "b") as buffer:
        raise ZeroDivisionError
    assert not (tmp_path / "b").exists()
