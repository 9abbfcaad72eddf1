"""Shared by all tests: reproducible property tests, and folders of data that belong to one test."""

from __future__ import annotations

import gc
import importlib.util
import os
import sys
from collections.abc import Generator

# The tests' networks are tiny: threads would wait for one another most of the time.
os.environ.setdefault("OMP_NUM_THREADS", "1")

from pathlib import Path

import hypothesis
import pytest

# Examples are the same in every run: a failure in continuous integration is one that can be
# repeated at home. Deadlines measure the machine, not the code.
hypothesis.settings.register_profile("spikelearn", derandomize=True, deadline=None)
hypothesis.settings.load_profile("spikelearn")

# What tests write has to outlast no loss of power: nobody waits until it is on the disk.
os.fsync = lambda descriptor: None


# An extra: engines are tested that there are.
if importlib.util.find_spec("nest") is None:
    from spikelearn.simulation import BACKENDS

    BACKENDS.pop("nest", None)


@pytest.fixture
def no_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No data at hand: an empty cache, no folder of data. Gives the path of the cache."""
    cache = tmp_path / "cache"
    monkeypatch.setenv("SPIKELEARN_CACHE", str(cache))
    monkeypatch.delenv("SPIKELEARN_DATA", raising=False)
    return cache


# Files of tests that take long each, which come first: so no process is left with one at the end.
LONGEST = (
    "test_notebooks.py",
    "test_harness.py",
    "test_growth.py",
    "test_examples.py",
    "test_interrupts.py",
    "test_checks_of_backends.py",
    "test_backends_agree.py",
)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Imports and collection leave little garbage, and it is not looked for meanwhile."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest first; the others in the order of their folders, which share what they make."""
    items.sort(key=lambda item: item.path.name not in LONGEST)


_n_imported = 0


def pytest_runtest_setup() -> None:
    """What is imported and collected stays to the end: it is not looked through for garbage.

    Brian2 collects garbage before every run, and nixio after every file, which takes half a second
    where all libraries and all tests are in one process.
    """
    global _n_imported  # noqa: PLW0603
    if len(sys.modules) > _n_imported + 50:
        _n_imported = len(sys.modules)
        gc.collect()
        gc.freeze()
