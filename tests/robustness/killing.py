"""Commands that are killed at random moments of their work, given again, and compared at the end.

The moments are events (a file opened, renamed, removed; a word of progress), so that a busy machine
kills no earlier; some come a random time after one.
"""

from __future__ import annotations

import dataclasses
import hashlib
import os
import random
import shutil
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from forked import Ended, Where, ended
from originals import AUDIT, STDP, TRAIN, original, the_run

# Given the folder of the originals.
COMMANDS: dict[str, Callable[[Path], str]] = {
    "train": lambda o: f"{TRAIN} --out runs",
    "stdp": lambda o: f"{STDP} --out runs",
    "simulate": lambda o: (
        "simulate izhikevich2003 --duration 100 --seed 3 --out spikes.npz --out spikes.csv"
        " --plot raster.svg"
    ),
    "compare": lambda o: (
        f"compare {the_run(original(o, 'runs'))}"
        f" --recording {original(o, 'recording') / 'mine.yaml'}"
        " --bootstrap 10 --out table.csv"
    ),
    "study": lambda o: f"study run {original(o, 'study.yaml')} --out study",
    "audit": lambda o: f"{AUDIT} --out audit",
}
# What training goes on from, and how far it is.
KEPT = (".checkpoint", ".learning_curve.csv")
# What tells of dates, of the machine or of seconds, and so may differ.
_PASSING = (
    "made.yaml",
    "learning_curve.csv",
    "report.html",
    ".svg",
    ".nwb",
    ".nix",
    "probes.parquet",
    "probes.csv",
)
_MOST_KILLS = 5  # of one result, before it is let go on to its end


@dataclass(frozen=True)
class Killed:
    """How many times a command was killed, and what was wrong; empty where nothing was."""

    name: str
    kills: int
    results: int
    wrong: list[str]


def killed(name: str, n: int, originals: Path, folder: Path, seed: int = 0) -> Killed:
    """Kill a command so many times, in all, and compare its results with those of one undisturbed.

    Parameters
    ----------
    name : str
        Of `COMMANDS`.
    n : int
    originals, folder : Path
        The originals, and where to work.
    seed : int
    """
    command = COMMANDS[name](originals).split()
    whole = _new(folder / f"{name}-undisturbed")
    undisturbed = ended(command, where_of(whole))
    if undisturbed.outcome != "0":
        return Killed(name, 0, 0, [f"undisturbed: {undisturbed}"])
    expected = content(whole)
    rng = random.Random(f"{name} {seed}")  # noqa: S311 - no secret
    kills, results, wrong = 0, 0, []
    tries = 0
    while kills < n and tries < 4 * n:
        place = _new(folder / f"{name}-killed")
        for _ in range(rng.randint(1, min(_MOST_KILLS, n - kills))):
            tries += 1
            at = rng.randint(1, undisturbed.events)
            after_s = rng.choice([0.0, rng.uniform(0.0, 0.1)])
            kills += _kill(command, place, at, after_s)
        last = ended(command, where_of(place))
        results += 1
        wrong += [f"{w} (seed {seed}, result {results})" for w in _wrong(last, place, expected)]
        if wrong:
            break
    return Killed(name, kills, results, wrong)


def where_of(place: Path) -> Where:
    """Where one of these commands runs: as long as it takes."""
    return Where(place, seconds=600.0, patch=checkpoints_at_once)


def _new(place: Path) -> Path:
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    return place


def _kill(command: list[str], place: Path, at: int, after_s: float) -> bool:
    """Whether it was killed before its end: at an event, or some time after it."""
    where = dataclasses.replace(where_of(place), signal_at=at)
    if after_s:

        def later() -> None:
            checkpoints_at_once()
            os.kill = _after(after_s)  # type: ignore[assignment]

        where = dataclasses.replace(where, patch=later)
    return ended(command, where).outcome == "killed"


def _after(seconds: float) -> Callable[[int, int], None]:
    kill = os.kill

    def soon(pid: int, number: int) -> None:
        timer = threading.Timer(seconds, kill, (pid, number))
        timer.daemon = True
        timer.start()

    return soon


def checkpoints_at_once() -> None:
    """Training by STDP keeps a checkpoint every minute; that of a test is over before."""
    from spikelearn.training import stdp_training

    defaults = stdp_training.train_stdp.__defaults__
    assert defaults is not None
    stdp_training.train_stdp.__defaults__ = tuple(0.0 if d == 60.0 else d for d in defaults)


def _wrong(last: Ended, place: Path, expected: dict[str, str]) -> list[str]:
    if last.outcome != "0":
        return [f"given again it ended with {last.outcome}: {last.output} {last.errors}"]
    found = []
    if left := [str(p.relative_to(place)) for p in place.rglob(".*")]:
        found.append(f"left over: {left}")
    temporary = place.with_name(f"{place.name}-temporary")
    if left := [p.name for p in temporary.iterdir() if not _is_of_a_library(p)]:
        found.append(f"left over for a time: {left}")
    now = content(place)
    if now != expected:
        differ = sorted(n for n in {*now, *expected} if now.get(n) != expected.get(n))
        found.append(f"other results: {differ}")
    return found


def _is_of_a_library(path: Path) -> bool:
    """Whether a file for a time is Torch's folder for a user, or Python's own trial of the place.

    Before its first temporary file Python writes one of eight letters, `tempfile` has it, and
    removes it at once.
    """
    return path.name.startswith("torchinductor") or (
        path.is_file() and len(path.name) == 8 and path.read_bytes() in (b"", b"blat")
    )


def content(folder: Path) -> dict[str, str]:
    """Digest by file of what a command left; of what tells of dates, that it is there."""
    found = {}
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        raw = b"" if path.name.endswith(_PASSING) else _raw(path)
        found[path.relative_to(folder).as_posix()] = hashlib.sha256(raw).hexdigest()
    return found


def _raw(path: Path) -> bytes:
    if not path.name.startswith("spikes"):
        return path.read_bytes()
    import spikelearn as sl

    populations = sl.load_activity(path).populations
    return b"".join(s.times_ms.tobytes() + s.senders.tobytes() for s in populations.values())
