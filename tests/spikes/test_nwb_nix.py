"""The `.nwb` and `.nix` files as others read them: Neo, PyNWB and the NWB inspector."""

from __future__ import annotations

import dataclasses
import datetime
import warnings
from pathlib import Path

import h5py
import neo
import numpy as np
import pynwb
import pytest
import quantities as pq
from activities import activities, small_activity
from hypothesis import HealthCheck, example, given, settings

from spikelearn.spikes import Activity, PopulationSpikes, from_neo, load, save
from spikelearn.spikes.of_others import ReadWarning

READERS = {".nwb": neo.io.NWBIO, ".nix": neo.io.NixIO}
MODES = {".nwb": "r", ".nix": "ro"}
few = settings(
    max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def _read_with_neo(path: Path) -> neo.Block:
    reader = READERS[path.suffix](str(path), mode=MODES[path.suffix])
    try:
        return reader.read_block()
    finally:
        reader.close()


@pytest.mark.parametrize("suffix", [".nwb", ".nix"])
@few
@given(activities().filter(lambda activity: activity.populations))
@example(small_activity())
def test_neo_reads_the_same_spike_times_to_a_microsecond(
    tmp_path: Path, suffix: str, activity: Activity
) -> None:
    (segment,) = _read_with_neo(save(activity, tmp_path / f"run{suffix}")).segments
    (epoch,) = segment.epochs
    # The labels that Neo makes of NWB tags have one more dimension.
    assert [str(label) for label in np.ravel(epoch.labels)] == list(activity.labels)
    np.testing.assert_allclose(epoch.durations.rescale("ms").magnitude, activity.duration_ms)
    neurons = [
        (name, neuron)
        for name, spikes in activity.populations.items()
        for neuron in range(spikes.size)
    ]
    starts = epoch.times.rescale("ms").magnitude
    assert len(segment.spiketrains) == len(neurons)
    for (name, neuron), train in zip(neurons, segment.spiketrains, strict=True):
        assert train.name == f"{name} {neuron}"
        trials = [activity[name].trains(trial)[neuron] for trial in range(activity.n_trials)]
        expected = np.concatenate([t + start for t, start in zip(trials, starts, strict=True)])
        np.testing.assert_allclose(train.rescale("ms").magnitude, expected, rtol=0, atol=1e-3)
        assert train.t_start == 0 * pq.s
        assert train.t_stop.rescale("ms").item() >= starts[-1] + activity.duration_ms - 1e-6


@pytest.mark.parametrize("suffix", [".nwb", ".nix"])
def test_one_trial_reads_with_neo_as_it_was_simulated(tmp_path: Path, suffix: str) -> None:
    times = np.arange(100) * 0.1
    spikes = PopulationSpikes.from_unsorted(5, times, np.arange(100) % 4)
    activity = Activity({"a": spikes}, 10.0, 0.1)
    (segment,) = _read_with_neo(save(activity, tmp_path / f"run{suffix}")).segments
    for train, expected in zip(segment.spiketrains, spikes.trains(0), strict=True):
        np.testing.assert_allclose(train.rescale("ms").magnitude, expected, atol=1e-3)
        assert train.duration.rescale("ms").item() == pytest.approx(10.0)


@pytest.mark.parametrize("suffix", [".nwb", ".nix"])
def test_neo_reads_recorded_states_in_millivolts_at_their_times(
    tmp_path: Path, suffix: str
) -> None:
    activity = small_activity()
    (segment,) = _read_with_neo(save(activity, tmp_path / f"run{suffix}")).segments
    (signal,) = segment.analogsignals
    assert signal.sampling_rate.rescale("kHz").item() == pytest.approx(10.0)
    values = signal.rescale("mV").magnitude
    times = signal.times.rescale("ms").magnitude
    state = activity.states["excitatory.v_mv"]
    for trial, start in enumerate(segment.epochs[0].times.rescale("ms").magnitude):
        first = np.argmin(np.abs(times - start))
        assert times[first] == pytest.approx(start, abs=1e-6)
        np.testing.assert_allclose(values[first : first + 500], state[trial], rtol=1e-12)


def test_from_neo_reads_the_block_of_a_nix_file(tmp_path: Path) -> None:
    path = save(small_activity(), tmp_path / "run.nix")
    np.testing.assert_array_equal(
        from_neo(_read_with_neo(path))["excitatory"].trials,
        small_activity()["excitatory"].trials,
    )


def test_pynwb_reads_units_trials_and_weights_as_tables(tmp_path: Path) -> None:
    activity = small_activity()
    with pynwb.NWBHDF5IO(str(save(activity, tmp_path / "run.nwb")), "r") as io:
        file = io.read()
        units, trials = file.units.to_dataframe(), file.trials.to_dataframe()
        weights = file.analysis["inhibitory->excitatory"]["weight_mv"][:]
        assert file.units.resolution == pytest.approx(1e-4)
        assert file.session_start_time == datetime.datetime(
            2026, 3, 4, 5, 6, 7, tzinfo=datetime.UTC
        )
        assert "Network small simulated by brian2 2.9.0 with seed 7" in file.experiment_description
    assert list(trials.stimulus) == list(activity.labels)
    np.testing.assert_allclose(trials.stop_time - trials.start_time, 0.05)
    assert list(units.population) == ["excitatory"] * 4 + ["inhibitory"] * 2
    assert list(units.neuron) == [0, 1, 2, 3, 0, 1]
    assert [len(times) for times in units.spike_times] == [2, 1, 2, 0, 0, 1]
    np.testing.assert_array_equal(weights, activity.weights["inhibitory->excitatory"])


def _identity(path: Path) -> tuple[str, datetime.datetime, list[datetime.datetime]]:
    with pynwb.NWBHDF5IO(str(path), "r") as io:
        file = io.read()
        return file.identifier, file.session_start_time, list(file.file_create_date)


def test_the_same_run_gives_the_same_identifier_and_dates(tmp_path: Path) -> None:
    activity = dataclasses.replace(small_activity(), provenance={"seed": 1})
    first = _identity(save(activity, tmp_path / "first.nwb"))
    assert first == _identity(save(activity, tmp_path / "second.nwb"))
    assert first[1] == datetime.datetime(2000, 1, 1, tzinfo=datetime.UTC)
    other = dataclasses.replace(activity, provenance={"seed": 2})
    assert _identity(save(other, tmp_path / "other.nwb"))[0] != first[0]


def test_state_and_projection_names_that_nwb_forbids_are_kept(tmp_path: Path) -> None:
    spikes = PopulationSpikes.from_unsorted(1, [1.0], [0])
    names = ["a/b", "a:b", "a_b", "猫/"]
    activity = Activity(
        populations=dict.fromkeys(names, spikes),
        duration_ms=2.0,
        dt_ms=1.0,
        states={f"{name}.v_mv": np.full((1, 2, 1), float(i)) for i, name in enumerate(names)},
        weights={f"{name}->{name}": np.full((1, 1), float(i)) for i, name in enumerate(names)},
    )
    found = load(save(activity, tmp_path / "run.nwb"))
    assert [found.states[f"{name}.v_mv"][0, 0, 0] for name in names] == [0, 1, 2, 3]
    assert [found.weights[f"{name}->{name}"].item() for name in names] == [0, 1, 2, 3]


@pytest.mark.parametrize("kind", ["small", "silent", "one trial", "coincident"])
def test_the_inspector_finds_nothing_critical_but_the_missing_subject(
    tmp_path: Path, kind: str
) -> None:
    inspector = pytest.importorskip("nwbinspector", reason="nwbinspector is not installed")
    activity = small_activity()
    if kind == "silent":
        activity = Activity({"a": PopulationSpikes.from_unsorted(3, [], [], [])}, 10.0, 0.1, 2)
    if kind == "one trial":
        spikes = PopulationSpikes.from_unsorted(2, [0.0, 1.0, 10.0], [0, 1, 1])
        activity = Activity({"a": spikes}, 10.0, 0.1, states={"a.v_mv": np.zeros((1, 100, 2))})
    if kind == "coincident":
        activity = Activity({"a": PopulationSpikes.from_unsorted(1, [5, 5], [0, 0])}, 10.0, 0.1)
    path = save(activity, tmp_path / "run.nwb")
    for config in (None, inspector.load_config("dandi")):
        messages = list(inspector.inspect_nwbfile(nwbfile_path=path, config=config))
        assert messages, "the inspector found not even the missing subject: did it run?"
        graver = {"BEST_PRACTICE_VIOLATION", "CRITICAL", "PYNWB_VALIDATION", "ERROR"}
        if kind == "silent":
            graver.remove("ERROR")  # the inspector itself stumbles over a column without values
        names = {m.check_function_name for m in messages if m.importance.name in graver}
        assert names <= {"check_subject_exists"}


@pytest.mark.parametrize("suffix", [".nwb", ".nix"])
def test_files_that_neo_wrote_for_others_are_read_too(tmp_path: Path, suffix: str) -> None:
    block = neo.Block(name="theirs", session_start_time=datetime.datetime.now(datetime.UTC))
    segment = neo.Segment(name="recording")
    for i, times in enumerate(([0.1, 0.2], [0.3])):
        segment.spiketrains.append(neo.SpikeTrain(times * pq.s, t_stop=1.0, name=f"cell {i}"))
    block.segments.append(segment)
    segment.block = block
    for train in segment.spiketrains:
        train.segment = segment
    path = tmp_path / f"theirs{suffix}"
    writer = READERS[suffix](str(path), mode="w" if suffix == ".nwb" else "ow")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        writer.write_all_blocks([block])
    writer.close()
    if suffix == ".nwb":
        with pytest.warns(ReadWarning, match="all units are one population"):
            found = load(path)
    else:
        found = load(path)
    assert found.labels == (("session",) if suffix == ".nwb" else ("recording",))
    assert found.duration_ms == pytest.approx(1000.0)
    np.testing.assert_allclose(found["units"].times_ms, [100.0, 200.0, 300.0])
    np.testing.assert_array_equal(found["units"].senders, [0, 0, 1])


@pytest.mark.parametrize("suffix", [".nwb", ".nix"])
def test_the_objects_in_a_file_grow_with_the_neurons_and_not_with_the_trials(
    tmp_path: Path, suffix: str
) -> None:
    def objects_of(n_trials: int) -> int:
        generator = np.random.default_rng(0)
        spikes = PopulationSpikes.from_unsorted(
            26,
            generator.integers(0, 5000, 5000) * 0.1,
            generator.integers(0, 26, 5000),
            generator.integers(0, n_trials, 5000),
        )
        path = save(Activity({"out": spikes}, 500.0, 0.1, n_trials), tmp_path / f"run{suffix}")
        names: list[str] = []
        with h5py.File(path, "r") as file:
            file.visit(names.append)
        found = load(path)
        np.testing.assert_array_equal(found["out"].times_ms, spikes.times_ms)
        np.testing.assert_array_equal(found["out"].senders, spikes.senders)
        np.testing.assert_array_equal(found["out"].trials, spikes.trials)
        return len(names)

    assert objects_of(92) <= objects_of(2) + 10
