"""What is known of published networks, and how it is measured of a simulation here.

The values are those that the tests hold the networks to, with the same margins.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from spikelearn.spikes import isi_cv, rates_hz
from spikelearn.spikes.activity import Activity

Measure = Callable[[Activity], float]


@dataclass(frozen=True)
class Known:
    """A quantity of a network: what others found, and how to measure it.

    Parameters
    ----------
    what, unit : str
    low, high : float
        Between which it lies here, if all is well.
    others : str
        What was found, and by whom.
    measure : callable
        Of an activity.
    """

    what: str
    unit: str
    low: float
    high: float
    others: str
    measure: Measure


@dataclass(frozen=True)
class Run:
    """How a published network is run.

    Parameters
    ----------
    duration_ms, dt_ms : float
    known : tuple of Known
    scale : float
        Share of its neurons and of the synapses on each.
    """

    duration_ms: float
    known: tuple[Known, ...]
    dt_ms: float = 0.1
    scale: float = 1.0


def rate(*populations: str, after_ms: float = 0.0) -> Measure:
    """Mean rate of the neurons of populations, of all if none is named, in Hz."""

    def measured(activity: Activity) -> float:
        names = populations or tuple(activity.populations)
        each = [rates_hz(activity, name, start_ms=after_ms) for name in names]
        return float(np.concatenate(each).mean())

    return measured


def variation(population: str, after_ms: float = 100.0) -> Measure:
    """Mean coefficient of variation of intervals, over the neurons of five or more."""

    def measured(activity: Activity) -> float:
        return float(np.nanmean(isi_cv(activity, population, 5, start_ms=after_ms)))

    return measured


def rhythm(*populations: str, after_ms: float = 0.0) -> Measure:
    """Frequency at which the spike count in bins of 1 ms swings most, in Hz."""

    def measured(activity: Activity) -> float:
        times = np.concatenate(
            [activity[name].times_ms for name in populations or activity.populations]
        )
        counts = np.histogram(times, np.arange(after_ms, activity.duration_ms + 0.5, 1.0))[0]
        power = np.abs(np.fft.rfft(counts - counts.mean())) ** 2
        return float(np.fft.rfftfreq(counts.size, 1e-3)[np.argmax(power)])

    return measured


def of_brunel(low: float, high: float, others: str) -> Known:
    """The rate of Brunel's excitatory neurons."""
    return Known(
        "rate of excitatory neurons", "Hz", low, high, others, rate("excitatory", after_ms=100.0)
    )


def of_microcircuit(population: str, nest_hz: float) -> Known:
    """The rate of one population of the microcircuit, at a twentieth of its size."""
    return Known(
        f"rate of {population}", "Hz", 0.6 * nest_hz, 1.4 * nest_hz,
        f"{nest_hz:g}, NEST 3.10, mean of six seeds", rate(population, after_ms=200.0),
    )  # fmt: skip


PUBLISHED: dict[str, Run] = {
    "brunel2000": Run(
        300.0,
        (of_brunel(35.7, 39.7, "37.7 simulated in the paper; theory 40.4"),),
    ),
    "brunel2000_fast_oscillation": Run(
        300.0,
        (
            of_brunel(57.0, 63.0, "about 60"),
            Known("rhythm of the population", "Hz", 150.0, 220.0, "fast: 150 to 220",
                  rhythm("excitatory", after_ms=100.0)),
        ),
    ),
    "brunel2000_slow_oscillation": Run(
        600.0,
        (
            of_brunel(4.0, 8.0, "4 to 8"),
            Known("rhythm of the population", "Hz", 15.0, 60.0, "slow: 15 to 60",
                  rhythm("excitatory", after_ms=100.0)),
        ),
    ),
    "brunel2000_synchronous_regular": Run(
        200.0,
        (
            of_brunel(250.0, 500.0, "close to 1 / 2 ms, which refractoriness allows"),
            Known("variation of intervals (CV)", "", 0.0, 0.2, "regular: near 0",
                  variation("excitatory")),
        ),
    ),
    "vogels_abbott_cuba": Run(
        1000.0,
        (Known("rate", "Hz", 4.8, 6.4, "5.6, Brian2 and NEST with their own random numbers",
               rate()),),
    ),
    "vogels_abbott_coba": Run(
        1000.0,
        (
            Known("rate", "Hz", 17.3, 20.9, "19.1 ± 0.6, NEST 3.10, four seeds",
                  rate(after_ms=100.0)),
            Known("variation of intervals (CV)", "", 1.5, 1.7, "1.60 ± 0.02, NEST 3.10",
                  variation("excitatory")),
        ),
    ),
    "izhikevich2003": Run(
        1000.0,
        (
            Known("rate of excitatory neurons", "Hz", 6.5, 9.5, "8, the paper", rate("excitatory")),
            Known("rhythm of the population", "Hz", 7.0, 13.0, "alpha, the paper", rhythm()),
        ),
    ),
    "hodgkin_huxley1952": Run(
        1000.0,
        (Known("rate", "Hz", 67.5, 69.5, "68.5, the equations integrated finely", rate("axon")),),
        dt_ms=0.05,
    ),
    # Three seconds: over one, the rate of L23E is 0.26 Hz with a standard deviation of 0.03 over
    # 100 seeds, and up to 0.37.
    "potjans_diesmann2014": Run(
        3200.0,
        tuple(
            of_microcircuit(population, nest_hz)
            for population, nest_hz in {
                "L23E": 0.26, "L23I": 1.28, "L4E": 3.20, "L4I": 3.84,
                "L5E": 5.25, "L5I": 6.67, "L6E": 0.54, "L6I": 5.97,
            }.items()
        ),
        scale=0.05,
    ),
}  # fmt: skip
