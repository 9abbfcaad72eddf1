"""Cores of a process: those it may run on, and no more than its groups leave of their time."""

from __future__ import annotations

from pathlib import Path

import pytest

from spikelearn import _cores
from spikelearn._cores import cores, quota


def groups(folder: Path, own: str, **files: str) -> float | None:
    """The quota where control groups hold these files, by paths with __ for /."""
    for name, text in files.items():
        file = folder / "mounted" / name.replace("__", "/").replace("_MAX", ".max")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    (folder / "own").write_text(own)
    return quota(folder / "mounted", folder / "own")


@pytest.mark.parametrize(
    ("own", "files", "expected"),
    [
        ("0::/\n", {"cpu_MAX": "max 100000\n"}, None),
        ("0::/\n", {"cpu_MAX": "150000 100000\n"}, 1.5),
        # Of the groups above, the least; also where the innermost says nothing.
        ("0::/a/b\n", {"a__cpu_MAX": "200000 100000", "a__b__cpu_MAX": "max 100000"}, 2.0),
        ("0::/a/b\n", {"a__cpu_MAX": "200000 100000", "a__b__cpu_MAX": "50000 100000"}, 0.5),
        ("0::/a\n", {"b__cpu_MAX": "100000 100000"}, None),  # of another
        ("0::/of/the/host\n", {"cpu_MAX": "300000 100000"}, 3.0),  # seen from a container
        ("1:name=x:/\n0::/a\n", {"unified__a__cpu_MAX": "100000 50000"}, 2.0),
        ("4:memory:/a\n", {"memory__a__cpu_MAX": "100000 100000"}, None),
        ("0::/\n", {"cpu_MAX": "nonsense"}, None),
        ("0::/\n", {"cpu_MAX": "0 100000"}, None),
        ("nonsense\n", {}, None),
        ("", {}, None),
    ],
)
def test_the_share_of_version_2(tmp_path, own, files, expected):
    assert groups(tmp_path, own, **files) == expected


@pytest.mark.parametrize("mount", ["cpu", "cpu,cpuacct"])
def test_the_share_of_version_1(tmp_path, mount):
    folder = tmp_path / "mounted" / mount / "slurm" / "job_7"
    folder.mkdir(parents=True)
    (folder / "cpu.cfs_quota_us").write_text("-1\n")
    (folder / "cpu.cfs_period_us").write_text("100000\n")
    own = "5:cpuset:/slurm\n3:cpu,cpuacct:/slurm/job_7\n"
    assert groups(tmp_path, own) is None
    (folder / "cpu.cfs_quota_us").write_text("400000\n")
    assert groups(tmp_path, own) == 4.0


def test_where_there_are_no_control_groups(tmp_path):
    assert quota(tmp_path / "none", tmp_path / "nor this") is None


@pytest.mark.parametrize(
    ("share", "number"),
    [(None, 8), (16.0, 8), (2.0, 2), (1.5, 2), (0.25, 1)],
)
def test_no_more_cores_than_their_time(monkeypatch, share, number):
    monkeypatch.setattr(_cores.os, "sched_getaffinity", lambda pid: set(range(8)), raising=False)
    monkeypatch.setattr(_cores, "_quota_now", lambda: share)
    assert cores() == number
