"""Numba keeps what it has compiled by the text of one file; the native engine is in several files.

Where one of the others has changed (an update, an edit), what was compiled with its older text is
stale, and nobody would notice. So the texts' hash is kept beside the machine code.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

from spikelearn._atomic import WriteError, atomic_path
from spikelearn._keys import files_key


def forget_stale(compiled: Any) -> None:
    """Remove machine code in the cache of a compiled function that was made from other sources.

    A cache that cannot be written is left as it is.
    """
    folder = Path(compiled.stats.cache_path)
    digest = files_key(sorted(Path(__file__).parent.glob("*.py")))
    kept = folder / "native.sources"
    with contextlib.suppress(OSError, WriteError):
        if kept.is_file() and kept.read_text(encoding="ascii") == digest:
            return
        for machine_code in folder.glob("*.nb[ic]"):
            machine_code.unlink(missing_ok=True)
        with atomic_path(kept) as temporary:
            temporary.write_text(digest, encoding="ascii")
