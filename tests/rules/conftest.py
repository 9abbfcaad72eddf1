"""What rules in files leave in the process is put away."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def forget(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What was imported from the tests' folders is forgotten, and nothing is kept elsewhere."""
    monkeypatch.setenv("SPIKELEARN_CACHE", str(tmp_path / "cache"))
    before, paths = set(sys.modules), list(sys.path)
    yield
    sys.path[:] = paths
    for name in set(sys.modules) - before:
        if str(tmp_path) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]
