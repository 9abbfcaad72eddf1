"""`train` and `check`, as a user meets them."""

from __future__ import annotations

import pytest
from calling import call

from spikelearn._files import read_yaml
from spikelearn._store import read_config


def test_train_prints_what_it_measured_and_where_it_is(runs):
    again = call("train", "--rule", "untrained", "--images", 100, "--out", runs[0].parent)
    assert "weight_displacement" in again.output
    assert "test_accuracy" in again.output
    assert "Run:" in again.output


def test_a_shipped_recipe_fills_in_what_is_not_said(tmp_path):
    result = call(
        "train", "--rule", "kolen_pollack", "--images", 100, "--epochs", 1, "--option", "scale=0.5",
        "--out", tmp_path,
    )  # fmt: skip
    assert "Recipe: mnist_mlp/kolen_pollack" in result.output
    config = read_yaml(next(tmp_path.glob("*/config.yaml")))
    assert (config["n_train"], config["epochs"]) == (100, 1)
    assert config["options"] == {"loss": "cross_entropy", "scale": 0.5}
    assert config["weight_decay"] > 0  # the recipe's
    named = call(
        "train", "--recipe", "mnist_mlp/kolen_pollack", "--images", 100, "--epochs", 1,
        "--option", "scale=0.5", "--out", tmp_path,
    )  # fmt: skip
    assert named.exit_code == 0
    assert len(list(tmp_path.glob("*/config.yaml"))) == 1  # the very same run


def test_check_tests_a_users_own_rule_and_says_what_it_lacks(tmp_path):
    path = tmp_path / "mine.py"
    head = "from spikelearn.rules.baselines import Backprop\n\n\nclass Mine(Backprop):\n"
    path.write_text(head + "    pass\n")
    good = call("check", f"{path}:Mine")
    assert good.exit_code == 0
    assert "passed" in good.output
    path.write_text(head + "    def groups(self):\n        return {'network': []}\n")
    bad = call("check", f"{path}:Mine")
    assert bad.exit_code == 1
    assert "FAILED" in bad.output
    assert "Error: " in bad.stderr


RECIPE = "rule: backprop\nmodel: mlp_64\ndataset: digits\nseed: 5\nepochs: 1\nn_train: 100\n"


@pytest.mark.parametrize(
    ("given", "seeds"),
    [([], [5]), (["--seed", 0], [0]), (["--seeds", 2], [5, 6]), (["--set", "seed=7"], [7])],
)
def test_only_what_is_given_replaces_what_the_recipe_says(given, seeds, tmp_path):
    (tmp_path / "s5.yaml").write_text(RECIPE)
    result = call("train", "--recipe", tmp_path / "s5.yaml", "--out", tmp_path / "runs", *given)
    assert result.exit_code == 0, result.output
    configs = [read_config(folder) for folder in sorted((tmp_path / "runs").iterdir())]
    assert sorted(config["seed"] for config in configs) == seeds
    for config in configs:
        assert (config["epochs"], config["n_train"], config["dataset"]) == (1, 100, "digits")


def test_what_is_set_is_shown_kept_and_part_of_the_key(tmp_path):
    (tmp_path / "s5.yaml").write_text(RECIPE)
    common = ["train", "--recipe", tmp_path / "s5.yaml", "--out", tmp_path / "runs"]
    call(*common)
    result = call(*common, "--set", "network.sizes[1]=20", "--set", "learning_rate=1e-2")
    assert result.exit_code == 0, result.output
    assert "Set: network.sizes[1] = 20" in result.output
    assert "Set: learning_rate = 0.01" in result.output
    configs = [read_config(folder) for folder in (tmp_path / "runs").iterdir()]
    assert sorted(c["network"]["sizes"] for c in configs) == [[64, 20, 32, 10], [64, 64, 32, 10]]
    assert {c["learning_rate"] for c in configs} == {0.001, 0.01}
    again = call(*common, "--set", "learning_rate=1e-2", "--set", "network.sizes[1]=20")
    assert again.exit_code == 0, again.output
    assert len(list((tmp_path / "runs").iterdir())) == 2


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (["--set", "network.size[1]=20"], "did you mean sizes"),
        (["--set", "network.sizes[1]=-20"], "sizes"),
        (["--set", "epoch=2"], "did you mean epochs"),
        (["--set", "epochs=2.5"], "field 'epochs'"),
        (["--epochs", 2, "--set", "epochs=3"], "epochs is given twice"),
        (
            ["--option", "loss=squared_error", "--set", "options.loss=b"],
            "options.loss is given twice",
        ),
        (
            ["--option", "loss=squared_error", "--set", "options[loss]=cross_entropy"],
            "options.loss is given twice",
        ),
        (["--option", "loss=squared_error", "--set", "options={}"], "options.loss is given twice"),
        (["--set", "epochs"], "--set takes name=value"),
        (["--option", "loss=3"], "option 'loss'"),
        (["--neurons", 3], "--neurons is for layers that STDP trains"),
    ],
)
def test_a_change_that_does_not_fit_is_one_sentence(given, words, tmp_path):
    (tmp_path / "s5.yaml").write_text(RECIPE)
    result = call("train", "--recipe", tmp_path / "s5.yaml", "--out", tmp_path / "runs", *given)
    assert result.exit_code == 1
    assert words in result.output
    assert "Traceback" not in result.output
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    "given", [["--learning-rate", 0.1], ["--device", "cpu"], ["--option", "a=1"]]
)
def test_an_option_of_another_kind_of_training_is_said_to_be_one(given):
    result = call("train", "--recipe", "mnist_diehl_cook2015/stdp", *given)
    assert result.exit_code == 1
    assert f"{given[0]} is not for the rule 'stdp'" in result.output


def test_a_learning_rate_that_the_recipe_overrides_is_said_to_be(tmp_path):
    recipe = RECIPE + "groups: {network: {learning_rate: 0.01}}\n"
    (tmp_path / "own.yaml").write_text(recipe)
    common = ["train", "--recipe", tmp_path / "own.yaml", "--out", tmp_path / "runs"]
    result = call(*common, "--learning-rate", 0.1)
    assert result.exit_code == 0, result.output
    assert "Note: --learning-rate does not reach network (0.01)" in result.output
    result = call(*common, "--set", "groups.network.learning_rate=0.1")
    assert "does not reach" not in result.output
    kept = [read_config(folder) for folder in (tmp_path / "runs").iterdir()]
    assert sorted(c["groups"]["network"]["learning_rate"] for c in kept) == [0.01, 0.1]


@pytest.mark.parametrize("named", ["s5.yaml", "mnist_mlp/kolen_pollack"])
def test_a_recipe_may_stand_where_a_model_does(named, tmp_path, monkeypatch):
    (tmp_path / "s5.yaml").write_text(RECIPE)
    monkeypatch.chdir(tmp_path)
    trained = []
    monkeypatch.setattr(
        "spikelearn.cli.learning._train_and_print", lambda configs, *others: trained.append(configs)
    )
    for given in ((named,), ("--recipe", named)):
        result = call("train", *given, "--epochs", 1)
        assert result.exit_code == 0, result.output
    assert trained[0] == trained[1]
    two = call("train", named, "--recipe", named)
    assert two.exit_code == 1
    assert f"two recipes are given: '{named}' and '{named}'" in two.stderr
