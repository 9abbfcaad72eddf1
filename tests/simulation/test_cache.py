"""Machine code that was compiled from older sources is not used."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from spikelearn.simulation.native import cache as machine_code


def test_machine_code_goes_when_any_source_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources, cache = tmp_path / "package", tmp_path / "cache"
    sources.mkdir()
    cache.mkdir()
    monkeypatch.setattr(machine_code, "__file__", str(sources / "cache.py"))
    compiled = SimpleNamespace(stats=SimpleNamespace(cache_path=str(cache)))
    (sources / "kernels.py").write_text("one")
    (sources / "loops.py").write_text("two")
    code, other = cache / "kernels.advance-1.py311.1.nbc", cache / "kernels.cpython-311.pyc"
    for step, text, stays in ((0, "two", False), (1, "two", True), (2, "three", False)):
        (sources / "loops.py").write_text(text)
        code.write_bytes(b"machine code")
        other.write_bytes(b"not ours")
        machine_code.forget_stale(compiled)
        assert code.exists() is stays, step
        assert other.exists()


def test_a_cache_that_cannot_be_written_is_no_mistake(tmp_path: Path) -> None:
    gone = SimpleNamespace(stats=SimpleNamespace(cache_path=str(tmp_path / "nowhere" / "file")))
    (tmp_path / "nowhere").write_text("a file where a folder is looked for")
    machine_code.forget_stale(gone)
