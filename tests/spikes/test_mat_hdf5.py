"""MATLAB files of version 7.3, laid out as MATLAB lays them out in HDF5."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from spikelearn._errors import SpikelearnError
from spikelearn.spikes import load, mat_hdf5
from spikelearn.spikes.of_others import ReadWarning


def written(path: Path, **variables: Any) -> Path:
    """What MATLAB's `save -v7.3` makes of arrays, lists (cells), texts and mappings (structs)."""
    with h5py.File(path, "w", userblock_size=512) as file:
        for name, value in variables.items():
            _write(file, file, name, value)
    with path.open("r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(124) + b"\x00\x02IM")
    return path


def _write(file: h5py.File, where: Any, name: str, value: Any) -> None:
    if isinstance(value, dict):
        group = where.create_group(name)
        group.attrs["MATLAB_class"] = np.bytes_("struct")
        for field, its in value.items():
            _write(file, group, field, its)
        return
    if isinstance(value, list):
        refs = file.require_group("#refs#")
        cells = np.empty((len(value), 1), dtype=h5py.ref_dtype)
        for i, its in enumerate(value):
            called = f"{name}{i}"
            _write(file, refs, called, its)
            cells[i, 0] = refs[called].ref
        made, kind = where.create_dataset(name, data=cells, dtype=h5py.ref_dtype), "cell"
    elif isinstance(value, str):
        codes = np.array([[ord(c)] for c in value], dtype=np.uint16)
        made, kind = where.create_dataset(name, data=codes), "char"
    elif np.size(value) == 0:
        made, kind = where.create_dataset(name, data=np.array([0, 0], dtype=np.uint64)), "double"
        made.attrs["MATLAB_empty"] = np.uint8(1)
    else:
        columns = np.atleast_2d(np.asarray(value))
        made, kind = where.create_dataset(name, data=columns.T), "double"
    made.attrs["MATLAB_class"] = np.bytes_(kind)


def read(path: Path, **given: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ReadWarning)
        return load(path, **given)


TIMES, NEURONS = np.array([5.5, 7.25, 9.0]), np.array([0.0, 3.0, 1.0])


@pytest.mark.parametrize(
    "variables",
    [
        {"spike_times": TIMES, "neurons": NEURONS, "note": "theirs"},
        {"data": {"times": TIMES[:, None], "unit": NEURONS[:, None], "by": "hand"}},
        {"pairs": np.column_stack([TIMES, NEURONS])},
        {"spikes": [np.array([5.5]), np.array([9.0]), np.array([]), np.array([7.25])]},
    ],
)
def test_arrays_structs_and_cells_are_read(variables: dict[str, Any], tmp_path: Path) -> None:
    activity = read(written(tmp_path / "a.mat", **variables), unit="ms", duration_ms=20.0)
    np.testing.assert_allclose(activity["units"].times_ms, TIMES)
    np.testing.assert_array_equal(activity["units"].senders, NEURONS)
    assert activity["units"].size == 4


def test_values_come_as_matlab_has_them(tmp_path: Path) -> None:
    matrix = np.arange(6.0).reshape(2, 3)
    path = written(tmp_path / "a.mat", m=matrix, text="spikes", empty=np.empty(0), c=[["deep"]])
    assert mat_hdf5.is_such(path)
    found = mat_hdf5.arrays(path)
    np.testing.assert_array_equal(found["m"], matrix)
    assert found["text"] == "spikes"
    assert found["empty"].size == 0
    assert found["c"].shape == (1, 1)


def test_what_only_matlab_reads_is_said(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.mat", "w") as file:
        file.create_group("#refs#")
    with pytest.raises(SpikelearnError, match=r"it holds no arrays \(it has #refs#\)"):
        load(tmp_path / "a.mat")


def test_cells_in_a_circle_end(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.mat", "w") as file:
        made = file.create_dataset("c", (1, 1), dtype=h5py.ref_dtype)
        made[0, 0] = made.ref
    with pytest.raises(SpikelearnError, match="no arrays of times and neurons"):
        load(tmp_path / "a.mat")
