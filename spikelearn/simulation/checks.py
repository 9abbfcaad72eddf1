"""`check_backend`: the semantics of `spikelearn.simulation`, tested on any backend.

Each property is a small experiment whose outcome is a closed form or a count; only the last ones
lay the backend beside another. A property raises `Fails` with a sentence, or `Skips` where the
backend does not have what it is about.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from spikelearn._checks import CheckResult, Fails, failures, run_checks
from spikelearn._errors import SpikelearnError, UnsupportedFeatureError, nearest
from spikelearn._spike_arrays import PopulationSpikes
from spikelearn._time_steps import nearest_step
from spikelearn.networks.neurons import (
    LIF,
    NEURON_MODELS,
    AdaptiveLIF,
    NeuronModel,
    SpikeSource,
)
from spikelearn.networks.spiking import BackgroundInput, NoiseInput, Projection, SpikingNetwork
from spikelearn.networks.synapses import AlphaSynapse, DeltaSynapse, ExponentialSynapse, Synapse
from spikelearn.simulation.simulate import Backend, simulate
from spikelearn.spikes.activity import Activity
from spikelearn.stimuli.stimulus import Stimulus

TOLERANCE_MV = 1e-9
SILENT = 1e6  # a threshold that is never reached, mV


class BackendCheckError(SpikelearnError):
    """A backend does not do what the semantics say."""


def check_backend(
    backend: str | Backend,
    seed: int = 0,
    raise_on_failure: bool = True,
    properties: Sequence[str] | None = None,
) -> list[CheckResult]:
    """Test every property that a backend must have.

    Parameters
    ----------
    backend : str or Backend
        Name of a backend of ours, or a module or object with `FEATURES` and `run`.
    seed : int
        Of the random networks.
    raise_on_failure : bool
        Whether a property that fails raises; otherwise it is only reported.
    properties : sequence of str, optional
        Only these, by name; all if absent.

    Returns
    -------
    list of CheckResult
        One a property, in a fixed order.

    Raises
    ------
    BackendCheckError
        Naming every property that fails, and how.
    SpikelearnError
        If there is no such property.
    """
    tests = known_properties()
    for name in properties or ():
        if name not in tests:
            raise SpikelearnError(f"there is no property called '{name}'; {nearest(name, tests)}")
    chosen = tests if properties is None else properties
    results = run_checks(
        ((name, tests[name]) for name in chosen),
        _Tested(backend, seed),
        skips=(UnsupportedFeatureError,),
    )
    if raise_on_failure and (said := failures(results)):
        name = backend if isinstance(backend, str) else type(backend).__name__
        raise BackendCheckError(f"{name} fails {said}")
    return results


class _Tested:
    """The backend that is tested, with small experiments to run on it."""

    def __init__(self, backend: str | Backend, seed: int) -> None:
        self.backend, self.seed = backend, seed

    def run(
        self,
        network: SpikingNetwork,
        stimulus: Stimulus | None = None,
        n_steps: int = 300,
        dt_ms: float = 0.1,
        backend: str | Backend | None = None,
    ) -> Activity:
        return simulate(
            network, stimulus, n_steps * dt_ms, dt_ms, backend or self.backend, self.seed,
            record=tuple(network.neurons),
        )  # fmt: skip

    def one(
        self,
        cell: NeuronModel,
        times_ms: list[float],
        synapse: Synapse | None = None,
        delay_ms: float = 0.0,
        dt_ms: float = 0.1,
        n_steps: int = 300,
        **weight: float,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Spike times and potential (steps, size) of a population behind one input neuron."""
        network = SpikingNetwork(
            name="one",
            populations={"in": SpikeSource(model="spike_source", size=1), "n": cell},
            projections=(
                Projection(
                    source="in", target="n", synapse=synapse or DeltaSynapse(), delay_ms=delay_ms,
                    **weight,  # type: ignore[arg-type]
                ),
            ),
        )  # fmt: skip
        stimulus = Stimulus.from_spike_times("in", [times_ms])
        activity = self.run(network, stimulus, n_steps, dt_ms)
        return activity["n"].times_ms, activity.states["n.v_mv"][0]


def _close(actual: np.ndarray, expected: np.ndarray, what: str) -> None:
    actual, expected = np.asarray(actual), np.asarray(expected)
    if actual.shape != expected.shape:
        raise Fails(f"{what} has shape {actual.shape}, expected {expected.shape}")
    error = float(np.abs(actual - expected).max(initial=0.0))
    if not error <= TOLERANCE_MV:
        at = int(np.argmax(np.abs(actual - expected).reshape(len(actual), -1).max(axis=1)))
        raise Fails(f"{what} is off by {error:.3g} mV, most at step {at}")


def _spikes(actual: Any, expected: Any, what: str) -> None:
    actual, expected = np.asarray(actual, dtype=float), np.asarray(expected, dtype=float)
    if actual.shape != expected.shape or not np.allclose(actual, expected, rtol=0, atol=1e-9):
        raise Fails(f"{what}: spikes at {_few(actual)}, expected at {_few(expected)} ms")


def _few(times: np.ndarray) -> str:
    return ", ".join(f"{t:g}" for t in times[:5]) + (", ..." if times.size > 5 else "") or "none"


def _delta(tested: _Tested) -> None:
    """A spike through a delta synapse moves v by its weight, which decays with tau_m."""
    taus = np.array([2.0, 10.0, 33.0])
    cell = LIF(size=3, tau_m_ms=taus, v_rest_mv=-65.0, v_threshold_mv=SILENT)
    _, v = tested.one(cell, [2.0], delay_ms=0.7, weight_mv=1.5)
    since = (np.arange(300) * 0.1 - 2.7)[:, None]
    _close(v, -65.0 + np.where(since > -1e-9, 1.5 * np.exp(-since / taus), 0.0), "v")


def _several(tested: _Tested) -> None:
    """Several spikes of a source neuron in a step count as many."""
    cell = LIF(size=1, v_threshold_mv=SILENT)
    several, one = (
        tested.one(cell, times, delay_ms=0.3, weight_mv=weight)[1]
        for times, weight in (([1.0, 1.0, 1.0, 5.0], 1.0), ([1.0], 3.0))
    )
    late = tested.one(cell, [5.0], delay_ms=0.3, weight_mv=1.0)[1]
    _close(several, one + late, "v behind three spikes in a step")


def _exponential(tested: _Tested) -> None:
    """A spike through an exponential synapse gives a difference of exponentials."""
    for tau in (2.0, 10.0 - 1e-6, 10.0, 40.0):
        cell = LIF(size=1, tau_m_ms=10.0, v_threshold_mv=SILENT)
        synapse = ExponentialSynapse(model="exponential", tau_ms=tau)
        _, v = tested.one(cell, [1.0], synapse, weight_mv=20.0)
        t = np.maximum(np.arange(300) * 0.1 - 1.0, 0.0)
        _close(v[:, 0], 20.0 * _response(t, tau, 10.0, alpha=False), f"v at tau_syn = {tau:g} ms")


def _alpha(tested: _Tested) -> None:
    """A spike through an alpha synapse gives the closed form, its peak the weight."""
    for tau in (2.0, 10.0, 40.0):
        cell = LIF(size=1, tau_m_ms=10.0, v_threshold_mv=SILENT)
        synapse = AlphaSynapse(model="alpha", tau_ms=tau)
        _, v = tested.one(cell, [1.0], synapse, weight_mv=20.0)
        t = np.maximum(np.arange(300) * 0.1 - 1.0, 0.0)
        _close(v[:, 0], 20.0 * _response(t, tau, 10.0, alpha=True), f"v at tau_syn = {tau:g} ms")


def _response(t: np.ndarray, tau: float, tau_m: float, alpha: bool) -> np.ndarray:
    """Of a leaky membrane to exp(-t / tau), or (t / tau) exp(1 - t / tau), by quadrature."""
    at, weights = np.polynomial.legendre.leggauss(40)
    s = t[:, None] * (at + 1) / 2
    current = np.exp(-s / tau) * (np.e * s / tau if alpha else 1.0)
    integrand = current * np.exp(-(t[:, None] - s) / tau_m) / tau_m
    return np.asarray((integrand * weights).sum(axis=1) * t / 2)


def _charge(tested: _Tested) -> None:
    """A constant current charges the membrane exponentially, from the first step on."""
    cell = LIF(size=1, tau_m_ms=20.0, v_rest_mv=-70.0, v_init_mv=-60.0, v_threshold_mv=SILENT)
    network = SpikingNetwork(name="charge", populations={"n": cell})
    activity = tested.run(network, Stimulus(currents_mv={"n": np.full((1, 300, 1), 12.0)}))
    time = np.arange(1, 301) * 0.1
    _close(activity.states["n.v_mv"][0, :, 0], -58.0 - 2.0 * np.exp(-time / 20.0), "v")


def _equality(tested: _Tested) -> None:
    """A potential that only reaches the threshold does not spike; a little more does."""
    for weight, expected in ((5.0, []), (5.0 * (1 + 1e-12), [1.0])):
        times, _ = tested.one(LIF(size=1, v_threshold_mv=5.0), [1.0], weight_mv=weight)
        _spikes(times, expected, f"{weight!r} mV on a threshold of 5 mV")


def _refractory(tested: _Tested) -> None:
    """Intervals under constant drive are tau ln((I - reset) / (I - threshold)) and the hold."""
    for refractory in (0.0, 0.1, 2.0):
        cell = LIF(size=1, v_threshold_mv=15.0, v_reset_mv=-3.0, refractory_ms=refractory)
        network = SpikingNetwork(name="refractory", populations={"n": cell})
        activity = tested.run(
            network, Stimulus(currents_mv={"n": np.full((1, 2000, 1), 20.0)}), 2000
        )
        first = math.ceil(200.0 * math.log(20.0 / 5.0)) - 1
        interval = math.ceil(200.0 * math.log(23.0 / 5.0)) + max(
            nearest_step(refractory, 0.1) - 1, 0
        )
        expected = np.arange(first, 2000, interval) * 0.1
        _spikes(activity["n"].times_ms, expected, f"refractory for {refractory:g} ms")


def _lost(tested: _Tested) -> None:
    """What reaches the potential of a refractory neuron is lost, and v is held."""
    cell = LIF(size=1, tau_m_ms=1e9, v_threshold_mv=1.0, refractory_ms=1.0)
    times, v = tested.one(cell, [1.0, 1.5, 1.9, 2.0], weight_mv=1.5)
    _spikes(times, [1.0, 2.0], "spikes into a refractory neuron")
    if abs(v[15:20, 0]).max() > TOLERANCE_MV:
        raise Fails(f"v moves to {v[15:20, 0].max():.3g} mV while it should be held")


def _subtract(tested: _Tested) -> None:
    """A subtracting reset keeps what lies above the threshold."""
    cell = LIF(size=1, tau_m_ms=1e9, v_threshold_mv=1.0, reset="subtract")
    times, _ = tested.one(cell, [5.0], dt_ms=1.0, n_steps=20, weight_mv=3.5)
    _spikes(times, [5.0, 6.0, 7.0], "3.5 thresholds")


def _adaptive(tested: _Tested) -> None:
    """An adaptive threshold grows at each spike and decays back."""
    cell = AdaptiveLIF(
        model="adaptive_lif", size=1, tau_m_ms=0.5, v_threshold_mv=10.0,
        threshold_increment_mv=0.3, tau_threshold_ms=30.0,
    )  # fmt: skip
    pulses = [10.0 * k for k in range(25)]
    times, _ = tested.one(cell, pulses, n_steps=2500, weight_mv=10.5)
    theta, expected = 0.0, []
    for time in pulses:
        if theta < 0.5:
            expected.append(time)
            theta += 0.3
        theta *= math.exp(-10.0 / 30.0)
    _spikes(times, expected, "pulses of 10.5 mV")


def _delays(tested: _Tested) -> None:
    """Delays carry a spike along a chain: none from a source, one step from a neuron if absent."""
    cells = {f"n{i}": LIF(size=1, v_threshold_mv=1.0) for i in range(3)}
    network = SpikingNetwork(
        name="chain",
        populations={"in": SpikeSource(model="spike_source", size=1), **cells},
        projections=(
            Projection(source="in", target="n0", weight_mv=2.0),
            Projection(source="n0", target="n1", weight_mv=2.0),
            Projection(source="n1", target="n2", weight_mv=2.0, delay_ms=3.5),
        ),
    )
    activity = tested.run(network, Stimulus.from_spike_times("in", [[4.0]]), 40, 0.5)
    for name, expected in (("n0", 4.0), ("n1", 4.5), ("n2", 8.0)):
        _spikes(activity[name].times_ms, [expected], name)


def _coincident(tested: _Tested) -> None:
    """Coincident spikes add up before the threshold is asked; inhibition in the step counts."""
    network = SpikingNetwork(
        name="coincident",
        populations={
            "in": SpikeSource(model="spike_source", size=3),
            "n": LIF(size=2, v_threshold_mv=1.0),
        },
        projections=(
            Projection(
                source="in", target="n", weight_mv=np.array([[0.6, 2.0], [0.6, 0.0], [0.0, -1.5]])
            ),
        ),
    )
    stimulus = Stimulus.from_spike_times("in", [[1.0], [1.0], [1.0]])
    activity = tested.run(network, stimulus, 50)
    times = [activity["n"].times_ms[activity["n"].senders == i] for i in range(2)]
    _spikes(times[0], [1.0], "two excitatory spikes at once")
    _spikes(times[1], [], "excitation and inhibition at once")


def _edges(tested: _Tested) -> None:
    """The first and the last step are simulated, and recorded."""
    cell = LIF(size=1, tau_m_ms=0.05, v_threshold_mv=1.0)
    times, v = tested.one(cell, [0.0, 9.9], n_steps=100, weight_mv=2.0)
    _spikes(times, [0.0, 9.9], "input at both ends of 10 ms")
    if v.shape != (100, 1):
        raise Fails(f"the potential has shape {v.shape}, expected (100, 1)")


def _recorded(tested: _Tested) -> None:
    """Potentials of some neurons, at every third step, are those of all at these steps."""
    network, shown = _random(tested.seed, LIF(size=5, v_threshold_mv=8.0), n_trials=2)
    run = functools.partial(simulate, network, shown, 20.0, 0.1, tested.backend, tested.seed)
    some, every = run(record={"n": [3, 0]}, record_every_ms=0.3), run(record="n")
    _close(some.states["n.v_mv"], every.states["n.v_mv"][:, ::3, [3, 0]], "v")


def _trials(tested: _Tested) -> None:
    """A trial does not depend on the trials beside it."""
    network, stimulus = _random(tested.seed, LIF(size=5, v_threshold_mv=8.0), n_trials=3)
    together = tested.run(network, stimulus, 200)
    spikes = stimulus.spikes["in"]
    for trial in range(3):
        mine = spikes.trials == trial
        alone = PopulationSpikes.from_unsorted(4, spikes.times_ms[mine], spikes.senders[mine])
        activity = tested.run(network, Stimulus(spikes={"in": alone}), 200)
        of_it = together["n"].trials == trial
        _spikes(activity["n"].times_ms, together["n"].times_ms[of_it], f"trial {trial} by itself")


def _seed(tested: _Tested) -> None:
    """The same seed gives the same spikes, and another seed other ones."""
    network = SpikingNetwork(
        name="noisy",
        populations={"n": LIF(size=20, v_threshold_mv=5.0)},
        background=(BackgroundInput(target="n", rate_hz=500.0, weight_mv=1.5),),
        noise=(NoiseInput(target="n", unit="mv", sd=10.0, interval_ms=1.0),),
    )
    first, again = (tested.run(network, n_steps=1000)["n"].times_ms for _ in range(2))
    _spikes(again, first, "the second run")
    other = simulate(network, None, 100.0, 0.1, tested.backend, tested.seed + 1)["n"].times_ms
    if not first.size or np.array_equal(first, other):
        raise Fails("another seed gives the same spikes, or none at all")


def _like_another(cell: NeuronModel, **options: Any) -> Callable[[_Tested], None]:
    def test(tested: _Tested) -> None:
        theirs = str(tested.backend).partition(":")[0] == "brian2"
        beside = "native" if theirs else "brian2"
        for k in range(3):
            network, stimulus = _random(tested.seed + k, cell, n_trials=2, **options)
            mine, other = (
                tested.run(network, stimulus, 400, 0.1, b) for b in (tested.backend, beside)
            )
            _spikes(mine["n"].times_ms, other["n"].times_ms, f"random network {k}, as {beside}")
            for trial in range(2):
                _close(
                    mine.states["n.v_mv"][trial], other.states["n.v_mv"][trial],
                    f"v of random network {k}, as {beside},",
                )  # fmt: skip
            if not len(other["n"]):
                raise Fails(f"random network {k} is silent, which proves nothing")

    return test


def _random(
    seed: int,
    cell: NeuronModel,
    n_trials: int,
    unit: str = "mv",
    scale: float = 8.0,
    tau: float = 4.0,
) -> tuple[SpikingNetwork, Stimulus]:
    """A recurrent population behind four input neurons, with weights and delays that differ."""
    rng = np.random.default_rng(seed)
    conducting = unit == "ns"
    synapse = ExponentialSynapse(
        model="exponential", tau_ms=tau, reversal_mv=0.0 if conducting else None
    )
    weight = {"distribution": "uniform", "low": 0.0 if conducting else -scale / 4, "high": scale}
    back = {"distribution": "uniform", "low": 0.0 if conducting else -scale, "high": scale}
    spread = {"distribution": "uniform", "low": 0.1, "high": 2.0}
    network = SpikingNetwork(
        name="random",
        populations={"in": SpikeSource(model="spike_source", size=4), "n": cell},
        projections=(
            Projection(source="in", target="n", synapse=synapse, **{f"weight_{unit}": weight}),  # type: ignore[arg-type]
            Projection(
                source="n", target="n", synapse=synapse, delay_ms=spread,  # type: ignore[arg-type]
                connectivity={"kind": "fixed_probability", "probability": 0.5},  # type: ignore[arg-type]
                **{f"weight_{unit}": back},  # type: ignore[arg-type]
            ),
        ),
    )  # fmt: skip
    trials, steps, senders = np.nonzero(rng.random((n_trials, 200, 4)) < 0.15)
    spikes = PopulationSpikes.from_unsorted(4, steps * 0.1, senders, trials)
    labels = tuple(str(i) for i in range(n_trials))
    return network, Stimulus(labels=labels, spikes={"in": spikes})


PROPERTIES: dict[str, Callable[[_Tested], None]] = {
    "delta_synapse": _delta,
    "several_spikes": _several,
    "exponential_synapse": _exponential,
    "alpha_synapse": _alpha,
    "constant_current": _charge,
    "strict_threshold": _equality,
    "refractory_intervals": _refractory,
    "lost_while_refractory": _lost,
    "subtracting_reset": _subtract,
    "adaptive_threshold": _adaptive,
    "delays": _delays,
    "coincident_spikes": _coincident,
    "first_and_last_step": _edges,
    "some_neurons_and_steps": _recorded,
    "independent_trials": _trials,
    "one_seed": _seed,
    "random_leaky_neurons": _like_another(LIF(size=5, v_threshold_mv=8.0, refractory_ms=1.0)),
    "random_conductances": _like_another(
        LIF(size=5, v_rest_mv=-70.0, v_threshold_mv=-60.0, leak_ns=10.0, refractory_ms=1.0),
        unit="ns",
    ),
}


def known_properties() -> dict[str, Callable[[_Tested], None]]:
    """The tests by name, with one for each neuron model that is integrated step by step."""
    tests = dict(PROPERTIES)
    for name, model in NEURON_MODELS.items():
        if model.slopes is not None:
            unit, scale = model.typical_weight
            cell = model.model_validate({"model": name, "size": 5})
            tests[f"random_{name}"] = _like_another(cell, unit=unit, scale=scale)
    return tests


def describe_properties() -> dict[str, str]:
    """What each property says, in a sentence."""
    sentences = {}
    for name, test in known_properties().items():
        kind = name.removeprefix("random_").replace("_", " ")
        said = (test.__doc__ or "").strip().split("\n")[0].removesuffix(".")
        sentences[name] = said or f"Random networks ({kind}) spike as on another backend"
    return sentences
