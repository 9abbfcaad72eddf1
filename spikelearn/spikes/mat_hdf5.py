"""MATLAB files of version 7.3, which are HDF5: arrays, cells and structs of arrays."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np

from spikelearn._errors import SpikelearnError

# Cells within cells; a file may hold a circle of them.
_DEPTH = 4


def is_such(path: Path) -> bool:
    """Whether a file is a MATLAB file of version 7.3."""
    return bool(h5py.is_hdf5(path))


def arrays(path: Path) -> dict[str, np.ndarray]:
    """Arrays by name, and the fields of structs, as in data.times; cells are arrays of objects.

    Raises
    ------
    SpikelearnError
        If it holds none.
    """
    found: dict[str, np.ndarray] = {}
    with h5py.File(path, "r") as file:
        for name, stored in file.items():
            if name.startswith("#"):  # where cells lie
                continue
            if isinstance(stored, h5py.Group):
                fields = {f"{name}.{field}": its for field, its in stored.items()}
            else:
                fields = {name: stored}
            for called, its in fields.items():
                value = _value(file, its, _DEPTH)
                if value is not None:
                    found[called] = value
        if not found:
            raise SpikelearnError(
                f"it holds no arrays (it has {', '.join(file) or 'nothing'}); MATLAB alone reads"
                " its tables and objects"
            )
    return found


def _value(file: h5py.File, stored: Any, depth: int) -> np.ndarray | None:
    """An array as MATLAB has it; None of what is none, as a struct within a struct."""
    if not isinstance(stored, h5py.Dataset):
        return None
    kind = stored.attrs.get("MATLAB_class", b"")
    kind = kind.decode() if isinstance(kind, bytes) else str(kind)
    if stored.attrs.get("MATLAB_empty", 0):
        return np.empty(0)
    if h5py.check_ref_dtype(stored.dtype) is not None:
        if depth == 0:
            return None
        places = stored[()].T
        cells = np.empty(places.shape, dtype=object)
        for place in np.ndindex(places.shape):
            inside = _value(file, file[places[place]], depth - 1)
            cells[place] = np.empty(0, dtype=object) if inside is None else inside
        return cells
    values = np.asarray(stored[()]).T  # HDF5 has the last dimension first
    if kind == "char":
        return np.array("".join(chr(code) for code in values.ravel(order="F")))
    return values
