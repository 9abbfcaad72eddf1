"""What can be removed of a folder of runs without losing a run of today's.

stale      complete runs that would be trained anew today: other format, code, data or model
damaged    runs and checkpoints that cannot be read, or were set aside
partial    checkpoints and learning curves of runs that are not complete, and that nobody makes now
leftover   what killed processes left: half-written files, checkpoints of runs that are complete

Never a run that would be read today, nor one that cannot be compared with today's; none that a
process works on, as far as that is known (of another machine it is never known that it does not);
nothing that lies outside the folder, to where a link leads, or that is no run.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from spikelearn import _store as store
from spikelearn._atomic import discard, leftovers, put_away, workers_on
from spikelearn._errors import SpikelearnError
from spikelearn.training.run_table import DAMAGED, PARTIAL, STALE, run_rows, unfinished
from spikelearn.training.stored_runs import CHECKPOINT

LEFTOVER = "leftover"
KINDS = (STALE, DAMAGED, PARTIAL, LEFTOVER)
# What is damaged may be mended by hand (a slip in a file): it goes only where it is named.
USUAL = (STALE, PARTIAL, LEFTOVER)


@dataclass(frozen=True)
class Prunable:
    """Something that can be removed.

    Attributes
    ----------
    kind : str
        One of `KINDS`.
    name : str
        Of the run, or of what was left.
    why : str
        In words.
    paths : tuple of Path
        What is removed.
    n_bytes : int
        How much that is.
    """

    kind: str
    name: str
    why: str
    paths: tuple[Path, ...]
    n_bytes: int


def prunable(folder: Path, kinds: Collection[str] = KINDS) -> list[Prunable]:
    """What can be removed in a folder of runs; nothing is.

    Raises
    ------
    SpikelearnError
        If it is no folder, or itself a run.
    """
    if not folder.is_dir():
        raise SpikelearnError(f"there is no folder {folder}")
    if store.is_complete(folder):
        raise SpikelearnError(f"{folder} is a run; name the folder that it lies in")
    found = [*_runs(folder), *_beside(folder), *_left(folder)]
    return [one for one in found if one.kind in kinds]


def _runs(folder: Path) -> Iterator[Prunable]:
    """Runs that are stale or damaged, and what there is of those that are not complete."""
    for row in run_rows(folder):
        path = folder / row["run"]
        if path.is_symlink() or workers_on(path):
            continue
        if row["state"] in (STALE, DAMAGED):
            yield _of(row["state"], row["run"], row["standing"], path)
        elif row["state"] == PARTIAL and (hidden := _hidden_of(path)):
            yield _of(PARTIAL, row["run"], row["standing"], *hidden)


def _hidden_of(run: Path) -> list[Path]:
    """The checkpoint and the curve of a run that is not complete, as far as they are there."""
    names = (f".{run.name}{CHECKPOINT}", f".{run.name}.{store.CURVE}")
    return [path for name in names if (path := run.parent / name).is_file()]


def _beside(folder: Path) -> Iterator[Prunable]:
    """What stands beside runs that are complete, and checkpoints that were set aside."""
    for path in sorted(folder.glob(f".*{CHECKPOINT}.damaged*")):
        if not (store.is_set_aside(path) and path.is_file()):
            continue
        yield _of(DAMAGED, path.name, "damaged, set aside", path)
    for path in sorted(folder.iterdir()):
        if not path.name.startswith(".") and path.is_dir() and store.is_complete(path):
            hidden = _hidden_of(path)
            if hidden and not workers_on(path):
                yield _of(LEFTOVER, path.name, "beside a run that is complete", *hidden)


def _left(folder: Path) -> Iterator[Prunable]:
    for path in leftovers(folder):
        yield _of(LEFTOVER, path.name, "of a process that was killed", path)


def _of(kind: str, name: str, why: str, *paths: Path) -> Prunable:
    return Prunable(kind, name, why, paths, sum(map(size_of, paths)))


def size_of(path: Path) -> int:
    """Bytes of a file, or of all files in a folder."""
    if path.is_dir() and not path.is_symlink():
        return sum(p.lstat().st_size for p in path.rglob("*") if not p.is_dir())
    return path.lstat().st_size


def prune(
    folder: Path, found: Collection[Prunable], tell: Callable[[str], None] | None = None
) -> int:
    """Remove what was found, unless it has come to be used meanwhile; how many bytes went.

    Parameters
    ----------
    folder : Path
        In which it was found.
    found : collection of Prunable
    tell : callable, optional
        Called with a sentence on each that stays.

    Raises
    ------
    WriteError
        If something cannot be removed; what went before it is gone.
    """
    freed = 0
    for one in found:
        stays = _used(folder, one)
        if stays:
            if tell is not None:
                tell(f"{one.name} stays: {stays}")
            continue
        for path in one.paths:
            if one.kind == LEFTOVER and path.name == one.name:
                put_away(path)
            elif path.exists() or path.is_symlink():
                discard(path)
        freed += one.n_bytes
    return freed


def _used(folder: Path, one: Prunable) -> str:
    """Why something must stay, which may have changed since it was found; empty if it need not."""
    if any(path.parent.resolve() != folder.resolve() for path in one.paths):
        return "it is not in the folder"
    who = workers_on(folder / one.name)
    if who:
        return f"{' and '.join(who)} works on it"
    return _changed(folder, one) if one.paths[0].exists() else ""


def _changed(folder: Path, one: Prunable) -> str:
    """How something that is still there is another than was found; empty if it is not."""
    path, run = one.paths[0], folder / one.name
    if one.kind in (STALE, DAMAGED) and not store.is_set_aside(path):
        (now,) = run_rows(path) if store.is_complete(path) else [unfinished(path)]
        return "" if now["state"] == one.kind else f"it is {now['standing']} now"
    if one.kind == LEFTOVER and one.name.startswith("."):
        return "" if path in leftovers(folder) else "a process of its number runs now"
    if store.is_complete(run) != (one.kind == LEFTOVER) and one.kind != DAMAGED:
        return f"it is {'not complete' if one.kind == LEFTOVER else 'complete'} now"
    return ""
