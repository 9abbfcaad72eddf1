"""Categories of stimuli out of a table: a column of 0 and 1 for each, or columns of labels."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from spikelearn._counts import counted
from spikelearn._errors import SpikelearnError
from spikelearn._names import repeated
from spikelearn.recordings._csv_tables import (
    FLAGS,
    MISSING,
    is_number,
    names_of_rows,
    text_table,
)
from spikelearn.recordings.gaps import named, some_of

if TYPE_CHECKING:
    from spikelearn.recordings._shown import ShownStimuli

_FLAGS = {"0", "1", "0.0", "1.0", *FLAGS}


def read_categories(file: str | None, root: Path, stimuli: ShownStimuli) -> dict[str, np.ndarray]:
    """Which stimuli belong to each category, bool arrays of shape (n_stimuli,).

    A column of 0 and 1 (or false and true) is a category of the name of its heading. One of other
    values is of labels: each is a category of its name, with the heading before it where two
    columns have a label in common. A stimulus without a label is in none.

    Parameters
    ----------
    file : str or None
        A .csv or .tsv file with a heading, whose first column names the stimuli; None gives none.
    root : Path
        Folder that its path is relative to.
    stimuli : ShownStimuli

    Raises
    ------
    SpikelearnError
        If it cannot be read, does not have one row for each stimulus, or has no heading.
    """
    if file is None:
        return {}
    path = root / file
    if not path.is_file():
        raise SpikelearnError(f"there is no file {path}")
    heading, *body = text_table(path, stimuli)
    cells = {cell.casefold() for cell in heading[1:]}
    if not body or cells <= {*_FLAGS, *MISSING}:
        raise SpikelearnError(f"{path} must have a heading that names the categories")
    names = names_of_rows(tuple(row[0] for row in body), stimuli, path)
    if names is None:
        stimuli.by_place(path)
        rows = list(range(len(body)))
    else:
        rows = stimuli.rows(names, path)
    if len(body) != len(stimuli) or min(rows) < 0:
        lacking = [label for label, row in zip(stimuli.labels, rows, strict=False) if row < 0]
        raise SpikelearnError(
            f"{path} must have one row for each of the"
            f" {counted(len(stimuli), 'stimulus', 'stimuli')}"
            + (f"; it lacks the stimulus {lacking[0]}" if lacking else f", found {len(body)}")
        )
    twice = repeated(heading[1:])
    if twice is not None:
        raise SpikelearnError(f"{path} has two categories called '{twice}'")
    columns = {name: [body[row][i] for row in rows] for i, name in enumerate(heading) if i}
    for name, column in columns.items():
        without = named(stimuli.labels, np.array([cell.casefold() in MISSING for cell in column]))
        if without:
            stimuli.note(
                f"{path}: {counted(len(without), 'stimulus has', 'stimuli have')} no label in the"
                f" column '{name}' and are in none of its categories: {some_of(without)}"
            )
    return _categories(columns, path)


def _categories(columns: dict[str, list[str]], path: Path) -> dict[str, np.ndarray]:
    """Flags by their heading, labels by themselves."""
    labelled = {
        name: list(dict.fromkeys(c for c in cells if c.casefold() not in MISSING))
        for name, cells in columns.items()
        if not all(cell.casefold() in _FLAGS for cell in cells)
    }
    flags = [name for name in columns if name not in labelled]
    everything = [*flags, *(label for labels in labelled.values() for label in labels)]
    categories: dict[str, np.ndarray] = {}
    for name, cells in columns.items():
        if name in flags:
            yes = {"1", "1.0", "true"}
            categories[name] = np.array([cell.casefold() in yes for cell in cells])
            continue
        number = next((label for label in labelled[name] if is_number(label)), None)
        if number is not None:
            raise SpikelearnError(
                f"{path}: the column '{name}' must hold 0 and 1 only, or labels that are words;"
                f" found {number}"
            )
        if len(labelled[name]) == len(cells):
            raise SpikelearnError(
                f"{path}: the column '{name}' has another label for each stimulus, so that it names"
                " no categories"
            )
        for label in labelled[name]:
            full = label if everything.count(label) == 1 else f"{name}: {label}"
            categories[full] = np.array([cell == label for cell in cells])
    return categories
