"""The description of a sweep: what it takes, and what it refuses before anything runs."""

from __future__ import annotations

import pytest

import spikelearn as sl
from spikelearn._files import write_yaml
from spikelearn.sweeps import load_sweep
from spikelearn.sweeps.trained import TrainedRuns

TAU = "populations.neuron.tau_m_ms"
BASE = {"simulate": {"model": "lif_neuron", "stimulus": "step_current"}}


def test_a_base_may_be_named_alone_and_axes_may_be_a_mapping():
    short = sl.Sweep(simulate="lif_neuron", vary={TAU: "10:20:3"})
    long = sl.Sweep(simulate={"model": "lif_neuron"}, vary=[{"path": TAU, "values": "10:20:3"}])
    assert short == long
    assert short.n_runs == 3
    assert sl.Sweep(train="mnist_mlp/backprop").measured()[0] == "test_accuracy"


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "one of simulate and train"),
        ({**BASE, "train": "mnist_mlp/backprop"}, "one of simulate and train"),
        ({**BASE, "varry": {}}, "did you mean vary"),
        ({**BASE, "seeds": []}, "seeds"),
        ({**BASE, "seeds": [1, 1]}, "each once"),
        ({**BASE, "seeds": [-1]}, "at least 0"),
        ({**BASE, "seeds": [0.5]}, "seeds"),
        ({**BASE, "measures": ["rate"]}, "did you mean rate_hz"),
        ({**BASE, "measures": ["test_accuracy"]}, "there is no measure"),
        ({**BASE, "measures": ["no_file.py:peak"]}, "there is no Python file"),
        ({**BASE, "measures": ["rate_hz", "rate_hz"]}, "a column already"),
        ({**BASE, "name": "../elsewhere"}, "no path"),
        ({**BASE, "vary": {"seed": [1]}}, "a column of its own"),
        ({**BASE, "vary": [{"path": "a", "values": [1], "name": "sweep"}]}, "of its own"),
        ({**BASE, "vary": [{"path": TAU, "values": [1], "name": "rate_hz"}]}, "column of its own"),
        ({**BASE, "vary": [{"path": TAU, "values": [1]}] * 2}, "stands twice"),
        ({**BASE, "vary": [{"path": TAU}]}, "values"),
        ({**BASE, "vary": {TAU: "1:2"}}, f"vary: '1:2' of {TAU} says no number"),
        ({**BASE, "vary": [{"together": [{"path": TAU, "values": [1]}]}]}, "together"),
        ({"train": "mnist_mlp/backprop", "start_ms": 5}, "start_ms: of simulations"),
        ({"simulate": {"model": "lif_neuron", "duration": 5}}, "did you mean duration_ms"),
        ({"simulate": {"model": "lif_neuron", "duration_ms": "5"}}, "duration_ms"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_in_a_sentence(fields, words):
    with pytest.raises(sl.SpikelearnError) as raised:
        sl.Sweep(**fields)
    assert words in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_file_finds_what_lies_beside_it_and_is_called_after_it(tmp_path, monkeypatch):
    (tmp_path / "own_peak.py").write_text("def peak(activity):\n    return 1.0\n")
    network = sl.load_model("lif_neuron").model_dump(mode="json", exclude_none=True)
    write_yaml(tmp_path / "cell.yaml", network)
    content = {"simulate": "cell.yaml", "vary": {TAU: [5]}, "measures": ["own_peak.py:peak"]}
    write_yaml(tmp_path / "small.yaml", content)
    monkeypatch.chdir(tmp_path.parent)
    sweep = load_sweep(tmp_path / "small.yaml")
    assert sweep.name == "small"
    assert sweep.simulate.model == str(tmp_path / "cell.yaml")
    assert sweep.measures == (f"{(tmp_path / 'own_peak.py').resolve()}:peak",)


def test_values_of_a_file_s_axes_are_files_beside_it(tmp_path, monkeypatch):
    network = sl.load_model("lif_neuron").model_dump(mode="json", exclude_none=True)
    for name in ("one.yaml", "two.yaml"):
        write_yaml(tmp_path / name, network)
    write_yaml(tmp_path / "step.yaml", {"kind": "step", "amplitude_pa": 100})
    (tmp_path / "own_rule.py").write_text("class Mine: pass\n")
    (tmp_path / "images").mkdir()
    monkeypatch.chdir(tmp_path.parent)
    there = {name: str(tmp_path / f"{name}.yaml") for name in ("one", "two", "step")}

    def values(vary, base="simulate"):
        content = {base: {"model": "one.yaml"} if base == "simulate" else {"recipe": "r/one"}}
        write_yaml(tmp_path / "sweep.yaml", {**content, "vary": vary})
        return [axis.values for axis in load_sweep(tmp_path / "sweep.yaml").vary]

    model, stimulus = "simulate.model", "simulate.stimulus"
    assert values({model: ["one.yaml", "brunel2000"]}) == [(there["one"], "brunel2000")]
    assert values({model: "one.yaml, 'two.yaml', brunel2000"}) == [
        (there["one"], there["two"], "brunel2000")
    ]
    assert values([{"path": stimulus, "values": "step.yaml", "name": "s"}]) == [(there["step"],)]
    # What is not beside it, or no file, stays as it is.
    assert values({TAU: "5:10:3", model: "else.yaml,one"}) == ["5:10:3", "else.yaml,one"]
    assert values({TAU: [5, 6]}) == [(5, 6)]
    with pytest.raises(sl.SpikelearnError, match="there is nothing between"):
        values({model: "one.yaml,,two.yaml"})
    together = [{"together": [{"path": model, "values": ["two.yaml", "one.yaml"]},
                              {"path": stimulus, "values": "step.yaml,step.yaml"}]}]  # fmt: skip
    write_yaml(tmp_path / "sweep.yaml", {"simulate": "one.yaml", "vary": together})
    (axis,) = load_sweep(tmp_path / "sweep.yaml").axes()
    assert axis.values == [(there["two"], there["step"]), (there["one"], there["step"])]
    learning = {"rule": ["own_rule.py:Mine", "backprop"], "dataset": "images, digits, mnist",
                "model": ["one.yaml"]}  # fmt: skip
    write_yaml(tmp_path / "sweep.yaml", {"train": "mnist_mlp/backprop", "vary": learning})
    rule, dataset, trained = (axis.values for axis in load_sweep(tmp_path / "sweep.yaml").vary)
    assert rule == (f"{(tmp_path / 'own_rule.py').resolve()}:Mine", "backprop")
    assert dataset == (str(tmp_path / "images"), "digits", "mnist")
    assert trained == (there["one"],)
    # What differs in all runs, too; and it is read again as it was written.
    changes = {"simulate": {"model": "two.yaml", "changes": {stimulus: "step.yaml"}}}
    write_yaml(tmp_path / "sweep.yaml", changes)
    sweep = load_sweep(tmp_path / "sweep.yaml")
    assert dict(sweep.simulate.changes) == {stimulus: there["step"]}


def test_a_file_is_told_with_its_mistake(tmp_path):
    with pytest.raises(sl.SpikelearnError, match="there is no sweep"):
        load_sweep(tmp_path / "none.yaml")
    write_yaml(tmp_path / "bad.yaml", {"simulate": "lif_neuron", "seedz": [0]})
    with pytest.raises(sl.SpikelearnError, match=r"bad\.yaml.*did you mean seeds"):
        load_sweep(tmp_path / "bad.yaml")
    (tmp_path / "list.yaml").write_text("- 1\n")
    with pytest.raises(sl.SpikelearnError, match="mapping of fields"):
        load_sweep(tmp_path / "list.yaml")


def test_what_was_written_is_read_again(tmp_path):
    sweep = sl.Sweep(
        **BASE, name="again", seeds=[1, 2], measures=["rate_hz"],
        vary=[{"together": [
            {"path": TAU, "values": "10:20:3"},
            {"path": "simulate.duration_ms", "values": [10, 20, 30], "name": "T"},
        ]}],
    )  # fmt: skip
    write_yaml(tmp_path / "again.yaml", sweep.written())
    assert load_sweep(tmp_path / "again.yaml") == sweep


FIELDS = {"model": "mlp_64", "rule": "backprop", "dataset": "digits", "epochs": 2}


def test_a_training_is_whatever_train_takes(tmp_path, capsys):
    config = sl.TrainConfig(**FIELDS)
    write_yaml(tmp_path / "mine.yaml", FIELDS)
    write_yaml(tmp_path / "net.yaml", {"kind": "mlp", "name": "net", "sizes": [64, 10, 10]})
    recipe = {"recipe": str(tmp_path / "mine.yaml")}
    for given in (config, FIELDS, {"recipe": config}, recipe, {**recipe, "epochs": 2},
                  tmp_path / "mine.yaml", {"recipe": "mnist_mlp/backprop", **FIELDS}):  # fmt: skip
        made = TrainedRuns(sl.Sweep(train=given)).config({}, 0)
        assert {name: getattr(made, name) for name in FIELDS} == FIELDS
    assert sl.Sweep(train="mnist_mlp/backprop").train.recipe == "mnist_mlp/backprop"
    capsys.readouterr()
    for model in ("mlp_64", sl.load_model("mlp_64"), tmp_path / "net.yaml"):
        for given in (model, {"recipe": model}, {"model": model}):
            made = sl.Sweep(train=given).train.recipe
            assert (made.rule, made.dataset, made.epochs) == ("backprop", "digits", 5)
            assert "Chosen, as it was not named: rule backprop" in capsys.readouterr().err
    joined = sl.Sweep(train={"recipe": "mnist_mlp/bcm", "options": {"unsupervised_epochs": 2}})
    assert dict(joined.train.recipe.options) == {"unsupervised_epochs": 2, "transform": "triangle"}
    both = sl.Sweep(train={"recipe": "mnist_mlp/bcm", "epochs": 2, "changes": {"batch_size": 9}})
    assert TrainedRuns(both).config({}, 0).batch_size == 9


def test_what_a_training_says_is_in_the_file_and_comes_out_of_it(tmp_path):
    made = sl.Sweep(train={**FIELDS, "seed": 4}, vary={"learning_rate": [0.1, 0.2]})
    write_yaml(tmp_path / "s.yaml", made.written())
    assert load_sweep(tmp_path / "s.yaml").train == made.train
    (tmp_path / "t.yaml").write_text(
        "train: {model: net.yaml, rule: backprop, dataset: digits, epochs: 2}"
    )
    write_yaml(tmp_path / "net.yaml", {"kind": "mlp", "name": "net", "sizes": [64, 10, 10]})
    read = load_sweep(tmp_path / "t.yaml").train.recipe
    assert (read.model, read.epochs) == (str(tmp_path / "net.yaml"), 2)


def test_the_seed_of_a_configuration_counts_where_no_seeds_are_given():
    for given in (sl.TrainConfig(**FIELDS, seed=4), {**FIELDS, "seed": 4}):
        assert sl.Sweep(train=given).seeds == (4,)
        assert sl.Sweep(train=given, seeds=2).seeds == (0, 1)
        assert sl.Sweep(**sl.Sweep(train=given).written()).seeds == (4,)
    assert sl.Sweep(train="mnist_mlp/backprop").seeds == (0,)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"train": {**FIELDS, "epoch": 1}}, "did you mean epochs"),
        ({"train": {"recipe": "mnist_mlp/backprop", "epoch": 1}}, "did you mean epochs"),
        ({"train": {"rule": "backprp"}}, "did you mean backprop"),
        ({"train": {"modl": "mlp_64"}}, "there are recipe, changes"),
        ({"train": 3}, "what is trained is a configuration, a recipe, a model or a run"),
        ({"train": {"model": "mlp_6"}}, "did you mean mlp_64"),
        ({"simulate": {"model": "lif_neuron", "stimulus": sl.Stimulus()}}, "a protocol, the name"),
        ({"simulate": {"model": 3}}, "a SpikingNetwork, the name of a shipped one"),
        ({"simulate": 3}, "simulate"),
    ],
)
def test_what_is_no_base_is_refused_in_a_sentence(fields, words):
    with pytest.raises(sl.SpikelearnError) as raised:
        sl.Sweep(**fields)
    assert words in str(raised.value)
    assert "function-" not in str(raised.value)
