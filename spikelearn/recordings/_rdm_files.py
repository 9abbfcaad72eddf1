"""RDMs out of arrays: one matrix or its upper triangle, or a stack of them, one a subject.

A pair of stimuli without a dissimilarity is NaN, and so is every pair with a stimulus that the
names of the rows lack. The diagonal is not read, but must not contradict what the values are.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from spikelearn._counts import counted
from spikelearn._errors import SpikelearnError
from spikelearn._names import are_counted, are_numbers
from spikelearn.recordings._arrays import read_array
from spikelearn.recordings._given_names import check_no_names_beside, given_names
from spikelearn.recordings._measurements import RecordedRDM
from spikelearn.recordings.gaps import complete_stimuli, named, some_of

if TYPE_CHECKING:
    from spikelearn.recordings._arrays import NamedArray
    from spikelearn.recordings._shown import ShownStimuli
    from spikelearn.recordings.user_schema import RDMFile

_SYMMETRY = 1e-6


def read_rdms(entry: RDMFile, root: Path, stimuli: ShownStimuli) -> list[RecordedRDM]:
    """The RDM in an array, or those of a stack.

    Parameters
    ----------
    entry : RDMFile
        Which array, and of whom.
    root : Path
        Folder that its path is relative to.
    stimuli : ShownStimuli

    Raises
    ------
    SpikelearnError
        If the array is of another size, its values are none of an RDM, or the RDMs of a stack
        differ in number from their names.
    """
    path = root / entry.file
    found = read_array(path, stimuli, entry.key)
    matrices = _matrices(found.values, entry, path, len(stimuli))
    if entry.stimulus_names is None and found.rows is None and found.columns is None:
        check_no_names_beside(path, stimuli)
    places = _places(found, len(matrices[0]), entry, root, stimuli)
    rdms = []
    for subject, session, matrix in _members(matrices, entry, path, root, stimuli):
        who = f"{path}, {entry.region}, subject {subject}" if len(matrices) > 1 else f"{path}"
        ordered = _checked(_placed(matrix, *places), entry, who)
        triangle = ordered[np.triu_indices(len(stimuli), k=1)]
        if entry.measure == "similarity":
            triangle = 1.0 - triangle
        _note_gaps(triangle, who, stimuli)
        rdms.append(RecordedRDM(subject, entry.region, session, triangle, entry.unit))
    return rdms


def _matrices(array: np.ndarray, entry: RDMFile, path: Path, n: int) -> list[np.ndarray]:
    """The matrix or matrices that an array holds, as they stand in it."""
    shape = array.shape
    if len(shape) == 2 and shape[0] == shape[1]:
        return [array]
    if len(shape) == 3 and shape[1] == shape[2] > 2 and (shape[0] != n or _symmetric(array[0])):
        return list(array)
    if len(shape) == 3 and shape[0] == shape[1] > 2:  # as MATLAB has them
        return list(np.moveaxis(array, 2, 0))
    if len(shape) <= 2 or shape.count(1) >= len(shape) - 2:
        triangles = array.reshape([size for size in shape if size > 1] or [1])
        if triangles.ndim == 1:
            triangles = triangles[None]
        sizes = [_side(size) for size in triangles.shape]
        expected = [n] if entry.stimulus_names is None else [s for s in sizes if s]
        if sizes[1] in expected:
            return [_square(triangle, entry) for triangle in triangles]
        if sizes[0] in expected:
            return [_square(triangle, entry) for triangle in triangles.T]
    raise SpikelearnError(
        f"{path} must be {n} x {n}, or its upper triangle of {counted(n * (n - 1) // 2, 'value')},"
        f" for there are {counted(n, 'stimulus', 'stimuli')}, or a stack of such (subjects x {n} x"
        f" {n}); found {' x '.join(map(str, shape))}"
    )


def _side(n_pairs: int) -> int:
    """Of how many stimuli a triangle is; 0 where of none."""
    n = round((1 + np.sqrt(1 + 8 * n_pairs)) / 2)
    return n if n > 2 and n * (n - 1) // 2 == n_pairs else 0


def _square(triangle: np.ndarray, entry: RDMFile) -> np.ndarray:
    from scipy.spatial.distance import squareform

    matrix: np.ndarray = squareform(triangle, checks=False)
    if entry.measure == "similarity":
        np.fill_diagonal(matrix, 1.0)
    return matrix


def _symmetric(matrix: np.ndarray) -> bool:
    scale = max(float(np.nanmax(np.abs(matrix), initial=0.0)), 1.0)
    unlike = np.abs(matrix - matrix.T)
    same = np.array_equal(np.isnan(matrix), np.isnan(matrix.T))
    return bool(same and np.nanmax(unlike, initial=0.0) <= _SYMMETRY * scale)


def _places(
    found: NamedArray, size: int, entry: RDMFile, root: Path, stimuli: ShownStimuli
) -> tuple[np.ndarray, np.ndarray]:
    """Where each stimulus stands among the rows, and among the columns; -1 where in none.

    Numbers that only count rows or columns name none.
    """
    path = root / entry.file
    rows = found.rows or given_names(entry.stimulus_names, path, root, size)
    columns = found.columns
    if columns is not None and are_numbers(columns):
        known = stimuli.numbers(columns, path) >= 0
        if are_counted(columns) and not known.all():
            columns = None
        elif not known.any():
            columns = stimuli.called_by_number(columns, path)
    if rows is None and columns is None:
        if size != len(stimuli):
            raise SpikelearnError(
                f"{path} is of {counted(size, 'stimulus', 'stimuli')}, but there are"
                f" {counted(len(stimuli), 'image')}; say by"
                " stimulus_names which they are, if the others were not observed"
            )
        stimuli.by_place(path)
        return np.arange(size), np.arange(size)
    down = np.array(stimuli.rows(rows if rows is not None else columns or (), path))
    across = down if columns is None else np.array(stimuli.rows(columns, path))
    return down, across


def _placed(matrix: np.ndarray, down: np.ndarray, across: np.ndarray) -> np.ndarray:
    """The matrix in the order of the stimuli, NaN for those that it lacks."""
    ordered: np.ndarray = matrix[np.ix_(down, across)].astype(np.float64)
    ordered[down < 0] = ordered[:, across < 0] = np.nan
    return ordered


def _checked(matrix: np.ndarray, entry: RDMFile, who: str) -> np.ndarray:
    """The matrix, if it is symmetric and its diagonal is that of its measure, or unknown."""
    if np.isinf(matrix).any():
        raise SpikelearnError(
            f"{who} holds values that are not finite, infinite ones; a pair without a value is NaN"
        )
    if not _symmetric(matrix):
        raise SpikelearnError(f"{who} must be symmetric")
    scale = max(float(np.nanmax(np.abs(matrix), initial=0.0)), 1.0)
    diagonal = np.diagonal(matrix)
    diagonal = diagonal[np.isfinite(diagonal)]
    if entry.measure == "dissimilarity" and (np.abs(diagonal) > _SYMMETRY * scale).any():
        raise SpikelearnError(
            f"{who} must have a diagonal of 0, for nothing is unlike itself, found"
            f" {diagonal[np.abs(diagonal).argmax()]:g}; is it a similarity? Then say measure:"
            " similarity"
        )
    if entry.measure == "similarity" and not np.allclose(diagonal, 1.0, atol=1e-6):
        other = diagonal[np.abs(diagonal - 1.0).argmax()]
        raise SpikelearnError(
            f"{who} must have a diagonal of 1 to be a similarity, found {other:g}"
        )
    return matrix


def _members(
    matrices: list[np.ndarray], entry: RDMFile, path: Path, root: Path, stimuli: ShownStimuli
) -> list[tuple[str, str, np.ndarray]]:
    """Subject and session of each matrix."""
    n = len(matrices)
    if n == 1 and entry.members is None:
        return [(entry.subject, entry.session, matrices[0])]
    names: tuple[str, ...]
    if isinstance(entry.members, str):
        names = given_names(entry.members, path, root, n) or ()
    elif entry.members is not None:
        names = entry.members
    else:
        names = tuple(str(number) for number in range(1, n + 1))
        stimuli.note(
            f"{path} is a stack of {n} RDMs, taken for those of {entry.stack} 1 to {n} in this"
            " order; name them by members"
        )
    if len(names) != n:
        raise SpikelearnError(f"{path} is a stack of {n} RDMs, but members names {len(names)}")
    if entry.stack == "sessions":
        return [(entry.subject, name, m) for name, m in zip(names, matrices, strict=True)]
    if "subject" in entry.model_fields_set:
        raise SpikelearnError(
            f"{path} is a stack of {n} RDMs, but subject names one, {entry.subject}; name all by"
            " members, or say stack: sessions if all are of one subject"
        )
    return [(name, entry.session, m) for name, m in zip(names, matrices, strict=True)]


def _note_gaps(triangle: np.ndarray, who: str, stimuli: ShownStimuli) -> None:
    """Say which stimuli, and how many pairs of others, have no dissimilarity."""
    missing = np.isnan(triangle)
    if not missing.any():
        return
    if missing.all():
        raise SpikelearnError(f"{who} holds no dissimilarity; all values are NaN")
    first, second = np.triu_indices(len(stimuli), k=1)
    known = np.zeros(len(stimuli), dtype=bool)
    known[first[~missing]] = known[second[~missing]] = True
    absent = named(stimuli.labels, ~known)
    if absent:
        which = counted(len(absent), "stimulus was", "stimuli were")
        stimuli.note(f"{who}: {which} not observed: {some_of(absent)}")
    pairs = np.flatnonzero(missing & known[first] & known[second])
    if pairs.size:
        a, b = stimuli.labels[first[pairs[0]]], stimuli.labels[second[pairs[0]]]
        kept = int(complete_stimuli(triangle).sum())
        stimuli.note(
            f"{who}: {counted(pairs.size, 'pair has', 'pairs have')} no dissimilarity, such as {a}"
            f" and {b}; {kept} stimuli are left of which each two have one"
        )
