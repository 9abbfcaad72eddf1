"""What decides a run of a sweep: values, files by their content, code; not names and words."""

from __future__ import annotations

import numpy as np
import pytest
from toolkit_imports import imported_beside

import spikelearn as sl
from spikelearn._files import write_yaml
from spikelearn.sweeps.simulated import CODE, SimulatedRuns
from spikelearn.sweeps.trained import TrainedRuns

CELL = {"model": "lif_neuron", "stimulus": "step_current", "duration_ms": 100}
TAU = "populations.neuron.tau_m_ms"


def key(changes=None, seed=0, **fields):
    return SimulatedRuns(sl.Sweep(simulate={**CELL, **fields})).key(changes or {}, seed)


def test_what_decides_spikes_decides_the_key_and_words_do_not():
    network = sl.load_model("lif_neuron")
    assert key() == key() == key(model=network)
    assert key(model=network.changed({"name": "another", "description": "words"})) == key()
    assert key({TAU: 12}) == key(model=network.changed(TAU, 12.0)) == key(changes={TAU: 12})
    assert key(dt_ms=0.1) == key()  # it is the network's own
    others = [key({TAU: 12}), key(seed=1), key(duration_ms=200), key(dt_ms=0.2),
              key(stimulus="noise_current"), key(backend="brian2"),
              key({"simulate.duration_ms": 300})]  # fmt: skip
    assert len({*others, key()}) == len(others) + 1
    assert key({"simulate.duration_ms": 200}) == key(duration_ms=200)
    assert key({"simulate.stimulus": "noise_current"}) == key(stimulus="noise_current")


# What they make stands in the key itself, or changes no number.
BESIDE = {
    "_arguments.py", "_atomic.py", "_brian2.py", "_checks.py", "_code.py", "_compiling.py",
    "_cores.py", "_counts.py", "_description.py", "_errors.py", "_extras.py", "_files.py",
    "_html_tables.py", "_interrupts.py", "_keys.py", "_mpi.py", "_names.py", "_progress.py",
    "_room.py", "_same_content.py", "_threads.py",
    # What a population forwards to: pictures, and rates over time, which no measure reads.
    "plot/__init__.py", "responses/psth.py",
    "rules/user_rule.py", "sweeps/bases.py", "sweeps/description.py", "sweeps/overlapping.py",
    "training/spiking_model.py",
}  # fmt: skip


def test_all_code_that_decides_spikes_counts():
    assert imported_beside(CODE) - BESIDE == set()


def test_long_arrays_that_differ_in_one_number_are_two_runs():
    first = np.zeros((100, 50))
    second = first.copy()
    second[50, 25] = 1.0
    path = "projections[input->hidden].weight_mv"
    runs = SimulatedRuns(sl.Sweep(simulate="lif_feedforward", vary={path: [first, second]}))
    assert runs.key({path: first}, 0) != runs.key({path: second}, 0)
    (given,) = (p for p in runs.simulation({path: second}, 0).network.projections
                if p.source == "input")  # fmt: skip
    assert np.array_equal(given.weight, second)


def test_files_of_a_stimulus_count_by_what_stands_in_them(tmp_path):
    network = sl.load_model("lif_feedforward")
    size = next(iter(network.sources.values()))
    keys = []
    for folder, times in (("a", [1.0, 2.0]), ("b", [1.0, 2.0]), ("c", [1.0, 3.0])):
        place = tmp_path / folder
        place.mkdir()
        np.savez(place / "given.npz", times_ms=times, neurons=np.arange(2) % size)
        write_yaml(place / "s.yaml", {"kind": "spikes", "name": "s", "file": "given.npz"})
        keys.append(key(model=network, stimulus=str(place / "s.yaml")))
    assert keys[0] == keys[1] != keys[2]


def test_a_network_with_sources_is_shown_poisson_spikes_as_in_simulate():
    runs = SimulatedRuns(sl.Sweep(simulate="lif_feedforward", vary={"stimulus.rate_hz": [5, 50]}))
    network, protocol = (getattr(runs.simulation({}, 0), n) for n in ("network", "protocol"))
    assert protocol == sl.load_protocol("poisson")
    assert runs.simulation({"stimulus.rate_hz": 50}, 0).protocol.rate_hz == 50
    assert network == sl.load_model("lif_feedforward")


def test_a_rate_network_is_refused_and_one_that_spikes_is_made_of_its_seed():
    with pytest.raises(sl.SpikelearnError, match="does not spike"):
        SimulatedRuns(sl.Sweep(simulate="mlp_784"))
    runs = SimulatedRuns(sl.Sweep(simulate={"model": "snn_784", "duration_ms": 10}))
    first, second = (runs.simulation({}, seed).network for seed in (0, 1))
    weights = [network.projections[0].weight for network in (first, second)]
    assert not np.array_equal(*weights)
    assert runs.key({}, 0) != runs.key({}, 1)


def test_the_key_of_a_training_is_that_of_its_run():
    config = sl.TrainConfig(model="mlp_64", rule="backprop", dataset="digits", epochs=1)
    runs = TrainedRuns(sl.Sweep(train={"recipe": config, "changes": {"batch_size": 32}}))
    same = runs.config({"learning_rate": 0.01, "network.sizes[1]": 20}, 3)
    assert same == sl.TrainConfig(
        model="mlp_64", rule="backprop", dataset="digits", epochs=1, batch_size=32,
        learning_rate=0.01, seed=3, changes={"sizes[1]": 20},
    )  # fmt: skip
    assert runs.key({}, 0) != runs.key({}, 1)
    with pytest.raises(sl.SpikelearnError, match="trains models of kind"):
        runs.key({"rule": "surrogate"}, 0)
