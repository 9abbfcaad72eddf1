"""The grasshopper's receptor and populations of model neurons that hear the same sounds.

Leaky integrate-and-fire neurons, with and without an adaptive threshold, take the sound's amplitude
envelope as current, and balanced Poisson input as noise. Their parameters are chosen on the first
sound, by the correlation of the population's PSTH with the receptor's; everything is reported on
the second as well. The candidates of the search are one heterogeneous population: one simulation.

Beside them stand the envelope itself and a homogeneous Poisson neuron of the receptor's mean rate.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from spikelearn._seeding import generator
from spikelearn.networks.spiking import LIF, AdaptiveLIF, BackgroundInput, SpikingNetwork
from spikelearn.simulation import simulate
from spikelearn.stimuli.drawn_spikes import poisson_spikes
from spikelearn.stimuli.stimulus import Stimulus

if TYPE_CHECKING:
    import pandas as pd

    from spikelearn.recordings import AuditoryRecording, Sound
    from spikelearn.spikes.activity import Activity

Progress = Callable[[float, str], None]

DT_MS = 0.5
BIN_MS = 1.0
SIGMA_MS = 3.0  # of the PSTH's Gaussian, and time constant of the van Rossum distance
MAX_LAG_MS = 20
FIT_NEURONS = 4  # neurons a candidate
POPULATION = 20  # neurons of the reported population
THRESHOLD_MV = 10.0  # above rest
REFRACTORY_MS = 2.0
NOISE_RATE_HZ, NOISE_MV = 500.0, 1.0  # of the excitatory and of the inhibitory background input
MIN_RATE_HZ = 5.0  # candidates below have no PSTH to speak of

Parameters = dict[str, float]

# The search. Gain and offset: mV of drive per standard deviation of the envelope, and at its mean.
LIF_GRID: tuple[Parameters, ...] = tuple(
    {"tau_m_ms": tau, "gain_mv": gain, "offset_mv": offset}
    for tau, gain, offset in itertools.product(
        (1.0, 2.0, 5.0, 10.0), (2.0, 4.0, 8.0, 16.0), (5.0, 10.0, 15.0)
    )
)
ADAPTIVE_GRID: tuple[Parameters, ...] = tuple(
    {
        "tau_m_ms": tau,
        "gain_mv": gain,
        "offset_mv": offset,
        "threshold_increment_mv": increment,
        "tau_threshold_ms": tau_threshold,
    }
    for tau, gain, offset, increment, tau_threshold in itertools.product(
        (1.0, 2.0, 4.0), (4.0, 8.0), (20.0, 30.0, 45.0), (0.5, 1.0, 2.0), (100.0, 200.0, 400.0)
    )
)
MODELS: dict[str, tuple[Parameters, ...]] = {
    "integrate-and-fire": LIF_GRID,
    "adaptive integrate-and-fire": ADAPTIVE_GRID,
}


@dataclass(frozen=True)
class AuditoryResult:
    """What `run` gives.

    Attributes
    ----------
    table : DataFrame
        One row per model and sound: `model`, `sound`, `role` ("fitted" or "held out"),
        `correlation`, `lag_ms` (of the receptor behind the model, chosen on the first sound),
        `van_rossum` (mean over the population's neurons), `rate_hz`, `recorded_rate_hz`.
    parameters : mapping of str to Parameters
        The chosen candidate of each model.
    activities : mapping of str to Activity
        The populations' spikes; trials are the sounds.
    traces : mapping of str to array of shape (n_sounds, n_bins)
        The receptor's and each model's PSTH (Hz), and the smoothed envelope.
    """

    table: pd.DataFrame
    parameters: dict[str, Parameters]
    activities: dict[str, Activity]
    traces: dict[str, np.ndarray]


def run(
    recording: AuditoryRecording,
    backend: str = "snntorch",
    seed: int = 0,
    progress: Progress | None = None,
) -> AuditoryResult:
    """Fit on the first sound, report on all.

    Parameters
    ----------
    recording : AuditoryRecording
    backend : str
        Where the populations are simulated.
    seed : int
        Of the noise and of the Poisson neuron.
    progress : callable, optional
        Called with the fraction done and a few words.
    """
    from spikelearn.comparison import sound_envelope
    from spikelearn.responses import psth, psth_of_trains

    say = progress or (lambda fraction, words: None)
    scale = float(recording.sounds[0].envelope.mean()), float(recording.sounds[0].envelope.std())
    recorded = [
        psth_of_trains([times], sound.duration_ms, BIN_MS, SIGMA_MS).values[0, 0]
        for sound, times in zip(recording.sounds, recording.spike_times_ms, strict=True)
    ]
    responses = {"recorded receptor": recorded}
    trains: dict[str, list[list[np.ndarray]]] = {}
    parameters, activities = {}, {}
    for index, (model, grid) in enumerate(MODELS.items()):
        first, last = index / len(MODELS), (index + 1) / len(MODELS)

        def part(fraction: float, first: float = first, last: float = last, m: str = model) -> None:
            say(first + 0.9 * (last - first) * fraction, f"fitting {m} neurons")

        parameters[model] = fit(grid, recording.sounds[0], recorded[0], scale, backend, seed, part)
        say(last, f"simulating {model} neurons")
        activity = hear(
            parameters[model], POPULATION, recording.sounds, scale, backend, seed + 1, model
        )
        activities[model] = activity
        rates = psth(activity, "neurons", BIN_MS, SIGMA_MS, population_mean=True)
        responses[model] = list(rates.values)
        trains[model] = [activity["neurons"].trains(k) for k in range(len(recording.sounds))]
    rate = 1000.0 * len(recording.spike_times_ms[0]) / recording.sounds[0].duration_ms
    trains["rate-matched Poisson"] = _poisson_trains(rate, recording.sounds, seed)
    responses["rate-matched Poisson"] = [
        psth_of_trains(t, s.duration_ms, BIN_MS, SIGMA_MS, population_mean=True).values[0]
        for t, s in zip(trains["rate-matched Poisson"], recording.sounds, strict=True)
    ]
    responses["sound envelope"] = [
        sound_envelope(sound, BIN_MS, SIGMA_MS).values for sound in recording.sounds
    ]
    table = compare(recording, responses, trains)
    traces = {name: np.stack(values) for name, values in responses.items()}
    say(1.0, "done")
    return AuditoryResult(table, parameters, activities, traces)


def envelope_in_steps(sound: Sound) -> np.ndarray:
    """Mean amplitude in each time step, shape (n_steps,)."""
    samples = round(sound.rate_hz * DT_MS / 1000.0)
    return np.asarray(sound.envelope).reshape(-1, samples).mean(1)


def network_of(parameters: Sequence[Parameters], repeats: int, name: str) -> SpikingNetwork:
    """One population holding `repeats` neurons of each candidate, with background input.

    Parameters
    ----------
    parameters : sequence of Parameters
        The candidates.
    repeats : int
        Neurons of each, with noise of their own.
    name : str
        Of the network.
    """

    def each(key: str) -> np.ndarray:
        return np.repeat([p[key] for p in parameters], repeats)

    size = len(parameters) * repeats
    neurons: LIF | AdaptiveLIF
    if "threshold_increment_mv" in parameters[0]:
        neurons = AdaptiveLIF(
            size=size,
            tau_m_ms=each("tau_m_ms"),
            v_threshold_mv=THRESHOLD_MV,
            refractory_ms=REFRACTORY_MS,
            threshold_increment_mv=each("threshold_increment_mv"),
            tau_threshold_ms=each("tau_threshold_ms"),
        )
    else:
        neurons = LIF(
            size=size,
            tau_m_ms=each("tau_m_ms"),
            v_threshold_mv=THRESHOLD_MV,
            refractory_ms=REFRACTORY_MS,
        )
    return SpikingNetwork(
        name=name,
        description="neurons that take a sound's envelope as current",
        populations={"neurons": neurons},
        background=tuple(
            BackgroundInput(target="neurons", rate_hz=NOISE_RATE_HZ, weight_mv=sign * NOISE_MV)
            for sign in (1, -1)
        ),
    )


def drive(
    parameters: Sequence[Parameters],
    repeats: int,
    sounds: Sequence[Sound],
    scale: tuple[float, float],
) -> Stimulus:
    """The current into each neuron of `network_of`: offset + gain * standardised envelope, mV.

    Parameters
    ----------
    parameters, repeats
        As of `network_of`.
    sounds : sequence of Sound
        A trial each.
    scale : (float, float)
        Mean and standard deviation of the envelope of the first sound.
    """
    mean, sd = scale
    gain = np.repeat([p["gain_mv"] for p in parameters], repeats)
    offset = np.repeat([p["offset_mv"] for p in parameters], repeats)
    current = np.stack(
        [offset + gain * ((envelope_in_steps(s)[:, None] - mean) / sd) for s in sounds]
    )
    return Stimulus(
        [s.label for s in sounds],
        currents_mv={"neurons": current},
        provenance={"protocol": "sound envelope as current", "sounds": [s.label for s in sounds]},
    )


def hear(
    parameters: Parameters,
    n_neurons: int,
    sounds: Sequence[Sound],
    scale: tuple[float, float],
    backend: str,
    seed: int,
    name: str,
) -> Activity:
    """Simulate a population of equal neurons, with noise of their own, that hears the sounds.

    Parameters
    ----------
    parameters : Parameters
        Of each neuron.
    n_neurons : int
    sounds : sequence of Sound
        A trial each.
    scale : (float, float)
        Mean and standard deviation of the envelope of the first sound.
    backend : str
        Where it is simulated.
    seed : int
        Of the noise.
    name : str
        Of the network.
    """
    network = network_of([parameters], n_neurons, name)
    stimulus = drive([parameters], n_neurons, sounds, scale)
    return simulate(network, stimulus, sounds[0].duration_ms, DT_MS, backend, seed)


def fit(
    grid: Sequence[Parameters],
    sound: Sound,
    recorded: np.ndarray,
    scale: tuple[float, float],
    backend: str,
    seed: int,
    progress: Callable[[float], None],
) -> Parameters:
    """The candidate whose PSTH correlates best with the recorded one, at its best lag.

    Parameters
    ----------
    grid : sequence of Parameters
        The candidates.
    sound : Sound
    recorded : array of shape (n_bins,)
        PSTH of the receptor under the sound, Hz.
    scale : (float, float)
        Mean and standard deviation of the sound's envelope.
    backend : str
        Where the candidates are simulated.
    seed : int
        Of the noise.
    progress : callable
        Called with the fraction done.
    """
    from spikelearn.comparison import best_lag_ms, psth_correlation
    from spikelearn.responses import psth_of_trains

    activity = simulate(
        network_of(grid, FIT_NEURONS, "candidates"),
        drive(grid, FIT_NEURONS, [sound], scale),
        sound.duration_ms,
        DT_MS,
        backend,
        seed,
        progress=lambda fraction: progress(0.9 * fraction),
    )
    trains = activity["neurons"].trains(0)
    merged = [
        np.sort(np.concatenate(trains[k * FIT_NEURONS : (k + 1) * FIT_NEURONS]))
        for k in range(len(grid))
    ]
    least = MIN_RATE_HZ * FIT_NEURONS * sound.duration_ms / 1000.0
    rates = psth_of_trains(merged, sound.duration_ms, BIN_MS, SIGMA_MS).values[0]
    scores = []
    for train, rate in zip(merged, rates, strict=True):
        if train.size < least:
            scores.append(-np.inf)
            continue
        lag = best_lag_ms(rate, recorded, max_lag_ms=MAX_LAG_MS, bin_ms=BIN_MS)
        scores.append(psth_correlation(rate, recorded, lag, BIN_MS))
    return grid[int(np.argmax(scores))]


def compare(
    recording: AuditoryRecording,
    responses: dict[str, list[np.ndarray]],
    trains: dict[str, list[list[np.ndarray]]],
) -> pd.DataFrame:
    """The table of `AuditoryResult`.

    Parameters
    ----------
    recording : AuditoryRecording
    responses : mapping of str to list of array of shape (n_bins,)
        The PSTH (Hz) of the receptor ("recorded receptor") and of each model under each sound.
    trains : mapping of str to list of list of array
        Spike times (ms) of each model's neurons under each sound.
    """
    import pandas as pd

    from spikelearn.comparison import best_lag_ms, psth_correlation, van_rossum

    recorded = responses["recorded receptor"]
    rows = []
    for model, rates in responses.items():
        if model == "recorded receptor":
            continue
        # The sound reaches the membrane of a real receptor later than our current does.
        lag = best_lag_ms(rates[0], recorded[0], max_lag_ms=MAX_LAG_MS, bin_ms=BIN_MS)
        for k, (sound, times) in enumerate(
            zip(recording.sounds, recording.spike_times_ms, strict=True)
        ):
            distance = rate = float("nan")
            if model in trains:
                shifted = [train + lag for train in trains[model][k]]
                distance = float(van_rossum(shifted, [times], SIGMA_MS).mean())
                n_spikes = sum(train.size for train in shifted)
                rate = 1000.0 * n_spikes / len(shifted) / sound.duration_ms
            rows.append(
                {
                    "model": model,
                    "sound": sound.label,
                    "role": "fitted" if k == 0 else "held out",
                    "correlation": psth_correlation(rates[k], recorded[k], lag, BIN_MS),
                    "lag_ms": lag,
                    "van_rossum": distance,
                    "rate_hz": rate,
                    "recorded_rate_hz": 1000.0 * times.size / sound.duration_ms,
                }
            )
    return pd.DataFrame(rows)


def _poisson_trains(rate_hz: float, sounds: Sequence[Sound], seed: int) -> list[list[np.ndarray]]:
    """Trains of `POPULATION` homogeneous Poisson neurons for each sound."""
    draw = generator(seed, "rate-matched Poisson")
    spikes = poisson_spikes(
        POPULATION, rate_hz, sounds[0].duration_ms, DT_MS, draw, n_trials=len(sounds)
    )
    return [spikes.trains(k) for k in range(len(sounds))]
