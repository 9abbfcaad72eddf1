"""The table of all runs: a row a run with all its fields, and how it stands."""

from __future__ import annotations

import json
import math
import shutil
from pathlib import Path

import pytest
import yaml
from copied_runs import CONFIG, copied

from spikelearn import SpikelearnError
from spikelearn import _store as store
from spikelearn._atomic import worked_on
from spikelearn.training import run_table, stored_runs
from spikelearn.training.config import STDPConfig, TrainConfig, run_key
from spikelearn.training.loop import train
from spikelearn.training.stored_runs import standing


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = train(CONFIG, tmp_path_factory.mktemp("base"), lambda *said: None)
    assert run.folder is not None
    return run.folder


@pytest.fixture
def runs(base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Runs of three learning rates and two seeds, as if they had been trained."""
    monkeypatch.setenv("SPIKELEARN_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "runs"
    for rate in (0.001, 0.01, 0.1):
        for seed in (0, 1):
            copied(base, folder, {"learning_rate": rate, "seed": seed}, 0.5 + rate + 0.1 * seed)
    return folder


def test_runs_that_fit_are_listed_with_the_columns_that_are_asked_for(runs: Path) -> None:
    table = run_table.stored_runs(
        runs, "rule = 'feedback_alignment' and learning_rate > 0.005", ["-test_accuracy"],
        ["seed", "config.learning_rate", "test_accuracy"],
    )  # fmt: skip
    assert list(table.columns) == ["seed", "config.learning_rate", "test_accuracy"]
    assert list(table["test_accuracy"]) == [0.7, 0.61, 0.6, 0.51]
    assert list(table["seed"]) == [1, 1, 0, 0]
    assert table["seed"].dtype.kind == "i"


def test_every_field_is_a_column_and_nan_is_not_known(runs: Path) -> None:
    table = run_table.stored_runs(runs, columns=())
    config = yaml.safe_load((next(runs.iterdir()) / store.CONFIG).read_text())
    assert set(config["options"]) <= {n.removeprefix("options.") for n in table.columns}
    assert list(table["network.sizes"]) == [json.dumps(config["network"]["sizes"])] * 6
    assert list(table["network.sizes[1]"]) == [config["network"]["sizes"][1]] * 6
    assert {"versions.torch", "learning_rate", "code.spikelearn.rules.rule"} <= set(table.columns)
    assert len(run_table.stored_runs(runs, "validation_accuracy is null")) == 6
    some = run_table.stored_runs(runs, columns=["run", "options.*", "run"])
    assert list(some.columns) == ["run", *(f"options.{name}" for name in config["options"])]
    with pytest.raises(SpikelearnError, match="no column 'test_acuracy'; did you mean"):
        run_table.stored_runs(runs, columns=["test_acuracy"])


def test_stale_damaged_partial_and_running_ones_are_told_apart(runs: Path, base: Path) -> None:
    names = sorted(path.name for path in runs.iterdir())
    stale = copied(base, runs, {"code": {"spikelearn.rules.rule": "other"}}, 0.1)
    old = copied(base, runs, {"format": 3, "seed": 7}, 0.1)
    gone = copied(base, runs, {"model": str(runs / "gone.yaml"), "seed": 8}, 0.1)
    (runs / names[0] / store.CONFIG).write_text("[")
    shutil.copytree(runs / names[1], runs / f"{names[1]}.damaged")
    (runs / ".one.checkpoint").write_bytes(b"")
    (runs / f".one.{store.CURVE}").write_text("epoch,train_loss\n0,1.0\n1,0.5\n")
    (runs / "controls").mkdir()
    (runs / "controls" / store.CONFIG).write_text("kind: controls")
    with worked_on(runs / "two"):
        (runs / f".two.{store.CURVE}").write_text("epoch,train_loss\n0,1.0\n")
        table = run_table.stored_runs(runs, columns=["run", "state", "standing"])
    found = dict(zip(table["run"], table["state"], strict=True))
    said = dict(zip(table["run"], table["standing"], strict=True))
    assert found == {
        **dict.fromkeys(names[1:], "current"), names[0]: "damaged",
        f"{names[1]}.damaged": "damaged", stale.name: "stale", old.name: "stale",
        gone.name: "not compared", "one": "partial", "two": "running",
    }  # fmt: skip
    assert said["one"] == "interrupted; the same command goes on, epoch 1 is done"
    assert said["two"].startswith("made now by process ")
    for path in (stale, old, gone, runs / names[2]):
        assert said[path.name] == standing(path)


def test_a_run_whose_configuration_is_gone_was_not_interrupted(runs: Path) -> None:
    run = next(runs.iterdir())
    (run / store.CONFIG).unlink()
    (row,) = run_table.run_rows(run)
    assert row["state"] == run_table.NOT_COMPARED
    assert row["standing"] == "cannot be compared with today's: it has no config.yaml"


def test_how_runs_stand_is_the_same_whether_asked_for_one_or_for_many(
    runs: Path, base: Path
) -> None:
    copied(base, runs, {"patience": 3}, 0.1)
    copied(base, runs, {"epochs": 1, "options": {"loss": "squared_error"}}, 0.1)
    copied(base, runs, {"changes": {"activation": "relu"}, "seed": 9}, 0.1)
    copied(base, runs, {"weight_decay": -1.0}, 0.1)
    copied(base, runs, {"n_train": 3}, 0.1)
    table = run_table.stored_runs(runs, columns=["run", "standing"])
    assert len(table) == 11
    for run, words in zip(table["run"], table["standing"], strict=True):
        assert words == standing(runs / run)
    assert sum("cannot be compared" in words for words in table["standing"]) == 2


def test_runs_are_read_once_and_again_where_their_files_have_changed(
    runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_table, "FEW", 0)
    before = run_table.stored_runs(runs)
    read = []
    as_read = run_table._as_read
    monkeypatch.setattr(run_table, "_as_read", lambda path: read.append(path) or as_read(path))
    assert run_table.stored_runs(runs).equals(before)
    assert read == []
    one = runs / before["run"][0]
    content = yaml.safe_load((one / store.SUMMARY).read_text())
    (one / store.SUMMARY).write_text(yaml.safe_dump({**content, "test_accuracy": 0.25}))
    assert run_table.stored_runs(runs)["standing"][0].startswith("damaged")
    assert read == [one]


def test_runs_are_listed_where_nothing_can_be_kept(
    runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_table, "FEW", 0)
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SPIKELEARN_CACHE", str(tmp_path / "file"))
    assert len(run_table.stored_runs(runs)) == 6


def test_what_runs_share_is_found_out_once(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    complete = TrainConfig.complete
    monkeypatch.setattr(
        TrainConfig, "complete", lambda config: asked.append(config) or complete(config)
    )
    assert list(run_table.stored_runs(runs)["standing"]) == [stored_runs.TODAYS] * 6
    assert len(asked) == 1
    # The number of neurons is in the network, too.
    networks = [STDPConfig(n_neurons=n).complete() for n in (10, 20)]
    standings = stored_runs.Standings()
    assert [standings.of(one, run_key(one)) for one in networks] == [stored_runs.TODAYS] * 2


def test_columns_have_one_type() -> None:
    rows = [
        {"run": "a", "config.n": 1, "config.x": 1, "config.b": True, "config.t": 1},
        {"run": "b", "config.n": 2, "config.x": 0.5, "config.b": None, "config.t": "one"},
        {"run": "c", "config.x": math.nan, "config.b": False, "config.big": 10**30},
    ]
    table = run_table.arrow_table(rows)
    types = {field.name: str(field.type) for field in table.schema}
    assert types["config.n"] == "int64"
    assert types["config.x"] == "double"
    assert types["config.b"] == "bool"
    assert types["config.t"] == types["config.big"] == "string"
    assert table["config.x"].to_pylist() == [1.0, 0.5, None]
    frame = run_table.chosen(table, "", (), ["n", "b", "t"])
    assert frame["n"].dtype.name == "Int64"
    assert run_table.arrow_table([]).num_rows == 0
