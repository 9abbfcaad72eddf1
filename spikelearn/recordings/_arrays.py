"""Arrays and matrices out of .npy, .npz, .mat, .csv and .nc files, none of which can run code."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from spikelearn._counts import counted
from spikelearn._errors import SpikelearnError, nearest
from spikelearn._mat_files import load_mat
from spikelearn._names import are_numbers, repeated, written_name
from spikelearn.recordings._csv_tables import SUFFIXES as TABLES
from spikelearn.recordings._csv_tables import read_csv_table, without_numbers_of_rows
from spikelearn.recordings._given_names import check_no_names_beside, given_names, read_npz
from spikelearn.recordings._measurements import RecordedResponses

if TYPE_CHECKING:
    from spikelearn.recordings._shown import ShownStimuli
    from spikelearn.recordings.user_schema import ResponseArray

SUFFIXES = (".npy", ".npz", ".mat", *TABLES)
LABELLED = (".nc",)


@dataclass(frozen=True)
class NamedArray:
    """An array, and the names along its axes where the file has some.

    Parameters
    ----------
    values : array
    rows, columns : tuple of str or None
        Names of stimuli along the first axis, and of units (of an RDM: stimuli) along the second.
    """

    values: np.ndarray
    rows: tuple[str, ...] | None = None
    columns: tuple[str, ...] | None = None


def read_array(
    path: Path, stimuli: ShownStimuli, key: str | None = None, index: bool | None = None
) -> NamedArray:
    """A numeric array.

    Parameters
    ----------
    path : Path
        Ends in one of `SUFFIXES`.
    stimuli : ShownStimuli
    key : str, optional
        Which array of an .npz or .mat file; may be left out where there is one.
    index : bool, optional
        Whether the first column of a table names or counts its rows.

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
    if suffix in TABLES:
        table = read_csv_table(path, stimuli, index)
        return NamedArray(table.values, table.rows, table.columns)
    if suffix == ".npy":
        try:
            array = np.load(path, allow_pickle=False)
        except (OSError, ValueError) as error:
            raise SpikelearnError(f"{path} is not a readable .npy file of numbers") from error
        return NamedArray(_numbers(array, path))
    arrays = read_matlab_arrays(path) if suffix == ".mat" else _numeric(read_npz(path))
    if key is None and len(arrays) != 1:
        raise SpikelearnError(
            f"{path} holds the arrays {', '.join(arrays) or 'none'}; choose one by key"
        )
    name = next(iter(arrays)) if key is None else key
    if name not in arrays:
        raise SpikelearnError(f"{path} has no array '{name}'; {nearest(name, arrays)}")
    return NamedArray(_numbers(arrays[name], path))


def read_response_array(
    entry: ResponseArray, root: Path, stimuli: ShownStimuli
) -> RecordedResponses:
    """The responses in an array.

    Parameters
    ----------
    entry, root, stimuli
        Which array, the folder that its path is relative to, and what was shown.

    Raises
    ------
    SpikelearnError
        If the array has other dimensions or another number of stimuli, or its axes can be read in
        two ways.
    """
    path = root / entry.file
    if path.suffix.lower() in LABELLED:
        named, dims = read_labelled(path)
    else:
        named = read_array(path, stimuli, entry.key, entry.index)
        of_units = path.suffix.lower() in TABLES and (entry.dims or ("stimulus",))[0] == "stimulus"
        if of_units and entry.index is not False:  # by `index: false` the user calls them units
            values, columns = without_numbers_of_rows(named.values, named.columns, path, stimuli)
            named = NamedArray(values, named.rows, columns)
        dims = entry.dims or _dims(named, path, stimuli, entry.unit_names is not None)
    array = named.values
    if array.ndim != len(dims):
        raise SpikelearnError(
            f"{path} must have the dims ({', '.join(dims)}), found"
            f" {counted(array.ndim, 'dimension')}"
        )
    if len(dims) == 2:
        array, dims = array[None], ("repeat", *dims)
    values = array.transpose([dims.index(dim) for dim in ("stimulus", "repeat", "unit")])
    rows = named.rows or given_names(entry.stimulus_names, path, root, len(values))
    if rows is not None:
        values = stimuli.placed(values, rows, path)
    elif len(values) != len(stimuli):
        raise SpikelearnError(
            f"{path} has responses to {counted(len(values), 'stimulus', 'stimuli')}, but there"
            f" are {len(stimuli)}"
            " images; say dims if the order is another, or by stimulus_names which they are if the"
            " others were not observed"
        )
    else:
        check_no_names_beside(path, stimuli)
        stimuli.by_place(path)
    units = given_names(entry.unit_names, path, root, values.shape[2]) or named.columns
    names = units or tuple(str(number) for number in range(values.shape[2]))
    who = f"{path}, {entry.region}"
    twice = repeated(names)
    if twice is not None:
        raise SpikelearnError(f"{who}: two units are called '{twice}'")
    if np.isinf(values).any():
        at = tuple(np.argwhere(np.isinf(values))[0])
        raise SpikelearnError(
            f"{who}: responses must be finite, or NaN where there is none; the response of unit"
            f" {names[at[2]]} to {stimuli.labels[at[0]]} is infinite"
        )
    numbered = units is None or (entry.unit_names is None and are_numbers(units))
    values, names = stimuli.observed_units(values, names, who)
    return RecordedResponses(
        entry.subject, entry.region, entry.session, values, entry.unit, tuple(names), numbered
    )


def _dims(
    named: NamedArray, path: Path, stimuli: ShownStimuli, named_units: bool
) -> tuple[str, ...]:
    """The usual dims of an array, where no others fit as well.

    Parameters
    ----------
    named, path, stimuli
        The array, its file, and what was shown.
    named_units : bool
        Whether names of the units tell which axis is theirs.

    Raises
    ------
    SpikelearnError
        Naming two readings.
    """
    shape, n_stimuli = named.values.shape, len(stimuli)
    usual = ("stimulus", "unit") if len(shape) == 2 else ("stimulus", "repeat", "unit")
    fitting = [axis for axis, size in enumerate(shape) if size == n_stimuli]
    if len(shape) not in (2, 3) or not fitting or named.rows is not None or named.columns:
        return usual
    if fitting == [0] and len(shape) == 2:
        return usual
    if fitting == [0] and (shape[1] < shape[2] or shape[1:] == (1, 1)):
        if not named_units:
            stimuli.note(
                f"{path} of shape {' x '.join(map(str, shape))} is read as"
                f" {_reading(usual, shape)}, by its sizes alone; say dims if it is otherwise"
            )
        return usual
    others = [dim for dim in usual if dim != "stimulus"]
    readings: list[tuple[str, ...]] = []
    for axis in fitting:
        for rest in (others, others[::-1]):
            dims = [*rest[:axis], "stimulus", *rest[axis:]]
            if tuple(dims) not in readings:
                readings.append(tuple(dims))
    # Fewer repeats than units are the more likely.
    readings.sort(key=lambda dims: dict(zip(dims, shape, strict=True)).get("repeat", 0))
    readings = readings[:2] if usual not in readings[2:] else [usual, readings[0]]
    if len(readings) == 1:
        raise SpikelearnError(
            f"{path} has responses to {counted(shape[0], 'stimulus', 'stimuli')}, but there are"
            f" {counted(n_stimuli, 'image')}, as its"
            f" last axis has places: say dims: [{', '.join(readings[0])}] if these are the stimuli"
        )
    said = ", or as ".join(_reading(dims, shape) for dims in readings)
    both = " or ".join(f"[{', '.join(dims)}]" for dims in readings)
    raise SpikelearnError(
        f"{path} of shape {' x '.join(map(str, shape))} can be read as {said}; say dims: {both}"
    )


def _reading(dims: tuple[str, ...], shape: tuple[int, ...]) -> str:
    words = {"stimulus": "stimuli", "repeat": "repeats", "unit": "units"}
    sizes = dict(zip(dims, shape, strict=True))
    parts = [f"{sizes[dim]} {words[dim]}" for dim in ("repeat", "unit", "stimulus") if dim in sizes]
    return f"({', '.join(dims)}), {' of '.join(parts)}"


def read_labelled(path: Path) -> tuple[NamedArray, tuple[str, ...]]:
    """A netCDF file of one xarray.DataArray, whose dims say what its axes are.

    Returns
    -------
    array : NamedArray
        With the names of its coordinates `stimulus` and `unit`.
    dims : tuple of str

    Raises
    ------
    SpikelearnError
        If it cannot be read, or has other dims than stimulus, unit and repeat.
    """
    import xarray

    if not path.is_file():
        raise SpikelearnError(f"there is no file {path}")
    try:
        with xarray.open_dataarray(path, engine="h5netcdf") as file:
            data = file.load()
    except Exception as error:  # HDF5 and xarray fail in many ways on broken files
        raise SpikelearnError(f"{path} is not a netCDF file of one array") from error
    dims = tuple(str(dim) for dim in data.dims)
    if set(dims) not in ({"stimulus", "unit"}, {"stimulus", "repeat", "unit"}):
        raise SpikelearnError(
            f"{path} must have the dims stimulus and unit, and repeat if there is one, found"
            f" {', '.join(dims)}"
        )
    rows, columns = (
        tuple(written_name(name) for name in data[dim].to_numpy()) if dim in data.coords else None
        for dim in ("stimulus", "unit")
    )
    return NamedArray(_numbers(data.to_numpy(), path), rows, columns), dims


def read_matlab_arrays(path: Path) -> dict[str, np.ndarray]:
    """The numeric arrays of a MATLAB file of any version, axes in MATLAB's order.

    Raises
    ------
    SpikelearnError
        If it cannot be read.
    """
    import h5py

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
            arrays = {k: v for k, v in load_mat(path).items() if not k.startswith("__")}
    except Exception as error:  # SciPy and h5py raise many kinds on broken files
        raise SpikelearnError(f"{path} is not a readable MATLAB file") from error
    return {k: v for k, v in arrays.items() if isinstance(v, np.ndarray) and v.dtype.kind in "fiu"}


def _numbers(array: np.ndarray, path: Path) -> np.ndarray:
    if array.dtype.kind not in "fiu":
        raise SpikelearnError(f"{path} must hold real numbers, found {array.dtype}")
    return array.astype(np.float32 if array.dtype == np.float32 else np.float64)


def _numeric(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Without arrays of texts, which are names, where there are others."""
    kept = {name: array for name, array in arrays.items() if array.dtype.kind not in "US"}
    return kept or arrays
