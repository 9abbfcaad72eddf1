"""Names, files and plain values do wherever a file takes them."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from engines import QUICK

import spikelearn as sl
from spikelearn._files import write_yaml
from spikelearn.networks import LIF

FIELDS = {"name": "mine", "populations": {"n": {"model": "lif", "size": 2, "v_threshold_mv": 5.0}}}
STEP = {"kind": "currents", "target": "n", "current": {"kind": "step", "level_mv": 9.0}}


def test_a_network_is_given_by_name_by_file_or_by_its_fields(tmp_path):
    path = tmp_path / "mine.yaml"
    write_yaml(path, {"kind": "spiking", **FIELDS})
    shipped = sl.simulate("lif_neuron", "step_current", 20.0)
    assert shipped == sl.simulate(sl.load_model("lif_neuron"), "step_current", 20.0)
    stimulus = sl.Stimulus(currents_mv={"n": 9.0})
    of_fields = sl.simulate(FIELDS, stimulus, 20.0, record="n")
    assert of_fields == sl.simulate(path, stimulus, 20.0, record=("n",))
    assert of_fields == sl.simulate(str(path), stimulus, 20.0, record=["n"])
    assert of_fields.n_spikes > 0
    assert list(of_fields.states) == ["n.v_mv"]


def test_what_is_shown_is_a_protocol_by_name_or_its_fields_drawn_by_the_seed():
    network = sl.load_model("lif_feedforward")
    drawn = sl.stimulus_for(network, "poisson", 30.0, seed=5)
    assert sl.simulate(network, "poisson", 30.0, seed=5) == sl.simulate(
        network, drawn, 30.0, seed=5
    )
    protocol = sl.load_protocol("poisson")
    assert sl.simulate(network, protocol, 30.0, seed=5) == sl.simulate(network, drawn, 30.0, seed=5)
    fields = protocol.model_dump(mode="json", exclude_defaults=True) | {"kind": "poisson"}
    assert sl.stimulus_for("lif_feedforward", fields, 30.0, seed=5) == drawn


@pytest.mark.parametrize("backend", [*QUICK, "brian2:numpy"])
def test_a_number_is_a_current_that_flows_all_the_time(backend):
    grid = sl.Stimulus(currents_mv={"n": np.full((1, 400, 1), 9.0)})
    number = sl.Stimulus(currents_mv={"n": 9.0})
    trials = sl.Stimulus(("a", "b"), currents_mv={"n": np.array([9.0, 0.0]).reshape(2, 1, 1)})
    runs = [sl.simulate(FIELDS, s, 40.0, backend=backend, record="n") for s in (grid, number)]
    assert runs[0] == runs[1]
    assert runs[0].n_spikes > 0
    counts = sl.simulate(FIELDS, trials, 40.0, backend=backend)["n"].counts(2)
    assert counts.tolist() == [runs[0]["n"].counts(1)[0].tolist(), [0, 0]]


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: sl.simulate("lif_neurn"), "did you mean lif_neuron"),
        (lambda: sl.simulate("mlp_784"), "'mlp_784' is a network of kind mlp, which trains"),
        (lambda: sl.simulate(3), "a network is a SpikingNetwork, the name .* found int"),
        (lambda: sl.simulate("lif_neuron", "poison"), "did you mean poisson"),
        (lambda: sl.simulate("lif_neuron", None, "x"), "duration_ms must be a number, found 'x'"),
        (lambda: sl.simulate("lif_neuron", None, None), "duration_ms must be a number, found None"),
        (lambda: sl.simulate("lif_neuron", dt_ms="x"), "dt_ms must be a number, found 'x'"),
        (lambda: sl.simulate("lif_neuron", seed=-1), "a seed must be an integer of at least 0"),
        (lambda: sl.simulate("lif_neuron", seed=True), "a seed must be an integer of at least 0"),
        (lambda: sl.simulate("lif_neuron", 3.0), "what is shown is a protocol, .* found float"),
        (lambda: sl.simulate("lif_neuron", {"kind": "stepp"}), "the stimulus"),
        (lambda: sl.simulate("lif_neuron", record="n"), "cannot record the potential of 'n'"),
        (lambda: sl.Stimulus(currents_pa={"n": "much"}), "the current into 'n' must hold numbers"),
        (lambda: sl.Stimulus(currents_pa={"n": [1.0, 2.0]}), "must have 3 dimensions"),
        (lambda: sl.Stimulus(currents_pa={"n": float("nan")}), "not finite"),
    ],
)
def test_what_is_neither_is_said_in_a_sentence(call, said):
    with pytest.raises(sl.SpikelearnError, match=said):
        call()


def test_classes_do_not_ask_for_what_they_are():
    from spikelearn import networks, stimuli

    assert networks.AdEx(size=1).model == "adex"
    assert networks.SpikeSource(size=3).model == "spike_source"
    assert networks.ExponentialSynapse(tau_ms=5.0).model == "exponential"
    assert networks.FixedProbability(probability=0.1).kind == "fixed_probability"
    assert networks.Uniform(low=0.0, high=1.0).distribution == "uniform"
    assert networks.InhibitorySTDP.model_fields["rule"].default == "inhibitory_stdp"
    assert stimuli.PoissonProtocol.model_fields["kind"].default == "poisson"
    with pytest.raises(sl.SpikelearnError, match="model"):  # a file says it
        sl.SpikingNetwork(name="x", populations={"n": {"size": 1, "v_threshold_mv": 5.0}})
    assert LIF is networks.LIF
    assert {"LIF", "AdEx", "Projection"} <= set(dir(networks))


def test_networks_hash_by_content_and_survive_pickle():
    one, other = sl.load_model("brunel2000"), sl.load_model("brunel2000")
    assert one == other
    sent = pickle.loads(pickle.dumps(one))  # noqa: S301 - our own
    assert hash(one) == hash(other) == hash(sent)
    assert len({one, other, one.changed("dt_ms", 0.2)}) == 2
