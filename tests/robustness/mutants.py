"""Runs commands on changed inputs, and says how each ended and whether that is as it must be."""

from __future__ import annotations

import hashlib
import random
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from canaries import CANARY
from forked import Ended, Where, ended, ended_for_real
from inputs import KINDS, OWN

# Ends that are a result, or a sentence; 2 is Typer's, of options that it cannot read.
_FINE = ("0", "1", "2")


@dataclass(frozen=True)
class Judged:
    """An input, how the command ended on it, and what is wrong with that, if anything is."""

    kind: str
    number: int
    arguments: list[str]
    ended: Ended
    wrong: str


def counted(n: int, kinds: tuple[str, ...] = tuple(KINDS)) -> Iterator[tuple[str, int]]:
    """About `n` inputs, where there are any at least one of each kind: kind and number.

    Parameters
    ----------
    n : int
    kinds : tuple of str
    """
    total = sum(KINDS[kind][1] for kind in kinds)
    for kind in kinds:
        for number in range(max(n > 0, round(n * KINDS[kind][1] / total))):
            yield kind, number


def judged(kind: str, number: int, originals: Path, folder: Path, real: bool = False) -> Judged:
    """Make an input and run its command; what the command leaves is removed where it is right.

    Parameters
    ----------
    kind : str
        Of `inputs.KINDS`.
    number : int
        Which seeds it.
    originals, folder : Path
        The originals, and where to work.
    real : bool
        Whether in a process that begins with nothing, as a user's does.
    """
    place = folder / f"{kind}-{number}"
    shutil.rmtree(place, ignore_errors=True)
    given = place / "in"
    given.mkdir(parents=True)
    (place / "out").mkdir()
    rng = random.Random(f"{kind} {number}")  # noqa: S311 - no secret
    arguments = KINDS[kind][0](given, rng, originals)
    before = _content(given)
    around = {p.name for p in folder.iterdir()}
    run = ended_for_real if real else ended
    found = run(arguments, Where(place))
    wrong = _what_is_wrong(found)
    if kind not in OWN and _content(given) != before:
        wrong = wrong or "an input was changed"
    if (given / CANARY).exists() or (place / CANARY).exists():
        wrong = "code was run"
    new = (
        {p.name for p in folder.iterdir()}
        - around
        - {"cache", place.name, f"{place.name}-temporary"}
    )
    if new:
        wrong = wrong or f"made outside: {sorted(new)}"
    if not wrong:
        shutil.rmtree(place)
        shutil.rmtree(folder / f"{place.name}-temporary", ignore_errors=True)
    return Judged(kind, number, arguments, found, wrong)


def _what_is_wrong(found: Ended) -> str:
    if found.outcome not in _FINE:
        return found.outcome
    if found.outside:
        return f"written outside: {found.outside[:3]}"
    said = [line for line in found.errors.splitlines() if line.strip()]
    errors = [line for line in said if line.startswith("Error: ")]
    if found.outcome == "1" and len(errors) != 1:
        return f"{len(errors)} sentences of what went wrong"
    return ""


def _content(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }
