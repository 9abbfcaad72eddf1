"""A sweep is checked before anything runs: paths that lead nowhere, values that fit nowhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from spikelearn._errors import SpikelearnError
from spikelearn._raised import raised
from spikelearn._seeding import generator
from spikelearn.sweeps.axes import changes_at
from spikelearn.sweeps.description import Sweep

if TYPE_CHECKING:
    from spikelearn.sweeps.plan import Plan

_TRIED = 16  # places of the grid that are looked at before all are


def check_sweep(sweep: Sweep, runs: Any) -> None:
    """Refuse a sweep none of whose runs can be described, or whose stimulus cannot be shown.

    A few places of the grid are tried: in a large one, a wrong path is not looked up for minutes.

    Parameters
    ----------
    sweep : Sweep
    runs : SimulatedRuns or TrainedRuns
        Made of it.

    Raises
    ------
    SpikelearnError
        With the sentence of the first place.
    """
    axes = sweep.axes()
    sizes = [len(axis) for axis in axes]
    seed, first_mistake = sweep.seeds[0], None
    draw = generator(0, "places that are tried")
    some = [[0] * len(sizes), [n - 1 for n in sizes]]
    some += [[int(i) for i in draw.integers(0, sizes)] for _ in range(_TRIED)] if sizes else []
    for place in some:
        try:
            runs.check(changes_at(axes, place), seed)
            runs.check_stimulus(changes_at(axes, place), seed)
        except SpikelearnError as error:
            first_mistake = first_mistake or error
        except Exception as error:  # values that are too large for what they are made into
            first_mistake = first_mistake or SpikelearnError(raised(error))
        else:
            return
    if first_mistake is not None:
        raise first_mistake


def check_values(plan: Plan) -> None:
    """Refuse a sweep in which a value of an axis fits nowhere: at none of its places.

    Places that are refused while others with each of their values are not, such as those of a
    reset above the threshold, stay: their runs are told to have failed.

    Raises
    ------
    SpikelearnError
        Naming the path, the value and what is wrong with it.
    """
    shape = [*(len(axis) for axis in plan.axes), len(plan.sweep.seeds)]
    fits = [np.zeros(n, dtype=bool) for n in shape]
    why: dict[tuple[int, int], str] = {}
    for run in plan.runs():
        at = [int(place) for place in np.unravel_index(run.number, shape)]
        for axis, place in enumerate(at[:-1]):
            if run.refused:
                why.setdefault((axis, place), run.refused)
            else:
                fits[axis][place] = True
    for (number, value), sentence in why.items():
        if not fits[number][value]:
            named = plan.axes[number].changes(value)
            said = ", ".join(f"{path} = {value!r:.60}" for path, value in named.items())
            raise SpikelearnError(f"{said}: {sentence}")
