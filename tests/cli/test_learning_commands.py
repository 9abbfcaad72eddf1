"""`train` and `check`, as a user meets them."""

from __future__ import annotations

from calling import call

from spikelearn._files import read_yaml


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
    assert (config["n_train"], config["epochs"], config["options"]) == (100, 1, {"scale": 0.5})
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
