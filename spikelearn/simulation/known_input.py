"""What is known of the input of a population: drive, conductances and jumps at many moments.

Known are the rates of background input, of the stimulus's sources and of the populations in
`rates_hz`, and the currents; after a run, the rates of its populations too, as if they had been
given. Events are taken as independent: sums of exponential synapses have the mean w nu tau and the
variance w^2 nu tau / 2, and are drawn as Gamma (conductances) or Gaussian (currents). Of what
varies only that counts which the membrane follows, whose effective time constant is
tau_m / (1 + sum g), or C / (g_L + sum g).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from spikelearn._seeding import generator
from spikelearn.networks.connectivity import AllToAll, OneToOne
from spikelearn.networks.fields import AnyDistribution
from spikelearn.networks.inputs import BackgroundInput
from spikelearn.networks.neurons import LIF, NeuronModel
from spikelearn.networks.projections import Projection
from spikelearn.networks.spiking import SpikingNetwork
from spikelearn.networks.synapses import AlphaSynapse, DeltaSynapse
from spikelearn.stimuli.stimulus import Stimulus

_MOMENTS, _NEURONS, _TRIALS = 400, 8, 16
_SLOPED_MOMENTS, _SLOPED_NEURONS = 50, 4  # of models whose slope is integrated at each


@dataclass
class KnownInput:
    """What reaches some neurons of a population at some moments; arrays (moments, neurons).

    `drive` and `conductance` are as the model's equation takes them; `drift` and `variance` are
    those of jumps, in mV and mV^2 a ms; `lifts` and `sinks` are how many jumps up and down come a
    ms.
    """

    which: np.ndarray
    drive: np.ndarray
    conductance: np.ndarray
    drift: np.ndarray
    variance: np.ndarray
    lifts: np.ndarray
    sinks: np.ndarray
    duration_ms: float
    n_trials: int
    noisy: bool = False
    # Of each kind of slow synapse: events a ms, by how much one changes drive and conductance, and
    # the geometric mean of the time constants of synapse and membrane, in ms.
    events: list[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]] = field(
        default_factory=list
    )


def known_input(
    network: SpikingNetwork, name: str, stimulus: Stimulus, duration_ms: float
) -> KnownInput:
    """The known input of a population.

    Parameters
    ----------
    network : SpikingNetwork
    name : str
    stimulus : Stimulus
    duration_ms : float
        Of a trial.
    """
    population = network.neurons[name]
    leaky = isinstance(population, LIF)
    n_moments, n_neurons = (_MOMENTS, _NEURONS) if leaky else (_SLOPED_MOMENTS, _SLOPED_NEURONS)
    which = np.unique(np.linspace(0, population.size - 1, n_neurons).astype(int))
    n_moments = n_moments * n_neurons // which.size
    draw = generator(0, "moments of strong input")
    shown = np.unique(np.linspace(0, stimulus.n_trials - 1, _TRIALS).astype(int))
    trial = shown[draw.integers(0, shown.size, n_moments)]
    moment = draw.random(n_moments)
    none = np.zeros((n_moments, which.size))
    given = KnownInput(
        which, none.copy(), none.copy(), none.copy(), none.copy(), none.copy(), none.copy(),
        duration_ms, stimulus.n_trials,
    )  # fmt: skip
    gains = {unit: each(gain, population)[which] for unit, gain in population.gains().items()}
    slow: dict[Any, list[np.ndarray]] = {}
    items: list[Projection | BackgroundInput] = [*network.projections, *network.background]
    for item in items:
        if item.target != name:
            continue
        arriving = _told(item, network, stimulus, duration_ms, which, trial, moment)
        if arriving is None:
            continue
        up, down, square = arriving
        given.noisy |= bool(square.any())
        if isinstance(item.synapse, DeltaSynapse):
            given.drift += up - down
            given.variance += square
            per_jump = np.where(square > 0, (up + down) / np.where(square > 0, square, 1.0), 0.0)
            given.lifts += up * per_jump
            given.sinks += down * per_jump
            continue
        sums = slow.setdefault((item.synapse, item.unit), [0.0 * up, 0.0 * up])
        sums[0], sums[1] = sums[0] + up - down, sums[1] + square
    _take_up_synapses(population, given, gains, slow, draw)
    _take_up_currents(network, name, given, gains, stimulus, trial, moment, draw)
    return given


def _told(
    item: Projection | BackgroundInput,
    network: SpikingNetwork,
    stimulus: Stimulus,
    duration_ms: float,
    which: np.ndarray,
    trial: np.ndarray,
    moment: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """Sums a ms of the weights that arrive, of those below 0, and of squares, (moments, neurons).

    None where no rate is known.
    """
    size = network.neurons[item.target].size
    if isinstance(item, BackgroundInput):
        at = moment * duration_ms if math.isfinite(duration_ms) else np.full(trial.size, np.inf)
        stop = math.inf if item.stop_ms is None else item.stop_ms
        flows = ((at >= item.start_ms) & (at <= stop))[:, None] * item.rate_hz / 1000.0
        weight = np.broadcast_to(np.asarray(item.weight, float), (size,))[which]
        return flows * np.maximum(weight, 0.0), flows * np.maximum(-weight, 0.0), flows * weight**2
    n_source = network.populations[item.source].size
    spikes = stimulus.spikes.get(item.source)
    if spikes is not None and math.isfinite(duration_ms):
        shown, row = np.unique(trial, return_inverse=True)
        within = spikes.times_ms < duration_ms  # later ones are left out of the run
        mine = [spikes.of_trial(int(t)) for t in shown]
        senders = [spikes.senders[of][within[of]] for of in mine]
        counts = [np.bincount(part, minlength=n_source) for part in senders]
        rates = np.stack(counts) / duration_ms
    elif item.source in network.rates_hz:
        row = np.zeros(trial.size, int)
        rates = np.full((1, n_source), network.rates_hz[item.source] / 1000.0)
    else:
        return None
    weight, connectivity = item.weight, item.connectivity
    if isinstance(weight, np.ndarray) and isinstance(connectivity, AllToAll):
        onto = weight[:, which]
        if item.spares:
            onto[which, np.arange(which.size)] = 0.0
        up, down = rates @ np.maximum(onto, 0.0), rates @ np.maximum(-onto, 0.0)
        return up[row], down[row], (rates @ onto**2)[row]
    values = np.asarray(weight)
    if isinstance(weight, AnyDistribution):
        values = weight.draw(1000, generator(0, "weights of strong input"))
    if isinstance(connectivity, OneToOne):
        onto = rates[row][:, which] * (item.spares is None)
    else:
        number = item.expected_number(n_source, size) / size
        onto = np.repeat(rates.mean(axis=1)[row, None] * number, which.size, axis=1)
    up, down = np.maximum(values, 0.0).mean(), np.maximum(-values, 0.0).mean()
    return onto * up, onto * down, onto * (values**2).mean()


def unknown_inhibition(
    network: SpikingNetwork, name: str, stimulus: Stimulus, duration_ms: float
) -> bool:
    """Whether what inhibits a population fires at a rate that nobody knows.

    Parameters
    ----------
    network : SpikingNetwork
    name : str
    stimulus : Stimulus
    duration_ms : float
    """
    known = {*network.rates_hz, *(stimulus.spikes if math.isfinite(duration_ms) else ())}
    return any(
        _inhibits(item, network.neurons[name])
        for item in network.projections
        if item.target == name and item.source not in known
    )


def _inhibits(item: Projection | BackgroundInput, population: NeuronModel) -> bool:
    reversal = getattr(item.synapse, "reversal_mv", None)
    if reversal is not None:
        return bool(np.min(reversal) <= np.max(population.threshold_mv))
    weight = item.weight
    return bool(np.any((weight.expected if isinstance(weight, AnyDistribution) else weight) < 0))


def _take_up_synapses(
    population: NeuronModel,
    given: KnownInput,
    gains: dict[str, np.ndarray],
    slow: dict[Any, list[np.ndarray]],
    draw: np.random.Generator,
) -> None:
    """Conductances and currents at each moment, as far as the membrane follows them."""
    areas = {
        synapse: (math.e * synapse.tau_ms, (math.e * synapse.tau_ms) ** 2 / (4 * synapse.tau_ms))
        if isinstance(synapse, AlphaSynapse)
        else (synapse.tau_ms, synapse.tau_ms / 2.0)
        for synapse, _ in slow
    }  # integrals of the time course, and of its square
    on_average = np.zeros_like(given.drive)
    for (synapse, unit), (first, _) in slow.items():
        if synapse.reversal_mv is not None:
            on_average += first * areas[synapse][0] * gains[unit]
    for (synapse, unit), (first, second) in slow.items():
        mean, variance = first * areas[synapse][0], second * areas[synapse][1]
        lasts = synapse.tau_ms * (2.0 if isinstance(synapse, AlphaSynapse) else 1.0)
        some = (np.abs(mean) > 0) & (variance > 0)
        size = np.where(some, second / np.where(some, first, 1.0), 0.0) * gains[unit]
        rate = np.where(some, first**2 / np.where(some, second, 1.0), 0.0)
        reversal = synapse.reversal_mv
        onto_v, opened = (size, 0.0 * size) if reversal is None else (size * reversal, size)
        # An event that opens much makes the membrane fast enough to follow it.
        tau = _membrane_ms(population, given.which, on_average + np.maximum(opened, 0.0))
        passes = np.sqrt(lasts / (lasts + tau))
        given.events.append((rate, onto_v, opened, np.sqrt(lasts * tau)))
        if synapse.reversal_mv is None:
            flows = mean + passes * np.sqrt(variance) * draw.standard_normal(mean.shape)
            given.drive += flows * gains[unit]
            continue
        scale = np.where(some, variance / np.where(some, mean, 1.0), 1.0)
        drawn = draw.gamma(np.where(some, mean / scale, 1.0)) * scale  # no conductance is below 0
        open_ = np.where(some, mean + passes * (drawn - mean), mean) * gains[unit]
        given.conductance += open_
        given.drive += open_ * synapse.reversal_mv


def _take_up_currents(
    network: SpikingNetwork,
    name: str,
    given: KnownInput,
    gains: dict[str, np.ndarray],
    stimulus: Stimulus,
    trial: np.ndarray,
    moment: np.ndarray,
    draw: np.random.Generator,
) -> None:
    """Currents of the stimulus and of noise, as far as the membrane follows them."""
    tau = _membrane_ms(network.neurons[name], given.which, given.conductance)
    for unit, currents in stimulus.currents.items():
        if name not in currents or unit not in gains:
            continue
        current = np.asarray(currents[name], float)
        n_trials, n_steps, size = current.shape
        last = (moment * n_steps).astype(int)
        window = 1
        if math.isfinite(given.duration_ms):
            window = max(1, round(float(np.median(tau)) * n_steps / given.duration_ms))
        columns = given.which if size > 1 else np.zeros(given.which.size, int)
        rows = [current[t % n_trials, max(0, k - window + 1) : k + 1].mean(0)[columns]
                for t, k in zip(trial, last, strict=True)]  # fmt: skip
        given.noisy |= len(np.unique(np.stack(rows), axis=0)) > 1
        given.drive += np.stack(rows) * gains[unit]
    for noise in network.noise:
        if noise.target == name:
            sd = each(noise.sd, network.neurons[name])[given.which]
            passes = np.sqrt(noise.interval_ms / (noise.interval_ms + 2.0 * tau))
            drawn = noise.mean + sd * passes * draw.standard_normal(given.drive.shape)
            given.drive += drawn * gains[noise.unit]
            given.noisy |= bool(sd.any())


def _membrane_ms(population: NeuronModel, which: np.ndarray, conductance: np.ndarray) -> np.ndarray:
    """The effective time constant of the membrane with these conductances."""
    if isinstance(population, LIF):
        return np.asarray(each(population.tau_m_ms, population)[which] / (1.0 + conductance))
    rest = population.fall_rates(each(population.rest_mv, population))[which]
    share = population.fall_rates(each(population.rest_mv, population), 1.0)[which] - rest
    return np.asarray(1.0 / np.maximum(rest + share * conductance, 1e-3))


def each(value: Any, population: NeuronModel) -> np.ndarray:
    """A value of each neuron."""
    return np.broadcast_to(np.asarray(value, float), (population.size,))
