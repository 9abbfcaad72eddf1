"""Lists of spike times in cells: of each neuron in each trial, as MATLAB keeps them.

    spikes{neuron, trial}       or transposed, or a list in a list: spikes{trial}{neuron}

Which of both are trials is known where it is said ("rows" or "columns"; of a list in a list the
outer one are rows), or where the number of neurons is and one side alone has it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from spikelearn._counts import counted
from spikelearn._errors import SpikelearnError
from spikelearn._names import written_name
from spikelearn.spikes.of_others import column, in_ms, of_trials, said_unit

if TYPE_CHECKING:
    from spikelearn.spikes.activity import Activity
    from spikelearn.spikes.of_others import Given

SIDES = ("rows", "columns")


def is_list(cells: np.ndarray) -> bool:
    """Whether cells are one list, and no table of two sides."""
    return bool(cells.size == max([*cells.shape, 1]))


def flattened(value: np.ndarray) -> np.ndarray:
    """Lists of equally long lists as a table of cells; anything else as it is."""
    if value.dtype.kind != "O" or not value.size or not is_list(value):
        return value
    inside = [np.asarray(one) for one in value.flat]
    if any(one.dtype.kind != "O" or not is_list(one) for one in inside):
        return value
    if len({one.size for one in inside}) > 1:
        return value
    table = np.empty((len(inside), inside[0].size), dtype=object)
    for row, one in enumerate(inside):
        table[row] = one.ravel()
    return table


def of_table(
    name: str,
    arrays: Mapping[str, np.ndarray],
    own_unit: str | None,
    form: str,
    given: Given,
) -> Activity:
    """The spikes of a table of cells, one for each neuron and trial.

    Parameters
    ----------
    name : str
        Of the cells among the arrays.
    arrays : mapping of str to array
        All that the file holds; one of them may be the labels of the trials.
    own_unit : str or None
        Unit of the times as their name says it.
    form : str
        Name of the file's format.
    given : mapping
        What was said of the file.

    Raises
    ------
    SpikelearnError
        If it is not to be told which side are trials.
    """
    cells = arrays[name]
    if cells.ndim != len(SIDES):
        raise SpikelearnError(
            f"its cells {name} have {_shape(cells)} places; lists of times for each neuron, or for"
            " each neuron and trial, are read"
        )
    for key in ("ids", "populations"):
        if key in given:
            raise SpikelearnError(f"its cells {name} are of neurons and trials, and take no {key}")
    trials_are = _side_of_trials(name, cells, given)
    by_neuron = cells if trials_are == "columns" else cells.T
    n_neurons, n_trials = by_neuron.shape
    trains = [np.asarray(cell, dtype=np.float64).ravel() for cell in by_neuron.flat]
    lengths = [len(train) for train in trains]
    neurons, trials = (np.repeat(ids.ravel(), lengths) for ids in np.indices(by_neuron.shape))
    notes = [f"{trials_are} of {name} are trials: {n_trials} of {n_neurons} neurons"]
    labels, shown = _labels(arrays, n_trials, given)
    left = [other for other in arrays if other not in (name, shown)]
    if left:
        notes.append(f"left out: {', '.join(left)}")
    unit = said_unit(given, own_unit, f"'{name}'", notes)
    spikes = {"units": (in_ms(np.concatenate(trains), unit, "it"), neurons, trials)}
    sizes: Any = {**given, "neurons": str(n_neurons)}
    return of_trials(spikes, labels, form, sizes, notes)


def _side_of_trials(name: str, cells: np.ndarray, given: Given) -> str:
    """Rows or columns, as it is said or as the number of neurons tells."""
    said = given.get("trials")
    n_neurons = _number(given.get("neurons"))
    if said is not None:
        if said not in SIDES:
            raise SpikelearnError(
                f"of cells, trials are rows or columns, found '{said}' (trials, --trials)"
            )
        n = cells.shape[0] if said == "columns" else cells.shape[1]
        if n_neurons not in (None, n):
            raise SpikelearnError(
                f"where {said} of {name} are trials there are {n} neurons, and not {n_neurons}"
                " (neurons, --neurons)"
            )
        return str(said)
    fitting = [side for side, n in zip(SIDES[::-1], cells.shape, strict=True) if n == n_neurons]
    if len(fitting) == 1:
        return fitting[0]
    raise SpikelearnError(
        f"its cells {name} have {_shape(cells)} places, and it is not said which are neurons; say"
        " whether trials are rows or columns (trials, --trials columns)"
    )


def _number(given: int | str | None) -> int | None:
    text = str(given)
    return int(text) if text.isdecimal() else None


def _labels(
    arrays: Mapping[str, np.ndarray], n_trials: int, given: Given
) -> tuple[Sequence[str], str | None]:
    """What was shown in each trial, and the array that says so."""
    if (asked := given.get("label")) is None:
        return [str(i) for i in range(n_trials)], None
    name = column(str(asked), list(arrays), "it")
    values = np.ravel(arrays[name])
    texts = [written_name(np.asarray(v).item() if np.size(v) == 1 else v) for v in values]
    if len(texts) != n_trials:
        raise SpikelearnError(f"it has {counted(n_trials, 'trial')}, but {len(texts)} {name}")
    return texts, name


def _shape(cells: np.ndarray) -> str:
    return " x ".join(map(str, cells.shape))
