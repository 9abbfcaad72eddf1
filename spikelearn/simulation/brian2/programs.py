"""The folder of kept programs, and what is deleted from it before it grows too large.

A program is a file, and when it was last used is the file's time. Beyond the limit those that were
used longest ago go first; the one just built stays, whatever the limit. Processes that share the
folder need no lock: a program that runs goes on without its file, and who finds that it went
between a look and its start builds it again.
"""

from __future__ import annotations

import contextlib
import math
import os
import shutil
import time
from pathlib import Path

from spikelearn._errors import SpikelearnError
from spikelearn._files import cache_folder

KEPT_MB = 256.0  # some 1,500 programs
_ABANDONED_S = 24 * 3600.0  # after which what a killed process left half-built is deleted


def programs_folder() -> Path:
    """Where programs are kept."""
    return cache_folder() / "brian2" / "standalone"


def limit_mb() -> float:
    """How large the folder may become: what SPIKELEARN_PROGRAMS_MB says, or 256 MB.

    Raises
    ------
    SpikelearnError
        Where that is no number, or one below 0.
    """
    said = os.environ.get("SPIKELEARN_PROGRAMS_MB")
    if not said:
        return KEPT_MB
    with contextlib.suppress(ValueError):
        if (limit := float(said)) >= 0 and not math.isnan(limit):
            return limit
    raise SpikelearnError(
        f"SPIKELEARN_PROGRAMS_MB must be a size in MB, 0 or more (inf: no limit), found '{said}'"
    )


def mark_used(program: Path) -> None:
    """Make it the last that will be deleted."""
    with contextlib.suppress(OSError):  # someone else's cache, or deleted just now
        os.utime(program)


def forget_least_used(newest: Path) -> None:
    """Delete from the folder of `newest` what exceeds the limit, and what was never finished."""
    limit, now = 1e6 * limit_mb(), time.time()
    programs = []
    for path in newest.parent.iterdir():
        with contextlib.suppress(OSError):  # another process deletes, too
            found = path.stat()
            if path.is_file():
                programs.append((path == newest, found.st_mtime, found.st_size, path))
            elif now - found.st_mtime > _ABANDONED_S:
                shutil.rmtree(path, ignore_errors=True)
    size = sum(bytes_ for _, _, bytes_, _ in programs)
    for is_newest, _, bytes_, path in sorted(programs):
        if size <= limit or is_newest:
            break
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)
        size -= bytes_
