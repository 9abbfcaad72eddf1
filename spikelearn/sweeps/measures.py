"""What is measured of a run: a number, or one for each population.

Of simulations that are the columns of `spikelearn.spikes.summary`, of trainings those of a run's
summary. One of your own is a function in a file, named my_measures.py:my_measure. It takes the
activity of a simulation, the part that counts, or the trained run; and gives a number, or a mapping
from names of populations to numbers. Its code is part of what decides a result.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from spikelearn._code import code_of
from spikelearn._errors import SpikelearnError, nearest
from spikelearn.rules.user_rule import absolute_place, from_file, is_place

SIMULATED = (
    "rate_hz", "isi_cv", "cv2", "fano_factor", "correlation", "synchrony", "silent_fraction",
    "n_spikes",
)  # fmt: skip
# These take longer than the others together, and are found only where they are asked for.
SLOW = ("correlation", "synchrony")
TRAINED = (
    "test_accuracy", "validation_accuracy", "nearest_centroid_accuracy", "best_epoch", "n_test",
    "chance", "flag",
)  # fmt: skip

Found = float | dict[str, float]


def measure_name(measure: str) -> str:
    """The name of its column: that of the function, of one's own."""
    return measure.rpartition(":")[2] if is_place(measure) else measure


def absolute_measure(measure: Any, folder: Path) -> Any:
    """A measure of one's own with the whole path of its file, counted from a folder."""
    own = isinstance(measure, str) and is_place(measure)
    return absolute_place(measure, folder) if own else measure


def check_measure(measure: str, trains: bool) -> None:
    """Refuse a measure that there is not.

    Raises
    ------
    ValueError
        Naming the nearest; or what is wrong with the file.
    """
    known = TRAINED if trains else SIMULATED
    if measure in known:
        return
    if not is_place(measure):
        raise ValueError(
            f"measures: there is no measure '{measure}'; {nearest(measure, known)}"
            " (one of your own is named my_measures.py:my_measure)"
        )
    own_measure(measure)


def own_measure(place: str) -> Callable[[Any], Any]:
    """The function at a place, such as my_measures.py:my_measure. The file is run.

    Raises
    ------
    SpikelearnError
        If there is no such file or function, or the file fails.
    """
    function: Any = from_file(place, "a measure of your own is named my_measures.py:my_measure")
    if not callable(function):
        raise SpikelearnError(f"{place} is no function that takes what is measured")
    return function


def measures_code(measures: tuple[str, ...]) -> dict[str, dict[str, str]]:
    """Digests of the code of the measures of one's own, by their names."""
    return {measure_name(m): code_of(own_measure(m)) for m in measures if is_place(m)}


def own_found(
    measures: tuple[str, ...], measured: Any, populations: Sequence[str] = ()
) -> dict[str, Found]:
    """What the measures of one's own give, by their names.

    Parameters
    ----------
    measures : tuple of str
        All; those of the toolkit are left to it.
    measured : Activity or run
        What they take.
    populations : sequence of str
        Those for which there may be numbers of their own.

    Raises
    ------
    SpikelearnError
        Where one gives no number.
    """
    found: dict[str, Found] = {}
    for place in measures:
        if not is_place(place):
            continue
        name, given = measure_name(place), own_measure(place)(measured)
        if isinstance(given, Mapping):
            for key in given:
                if key not in populations:
                    raise SpikelearnError(
                        f"{name} gives a number for '{key}'; "
                        + (f"populations are {', '.join(populations)}" if populations
                           else "one number is needed")
                    )  # fmt: skip
            found[name] = {str(key): _number(name, value) for key, value in given.items()}
        else:
            found[name] = _number(name, given)
    return found


def _number(name: str, value: Any) -> float:
    given = np.asarray(value)
    if given.size != 1 or given.dtype.kind not in "biuf":
        raise SpikelearnError(
            f"{name} must give a number, or numbers by name of population, found {value!r:.60}"
        )
    return float(given.item())


def plain_value(value: Any) -> Any:
    """A value of a table as plain YAML has it."""
    return value.item() if isinstance(value, np.generic) else value
