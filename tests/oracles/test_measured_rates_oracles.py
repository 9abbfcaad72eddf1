"""Whether a step is warned of where inhibition that the run itself makes is too strong for it.

Relays fire once for each spike that is given to them, at every step alike, and inhibit the cells:
at what rate is known after the run alone. What cells do is compared with a step of 0.01 ms.
"""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from spikelearn import load_model, stimulus_for
from spikelearn.networks.connectivity import OneToOne
from spikelearn.networks.inputs import BackgroundInput
from spikelearn.networks.neurons import LIF, AdEx, Izhikevich, NeuronModel, SpikeSource
from spikelearn.networks.spiking import Projection, SpikingNetwork
from spikelearn.networks.synapses import DeltaSynapse, ExponentialSynapse
from spikelearn.simulation import simulate
from spikelearn.simulation.trusted_step import TimeStepWarning, trusted_step
from spikelearn.stimuli.stimulus import Stimulus

N, DURATION_MS, FINE_MS = 20, 500.0, 0.01
LEAKY: dict[str, Any] = {
    "size": N, "tau_m_ms": 25.0, "v_rest_mv": -68.0, "v_threshold_mv": -54.0, "leak_ns": 9.0,
}  # fmt: skip
RELAY = LIF(size=N, tau_m_ms=5.0, v_rest_mv=-70.0, v_threshold_mv=-50.0)
ONE_TO_ONE = OneToOne(kind="one_to_one")


def synapse(tau_ms: float, reversal_mv: float | None = None) -> ExponentialSynapse:
    return ExponentialSynapse(model="exponential", tau_ms=tau_ms, reversal_mv=reversal_mv)


def driven(cell: NeuronModel, excited: Any, inhibited: Any, **more: Any) -> SpikingNetwork:
    """Cells under spikes of their own that are given, and of all relays."""
    return SpikingNetwork(
        name="driven",
        populations={
            "out": SpikeSource(model="spike_source", size=N),
            "in": SpikeSource(model="spike_source", size=N),
            "relays": RELAY,
            "n": cell,
        },
        projections=(
            Projection(source="in", target="relays", connectivity=ONE_TO_ONE, weight_mv=200.0),
            Projection(source="out", target="n", connectivity=ONE_TO_ONE, **excited),
            Projection(source="relays", target="n", **inhibited),
        ),
        **more,
    )


def trains(rate_hz: float, seed: int, least_ms: float = 0.0) -> list[list[float]]:
    """Spikes that are as irregular as a Poisson process, but for a shortest interval."""
    draw = np.random.default_rng(seed)
    mean, n = 1000.0 / rate_hz - least_ms, round(3 * rate_hz * DURATION_MS / 1000.0) + 20
    found = [np.cumsum(least_ms + draw.exponential(mean, n)) for _ in range(N)]
    return [times[times < DURATION_MS - 3.0].tolist() for times in found]


def shown(excitation_hz: float, inhibition_hz: float) -> Stimulus:
    out = Stimulus.from_spike_times("out", trains(excitation_hz, 1))
    relayed = Stimulus.from_spike_times("in", trains(inhibition_hz / N, 2, 2.5))
    return Stimulus(spikes={**out.spikes, **relayed.spikes})


def run(network: SpikingNetwork, stimulus: Stimulus, dt_ms: float) -> tuple[int, list[str]]:
    """Spikes of the cells, and what is said of their step."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        activity = simulate(network, stimulus, DURATION_MS, dt_ms)
    said = [str(w.message) for w in caught if issubclass(w.category, TimeStepWarning)]
    assert len(activity["relays"]) == len(stimulus.spikes["in"])
    return len(activity["n"]), [words for words in said if "'n'" in words]


def worlds() -> Iterator[tuple[SpikingNetwork, Stimulus]]:
    lif, opened, shut = LIF(**LEAKY), synapse(2.5, 0.0), synapse(6.0, -80.0)
    for rate, weight, ratio in itertools.product((300.0, 1500.0), (6.0, 50.0, 150.0), (0.1, 0.5)):
        network = driven(
            lif, {"synapse": opened, "weight_ns": weight},
            {"synapse": shut, "weight_ns": ratio * weight},
        )  # fmt: skip
        yield network, shown(rate, 0.8 * rate)
    for rate, weight, ratio in itertools.product((600.0, 3000.0), (0.8, 4.0, 9.0), (0.3, 0.8)):
        jumps = {"synapse": DeltaSynapse(), "weight_mv": weight}
        back = {"synapse": DeltaSynapse(), "weight_mv": -ratio * weight}
        yield driven(lif, jumps, back), shown(rate, min(0.8 * rate, 1500.0))
    adex, spiking = AdEx(model="adex", size=N), Izhikevich(model="izhikevich", size=N)
    for weight in (100.0, 800.0, 3000.0):
        yield (
            driven(adex, {"synapse": synapse(4.0), "weight_pa": weight},
                   {"synapse": synapse(4.0), "weight_pa": -0.4 * weight}),
            shown(1200.0, 900.0),
        )  # fmt: skip
        yield (
            driven(spiking, {"synapse": synapse(4.0), "weight_mv_per_ms": weight / 80.0},
                   {"synapse": synapse(4.0), "weight_mv_per_ms": -weight / 250.0}),
            shown(1200.0, 900.0),
        )  # fmt: skip


@pytest.mark.slow
def test_after_a_run_its_rates_tell_where_the_step_was_too_coarse() -> None:
    found = []
    for network, stimulus in worlds():
        fine = run(network, stimulus, FINE_MS)[0]
        least = trusted_step(network, "n")[0]
        assert least is not None
        for dt_ms in (0.1, 0.2, 0.5, 1.0):
            if dt_ms <= least:
                number, said = run(network, stimulus, dt_ms)
                assert len(said) <= 1
                share = max(0.0, abs(number - fine) - 1.0) / max(fine, 1)
                found.append((share, bool(said)))
    n_wrong = sum(share > 0.125 for share, _ in found)
    assert n_wrong > 10
    assert len(found) - n_wrong > 30
    missed = [share for share, warned in found if share > 0.125 and not warned]
    false = [share for share, warned in found if share <= 0.125 and warned]
    assert len(missed) <= 0.1 * n_wrong
    assert len(false) <= 0.1 * (len(found) - n_wrong)


def test_inhibition_whose_rate_comes_out_of_the_run_is_told_after_it_with_a_step_that_would_do():
    jumps = {"synapse": DeltaSynapse(), "weight_mv": 6.0}
    network = driven(LIF(**LEAKY), jumps, {"synapse": DeltaSynapse(), "weight_mv": -1.0})
    stimulus = shown(2000.0, 800.0)
    assert trusted_step(network, "n", 1.0, stimulus, DURATION_MS)[0] == 1.0  # nothing is known yet
    fine = run(network, stimulus, FINE_MS)[0]
    number, (said,) = run(network, stimulus, 1.0)
    assert abs(number - fine) > 0.125 * fine
    assert "by their input and the rates that the others had in this run" in said
    named = float(said.split(", ")[-1].split(" ms;")[0])
    number, said_of_it = run(network, stimulus, named)
    assert not said_of_it
    assert abs(number - fine) <= 1 + 0.125 * fine
    # What is said of the rates counts until they are measured; said once it is not said again.
    known = network.changed("rates_hz", {"relays": 40.0})
    before = trusted_step(known, "n", 1.0, stimulus, DURATION_MS)
    assert before[0] is not None
    assert before[0] < 1.0
    _, (said,) = run(known, stimulus, 1.0)
    assert "had in this run" not in said


def test_of_weak_inhibition_and_of_what_was_not_recorded_nothing_is_said() -> None:
    jumps = {"synapse": DeltaSynapse(), "weight_mv": 1.5}
    weak = driven(LIF(**LEAKY), jumps, {"synapse": DeltaSynapse(), "weight_mv": -0.3})
    stimulus = shown(800.0, 400.0)
    fine = run(weak, stimulus, FINE_MS)[0]
    number, said = run(weak, stimulus, 0.1)
    assert abs(number - fine) <= 1 + 0.125 * fine
    assert not said
    alone = driven(
        LIF(**LEAKY), {**jumps, "weight_mv": 6.0},
        {"synapse": DeltaSynapse(), "weight_mv": -1.0}, record=("n",),
    )  # fmt: skip
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        simulate(alone, shown(2000.0, 800.0), DURATION_MS, 1.0)
    assert not [w for w in caught if "'n'" in str(w.message)]


@pytest.mark.parametrize("backend", ["native", "brian2", "snntorch", "norse"])
def test_every_engine_says_it(backend: str) -> None:
    network = SpikingNetwork(
        name="both",
        populations={"e": LIF(**LEAKY), "i": LIF(**LEAKY)},
        background=tuple(
            BackgroundInput(target=name, rate_hz=4000.0, weight_mv=6.0) for name in "ei"
        ),
        projections=(Projection(source="i", target="e", weight_mv=-0.2),),
    )
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        simulate(network, None, 30.0, 1.0, backend)
    said = [str(w.message) for w in caught if issubclass(w.category, TimeStepWarning)]
    assert len(said) == 2
    assert "'i'" in said[0]
    assert "in this run" not in said[0]
    assert "'e'" in said[1]
    assert "in this run" in said[1]


SHIPPED = ["vogels_abbott_cuba", "vogels_abbott_coba", "izhikevich2003"]
LARGE = [
    "brunel2000", "brunel2000_fast_oscillation", "brunel2000_slow_oscillation",
    "brunel2000_synchronous_regular",
]  # fmt: skip


@pytest.mark.parametrize(
    "name", [*SHIPPED, *(pytest.param(name, marks=pytest.mark.slow) for name in LARGE)]
)
def test_shipped_networks_are_not_warned_of_by_their_own_rates(name: str) -> None:
    network: Any = load_model(name)
    with warnings.catch_warnings():
        warnings.simplefilter("error", TimeStepWarning)
        simulate(network, None, 150.0)


@pytest.mark.parametrize("dt_ms", [0.5, 1.0])
def test_where_neurons_silence_each_other_mean_rates_tell_nothing(dt_ms: float) -> None:
    network: Any = load_model("competitive_stdp").changed("dt_ms", None)
    stimulus = stimulus_for(network, "poisson", 200.0, dt_ms)
    with warnings.catch_warnings():
        warnings.simplefilter("error", TimeStepWarning)
        activity = simulate(network, stimulus, 200.0, dt_ms)
    assert activity.n_spikes
