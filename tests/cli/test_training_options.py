"""What recipes say of the optimiser and the epochs, options say too: the very same run."""

from __future__ import annotations

from pathlib import Path

import pytest
from calling import call

from spikelearn._store import read_config
from spikelearn.cli._training_options import option_of

RECIPE = "rule: backprop\nmodel: mlp_64\ndataset: digits\nepochs: 1\nn_train: 100\n"
SETTINGS = {"batch_size": 20, "optimizer": "sgd", "momentum": 0.5, "weight_decay": 0.01,
            "schedule": "cosine", "patience": 3, "validation_fraction": 0.2}  # fmt: skip


def test_options_make_the_run_that_a_recipe_makes(tmp_path: Path) -> None:
    (tmp_path / "short.yaml").write_text(RECIPE)
    lines = "".join(f"{name}: {value}\n" for name, value in SETTINGS.items())
    (tmp_path / "long.yaml").write_text(RECIPE + lines)
    given = [word for name, value in SETTINGS.items() for word in (option_of(name), value)]
    runs = tmp_path / "runs"
    first = call("train", "--recipe", tmp_path / "short.yaml", *given, "--out", runs)
    assert first.exit_code == 0, first.output
    (run,) = runs.iterdir()
    config = read_config(run)
    assert {name: config[name] for name in SETTINGS} == SETTINGS
    second = call("train", "--recipe", tmp_path / "long.yaml", "--out", runs)
    assert f"Read from {run}" in second.output
    assert call("train", "--recipe", tmp_path / "short.yaml", "--out", runs).exit_code == 0
    assert len(list(runs.iterdir())) == 2  # without them it is another


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (["--optimizer", "adamw"], "--optimizer: Input should be 'adam' or 'sgd'"),
        (["--schedule", "step"], "--schedule: Input should be 'constant', 'linear' or 'cosine'"),
        (["--weight-decay", -1], "--weight-decay: Input should be greater than or equal to 0"),
        (["--momentum", 1], "--momentum: Input should be less than 1"),
        (["--validation", 1], "--validation: Input should be less than 1"),
        (["--learning-rate", 0], "--learning-rate: Input should be greater than 0"),
        (["--device", "tpu"], "--device: Input should be 'cpu' or 'cuda'"),
        (["--momentum", 0.5], "momentum is a setting of sgd"),
        (["--batch-size", 8, "--set", "batch_size=9"], "batch_size is given twice"),
    ],
)
def test_a_setting_that_cannot_be_is_named_by_its_option(
    given: list[object], sentence: str, tmp_path: Path
) -> None:
    (tmp_path / "short.yaml").write_text(RECIPE)
    result = call("train", "--recipe", tmp_path / "short.yaml", *given, "--out", tmp_path / "runs")
    assert result.exit_code == 1
    assert f"Error: {sentence}" in result.stderr or sentence in result.stderr
    assert len([line for line in result.stderr.splitlines() if line.startswith("Error: ")]) == 1
    assert not (tmp_path / "runs").exists()


def test_a_mistake_in_the_recipe_itself_is_told_of_its_file(tmp_path: Path) -> None:
    (tmp_path / "wrong.yaml").write_text(RECIPE + "schedule: step\n")
    result = call("train", "--recipe", tmp_path / "wrong.yaml", "--batch-size", 8)
    assert f"{tmp_path / 'wrong.yaml'}: field 'schedule'" in result.stderr


@pytest.mark.parametrize("option", ["--batch-size", "--patience"])
def test_a_setting_of_another_kind_of_training_is_refused(option: str) -> None:
    result = call("train", "--recipe", "mnist_diehl_cook2015/stdp", option, 5)
    assert result.exit_code == 1
    assert f"{option} is not for the rule 'stdp'" in result.stderr


def test_settings_that_groups_have_of_their_own_are_told(tmp_path: Path) -> None:
    groups = "groups: {network: {weight_decay: 0.1, optimizer: sgd}}\n"
    (tmp_path / "own.yaml").write_text(RECIPE + groups)
    given = ["--weight-decay", 0.2, "--optimizer", "sgd", "--learning-rate", 0.1]
    said = call("train", "--recipe", tmp_path / "own.yaml", *given, "--out", tmp_path / "r").stderr
    assert "Note: --weight-decay does not reach network (0.1), whose weight decay" in said
    assert "Note: --optimizer does not reach network (sgd)" in said
    assert "--learning-rate does not reach" not in said
