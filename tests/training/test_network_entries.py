"""A network of a study is trained by others as the study trains it."""

from __future__ import annotations

import pytest

import spikelearn as sl
from spikelearn._errors import SpikelearnError
from spikelearn._files import write_yaml
from spikelearn.studies.study import load_study
from spikelearn.sweeps import load_sweep
from spikelearn.sweeps.trained import TrainedRuns
from spikelearn.training.config import run_key
from spikelearn.training.network_entries import network_of_study

FIELDS = {"model": "mlp_64", "dataset": "digits"}
OWN = "from spikelearn.rules.baselines import Backprop\n\n\nclass Mine(Backprop):\n    pass\n"


@pytest.fixture
def study(tmp_path):
    """Networks by recipe and by rule, one of them on two models, and one of one's own."""
    (tmp_path / "mine.py").write_text(OWN)
    content = {
        "name": "some", "seeds": [3, 4], "n_train": 200, "updates": 30, "recordings": ["small"],
        "networks": [
            {"family": "f", "recipe": "mnist_mlp/feedback_alignment", "batch_size": 20},
            {"family": "f", "rule": "backprop", **FIELDS, "learning_rate": 0.01},
            {"family": "f", "rule": "backprop", "model": "mlp_784"},
            {"family": "f", "rule": "mine.py:Mine", **FIELDS, "n_train": 100},
            {"family": "f", "rule": "stdp", "n_train": 30},
        ],
    }  # fmt: skip
    write_yaml(tmp_path / "some.yaml", content)
    return tmp_path / "some.yaml"


def test_every_network_has_the_keys_of_the_studys_own_runs(study):
    described = load_study(study)
    for number, entry in enumerate(described.networks, start=1):
        runs = TrainedRuns(sl.Sweep(train={"study": str(study), "network": number}))
        for seed in described.seeds:
            theirs = entry.config(seed, described.n_train, described.updates).complete()
            assert run_key(runs.config({}, seed).complete()) == run_key(theirs)
    # It varies like a recipe.
    varied = runs.config({"n_train": 40}, 9)
    assert (varied.n_train, varied.seed, varied.rule) == (40, 9, "stdp")


@pytest.mark.parametrize(
    ("name", "number"),
    [("mnist_mlp/feedback_alignment", 1), ("feedback_alignment", 1), ("backprop on mlp_64", 2),
     ("3", 3), ("mine.py:Mine", 4), ("stdp", 5)],
)  # fmt: skip
def test_a_network_is_found_by_what_it_is_called(study, name, number):
    assert network_of_study(study, name) == network_of_study(study, number)


@pytest.mark.parametrize(
    ("name", "words"),
    [("backprop", "has 2 networks called 'backprop'"), ("softhebb", "no network"), ("6", "no net")],
)
def test_a_name_of_none_or_several_is_refused_with_those_there_are(study, name, words):
    with pytest.raises(SpikelearnError, match=words) as raised:
        network_of_study(study, name)
    assert "2 (backprop on mlp_64), 3 (backprop on mlp_784)" in str(raised.value)


def test_a_base_is_a_recipe_or_a_network_of_a_study(study, tmp_path):
    for wrong in ({"study": "demo"}, {"network": "backprop"}, {},
                  {"recipe": "mnist_mlp/backprop", "study": "demo", "network": 1}):  # fmt: skip
        with pytest.raises(SpikelearnError, match=r"needed|give both"):
            sl.Sweep(train=wrong)
    with pytest.raises(SpikelearnError, match="there is no"):
        network_of_study("no_such_study", "backprop")
    # In a file, a study is looked for beside it.
    write_yaml(tmp_path / "sweep.yaml", {"train": {"study": "some.yaml", "network": 2}})
    sweep = load_sweep(tmp_path / "sweep.yaml")
    assert TrainedRuns(sweep).recipe == network_of_study(study, 2)


def test_a_sweep_finds_what_the_study_has_trained(study, tmp_path):
    one = network_of_study(study, 2)
    run = sl.train(one, tmp_path / "training")
    result = sl.sweep(
        train={"study": str(study), "network": 2}, seeds=[3], measures=["test_accuracy"],
        runs=tmp_path / "training",
    )  # fmt: skip
    row = result.table.iloc[0]
    assert (row["folder"], row["test_accuracy"]) == (
        run.folder.name, run.summary["test_accuracy"],
    )  # fmt: skip
    assert len(list((tmp_path / "training").glob("mlp_64-*"))) == 1
