"""Damaged MATLAB files are refused before SciPy reads them, whole ones are not."""

from __future__ import annotations

import io
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import savemat
from scipy.sparse import eye

from spikelearn._errors import SpikelearnError
from spikelearn._mat_files import check_mat, load_mat
from spikelearn.spikes import load

CELLS = np.empty((2, 2), dtype=object)
CELLS[:] = [[np.arange(3.0), np.empty(0)], [np.array([1j, 2.0]), "text"]]
CONTENT: dict[str, Any] = {
    "cells": CELLS, "numbers": np.arange(40, dtype=np.int16).reshape(4, 10), "truth": True,
    "parts": {"a": 1.0, "b": {"c": "é"}}, "sparse": eye(4).tocsc(), "empty": np.empty((0, 3)),
    "complex": np.array([[1 + 2j]]), "complex_sparse": (eye(3) * 1j).tocsc(), "words": ["ab", "c"],
}  # fmt: skip


def written(compressed: bool = False, **content: Any) -> bytearray:
    buffer = io.BytesIO()
    savemat(buffer, content or CONTENT, do_compression=compressed)
    return bytearray(buffer.getvalue())


@pytest.mark.parametrize("compressed", [False, True])
def test_whole_files_pass_and_are_read_as_scipy_reads_them(
    compressed: bool, tmp_path: Path
) -> None:
    path = tmp_path / "a.mat"
    path.write_bytes(written(compressed))
    found = load_mat(path)
    assert set(found) > set(CONTENT)
    np.testing.assert_array_equal(found["numbers"], CONTENT["numbers"])
    np.testing.assert_array_equal(found["cells"][0, 0].ravel(), [0.0, 1.0, 2.0])


def test_what_is_of_another_version_is_left_to_its_reader() -> None:
    version_4 = io.BytesIO()
    savemat(version_4, {"x": np.arange(3.0)}, format="4")
    version_7 = written()
    version_7[124:126] = b"\x00\x02"
    for content in (version_4.getvalue(), version_7, b"", b"nothing of the kind" * 20):
        check_mat(io.BytesIO(content))


# Where a number stands, counted from the first array: the type of its data, its class, its flags.
@pytest.mark.parametrize(
    ("place", "value", "sentence"),
    [
        (8, struct.pack("<I", 8), "does not begin with its flags"),
        (16, b"\x63", "an array of class 99"),
        (17, b"\xff", "an array of class 6 has not what it needs"),
        (48, struct.pack("<I", 10), "data of type 10"),
        (4, struct.pack("<I", 10**6), "cut short, or a length in it is wrong"),
        (52, struct.pack("<I", 10**9), "cut short, or a length in it is wrong"),
    ],
)
def test_a_number_that_means_nothing_is_refused(
    place: int, value: bytes, sentence: str, tmp_path: Path
) -> None:
    content = written(x=np.arange(4.0))
    first = 128
    assert struct.unpack_from("<I", content, first) == (14,)  # an array: 8 bytes of its tag
    content[first + place : first + place + len(value)] = value
    with pytest.raises(SpikelearnError, match=sentence):
        check_mat(io.BytesIO(content))
    path = tmp_path / "a.mat"
    path.write_bytes(content)
    with pytest.raises(SpikelearnError, match=r"cannot read .*a\.mat: it is damaged"):
        load(path, unit="ms")


def test_a_packed_array_that_does_not_unpack_is_refused() -> None:
    content = written(compressed=True)
    content[150:160] = b"\xff" * 10
    with pytest.raises(SpikelearnError, match="it is damaged"):
        check_mat(io.BytesIO(content))
    with pytest.raises(SpikelearnError, match="cut short"):
        check_mat(io.BytesIO(written(compressed=True)[:-9]))
