"""Randomness comes from the seed alone and is drawn outside the backends."""

from __future__ import annotations

import numpy as np
import pytest

from spikelearn.networks import load_model
from spikelearn.networks.spiking import LIF, BackgroundInput, Projection, SpikingNetwork
from spikelearn.simulation import BACKENDS, simulate
from spikelearn.spikes.activity import Activity
from spikelearn.stimuli import load_protocol
from spikelearn.stimuli.stimulus import Stimulus

RANDOM = SpikingNetwork(
    name="random",
    populations={"n": LIF(size=20, tau_m_ms=10.0, v_threshold_mv=5.0, refractory_ms=1.0)},
    projections=(
        Projection(
            source="n",
            target="n",
            connectivity={"kind": "fixed_probability", "probability": 0.3},
            weight_mv={"distribution": "normal", "mean": 0.5, "sd": 1.0},
        ),
    ),
    background=(BackgroundInput(target="n", rate_hz=800.0, weight_mv=1.0),),
)


def assert_same_spikes(a: Activity, b: Activity) -> None:
    """Every spike of every population at the same time from the same neuron."""
    assert list(a.populations) == list(b.populations)
    for name, spikes in a.populations.items():
        other = b.populations[name]
        np.testing.assert_array_equal(spikes.times_ms, other.times_ms)
        np.testing.assert_array_equal(spikes.senders, other.senders)
        np.testing.assert_array_equal(spikes.trials, other.trials)


@pytest.mark.parametrize("backend", BACKENDS)
def test_one_seed_gives_one_outcome_and_another_seed_another(backend: str) -> None:
    first = simulate(RANDOM, None, 100.0, 0.5, backend, seed=1)
    assert first.n_spikes > 50
    assert_same_spikes(first, simulate(RANDOM, None, 100.0, 0.5, backend, seed=1))
    other = simulate(RANDOM, None, 100.0, 0.5, backend, seed=2)
    assert not np.array_equal(first["n"].times_ms, other["n"].times_ms)


def test_the_global_generators_of_numpy_torch_and_brian2_are_neither_read_nor_moved() -> None:
    import brian2
    import torch

    outcomes = []
    for seed in (0, 1):
        np.random.seed(seed)  # noqa: NPY002 - the global generator is what this test is about
        torch.manual_seed(seed)
        brian2.seed(seed)
        before = np.random.get_state()[1].copy(), torch.get_rng_state()  # noqa: NPY002
        outcomes.append([simulate(RANDOM, None, 50.0, 0.5, b, seed=3) for b in BACKENDS])
        np.testing.assert_array_equal(np.random.get_state()[1], before[0])  # noqa: NPY002
        assert torch.equal(torch.get_rng_state(), before[1])
    for a, b in zip(*outcomes, strict=True):
        assert_same_spikes(a, b)


def test_all_backends_give_the_same_spikes_on_the_shipped_network_and_stimulus() -> None:
    network = load_model("lif_feedforward")
    assert isinstance(network, SpikingNetwork)
    stimulus = load_protocol("poisson").realise(network.sources, 300.0, 0.1, seed=0)
    outcomes = [simulate(network, stimulus, 300.0, 0.1, backend) for backend in BACKENDS]
    assert outcomes[0].n_spikes > 100
    for outcome in outcomes[1:]:
        assert_same_spikes(outcomes[0], outcome)


def test_background_input_arrives_at_its_rate() -> None:
    # No leak, no threshold in reach: the potential counts the background spikes.
    network = SpikingNetwork(
        name="counter",
        populations={"n": LIF(size=200, tau_m_ms=1e12, v_threshold_mv=1e9)},
        background=(BackgroundInput(target="n", rate_hz=4000.0, weight_mv=0.5),),
    )
    activity = simulate(network, Stimulus(("a", "b")), 100.0, 0.5, "snntorch", record=("n",))
    counts = activity.states["n.v_mv"][:, -1] / 0.5
    np.testing.assert_allclose(counts, np.rint(counts), atol=1e-6)
    expected, n = 4000.0 * 0.1, counts.size
    assert abs(counts.mean() - expected) < 5 * np.sqrt(expected / n)
    # A Poisson variable's variance is its mean; that of the sample variance is 2 v^2 / n.
    assert abs(counts.var() - expected) < 5 * expected * np.sqrt(2 / n)
    assert not np.array_equal(counts[0], counts[1])


def test_a_populations_background_does_not_depend_on_the_projections_beside_it() -> None:
    quiet = RANDOM.model_copy(update={"projections": ()})
    silent = RANDOM.with_weights({})
    zero = silent.model_copy(
        update={"projections": (RANDOM.projections[0].model_copy(update={"weight_mv": 0.0}),)}
    )
    assert_same_spikes(
        simulate(quiet, None, 100.0, 0.5, "snntorch", seed=4),
        simulate(zero, None, 100.0, 0.5, "snntorch", seed=4),
    )


def test_the_provenance_says_what_was_run_in_plain_yaml() -> None:
    import yaml

    network = load_model("lif_feedforward")
    assert isinstance(network, SpikingNetwork)
    stimulus = load_protocol("poisson").realise(network.sources, 20.0, 0.1, seed=5)
    activity = simulate(network, stimulus, 20.0, 0.1, "norse", seed=5)
    said = yaml.safe_load(yaml.safe_dump(activity.provenance))
    assert said["backend"] == "norse"
    assert said["backend_version"]
    assert said["seed"] == 5
    assert said["network"]["name"] == "lif_feedforward"
    assert said["stimulus"]["protocol"]["rate_hz"] == 20.0


def test_progress_runs_from_below_to_one(recwarn: pytest.WarningsRecorder) -> None:
    for backend in BACKENDS:
        seen: list[float] = []
        simulate(RANDOM, Stimulus(("a", "b", "c")), 100.0, 0.5, backend, progress=seen.append)
        assert seen == sorted(seen)
        assert seen[-1] == 1.0
        assert min(seen) >= 0.0


@pytest.mark.parametrize("backend", BACKENDS)
def test_only_the_populations_asked_for_are_recorded(backend: str) -> None:
    network = load_model("lif_feedforward")
    assert isinstance(network, SpikingNetwork)
    stimulus = load_protocol("poisson").realise(network.sources, 20.0, 0.5, seed=0)
    assert list(simulate(network, stimulus, 20.0, 0.5, backend).populations) == ["hidden", "output"]
    network = network.model_copy(update={"record": ("input",)})
    activity = simulate(network, stimulus, 20.0, 0.5, backend)
    assert list(activity.populations) == ["input"]
    np.testing.assert_allclose(activity["input"].times_ms, stimulus.spikes["input"].times_ms)
    np.testing.assert_array_equal(activity["input"].senders, stimulus.spikes["input"].senders)
