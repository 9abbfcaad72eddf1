"""IDX files: arrays of bytes behind a header that gives their shape (LeCun, Cortes & Burges).

The format of MNIST and of the sets made to its likeness; see http://yann.lecun.com/exdb/mnist/.
"""

from __future__ import annotations

import gzip
import hashlib
import zlib
from pathlib import Path

import numpy as np

from spikelearn._errors import SpikelearnError


def read_idx(path: Path, digest: str, what: str) -> np.ndarray:
    """The array of bytes in a compressed IDX file.

    Parameters
    ----------
    path : Path
        A gzip file.
    digest : str
        SHA-256 of what it holds: archives of the same content differ by who compressed them.
    what : str
        What it should hold, for the message where it does not ("MNIST's train-labels ...").

    Returns
    -------
    uint8 array of the shape that the header gives

    Raises
    ------
    SpikelearnError
        If the file is no gzip file, or holds something else.
    """
    try:
        content = gzip.decompress(path.read_bytes())
    except (OSError, EOFError, zlib.error) as error:
        raise SpikelearnError(
            f"{path} is not a gzip file; delete it to download it again"
        ) from error
    if hashlib.sha256(content).hexdigest() != digest:
        raise SpikelearnError(f"{path} does not hold {what}; delete it to download it again")
    # Two bytes of zero, the type (8: unsigned bytes), the number of dimensions, each dimension.
    n_dimensions = content[3]
    shape = np.frombuffer(content, dtype=">u4", count=n_dimensions, offset=4).astype(int)
    values = np.frombuffer(content, dtype=np.uint8, offset=4 + 4 * n_dimensions)
    return values.reshape(shape)
