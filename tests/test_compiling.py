"""Compiled code is kept where it can be, and is no condition for anything."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numba
import pytest

from spikelearn._compiling import compiled, compiling_watched

_NOWHERE = """
import numba.core.caching as caching
caching.CacheImpl._locator_classes = []  # as where neither package nor home can be written to
"""
_DOUBLE = """
from spikelearn._compiling import compiled
@compiled(nogil=True)
def double(x):
    return 2 * x
print(double(21))
"""
_OTHERS = """
from spikelearn.simulation.grid import poisson
from spikelearn.networks import spike_products
from spikelearn.simulation.native import compiled as native
print(native.entry(lambda x: x + 1)(1))
"""


def run(tmp_path: Path, program: str, **environment: str) -> str:
    (tmp_path / "program.py").write_text(program)
    ended = subprocess.run(
        [sys.executable, "program.py"], cwd=tmp_path, capture_output=True, text=True,
        check=False, env={**os.environ, "PYTHONPATH": os.getcwd(), **environment},
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def test_where_nothing_can_be_kept_it_is_compiled_all_the_same(tmp_path: Path) -> None:
    assert run(tmp_path, _NOWHERE + _DOUBLE + _OTHERS).split() == ["42", "2"]


@pytest.mark.parametrize("first", [False, True])
def test_compiled_code_is_kept_in_the_cache_that_is_named(first: bool, tmp_path: Path) -> None:
    environment = {"SPIKELEARN_CACHE": str(tmp_path / "cache")}
    if first:
        environment["NUMBA_CACHE_DIR"] = str(tmp_path / "numba")
    run(tmp_path, _DOUBLE, **environment)
    ours = list((tmp_path / "cache").rglob("program.double*.nbi"))
    theirs = list((tmp_path / "numba").rglob("program.double*.nbi"))
    assert (len(ours), len(theirs)) == ((0, 1) if first else (1, 0))


def test_a_cache_on_a_full_disk_is_no_condition_for_anything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from numba.core import caching

    def full(*given: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(caching.IndexDataCacheFile, "save", full)
    monkeypatch.setattr(caching.IndexDataCacheFile, "load", full)

    @compiled(nogil=True)
    def treble(x: int) -> int:
        return 3 * x

    assert treble(14) == 42


def test_what_calls_compiled_code_is_told_of_as_one() -> None:
    @compiled()
    def half(x: int) -> float:
        return x / 2

    @compiled()
    def quarter(x: int) -> float:
        return half(x) / 2

    told: list[bool] = []
    with compiling_watched(told.append):
        assert quarter(3) == 0.75
    assert told == [True, False]


def test_whoever_watches_is_told_of_what_is_compiled_and_not_of_what_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    numba.config.reload_config()

    def made() -> Any:
        @compiled()
        def square(x: int) -> int:
            return x * x

        return square

    told: list[bool] = []
    try:
        with compiling_watched(told.append):
            square = made()
            assert told == []
            assert [square(3), square(4)] == [9, 16]
            assert told == [True, False]
            assert made()(5) == 25  # from the cache
            assert told == [True, False]
            with pytest.raises(numba.core.errors.TypingError):
                compiled()(lambda x: x.nothing)(1)
            assert told == [True, False, True, False]
        assert square(2.0) == 4.0  # nobody watches any more
    finally:
        monkeypatch.undo()
        numba.config.reload_config()
    assert told == [True, False, True, False]
