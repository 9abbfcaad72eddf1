"""Sessions of one subject: units that have the same name in two of them are the same unit.

Units that are only numbered are each session's own, for the third neuron of Monday is not the third
of Tuesday. All are kept, side by side; none is averaged with another.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from spikelearn._counts import counted
from spikelearn._names import are_numbers


def joined_sessions(
    values: Sequence[np.ndarray],
    unit_names: Sequence[Sequence[str]],
    sessions: Sequence[str],
    numbered: Sequence[bool] | None = None,
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Responses of all units of some sessions to the same stimuli.

    Parameters
    ----------
    values : sequence of arrays of shape (n_stimuli, n_repeats, n_units)
        One for each session; NaN where a repeat is missing.
    unit_names : sequence of sequences of str
        One for each unit of each session.
    sessions : sequence of str
        Names of the sessions, which stand before those of units that are only numbered.
    numbered : sequence of bool, optional
        Whether the units of each session are only numbered; if left out, by their names.

    Returns
    -------
    values : array of shape (n_stimuli, n_repeats, n_units)
        Each unit's repeats in the order of its sessions; NaN behind them where another has more.
    unit_names : tuple of str
    """
    if len(values) == 1:
        return values[0], tuple(map(str, unit_names[0]))
    if numbered is None:
        numbered = [are_numbers(names) for names in unit_names]
    keys = _keys(unit_names, sessions, any(numbered))
    columns = {key: i for i, key in enumerate(dict.fromkeys(k for its in keys for k in its))}
    filled = np.zeros(len(columns), dtype=int)  # repeats of each unit so far
    placed = []
    for array, its in zip(values, keys, strict=True):
        column = np.array([columns[key] for key in its])
        placed.append((array, column, filled[column]))
        filled[column] += array.shape[1]
    joined = np.full((len(values[0]), int(filled.max()), len(columns)), np.nan)
    for array, column, first in placed:
        for repeat in range(array.shape[1]):
            joined[:, first + repeat, column] = array[:, repeat]
    return joined, tuple(columns)


def session_notes(responses: Iterable[Any]) -> list[str]:
    """How the sessions of each subject and region are joined, a sentence each.

    Parameters
    ----------
    responses : iterable of RecordedResponses
    """
    by_place: dict[tuple[str, str], list[Any]] = {}
    for one in responses:
        by_place.setdefault((one.subject, one.region), []).append(one)
    notes = []
    for (subject, region), its in by_place.items():
        if len(its) == 1:
            continue
        names = [set(one.unit_names) for one in its]
        n_all = sum(map(len, names))
        of = f"the {len(its)} sessions of subject {subject}, {region},"
        if any(one.numbered for one in its):
            notes.append(
                f"units of {of} are numbered, not named: they are taken as different units in each"
                f" session, {n_all} side by side; name them if they are the same"
            )
            continue
        n_once, n_common = len(set.union(*names)), len(set.intersection(*names))
        if n_once == n_all:
            notes.append(f"{of} have other units each: {n_all} stand side by side")
        elif n_common == n_once:
            notes.append(
                f"{of} have units of the same names: they are taken as the same"
                f" {counted(n_once, 'unit')},"
                " repeats of one session behind those of another"
            )
        else:
            notes.append(
                f"{of} have {n_common} names of units in common: these are taken as the same units,"
                f" and there are {n_once} in all"
            )
    return notes


def _keys(
    unit_names: Sequence[Sequence[str]], sessions: Sequence[str], numbered: bool
) -> list[list[str]]:
    """What each unit is called among those of all sessions."""
    if not numbered:
        return [[str(name) for name in names] for names in unit_names]
    told_apart = len(set(sessions)) == len(sessions)
    labels = list(sessions) if told_apart else [str(i) for i in range(len(sessions))]
    return [
        [f"{label}:{name}" for name in names]
        for label, names in zip(labels, unit_names, strict=True)
    ]
