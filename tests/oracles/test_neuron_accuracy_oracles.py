"""Every neuron model at the largest step it is trusted with, beside its equations written anew."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from fine_neurons import (
    FineModel,
    adex,
    fine_run,
    hodgkin_huxley,
    izhikevich,
    leaky,
    quadratic,
)

from spikelearn.networks.neurons import (
    LIF,
    NEURON_MODELS,
    QIF,
    AdaptiveLIF,
    AdEx,
    HodgkinHuxley,
    Izhikevich,
    NeuronModel,
    SpikeSource,
)
from spikelearn.networks.spiking import Projection, SpikingNetwork
from spikelearn.simulation import simulate
from spikelearn.simulation.accuracy import STEPS_MS
from spikelearn.spikes.activity import Activity
from spikelearn.stimuli.stimulus import Stimulus

EVERY_MS, N = 2.0, 75
FAST = {"a_per_ms": 0.1, "d_mv_per_ms": 2.0}
CHATTERING = {"c_mv": -50.0, "d_mv_per_ms": 2.0, "v_init_mv": -70.0}

# Cell, its twin written anew, unit, and a current somewhat above the least that makes it spike.
CELLS: dict[str, tuple[type[NeuronModel], dict[str, Any], FineModel, str, float]] = {
    "lif": (LIF, {"v_rest_mv": -70.0, "v_threshold_mv": -55.0}, leaky(), "mv", 17.0),
    "qif": (QIF, {}, quadratic(), "mv", 5.0),
    "izhikevich": (Izhikevich, {}, izhikevich(), "mv_per_ms", 5.0),
    "izhikevich_fast": (Izhikevich, FAST, izhikevich(0.1, d=2.0), "mv_per_ms", 5.0),
    "izhikevich_chattering": (
        Izhikevich, CHATTERING, izhikevich(c=-50.0, d=2.0, v=-70.0), "mv_per_ms", 5.0
    ),
    "adex": (AdEx, {}, adex(), "pa", 700.0),
    "adex_bursting": (AdEx, {"v_reset_mv": -47.2}, adex(-47.2), "pa", 700.0),
    "hodgkin_huxley": (HodgkinHuxley, {}, hodgkin_huxley(), "pa", 700.0),
}  # fmt: skip


def shown(unit_current: float, resets: bool) -> tuple[np.ndarray, np.ndarray]:
    """Currents and jumps, by interval: below, near, strong, steps, noise, jumps, held."""
    rng = np.random.default_rng(5)
    currents = np.zeros((N, 7))
    currents[:, :3] = 0.25, 1.1, 2.5
    currents[:, 3] = np.repeat([0.0, 2.0, -1.0, 3.0, 0.5], N // 5)
    currents[:, 4] = rng.normal(1.0, 1.0, N)
    currents[:, 5] = 1.3
    currents[:, 6] = np.where(np.arange(N) < N // 2, -40.0 if resets else -3.0, 1.3)
    jumps = np.zeros((N, 7))
    jumps[[10, 30, 50], 5] = (-40.0, -50.0, -200.0 if resets else -45.0)
    return currents * unit_current, jumps


def at_step(name: str, dt_ms: float, currents: np.ndarray, jumps: np.ndarray) -> Activity:
    kind, fields, _, unit, _ = CELLS[name]
    cell = kind(model=kind.model_fields["model"].annotation.__args__[0], size=7, **fields)
    times = (EVERY_MS * (1 + np.arange(N)) - dt_ms)[:, None] + 0 * jumps
    which, amounts = np.nonzero(jumps.T), []
    amounts = [jumps[k, neuron] for neuron, k in zip(*which, strict=True)]
    weight = np.zeros((len(amounts), 7))
    weight[np.arange(len(amounts)), which[0]] = amounts
    network = SpikingNetwork(
        name="shown",
        populations={"in": SpikeSource(model="spike_source", size=len(amounts)), "n": cell},
        projections=(Projection(source="in", target="n", weight_mv=weight),),
        record=("n",),
    )
    spikes = [[times[k, neuron]] for neuron, k in zip(*which, strict=True)]
    flowing = np.repeat(currents, round(EVERY_MS / dt_ms), axis=0)[None]
    stimulus = Stimulus(
        spikes=Stimulus.from_spike_times("in", spikes).spikes,
        **{f"currents_{unit}": {"n": flowing}},  # type: ignore[arg-type]
    )
    return simulate(network, stimulus, N * EVERY_MS, dt_ms, "native", record=("n",))


@pytest.mark.parametrize("name", CELLS)
def test_a_model_spikes_as_its_equations_at_the_steps_it_is_trusted_with(name: str) -> None:
    kind, _, model, _, current = CELLS[name]
    currents, jumps = shown(current, model.reset is not None)
    expected, v = fine_run(model, currents, jumps, EVERY_MS, 0.01)
    assert not len(expected[0])
    assert sum(map(len, expected)) > 10
    assert kind.trusted_dt_ms in STEPS_MS
    for dt_ms in (0.01, 0.1, kind.trusted_dt_ms):
        assert dt_ms is not None
        activity = at_step(name, dt_ms, currents, jumps)
        spikes, every = activity["n"], round(EVERY_MS / dt_ms)
        found = activity.states["n.v_mv"][0, every - 1 :: every]
        for neuron, times in enumerate(expected):
            mine = spikes.times_ms[spikes.senders == neuron] + dt_ms
            if dt_ms == 0.01:  # the same grid: the same spikes
                np.testing.assert_allclose(mine, times, atol=0.011)
            assert abs(len(mine) - len(times)) <= (1 + len(times) / 8 if len(times) else 0)
            first = min(len(mine), len(times), 1)
            np.testing.assert_allclose(mine[:first], times[:first], atol=dt_ms + 0.2)
            if not len(times):
                np.testing.assert_allclose(found[:, neuron], v[:, neuron], atol=0.5)
        held = slice(5, N // 2)  # inhibition, which leaves nothing to be told apart
        np.testing.assert_allclose(found[held, 6], v[held, 6], atol=0.5)


def test_every_model_is_measured() -> None:
    measured = {kind for kind, *_ in CELLS.values()} | {AdaptiveLIF}  # LIF, but for its threshold
    assert measured == {model for model in NEURON_MODELS.values() if model.in_files}
