"""Shared by all tests: reproducible property tests, and folders of data that belong to one test."""

from __future__ import annotations

import importlib.util
import os

# The tests' networks are tiny: threads would wait for one another most of the time.
os.environ.setdefault("OMP_NUM_THREADS", "1")

from pathlib import Path

import hypothesis
import pytest

# Examples are the same in every run: a failure in continuous integration is one that can be
# repeated at home. Deadlines measure the machine, not the code.
hypothesis.settings.register_profile("spikelearn", derandomize=True, deadline=None)
hypothesis.settings.load_profile("spikelearn")


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
