"""Every backend gives the spikes of the reference, a set of plain loops that shares no code."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Sequence

import numpy as np
import pytest
import torch
from engines import COMPLETE, EVERY_MODEL, MODELS_WITH_SLOPES, QUICK, able, having
from hypothesis import Phase, assume, given, note, settings
from random_networks import Case, Features, Through, features, make_case
from random_neurons import CURRENTS
from reference_neurons import DERIVATIVES
from reference_simulator import Outcome

from spikelearn._time_steps import nearest_steps
from spikelearn.networks.plasticity import PairSTDP
from spikelearn.networks.spiking import LIF, Projection, SpikeSource, SpikingNetwork
from spikelearn.simulation import BACKENDS, simulate
from spikelearn.spikes.activity import Activity
from spikelearn.stimuli import poisson_spikes
from spikelearn.stimuli.stimulus import Stimulus

# Below this distance from threshold, a spike hangs on the order in which a sum was rounded.
KNIFE_EDGE_MV = 1e-9
ROUNDING_MV = 1e-9

FEED_FORWARD = (("in", "n0", None, None, "uniform"), ("n0", "n1", None, None, "in_degree"))
EVERYTHING = (
    ("in", "n0", None, 0, "matrix"),
    ("in", "n0", 10.0, 3, "sparse"),
    ("in", "n1", 2.0, None, "uniform"),
    ("n0", "n1", None, 4, "in_degree"),
    ("n1", "n0", 7.0, 1, "matrix"),
    ("n0", "n0", None, 2, "not_self"),
)
# One Brian2 run costs about a second: few cases, each crowded with features.
BRIAN2_CASES = {
    "feed_forward": Features(seed=1, n_steps=200, projections=FEED_FORWARD, n_trials=3),
    "several_spikes_in_a_step": Features(
        seed=9, n_steps=200, projections=EVERYTHING, n_trials=2, several=True, refractory_steps=2
    ),
    "subtracting_reset": Features(
        seed=2, n_steps=200, projections=EVERYTHING, subtract=True, per_neuron=True
    ),
    "refractory_and_currents": Features(
        seed=3,
        n_steps=200,
        projections=EVERYTHING,
        refractory_steps=4,
        current="by_neuron",
        n_trials=3,
    ),
    "adaptive_with_background": Features(
        seed=4,
        projections=EVERYTHING,
        adaptive=True,
        refractory_steps=2,
        background=True,
        dt_ms=0.25,
        n_steps=200,
    ),
    "adaptive_subtracting": Features(
        seed=5,
        projections=EVERYTHING,
        n_steps=200,
        adaptive=True,
        subtract=True,
        per_neuron=True,
        current="by_trial",
        dt_ms=1.0,
        rest_mv=0.0,
    ),
    "refractory_for_one_step": Features(
        seed=6,
        n_steps=200,
        projections=EVERYTHING,
        refractory_steps=1,
        current="shared",
        background=True,
    ),
}


def spikes_of(activity: Activity) -> dict[str, set[tuple[int, int, int]]]:
    """{population: {(trial, step, neuron)}}; times must lie on the grid, none twice."""
    found = {}
    for name, spikes in activity.populations.items():
        steps = nearest_steps(spikes.times_ms, activity.dt_ms)
        np.testing.assert_array_equal(spikes.times_ms, steps * activity.dt_ms)
        rows = list(
            zip(spikes.trials.tolist(), steps.tolist(), spikes.senders.tolist(), strict=True)
        )
        assert len(set(rows)) == len(rows) or name == "in"
        found[name] = set(rows)
    return found


def assert_equal(activity: Activity, expected: Outcome, case: Case) -> None:
    """The same spikes, every one, and the same potentials up to rounding."""
    assert spikes_of(activity) == expected.spikes
    for name, potential in expected.potentials.items():
        recorded = activity.states[f"{name}.v_mv"]
        assert recorded.shape == (case.stimulus.n_trials, case.n_steps, potential.shape[2])
        np.testing.assert_allclose(recorded, potential, rtol=0, atol=ROUNDING_MV)


def assert_agrees(backends: Sequence[str], drawn: Features) -> None:
    """Backends spike as the reference, unless that hangs on the last digit.

    The loops of the reference take most of the time: once for all of them.
    """
    case = make_case(drawn)
    expected = case.reference()
    assume(expected.margin_mv > KNIFE_EDGE_MV)
    for backend in backends:
        note(f"on {backend}")
        assert_equal(case.run(backend), expected, case)


@functools.cache
def with_reference(drawn: Features) -> tuple[Case, Outcome]:
    """A network that several tests have, with what the reference makes of it."""
    case = make_case(drawn)
    return case, case.reference()


QUICK_AND_COMPLETE = [name for name in QUICK if name in COMPLETE]
LACKING = [name for name in QUICK if name not in COMPLETE]
DRAWN = {
    "of what is usual": (QUICK_AND_COMPLETE, features(), 120),
    "without what some lack": (LACKING, features(few=True), 50),
    "of every model": (["native"], features(everything=True), 100),
}


@pytest.mark.parametrize("many", [False, pytest.param(True, marks=pytest.mark.slow)])
@pytest.mark.parametrize("networks", DRAWN)
def test_backends_spike_as_the_reference_on_any_network(networks: str, many: bool) -> None:
    backends, drawn_networks, number = DRAWN[networks]
    if not backends:
        pytest.skip("every engine that is installed has all that is usual")

    @settings(max_examples=500 if many else number)
    @given(drawn=drawn_networks)
    def agree(drawn: Features) -> None:
        assert_agrees(backends, drawn)

    agree()


@pytest.mark.parametrize("name", BRIAN2_CASES)
def test_every_backend_spikes_as_the_reference(name: str) -> None:
    case, expected = with_reference(BRIAN2_CASES[name])
    assert expected.margin_mv > KNIFE_EDGE_MV
    for population in case.network.neurons:
        assert len(expected.spikes[population]) > 5, "the case is too quiet to prove anything"
    engines = able(case.grid())
    assert set(COMPLETE) <= set(engines)
    for backend in engines:
        assert_equal(case.run(backend), expected, case)


EXCITATION, INHIBITION = Through(5.0, pull_mv=70.0), Through(10.0, pull_mv=-10.0)
OF_CONDUCTANCES = (
    ("in", "n0", EXCITATION, 0, "sparse"),
    ("in", "n0", None, 3, "uniform"),
    ("in", "n1", Through(2.0, "alpha", 70.0), "spread", "uniform"),
    ("n0", "n1", INHIBITION, "spread", "in_degree"),
    ("n1", "n0", Through(7.0, "alpha"), 1, "matrix"),
    ("n0", "n0", 4.0, 2, "not_self"),
)
OF_CURRENTS = (
    ("in", "n0", Through(2.0, "alpha"), 0, "sparse"),
    ("in", "n1", 3.0, "spread", "uniform"),
    ("n0", "n1", Through(7.0, "alpha"), "spread", "matrix"),
    ("n1", "n0", Through(10.0, "alpha"), 1, "matrix"),
    ("n0", "n0", 4.0, 2, "not_self"),
)
BRIAN2_MODELS = {
    "alpha": Features(
        seed=7, n_steps=200, projections=OF_CURRENTS, refractory_steps=3, current="shared"
    ),
    "conductances": Features(
        seed=7, n_steps=200, projections=OF_CONDUCTANCES, refractory_steps=3, per_neuron=True,
        current="shared"
    ),
    "conductances_adaptive": Features(
        seed=7, n_steps=200, projections=OF_CONDUCTANCES, adaptive=True, current="by_neuron"
    ),
    "adex": Features(
        seed=7, n_steps=800, dt_ms=0.1, projections=OF_CONDUCTANCES, model="adex",
        refractory_steps=4, per_neuron=True, current="by_trial", rest_mv=-70.0, noise=True,
    ),
    "izhikevich": Features(
        seed=7, n_steps=800, dt_ms=0.1, projections=OF_CURRENTS, model="izhikevich",
        per_neuron=True, current="by_neuron", noise=True, background=True,
        background_through=Through(4.0),
    ),
    "hodgkin_huxley": Features(
        seed=7, n_steps=1500, dt_ms=0.05, projections=OF_CONDUCTANCES, model="hodgkin_huxley",
        per_neuron=True, current="by_trial", n_trials=1, noise=True, rest_mv=-70.0,
    ),
    "qif": Features(
        seed=7, n_steps=800, dt_ms=0.1, projections=OF_CONDUCTANCES, model="qif",
        refractory_steps=4, per_neuron=True, current="by_trial", rest_mv=-70.0, noise=True,
    ),
}  # fmt: skip


def test_the_reference_and_the_random_networks_have_every_model() -> None:
    # A new one is written there once more: agreement of two engines alone would prove little.
    assert set(DERIVATIVES) == set(MODELS_WITH_SLOPES)
    assert set(MODELS_WITH_SLOPES) <= set(CURRENTS) & set(BRIAN2_MODELS)


@pytest.mark.parametrize("name", BRIAN2_MODELS)
def test_engines_that_have_every_model_spike_as_the_reference_on_each(name: str) -> None:
    case, expected = with_reference(BRIAN2_MODELS[name])
    assert expected.margin_mv > KNIFE_EDGE_MV
    for population in case.network.neurons:
        assert len(expected.spikes[population]) > 5, "the case is too quiet to prove anything"
    for backend in EVERY_MODEL:
        assert_equal(case.run(backend), expected, case)


@settings(max_examples=15, phases=(Phase.explicit, Phase.generate))  # shrinking takes minutes
@given(drawn=features())
def test_brian2_spikes_as_the_reference_on_any_network(drawn: Features) -> None:
    assert_agrees(["brian2"], drawn)


def test_random_networks_are_neither_silent_nor_saturated() -> None:
    # Guards the tests above: agreement on networks without spikes would prove nothing.
    spiking = 0
    for seed in range(20):
        case = make_case(Features(seed=seed, projections=EVERYTHING, n_trials=1))
        found = case.reference().spikes
        total = sum(len(found[name]) for name in case.network.neurons)
        spiking += 5 < total < 0.5 * case.n_steps * 5
    assert spiking >= 15


@pytest.mark.parametrize("through", [None, 7.0])
@pytest.mark.parametrize("backend", BACKENDS)
def test_a_projection_that_happens_to_have_no_synapses_is_no_trouble(
    backend: str, through: float | None
) -> None:
    # A single neuron not connected to itself; a small probability does the same by chance.
    case, expected = with_reference(
        Features(
            seed=0,
            sizes=(1,),
            projections=(
                ("in", "n0", through, None, "matrix"),
                ("n0", "n0", through, None, "not_self"),
                ("n0", "n0", through, 2, "not_self"),
            ),
        )
    )
    assert_equal(case.run(backend), expected, case)


@pytest.mark.parametrize("backend", COMPLETE)
def test_a_large_projection_kept_sparse_gives_the_same_spikes(
    backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    case, expected = with_reference(BRIAN2_CASES["refractory_and_currents"])
    monkeypatch.setattr("spikelearn.simulation.torch.projections._DENSE_BYTES", 0)
    assert_equal(case.run(backend), expected, case)


@pytest.mark.parametrize("name", BRIAN2_CASES)
@pytest.mark.parametrize(("steps", "sparse"), [(1, 1.0), (3, 0.0), (7, 1.0), (64, 0.0)])
def test_torch_blocks_of_any_length_and_inputs_of_either_kind_give_the_same_spikes(
    name: str, steps: int, sparse: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("spikelearn.simulation.torch.loop._BLOCK_STEPS", steps)
    monkeypatch.setattr("spikelearn.simulation.torch.projections._SPARSE", sparse)
    case, expected = with_reference(BRIAN2_CASES[name])
    assert_equal(case.run("snntorch"), expected, case)


@pytest.mark.parametrize("backend", having("32-bit arithmetic"))
def test_spikes_in_32_bits_part_only_where_a_potential_is_within_rounding_of_threshold(
    backend: str,
) -> None:
    # The potentials here are tens of mV: the last of 24 bits is worth 4e-6 mV, and sums gather
    # some of them. What follows the first spike that differs is another history.
    close_mv, n_spikes, parted = 2e-4, 0, []
    for seed in range(60):
        case = make_case(
            Features(
                seed=seed, n_steps=150, n_trials=2, projections=EVERYTHING,
                subtract=bool(seed % 2), refractory_steps=seed % 3,
                current=("shared", "by_trial", "by_neuron", None)[seed % 4],
            )
        )  # fmt: skip
        runs = [case.run(backend, precision) for precision in ("float64", "float32")]
        found = [spikes_of(run) for run in runs]
        n_spikes += sum(len(spikes) for spikes in found[0].values())
        for trial in range(2):
            different = [
                (step, name, neuron)
                for name in found[0]
                for which, step, neuron in found[0][name] ^ found[1][name]
                if which == trial
            ]
            if not different:
                continue
            step, name, neuron = min(different)
            # In the run without the spike the potential is that before any reset.
            silent = int((trial, step, neuron) in found[0][name])
            v_mv = runs[silent].states[f"{name}.v_mv"][trial, step, neuron]
            threshold = np.broadcast_to(
                case.network.neurons[name].v_threshold_mv,  # type: ignore[union-attr]
                case.network.neurons[name].size,
            )[neuron]
            parted.append((seed, trial, name, neuron, step, float(threshold - v_mv)))
    for seed, trial, name, neuron, step, distance_mv in parted:
        assert 0 <= distance_mv < close_mv, (
            f"network {seed}, trial {trial}: neuron {neuron} of {name} differs at step {step},"
            f" {distance_mv:g} mV from threshold"
        )
    assert n_spikes > 5000
    assert len(parted) <= 3, f"{len(parted)} of 120 trials part: {parted}"


def test_a_large_projection_kept_sparse_prints_no_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("spikelearn.simulation.torch.projections._DENSE_BYTES", 0)
    case = make_case(BRIAN2_CASES["feed_forward"])
    torch.set_warn_always(True)  # torch says most things once a process
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            case.run("snntorch")
    finally:
        torch.set_warn_always(False)
    assert [str(w.message) for w in caught if "parse" in str(w.message)] == []


@pytest.mark.parametrize("backend", QUICK_AND_COMPLETE)
def test_a_trial_does_not_depend_on_the_trials_beside_it(backend: str) -> None:
    case = make_case(BRIAN2_CASES["refractory_and_currents"])
    together = spikes_of(case.run(backend))
    for trial in range(case.stimulus.n_trials):
        source = case.stimulus.spikes["in"]
        mine = source.trials == trial
        alone = Stimulus(
            labels=("alone",),
            spikes={
                "in": type(source).from_unsorted(
                    source.size, source.times_ms[mine], source.senders[mine]
                )
            },
            currents_mv={k: c[trial : trial + 1] for k, c in case.stimulus.currents_mv.items()},
        )
        found = spikes_of(
            Case(case.network, alone, case.dt_ms, case.n_steps, case.seed).run(backend)
        )
        for name, spikes in found.items():
            expected = {(0, step, i) for which, step, i in together[name] if which == trial}
            assert spikes == expected


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_potential_that_only_reaches_threshold_does_not_spike(backend: str) -> None:
    # From rest, one spike lifts each neuron to exactly its threshold, whatever its constants.
    rng = np.random.default_rng(0)
    weights = rng.uniform(0.1, 20.0, 200)
    network = SpikingNetwork(
        name="equality",
        populations={
            "in": SpikeSource(model="spike_source", size=1),
            "n": LIF(size=200, tau_m_ms=rng.uniform(5.0, 40.0, 200), v_threshold_mv=weights),
        },
        projections=(Projection(source="in", target="n", weight_mv=weights[None]),),
    )
    stimulus = Stimulus.from_spike_times("in", [[0.0]])
    activity = simulate(network, stimulus, duration_ms=1.0, dt_ms=0.1, backend=backend)
    assert len(activity["n"]) == 0
    barely = network.with_weights({"in->n": weights[None] * (1 + 1e-12)})
    activity = simulate(barely, stimulus, duration_ms=1.0, dt_ms=0.1, backend=backend)
    assert sorted(activity["n"].senders) == list(range(200))


@pytest.mark.parametrize("pairing", ["all_to_all", "nearest"])
def test_brian2_learns_as_the_reference_while_learning_changes_the_spikes(pairing: str) -> None:
    # Closed loop: the plastic weights drive the neuron whose spikes move them.
    rule = PairSTDP(
        a_plus=0.4,
        a_minus=0.3,
        tau_plus_ms=15.0,
        tau_minus_ms=25.0,
        pairing=pairing,  # type: ignore[arg-type]
        w_max=6.0,
    )
    rng = np.random.default_rng(3)
    network = SpikingNetwork(
        name="plastic",
        populations={
            "in": SpikeSource(model="spike_source", size=6),
            "n": LIF(size=3, tau_m_ms=10.0, v_threshold_mv=10.0, refractory_ms=3.0),
        },
        projections=(
            Projection(
                source="in",
                target="n",
                weight_mv=rng.uniform(2.0, 5.0, (6, 3)),
                delay_ms=2.0,
                plasticity=rule,
            ),
            Projection(
                source="n",
                target="n",
                weight_mv=-3.0,
                connectivity={"kind": "all_to_all", "allow_self": False},
            ),
        ),
        record=("in", "n"),
    )
    spikes = poisson_spikes(6, 60.0, 300.0, 1.0, rng)
    case = Case(network, Stimulus(spikes={"in": spikes}), 1.0, 300, seed=0)
    expected = case.reference()
    assert expected.margin_mv > KNIFE_EDGE_MV
    activity = case.run("brian2")
    assert_equal(activity, expected, case)
    learnt = activity.weights["in->n"]
    for (pre, post), weight in expected.weights["in->n"].items():
        assert learnt[pre, post] == pytest.approx(weight, rel=1e-9, abs=1e-12)
    start = network.projections[0].weight_mv
    assert np.median(np.abs(learnt - start)) > 0.1
    frozen = network.model_copy(
        update={
            "projections": (
                network.projections[0].model_copy(update={"plasticity": None}),
                network.projections[1],
            )
        }
    )
    unlearnt = Case(frozen, case.stimulus, 1.0, 300, seed=0).reference()
    assert unlearnt.spikes["n"] != expected.spikes["n"], "learning changed no spike"
