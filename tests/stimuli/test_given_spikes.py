"""Given spikes: from the protocol, from tables, and from files of spike trains."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spikelearn import simulate, stimulus_for
from spikelearn._errors import SpikelearnError
from spikelearn._files import write_yaml
from spikelearn._spike_arrays import PopulationSpikes
from spikelearn.networks.spiking import LIF, Projection, SpikeSource, SpikingNetwork
from spikelearn.spikes.activity import Activity
from spikelearn.spikes.files import FORMATS
from spikelearn.stimuli import SpikeProtocol, Stimulus


def relay(size: int = 3) -> SpikingNetwork:
    """Neurons that fire a step after each spike of their source, and a second, idle source."""
    return SpikingNetwork(
        name="relay",
        populations={
            "in": SpikeSource(model="spike_source", size=size),
            "idle": SpikeSource(model="spike_source", size=2),
            "n": LIF(size=size, v_threshold_mv=1.0),
        },
        projections=(
            Projection(
                source="in", target="n", weight_mv=5.0, delay_ms=1.0,
                connectivity={"kind": "one_to_one"},  # type: ignore[arg-type]
            ),
        ),
    )  # fmt: skip


def protocol(**fields: Any) -> SpikeProtocol:
    return SpikeProtocol(kind="spikes", name="given", source="in", **fields)


def test_inline_times_are_shown_and_other_sources_stay_silent() -> None:
    network = relay()
    stimulus = stimulus_for(network, protocol(times_ms=[[5.0, 2.0], [], [7.0]]), 20.0, 1.0)
    activity = simulate(network, stimulus, 20.0, 1.0, "native")
    assert [t.tolist() for t in activity["n"].trains(0)] == [[3.0, 6.0], [], [8.0]]


@pytest.mark.parametrize("suffix", ["csv", "npz"])
def test_a_plain_table_needs_no_reader(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"table.{suffix}"
    if suffix == "csv":
        path.write_text("neuron,time_ms,trial\n0,1.5,0\n2,3,1\n0,0.5,0\n\n")
    else:
        np.savez(path, neuron=[0, 2, 0], time_ms=[1.5, 3.0, 0.5], trial=[0, 1, 0])
    stimulus = protocol(file=path).realise({"in": 3}, 10.0, 0.5, 0)
    assert list(stimulus.labels) == ["trial 0", "trial 1"]
    trains = [[t.tolist() for t in stimulus.spikes["in"].trains(i)] for i in (0, 1)]
    assert trains == [[[0.5, 1.5], [], []], [[], [], [3.0]]]


def test_a_table_without_trials_is_one_trial(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("neuron,time_ms\n1,4\n")
    stimulus = protocol(file=tmp_path / "t.csv").realise({"in": 3}, 10.0, 0.5, 0)
    assert list(stimulus.labels) == ["given"]
    assert stimulus.spikes["in"].senders.tolist() == [1]


@pytest.mark.parametrize("suffix", sorted(FORMATS))
def test_spikes_of_every_format_are_shown_as_they_were_saved(suffix: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    steps = np.unique(rng.integers(0, 2 * 3 * 40, 60))
    trials, rest = np.divmod(steps, 120)
    spikes = PopulationSpikes.from_unsorted(3, rest // 3 * 0.5, rest % 3, trials)
    saved = Activity(
        populations={"cells": spikes}, duration_ms=20.0, dt_ms=0.5, n_trials=2,
        labels=("first", "second"), provenance={},
    )  # fmt: skip
    saved.save(tmp_path / f"spikes{suffix}")
    content = {"kind": "spikes", "name": "replay", "source": "in", "file": f"spikes{suffix}"}
    write_yaml(tmp_path / "replay.yaml", content)
    stimulus = stimulus_for(relay(), tmp_path / "replay.yaml", 20.0, 0.5)
    shown = stimulus.spikes["in"]
    assert list(stimulus.labels) == ["first", "second"]
    np.testing.assert_allclose(shown.times_ms, spikes.times_ms, atol=1e-9)
    np.testing.assert_array_equal(shown.senders, spikes.senders)
    np.testing.assert_array_equal(shown.trials, spikes.trials)
    # The provenance says which file it was, and no path of this machine.
    recorded = stimulus.provenance["protocol"]["file"]
    assert recorded["file"] == f"spikes{suffix}"
    assert len(recorded["sha256"]) == 64


def activity_file(path: Path, **sizes: int) -> Path:
    populations = {
        name: PopulationSpikes.from_unsorted(size, np.array([1.0]), np.array([0]))
        for name, size in sizes.items()
    }
    return Activity(
        populations=populations, duration_ms=10.0, dt_ms=0.5, n_trials=1, labels=("0",),
        provenance={},
    ).save(path)  # fmt: skip


def test_the_population_of_a_file_is_the_one_that_is_named(tmp_path: Path) -> None:
    path = activity_file(tmp_path / "x.npz", a=3, b=4)
    chosen: Stimulus = stimulus_for(relay(4), protocol(file=path, population="b"), 10.0, 0.5)
    assert chosen.spikes["in"].size == 4


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, ["no population 'in'", "a, b", "population"]),
        ({"population": "c"}, ["no population 'c'", "a, b"]),
        ({"population": "b"}, ["'b'", "4 neurons", "'in'", "3"]),
    ],
)
def test_a_population_that_does_not_fit_is_refused(
    fields: dict[str, Any], words: list[str], tmp_path: Path
) -> None:
    path = activity_file(tmp_path / "x.npz", a=3, b=4)
    with pytest.raises(SpikelearnError) as raised:
        stimulus_for(relay(), protocol(file=path, **fields), 10.0, 0.5)
    for word in ["given", "x.npz", *words]:
        assert word in str(raised.value)


def test_a_file_of_another_form_needs_a_reader_and_says_which(tmp_path: Path) -> None:
    path = activity_file(tmp_path / "x.npz", a=3)
    with pytest.raises(SpikelearnError, match="load_activity"):
        protocol(file=path).realise({"in": 3}, 10.0, 0.5, 0)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("t.csv", "", ["empty"]),
        ("t.csv", "neuron,time_ms\n0,1\n0,soon\n", ["line 3", "0,soon"]),
        ("t.csv", "neuron,time_ms\n0\n", ["line 2"]),
        ("t.csv", "neuron,time_ms\n0,1,2\n", ["line 2", "0,1,2"]),
        ("t.csv", "neuron,time_ms\n0.5,1\n", ["line 2"]),
        ("t.csv", "neuron,time_ms\n5,1\n", ["'in'", "0 to 2", "5"]),
        ("t.csv", "neuron,time_ms\n-1,1\n", ["0 to 2", "-1"]),
        ("t.csv", "neuron,time_ms\n0,nan\n", ["finite"]),
        ("t.csv", "neuron,time_ms,trial\n0,1,-1\n", ["trials", "-1"]),
        ("t.csv", "time,who\n0,1\n", ["cannot read", "t.csv"]),
        ("t.csv", b"\xff\xfe\x00", ["readable"]),
        ("t.npz", b"PK", ["readable"]),
        ("t.npz", {"neuron": [0], "time_ms": [1.0, 2.0]}, ["one length"]),
        ("t.npz", {"neuron": [0.5], "time_ms": [1.0]}, ["whole numbers"]),
        ("t.nwb", b"no", ["cannot read"]),
        ("t.xyz", b"no", ["suffix"]),
    ],
)
def test_a_broken_table_gets_one_sentence(
    name: str, content: Any, words: list[str], tmp_path: Path
) -> None:
    path = tmp_path / name
    if isinstance(content, dict):
        np.savez(path, **content)
    else:
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(SpikelearnError) as raised:
        stimulus_for(relay(), protocol(file=path), 10.0, 0.5)
    assert "\n" not in str(raised.value)
    for word in [name, *words]:
        assert word in str(raised.value)


def test_times_for_another_number_of_neurons_are_refused() -> None:
    with pytest.raises(SpikelearnError, match=r"3 neurons of 'in', found 1"):
        stimulus_for(relay(), protocol(times_ms=[[1.0]]), 10.0, 0.5)
