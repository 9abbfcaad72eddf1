"""MATLAB files of version 5, looked through before SciPy reads them.

SciPy takes the numbers that say what follows as they stand, and the whole process ends, without a
word, where a damaged file has one that means nothing.
"""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from spikelearn._errors import SpikelearnError

# Of the format: https://www.mathworks.com/help/pdf_doc/matlab/matfile_format.pdf
_HEADER = 128
_MATRIX, _COMPRESSED = 14, 15
_PLAIN = {1, 2, 3, 4, 5, 6, 7, 9, 12, 13, 16, 17, 18}
_CLASSES = range(1, 18)
_FLAGS, _COMPLEX = (6, 8), 0x800
_SPARSE, _NESTED, _CLOSED = 5, (1, 2, 3), (16, 17)
# Elements that are no arrays, by class: cells, structs, objects, text, sparse; numbers have _ONE.
_PARTS, _ONE = {1: 2, 2: 4, 3: 5, 4: 3, 5: 5}, 3
_DEPTH = 60
_PIECE = 2**20


def load_mat(path: Path, **options: Any) -> dict[str, Any]:
    """What `scipy.io.loadmat` gives of a file that is whole.

    Raises
    ------
    SpikelearnError
        If it is not.
    """
    from scipy.io import loadmat

    with path.open("rb") as file:
        check_mat(file)
    content: dict[str, Any] = loadmat(path, **options)
    return content


def check_mat(file: BinaryIO) -> None:
    """Refuse a file in which a number says nothing of what follows; other versions pass.

    Raises
    ------
    SpikelearnError
    """
    header = file.read(_HEADER)
    if len(header) < _HEADER or header[:4].count(0) or header[126:] not in (b"IM", b"MI"):
        return
    order = "<" if header[126:] == b"IM" else ">"
    (version,) = struct.unpack(f"{order}H", header[124:126])
    if version >> 8 != 1:
        return
    whole = _Content(iter(lambda: file.read(_PIECE), b""), order)
    while (start := whole.take(8, needed=False)) is not None:
        kind, size = struct.unpack(f"{order}II", start)
        if kind == _COMPRESSED:
            _element(_Content(_unpacked(whole, size), order), 0)
        elif kind == _MATRIX:
            _matrix(whole, size, 0)
        else:
            whole.skip(size)  # SciPy refuses it in words


def _matrix(content: _Content, size: int, depth: int) -> None:
    if not size:
        return
    if depth > _DEPTH:
        raise SpikelearnError("it is damaged, or nested too deeply to be data")
    end = content.at + size
    flags = content.take(16)
    tag, (word,) = flags[:8], struct.unpack(f"{content.order}I", flags[8:12])
    if struct.unpack(f"{content.order}II", tag) != _FLAGS:
        raise SpikelearnError("it is damaged: an array does not begin with its flags")
    kind, is_complex = word & 0xFF, bool(word & _COMPLEX)
    if kind not in _CLASSES:
        raise SpikelearnError(f"it is damaged: it has an array of class {kind}")
    n_plain = n_arrays = 0
    while content.at < end:
        is_array = _element(content, depth, end)
        n_plain, n_arrays = n_plain + (not is_array), n_arrays + is_array
    expected = _PARTS.get(kind, _ONE + is_complex)  # dimensions, name, and what there is of data
    if kind not in _CLOSED and (
        n_plain != expected + (is_complex and kind == _SPARSE)
        or (n_arrays > 0 and kind not in _NESTED)
    ):
        raise SpikelearnError(f"it is damaged: an array of class {kind} has not what it needs")


def _element(content: _Content, depth: int, end: float = math.inf) -> bool:
    """Go past an element; whether it is an array."""
    kind, size = struct.unpack(f"{content.order}II", content.take(8))
    if kind >> 16:  # so small that its data stand in its tag
        kind, size = kind & 0xFFFF, 0
    if kind == _MATRIX:
        _matrix(content, size, depth + 1)
    elif kind in _PLAIN:
        content.skip(size)
        content.skip(int(min(-size % 8, max(end - content.at, 0))))
    else:
        raise SpikelearnError(f"it is damaged: it has data of type {kind}")
    return bool(kind == _MATRIX)


class _Content:
    """Bytes from one end to the other, without all of them in memory."""

    def __init__(self, pieces: Iterator[bytes], order: str) -> None:
        self._pieces, self._held, self._place = pieces, b"", 0
        self.at, self.order = 0, order

    def take(self, n: int, needed: bool = True) -> Any:
        """The next bytes; None where there are none left and none are needed."""
        end = self._place + n
        while len(self._held) < end and (piece := next(self._pieces, None)) is not None:
            self._held, self._place, end = self._held[self._place :] + piece, 0, n
        if len(self._held) < end:
            if not needed and not self._held[self._place :].strip(b"\0"):
                return None
            raise SpikelearnError("it is damaged: it is cut short, or a length in it is wrong")
        taken = self._held[self._place : end]
        self._place = end
        self.at += n
        return taken

    def skip(self, n: int) -> None:
        """Go on by so many bytes."""
        while n > 0:
            part = min(n, _PIECE)
            self.take(part)
            n -= part


def _unpacked(content: _Content, size: int) -> Iterator[bytes]:
    """The bytes that a compressed element is made of, in pieces, however many it unpacks to."""
    packed = zlib.decompressobj()
    while size > 0:
        part = min(size, _PIECE)
        rest = content.take(part)
        size -= part
        while rest:
            try:
                piece = packed.decompress(rest, _PIECE)
            except zlib.error as error:
                raise SpikelearnError(f"it is damaged: {error}") from None
            rest = packed.unconsumed_tail
            if not piece:
                break
            yield piece
