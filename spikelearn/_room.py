"""What there is of memory and disk, and the refusal of what would need more, before it begins.

Whoever needs much says its parts, in bytes that are Python's numbers, so that no size is too large
to be added up. A refusal is one sentence: how much is needed, what of it is the most, how much is
free, and what would do.
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from spikelearn._errors import SpikelearnError

# Less than this is not asked about: to ask costs more than to take it.
FEW_BYTES = 50_000_000
# Beyond any machine, and still a number that can be multiplied: sizes above it count as this.
BEYOND = 10**24
_CGROUPS = Path("/sys/fs/cgroup")


class NoRoomError(SpikelearnError):
    """What is asked for needs more memory or disk than is free."""


@dataclass(frozen=True)
class Part:
    """Some of what is needed: what it is for, how much, and what would make it smaller."""

    what: str
    n_bytes: float
    instead: str = ""


def bounded(size: float) -> float:
    """A size that can be multiplied by others without end; what is not finite is beyond."""
    return BEYOND if isinstance(size, float) and math.isnan(size) else min(size, BEYOND)


def require_memory(what: str, parts: Iterable[Part]) -> None:
    """Refuse what the free memory does not hold.

    Parameters
    ----------
    what : str
        What needs it, as the subject of a sentence.
    parts : iterable of Part

    Raises
    ------
    NoRoomError
    """
    parts = list(parts)
    needed = sum(part.n_bytes for part in parts)
    if needed < FEW_BYTES:
        return
    free = free_memory()
    if needed > free:
        raise NoRoomError(f"{what} would need about {_refused(parts, 'of memory', free)}")


def require_disk(what: str, parts: Iterable[Part], folder: Path, named: str = "") -> None:
    """Refuse what the disk of a folder does not hold.

    Parameters
    ----------
    what : str
        What needs it, as the subject of a sentence.
    parts : iterable of Part
    folder : Path
        It, or one above it, is there.
    named : str
        The folder in words; its path if empty.

    Raises
    ------
    NoRoomError
    """
    parts = list(parts)
    free = free_disk(folder)
    if sum(part.n_bytes for part in parts) > free:
        place = f"on the disk of {named or folder}"
        raise NoRoomError(f"{what} would need about {_refused(parts, place, free)}")


def _refused(parts: list[Part], where: str, free: float) -> str:
    needed = sum(part.n_bytes for part in parts)
    largest = max(parts, key=lambda part: part.n_bytes)
    share = f", most of it for {largest.what}" if len(parts) > 1 else f" for {largest.what}"
    if len(parts) > 1 and largest.n_bytes < needed / 2:
        share = f", {in_bytes(largest.n_bytes)} of it for {largest.what}"
    instead = f"; {largest.instead}" if largest.instead else ""
    return f"{in_bytes(needed)} {where}{share}, but {in_bytes(free)} are free{instead}"


def free_memory() -> float:
    """Bytes that this process may still take: of the machine, its container and its own limit."""
    import psutil

    return max(0.0, min(psutil.virtual_memory().available, _of_container(), _of_process()))


def _of_container() -> float:
    """What is left of the limit of the control group that the process is in; inf without one."""
    left = math.inf
    for limit, used in (
        (_CGROUPS / "memory.max", _CGROUPS / "memory.current"),
        (_CGROUPS / "memory/memory.limit_in_bytes", _CGROUPS / "memory/memory.usage_in_bytes"),
    ):
        try:
            most, taken = limit.read_text(), int(used.read_text())
            left = min(left, int(most) - taken + _given_back(limit.parent))
        except (OSError, ValueError):  # none there, or "max"
            continue
    return left


def _given_back(group: Path) -> int:
    """Files that the system keeps in memory for now count as used, and are given back."""
    for line in (group / "memory.stat").read_text().splitlines():
        name, _, value = line.partition(" ")
        if name in ("inactive_file", "total_inactive_file"):
            return int(value)
    return 0


def _of_process() -> float:
    try:
        import resource
    except ImportError:  # Windows has none
        return math.inf
    import psutil

    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    if limit == resource.RLIM_INFINITY:
        return math.inf
    return float(limit - psutil.Process().memory_info().vms)


def free_disk(folder: Path) -> float:
    """Bytes free on the disk of a folder, or of the nearest above it that is there."""
    there = next(f for f in (folder.absolute(), *folder.absolute().parents) if f.is_dir())
    try:
        return float(shutil.disk_usage(there).free)
    except OSError:
        return math.inf


def in_bytes(n_bytes: float) -> str:
    """A number of bytes in words."""
    if n_bytes < 1e9:
        return f"{n_bytes / 1e6:,.0f} MB" if n_bytes >= 1e6 else f"{n_bytes / 1e3:,.0f} kB"
    return f"{n_bytes / 1e9:,.1f} GB" if n_bytes < 1e14 else f"{n_bytes / 1e9:.2g} GB"


_UNITS = (("year", 365 * 86400.0), ("day", 86400.0), ("hour", 3600.0), ("minute", 60.0))


def in_time(seconds: float) -> str:
    """A duration in words, as exactly as an estimate may be told."""
    for unit, length in _UNITS:
        if seconds >= 1.5 * length:
            number = seconds / length
            told = f"{number:,.0f}" if number < 1e6 else f"{number:.1g}"
            return f"{told} {unit}s"
    return f"{seconds:.0f} seconds"


def in_number(number: float) -> str:
    """A count in words: exactly, or to two digits where it is beyond a trillion."""
    return f"{number:,.0f}" if number < 1e15 else f"{number:.2g}"
