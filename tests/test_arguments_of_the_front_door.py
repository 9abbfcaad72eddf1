"""Every public function takes what people guess, or refuses it in one sentence."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import spikelearn as sl
from spikelearn import SpikelearnError
from spikelearn._arguments import check_numbers, checked_path, in_few, is_number, is_whole, too_long
from spikelearn._spike_arrays import PopulationSpikes

SPIKES = PopulationSpikes.from_unsorted(2, [1.0], [0])
ACTIVITY: dict[str, Any] = {"populations": {"a": SPIKES}, "duration_ms": 10.0, "dt_ms": 0.1}
SWEEP: dict[str, Any] = {
    "simulate": {"model": "lif_neuron", "stimulus": "step_current", "duration_ms": 10},
    "vary": {"populations.neuron.tau_m_ms": [10]}, "measures": ["rate_hz"],
}  # fmt: skip
BEYOND = 10**400  # any float; of 5,000 digits Python itself writes none
NO_PATHS = (3, None, [], True, b"x", 1.5, {})
LIF = {"network": "lif_neuron", "stimulus": "step_current", "duration_ms": 10}

# Public name -> what is right, and by argument what is not.
TABLE: dict[str, tuple[dict[str, Any], dict[str, tuple[Any, ...]]]] = {
    "Activity": (ACTIVITY, {
        "populations": (3, {"a": 3}, {"a": [1, 2]}, [SPIKES]),
        "duration_ms": ("a", None, True, BEYOND),
        "dt_ms": ("a", None, -BEYOND), "n_trials": ("a", -1, 1.5, BEYOND, 10**5000),
        "labels": (3, "a", ["a", "b"]),
        "states": (3,), "weights": (3,), "provenance": (3,), "weight_units": (3,),
    }),
    "STDPConfig": ({"model": "competitive_stdp", "rule": "stdp"}, {
        "model": (3, None), "rule": (3, "stpd"), "n_train": ("3", 0), "dataset": (3,), "foo": (3,),
        "backend": ("nativ",), "seed": (-1, "a", 10**5000),
    }),
    "SpikingNetwork": (
        {"name": "n", "populations": {"n": {"model": "lif", "size": 1, "v_threshold_mv": 1.0}}},
        {"name": (3, ""), "populations": (3, [3], {"n": 3}, {"n": {"model": "lfi"}}), "foo": (3,)},
    ),
    "Stimulus": ({}, {
        "labels": (3, "a", [], None, True),
        "spikes": (3, [1, 2], {"a": 3}, {"a": "x"}, {"a": None}, {"a": [1, "x"]}, {"a": {1}},
                   {"a": [[1], 2]}, {"a": [[[1]]]}, {"a": [float("nan")]}, {"a": {"b": 1}},
                   {"a": [BEYOND]}, {"a": [[10**5000]]}),
        "currents_pa": (300, None, {"n": "x"}, {"n": None}, {"n": [1, 2]}, {"n": float("inf")},
                        {"n": [[1], [1, 2]]}, {"n": BEYOND}),
        "currents_mv": (3,), "currents_mv_per_ms": ("x",),
    }),
    "Sweep": (SWEEP, {
        "simulate": (3, {"modl": "x"}), "vary": (3, {"a": None}, {"a": 3}, {"a": {}}),
        "seeds": ("a", 0, -1, [1, 1]),
        "measures": (3, "rate"), "foo": (3,), "name": ("a/b", 3),
    }),
    "TrainConfig": ({"model": "mlp_64", "rule": "backprop"}, {
        "model": (3, None), "rule": (3, "backprp"), "epochs": (0, "3", 1.5, BEYOND), "foo": (3,),
        "learning_rate": (-1, "x"), "optimizer": ("adm",), "dataset": (3,), "options": (3,),
    }),
    "compare": ({"runs": "mlp_64", "recording": "nothing"}, {
        "runs": (3, None, [], "nothing", [3], "brunel2000", sl.Activity(**ACTIVITY)),
        "recording": (3, None, "nothing"),
        "method": ("rsaa", 3), "n_bootstrap": ("x", -1, BEYOND), "seed": ("a",), "progress": (3,),
        "resolutions": (3, [BEYOND]), "assign_layers": ("x",), "foo": (3,),
    }),
    "compare_runs": ({"runs": ("nothing", "nothing else")}, {"runs": (3, None, (), ("nothing",))}),
    "load_activity": ({"path": "spikes.npz"}, {"path": (*NO_PATHS, "nothing", "nothing.npz")}),
    "load_model": ({"name": "lif_neuron"}, {"name": (*NO_PATHS, "nothing", "nothing.yaml", "")}),
    "load_protocol": ({"name": "poisson"}, {"name": (*NO_PATHS, "nothing", "nothing.yaml")}),
    "load_recording": ({"name": "grasshopper"}, {"name": (*NO_PATHS, "nothing", "nothing.yaml")}),
    "open_run": ({"folder": "nothing"}, {"folder": (*NO_PATHS, "nothing", "x" * 500)}),
    "read_first": ({"table": pd.DataFrame()}, {"table": (3, None, "x", pd.DataFrame({"a": [1]}))}),
    "recording_summary": ({"recording": "grasshopper"}, {"recording": (3, None, [], "nothing")}),
    "simulate": (LIF, {
        "network": (3, None, [], {}, "nothing", {"name": "x"}, "mlp_64", {"populations": 3}),
        "stimulus": (3, 300.0, [1], True, {}, "nothing", {"kind": "x"}, {"neuron": 300},
                     {"kind": "currents"}, np.ones(3), {"currents_pa": 3}),
        "duration_ms": ("10", None, -1, 0, float("nan"), float("inf"), [10], True, 10.05, 1e12,
                        BEYOND, -BEYOND, 10**5000),
        "dt_ms": ("0.1", -1, 0, [0.1], True, 20, BEYOND),
        "backend": (3, "nativ", None), "seed": ("1", 1.5, -1, None, True, BEYOND, -(10**5000)),
        "record": (3, True, "neurone", [3], "v", 1.5, [["neuron"]], np.array(3), b"neuron",
                   *({"neuron": which} for which in (
                       [9], -1, [0.0], [[0]], np.array("a"), np.array(1), np.array([[0]]), b"0",
                       10**5000, np.array([True, False]), np.array([False]), np.array(True)))),
        "record_every_ms": ("1", [1], True, BEYOND, float("nan"), 1.0), "progress": (3, "yes"),
        "precision": (32, None), "keep_partial": ("yes", None), "threads": (0, "2", 1.5, True),
        "spikes_in_memory_mb": ("3", -1, None, BEYOND),
    }),
    "stimulus_for": ({"network": "lif_neuron", "protocol": "step_current"}, {
        "network": (3, "nothing"), "protocol": (3, None, "nothing", {}, []),
        "duration_ms": ("3", None, True, BEYOND), "dt_ms": ("a",), "seed": ("a", None, 1.0),
    }),
    "sweep": (SWEEP, {
        "description": (3, "nothing", [], "nothing.yaml", True), "runs": (3,), "out": (3,),
        "workers": ("x", 0, None), "threads_per_worker": (0, "2"), "progress": (3,), "tell": (3,),
        "limit_minutes": ("3", -1, BEYOND), "foo": (3,),
    }),
    "train": ({"config": "mlp_64"}, {
        "config": (3, None, {}, "nothing", "backprop", ["mlp_64"], "brunel2000"),
        "runs": (3, "backprop", "feedback_alignment"), "progress": (3,), "after_epoch": (3,),
        "again": ("x",), "tensorboard": (3,), "ranks": (0, "2"), "threads": (0, "2"), "foo": (3,),
        "rule": ("backprp", 3),
    }),
    "train_stdp": ({"config": sl.STDPConfig(model="competitive_stdp", n_train=20)}, {
        "config": (3, None, "competitive_stdp", sl.TrainConfig(model="mlp_64", rule="backprop")),
        "runs": (3,), "progress": (3,), "checkpoint_every_s": ("x",),
    }),
}  # fmt: skip
ERRORS = {"DataUnavailableError", "SpikelearnError", "UnsupportedFeatureError"}
# What a browser page and its bars take has tests of its own.
ELSEWHERE = {"explore"}
CASES = [
    pytest.param(name, argument, value, id=f"{name}-{argument}-{number}")
    for name, (_, wrong) in TABLE.items()
    for argument, values in wrong.items()
    for number, value in enumerate(values)
]


def test_every_public_name_is_in_the_table() -> None:
    assert set(TABLE) == set(sl.__all__) - ERRORS - ELSEWHERE


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("name", "argument", "value"), CASES)
def test_what_cannot_be_is_refused_in_a_sentence(
    name: str, argument: str, value: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    function = getattr(sl, name)
    given = {**TABLE[name][0], argument: value}
    # Of what takes any number, each is one; a tuple is several.
    takes = {p.name: p.kind for p in inspect.signature(function).parameters.values()}
    is_several = takes.get(argument) is inspect.Parameter.VAR_POSITIONAL
    several = (value if isinstance(value, tuple) else (value,)) if is_several else ()
    with pytest.raises(SpikelearnError) as raised:
        function(*several, **({} if is_several else given))
    sentence = str(raised.value)
    assert "\n" not in sentence
    for leaked in ("discriminator", "NoneType' object", "object has no", "Input tag", "argument",
                   "tuple[", "function-"):  # fmt: skip
        assert leaked not in sentence
    assert list(tmp_path.iterdir()) == []


def test_spikes_are_given_as_times() -> None:
    one = sl.Stimulus(spikes={"in": [1, 2.5]}).spikes["in"]
    assert (one.size, one.times_ms.tolist(), one.senders.tolist()) == (1, [1, 2.5], [0, 0])
    two = sl.Stimulus(spikes={"in": [[3.0], [1, 2]]}).spikes["in"]
    assert (two.size, two.times_ms.tolist(), two.senders.tolist()) == (2, [1, 2, 3], [1, 1, 0])
    same = sl.Stimulus.from_spike_times("in", [[3.0], [1, 2]]).spikes["in"]
    assert same == two == sl.Stimulus(spikes={"in": [np.array([3.0]), (1, 2)]}).spikes["in"]
    assert sl.Stimulus(spikes={"in": []}).spikes["in"].size == 0
    assert sl.Stimulus(spikes={"in": np.array([1.0, 2.5])}).spikes["in"] == one
    with pytest.raises(SpikelearnError, match="do not say in which of 2 trials"):
        sl.Stimulus(labels=("a", "b"), spikes={"in": [1.0]})


def test_fields_of_a_stimulus_and_of_a_protocol_without_a_name_are_shown() -> None:
    alike = {"currents_pa": {"neuron": 600}}
    shown = sl.simulate("lif_neuron", alike, 20.0)
    assert shown == sl.simulate("lif_neuron", sl.Stimulus(**alike), 20.0)
    assert sl.stimulus_for("lif_neuron", alike, 20.0) == sl.Stimulus(**alike)
    assert sl.stimulus_for("lif_neuron", sl.Stimulus(**alike), 20.0) == sl.Stimulus(**alike)
    assert shown.n_spikes > 0
    step = {"kind": "currents", "currents": [{"kind": "step", "amplitude_pa": 600}]}
    drawn = sl.stimulus_for("lif_neuron", step, 20.0)
    assert drawn.currents_pa["neuron"].max() == 600
    assert sl.simulate("lif_neuron", alike, 20.0, record=None).states == {}


def test_a_sweep_takes_a_model_and_what_commands_take() -> None:
    fields = {"vary": SWEEP["vary"], "measures": "rate_hz, isi_cv", "seeds": 2}
    described = sl.Sweep(simulate="lif_neuron", **fields)
    assert (described.measures, described.seeds) == (("rate_hz", "isi_cv"), (0, 1))
    network = sl.load_model("lif_neuron")
    for given in ("lif_neuron", network):
        result = sl.sweep(given, vary=SWEEP["vary"], measures="rate_hz")
        assert result.sweep.simulate.model == given
        assert len(result.table) == 1


@pytest.mark.parametrize("load", [sl.load_recording, sl.recording_summary, sl.load_model])
def test_a_file_that_is_not_there_is_said_to_be_none(load: Any, tmp_path: Path) -> None:
    with pytest.raises(SpikelearnError, match=r"^there is no file .*nothing\.yaml$"):
        load(tmp_path / "nothing.yaml")
    (tmp_path / "folder.yaml").mkdir()
    with pytest.raises(SpikelearnError, match=r"folder\.yaml is a folder|there is no file"):
        load(tmp_path / "folder.yaml")


def test_a_network_without_a_name_of_ours_is_told_in_a_few_words() -> None:
    network = sl.load_model("mlp_64").changed("name", "mine")
    run = sl.train(network, rule="untrained", epochs=1, n_train=50, progress=False)
    assert repr(run).startswith("<untrained on mine, digits, seed 0: test accuracy")


def test_paths_and_numbers() -> None:
    assert checked_path("a file", "x") == checked_path("a file", Path("x")) == Path("x")
    assert [is_number(one) for one in (np.float32(1), 2, True, "1")] == [True, True, False, False]
    assert [is_whole(one) for one in (np.int8(1), 2, 1.0, False)] == [True, True, False, False]
    with pytest.raises(SpikelearnError, match=r"^a is a whole number of about 400 digits; at most"):
        check_numbers(a=BEYOND)
    assert (too_long(10**299), too_long(-(10**299)), too_long(1e308), too_long(True)) == ("",) * 4
    assert in_few([10**5000]) == "a list with whole numbers of too many digits"
    with pytest.raises(SpikelearnError, match=r"^b must be a number, found 'x'$"):
        check_numbers(a=1, b="x")


# By method of an activity with one population, "neuron", what no argument is; a call without any.
ODD = ([], {}, ["neuron"], np.array(["neuron"]), np.array(0), b"neuron", 1.5, True, "zz", BEYOND)
ASKED_OF_ACTIVITY: dict[str, Any] = {
    "state_times_ms": lambda activity, odd: activity.state_times_ms(odd),
    "name": lambda activity, odd: activity[odd],
    "rate_hz": lambda activity, odd: activity.rate_hz(odd),
    "between": lambda activity, odd: activity.between(odd, -1),
    "rate": lambda activity, odd: activity["neuron"].rate(0, -1 if odd == 1.5 else odd),
    "psth": lambda activity, odd: activity["neuron"].psth(odd if isinstance(odd, list) else -1, 1),
    "sigma": lambda activity, odd: activity["neuron"].psth(1, -1 if odd == 1.5 else odd),
    "save": lambda activity, odd: activity.save(1.5 if isinstance(odd, str) else odd),
}


@pytest.fixture(scope="module")
def recorded() -> sl.Activity:
    return sl.simulate("lif_neuron", "step_current", 10, record="neuron")


@pytest.mark.parametrize("asked", ASKED_OF_ACTIVITY)
@pytest.mark.parametrize("odd", ODD, ids=lambda odd: type(odd).__name__)
def test_what_an_activity_is_asked_is_refused_in_a_sentence(
    asked: str, odd: Any, recorded: sl.Activity
) -> None:
    with pytest.raises(SpikelearnError) as raised:
        ASKED_OF_ACTIVITY[asked](recorded, odd)
    assert len(str(raised.value)) < 250
    assert "\n" not in str(raised.value)
    assert ([] in recorded, {} in recorded, "neuron" in recorded) == (False, False, True)


def test_neurons_are_chosen_by_numbers_of_numpy_and_by_truths() -> None:
    def chosen(which: Any) -> list[int]:
        return sl.simulate("izhikevich2003", duration_ms=1, record={"inhibitory": which})[
            "inhibitory"
        ].recorded_neurons.tolist()

    assert chosen(np.array(3)) == chosen(np.int64(3)) == chosen(3) == [3]
    assert chosen(np.arange(200) % 50 == 0) == [0, 50, 100, 150]
    with pytest.raises(SpikelearnError, match="of which there are 200, whether it is chosen; fou"):
        chosen(np.ones(8, dtype=bool))
