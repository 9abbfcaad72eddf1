"""Part of a benchmark does not overwrite the table of a whole one."""

from __future__ import annotations

import argparse
import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture
def whole_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    spec = importlib.util.spec_from_file_location("whole_runs", BENCHMARKS / "whole_runs.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "whole_runs", module)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr(module, "PARTIAL", tmp_path / "runs" / "benchmarks")
    return module


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser()
    made.add_argument("--repeats", type=int, default=5)
    made.add_argument("--only")
    made.add_argument("--quick", action="store_true")
    made.add_argument("--jobs", type=int, default=1)
    return made


@pytest.mark.parametrize(
    ("given", "left_out", "why"),
    [
        ("--only cuba", [], "--only cuba"),
        ("--repeats 3 --quick", [], "--repeats 3, --quick True"),
        ("--jobs 2", ["NEST"], "without NEST"),
    ],
)
def test_part_of_a_run_is_written_beside_and_says_why(
    given: str, left_out: list[str], why: str,
    whole_runs: ModuleType, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    known = parser()
    folder = whole_runs.results_folder(known, known.parse_args(given.split()), ["jobs"], left_out)
    assert folder == whole_runs.PARTIAL
    assert folder.is_dir()
    assert capsys.readouterr().err == f"No whole run ({why}): written to runs/benchmarks\n"


@pytest.mark.parametrize("given", ["", "--jobs 4", "--repeats 5"])
def test_a_whole_run_is_written_to_the_results(
    given: str, whole_runs: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    known = parser()
    folder = whole_runs.results_folder(known, known.parse_args(given.split()), ["jobs"])
    assert folder == BENCHMARKS / "results"
    assert capsys.readouterr().err == ""


def test_every_benchmark_asks_where_its_tables_go() -> None:
    # Of accuracies every run has a row of its own, which a later run of the same replaces.
    by_row = {"accuracy_rows.py", "whole_runs.py"}
    texts = {path.name: path.read_text(encoding="utf-8") for path in BENCHMARKS.glob("*.py")}
    named = {name for name, text in texts.items() if re.search(r"""["']results["']""", text)}
    assert named == by_row
    asking = re.compile(r"results_folder\(\s*parser, options")
    assert sum(bool(asking.search(text)) for text in texts.values()) >= 8
