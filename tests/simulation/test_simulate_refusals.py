"""What cannot be simulated is refused before it starts, in one sentence that says what would do."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
import pytest
from engines import MODELS_WITH_SLOPES, having, lacking

from spikelearn._errors import SpikelearnError, UnsupportedFeatureError
from spikelearn._spike_arrays import PopulationSpikes
from spikelearn.networks import load_model
from spikelearn.networks.plasticity import ClopathSTDP, DopamineSTDP, PairSTDP
from spikelearn.networks.spiking import LIF, Projection, SpikeSource, SpikingNetwork
from spikelearn.simulation import BACKENDS, simulate
from spikelearn.simulation.grid.neurons import (
    CONDUCTANCES,
    REWARD_PLASTICITY,
    VOLTAGE_PLASTICITY,
)
from spikelearn.simulation.memory import Run, needed_bytes
from spikelearn.simulation.simulate import load_backend
from spikelearn.stimuli.stimulus import Stimulus


def network(plastic: bool = False, **of_the_projection: Any) -> SpikingNetwork:
    """Two sources onto one neuron."""
    rule = PairSTDP(a_plus=0.1, a_minus=0.1) if plastic else None
    return SpikingNetwork(
        name="small",
        populations={
            "in": SpikeSource(model="spike_source", size=2),
            "n": LIF(size=1, v_threshold_mv=1.0),
        },
        projections=(
            Projection(
                **{"source": "in", "target": "n", "weight_mv": 0.6, "plasticity": rule}
                | of_the_projection
            ),
        ),
    )


SPIKES = Stimulus.from_spike_times("in", [[1.0], [2.0]])


def sentence_of(raised: pytest.ExceptionInfo[BaseException]) -> str:
    """The message, which must be one sentence on one line."""
    message = str(raised.value)
    assert "\n" not in message
    assert message.strip()
    assert not message.endswith(".")
    return message


@pytest.mark.parametrize(
    ("backend", "rule", "words"),
    [
        (backend, rule, words)
        for rule, words in (
            (ClopathSTDP(rule="clopath_stdp"), VOLTAGE_PLASTICITY),
            (
                DopamineSTDP(
                    rule="dopamine_stdp", modulator="in", reward=(1.0, 1.0), a_plus=0.1, a_minus=0.1
                ),
                REWARD_PLASTICITY,
            ),
        )
        for backend in lacking(words)
        if backend in having("plasticity")
    ],
)
def test_a_backend_without_a_kind_of_plasticity_names_it_and_who_has_it(
    backend: str, rule: Any, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = []
    monkeypatch.setattr(load_backend(backend), "run", lambda *args: started.append(args))
    with pytest.raises(UnsupportedFeatureError) as raised:
        simulate(network(plasticity=rule), SPIKES, 10.0, 1.0, backend)
    message = sentence_of(raised)
    for word in (backend, words, *having(words)):
        assert word in message
    assert not started


@pytest.mark.parametrize(
    ("backend", "cell", "words"),
    [
        (backend, cell, words)
        for cell, words in (
            *(({"model": model}, words) for model, words in MODELS_WITH_SLOPES.items()),
            ({"model": "lif", "v_threshold_mv": 1.0, "leak_ns": 1.0}, CONDUCTANCES),
        )
        for backend in lacking(words)
    ],
)
def test_a_backend_that_lacks_a_model_names_it_and_who_has_it(
    backend: str, cell: dict[str, Any], words: str
) -> None:
    synapse = {"model": "exponential", "tau_ms": 5.0, "reversal_mv": 0.0}
    conducting = {"target": "n", "rate_hz": 1.0, "weight_ns": 1.0, "synapse": synapse}
    model = SpikingNetwork(
        name="small",
        populations={"n": {"size": 1, **cell}},  # type: ignore[dict-item]
        background=(conducting,) if words == CONDUCTANCES else (),  # type: ignore[arg-type]
    )
    with pytest.raises(UnsupportedFeatureError) as raised:
        simulate(model, None, 10.0, 0.1, backend)
    message = sentence_of(raised)
    for word in (backend, words, *having(words)):
        assert word in message


def test_a_current_in_a_unit_that_the_model_does_not_know_is_refused() -> None:
    stimulus = Stimulus(spikes=SPIKES.spikes, currents_pa={"n": np.zeros((1, 100, 1))})
    with pytest.raises(SpikelearnError) as raised:
        simulate(network(), stimulus, 10.0, 0.1, "snntorch")
    message = sentence_of(raised)
    for word in ("'n'", "pA", "mV", "leak_ns"):
        assert word in message


@pytest.mark.parametrize("backend", lacking("32-bit arithmetic"))
def test_a_backend_of_64_bits_refuses_32_and_names_who_computes_in_them(backend: str) -> None:
    with pytest.raises(UnsupportedFeatureError) as raised:
        simulate(network(), SPIKES, 10.0, 1.0, backend, precision="float32")
    message = sentence_of(raised)
    for word in (backend, "32-bit", *having("32-bit arithmetic")):
        assert word in message


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("brian2:fortran", ["brian2:numpy", "brian2:cython", "brian2:standalone"]),
        ("native:numpy", ["native has no targets"]),
        ("arbor:numpy", [", ".join(BACKENDS)]),
    ],
)
def test_a_target_that_there_is_not_is_refused_with_those_that_there_are(
    name: str, words: list[str]
) -> None:
    with pytest.raises(SpikelearnError) as raised:
        simulate(network(), SPIKES, 10.0, 1.0, name)
    message = sentence_of(raised)
    for word in (name, *words):
        assert word in message


def test_auto_takes_the_first_backend_that_has_all_that_is_needed() -> None:
    def chosen(net: SpikingNetwork, **options: Any) -> Any:
        return simulate(net, SPIKES, 10.0, 1.0, "auto", **options).provenance["backend"]

    assert chosen(network()) == "native"
    assert chosen(network(plastic=True)) == "native"
    assert chosen(network(), precision="float32") == "snntorch"
    assert chosen(network(plastic=True), precision="float32") == "snntorch"
    with pytest.raises(UnsupportedFeatureError) as raised:
        chosen(network(plasticity=ClopathSTDP(rule="clopath_stdp")), precision="float32")
    message = sentence_of(raised)
    for word in ("voltage-based plasticity", "32-bit"):
        assert word in message


def test_those_who_have_32_bits_do_compute_in_them() -> None:
    for backend in having("32-bit arithmetic"):
        activity = simulate(network(), SPIKES, 10.0, 1.0, backend, precision="float32")
        assert activity.provenance["precision"] == "float32"
        assert activity["n"].times_ms.tolist() == [2.0]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"backend": "arbor"}, ["arbor", *BACKENDS]),
        ({"backend": None}, ["backend", "None"]),
        ({"precision": "float16"}, ["precision", "float64", "float32", "float16"]),
        ({"duration_ms": -5.0}, ["duration_ms", "-5"]),
        ({"duration_ms": 0.0}, ["duration_ms"]),
        ({"duration_ms": 10.05}, ["duration_ms", "multiple", "10.05"]),
        ({"duration_ms": float("inf")}, ["duration_ms"]),
        ({"duration_ms": float("nan")}, ["duration_ms"]),
        ({"dt_ms": 0.0}, ["dt_ms", "0"]),
        ({"dt_ms": -0.1}, ["dt_ms", "-0.1"]),
        ({"dt_ms": float("nan")}, ["dt_ms"]),
        ({"dt_ms": float("inf")}, ["dt_ms"]),
        ({"record": ("in",)}, ["'in'", "n"]),
        ({"record": ("elsewhere",)}, ["elsewhere", "n"]),
        ({"stimulus": None}, ["'in'", "no spikes"]),
        ({"stimulus": Stimulus.from_spike_times("out", [[1.0]])}, ["out", "its sources are: in"]),
        ({"stimulus": Stimulus.from_spike_times("in", [[1.0]])}, ["1 input", "2"]),
        ({"stimulus": Stimulus.from_spike_times("in", [[-1.0], [2.0]])}, ["'in'", "1 of 2", "-1"]),
        ({"seed": -1}, ["seed", "-1"]),
    ],
    ids=lambda value: "_".join(f"{k}" for k in value) if isinstance(value, dict) else value[-1],
)
def test_what_does_not_fit_is_said_in_one_sentence(
    change: dict[str, Any], words: list[str]
) -> None:
    arguments: dict[str, Any] = {
        "network": network(),
        "stimulus": SPIKES,
        "duration_ms": 10.0,
        "dt_ms": 0.1,
        "backend": "snntorch",
    }
    with pytest.raises(SpikelearnError) as raised:
        simulate(**(arguments | change))
    message = sentence_of(raised)
    for word in words:
        assert word in message


@pytest.mark.parametrize(
    "change",
    [{"delay_ms": 0.25}, {"source": "n", "delay_ms": 0.0}],
    ids=["off_the_grid", "none_from_a_neuron"],
)
def test_a_delay_that_the_grid_cannot_hold_names_its_projection(change: dict[str, Any]) -> None:
    with pytest.raises(SpikelearnError) as raised:
        simulate(network(**change), SPIKES, 10.0, 0.1, "snntorch")
    message = sentence_of(raised)
    assert f"{change.get('source', 'in')}->n" in message


def test_a_refractory_period_off_the_grid_names_its_population() -> None:
    with pytest.raises(SpikelearnError) as raised:
        simulate(
            SpikingNetwork(
                name="x",
                populations={"cell": LIF(size=1, v_threshold_mv=1.0, refractory_ms=0.25)},
            ),
            duration_ms=10.0,
            dt_ms=0.1,
            backend="snntorch",
        )
    message = sentence_of(raised)
    assert "cell" in message
    assert "refractory_ms" in message


@pytest.mark.parametrize(
    ("shape", "axis"), [((2, 100, 1), "trials"), ((1, 99, 1), "steps"), ((1, 100, 3), "neurons")]
)
def test_a_current_of_the_wrong_shape_names_the_axis(shape: tuple[int, ...], axis: str) -> None:
    stimulus = Stimulus(spikes=SPIKES.spikes, currents_mv={"n": np.zeros(shape)})
    with pytest.raises(SpikelearnError) as raised:
        simulate(network(), stimulus, 10.0, 0.1, "snntorch")
    assert axis in sentence_of(raised)


def test_a_current_into_a_spike_source_is_refused() -> None:
    stimulus = Stimulus(spikes=SPIKES.spikes, currents_mv={"in": np.zeros((1, 100, 1))})
    with pytest.raises(SpikelearnError) as raised:
        simulate(network(), stimulus, 10.0, 0.1, "snntorch")
    assert "'in'" in sentence_of(raised)


def test_a_conductance_drawn_below_zero_is_refused() -> None:
    synapse = {"model": "exponential", "tau_ms": 5.0, "reversal_mv": 0.0}
    conducting = SpikingNetwork(
        name="x",
        populations={"n": LIF(size=5, v_threshold_mv=1.0, leak_ns=10.0)},
        projections=(
            Projection(
                source="n",
                target="n",
                synapse=synapse,  # type: ignore[arg-type]
                weight_ns={"distribution": "normal", "mean": 0.0, "sd": 1.0},  # type: ignore[arg-type]
            ),
        ),
    )
    with pytest.raises(SpikelearnError) as raised:
        simulate(conducting, None, 10.0, 0.1, "native")
    message = sentence_of(raised)
    for word in ("n->n", "nS", "reversal"):
        assert word in message


@pytest.mark.parametrize("interval_ms", [1e-12, 0.25])
def test_noise_that_the_grid_cannot_hold_is_refused(interval_ms: float) -> None:
    noisy = SpikingNetwork(
        name="x",
        populations={"n": LIF(size=1, v_threshold_mv=1.0)},
        noise=({"target": "n", "unit": "mv", "sd": 1.0, "interval_ms": interval_ms},),  # type: ignore[arg-type]
    )
    with pytest.raises(SpikelearnError) as raised:
        simulate(noisy, None, 10.0, 0.1, "native")
    message = sentence_of(raised)
    for word in ("'n'", "interval_ms", "0.1"):
        assert word in message


@pytest.mark.parametrize("backend", having("plasticity"))
def test_plasticity_over_parallel_trials_is_refused(backend: str) -> None:
    spikes = {"in": PopulationSpikes.from_unsorted(2, np.array([1.0, 1.0]), np.zeros(2), [0, 1])}
    with pytest.raises(SpikelearnError) as raised:
        simulate(network(plastic=True), Stimulus(("a", "b"), spikes), 10.0, 1.0, backend)
    assert "2 parallel trials" in sentence_of(raised)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Stimulus(labels=()),
        lambda: Stimulus(("a",), {"in": PopulationSpikes.from_unsorted(1, [1.0], [0], [1])}),
        lambda: Stimulus(("a",), {"in": PopulationSpikes.from_unsorted(1, [1.0], [0], [-1])}),
        lambda: Stimulus(currents_mv={"n": np.zeros((3, 4))}),
        lambda: Stimulus(currents_mv={"n": np.full((1, 4, 1), np.nan)}),
        lambda: PopulationSpikes.from_unsorted(2, [1.0], [2]),
        lambda: PopulationSpikes.from_unsorted(2, [1.0], [-1]),
        lambda: PopulationSpikes.from_unsorted(2, [1.0, 2.0], [1]),
        lambda: PopulationSpikes.from_unsorted(2, [float("nan")], [1]),
    ],
    ids=[
        "no_trial",
        "trial_too_high",
        "trial_below_zero",
        "current_of_two_dimensions",
        "current_not_finite",
        "sender_too_high",
        "sender_below_zero",
        "lengths_differ",
        "time_not_a_number",
    ],
)
def test_a_stimulus_that_makes_no_sense_is_refused_where_it_is_made(make: Any) -> None:
    with pytest.raises(SpikelearnError) as raised:
        make()
    sentence_of(raised)


def test_an_interrupt_ends_a_native_simulation() -> None:
    calls = []

    def interrupt(fraction: float) -> None:
        calls.append(fraction)
        raise KeyboardInterrupt

    big = SpikingNetwork(
        name="big",
        populations={"n": LIF(size=20_000, v_rest_mv=20.0, v_threshold_mv=1.0, v_reset_mv=0.0)},
    )
    with pytest.raises(KeyboardInterrupt):
        simulate(big, None, 20_000.0, 0.1, "native", progress=interrupt)
    assert len(calls) == 1
    assert 0 <= calls[0] < 1


def free(monkeypatch: pytest.MonkeyPatch, gigabytes: float) -> None:
    """Pretend that so much memory is free."""
    monkeypatch.setattr("spikelearn._room.free_memory", lambda: 1e9 * gigabytes)


def test_a_network_larger_than_the_memory_is_refused_before_it_is_drawn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    free(monkeypatch, 3.0)
    drawn: list[Any] = []
    monkeypatch.setattr(SpikingNetwork, "connections", lambda *args: drawn.append(args))
    with pytest.raises(SpikelearnError) as raised:
        simulate(load_model("potjans_diesmann2014"), None, 100.0, 0.1)
    message = sentence_of(raised)
    assert "298,880,968 synapses" in message
    assert "3.0 GB are free" in message
    assert "scaled" in message
    assert not drawn


def test_potentials_larger_than_the_memory_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    free(monkeypatch, 1.0)
    simulate(network(), SPIKES, 10.0, 1.0, record=("n",))
    with pytest.raises(SpikelearnError, match=r"the potentials of n at .*but 1\.0 GB are free"):
        simulate(network(), SPIKES, 1e8, 1.0, record=("n",))


@pytest.mark.parametrize("delay", [2.0, {"distribution": "uniform", "low": 1.0, "high": 4.0}])
def test_the_memory_told_is_what_the_native_engine_takes(delay: Any) -> None:
    net = network().model_copy(update={"populations": {
        "in": SpikeSource(model="spike_source", size=1000), "n": LIF(size=1000, v_threshold_mv=1.0),
    }})  # fmt: skip
    weights = {"distribution": "normal", "mean": 0.1, "sd": 0.1}
    projection = Projection(source="in", target="n", weight_mv=weights, delay_ms=delay)
    net = net.model_copy(update={"projections": (projection,)})
    shown = Stimulus.from_spike_times("in", [[1.0]] * 1000)
    simulate(network(), SPIKES, 5.0, 1.0, "native")  # what is imported and compiled once
    tracemalloc.start()
    simulate(net, shown, 5.0, 1.0, "native")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    told = needed_bytes(Run(net, "native", 1, 5, 1.0))
    assert 0.6 * told < peak < 1.2 * told
