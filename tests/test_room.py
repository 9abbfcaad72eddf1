"""What is needed is refused where it is not free, in one sentence that says what is the most."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from spikelearn import _room as room
from spikelearn._errors import SpikelearnError
from spikelearn._room import BEYOND, Part, bounded, in_bytes, in_number, in_time

SMALL, LARGE = Part("2 neurons", 1e9, "smaller"), Part("9 synapses", 7.5e9, "fewer")


def free(monkeypatch: pytest.MonkeyPatch, gigabytes: float) -> None:
    monkeypatch.setattr(room, "free_memory", lambda: gigabytes * 1e9)


def test_the_sentence_says_how_much_of_what_and_what_would_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    free(monkeypatch, 8.4)
    with pytest.raises(SpikelearnError) as raised:
        room.require_memory("the simulation of 'x'", [SMALL, LARGE])
    assert str(raised.value) == (
        "the simulation of 'x' would need about 8.5 GB of memory, most of it for 9 synapses, but"
        " 8.4 GB are free; fewer"
    )
    free(monkeypatch, 8.6)
    room.require_memory("the simulation of 'x'", [SMALL, LARGE])
    free(monkeypatch, 1.0)
    with pytest.raises(SpikelearnError, match=r"about 7\.5 GB of memory for 9 synapses, but 1\.0"):
        room.require_memory("it", [LARGE])
    parts = [Part(str(n), 1e9) for n in range(3)]
    with pytest.raises(SpikelearnError, match=r"about 3\.0 GB of memory, 1\.0 GB of it for 0, but"):
        room.require_memory("it", parts)


def test_what_is_little_is_not_asked_about(monkeypatch: pytest.MonkeyPatch) -> None:
    free(monkeypatch, 0.0)
    room.require_memory("it", [Part("all", room.FEW_BYTES - 1)])


def test_sizes_beyond_any_machine_are_added_up() -> None:
    assert bounded(10**400) == bounded(math.inf) == bounded(math.nan) == BEYOND
    assert bounded(3) == 3
    with pytest.raises(SpikelearnError, match=r"about 1e\+40 GB of memory for all of it"):
        room.require_memory("it", [Part("all of it", bounded(10**400) * bounded(1e300) * 10.0)])


def test_a_disk_is_asked_by_the_nearest_folder_that_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def usage(path: Path) -> SimpleNamespace:
        asked.append(path)
        return SimpleNamespace(free=5e9)

    monkeypatch.setattr("shutil.disk_usage", usage)
    room.require_disk("a.csv", [SMALL], tmp_path / "not" / "there")
    assert asked == [tmp_path]
    with pytest.raises(SpikelearnError) as raised:
        room.require_disk("a.csv", [LARGE], tmp_path / "not")
    assert str(raised.value) == (
        f"a.csv would need about 7.5 GB on the disk of {tmp_path / 'not'} for 9 synapses, but"
        " 5.0 GB are free; fewer"
    )


@pytest.mark.parametrize("version", [1, 2])
def test_the_limit_of_a_container_counts(
    version: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "memory" if version == 1 else tmp_path
    folder.mkdir(exist_ok=True)
    names = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
    if version == 2:
        names = ("memory.max", "memory.current", "inactive_file")
    (folder / names[0]).write_text("3000000\n")
    (folder / names[1]).write_text("2000000\n")
    (folder / "memory.stat").write_text(f"anon 5\n{names[2]} 500000\n")
    monkeypatch.setattr(room, "_CGROUPS", tmp_path)
    assert room.free_memory() == 1_500_000
    (folder / names[0]).write_text("max\n")
    assert room.free_memory() > 1e7


@pytest.mark.skipif(os.name != "posix", reason="has limits of processes")
def test_the_limit_of_the_process_counts() -> None:
    code = (
        "import resource, psutil; from spikelearn._room import free_memory;"
        " limit = psutil.Process().memory_info().vms + 100_000_000;"
        " resource.setrlimit(resource.RLIMIT_AS, (limit, limit));"
        " assert 5e7 < free_memory() <= 1e8, free_memory()"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_numbers_are_told_in_words() -> None:
    assert [in_bytes(n) for n in (5e3, 2.5e7, 1.25e9, 8e12, 8e21)] == [
        "5 kB", "25 MB", "1.2 GB", "8,000.0 GB", "8e+12 GB"
    ]  # fmt: skip
    assert [in_time(s) for s in (80, 600, 7200, 2e5, 9e7, 1e15)] == [
        "80 seconds", "10 minutes", "2 hours", "2 days", "3 years", "3e+07 years"
    ]  # fmt: skip
    assert [in_number(n) for n in (12, 1e9, 1e18)] == ["12", "1,000,000,000", "1e+18"]
