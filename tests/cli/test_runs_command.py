"""Stored runs on the command line: listed with how they differ, shown, and read with a word."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from calling import call
from PIL import Image

from spikelearn.training.config import run_key

ARGUMENTS = ("--rule", "backprop", "--dataset", "digits", "--model", "mlp_64", "--epochs", "1")


def error(*arguments: object) -> str:
    """The sentence that a command ends with."""
    result = call(*arguments)
    assert result.exit_code == 1
    assert "Traceback" not in result.output
    return str(result.output)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_run_that_is_read_says_so_and_again_trains(folder: Path) -> None:
    first = call("train", *ARGUMENTS, "--images", "100")
    assert first.exit_code == 0, first.output
    assert "Read from" not in first.output
    second = call("train", *ARGUMENTS, "--images", "100")
    assert "Read from runs/mlp_64-backprop-seed0-" in second.output
    assert ", trained 20" in second.output
    assert "Read from" not in call("train", *ARGUMENTS, "--images", "100", "--again").output


def test_runs_are_listed_with_how_they_differ_and_shown(folder: Path) -> None:
    assert "there is no folder runs" in error("runs")
    (folder / "runs").mkdir()
    assert "holds no training run" in call("runs").output
    call("train", *ARGUMENTS, "--images", "100")
    (run,) = (folder / "runs").iterdir()
    old = folder / "runs" / "mlp_64-backprop-seed0-old"
    shutil.copytree(run, old)
    content = yaml.safe_load((old / "config.yaml").read_text())
    (old / "config.yaml").write_text(yaml.safe_dump({**content, "format": 2}))
    (old / "made.yaml").unlink()  # which that format had not
    edited = folder / "runs" / "mlp_64-backprop-seed0-edited"
    shutil.copytree(run, edited)
    (edited / "config.yaml").write_text(yaml.safe_dump({**content, "epochs": 77}))
    damaged = folder / "runs" / "mlp_64-backprop-seed0-broken"
    shutil.copytree(run, damaged)
    (damaged / "config.yaml").write_text("[")
    for command in (("runs",), ("runs", "list"), ("runs", "list", "runs")):
        listed = call(*command).output
        lines = {line.split()[0]: line for line in listed.splitlines() if "mlp_64-" in line}
        assert lines[run.name].rstrip().endswith("as today")
        assert "of format 2, where today's is 4" in lines[old.name]
        assert "its config.yaml was changed after it was made" in lines[edited.name]
        assert "damaged: " in lines[damaged.name]
    assert run.name in call("runs", "list", str(run)).output
    shown = yaml.safe_load(call("runs", "show", str(run)).output)
    assert shown["decided by"] == content
    assert shown["standing"] == "as today"
    assert "torch" in shown["made by"]["versions"]
    assert "no complete training run" in error("runs", "show", "runs")


def test_a_comparison_says_which_runs_would_be_trained_otherwise_today(folder: Path) -> None:
    call("train", *ARGUMENTS, "--images", "100")
    (run,) = (folder / "runs").iterdir()
    rng = np.random.default_rng(0)
    (folder / "images").mkdir()
    for number, image in enumerate(rng.integers(0, 256, (8, 8, 8), dtype=np.uint8)):
        Image.fromarray(image).save(folder / "images" / f"{number}.png")
    np.save("v1.npy", rng.random((8, 5)))
    data = [{"kind": "responses", "file": "v1.npy", "region": "V1"}]
    about = {"name": "mine", "citation": "none", "licence": "none"}
    Path("mine.yaml").write_text(
        yaml.safe_dump({**about, "stimuli": {"folder": "images"}, "data": data})
    )
    command = ("compare", str(run), "--recording", "mine.yaml", "--bootstrap", "10")
    first = call(*command)
    assert first.exit_code == 0, first.output
    assert f"Note: {run}" not in first.output
    content = yaml.safe_load((run / "config.yaml").read_text())
    content["code"]["spikelearn.rules.rule"] = "other"
    (run / "config.yaml").write_text(yaml.safe_dump(content))
    made = yaml.safe_load((run / "made.yaml").read_text())
    (run / "made.yaml").write_text(yaml.safe_dump({**made, "key": run_key(content)}))
    said = f"Note: {run}: trained by other code of the rule (spikelearn.rules.rule)"
    assert said in call(*command).output


def test_a_stored_run_is_trained_again_by_its_folder_or_its_configuration(folder: Path) -> None:
    first = call("train", *ARGUMENTS, "--images", "100", "--set", "network.activation=relu")
    assert first.exit_code == 0, first.output
    (run,) = (folder / "runs").iterdir()
    for named in ((run,), (run / "config.yaml",), ("--recipe", run / "config.yaml")):
        read = call("train", *named)
        assert f"Read from runs/{run.name}" in read.output
    # What else is given replaces what it says, within the model too.
    other = call("train", run, "--seed", "4", "--set", "network.sizes[1]=20")
    assert other.exit_code == 0, other.output
    (second,) = (p for p in (folder / "runs").iterdir() if p != run)
    content = yaml.safe_load((second / "config.yaml").read_text())
    assert content["seed"] == 4
    assert content["network"]["activation"] == "relu"
    assert content["network"]["sizes"] == [64, 20, 32, 10]
    assert "two recipes are given" in error("train", run, "--recipe", "mnist_mlp/backprop")


def test_a_log_for_tensorboard_is_written_where_it_is_asked_for(folder: Path) -> None:
    for _ in range(2):  # trained, and read
        result = call("train", *ARGUMENTS, "--images", "60", "--tensorboard", "logs")
        assert result.exit_code == 0, result.output
        (run,) = (folder / "runs").iterdir()
        assert len(list((folder / "logs" / run.name).glob("events.out.tfevents.*"))) == 1


def test_runs_that_fit_a_condition_are_listed_sorted_and_written(folder: Path) -> None:
    for seed in (0, 1, 2):
        call("train", *ARGUMENTS, "--images", "60", "--seed", seed)
    runs = sorted((folder / "runs").iterdir())
    condition = ("--where", "rule = 'backprop' and seed > 0", "--sort", "-seed")
    listed = call("runs", "list", *condition, "--columns", "run,seed,options.loss")
    assert listed.exit_code == 0, listed.output
    lines = [line.split() for line in listed.output.splitlines() if "mlp_64-" in line]
    assert lines == [[p.name, p.name.split("-seed")[1][0], "cross_entropy"] for p in runs[:0:-1]]
    for name in ("table.csv", "table.parquet"):
        written = call("runs", "list", *condition, "--out", name)
        assert f"Table: {name}" in written.output
    table = pd.read_csv("table.csv")
    assert list(table["seed"]) == [2, 1]
    assert {"network.sizes[0]", "learning_rate", "test_accuracy", "state"} <= set(table.columns)
    same = pd.read_parquet("table.parquet")
    assert list(same.columns) == list(table.columns)
    assert list(same["test_accuracy"]) == pytest.approx(list(table["test_accuracy"]))
    call("runs", "list", *condition, "--columns", "run,seed", "--out", "two.csv")
    assert list(pd.read_csv("two.csv").columns) == ["run", "seed"]
    assert "runs: no run fits" in call("runs", "list", "--where", "seed > 5").output


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--where", "rulle = 'backprop'"), "no column 'rulle'; did you mean rule?"),
        (("--where", "seed = 1; drop table runs"), "';' has no place"),
        (("--where", "exists(select * from read_csv('x'))"), "a subquery is not allowed"),
        (("--sort", "-acuracy"), "no column 'acuracy'"),
        (("--columns", "run,sede"), "no column 'sede'; did you mean seed?"),
        (("--out", "table.xlsx"), "written as .parquet or .csv"),
        (("--of", "studies"), "--of takes training or sweeps"),
    ],
)
def test_a_question_that_cannot_be_asked_is_one_sentence(
    folder: Path, arguments: tuple[str, str], words: str
) -> None:
    (folder / "runs").mkdir()
    said = error("runs", "list", *arguments)
    assert words in said
    assert len(said.strip().splitlines()) == 1
    assert list(folder.iterdir()) == [folder / "runs"]


def test_the_runs_of_sweeps_are_one_table(folder: Path) -> None:
    assert "holds no training run" in call("runs", "list", ".").output
    simulate = ("sweep", "simulate", "lif_neuron", "--duration", "20", "--measure", "rate_hz")
    for arguments in (
        ("--stimulus", "step_current", "--vary", "populations.neuron.tau_m_ms=10,20",
         "--name", "one", "--seeds", "2"),
        ("--stimulus", "step_current", "--vary", "simulate.backend=native,auto", "--name", "two"),
    ):  # fmt: skip
        assert call(*simulate, *arguments).exit_code == 0
    listed = call("runs", "list", "--of", "sweeps", "--out", "table.parquet")
    assert listed.exit_code == 0, listed.output
    table = pd.read_parquet("table.parquet")
    assert list(table["sweep"]) == ["one"] * 4 + ["two"] * 2
    assert list(table["standing"]) == ["as today"] * 6
    some = call(
        "runs", "list", "--of", "sweeps", "--columns", "sweep,seed,rate_hz", "--where",
        "sweep = 'one' and populations.neuron.tau_m_ms = 20 and seed = 1",
    )  # fmt: skip
    assert [line.split()[:2] for line in some.output.splitlines() if "one" in line] == [
        ["one", "1"]
    ]
    assert "no column 'rate_hs'" in error("runs", "list", "--of", "sweeps", "--sort", "rate_hs")


def test_what_is_damaged_goes_only_where_it_is_named(folder: Path) -> None:
    good = folder / "runs" / "good"
    good.mkdir(parents=True)
    (good / "config.yaml").write_text("epochs: [\n")  # a slip, which is mended by hand
    (good / "summary.yaml").write_text("epochs: 1\n")
    said = call("runs", "prune", "--yes").output
    assert "1 damaged stay; --kind damaged lists them" in said
    assert good.is_dir()
    assert "good" in call("runs", "prune", "--dry-run", "--kind", "damaged").output
    call("runs", "prune", "--yes", "--kind", "damaged")
    assert not good.exists()
