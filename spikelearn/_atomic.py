"""Files and folders that are there whole, or as they were before.

Both are made under a hidden name beside their own and renamed. The hidden name holds the process's
number: what a process that was killed has left is found by the next that writes into the same
folder. What was half-written is removed; a folder that was moved aside, and that nothing had taken
the place of yet, is put back. A process that works on a result for long leaves such a name beside
it, too, by which others know.
"""

from __future__ import annotations

import contextlib
import errno
import io
import os
import re
import secrets
import shutil
import socket
from collections.abc import Callable, Iterator
from glob import escape
from pathlib import Path

from spikelearn._errors import SpikelearnError

# Less room than this, in bytes, and it was the full disk that made a writer fail.
_FULL = 1_000_000
_FULL_ERRORS = (errno.ENOSPC, errno.EDQUOT)
_WORK = "work"  # the kind of hidden folders that say who works on a path
_looked_into: set[Path] = set()
_making: set[Path] = set()  # hidden folders of this process
_watched: list[list[tuple[Path, Path]]] = []  # files that get their names, of `placed_files`


class WriteError(SpikelearnError):
    """What was to be written could not be; what was there before is as it was."""


@contextlib.contextmanager
def atomic_path(path: str | Path, durable: bool = False) -> Iterator[Path]:
    """Yield a temporary path beside `path`; rename it onto `path` if the block succeeds.

    The temporary name keeps the suffix, because several writers choose their format by it. If the
    block fails or is interrupted, nothing is left behind and an earlier `path` stays as it was.

    Parameters
    ----------
    path : str or Path
    durable : bool
        Whether to wait until the file is on the disk: for what must outlive a failure of power.

    Raises
    ------
    WriteError
        If the disk is full, or `path` is a folder.
    """
    path = Path(path)
    check_place(path)
    # A private folder rather than a private name: some writers put side files beside theirs.
    folder = _private(path)
    try:
        _make(folder, path)
        temporary = folder / path.name
        with _told_if_full(path):
            yield temporary
            _as_usual(temporary)
            if durable:
                _to_disk(temporary)
            _place(temporary, path)
    finally:
        _put_away(folder)


def _place(temporary: Path, path: Path) -> None:
    """Give a whole file its name, and note it before: a signal can come as soon as it has it."""
    for watched in _watched:
        watched.append((temporary, path))
    try:
        os.replace(temporary, path)
    except OSError:
        for watched in _watched:
            watched.remove((temporary, path))
        raise


@contextlib.contextmanager
def placed_files() -> Iterator[Callable[[], list[Path]]]:
    """Yield what tells which files have got their names within the block, at any moment of it."""
    mine: list[tuple[Path, Path]] = []
    _watched.append(mine)
    try:
        yield lambda: [path for temporary, path in mine if not temporary.exists()]
    finally:
        _watched[:] = [watched for watched in _watched if watched is not mine]


@contextlib.contextmanager
def atomic_folder(path: str | Path, durable: bool = False) -> Iterator[Path]:
    """Yield a temporary folder beside `path`; rename it to `path` if the block succeeds.

    Parameters
    ----------
    path : str or Path
    durable : bool
        As of `atomic_path`, for every file in it.

    Raises
    ------
    WriteError
        If the disk is full, or `path` is a file.
    """
    path = Path(path)
    check_folder(path)
    folder, aside = _private(path), _private(path, "old")
    try:
        _make(folder, path)
        _make(aside, path)
        with _told_if_full(path):
            yield folder
            for inside in [folder, *folder.rglob("*")]:
                _as_usual(inside)
                if durable and inside.is_file():
                    _to_disk(inside)
            check_folder(path)  # a file can have come in the meantime
            if path.exists():
                os.replace(path, aside / path.name)
            os.replace(folder, path)
    finally:
        _put_away(aside)
        _put_away(folder)


@contextlib.contextmanager
def hidden_folder(path: Path) -> Iterator[Path]:
    """Yield a hidden folder beside `path` for a time; nothing is ever put at `path` itself.

    That of a process that was killed is removed by the next that writes into the same folder.

    Parameters
    ----------
    path : Path
    """
    folder = _private(path)
    try:
        _make(folder, path)
        yield folder
    finally:
        _put_away(folder)


def _private(path: Path, kind: str = "tmp") -> Path:
    """The name of a hidden folder of our own beside `path`.

    It is known, and put away, before there is such a folder: a signal can come at any time.
    """
    prefix = f".{path.name[:100]}.{kind}-{_host()}-{os.getpid()}-"
    folder = path.parent / f"{prefix}{secrets.token_hex(4)}"
    _making.add(folder)
    return folder


def _make(folder: Path, path: Path) -> None:
    """Make a hidden folder for `path`, when those of killed processes are gone."""
    try:
        make_folder(path.parent)
        remove_leftovers(path.parent)
        folder.mkdir(mode=0o700)
    except OSError as error:
        if error.errno in _FULL_ERRORS:
            raise no_room(path) from error
        # Of the file that was asked for; nobody knows the hidden one.
        raise OSError(error.errno, error.strerror, str(path)) from error


def _put_away(folder: Path) -> None:
    """Remove a hidden folder; what was moved aside into it is put back, if nothing took its place.

    Parameters
    ----------
    folder : Path
        Which may be gone.
    """
    if f".old-{_host()}-" in folder.name and folder.is_dir():
        for whole in folder.iterdir():
            if not (folder.parent / whole.name).exists():
                os.replace(whole, folder.parent / whole.name)
    shutil.rmtree(folder, ignore_errors=True)
    _making.discard(folder)


@contextlib.contextmanager
def worked_on(path: Path) -> Iterator[None]:
    """Within the block, other processes can tell that this one works on `path`; see `workers_on`.

    Raises
    ------
    WriteError
        If the disk is full, or nothing can be written beside `path`.
    """
    folder = _private(path, _WORK)
    try:
        _make(folder, path)
        yield
    finally:
        _put_away(folder)


def workers_on(path: Path) -> list[str]:
    """The processes that work on `path`, in words; none of this machine that have ended.

    Of another machine it cannot be told from here whether a process runs still.
    """
    found = []
    for mark in sorted(path.parent.glob(f".{escape(path.name[:100])}.{_WORK}-*")):
        host, _, rest = mark.name.rpartition(f".{_WORK}-")[2].partition("-")
        number = rest.partition("-")[0]
        if host != _host():
            found.append(f"process {number} of the machine {host} (its mark is {mark.name})")
        elif number.isdigit() and _runs(int(number)):
            found.append(f"process {number}")
    return found


def _runs(number: int) -> bool:
    import psutil

    return bool(psutil.pid_exists(number))


def discard(path: Path) -> None:
    """Remove a file or folder: for whoever looks, it is there whole, or gone.

    What a kill leaves of it under a hidden name is removed by the next process that writes beside.

    Raises
    ------
    WriteError
        If it cannot be removed.
    """
    folder = _private(path)
    try:
        folder.mkdir(mode=0o700)
        os.replace(path, folder / path.name)
    except OSError as error:
        raise WriteError(f"cannot remove {path}: {error.strerror or error}") from error
    finally:
        _put_away(folder)
    if folder.exists():
        raise WriteError(f"cannot remove all of {path}; what is left is in {folder}")


def put_away(left: Path) -> None:
    """Remove what a killed process has left; what it had moved aside is put back."""
    _put_away(left)


def put_away_all() -> None:
    """Put away every hidden folder of this process, when a signal has ended its work.

    Those that a second signal, or one that came while they were put away, has left.
    """
    ours = [f for f in _making if f"-{_host()}-{os.getpid()}-" in f.name]  # a parent's are not
    for folder in sorted(ours, key=lambda f: ".old-" not in f.name):
        _put_away(folder)


def make_folder(folder: Path) -> None:
    """Make a folder, and those that it lies in, where they are not there yet.

    Raises
    ------
    WriteError
        Naming what is in the way.
    """
    check_folder(folder)
    folder.mkdir(parents=True, exist_ok=True)


def check_place(path: Path) -> None:
    """Refuse a path that nothing can be written to, before long work is done for it.

    Raises
    ------
    WriteError
        If it lies below a file, or is a folder.
    """
    if path.is_dir():
        raise WriteError(f"cannot write {path}: there is a folder of that name")
    _check_above(path)


def check_folder(path: Path) -> None:
    """Refuse a path that no folder can be made at, or written into, before long work is done.

    Raises
    ------
    WriteError
        If it is a file, or lies below one.
    """
    if os.path.lexists(path) and not path.is_dir():
        raise WriteError(f"cannot write {path}: it is {_no_folder(path)}, not a folder")
    _check_above(path)


def _check_above(path: Path) -> None:
    for above in path.parents:
        if os.path.lexists(above) and not above.is_dir():
            raise WriteError(f"cannot write {path}: {above} is {_no_folder(above)}, not a folder")


def _no_folder(path: Path) -> str:
    return "a file" if path.exists() else "a link to nothing"


def _host() -> str:
    return re.sub(r"\W", "", socket.gethostname())[:40]


def remove_leftovers(folder: Path) -> list[Path]:
    """Remove what killed processes of this machine have left in a folder; once a process.

    Returns
    -------
    list of Path
        What was removed.
    """
    here = folder.resolve()
    if here in _looked_into:
        return []
    _looked_into.add(here)
    removed = []
    with contextlib.suppress(OSError):
        # What was moved aside first: it may be all there is of a result.
        for left in leftovers(folder):
            _put_away(left)
            removed.append(left)
    return removed


def leftovers(folder: Path) -> list[Path]:
    """What killed processes of this machine have left in a folder.

    First what was moved aside, which is put back where nothing has taken its place.
    """
    return [left for kind in ("old", "tmp", _WORK) for left in _left(folder, kind)]


def _left(folder: Path, kind: str) -> list[Path]:
    """Hidden folders of a kind whose process does not run any more."""
    found = []
    for left in folder.glob(f".*.{kind}-{_host()}-*"):
        number = left.name.rpartition(f".{kind}-{_host()}-")[2].split("-")[0]
        if number.isdigit() and not _runs(int(number)):
            found.append(left)
    return found


def _as_usual(path: Path) -> None:
    """The permissions that a new file or folder gets, which private ones and some writers lack."""
    if path.is_symlink() or not path.exists():
        return
    if path.is_dir():
        example = path / ".permissions"
        example.mkdir()
        path.chmod(example.stat().st_mode & 0o777)
        example.rmdir()
        return
    example = path.with_name(".permissions")
    example.touch()
    path.chmod(example.stat().st_mode & 0o777)
    example.unlink()


def _to_disk(path: Path) -> None:
    if path.is_file():
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@contextlib.contextmanager
def _told_if_full(path: Path) -> Iterator[None]:
    """One sentence where the disk is full, whatever a library's writer makes of it."""
    try:
        yield
    except Exception as error:
        if isinstance(error, WriteError) or not _is_full(error, path.parent):
            raise
        raise no_room(path) from error


def no_room(path: Path) -> WriteError:
    """The error where the disk of `path` is full."""
    return WriteError(
        f"cannot write {path}: there is no room left on its disk; nothing of it is written"
    )


def check_room(path: Path, needed: float) -> None:
    """Refuse to write what its disk does not hold, for libraries that do not bear a full one.

    Parameters
    ----------
    path : Path
    needed : float
        Bytes of the file, about.

    Raises
    ------
    WriteError
    """
    there = next(folder for folder in path.absolute().parents if folder.is_dir())
    with contextlib.suppress(OSError):
        if shutil.disk_usage(there).free < needed:
            raise no_room(path)


@contextlib.contextmanager
def by_way_of_memory(path: Path) -> Iterator[io.BytesIO]:
    """Yield a file in memory, which is written to `path` if the block succeeds.

    HDF5's library ends the whole process, without a word, where the disk is full while it writes.
    """
    buffer = io.BytesIO()
    yield buffer
    path.write_bytes(buffer.getbuffer())


def _is_full(error: Exception, folder: Path) -> bool:
    if isinstance(error, OSError) and error.errno in _FULL_ERRORS:
        return True
    words = str(error)
    if "No space left" in words or "os error 28" in words or "quota exceeded" in words:
        return True
    # An error of the user's own is none of the disk's, however full that is.
    if isinstance(error, SpikelearnError):
        return False
    try:
        return shutil.disk_usage(folder).free < _FULL
    except OSError:
        return False
