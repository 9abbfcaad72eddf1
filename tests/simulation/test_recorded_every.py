"""Potentials at every so many steps: those of all steps, at these, whatever the engine."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import spikelearn as sl
from spikelearn.simulation import BACKENDS, check_backend
from spikelearn.simulation.brian2 import engine as brian2
from spikelearn.simulation.brian2.session import compiler
from spikelearn.simulation.memory import Run, needed_bytes
from spikelearn.simulation.native import engine as native

NETWORK = sl.SpikingNetwork(
    name="two",
    populations={
        "a": {"model": "lif", "size": 5, "v_threshold_mv": 10.0, "v_rest_mv": [0, 1, 2, 3, 4]},
        "b": {"model": "lif", "size": 3, "v_threshold_mv": 10.0},
    },
    projections=[
        {
            "source": "a", "target": "b", "weight_mv": 1.0,
            "delay_ms": {"distribution": "uniform", "low": 0.3, "high": 1.5},
        },
        {"source": "b", "target": "a", "weight_mv": 0.5, "delay_ms": 1.0},
    ],
)  # fmt: skip
SHOWN = sl.Stimulus(currents_mv={"a": np.linspace(8, 14, 10).reshape(2, 1, 5)}, labels=("x", "y"))
ALL = {"a": None, "b": None}
SOME = {"a": [4, 1], "b": slice(None, None, 2)}


def simulated(
    record: Any, every_ms: float | None = None, backend: str = "native", **more: Any
) -> sl.Activity:
    given = {"network": NETWORK, "stimulus": SHOWN, "duration_ms": 31.0, "dt_ms": 0.1} | more
    return sl.simulate(backend=backend, record=record, record_every_ms=every_ms, **given)


PROGRAM = pytest.param("brian2:standalone", marks=pytest.mark.slow)  # compiled twice
TARGETS = [*BACKENDS, *([PROGRAM] if compiler() else [])]


@pytest.mark.parametrize("backend", TARGETS)
def test_they_are_those_of_every_step(backend: str) -> None:
    every, some = simulated(ALL, None, backend), simulated(SOME, 0.7, backend)
    assert every.n_spikes > 0
    assert dict(some.populations) == dict(every.populations)
    assert np.array_equal(some.states["a.v_mv"], every.states["a.v_mv"][:, ::7, [4, 1]])
    assert np.array_equal(some.states["b.v_mv"], every.states["b.v_mv"][:, ::7, [0, 2]])
    times = every.state_times_ms("a.v_mv")
    assert np.array_equal(some.state_times_ms("a.v_mv"), times[::7])
    assert times[0] == 0.0
    assert some["a"].potential.index[1] == pytest.approx(0.7)


@pytest.mark.parametrize("threads", [1, 2])
def test_blocks_that_hold_none_and_parts_of_a_network(
    threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In blocks of 16 steps, of which some have no record; dealt out to two threads or not."""
    monkeypatch.setattr("spikelearn.simulation.native.trial._LONGEST_BLOCK", 16)
    monkeypatch.setattr(native, "worth_parts", lambda grid, n_threads: min(2, n_threads))
    network = sl.load_model("izhikevich2003")
    fine = simulated("excitatory", None, network=network, stimulus=None, threads=threads, dt_ms=1.0)
    few = simulated("excitatory", 19.0, network=network, stimulus=None, threads=threads, dt_ms=1.0)
    assert np.array_equal(few.states["excitatory.v_mv"], fine.states["excitatory.v_mv"][:, ::19])
    assert fine.states["excitatory.v_mv"].std() > 1.0


@pytest.mark.parametrize("backend", ["native", "brian2", "snntorch"])
def test_learning_networks(backend: str) -> None:
    network = {
        "name": "learning",
        "populations": {
            "s": {"model": "spike_source", "size": 4},
            "n": {"model": "lif", "size": 2, "v_threshold_mv": 5.0},
        },
        "projections": [
            {
                "source": "s", "target": "n", "weight_mv": 12.0, "delay_ms": 1.0,
                "plasticity": {"rule": "stdp", "a_plus": 0.1, "a_minus": 0.1, "w_max": 20.0},
            }
        ],
    }  # fmt: skip
    given = {"network": network, "stimulus": None, "duration_ms": 50.0, "dt_ms": 0.5}
    shown = sl.stimulus_for(network, "poisson", 50.0, 0.5, 0)
    given["stimulus"] = shown
    fine, few = (simulated("n", every, backend, **given) for every in (None, 1.5))
    assert np.array_equal(few.states["n.v_mv"], fine.states["n.v_mv"][:, ::3])
    assert fine == dataclasses.replace(few, states=fine.states, states_every_ms=0.5)


def test_runs_that_are_interrupted_keep_what_was_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("spikelearn.simulation.native.trial._LONGEST_BLOCK", 16)
    fine = simulated(ALL)

    def stop(fraction: float) -> None:
        raise KeyboardInterrupt

    slow = {"progress": stop, "keep_partial": True, "duration_ms": 60_000.0}
    part = simulated(ALL, 0.7, **slow)
    n = round(part.duration_ms / 0.1)
    assert 0 < n < 600_000
    assert part.states["a.v_mv"].shape[1] == -(-n // 7)
    shared = min(part.states["a.v_mv"].shape[1], 45)
    assert np.array_equal(
        part.states["a.v_mv"][:, :shared],
        fine.states["a.v_mv"][part_trials(part)][:, ::7][:, :shared],
    )


def part_trials(part: sl.Activity) -> list[int]:
    return [SHOWN.labels.index(label) for label in part.labels]


def test_parts_of_trials_keep_their_times() -> None:
    few = simulated("a", 0.7)
    fine = simulated("a")
    for start, stop in ((0.0, 10.0), (0.5, 20.3), (7.0, 31.0), (3.4, 3.5)):
        cut, whole = few.between(start, stop), fine.between(start, stop)
        steps = np.rint((cut.state_times_ms("a.v_mv")) / 0.1).astype(int)
        assert np.array_equal(cut.states["a.v_mv"], whole.states["a.v_mv"][:, steps])
        assert ((steps + round(start / 0.1)) % 7 == 0).all()
        again = cut.between(0.2) if cut.duration_ms > 1 else cut
        assert (again.state_times_ms("a.v_mv") >= 0).all()
    assert few.between(3.6, 4.1).states["a.v_mv"].shape == (2, 0, 5)
    assert few.between(3.6, 4.1)["a"].potential.shape == (0, 10)
    with pytest.raises(sl.SpikelearnError, match=r"from 3.6 to 4.1 ms, as .* every 0.7 ms"):
        sl.plot.states(few, start_ms=3.6, stop_ms=4.1)
    assert np.isnan(sl.spikes.golomb_rinzel_chi(few, "a", start_ms=3.6, stop_ms=4.1))
    twice = few.between(0.5).between(0.5)
    assert np.allclose(twice.state_times_ms("a.v_mv"), few.between(1.0).state_times_ms("a.v_mv"))
    assert few != dataclasses.replace(few, states_every_ms=0.8)


@pytest.mark.parametrize("suffix", [".npz", ".nwb", ".nix", ".h5", ".mat"])
def test_files_keep_their_times(suffix: str, tmp_path: Path) -> None:
    activity = simulated(SOME, 0.7).between(0.5, 20.0)
    read = sl.load_activity(activity.save(tmp_path / f"few{suffix}"))
    assert read == activity
    assert (read.states_every_ms, read.states_first_ms) == pytest.approx((0.7, 0.2))


def test_other_programs_read_true_times(tmp_path: Path) -> None:
    import neo
    import pynwb
    import scipy.io

    activity = simulated({"a": 1}, 0.7).between(0.5, 20.0)
    times = activity.state_times_ms("a.v_mv")
    with pynwb.NWBHDF5IO(str(activity.save(tmp_path / "few.nwb")), "r") as io:
        file = io.read()
        series, starts_s = file.acquisition["a.v_mv"], file.trials["start_time"].data[:]
        seconds = series.starting_time + np.arange(len(series.data)) / series.rate
        data = series.data[:, 0]
    # The trials follow one another on the session clock, on which records are as regular.
    for start_s, values in zip(starts_s, activity.states["a.v_mv"][:, :, 0], strict=True):
        begin = np.searchsorted(seconds, start_s - 1e-9)
        assert np.array_equal(data[begin : begin + times.size], values)
        assert np.allclose((seconds[begin : begin + times.size] - start_s) * 1000, times)
    signal = activity.to_neo().segments[1].analogsignals[0]
    assert np.allclose(signal.times.rescale("ms").magnitude, times)
    assert sl.spikes.from_neo(activity.to_neo()) == activity
    path = activity.save(tmp_path / "few.nix")
    signal = neo.NixIO(str(path), "ro").read_block().segments[0].analogsignals[0]
    assert np.allclose(signal.times.rescale("ms").magnitude[: times.size], times)
    mat = scipy.io.loadmat(activity.save(tmp_path / "few.mat"), simplify_cells=True)
    assert np.allclose(mat["activity"]["states"]["times_ms"], times)


def test_pictures_and_words_have_true_times() -> None:
    activity = simulated({"a": [0, 3]}, 0.7)
    (line, _) = sl.plot.states(activity, start_ms=1.0, stop_ms=5.0).lines
    assert np.allclose(line.get_xdata(), [1.4, 2.1, 2.8, 3.5, 4.2, 4.9])
    assert "a.v_mv every 0.7 ms" in activity._repr_html_()


@pytest.mark.parametrize(
    ("every_ms", "record", "said"),
    [
        (0.25, "a", "record_every_ms must be a multiple of the time step 0.1 ms, found 0.25 ms"),
        (0.05, "a", "from one time step, 0.1 ms, to the duration, 31 ms, found 0.05 ms"),
        (-1.0, "a", "found -1 ms"),
        (float("nan"), "a", "found nan ms"),
        (31.1, "a", "to the duration, 31 ms, found 31.1 ms"),
        ("1 ms", "a", "record_every_ms must be a number, found '1 ms'"),
        (1.0, (), "and none are; name populations in record"),
    ],
)
def test_what_cannot_be_is_told(every_ms: Any, record: Any, said: str) -> None:
    with pytest.raises(sl.SpikelearnError, match=said):
        simulated(record, every_ms)


def test_a_backend_that_gives_all_is_told() -> None:
    class All:
        FEATURES = native.FEATURES
        integrates = staticmethod(native.integrates)

        @staticmethod
        def run(grid: Any, progress: Any, precision: str) -> Any:
            return native.run(dataclasses.replace(grid, record_every=1), progress, precision)

    with pytest.raises(
        sl.SpikelearnError, match=r"of 'a' of shape \(2, 310, 5\), where .* \(2, 45, 5\)"
    ):
        simulated("a", 0.7, All())
    with pytest.raises(sl.SpikelearnError, match="some_neurons_and_steps"):
        check_backend(All(), properties=["some_neurons_and_steps"])


def test_less_often_needs_less_memory() -> None:
    network = sl.load_model("brunel2000")
    for backend in BACKENDS:
        steps = (network, backend, 1, 100_000, 0.1)
        every = needed_bytes(Run(*steps, ("excitatory",)))
        some = needed_bytes(Run(*steps, ("excitatory",), record_every=100))
        none = needed_bytes(Run(*steps))
        assert some - none == pytest.approx(0.01 * (every - none))


def test_the_engines_hold_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """What they hand over is all that they had: no array of it has a row a step."""
    found: dict[str, Any] = {}
    potential = brian2._potential

    def seen(recorded: np.ndarray, *more: Any) -> np.ndarray:
        found["brian2"] = recorded.shape
        return potential(recorded, *more)

    monkeypatch.setattr(brian2, "_potential", seen)
    simulated({"a": [1]}, 0.7, "brian2")
    assert found["brian2"] == (45, 2)  # two trials side by side
