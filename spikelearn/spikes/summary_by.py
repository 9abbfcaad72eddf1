"""The summary of spikes by stimulus or by trial, and the rate at each value of a ladder of stimuli.

A ladder is a batch of trials whose labels are a number and its unit, "150 pA", the same unit in
all: such labels have trials that protocols make of lists of amplitudes, and those of any file that
labels them so. Numbers without a unit are names, such as those of digits.
"""

from __future__ import annotations

import dataclasses
import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from spikelearn._errors import SpikelearnError
from spikelearn._spike_arrays import PopulationSpikes, pieces
from spikelearn.spikes.statistics import summary
from spikelearn.spikes.window import between, trials_by_stimulus

if TYPE_CHECKING:
    import pandas as pd

    from spikelearn.spikes.activity import Activity

BY = ("population", "stimulus", "trial")
_VALUE = re.compile(r"\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*([^\W\d_][^,;]*?)\s*")


def of_trials(activity: Activity, trials: np.ndarray) -> Activity:
    """Some trials alone, numbered anew in the order in which they are given; weights are left out.

    Parameters
    ----------
    activity : Activity
    trials : array of int
        Numbers of trials, each once.
    """
    new = np.full(activity.n_trials, -1)
    new[trials] = np.arange(len(trials))
    return dataclasses.replace(
        activity,
        populations={name: _chosen(s, new) for name, s in activity.populations.items()},
        n_trials=len(trials),
        labels=tuple(activity.labels[trial] for trial in trials),
        states={name: state[trials] for name, state in activity.states.items()},
        weights={},
        weight_units={},
    )


def _chosen(spikes: PopulationSpikes, new: np.ndarray) -> PopulationSpikes:
    """The spikes of trials that have a new number, in the order of these."""
    times, senders, trials = [np.empty(0)], [np.empty(0, dtype=np.int64)], [np.empty(0, dtype=int)]
    for here in pieces(len(spikes)):  # they may lie on the disk
        numbers = new[spikes.trials[here]]
        kept = numbers >= 0
        times.append(spikes.times_ms[here][kept])
        senders.append(spikes.senders[here][kept])
        trials.append(numbers[kept])
    return PopulationSpikes.from_unsorted(
        spikes.size, np.concatenate(times), np.concatenate(senders), np.concatenate(trials)
    )


def check_by(by: str) -> None:
    """Refuse what statistics are not by.

    Raises
    ------
    SpikelearnError
        Naming what there is.
    """
    if by not in BY:
        raise SpikelearnError(f"statistics are by {', '.join(BY)}, found '{by}'")


def summary_by(
    activity: Activity,
    by: str = "population",
    bin_ms: float = 5.0,
    start_ms: float = 0.0,
    stop_ms: float | None = None,
) -> pd.DataFrame:
    """The `summary` of each population: over all trials, of each stimulus, or of each trial.

    Parameters
    ----------
    activity : Activity
    by : str
        "population", "stimulus" or "trial".
    bin_ms : float
        Width of the bins of `correlation` and `synchrony`.
    start_ms, stop_ms : float
        The part of each trial that counts; all of it if left out.

    Returns
    -------
    DataFrame
        Columns of `summary`; before them `stimulus`, and `trial` (from 0) where each has rows.

    Raises
    ------
    SpikelearnError
        If `by` is something else, or the part is none.
    """
    import pandas as pd

    check_by(by)
    part = between(activity, start_ms, stop_ms)
    if by == "population":
        return summary(part, bin_ms)
    groups: list[tuple[dict[str, str | int], np.ndarray]]
    if by == "stimulus":
        groups = [({"stimulus": name}, trials) for name, trials in trials_by_stimulus(part).items()]
    else:
        groups = [
            ({"trial": trial, "stimulus": str(label)}, np.array([trial]))
            for trial, label in enumerate(part.labels)
        ]
    tables = []
    for names, trials in groups:
        table = summary(of_trials(part, trials), bin_ms)
        for place, (name, value) in enumerate(names.items()):
            table.insert(place, name, value)
        tables.append(table)
    return pd.concat(tables, ignore_index=True)


@dataclass(frozen=True)
class Ladder:
    """What trials differ in where that is one value: its unit, and the value of each trial."""

    unit: str
    values: np.ndarray

    @property
    def steps(self) -> np.ndarray:
        """The values, each once, upwards."""
        return np.unique(self.values)


def ladder(activity: Activity) -> Ladder | None:
    """The values that the labels of the trials say, where they are several of one unit."""
    found = [_VALUE.fullmatch(str(label)) for label in activity.labels]
    read = [(float(one[1]), one[2]) for one in found if one is not None]
    if len(read) < len(found) or len({unit for _, unit in read}) != 1:
        return None
    values = np.array([value for value, _ in read])
    if not np.isfinite(values).all() or len(np.unique(values)) < 2:
        return None
    return Ladder(read[0][1], values)


def rate_curve(
    activity: Activity, start_ms: float = 0.0, stop_ms: float | None = None
) -> pd.DataFrame:
    """The firing rate of each population at each value of a ladder of stimuli: the f-I curve.

    Parameters
    ----------
    activity : Activity
        Trials whose labels are a number and a unit, as "150 pA".
    start_ms, stop_ms : float
        The part of each trial that counts; all of it if left out.

    Returns
    -------
    DataFrame
        A row for each population and value, upwards: `population`, `value`, `unit`, `n_trials`,
        `rate_hz` (mean over neurons and trials), `sd_hz` (over trials; NaN of one).

    Raises
    ------
    SpikelearnError
        If the trials are no ladder, or the part is none.
    """
    import pandas as pd

    steps = ladder(activity)
    if steps is None:
        raise SpikelearnError(
            "there is no curve of rates: labels of trials are to be a number and a unit, the same"
            f" unit in all, as '150 pA' (found {', '.join(map(repr, activity.labels[:3]))})"
        )
    part = between(activity, start_ms, stop_ms)
    rows = []
    for name, spikes in part.populations.items():
        of_trial = np.zeros(part.n_trials)
        for here in pieces(len(spikes)):
            of_trial += np.bincount(spikes.trials[here], minlength=part.n_trials)
        rates = of_trial / (max(spikes.size, 1) * part.duration_ms / 1000.0)
        for value in steps.steps:
            mine = rates[steps.values == value]
            spread = float(mine.std(ddof=1)) if len(mine) > 1 else math.nan
            rows.append((name, value, steps.unit, len(mine), float(mine.mean()), spread))
    return pd.DataFrame(
        rows, columns=["population", "value", "unit", "n_trials", "rate_hz", "sd_hz"]
    )
