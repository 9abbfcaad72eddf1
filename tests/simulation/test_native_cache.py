"""Machine code that was compiled from older sources is not used."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from spikelearn.simulation import _native_cache


def test_machine_code_goes_when_any_source_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources, cache = tmp_path / "package", tmp_path / "cache"
    sources.mkdir()
    cache.mkdir()
    monkeypatch.setattr(_native_cache, "__file__", str(sources / "_native_cache.py"))
    compiled = SimpleNamespace(stats=SimpleNamespace(cache_path=str(cache)))
    (sources / "_native_kernels.py").write_text("one")
    (sources / "_native_loops.py").write_text("two")
    code, other = cache / "_native_kernels.advance-1.py311.1.nbc", cache / "mine.nbc"
    for step, text, stays in ((0, "two", False), (1, "two", True), (2, "three", False)):
        (sources / "_native_loops.py").write_text(text)
        code.write_bytes(b"machine code")
        other.write_bytes(b"not ours")
        _native_cache.forget_stale(compiled)
        assert code.exists() is stays, step
        assert other.exists()


def test_a_cache_that_cannot_be_written_is_no_mistake(tmp_path: Path) -> None:
    gone = SimpleNamespace(stats=SimpleNamespace(cache_path=str(tmp_path / "nowhere" / "file")))
    (tmp_path / "nowhere").write_text("a file where a folder is looked for")
    _native_cache.forget_stale(gone)
