"""What is seen of an activity, as numbers: raster, rates, potentials, spectrum, weights."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from spikelearn._seeding import generator
from spikelearn._spike_arrays import PopulationSpikes
from spikelearn.explorer.computing import Answer
from spikelearn.networks.fields import AnyDistribution
from spikelearn.networks.projections import UNITS
from spikelearn.networks.spiking import SpikingNetwork
from spikelearn.responses.psth import bin_centres_ms, population_psth
from spikelearn.spikes.activity import Activity
from spikelearn.spikes.binning import within_whole_bins
from spikelearn.spikes.spectrum import LEAST_BINS, rate_spectrum
from spikelearn.spikes.statistics import isi_cv, rates_hz

PARTS = ("potentials", "spectrum", "weights", "curve")
"""What is computed only where it is looked at."""
MOST_ROWS, MOST_DOTS = 160, 12_000  # of the raster
MOST_TRACES, MOST_POINTS = 5, 2_000  # of potentials
_MOST_WEIGHTS = 2_000_000
_BARS = 40
_BINS_MS = (0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0)


@dataclass
class Picture:
    """All that is drawn of an activity.

    Attributes
    ----------
    duration_ms : float
        What the time axes cover.
    rows : list of (str, float, float)
        Populations with their lowest and highest row in the raster.
    dots : dict of (array, array)
        Times in ms and rows of the spikes that are drawn, by population.
    thinned : str
        What of the spikes is not drawn, in words.
    bin_ms : float
        Of the rates.
    rates : dict of (array, array)
        Times in ms and rates in Hz, by population.
    potentials : list of (str, array, array)
        Names of neurons, times in ms, potentials in mV.
    spectra : dict of (array, array)
        Frequencies in Hz and densities in Hz^2 / Hz, by population.
    weights : dict of (array, array)
        Edges and numbers of synapses, by projection and unit.
    same_weights : list of str
        Projections whose synapses all have one weight, in words.
    curve : dict of (array, array)
        Rates in Hz over what differs between stimuli, by population; empty for one stimulus.
    curve_of : str
        What differs, in words.
    numbers : list of (str, int, float, float)
        Population, neurons, rate in Hz, mean coefficient of variation.
    parts : tuple of str
        Of `PARTS`, those that were computed.
    """

    duration_ms: float
    rows: list[tuple[str, float, float]] = field(default_factory=list)
    dots: dict[str, tuple[np.ndarray, np.ndarray]] = field(default_factory=dict)
    thinned: str = ""
    bin_ms: float = 1.0
    rates: dict[str, tuple[np.ndarray, np.ndarray]] = field(default_factory=dict)
    potentials: list[tuple[str, np.ndarray, np.ndarray]] = field(default_factory=list)
    spectra: dict[str, tuple[np.ndarray, np.ndarray]] = field(default_factory=dict)
    weights: dict[str, tuple[np.ndarray, np.ndarray]] = field(default_factory=dict)
    same_weights: list[str] = field(default_factory=list)
    curve: dict[str, tuple[np.ndarray, np.ndarray]] = field(default_factory=dict)
    curve_of: str = ""
    numbers: list[tuple[str, int, float, float]] = field(default_factory=list)
    parts: tuple[str, ...] = ()


def picture_of(answer: Answer, looked_at: Collection[str] = PARTS) -> Picture:
    """What is drawn of an answer that has an activity.

    Parameters
    ----------
    answer : Answer
    looked_at : collection of str
        Of `PARTS`, those that are computed beside raster, rates and numbers.
    """
    activity, network = answer.activity, answer.network
    assert activity is not None  # noqa: S101 - asked for
    assert network is not None  # noqa: S101 - comes with it
    picture = Picture(answer.setting.duration_ms, parts=tuple(looked_at))
    _raster(activity, picture)
    _rates(activity, picture)
    if "potentials" in looked_at:
        _potentials(activity, picture)
    if "spectrum" in looked_at:
        _spectra(activity, picture)
    if "weights" in looked_at:
        _weights(activity, network, answer.setting.seed, picture)
    if "curve" in looked_at:
        _curve(activity, picture)
    for name, spikes in activity.populations.items():
        rate = float(rates_hz(activity, name).mean())
        with np.errstate(invalid="ignore"):
            varied = isi_cv(activity, name, min_intervals=5)
        known = varied[np.isfinite(varied)]
        cv = float(known.mean()) if known.size else float("nan")
        picture.numbers.append((name, spikes.size, rate, cv))
    return picture


def _raster(activity: Activity, picture: Picture) -> None:
    """Some neurons of each population, evenly chosen; of single cells, all trials."""
    sizes = {name: spikes.size for name, spikes in activity.populations.items()}
    by_trial = activity.n_trials > 1 and max(sizes.values(), default=0) == 1
    step = max(1, -(-sum(sizes.values()) // MOST_ROWS))
    n_spikes = sum(len(spikes) for spikes in activity.populations.values())
    trials = 1 if not by_trial else activity.n_trials
    while n_spikes / activity.n_trials * trials / step > MOST_DOTS:
        step *= 2
    first = 0.0
    for name, spikes in activity.populations.items():
        if by_trial:
            times, rows, n_rows = spikes.times_ms, spikes.trials, activity.n_trials
        else:
            times, rows = _of_some(spikes, step)
            n_rows = -(-spikes.size // step)
        picture.dots[name] = np.asarray(times, float), rows + first
        picture.rows.append((name, first - 0.5, first + n_rows - 0.5))
        first += n_rows + max(1.0, 0.02 * MOST_ROWS if len(sizes) > 1 else 0.0)
    if by_trial:
        picture.thinned = f"a row for each of {activity.n_trials} trials"
    else:
        parts = [f"1 in {step} neurons"] if step > 1 else []
        parts += [f"trial 1 of {activity.n_trials}"] if activity.n_trials > 1 else []
        picture.thinned = ", ".join(parts)


def _of_some(spikes: PopulationSpikes, step: int) -> tuple[np.ndarray, np.ndarray]:
    """Times and rows of the first trial's spikes of every `step`th neuron."""
    here = spikes.of_trial(0)
    chosen = spikes.senders[here] % step == 0
    return spikes.times_ms[here][chosen], spikes.senders[here][chosen] // step


def _rates(activity: Activity, picture: Picture) -> None:
    fitting = [b for b in _BINS_MS if activity.dt_ms <= b <= max(activity.duration_ms / 100, 1.0)]
    bin_ms = min(fitting[-1] if fitting else activity.dt_ms, activity.duration_ms)
    # A bin is a whole number of steps, or spikes beat against it.
    bin_ms = max(1, round(bin_ms / activity.dt_ms)) * activity.dt_ms
    picture.bin_ms = bin_ms
    for name in activity.populations:
        spikes, duration_ms = within_whole_bins(activity[name], activity.duration_ms, bin_ms)
        whole = Activity(
            {name: spikes}, duration_ms, activity.dt_ms, activity.n_trials, activity.labels
        )
        rates, _ = population_psth(whole, name, bin_ms)
        picture.rates[name] = bin_centres_ms(duration_ms, bin_ms), rates.mean(axis=0)


def _spectra(activity: Activity, picture: Picture) -> None:
    width_ms = max(1.0, activity.dt_ms)
    for name in activity.populations:
        if activity.duration_ms >= LEAST_BINS * width_ms:
            frequencies, density = rate_spectrum(activity, name, width_ms)
            picture.spectra[name] = frequencies[1:], density[1:]


def _potentials(activity: Activity, picture: Picture) -> None:
    for key, values in activity.states.items():
        name = key.removesuffix(".v_mv")
        n_trials, _, size = values.shape
        by_trial = size == 1 and n_trials > 1
        count = n_trials if by_trial else size
        numbers = activity.provenance.get("recorded_neurons", {}).get(name, range(size))
        for k in np.unique(np.linspace(0, count - 1, min(count, MOST_TRACES)).astype(int)):
            trace = values[k, :, 0] if by_trial else values[0, :, k]
            times = activity.state_times_ms(key)
            which = f"{name}, {activity.labels[k]}" if by_trial else f"{name} {numbers[k]}"
            picture.potentials.append((which, *_thinned(times, trace)))


def _thinned(times: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A trace in fewer points, with the lowest and highest of each stretch: no spike is lost."""
    if times.size <= MOST_POINTS:
        return times, values
    length = -(-2 * times.size // MOST_POINTS)
    n = times.size // length
    parts = values[: n * length].reshape(n, length)
    ends = np.sort(np.stack([parts.argmin(axis=1), parts.argmax(axis=1)], axis=1), axis=1)
    places = (ends + np.arange(n)[:, None] * length).ravel()
    return times[places], values[places]


def _weights(activity: Activity, network: SpikingNetwork, seed: int, picture: Picture) -> None:
    for index, projection in enumerate(network.projections):
        unit = UNITS[projection.unit]
        learnt: Any = activity.weights.get(projection.name)
        if learnt is not None:
            values = np.ravel(getattr(learnt, "values", learnt))
            picture.weights[f"{projection.name} at the end ({unit})"] = _histogram(values)
        elif isinstance(projection.weight, float):
            picture.same_weights.append(f"{projection.name}: all {projection.weight:g} {unit}")
        elif _expected(network, index) <= _MOST_WEIGHTS:
            drawn = network.connections(projection, generator(seed, "connections", index))
            picture.weights[f"{projection.name} ({unit})"] = _histogram(drawn.weight)
        elif isinstance(projection.weight, AnyDistribution):
            sample = projection.weight.draw(10_000, generator(seed, "weights that are shown"))
            picture.weights[f"{projection.name} ({unit}; 10,000 drawn alike)"] = _histogram(sample)


def _expected(network: SpikingNetwork, index: int) -> float:
    p = network.projections[index]
    ends = network.populations[p.source].size, network.populations[p.target].size
    return float(p.expected_number(*ends))


def _histogram(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    counts, edges = np.histogram(values, bins=_BARS)
    return edges, counts


def _curve(activity: Activity, picture: Picture) -> None:
    """The rate at each stimulus, where stimuli are told apart by a number."""
    found = [
        re.fullmatch(r"\s*([-+]?[\d.]+(?:e[-+]?\d+)?)\s*(.*)", label) for label in activity.labels
    ]
    if len(set(activity.labels)) < 3 or not all(found):
        return
    units = {match[2] for match in found if match}
    if len(units) != 1:
        return
    xs = np.array([float(match[1]) for match in found if match])
    seconds = activity.duration_ms / 1000.0
    for name, spikes in activity.populations.items():
        rates = spikes.counts(activity.n_trials).mean(axis=1) / seconds
        values = np.unique(xs)
        picture.curve[name] = values, np.array([rates[xs == x].mean() for x in values])
    picture.curve_of = units.pop() or "stimulus"
