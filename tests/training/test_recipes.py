"""A run's own configuration is a recipe: the same key and the same weights, whatever went."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

import spikelearn as sl
from spikelearn import SpikelearnError
from spikelearn._store import StoredResultWarning, read_weights
from spikelearn.training.config import STDPConfig, TrainConfig
from spikelearn.training.loop import train
from spikelearn.training.recipes import is_of_run, is_recipe, load_recipe
from spikelearn.training.stdp_training import train_stdp
from spikelearn.training.stored_runs import standing

RULE = """
from a_helper import factor
from spikelearn.rules.baselines import Backprop

class Mine(Backprop):
    def __init__(self, loss="cross_entropy", rate=1.0):
        super().__init__(loss)
        self.rate = rate

    def update(self, x, y, apply):
        def scaled():
            for parameter in self.network.parameters():
                parameter.grad.mul_(self.rate * factor())
            apply()
        return super().update(x, y, scaled)
"""


def again(folder: Path, runs: Path) -> Any:
    """The run that its own configuration trains in another folder of runs."""
    config = load_recipe(folder / "config.yaml")
    if isinstance(config, STDPConfig):
        return train_stdp(config, runs)
    return train(config, runs)


def assert_same(one: Path, other: Path) -> None:
    """The same name, which holds the key, and the same weights bit by bit."""
    assert one != other
    assert one.name == other.name
    first, second = read_weights(one), read_weights(other)
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert (one / "summary.yaml").read_bytes() == (other / "summary.yaml").read_bytes()


# Options, a variant, groups, changes to the model, and a schedule.
CONFIGS = {
    "options": {"rule": "feedback_alignment", "options": {"loss": "squared_error"}, "seed": 3},
    "variant": {"rule": "sign_symmetric_uniform", "changes": {"sizes": [64, 20, 10]}},
    "optimiser": {"rule": "backprop", "optimizer": "sgd", "momentum": 0.5, "schedule": "linear",
                  "patience": 1, "layer_rates": [1.0, 0.5, 0.1], "augment": {"shift": 1}},
}  # fmt: skip


@pytest.mark.parametrize("name", CONFIGS)
def test_a_run_is_trained_again_from_its_own_configuration(name: str, tmp_path: Path) -> None:
    config = TrainConfig(model="mlp_64", dataset="digits", epochs=2, n_train=80, **CONFIGS[name])
    run = train(config, tmp_path / "runs")
    assert_same(run.folder, again(run.folder, tmp_path / "again").folder)
    assert load_recipe(run.folder) == load_recipe(run.folder / "config.yaml")
    changed = load_recipe(run.folder, seed=9, epochs=1)
    assert (changed.seed, changed.epochs, changed.rule) == (9, 1, config.rule)


def test_a_run_of_stdp_is_trained_again_also_where_all_images_were_asked_for(
    tmp_path: Path,
) -> None:
    config = STDPConfig(
        source="embedded", n_train=4, n_label=10, n_test=10, chunk=2, n_neurons=20, min_spikes=1
    )
    run = train_stdp(config, tmp_path / "runs")
    assert_same(run.folder, again(run.folder, tmp_path / "again").folder)
    # What is None is not written, and is not the default either.
    complete = config.changed("n_train", None).complete()
    (tmp_path / "all.yaml").write_text(yaml.safe_dump(complete))
    assert load_recipe(tmp_path / "all.yaml").n_train is None
    assert load_recipe(tmp_path / "all.yaml").complete() == complete


def test_how_a_run_of_all_images_stands_is_told_as_it_is(tmp_path: Path, monkeypatch) -> None:
    run = train_stdp(STDPConfig(source="embedded", n_train=4, n_label=4, n_test=4), tmp_path)
    content = yaml.safe_load((run.folder / "config.yaml").read_text())
    del content["n_train"]
    (run.folder / "config.yaml").write_text(yaml.safe_dump(content))
    (run.folder / "made.yaml").unlink()
    assert standing(run.folder) == "as today"


def test_a_model_that_is_gone_or_has_changed_is_the_one_that_the_run_writes_out(
    tmp_path: Path, no_data: Path
) -> None:
    model = tmp_path / "small.yaml"
    model.write_text(yaml.safe_dump({"kind": "mlp", "name": "of mine", "sizes": [64, 8, 10]}))
    config = TrainConfig(
        model=str(model), rule="backprop", dataset="digits", epochs=1, n_train=60,
        changes={"activation": "relu"},
    )  # fmt: skip
    run = train(config, tmp_path / "runs")
    model.write_text(yaml.safe_dump({"kind": "mlp", "name": "of mine", "sizes": [64, 9, 10]}))
    with pytest.warns(StoredResultWarning, match="small.yaml has another sizes now"):
        assert_same(run.folder, again(run.folder, tmp_path / "changed").folder)
    model.unlink()
    with pytest.warns(StoredResultWarning, match="there is no file"):
        assert_same(run.folder, again(run.folder, tmp_path / "gone").folder)
    with pytest.warns(StoredResultWarning, match="trained again with the model that it writes"):
        third = again(run.folder, tmp_path / "gone")
    assert third.origin.startswith("read from")


def test_a_rule_of_ones_own_is_its_file_or_the_copy_that_the_run_keeps(tmp_path: Path) -> None:
    place = tmp_path / "rules"
    place.mkdir()
    (place / "a_helper.py").write_text("def factor():\n    return 2.0\n")
    file = place / "a_rule_again.py"
    file.write_text(RULE)
    config = TrainConfig(
        model="mlp_64", rule=f"{file}:Mine", dataset="digits", epochs=1, n_train=60,
        options={"rate": 0.5},
    )  # fmt: skip
    run = train(config, tmp_path / "runs")
    assert_same(run.folder, again(run.folder, tmp_path / "there").folder)
    shutil.rmtree(place)
    with pytest.warns(sl._store.StoredResultWarning, match="trained again by the copy of its rule"):
        assert_same(run.folder, again(run.folder, tmp_path / "gone").folder)
    alone = tmp_path / "alone.yaml"
    shutil.copy(run.folder / "config.yaml", alone)
    with pytest.raises(SpikelearnError, match="holds no copy of the rule"):
        load_recipe(alone)


def test_what_is_a_runs_configuration_is_told_from_other_files(tmp_path: Path) -> None:
    run = train(
        TrainConfig(model="mlp_64", rule="untrained", dataset="digits", n_train=40), tmp_path
    )
    assert is_of_run(run.folder)
    assert is_of_run(run.folder / "config.yaml")
    for content in ("[", "a: 1", "{rule: backprop, model: mlp_64, format: 4, network: mlp_64}"):
        (tmp_path / "other.yaml").write_text(content)
        assert not is_of_run(tmp_path / "other.yaml")
    for other in ("mnist_mlp/backprop", "mlp_64", tmp_path, run.folder / "made.yaml"):
        assert not is_of_run(other)


def test_files_that_a_recipe_names_lie_beside_it(tmp_path: Path, monkeypatch: Any) -> None:
    model = sl.load_model("mlp_64").model_dump(mode="json", exclude_none=True)
    (tmp_path / "recipes").mkdir()
    (tmp_path / "recipes" / "mine.yaml").write_text(yaml.safe_dump(model))
    recipe = tmp_path / "recipes" / "r.yaml"
    said = {"model": "mine.yaml", "rule": "backprop", "dataset": "digits", "epochs": 1}
    recipe.write_text(yaml.safe_dump(said))
    monkeypatch.chdir(tmp_path)
    config = load_recipe("recipes/r.yaml")
    assert Path(config.model) == Path("recipes/mine.yaml")
    assert config.dataset == "digits"
    # One that is not there is counted from the working folder, as what replaces it is.
    (tmp_path / "recipes" / "mine.yaml").rename(tmp_path / "mine.yaml")
    assert load_recipe(recipe).model == "mine.yaml"
    assert load_recipe(recipe, model="mine.yaml").model == "mine.yaml"


@pytest.mark.parametrize(
    "content", ["rule: backprop\n3: 4\n", "rule: backprop\nchanges: {1.5: a}\n"]
)
def test_a_key_that_is_a_number_is_refused_by_name(content: str, tmp_path: Path) -> None:
    (tmp_path / "r.yaml").write_text("model: mlp_64\n" + content)
    with pytest.raises(sl.SpikelearnError, match=r"r\.yaml: .*(3|1\.5)"):
        load_recipe(tmp_path / "r.yaml")


def test_what_says_how_to_train_is_told_from_what_is_trained(tmp_path: Path) -> None:
    (tmp_path / "r.yaml").write_text("rule: backprop\nmodel: mlp_64\n")
    (tmp_path / "slip.yaml").write_text("model: mlp_64\nrul: backprop\n")
    model = sl.load_model("mlp_64").model_dump(mode="json", exclude_none=True)
    (tmp_path / "m.yaml").write_text(yaml.safe_dump(model))
    spiking = sl.load_model("brunel2000").model_dump(mode="json", exclude_none=True)
    (tmp_path / "s.yaml").write_text(yaml.safe_dump(spiking))
    (tmp_path / "not.yaml").write_text("- rule\n")
    (tmp_path / "broken.yaml").write_text("rule: [")
    recipes = ["mnist_mlp/backprop", tmp_path / "r.yaml", tmp_path / "slip.yaml"]
    others = ["mlp_64", "brunel2000", "nothing", tmp_path / "none.yaml", tmp_path,
              *(tmp_path / f"{n}.yaml" for n in ("m", "s", "not", "broken"))]  # fmt: skip
    assert [is_recipe(one) for one in recipes] == [True] * 3
    assert [is_recipe(one) for one in others] == [False] * len(others)
