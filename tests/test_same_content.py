"""Objects that hold arrays: equal where they hold the same, and shown in a line."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

import spikelearn as sl
from spikelearn._same_content import ComparedByContent, is_same
from spikelearn.networks.connectivity import Pairs
from spikelearn.recordings import RecordedRDM
from spikelearn.stimuli.images import ImageDataset

LIF = {"model": "lif_neuron", "stimulus": "step_current", "duration_ms": 10}
SWEEP: dict[str, Any] = {
    "simulate": LIF, "vary": {"populations.neuron.tau_m_ms": [10]}, "measures": ["rate_hz"],
}  # fmt: skip


@dataclass(frozen=True, eq=False, repr=False)
class Held(ComparedByContent):
    values: Any
    where: str = field(default="", compare=False)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (np.array([1.0, np.nan]), np.array([1.0, 2.0])),
        (np.zeros((2, 2)), np.zeros(4)),
        (np.array(["a"]), np.array(["b"])),
        (pd.DataFrame({"a": [1.0, np.nan]}), pd.DataFrame({"a": [1.0, 2.0]})),
        ({"a": np.ones(2)}, {"b": np.ones(2)}),
        ({"a": np.ones(2)}, {"a": np.zeros(2)}),
        ((np.ones(2), "x"), (np.ones(2), "y")),
        ([np.ones(2)], (np.ones(2),)),
        (float("nan"), 1.0),
        ("", np.zeros(0)),
        (Held(np.ones(2)), Held(np.zeros(2))),
        ({"a": [Held(np.ones(2))]}, {"a": [Held(np.zeros(2))]}),
        (
            Pairs(pre=np.array([0, 1]), post=np.array([0, 1])),
            Pairs(pre=np.array([0, 0]), post=np.array([0, 1])),
        ),
        (np.ones(1), [1.0]),
    ],
)
def test_the_same_is_what_holds_the_same(one: Any, other: Any):
    import copy

    assert is_same(one, copy.deepcopy(one))
    assert not is_same(one, other)
    assert not is_same(other, one)
    assert Held(one) == Held(copy.deepcopy(one), "elsewhere")
    assert Held(one) != Held(other)
    assert Held(one) != 3


def test_a_line_has_arrays_and_tables_by_their_size():
    assert repr(Held(np.zeros((2, 3)))) == "Held(values=<float64 array of shape (2, 3)>, where='')"
    assert "<table of 2 rows>" in repr(Held(pd.DataFrame({"a": [1, 2]})))
    assert "<9 int>" in repr(Held(list(range(9))))
    assert "<4 by name>" in repr(Held(dict.fromkeys("abcd")))
    assert len(repr(Held("x" * 1000))) < 100


MADE = {
    "recording": lambda: sl.load_recording("grasshopper"),
    "stimuli": lambda: ImageDataset(
        "one", np.zeros((0, 2, 2)), np.zeros(0, int), np.ones((1, 2, 2)), np.zeros(1, int), ("a",),
        "here",
    ),
    "rdm": lambda: RecordedRDM("s", "V1", "", np.array([1.0, np.nan, 2.0]), "1 - r"),
    "summary": lambda: sl.recording_summary("grasshopper"),
    "sweep": lambda: sl.sweep(**SWEEP),
    "run": lambda: sl.train("mlp_64", rule="backprop", dataset="digits", epochs=1, n_train=50),
}  # fmt: skip
CHANGED = {
    "recording": lambda one: replace(one, spike_times_ms=(one.spike_times_ms[0][:-1],
                                                          *one.spike_times_ms[1:])),
    "stimuli": lambda one: replace(one, test_images=one.test_images * 2),
    "rdm": lambda one: replace(one, dissimilarities=np.array([1.0, np.nan, 3.0])),
    "summary": lambda one: replace(one, ceilings=pd.DataFrame({"a": [1.0]})),
    "sweep": lambda _: sl.sweep(**{**SWEEP, "vary": {"populations.neuron.tau_m_ms": [11]}}),
    "run": lambda one: replace(one, epochs=one.epochs * 2),
}  # fmt: skip


@pytest.mark.parametrize("name", MADE)
def test_what_the_front_door_gives_is_compared_and_shown(name: str):
    one, other = MADE[name](), MADE[name]()
    assert one == other
    assert one != CHANGED[name](one)
    assert one != 3
    assert len(repr(one)) < 300
    with pytest.raises(TypeError, match=r"unhashable type: '(\w+)'"):
        hash(one)


def test_a_run_that_is_read_is_the_one_that_was_trained(tmp_path):
    fields = {"rule": "backprop", "dataset": "digits", "epochs": 1, "n_train": 50}
    run = sl.train("mlp_64", runs=tmp_path, **fields)
    assert sl.open_run(run.folder) == run
    assert sl.train("mlp_64", runs=tmp_path, seed=1, **fields) != run


def test_descriptions_have_a_hash_with_mappings_in_them():
    made = [sl.TrainConfig(model="mlp_64", rule="backprop", options={}) for _ in range(2)]
    assert {made[0]: "found"}[made[1]] == "found"
    pairs = [Pairs(pre=np.array([0, 1]), post=np.array([0, 1])) for _ in range(2)]
    assert {pairs[0]: "found"}[pairs[1]] == "found"
    assert hash(sl.load_protocol("poisson")) == hash(sl.load_protocol("poisson"))


def test_a_network_of_named_pairs_equals_itself_made_again():
    def made(delay_ms: float) -> sl.SpikingNetwork:
        joined = {"kind": "pairs", "pre": np.array([0, 1]), "post": np.array([1, 0])}
        return sl.load_model("izhikevich2003").changed(
            {"projections[0].connectivity": joined, "projections[0].delay_ms": delay_ms}
        )

    assert made(1.0) == made(1.0)
    assert made(1.0) != made(2.0)
    assert hash(made(1.0)) == hash(made(1.0))


@pytest.mark.parametrize("name", ["mlp_64", "cnn_28", "elman_28", "snn_784"])
def test_networks_that_train_are_tables_in_a_notebook(name: str):
    network = sl.load_model(name)
    html = network.changed("description", "<b>of ours</b>")._repr_html_()
    assert f"<b>{type(network).__name__} &#x27;{name}&#x27;</b>" in html
    assert "<td>kind</td>" in html
    assert "&lt;b&gt;of ours" in html
    assert "<b>of ours" not in html


def test_summaries_and_sweeps_are_tables_in_a_notebook():
    assert "auditory receptor" in sl.recording_summary("grasshopper")._repr_html_()
    html = sl.sweep(**SWEEP)._repr_html_()
    assert "<th>rate_hz</th>" in html
    assert "machine" not in html
