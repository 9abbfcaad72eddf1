"""Files whose structure is a little wrong: whole to their readers, and not what they should hold.

Arrays that are missing, of another type, of another length, of numbers that are none, that claim to
be vast; names that are paths or markup. Bytes changed at random seldom come so far.
"""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path
from typing import Any

import numpy as np
from mutations import mutated_bytes

NAMES = ("../../x", "[/red]", "", "a/b", "é\u202e", "x" * 3000, "<script>alert(1)</script>", "\n")
_NUMBERS = (-1, 0, float("nan"), float("inf"), 1e308, -(2**62), 2**62, 1e-320, 10**12)


def mutated_structure(original: Path, path: Path, rng: random.Random) -> None:
    """Write the original with one or two things in it changed.

    Parameters
    ----------
    original, path : Path
    rng : random.Random
    """
    shutil.copyfile(original, path)
    change = {
        ".npz": _npz, ".h5": _hdf5, ".nwb": _hdf5, ".nix": _hdf5, ".nir": _hdf5, ".mat": _mat,
        ".csv": _csv, ".parquet": _parquet, ".safetensors": _safetensors,
        ".checkpoint": _safetensors,
    }[path.suffix]  # fmt: skip
    for _ in range(rng.choice([1, 1, 2])):
        try:
            change(path, rng)
        except (TypeError, ValueError, KeyError, OSError, RuntimeError):
            # What the format itself cannot hold; its bytes can be anything.
            path.write_bytes(mutated_bytes(original.read_bytes(), rng))
            return


def _array(array: np.ndarray, rng: random.Random) -> np.ndarray:
    """Another array in its place."""
    others = [array[:0] if array.ndim else array[None], np.asarray([["a", "b"]]),
              np.asarray(rng.choice(_NUMBERS)), np.stack([array, array])]  # fmt: skip
    if array.ndim and array.size:
        others += [np.concatenate([array, array]), array.reshape(-1)[0]]
    if array.dtype.kind in "fiu":
        one = array.astype(float)
        if array.size:
            one.flat[rng.randrange(array.size)] = rng.choice(_NUMBERS)
        others += [one, one, -array.astype(float), array * np.nan]
    return np.asarray(rng.choice(others))


def _npz(path: Path, rng: random.Random) -> None:
    with np.load(path, allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
    if not arrays:
        return
    name = rng.choice(sorted(arrays))
    kind = rng.randrange(4)
    if kind == 0:
        del arrays[name]
    elif kind == 1:
        arrays[rng.choice(NAMES).replace("\n", "").replace("/", "_") or "x"] = arrays.pop(name)
    elif kind == 2:
        arrays[name] = np.asarray(json.dumps({"n_trials": rng.choice(_NUMBERS)}))
    else:
        arrays[name] = _array(arrays[name], rng)
    np.savez(path, **arrays)


def _hdf5(path: Path, rng: random.Random) -> None:
    import h5py

    with h5py.File(path, "r+") as file:
        places: list[str] = []
        file.visit(places.append)
        if not places:
            return
        place = rng.choice(places)
        found = file[place]
        kind = rng.randrange(6)
        if kind == 0:
            del file[place]
        elif kind in (1, 2) and found.attrs:
            name = rng.choice(sorted(found.attrs))
            if kind == 1:
                del found.attrs[name]
            else:
                found.attrs[name] = rng.choice([*_NUMBERS, *NAMES[:4]])
        elif kind == 3:
            parent = found.parent
            wanted = rng.choice(("x", "other.name", "é"))
            if wanted not in parent:
                parent.move(found.name.rpartition("/")[2], wanted)
        elif isinstance(found, h5py.Dataset):
            _hdf5_dataset(file, place, rng)


def _hdf5_dataset(file: Any, place: str, rng: random.Random) -> None:
    """Another array in the place of this one, which may claim to be vast."""
    attributes = dict(file[place].attrs)
    if rng.random() < 0.3:
        del file[place]
        made = file.create_dataset(place, shape=(10**11,), dtype="f8", chunks=(1000,))
    else:
        found = file[place]
        some = found[:1000] if (found.size or 0) > 10**6 else found[()]  # a change made it vast
        array = _array(np.asarray(some), rng)
        del file[place]
        text = array.dtype.kind in "UO"
        made = file.create_dataset(place, data=array.astype(object) if text else array)
    for name, value in attributes.items():
        made.attrs[name] = value


def _mat(path: Path, rng: random.Random) -> None:
    from scipy.io import loadmat, savemat

    arrays = {k: v for k, v in loadmat(path).items() if not k.startswith("__")}
    if not arrays:
        return
    name = rng.choice(sorted(arrays))
    if rng.randrange(3) == 0:
        del arrays[name]
    else:
        value = arrays[name]
        if value.dtype.kind == "O" and value.size:
            place = rng.randrange(value.size)
            value.flat[place] = _array(np.asarray(value.flat[place]), rng)
        else:
            arrays[name] = _array(value, rng) if value.dtype.kind in "fiu" else np.zeros((2, 2))
    savemat(path, arrays)


def _csv(path: Path, rng: random.Random) -> None:
    lines = path.read_text(encoding="utf-8").split("\n")
    place = rng.randrange(len(lines))
    cells = lines[place].split(",")
    cells[rng.randrange(len(cells))] = str(rng.choice([*_NUMBERS, *NAMES[:5], '"', "1e9999"]))
    lines[place] = ",".join(cells)
    path.write_text("\n".join(lines), encoding="utf-8")


def _parquet(path: Path, rng: random.Random) -> None:
    import pandas as pd

    table = pd.read_parquet(path)
    if not len(table.columns):
        return
    name = rng.choice(list(table.columns))
    kind = rng.randrange(5)
    if kind == 0:
        table = table.drop(columns=name)
    elif kind == 1:
        table = table.rename(columns={name: rng.choice(NAMES)})
    elif kind == 2:
        table = table.iloc[:0]
    elif kind == 3:
        table[name] = "x"
    else:
        table[name] = [[1, 2]] * len(table)
    table.to_parquet(path, index=False)


def _safetensors(path: Path, rng: random.Random) -> None:
    from safetensors import safe_open
    from safetensors.numpy import save_file

    with safe_open(path, framework="numpy") as file:
        arrays = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
        said = file.metadata()
    if not arrays:
        return
    name = rng.choice(sorted(arrays))
    kind = rng.randrange(6)
    if kind == 0:
        del arrays[name]
    elif kind == 1:
        arrays[rng.choice(NAMES)] = arrays.pop(name)
    elif kind == 2:
        arrays[name] = arrays[name].astype(rng.choice(["f8", "i8", "u1", "f2"]))
    elif kind == 3 and said:
        said = {key: rng.choice(["", "[]", "{}", "[1, 2", "null", "[[], NaN, -1]"]) for key in said}
    else:
        changed = _array(arrays[name], rng)
        arrays[name] = changed if changed.dtype.kind in "fiu" else np.zeros(3)
    save_file({k: np.ascontiguousarray(v) for k, v in arrays.items()}, path, metadata=said)
