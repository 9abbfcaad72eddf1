"""A sweep is checked before anything runs: paths that lead nowhere, values that fit nowhere."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from spikelearn._errors import SpikelearnError
from spikelearn._raised import raised
from spikelearn._seeding import generator
from spikelearn.sweeps.axes import Axis, changes_at
from spikelearn.sweeps.description import Sweep
from spikelearn.sweeps.overlapping import refuse_overlapping

if TYPE_CHECKING:
    from spikelearn.sweeps.plan import Plan

_TRIED = 16  # places of the grid that are looked at before all are


def check_sweep(sweep: Sweep, runs: Any) -> dict[str, Any]:
    """Refuse a sweep none of whose runs can be described, or whose stimulus cannot be shown.

    A few places of the grid are tried: in a large one, a wrong path is not looked up for minutes.

    Parameters
    ----------
    sweep : Sweep
    runs : SimulatedRuns or TrainedRuns
        Made of it.

    Returns
    -------
    dict
        What differs at a place at which a run can be described, by path.

    Raises
    ------
    SpikelearnError
        With the sentence of the first place; or naming two paths that mean the same.
    """
    axes = sweep.axes()
    refuse_overlapping(axes, runs)
    seed, first_mistake = sweep.seeds[0], None
    for place in _some_places(axes):
        changes = changes_at(axes, place)
        try:
            runs.check(changes, seed)
            runs.check_stimulus(changes, seed)
        except SpikelearnError as error:
            first_mistake = first_mistake or error
        except Exception as error:  # values that are too large for what they are made into
            first_mistake = first_mistake or SpikelearnError(raised(error))
        else:
            return changes
    assert first_mistake is not None  # noqa: S101 - there is a place at least
    raise first_mistake


def _some_places(axes: Sequence[Axis]) -> list[list[int]]:
    """A few places of the grid, the first and the last among them."""
    sizes = [len(axis) for axis in axes]
    draw = generator(0, "places that are tried")
    some = [[0] * len(sizes), [n - 1 for n in sizes]]
    drawn = range(_TRIED if sizes else 0)
    return some + [[int(i) for i in draw.integers(0, sizes)] for _ in drawn]


def check_values(plan: Plan) -> None:
    """Refuse a sweep in which a value of an axis fits nowhere, or two mean the same runs.

    Places that are refused while others with each of their values are not, such as those of a
    reset above the threshold, stay: their runs are told to have failed. Two values that are written
    differently may be one to the description, as no time step and the model's own are.

    Raises
    ------
    SpikelearnError
        Naming the path, the value and what is wrong with it.
    """
    shape = [*(len(axis) for axis in plan.axes), len(plan.sweep.seeds)]
    fits = [np.zeros(n, dtype=bool) for n in shape]
    # Of each value, a digest of all runs with it, and of where they are but for the value.
    digests = [np.zeros(n, dtype=np.uint64) for n in shape[:-1]]
    why: dict[tuple[int, int], str] = {}
    for run in plan.runs():
        at = [int(place) for place in np.unravel_index(run.number, shape)]
        for axis, place in enumerate(at[:-1]):
            others = repr((*at[:axis], *at[axis + 1 :], run.key)).encode()
            # Python's hash of a tuple is nearly a sum: sums of it are alike for other runs, too.
            digest = int.from_bytes(hashlib.blake2b(others, digest_size=8).digest(), "big")
            digests[axis][place] = (int(digests[axis][place]) + digest) % 2**64
            if run.refused:
                why.setdefault((axis, place), run.refused)
            else:
                fits[axis][place] = True
    for (number, value), sentence in why.items():
        if not fits[number][value]:
            raise SpikelearnError(f"{_said(plan.axes[number], value)}: {sentence}")
    for one, found in zip(plan.axes, digests, strict=True):
        if np.unique(found).size < found.size:
            _refuse_same(one, found.tolist())


def check_listed(sweep: Sweep, runs: Any, fitting: Mapping[str, Any], ends: Sweep) -> None:
    """Refuse a search in which a value that is listed fits nowhere, or two mean the same.

    Where it fits is not known before it is tried: a few places are looked at.

    Parameters
    ----------
    sweep : Sweep
        With a search.
    runs : SimulatedRuns or TrainedRuns
    fitting : mapping
        Changes with which a run can be described.
    ends : Sweep
        The same as a grid, in place of ranges with their ends.

    Raises
    ------
    SpikelearnError
        Naming the path and the value.
    """
    seed, grid = sweep.seeds[0], ends.axes()
    others = [changes_at(grid, place) for place in _some_places(grid)]
    for axis in sweep.axes():
        if axis.range is not None:
            continue
        found: list[Any] = []
        for value in range(len(axis)):
            wanted = axis.changes(value)
            key, mistake = _key(runs, {**fitting, **wanted}, seed)
            if mistake and all(_key(runs, {**one, **wanted}, seed)[1] for one in others):
                raise SpikelearnError(f"{_said(axis, value)}: {mistake}")
            found.append(key or value)
        _refuse_same(axis, found)


def _key(runs: Any, changes: Mapping[str, Any], seed: int) -> tuple[str, str]:
    """The key of a run, or why it has none."""
    try:
        return runs.key(changes, seed), ""
    except SpikelearnError as error:
        return "", str(error)
    except Exception as error:  # values that are too large for what they are made into
        return "", raised(error)


def _said(axis: Axis, value: int) -> str:
    return ", ".join(f"{path} = {v!r:.60}" for path, v in axis.changes(value).items())


def _refuse_same(axis: Axis, found: Sequence[Any]) -> None:
    """Refuse two values of an axis of which the same was found: they mean the same runs."""
    first: dict[Any, int] = {}
    for value, one in enumerate(found):
        if first.setdefault(one, value) != value:
            raise SpikelearnError(
                f"vary: {_said(axis, first[one])} and {_said(axis, value)} mean the same runs,"
                " which would stand twice in the table; leave one out"
            )
