"""Arrays and matrices out of .npy, .npz, .mat and .csv files, none of which can run code."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from spikelearn._errors import SpikelearnError

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
                found = {
                    name: np.asarray(item).T
                    for name, item in file.items()
                    if isinstance(item, h5py.Dataset)
                }
        else:
            found = {k: v for k, v in loadmat(path).items() if not k.startswith("__")}
    except Exception as error:  # SciPy and h5py raise many kinds on broken files
        raise SpikelearnError(f"{path} is not a readable MATLAB file") from error
    return {k: v for k, v in found.items() if isinstance(v, np.ndarray) and v.dtype.kind in "fiu"}


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
