"""Names of stimuli and units that stand beside an array: in a text file, or in the same file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from spikelearn._errors import SpikelearnError
from spikelearn._mat_files import load_mat
from spikelearn._names import written_name
from spikelearn.recordings._shown import image_label

if TYPE_CHECKING:
    from spikelearn.recordings._shown import ShownStimuli


def given_names(given: str | None, path: Path, root: Path, n: int) -> tuple[str, ...] | None:
    """Names in a text file, one a line, or in an array of texts beside the numbers.

    Parameters
    ----------
    given : str or None
        The text file's path, or what the array is called; None gives None.
    path, root : Path
        The file of the numbers, and the folder that paths are relative to.
    n : int
        How many names there must be.

    Raises
    ------
    SpikelearnError
        If they are not there, or of another number.
    """
    if given is None:
        return None
    file = root / given
    if file.is_file():
        try:
            lines = file.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise SpikelearnError(f"cannot read {file}: {error}") from error
        names = [line.strip() for line in lines if line.strip()]
    else:
        texts: dict[str, list[str]] = {}
        if path.suffix.lower() == ".npz":
            texts = {
                name: [written_name(cell) for cell in array.ravel()]
                for name, array in read_npz(path).items()
            }
        elif path.suffix.lower() == ".mat":
            texts = _matlab_texts(path)
        if given not in texts:
            raise SpikelearnError(f"there are no names '{given}': no file {file}, nor in {path}")
        names = texts[given]
    if len(names) != n:
        raise SpikelearnError(f"{given} gives {len(names)} names, but {path} needs {n}")
    return tuple(names)


def check_no_names_beside(path: Path, stimuli: ShownStimuli) -> None:
    """Refuse to read rows by their place where a list beside them gives another order.

    Raises
    ------
    SpikelearnError
        If the same file holds the names of all stimuli in another order.
    """
    import h5py

    texts: dict[str, list[str]] = {}
    if path.suffix.lower() == ".npz":
        texts = {
            name: [written_name(cell) for cell in array.ravel()]
            for name, array in read_npz(path).items()
            if array.dtype.kind in "US"
        }
    elif path.suffix.lower() == ".mat" and not h5py.is_hdf5(path):
        texts = _matlab_texts(path)
    for name, its in texts.items():
        labels = [image_label(text) for text in its]
        if sorted(labels) == sorted(stimuli.labels) and labels != list(stimuli.labels):
            raise SpikelearnError(
                f"{path} holds the names of the stimuli in '{name}', in another order than the"
                f" images; say `stimulus_names: {name}` if these are the names of its rows, or"
                " give them in a text file"
            )


def read_npz(path: Path) -> dict[str, np.ndarray]:
    """The arrays of an .npz file, texts among them.

    Raises
    ------
    SpikelearnError
        If it cannot be read, or holds objects.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except Exception as error:  # NumPy raises many kinds on broken files
        raise SpikelearnError(
            f"{path} is not a readable .npz file of plain arrays (numbers or text)"
        ) from error


def _matlab_texts(path: Path) -> dict[str, list[str]]:
    """Texts and numbers of a MATLAB file that may be names: cells, rows of characters, numbers."""
    try:
        arrays = {k: v for k, v in load_mat(path).items() if not k.startswith("__")}
    except Exception as error:  # SciPy raises many kinds, on files of version 7.3 too
        raise SpikelearnError(
            f"{path}: names are read from MATLAB files before version 7.3; give them in a text file"
        ) from error
    return {
        name: [
            written_name(np.ravel(cell)[0] if np.size(cell) else "").strip()
            for cell in np.ravel(array)
        ]
        for name, array in arrays.items()
        if isinstance(array, np.ndarray)
    }
