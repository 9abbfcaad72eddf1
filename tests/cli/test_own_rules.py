"""A rule that a user has written goes the whole way, as a user takes it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from calling import call

from spikelearn import SpikelearnError, TrainConfig, open_run, train
from spikelearn._files import write_yaml
from spikelearn._store import read_config
from spikelearn.rules import rule_from_file
from spikelearn.studies import comparing
from spikelearn.training.stored_runs import OtherCodeWarning
from tests.rules.own_rules import RULE, line_of, write_rule
from tests.studies.small_recording import NETWORK, small_recording

DIGITS = ["--dataset", "digits", "--images", 100, "--epochs", 1]


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """A folder of one's own to work in, with the rule in it; what it imports is forgotten."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SPIKELEARN_CACHE", str(tmp_path / "cache"))
    before, paths = set(sys.modules), list(sys.path)
    write_rule(tmp_path)
    yield
    sys.path[:] = paths
    for name in set(sys.modules) - before:
        if str(tmp_path) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


def trained(*more: object) -> Path:
    """The folder of the run that `train` makes by the rule."""
    result = call("train", "--rule", "my_rule.py:MyRule", "--option", "rate=2", *DIGITS, *more)
    assert result.exit_code == 0, result.output
    return Path(result.output.rpartition("Run: ")[2].split("\n")[0])


def test_it_is_trained_kept_read_and_shown(tmp_path):
    folder = trained()
    assert folder.name.startswith("mlp_64-my_rule.MyRule-seed0-")
    config = read_config(folder)
    assert config["rule"] == "my_rule.py:MyRule"
    assert config["rule_file"] == str(tmp_path / "my_rule.py")
    assert config["options"] == {"rate": 2.0}
    assert {"my_rule", "my_factors"} <= set(config["code"])
    assert (folder / "code" / "my_rule.py").read_text() == RULE
    assert "read from" in call("train", "--rule", f"{tmp_path}/my_rule.py:MyRule", "--option",
                               "rate=2.0", *DIGITS).output.replace("Read", "read")  # fmt: skip
    assert call("check", "my_rule.py:MyRule", "--option", "rate=2").exit_code == 0
    shown = call("runs", "show", folder).output
    assert "standing: as today" in shown
    assert "my_rule.py:MyRule" in call("runs").output
    audited = call("audit", "my_rule.py:MyRule", "--option", "rate=2", "--criteria", "C10",
                   "--seeds", 0)  # fmt: skip
    assert audited.exit_code == 0, audited.output
    assert "my_rule.py:MyRule" in audited.output


def test_a_run_answers_by_its_copy_where_the_file_has_changed_or_gone(tmp_path):
    folder = trained()
    x = np.zeros((1, 64), dtype=np.float32)
    known = open_run(folder)
    write_rule(tmp_path, factor=3.0)
    with pytest.warns(OtherCodeWarning, match=r"by the copy .*my_rule\.py: .* is not as it was"):
        changed = open_run(folder)
    assert "trained by other code of the rule (my_factors)" in call("runs", "show", folder).output
    moved = folder.rename(tmp_path / "elsewhere")
    (tmp_path / "my_rule.py").unlink()
    with pytest.warns(OtherCodeWarning, match="there is no Python file"):
        gone = open_run(moved)
    import torch

    for run in (changed, gone):
        assert type(run.rule).__name__ == "MyRule"
        assert torch.equal(run.rule.predict(torch.from_numpy(x)),
                           known.rule.predict(torch.from_numpy(x)))  # fmt: skip
    assert sys.modules[type(gone.rule).__module__].FACTOR == 1.0  # its own neighbour's
    said = " ".join(call("runs", "show", moved).output.split())
    assert "cannot be compared with today''s: there is no Python file" in said


def test_a_new_process_opens_it_and_goes_on(tmp_path):
    folder = trained()
    text = (
        "import spikelearn as sl\n"
        f"run = sl.open_run({str(folder.resolve())!r})\n"
        "print(type(run.rule).__name__, run.rule.rate, run.summary['test_accuracy'])\n"
    )
    (tmp_path / "other").mkdir()
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", text], cwd=tmp_path / "other",
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    name, rate, accuracy = done.stdout.split()
    assert (name, float(rate)) == ("MyRule", 2.0)
    assert float(accuracy) == open_run(folder).summary["test_accuracy"]


def test_a_class_in_python_is_the_same_rule_as_its_place(tmp_path):
    folder = trained()
    rule = rule_from_file("my_rule.py:MyRule")
    config = TrainConfig(model="mlp_64", rule=rule, dataset="digits", n_train=100, epochs=1,
                         options={"rate": 2.0})  # fmt: skip
    assert config.run_name() == folder.name
    run = train(config, runs=folder.parent)
    assert run.origin.startswith("read from")
    assert type(run.rule) is rule
    assert config.changed("seed", 3).rule_place == f"{tmp_path / 'my_rule.py'}:MyRule"
    assert config.changed({"rule": "backprop", "options": {}}).rule_file is None
    with pytest.raises(SpikelearnError, match=r"needs a value for its option rate"):
        TrainConfig(model="mlp_64", rule=rule, dataset="digits").complete()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Raises", "update raised ZeroDivisionError: division by zero at my_rule.py, line LINE"),
        ("Leaves", "prepare raised SystemExit: enough at my_rule.py, line"),
        ("CannotBeMade", "__init__ raised IndexError: list index out of range at my_rule.py, line"),
        ("ReturnsNothing", "update of the rule ReturnsNothing must return the batch's loss"),
        ("MyRule", "the rule 'my_rule.py:MyRule' needs a value for its option rate"),
        ("Nothing", "has no class Nothing"),
    ],
)
def test_what_it_raises_is_one_sentence_and_nothing_is_half_written(name, words, tmp_path):
    words = words.replace("LINE", str(line_of(RULE, "1 / 0")))
    result = call("train", "--rule", f"my_rule.py:{name}", *DIGITS)
    assert result.exit_code == 1
    assert words in result.stderr
    assert "Traceback" not in result.output + result.stderr
    assert not list((tmp_path / "runs").glob("*"))
    if name in ("Leaves", "CannotBeMade", "MyRule"):
        result = call("audit", f"my_rule.py:{name}", "--criteria", "C10", "--seeds", 0)
        assert (result.exit_code, "Error: " in result.stderr) == (1, True)
        assert words in result.stderr


def test_a_recipe_names_it_from_its_own_folder(tmp_path, monkeypatch):
    write_yaml(tmp_path / "recipe.yaml", {"rule": "my_rule.py:MyRule", "options": {"rate": 2.0},
                                          "model": "mlp_64", "dataset": "digits", "epochs": 1,
                                          "n_train": 100})  # fmt: skip
    (tmp_path / "other").mkdir()
    monkeypatch.chdir(tmp_path / "other")
    result = call("train", "--recipe", tmp_path / "recipe.yaml")
    assert result.exit_code == 0, result.output
    assert "mlp_64-my_rule.MyRule-seed0-" in result.output


def test_a_study_trains_compares_and_audits_it(tmp_path, monkeypatch):
    made = small_recording()
    monkeypatch.setattr(comparing, "image_recording", lambda name: made)
    mine = {"family": "mine", "rule": "my_rule.py:MyRule", "options": {"rate": 2.0}, **NETWORK}
    bad = {"family": "mine", "rule": "my_rule.py:Raises", **NETWORK}
    other = {"family": "fa", "rule": "feedback_alignment", **NETWORK}
    content = {
        "name": "own", "networks": [mine, other],
        "n_train": 100, "recordings": ["small"], "n_bootstrap": 10, "tests": False,
        "criteria": ["C10"], "audit_seeds": [0],
    }  # fmt: skip
    (tmp_path / "studies").mkdir()
    write_rule(tmp_path / "studies")
    write_yaml(tmp_path / "studies" / "own.yaml", content)
    result = call("study", "run", tmp_path / "studies" / "own.yaml", "--out", tmp_path / "done")
    assert result.exit_code == 0, result.output
    table = (tmp_path / "done" / "table.csv").read_text()
    assert "my_rule.py:MyRule" in table
    assert (tmp_path / "done" / "report.html").read_text().count("my_rule.py:MyRule") > 1
    namesake = {**mine, "rule": "../my_rule.py:MyRule"}
    write_yaml(tmp_path / "studies" / "own.yaml", {**content, "networks": [namesake, mine]})
    result = call("study", "run", tmp_path / "studies" / "own.yaml", "--out", tmp_path / "done")
    assert "two rules are called my_rule.py:MyRule" in result.stderr
    write_yaml(tmp_path / "studies" / "own.yaml", {**content, "networks": [bad, mine]})
    result = call("study", "run", tmp_path / "studies" / "own.yaml", "--out", tmp_path / "done")
    assert result.exit_code == 1
    assert "update raised ZeroDivisionError: division by zero at " in result.output + result.stderr
    assert "Traceback" not in result.output + result.stderr
    assert (tmp_path / "done" / "report.html").is_file()  # of the other network
