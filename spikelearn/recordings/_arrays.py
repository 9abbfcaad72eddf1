"""Arrays and matrices out of .npy, .npz, .mat and .csv files, none of which can run code."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from spikelearn._errors import SpikelearnError
from spikelearn.recordings._measurements import RecordedRDM, RecordedResponses

if TYPE_CHECKING:
    from spikelearn.recordings.user_schema import RDMFile, ResponseArray

_SYMMETRY = 1e-6
SUFFIXES = (".npy", ".npz", ".mat", ".csv", ".tsv")


def read_array(
    path: Path, key: str | None = None, labels: Sequence[str] | None = None, square: bool = False
) -> np.ndarray:
    """A numeric array.

    Parameters
    ----------
    path : Path
        Ends in one of `SUFFIXES`.
    key : str, optional
        Which array of an .npz or .mat file; may be left out where there is one.
    labels : sequence of str, optional
        Names of the stimuli. A table whose rows are named is brought into this order.
    square : bool
        Whether the columns of a table are stimuli too.

    Raises
    ------
    SpikelearnError
        If the file is missing, damaged, or holds no such array.
    """
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise SpikelearnError(f"{path}: arrays are read from {', '.join(SUFFIXES)}")
    if not path.is_file():
        raise SpikelearnError(f"there is no file {path}")
    if suffix in (".csv", ".tsv"):
        return _read_table(path, labels, square)
    if suffix == ".npy":
        try:
            array = np.load(path, allow_pickle=False)
        except (OSError, ValueError) as error:
            raise SpikelearnError(f"{path} is not a readable .npy file of numbers") from error
        return _numbers(array, path)
    arrays = read_matlab_arrays(path) if suffix == ".mat" else _read_npz(path)
    if key is None and len(arrays) != 1:
        raise SpikelearnError(
            f"{path} holds the arrays {', '.join(arrays) or 'none'}; choose one by key"
        )
    name = next(iter(arrays)) if key is None else key
    if name not in arrays:
        raise SpikelearnError(f"{path} has no array '{name}'; it has {', '.join(arrays)}")
    return _numbers(arrays[name], path)


def read_rdm(entry: RDMFile, root: Path, labels: list[str]) -> RecordedRDM:
    """The RDM in an array, a whole matrix or its upper triangle.

    Parameters
    ----------
    entry : RDMFile
        Which array, and of whom.
    root : Path
        Folder that its path is relative to.
    labels : list of str
        The stimuli in their order.

    Raises
    ------
    SpikelearnError
        If the array is of another size, or its values are none of an RDM.
    """
    path = root / entry.file
    array = read_array(path, entry.key, labels, square=True)
    n = len(labels)
    n_pairs = n * (n - 1) // 2
    if array.size == n_pairs and array.shape.count(1) == array.ndim - 1:
        triangle = array.ravel()
    elif array.shape == (n, n):
        scale = max(float(np.abs(array).max()), 1.0)
        if not np.isfinite(array).all():
            raise SpikelearnError(f"{path} holds values that are not finite")
        if np.abs(array - array.T).max() > _SYMMETRY * scale:
            raise SpikelearnError(f"{path} must be symmetric")
        diagonal = np.diagonal(array)
        if entry.measure == "dissimilarity" and np.abs(diagonal).max() > _SYMMETRY * scale:
            raise SpikelearnError(
                f"{path} must have a diagonal of 0, for nothing is unlike itself, found"
                f" {diagonal[np.abs(diagonal).argmax()]:g}; is it a similarity? Then say measure:"
                " similarity"
            )
        if entry.measure == "similarity" and not np.allclose(diagonal, 1.0, atol=1e-6):
            raise SpikelearnError(
                f"{path} must have a diagonal of 1 to be a similarity, found {diagonal[0]:g}"
            )
        triangle = array[np.triu_indices(n, k=1)]
    else:
        raise SpikelearnError(
            f"{path} must be {n} x {n}, or its upper triangle of {n_pairs} values, for there are"
            f" {n} stimuli; found {' x '.join(map(str, array.shape))}"
        )
    if entry.measure == "similarity":
        triangle = 1.0 - triangle
    return RecordedRDM(entry.subject, entry.region, entry.session, triangle, entry.unit)


def read_response_array(entry: ResponseArray, root: Path, labels: list[str]) -> RecordedResponses:
    """The responses in an array.

    Parameters
    ----------
    entry, root, labels
        As in `read_rdm`.

    Raises
    ------
    SpikelearnError
        If the array has other dimensions, or another number of stimuli.
    """
    path = root / entry.file
    array = read_array(path, entry.key, labels)
    usual = ("stimulus", "unit") if array.ndim == 2 else ("stimulus", "repeat", "unit")
    dims = entry.dims or usual
    if array.ndim != len(dims):
        raise SpikelearnError(
            f"{path} must have the dims ({', '.join(dims)}), found {array.ndim} dimensions"
        )
    if len(dims) == 2:
        array, dims = array[None], ("repeat", *dims)
    ordered = array.transpose([dims.index(dim) for dim in ("stimulus", "repeat", "unit")])
    if len(ordered) != len(labels):
        raise SpikelearnError(
            f"{path} has responses to {len(ordered)} stimuli, but there are {len(labels)}"
            " images; say dims if the order is another"
        )
    return RecordedResponses(entry.subject, entry.region, entry.session, ordered, entry.unit)


def read_matlab_arrays(path: Path) -> dict[str, np.ndarray]:
    """The numeric arrays of a MATLAB file of any version, axes in MATLAB's order.

    Raises
    ------
    SpikelearnError
        If it cannot be read.
    """
    import h5py
    from scipy.io import loadmat

    try:
        if h5py.is_hdf5(path):
            with h5py.File(path) as file:
                # HDF5 files of MATLAB hold the axes in reverse.
                arrays = {
                    name: np.asarray(item).T
                    for name, item in file.items()
                    if isinstance(item, h5py.Dataset)
                }
        else:
            arrays = {k: v for k, v in loadmat(path).items() if not k.startswith("__")}
    except Exception as error:  # SciPy and h5py raise many kinds on broken files
        raise SpikelearnError(f"{path} is not a readable MATLAB file") from error
    return {k: v for k, v in arrays.items() if isinstance(v, np.ndarray) and v.dtype.kind in "fiu"}


def _read_npz(path: Path) -> dict[str, np.ndarray]:
    try:
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except Exception as error:  # NumPy raises many kinds on broken files
        raise SpikelearnError(
            f"{path} is not a readable .npz file of plain arrays (numbers or text)"
        ) from error


def _numbers(array: np.ndarray, path: Path) -> np.ndarray:
    if array.dtype.kind not in "fiu":
        raise SpikelearnError(f"{path} must hold real numbers, found {array.dtype}")
    return array.astype(np.float32 if array.dtype == np.float32 else np.float64)


def _read_table(path: Path, labels: Sequence[str] | None, square: bool) -> np.ndarray:
    """Plain numbers, or a table with a heading and a name before each row."""
    import pandas as pd

    separator = "\t" if path.suffix.lower() == ".tsv" else ","
    try:
        raw = pd.read_csv(path, sep=separator, header=None, dtype=str, keep_default_na=False)
    except (OSError, ValueError, UnicodeDecodeError) as error:
        raise SpikelearnError(f"{path} is not a readable table") from error
    named = not all(_is_number(str(cell)) for cell in (raw.iat[0, -1], raw.iat[0, 0]))
    cells = raw.iloc[1:, 1:] if named else raw
    try:
        values = cells.to_numpy().astype(np.float64)
    except ValueError as error:
        raise SpikelearnError(f"{path}: {error}") from error
    if not named or labels is None:
        return values
    rows = _places(path, [str(name) for name in raw.iloc[1:, 0]], labels)
    values = values[rows]
    if square:
        values = values[:, _places(path, [str(name) for name in raw.iloc[0, 1:]], labels)]
    return values


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _places(path: Path, names: list[str], labels: Sequence[str]) -> list[int]:
    """Where each stimulus stands among the names, which may end as image files do."""
    place = {Path(name).stem if Path(name).suffix else name: i for i, name in enumerate(names)}
    missing = [label for label in labels if label not in place]
    if missing or len(place) != len(labels):
        what = f"lacks the stimulus {missing[0]}" if missing else "names other stimuli too"
        raise SpikelearnError(f"{path} {what}; its rows are {', '.join(names[:3])} ...")
    return [place[label] for label in labels]
