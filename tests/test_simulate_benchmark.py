"""The table of the speed of engines, and the processes that hold them ready."""

from __future__ import annotations

import importlib
import io
import json
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    for name in ("simulate", "held_ready", "simulate_peers", "whole_runs"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    return importlib.import_module("simulate")


def test_a_row_is_an_engine_with_its_ratios_to_the_named_peer_on_as_many_threads(
    module: ModuleType,
) -> None:
    def ready(*seconds: float) -> SimpleNamespace:
        return SimpleNamespace(seconds=list(seconds), build=1.25)

    held = {
        ("native", 1): ready(0.3, 0.1, 0.2),
        ("native", 2): ready(0.1, 0.1, 0.2),
        ("brian2_standalone", 1): ready(0.8, 0.9, 0.7),
        ("brian2_standalone", 2): ready(0.4, 0.5, 0.4),
        ("brian2_cython", 1): ready(1.6),
    }
    head, rule, *rows = module.table(held, dict.fromkeys(held, 5.5))
    assert {line.count("|") for line in (head, rule, *rows)} == {10}
    cells = {row.split(" | ")[0].strip("| "): row.strip("| ").split(" | ")[1:] for row in rows}
    assert cells["native"] == [
        "0.200 (0.100 to 0.300)", "0.100 (0.100 to 0.200)", "0.50", "0.25", "0.25", "1.2", "5.50",
        "3",
    ]  # fmt: skip
    assert cells["brian2_standalone"][3:5] == ["1.00", "1.00"]
    assert cells["brian2_cython"][:5] == ["1.600", "", "", "2.00", ""]


def test_what_is_held_ready_runs_once_and_again_for_each_line(
    module: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from held_ready import hold

    for first, runs in ((0.25, 5), (2.0, 1)):
        taken = iter([first, *(first + 0.01 * k for k in (3, 1, 2, 5, 4, 0, 0, 0, 0, 0))])
        monkeypatch.setattr(sys, "stdin", io.StringIO("run\nrun\n"))
        hold(lambda taken=taken: lambda: (next(taken), 7))
        answers = [json.loads(line[6:]) for line in capsys.readouterr().out.splitlines()]
        assert [answer["spikes"] for answer in answers] == [7, 7, 7]
        expected = [first, first + 0.03, first if runs == 5 else first + 0.01]
        assert [answer["seconds"] for answer in answers] == pytest.approx(expected)
