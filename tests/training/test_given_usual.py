"""What a training takes: names, files, fields, objects; and what is usual where it is left open."""

from __future__ import annotations

from pathlib import Path

import pytest

import spikelearn as sl
from spikelearn import SpikelearnError, STDPConfig, TrainConfig
from spikelearn._files import write_yaml
from spikelearn._keys import content_key
from spikelearn.training.config import run_key
from spikelearn.training.given import config_given
from spikelearn.training.recipes import load_recipe
from spikelearn.training.usual import MODELS, usual_dataset, usual_model, usual_recipe, usual_rule

FIELDS = {"model": "mlp_64", "rule": "backprop", "dataset": "digits", "epochs": 1}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory):
    """A run that is stored."""
    return sl.train("mlp_64", rule="backprop", dataset="digits", epochs=1,
                    runs=tmp_path_factory.mktemp("runs"))  # fmt: skip


def test_names_fields_and_objects_are_one_configuration(tmp_path: Path, run) -> None:
    config = TrainConfig(**FIELDS)
    recipe = tmp_path / "mine.yaml"
    recipe.write_text("{model: mlp_64, rule: backprop, dataset: digits, epochs: 1}")
    assert config_given(config) is config
    assert config_given(FIELDS) == config
    assert config_given("mlp_64", rule="backprop", dataset="digits", epochs=1) == config
    assert config_given(recipe) == config_given(str(recipe)) == config
    assert (
        config_given(recipe, epochs=2)
        == config_given(config, epochs=2)
        == config.changed("epochs", 2)
    )
    for again in (run, run.folder, str(run.folder), run.folder / "config.yaml"):
        assert run_key(config_given(again).complete()) == run_key(config.complete())
    named = config_given("mnist_mlp/backprop", seed=3)
    assert (named.model, named.rule, named.seed) == ("mlp_784", "backprop", 3)


def test_a_network_is_trained_as_it_is_described(monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SPIKELEARN_CACHE", str(tmp_path))
    mlp = sl.load_model("mlp_64").changed("sizes[1]", 20)
    fields = {"kind": "mlp", "name": "mine", "sizes": [64, 20, 10]}
    for given in (mlp, fields, {"model": mlp}):
        config = config_given(given, rule="backprop")
        assert config.description().sizes[1] == 20
        assert config.dataset == "digits"
    plain = TrainConfig(**{**FIELDS, "changes": {"sizes[1]": 20}, "epochs": 5})
    key = [
        content_key(c.complete()["network"]) for c in (plain, config_given(mlp, rule="backprop"))
    ]
    assert key[0] == key[1]
    network = config_given(sl.load_model("competitive_stdp"))
    assert isinstance(network, STDPConfig)
    assert network.description() == sl.load_model("competitive_stdp")


def test_what_is_left_open_is_chosen_and_told(capsys: pytest.CaptureFixture[str]) -> None:
    config = config_given("mlp_64")
    assert (config.rule, config.dataset) == ("backprop", "digits")
    assert (
        capsys.readouterr().err == "Chosen, as it was not named: rule backprop, data set digits\n"
    )
    assert config_given(FIELDS)
    assert capsys.readouterr().err == ""
    assert config_given(rule="feedback_alignment").model == "mlp_784"
    assert capsys.readouterr().err == "Recipe: mnist_mlp/feedback_alignment\n"


def test_a_recipe_fills_in_what_is_left_open_also_where_all_is_named(
    capsys: pytest.CaptureFixture[str],
) -> None:
    from spikelearn.cli.learning import _training_config

    recipe = load_recipe("mnist_diehl_cook2015/stdp")
    assert (recipe.epochs, recipe.n_train) != (1, 300)
    assert config_given("diehl_cook2015") == recipe
    assert config_given("diehl_cook2015", rule="stdp") == recipe
    assert config_given({"model": "diehl_cook2015", "rule": "stdp"}) == recipe
    assert _training_config(None, {"model": "diehl_cook2015", "rule": "stdp"}) == recipe
    assert capsys.readouterr().err.count("Recipe: mnist_diehl_cook2015/stdp") == 4
    named = config_given("diehl_cook2015", rule="stdp", n_train=30)
    assert (named.n_train, named.epochs) == (30, recipe.epochs)


def test_options_and_changes_replace_those_of_a_recipe_that_they_name(tmp_path: Path) -> None:
    from spikelearn.cli.learning import _training_config

    recipe = load_recipe("mnist_mlp/bcm")
    given = {"options": {"unsupervised_epochs": 2}}
    config = config_given(rule="bcm", **given)
    assert dict(config.options) == {**recipe.options, "unsupervised_epochs": 2}
    assert len(config.options) == len(recipe.options) > 1
    assert config == config_given("mnist_mlp/bcm", **given)
    assert config == _training_config(None, {"rule": "bcm", **given})
    mine = tmp_path / "mine.yaml"
    mine.write_text(
        "{model: mlp_64, rule: backprop, dataset: digits, changes: {'sizes[1]': 20, name: mine}}"
    )
    changed = config_given(mine, changes={"sizes[1]": 30})
    assert dict(changed.changes or {}) == {"sizes[1]": 30, "name": "mine"}
    other = config_given(mine, model="mlp_784", dataset="mnist", changes={"sizes[1]": 30})
    assert dict(other.changes or {}) == {"sizes[1]": 30}


def test_data_and_runs_are_places_of_files(tmp_path: Path, run) -> None:
    images = tmp_path / "mine.npz"
    for given in ("mlp_64", {"model": "mlp_64"}, "mnist_mlp/backprop", TrainConfig(**FIELDS), run):
        assert config_given(given, dataset=images).dataset == str(images)
    assert config_given({"model": "mlp_64", "dataset": images}).dataset == str(images)
    file = tmp_path / "a_file"
    file.write_text("mine")
    for place in ("runs", "tensorboard"):
        for below in (file, file / "below"):
            with pytest.raises(SpikelearnError, match="a_file is a file, not a folder"):
                sl.train("mlp_64", rule="backprop", dataset="digits", epochs=1, **{place: below})
    assert file.read_text() == "mine"


def test_every_kind_of_model_has_its_usual_rule_and_data() -> None:
    for kind, models in MODELS.items():
        for dataset, name in models.items():
            model = sl.load_model(name)
            assert model.kind == kind
            rule = usual_rule(model)
            assert kind in sl.rules.RULES[rule].networks
            assert not rule.startswith(("untrained", "random"))
            assert usual_dataset(model) in (dataset or "mnist", "cifar10")
    assert usual_rule(sl.load_model("gru_28")) == "backprop_through_time"
    assert usual_model("surrogate", "shd") == "snn_shd"
    assert usual_recipe("stdp", "diehl_cook2015", "mnist") == "mnist_diehl_cook2015/stdp"
    assert usual_recipe("backprop", "mlp_64", "mnist") is None


@pytest.mark.parametrize(
    ("given", "fields", "words"),
    [("mpl_64", {}, "no model called 'mpl_64'.*mlp_64"), ("backprop", {}, "name it by rule="),
     ("mnist_mlp/bckprop", {}, "no recipe called.*mnist_mlp/backprop"),
     ("brunel2000", {}, "without plasticity"), (3, {}, "what is trained is .*found int"),
     (None, {}, "found neither a model nor a rule"), ({}, {}, "neither a model nor a rule"),
     ({3: 4}, {}, "neither a model"), (["mlp_64"], {}, "found list"),
     (sl.Stimulus(), {}, "found Stimulus"), ("mlp_64", {"rul": "backprop"}, "did you mean rule"),
     ("mlp_64", {"rule": 3}, "a rule is the name of one"),
     ("mlp_64", {"rule": "backprp"}, "did you mean backprop"),
     ("mlp_64", {"epochs": "3"}, "epochs"), ("mlp_64", {"options": 3}, "options"),
     ("mlp_64", {"dataset": 3}, "dataset"), ("mlp_64", {"model": "mlp_784"}, "two models"),
     (None, {"model": 3}, "found int for a model"), ({"kind": "mpl"}, {}, "no kind of network"),
     ({"kind": "mlp"}, {}, "the network: field 'name'"), ("mlp_64", {"seed": -1}, "seed"),
     ("mlp_64", {"runs": 3}, "runs is the path"), ("mlp_64", {"progress": 3}, "progress is"),
     ("mlp_64", {"after_epoch": "f"}, "after_epoch is a function"),
     ("mlp_64", {"again": "no"}, "again is true or false"),
     ("mlp_64", {"ranks": 0}, "ranks"), ("mlp_64", {"threads": "2"}, "threads"),
     ("mlp_64", {"tensorboard": 3}, "tensorboard is the path"),
     ("mlp_64", {"dataset": "digit"}, "digit"), ("mlp_64", {"learning_rate": -1}, "learning_rate"),
     ("competitive_stdp", {"after_epoch": print}, "of the training loop"),
     ("competitive_stdp", {"ranks": 2}, "ranks share out batches"),
     ("competitive_stdp", {"batch_size": 2}, "batch_size")],
)  # fmt: skip
def test_what_cannot_be_trained_is_refused_in_a_sentence(given, fields, words) -> None:
    with pytest.raises(SpikelearnError, match=words) as raised:
        sl.train(given, **fields)
    assert "\n" not in str(raised.value)


def test_a_run_that_was_not_stored_is_not_trained_again(run) -> None:
    import dataclasses

    with pytest.raises(SpikelearnError, match="not stored"):
        sl.train(dataclasses.replace(run, folder=None))


def test_a_run_that_is_read_is_told_also_where_a_bar_is_shown(run, capsys, monkeypatch) -> None:
    monkeypatch.setattr("spikelearn._progress._is_watched", lambda: True)
    again = sl.train(FIELDS, runs=run.folder.parent)
    assert again.folder == run.folder
    assert capsys.readouterr().err.startswith(f"Read from {run.folder}")
    sl.train(FIELDS, runs=run.folder.parent, progress=False)
    assert capsys.readouterr().err == ""


def test_options_and_changes_are_joined_whatever_says_the_rest(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = {"n_steps": 4, "rate": 0.2}
    fields = {**FIELDS, "rule": "predictive_coding", "options": options, "changes": {"name": "a"}}
    file = tmp_path / "mine.yaml"
    write_yaml(file, fields)
    for given in (TrainConfig(**fields), fields, file, str(file)):
        joined = config_given(given, options={"n_steps": 6}, changes={"sizes[1]": 20})
        assert dict(joined.options) == {"n_steps": 6, "rate": 0.2}
        assert dict(joined.changes or {}) == {"name": "a", "sizes[1]": 20}
        assert dict(config_given(given, options={}).options) == options
        # Options are of a rule, and changes of a model.
        other = config_given(given, rule="backprop")
        assert (dict(other.options), dict(other.changes or {})) == ({}, {"name": "a"})
        scaled = config_given(given, rule="feedback_alignment", options={"loss": "squared_error"})
        assert dict(scaled.options) == {"loss": "squared_error"}
        assert dict(config_given(given, rule=str(joined.rule)).options) == options
        larger = config_given(given, model="mlp_784", dataset="mnist")
        assert (dict(larger.options), dict(larger.changes or {})) == (options, {})
