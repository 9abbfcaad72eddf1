"""Paths that mean the same place: two axes are refused, and an axis wins over what is fixed.

A run has one value at a place. Where two axes lead there, the table would say two, one of which the
run did not have. What the base's `changes` say holds for all runs that no axis says otherwise: who
varies a place means the values of the axis, and these are what the table's column says. The stored
description holds both.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from spikelearn._errors import SpikelearnError
from spikelearn._paths import Place, named, places_of, written
from spikelearn.sweeps.axes import Axis, changes_at
from spikelearn.sweeps.axes import places as places_of_grid

_SHOWN = 4  # places that an error names
_MOST_BASES = 1000  # combinations of models and stimuli that are looked at


class Described(Protocol):
    """What runs are described by: descriptions into which paths lead, each behind its beginning."""

    @property
    def CHOOSING(self) -> tuple[str, ...]:
        """Paths that choose other descriptions, such as that of the model."""

    def bases(self, changes: Mapping[str, Any]) -> dict[str, Any]:
        """The descriptions by the beginning of paths into them, where `CHOOSING` are changed."""

    def meaning(self, path: str) -> str:
        """The path by which the same is said, where there are two; all of a base by its start."""


def refuse_overlapping(axes: Sequence[Axis], runs: Described) -> None:
    """Refuse two paths that vary and mean one place, or of which one replaces the other's whole.

    Parameters
    ----------
    axes : sequence of Axis
    runs : Described
        Of the sweep.

    Raises
    ------
    SpikelearnError
        Naming both paths and what both of them mean.
    """
    paths = [path for axis in axes for path in axis.paths]
    if len(paths) < 2:
        return
    meant = {path: runs.meaning(path) for path in paths}
    for chosen in _chosen(axes, runs.CHOOSING):
        try:
            bases = runs.bases(chosen)
        except SpikelearnError:  # which is told where runs are checked
            continue
        found: list[tuple[str, str, list[Place]]] = []
        for path in paths:
            start = _start_of(meant[path], bases)
            with contextlib.suppress(SpikelearnError):
                places = _places_behind(bases[start], meant[path], start, list(meant.values()))
                found.append((path, start, places))
        for (path, start, mine), (other, at, theirs) in itertools.combinations(found, 2):
            if both := _common(mine, theirs) if start == at else []:
                shown = [f"{start}{named(bases[start], place)}" for place in both[:_SHOWN]]
                rest = f" and {len(both) - _SHOWN} more" if len(both) > _SHOWN else ""
                chooses = any(letter in f"{path}{other}" for letter in "[*")
                raise SpikelearnError(
                    f"vary: '{path}' and '{other}' both mean {', '.join(shown)}{rest}, where a run"
                    " has one value; leave one out"
                    + (", or choose in [ ] what only one of them means" if chooses else "")
                )


def _chosen(axes: Sequence[Axis], choosing: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Every choice of what paths lead into, such as of the model, that axes make."""
    those = [axis for axis in axes if len(axis) and any(path in choosing for path in axis.paths)]
    for place in itertools.islice(places_of_grid(those), _MOST_BASES):
        changes = changes_at(those, place)
        yield {path: value for path, value in changes.items() if path in choosing}


def _start_of(path: str, starts: Iterable[str]) -> str:
    """With which of these beginnings a path begins; the longest of several, empty if none."""
    return max((one for one in starts if path.startswith(one)), key=len, default="")


def _places_behind(base: Any, path: str, start: str, paths: Sequence[str]) -> list[Place]:
    if base is None:
        return []
    if path == start:
        return [()]
    beside = [one.removeprefix(start) for one in paths if one.startswith(start)]
    return places_of(base, path.removeprefix(start), beside)


def _common(some: Sequence[Place], others: Sequence[Place]) -> list[Place]:
    """Places that are in both, or in one of which a place of the other lies; the inner ones."""
    inner = itertools.chain(_within(some, set(others)), _within(others, set(some)))
    return list(dict.fromkeys(inner))


def _within(some: Sequence[Place], wholes: set[Place]) -> Iterator[Place]:
    """Those of the places that are one of others, or lie within one."""
    return (p for p in some if any(p[:n] in wholes for n in range(len(p) + 1)))


def joined(description: Any, fixed: Mapping[str, Any], varied: Mapping[str, Any]) -> dict[str, Any]:
    """What is fixed and what varies, as changes of one description: what varies wins.

    Of what is fixed at several places, those stay that do not vary. Where a part varies of what is
    fixed as a whole, the two stay as they are, and the description refuses them.

    Parameters
    ----------
    description : Description
    fixed, varied : mapping
        Values by path.

    Raises
    ------
    SpikelearnError
        Where a path leads nowhere.
    """
    found: dict[str, Any] = {}
    rest = {path: value for path, value in fixed.items() if path not in varied}
    paths = [*fixed, *varied]
    if rest and varied:
        taken = {p for path in varied for p in places_of(description, path, paths)}
        for path, value in rest.items():
            meant = places_of(description, path, paths)
            lost = set(_within(meant, taken))
            found |= {written(p): value for p in meant if p not in lost} if lost else {path: value}
    else:
        found = rest
    return {**found, **varied}
