"""What no machine holds is refused at once, in one sentence, by every way in; nothing is drawn."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

import spikelearn as sl
from spikelearn._errors import SpikelearnError
from spikelearn.cli import app
from spikelearn.networks.spiking import SpikingNetwork
from spikelearn.simulation.memory import Run, longest_delay_ms, needed_bytes, needed_parts

LIF: dict[str, Any] = {"model": "lif", "v_threshold_mv": 1.0}
BACKENDS = ("auto", "native", "brian2", "brian2:standalone", "snntorch", "norse", "nest")
MOST_BYTES = 100e6


def named(populations: dict[str, Any], *projections: dict[str, Any]) -> dict[str, Any]:
    described = {n: p if "model" in p else {**LIF, **p} for n, p in populations.items()}
    return {"kind": "spiking", "name": "huge", "populations": described,
            "projections": list(projections)}  # fmt: skip


def onto(**fields: Any) -> dict[str, Any]:
    return {"source": "n", "target": "n", "weight_mv": 0.1, "delay_ms": 1.0, **fields}


def convolved(side: int, kernel: int) -> dict[str, Any]:
    out = side - kernel + 1
    return named(
        {"n": {"size": side * side}, "m": {"size": out * out}},
        onto(target="m", connectivity={"kind": "convolution", "input_shape": [1, side, side],
                                       "channels": 1, "kernel_size": kernel}),
    )  # fmt: skip


# A description, and words of what its memory would be for.
HUGE: dict[str, tuple[dict[str, Any], str]] = {
    "neurons": (named({"n": {"size": 10**9 * 60}}), "60,000,000,000 neurons"),
    "neurons_beyond_count": (named({"n": {"size": 10**290}}), r"1e\+24 neurons"),
    "sloped": (named({"n": {"model": "izhikevich", "size": 10**12}}),
               "neurons"),
    "spread": (named({"n": {"size": 10**12, "v_rest_mv": {"from": 0.0, "to": 1.0}}}), "values"),
    "all_to_all": (named({"n": {"size": 10**6}}, onto(
        weight_mv={"distribution": "uniform", "low": 0.0, "high": 0.1})),
        "1,000,000,000,000 synapses"),
    "sparse": (named({"n": {"size": 10**8}}, onto(connectivity={
        "kind": "fixed_probability", "probability": 0.1})), r"1e\+15 synapses"),
    "in_degree": (named({"n": {"size": 10**7}}, onto(connectivity={
        "kind": "fixed_in_degree", "in_degree": 10**5})), "1,000,000,000,000 synapses"),
    "total_number": (named({"n": {"size": 10}}, onto(connectivity={
        "kind": "fixed_total_number", "number": 10**15})), r"1e\+15 synapses"),
    "by_distance": (named({"n": {"size": 10**8}}, onto(connectivity={
        "kind": "distance_dependent", "scale": 0.1, "arrangement": "grid"})), "synapses"),
    "convolution": (convolved(10**9, 10**9), "neurons|synapses"),
    "wide_kernel": (convolved(20_000, 9_999), "synapses"),
    "ring": (named({"n": {"size": 10**5}}, onto(delay_ms=1e6, connectivity={"kind": "one_to_one"})),
             r"on their way for up to 1e\+06 ms \(n->n\)"),
    "ring_drawn": (named({"n": {"size": 10**5}}, onto(
        delay_ms={"distribution": "exponential", "mean": 2e5},
        connectivity={"kind": "one_to_one"})), "on their way"),
}  # fmt: skip


@pytest.fixture(autouse=True)
def little_is_taken(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing large may be allocated on the way to the refusal."""
    monkeypatch.setattr("spikelearn._room.free_memory", lambda: 16e9)
    tracemalloc.start()
    yield
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < MOST_BYTES


def sentence_of(raised: pytest.ExceptionInfo[SpikelearnError]) -> str:
    said = str(raised.value)
    assert "\n" not in said
    return said


@pytest.mark.parametrize("name", HUGE)
def test_a_network_beyond_the_memory_is_refused_by_every_engine(name: str) -> None:
    described, what = HUGE[name]
    for backend in BACKENDS:
        if name.startswith("ring") and backend.startswith("brian2"):
            continue  # which keeps lists of spikes, not rings
        with pytest.raises(SpikelearnError, match=what if backend == "auto" else "about") as raised:
            sl.simulate(SpikingNetwork(**described), None, 1e6, 1.0, backend)
        assert "16.0 GB are free" in sentence_of(raised)


@pytest.mark.parametrize("command", ["simulate", "inspect"])
@pytest.mark.parametrize("name", HUGE)
def test_the_command_line_tells_it_in_one_sentence(command: str, name: str, tmp_path: Path) -> None:
    path = tmp_path / "huge.yaml"
    path.write_text(yaml.safe_dump(HUGE[name][0]))
    arguments = [command, str(path)]
    if command == "simulate":
        arguments += ["--duration", "1e6", "--dt", "1", "--out", str(tmp_path / "a.csv")]
    ended = CliRunner().invoke(app, arguments)
    assert ended.exception is None or isinstance(ended.exception, SystemExit), ended.exception
    if command == "simulate":
        assert ended.exit_code == 1
        (line,) = [x for x in ended.output.splitlines() if x.startswith("Error")]
        assert "16.0 GB are free" in line
    assert "Traceback" not in ended.output
    assert list(tmp_path.iterdir()) == [path]


ONE = SpikingNetwork(**named({"n": {"size": 100}}))
FED = SpikingNetwork(
    name="fed",
    populations={"in": {"model": "spike_source", "size": 50}, "n": {**LIF, "size": 2}},
    projections=[{"source": "in", "target": "n", "weight_mv": 0.1}],
)


def test_recorded_potentials_and_trials_are_counted() -> None:
    with pytest.raises(SpikelearnError, match=r"the potentials of n at 10,000,000,000 times") as r:
        sl.simulate(ONE, None, 1e9, 0.1, record=["n"])
    assert "record fewer neurons or less often (record_every_ms)" in sentence_of(r)
    for duration, step in ((1e9, 1e-9), (1.0, 5e-324)):
        with pytest.raises(SpikelearnError, match=r"fewer than 2\^53 time steps"):
            sl.simulate(ONE, None, duration, step)
    trials = Run(ONE, "native", 10**8, 10, 0.1)
    assert max(needed_parts(trials), key=lambda part: part.n_bytes).what == "100,000,000 trials"


@pytest.mark.parametrize(
    ("protocol", "what"),
    [
        ({"kind": "poisson", "rate_hz": 1e9, "n_trials": 10**4}, "spikes"),
        ({"kind": "poisson", "rate_hz": 1e-9, "n_trials": 10**12}, "1,000,000,000,000 trials"),
        ({"kind": "poisson", "rate_hz": {"kind": "sinusoid", "mean_hz": 5, "amplitude_hz": 5,
                                         "frequency_hz": 1}}, r"rates in 10,000,000,000 steps"),
        ({"kind": "currents", "currents": [
            {"kind": "step", "target": "n", "amplitude_mv": 1.0}]}, "its currents in"),
        ({"kind": "currents", "n_trials": 10**6, "currents": [
            {"kind": "noise", "target": "n", "sd_mv": 1.0}]}, "its currents in"),
        ({"kind": "combined", "parts": [
            {"kind": "poisson", "rate_hz": 1.0},
            {"kind": "currents", "currents": [
                {"kind": "ramp", "target": "n", "from_mv": 0.0, "to_mv": 1.0, "stop_ms": 5.0}]}]},
         "its currents in"),
    ],
)  # fmt: skip
def test_a_stimulus_beyond_the_memory_is_refused_before_it_is_drawn(
    protocol: dict[str, Any], what: str, tmp_path: Path
) -> None:
    path = tmp_path / "shown.yaml"
    path.write_text(yaml.safe_dump({"name": "shown", **protocol}))
    with pytest.raises(SpikelearnError, match=what) as raised:
        sl.stimulus_for(FED, path, 1e9, 0.1)
    assert "16.0 GB are free" in sentence_of(raised)


def test_images_as_large_as_a_wall_are_refused(tmp_path: Path) -> None:
    side = 10**5
    network = SpikingNetwork(
        name="wall",
        populations={"in": {"model": "spike_source", "size": side * side}, "n": {**LIF, "size": 1}},
    )
    path = tmp_path / "wall.yaml"
    shown = {"kind": "images", "name": "wall", "dataset": "digits", "height": side, "width": side,
             "n_images": 5}  # fmt: skip
    path.write_text(yaml.safe_dump(shown))
    with pytest.raises(SpikelearnError, match="images of 100000 x 100000 pixels"):
        sl.stimulus_for(network, path, 10.0, 0.1)


def test_files_that_the_disk_does_not_hold_are_refused_before_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("spikelearn._room.free_disk", lambda folder: 1e5)
    arguments = [
        "simulate",
        "potjans_diesmann2014",
        "--duration",
        "10000",
        "--scale",
        "0.1",
        "--out",
    ]
    for suffix in (".nwb", ".h5", ".npz", ".mat", ".csv", ".nix"):
        ended = CliRunner().invoke(app, [*arguments, str(tmp_path / f"a{suffix}")])
        assert ended.exit_code == 1
        (line,) = [x for x in ended.output.splitlines() if x.startswith("Error")]
        assert f"a{suffix} would need about " in line
        assert "but 100 kB are free" in line
    assert not list(tmp_path.iterdir())


def test_a_delay_is_as_long_as_its_distribution_makes_it() -> None:
    def delayed(delay: Any) -> float:
        network = SpikingNetwork(**named({"n": {"size": 5}}, onto(delay_ms=delay)))
        return longest_delay_ms(network.projections[0])

    assert delayed(2.5) == 2.5
    assert delayed({"distribution": "uniform", "low": 1.0, "high": 4.0}) == pytest.approx(4, 1e-2)
    assert 5 < delayed({"distribution": "normal", "mean": 2.0, "sd": 1.0}) < 8
    assert delayed({"distribution": "normal", "mean": 2.0, "sd": 1.0, "high": 3.0}) < 3


def test_a_delay_longer_than_the_run_makes_no_larger_ring() -> None:
    slow, slower = (
        SpikingNetwork(**named({"n": {"size": 100}}, onto(delay_ms=delay))) for delay in (50.0, 1e5)
    )
    told = [needed_bytes(Run(network, "native", 1, 500, 0.1)) for network in (slow, slower)]
    assert told[0] == told[1]
