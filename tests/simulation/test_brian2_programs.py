"""Programs of Brian2's standalone target are kept up to a size, the last used ones longest."""

from __future__ import annotations

import os
import stat
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spikelearn._errors import SpikelearnError
from spikelearn.networks.spiking import LIF, SpikingNetwork
from spikelearn.simulation import simulate
from spikelearn.simulation.brian2 import binary as _brian2_binary
from spikelearn.simulation.brian2.programs import forget_least_used
from spikelearn.simulation.brian2.session import compiler

needs_compiler = pytest.mark.skipif(
    compiler() is None or os.name == "nt", reason="needs c++, g++ or clang++"
)


def a_program(folder: Path, name: str, size_kb: int, used_s_ago: float) -> Path:
    path = folder / name
    path.write_bytes(bytes(1000 * size_kb))
    os.utime(path, (time.time() - used_s_ago,) * 2)
    return path


def left_of(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_those_used_longest_ago_go_until_the_rest_fits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_program(tmp_path, "a", 300, used_s_ago=40)
    a_program(tmp_path, "b", 300, used_s_ago=50)
    a_program(tmp_path, "c", 300, used_s_ago=20)
    newest = a_program(tmp_path, "d", 300, used_s_ago=0)
    for limit, left in (("1.2", "abcd"), ("1.1", "acd"), ("0.7", "cd"), ("0", "d")):
        monkeypatch.setenv("SPIKELEARN_PROGRAMS_MB", limit)
        forget_least_used(newest)
        assert left_of(tmp_path) == set(left)


def test_the_newest_stays_however_old_it_looks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    newest = a_program(tmp_path, "new", 300, used_s_ago=1000)
    a_program(tmp_path, "other", 300, used_s_ago=0)
    monkeypatch.setenv("SPIKELEARN_PROGRAMS_MB", "0.3")
    forget_least_used(newest)
    assert left_of(tmp_path) == {"new"}


def test_what_a_killed_process_left_goes_after_a_day_and_what_is_being_built_stays(
    tmp_path: Path,
) -> None:
    newest = a_program(tmp_path, "new", 1, used_s_ago=0)
    for name, hours in ((".half", 25), (".building", 1)):
        (tmp_path / name).mkdir()
        os.utime(tmp_path / name, (time.time() - 3600 * hours,) * 2)
    forget_least_used(newest)
    assert left_of(tmp_path) == {"new", ".building"}


def network(n_populations: int) -> SpikingNetwork:
    """As many structures as there are numbers."""
    cell = LIF(size=2, v_rest_mv=20.0, v_threshold_mv=15.0, v_reset_mv=0.0)
    return SpikingNetwork(name="n", populations={f"n{i}": cell for i in range(n_populations)})


def run(n_populations: int) -> np.ndarray:
    return simulate(network(n_populations), None, 50.0, 0.1, "brian2:standalone")["n0"].times_ms


@pytest.fixture
def quick_programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """An empty cache; a script is built in place of a compiled program. Gives the builds."""
    monkeypatch.setenv("SPIKELEARN_CACHE", str(tmp_path))
    builds: list[Path] = []

    def build(project: Any, program: Path) -> None:
        builds.append(project.program)
        program.write_text("#!/bin/sh\nexit 7\n" + "#" * 100_000)
        program.chmod(program.stat().st_mode | stat.S_IXUSR)

    monkeypatch.setattr(_brian2_binary.Project, "_build", build)
    return builds


def attempt(n_populations: int) -> None:
    """Run it; that the script ends with status 7 shows that it was started."""
    with pytest.raises(SpikelearnError, match="its status was 7"):
        run(n_populations)


@needs_compiler
def test_a_program_that_is_used_again_outlives_one_that_is_not(
    quick_programs: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPIKELEARN_PROGRAMS_MB", "0.25")  # two of them
    attempt(1)
    attempt(2)
    first, second = quick_programs
    for k, path in enumerate((first, second)):
        os.utime(path, (time.time() - 100 + k,) * 2)
    attempt(1)
    attempt(3)
    assert len(quick_programs) == 3
    assert first.is_file()
    assert not second.is_file()
    attempt(2)
    assert len(quick_programs) == 4, "what was deleted is built again"


@needs_compiler
def test_a_program_that_another_process_deletes_before_it_starts_is_built_again(
    quick_programs: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    built = _brian2_binary.Project.built
    to_delete = [True]

    def deleted_at_once(project: Any) -> Path:
        program = built(project)
        if to_delete:
            to_delete.pop()
            program.unlink()
        return program

    monkeypatch.setattr(_brian2_binary.Project, "built", deleted_at_once)
    attempt(1)
    assert len(quick_programs) == 2
    to_delete += [True] * 100
    with pytest.raises(SpikelearnError, match=r"deleted each time.*SPIKELEARN_PROGRAMS_MB"):
        run(1)


@pytest.mark.slow
@needs_compiler
def test_a_program_deleted_while_it_runs_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPIKELEARN_CACHE", str(tmp_path))
    told = []

    def delete(fraction: float) -> None:
        if 0 < fraction < 1:
            told.append([path.unlink() for path in (tmp_path / "brian2/standalone").iterdir()])

    found = simulate(network(1), None, 200_000.0, 0.1, "brian2:standalone", progress=delete)[
        "n0"
    ].times_ms
    assert told[0]
    expected = simulate(network(1), None, 200_000.0, 0.1, "native")["n0"].times_ms
    np.testing.assert_allclose(found, expected, atol=1e-9)


@needs_compiler
@pytest.mark.parametrize("limit", ["-1", "much", "nan"])
def test_a_limit_that_makes_no_sense_is_refused_before_the_build(
    limit: str, quick_programs: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPIKELEARN_PROGRAMS_MB", limit)
    with pytest.raises(SpikelearnError, match=rf"SPIKELEARN_PROGRAMS_MB must be.*'{limit}'"):
        run(1)
    assert not quick_programs
