"""How many cores this process may use: those it is let run on, and what it has of their time.

Schedulers of clusters and containers give a job a share of the processor's time by Linux's control
groups: in `cpu.max` (version 2), or in `cpu.cfs_quota_us` and `cpu.cfs_period_us` (version 1), of
the job's group or of one above it. More threads than that share only wait for one another.
"""

from __future__ import annotations

import contextlib
import functools
import math
import os
from collections.abc import Iterator
from pathlib import Path

_GROUPS, _OWN = Path("/sys/fs/cgroup"), Path("/proc/self/cgroup")


def cores() -> int:
    """Cores that this process may use; of a share of one more, that one too."""
    if hasattr(os, "sched_getaffinity"):
        number = len(os.sched_getaffinity(0))
    else:
        number = os.cpu_count() or 1
    quota = _quota_now()
    return number if quota is None else max(1, min(number, math.ceil(quota)))


@functools.cache
def _quota_now() -> float | None:
    return quota()


def quota(groups: Path = _GROUPS, own: Path = _OWN) -> float | None:
    """Cores' worth of time that this process's control groups leave it; None where all of it.

    Parameters
    ----------
    groups : Path
        Where control groups are mounted.
    own : Path
        The file that says which are this process's.
    """
    try:
        lines = own.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:  # no Linux
        return None
    shares = [
        share
        for line in lines
        if line.count(":") >= 2
        for _, controllers, path in [line.split(":", 2)]
        for folder in _folders(controllers, path, groups)
        if (share := _share(folder)) is not None
    ]
    return min(shares, default=None)


def _folders(controllers: str, path: str, groups: Path) -> Iterator[Path]:
    """Folders of a group and of those above it, wherever its kind is mounted."""
    if not controllers:  # of version 2
        mounts = [groups, groups / "unified"]
    elif "cpu" in controllers.split(","):
        mounts = [groups / controllers, groups / "cpu"]
    else:
        return
    for mount in mounts:
        group = mount / path.strip("/")
        # A container may see its own group alone, as the root of all.
        yield from (folder for folder in (group, *group.parents) if folder.is_relative_to(mount))


def _share(folder: Path) -> float | None:
    """What one group leaves; None where it sets no bound."""
    with contextlib.suppress(OSError, ValueError):
        most, period = (folder / "cpu.max").read_text().split()
        return None if most == "max" else _ratio(most, period)
    with contextlib.suppress(OSError, ValueError):
        names = ("cpu.cfs_quota_us", "cpu.cfs_period_us")
        return _ratio(*((folder / name).read_text() for name in names))
    return None


def _ratio(most: str, period: str) -> float | None:
    time, whole = float(most), float(period)
    return time / whole if time > 0 and whole > 0 else None
