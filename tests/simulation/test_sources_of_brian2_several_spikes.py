"""Several spikes of a source neuron in one step: one rule, given, drawn or recorded, everywhere."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from engines import having

from spikelearn._errors import UnsupportedFeatureError
from spikelearn._spike_arrays import PopulationSpikes
from spikelearn._time_steps import nearest_steps
from spikelearn.networks.spiking import SpikingNetwork
from spikelearn.networks.spiking_mlp import SpikingMLP
from spikelearn.simulation import simulate
from spikelearn.simulation.grid.inputs import SEVERAL_SPIKES
from spikelearn.simulation.grid.network import to_grid
from spikelearn.simulation.grid.neurons import SUBTRACTING_RESETS
from spikelearn.simulation.native import engine as native
from spikelearn.stimuli import EventPart, SpikeProtocol, poisson_spikes
from spikelearn.stimuli.stimulus import Stimulus

ENGINES = having(SEVERAL_SPIKES)


def counter(size: int = 1, **projection: Any) -> SpikingNetwork:
    """Neurons that forget nothing: the potential in mV is the number of spikes that came."""
    fields: dict[str, Any] = {
        "populations": {
            "in": {"model": "spike_source", "size": size},
            "n": {"model": "lif", "size": size, "tau_m_ms": 1e12, "v_threshold_mv": 1e9},
        },
        "projections": [
            {"source": "in", "target": "n", "connectivity": {"kind": "one_to_one"},
             "weight_mv": 1.0, **projection},
        ],
        "record": ("in",),
    }  # fmt: skip
    return SpikingNetwork(name="counter", **fields)


def arrivals(
    backend: str, stimulus: Stimulus, n_steps: int, dt_ms: float, size: int = 1, **projection: Any
) -> np.ndarray:
    """Spikes that came in each step, (trials, steps, size); the input is recorded with as many."""
    network = counter(size, **projection)
    activity = simulate(network, stimulus, n_steps * dt_ms, dt_ms, backend, record=("n",))
    given = stimulus.spikes["in"]
    np.testing.assert_array_equal(
        activity["in"].counts(stimulus.n_trials), given.counts(stimulus.n_trials)
    )
    assert (np.diff(activity["in"].trials) >= 0).all()
    return np.diff(activity.states["n.v_mv"], axis=1, prepend=0.0)


@pytest.mark.parametrize("backend", ENGINES)
@pytest.mark.parametrize(
    ("times_ms", "dt_ms", "steps"),
    [
        ([0.7, 1.6, 1.9], 1.0, [1, 2, 2]),
        ([0.5, 1.5, 2.5, 2.5], 1.0, [1, 2, 3, 3]),
        ([0.15, 0.25, 0.3, 0.35, 0.1 + 0.2], 0.1, [2, 3, 3, 3, 4]),
        ([-0.4, 0.0, 7.49999], 1.0, [0, 0, 7]),
    ],
)
def test_training_and_simulation_see_the_same_spikes_in_the_same_steps(
    backend: str, times_ms: list[float], dt_ms: float, steps: list[int]
) -> None:
    events = np.zeros(len(times_ms), dtype=[("t", float), ("x", np.int64), ("p", np.int64)])
    events["t"] = np.array(times_ms) * 1000.0
    part = EventPart(np.zeros(1, dtype=np.int64), (1, 1, 1), lambda index: events)
    expected = np.bincount(steps, minlength=8)
    np.testing.assert_array_equal(part.binned([0], dt_ms, 8)[0, :, 0], expected)
    given = SpikeProtocol(kind="spikes", name="s", times_ms=(tuple(times_ms),))
    shown = given.realise({"in": 1}, 8 * dt_ms, dt_ms, 0)
    came = arrivals(backend, shown, 8, dt_ms)[0, :, 0]
    np.testing.assert_allclose(came, expected, atol=1e-6)


@pytest.mark.parametrize("backend", ENGINES)
@pytest.mark.parametrize("delay_ms", [None, 1.5])
def test_input_of_many_spikes_a_step_arrives_whole(backend: str, delay_ms: float | None) -> None:
    rng = np.random.default_rng(3)
    drawn = poisson_spikes(5, 6000.0, 20.0, 0.5, rng, n_trials=3)
    stimulus = Stimulus(("a", "b", "c"), {"in": drawn})
    expected = np.zeros((3, 40, 5))
    np.add.at(expected, (drawn.trials, nearest_steps(drawn.times_ms, 0.5), drawn.senders), 1)
    assert expected.max() >= 8
    late = 0 if delay_ms is None else 3
    came = arrivals(backend, stimulus, 40, 0.5, 5, delay_ms=delay_ms)
    np.testing.assert_allclose(came[:, late:], expected[:, : 40 - late], atol=1e-5)
    assert not came[:, :late].any()


@pytest.mark.parametrize("backend", having(SEVERAL_SPIKES, SUBTRACTING_RESETS))
def test_a_trained_network_answers_counted_spikes_as_the_simulated_one(backend: str) -> None:
    network = SpikingMLP(name="m", sizes=(6, 8, 3), duration_ms=40.0).build(1).double()
    numbers = torch.poisson(torch.full((4, 40, 6), 0.5), generator=torch.Generator().manual_seed(2))
    assert numbers.max() >= 3
    counts = network(network.given_spikes(numbers))
    trials, steps, senders = np.nonzero(numbers.numpy())
    each = numbers.numpy()[trials, steps, senders].astype(int)
    spikes = PopulationSpikes.from_unsorted(
        6, *(np.repeat(part, each) for part in (steps * 1.0, senders, trials))
    )
    stimulus = Stimulus(tuple("abcd"), {"input": spikes})
    activity = simulate(network.to_spiking_network(), stimulus, 40.0, 1.0, backend)
    for name, found in zip(("hidden", "output"), counts, strict=True):
        assert found.sum() > 20
        np.testing.assert_array_equal(activity[name].counts(4), found.detach().numpy())


@pytest.mark.parametrize("backend", having(SEVERAL_SPIKES, "plasticity"))
def test_a_plastic_synapse_does_with_several_what_it_does_with_single_ones(backend: str) -> None:
    # The same spikes a picosecond apart, on a grid so fine that each has a step of its own.
    times = [[2.0, 2.0, 2.0, 6.0], [4.0, 4.0, 9.0]]
    plasticity = {
        "rule": "triplet_stdp", "w_max": 3.0, "a2_plus": 0.1, "a3_plus": 0.2, "a2_minus": 0.2,
        "a3_minus": 0.3,
    }  # fmt: skip

    def weights(dt_ms: float, apart_ms: float, backend: str) -> np.ndarray:
        spread = [[t + apart_ms * k for k, t in enumerate(train)] for train in times]
        fields: dict[str, Any] = {
            "populations": {
                "in": {"model": "spike_source", "size": 2},
                "teacher": {"model": "spike_source", "size": 1},
                "n": {"model": "lif", "size": 1, "tau_m_ms": 0.1, "v_threshold_mv": 50.0},
            },
            "projections": [
                {"source": "in", "target": "n", "weight_mv": 1.5, "plasticity": plasticity},
                {"source": "teacher", "target": "n", "weight_mv": 90.0},
            ],
        }
        taught = [[1.0 - 10 * apart_ms, 3.0 - 10 * apart_ms, 5.0 - 10 * apart_ms, 10.0]]
        stimulus = Stimulus(
            spikes={
                "in": Stimulus.from_spike_times("in", spread).spikes["in"],
                "teacher": Stimulus.from_spike_times("teacher", taught).spikes["teacher"],
            }
        )
        network = SpikingNetwork(name="p", **fields)
        activity = simulate(network, stimulus, 12.0, dt_ms, backend)
        assert activity["n"].times_ms.size == 4
        return activity.weights["in->n"][:, 0]

    together = weights(1.0, 0.0, backend)
    assert (np.abs(together - 1.5) > 0.02).all()
    np.testing.assert_allclose(together, weights(1e-3, 1e-3, "native"), atol=2e-3)


def test_rounds_hold_each_neuron_once_and_the_ring_all_spikes_of_a_step() -> None:
    times, senders = [1.0, 1.0, 1.0, 1.0, 2.0, 2.0, 1.0], [2, 0, 0, 0, 1, 2, 2]
    stimulus = Stimulus(spikes={"in": PopulationSpikes.from_unsorted(3, times, senders)})
    source = to_grid(counter(3), stimulus, 4.0, 1.0, 0, ()).sources["in"]
    assert source.senders.tolist() == [0, 2, 0, 2, 0, 1, 2]
    assert source.rounds is not None
    assert source.rounds.tolist() == [0, 0, 1, 1, 2, 0, 0]
    assert (source.most, source.width) == (3, 5)
    one = to_grid(
        counter(3), Stimulus.from_spike_times("in", [[1.0], [1.0], [2.0]]), 4.0, 1.0, 0, ()
    ).sources["in"]
    assert (one.rounds, one.most, one.width) == (None, 1, 3)


def test_an_engine_that_cannot_sum_them_refuses_in_one_sentence() -> None:
    class Mine:
        """Ours, which does not say that it can."""

        FEATURES = native.FEATURES - {SEVERAL_SPIKES}
        integrates = staticmethod(native.integrates)
        run = staticmethod(native.run)

    one = Stimulus.from_spike_times("in", [[1.0, 2.0]])
    assert simulate(counter(), one, 5.0, 1.0, Mine())["in"].times_ms.tolist() == [1.0, 2.0]
    two = Stimulus.from_spike_times("in", [[1.0, 1.2]])
    with pytest.raises(UnsupportedFeatureError) as raised:
        simulate(counter(), two, 5.0, 1.0, Mine())
    for word in ("several spikes of a source neuron in one step", "smaller dt_ms", "background"):
        assert word in str(raised.value)
    assert "\n" not in str(raised.value)
