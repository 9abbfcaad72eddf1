"""The benchmark of accuracy: every row beside its controls, its commit, and no uncommitted code."""

from __future__ import annotations

import csv
import sys
from pathlib import Path
from typing import Any

import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))

import accuracy_rows  # noqa: E402
import accuracy_tables  # noqa: E402


def row(rule: str, seed: int, accuracy: Any, **more: Any) -> dict[str, Any]:
    told = dict.fromkeys(accuracy_rows.COLUMNS, "") | {
        "recipe": f"mnist_mlp/{rule}", "rule": rule, "seed": str(seed), "model": "mlp_784_256",
        "test_accuracy": accuracy, "epochs": 3, "seconds": 1.0, "n_train": "all",
        "n_test": "10000", "source": "full", "config": "none", "commit": "abc1234",
    }  # fmt: skip
    return told | more


def rows() -> list[dict[str, Any]]:
    linear = {"linear_readout": "0.924", "controls_commit": "def5678"}
    return [
        *(row("oja", s, 0.918, random_features="0.9208", **linear) for s in range(3)),
        *(row("bcm", s, 0.9635, random_features="0.972" if s == 0 else "", **linear)
          for s in range(3)),
        *(row("softhebb", s, 0.976, random_features="0.972", **linear) for s in range(2)),
        row("pepita", 0, 0.971, commit="abc1234+"),
        row("random_features", 0, 0.972, random_features="0.972", **linear),
    ]  # fmt: skip


def table_of(text: str) -> dict[str, dict[str, str]]:
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    head, *body = ([cell.strip() for cell in line.strip("|").split("|")] for line in lines)
    return {cells[0]: dict(zip(head, cells, strict=True)) for cells in body}


def test_rows_stand_beside_their_controls_and_name_their_commits(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(accuracy_tables, "RESULTS", tmp_path)
    failed = row("sanger", 0, "", flag="failed: the loss is no longer finite")
    accuracy_tables.write_table("mnist_mlp", [*rows(), failed], "--dataset mnist")
    text = (tmp_path / "accuracy_mnist_mlp.md").read_text()
    table = table_of(text)
    oja = table["oja"]
    assert (oja["linear readout"], oja["random features"]) == ("92.40", "92.08")
    assert oja["target"] == "91 reached"
    said = oja["beside its controls"]
    assert said.startswith("no better than linear readout (difference −0.6 points, ")
    assert " and random features (difference −0.3 points" in said
    assert oja["made by"] == "abc1234; controls def5678"
    bcm = table["bcm"]
    assert bcm["random features"] == "97.20 (1 of 3 seeds)"
    assert bcm["beside its controls"].startswith("no better than random features (difference −0.8")
    assert table["pepita"]["beside its controls"] == "not run"
    assert table["pepita"]["random features"] == "not run"
    assert table["pepita"]["made by"] == "abc1234+"
    assert table["random_features"]["beside its controls"] == "is a control itself"
    assert table["sanger"]["test accuracy"] == "none"
    assert table["sanger"]["flag"] == "seed 0 failed: the loss is no longer finite"
    assert "11 of 11 runs were made before" in text
    lacking = next(line for line in text.splitlines() if line.startswith("A part: not measured"))
    assert " backprop," in lacking
    assert "oja" not in lacking


def test_uncommitted_code_is_refused() -> None:
    accuracy_rows.refuse_uncommitted("abc1234")
    with pytest.raises(SystemExit, match="could not be made again"):
        accuracy_rows.refuse_uncommitted("abc1234+")


def test_what_is_waiting_are_runs_that_changed_and_controls_that_are_not_there() -> None:
    names = [f"mnist_mlp/{rule}" for rule in ("oja", "pepita")]
    assert accuracy_rows.waiting_tasks(rows(), names, 2, only_controls=True) == [
        ("mnist_mlp/pepita", 0)
    ]
    # Every row is of another recipe than today's, so all are measured, and none is thrown away.
    assert len(accuracy_rows.waiting_tasks(rows(), names, 2)) == 4
    known = rows()
    accuracy_rows.take(known, row("pepita", 0, 0.5))
    assert len(known) == len(rows())
    assert [r["test_accuracy"] for r in known if r["rule"] == "pepita"] == [0.5]


@pytest.mark.parametrize(
    "path", sorted(BENCHMARKS.glob("results/accuracy_*.md")), ids=lambda p: p.stem
)
def test_published_tables_have_controls_and_commits_of_every_row(path: Path) -> None:
    with path.with_suffix(".csv").open(newline="") as file:
        commits = {r["recipe"].split("/")[1]: r["commit"] for r in csv.DictReader(file)}
    table = table_of(path.read_text())
    assert set(table) == set(commits)
    for rule, cells in table.items():
        assert commits[rule] in cells["made by"]
        assert cells["beside its controls"]
        assert cells["linear readout"]
