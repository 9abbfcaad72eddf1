"""`Activity`: what a simulation leaves behind, in the shape every later room reads."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from spikelearn._arguments import check_numbers, in_few, is_whole, too_long
from spikelearn._counts import counted
from spikelearn._errors import SpikelearnError
from spikelearn._spike_arrays import PopulationSpikes
from spikelearn._synaptic_weights import SynapticWeights
from spikelearn._time_steps import in_steps
from spikelearn.spikes.state_steps import state_steps
from spikelearn.spikes.units import units_of_weights

if TYPE_CHECKING:
    import neo
    import pandas as pd

    from spikelearn.spikes.population import PopulationActivity


@dataclass(frozen=True, eq=False, repr=False)
class Activity:
    """Spikes, recorded state and provenance of one call of `simulate`.

    Parameters
    ----------
    populations : mapping of str to PopulationSpikes
        Spikes of every recorded population.
    duration_ms : float
        Duration of each trial in ms.
    dt_ms : float
        Time step of the grid in ms.
    n_trials : int
        Number of trials (stimuli).
    labels : sequence of str
        One label per trial: which stimulus it was.
    states : mapping of str to array of shape (n_trials, n_times, size)
        Recorded state by "population.variable" (`v_mv`: membrane potential in mV), at the times
        that `state_times_ms` says.
    weights : mapping of str to array of shape (source size, target size), or SynapticWeights
        Final weights of plastic projections, by "source->target", in the unit that `weight_units`
        says: a matrix of all-to-all connectivity, and of any other one weight for each synapse,
        which read as the matrix of their sums. `network.with_weights` takes both.
    provenance : mapping
        What was run: network, stimulus, backend and its version, seed. Plain YAML values.
    weight_units : mapping of str to str
        Unit of each matrix of weights: mV, pA, nS or mV/ms. Where it is not given, that of the
        network in the provenance, or mV.
    states_every_ms, states_first_ms : float
        Time from one record of the states to the next, in ms, a multiple of `dt_ms` (a record at
        every step, if it is left out); and time of the first, from the start of a trial.

    Examples
    --------
    >>> import spikelearn as sl
    >>> activity = sl.simulate(sl.load_model("izhikevich2003"), duration_ms=50)
    >>> list(activity)
    ['excitatory', 'inhibitory']
    >>> list(activity["excitatory"].spikes.columns)
    ['time_ms', 'neuron', 'trial']
    >>> activity.save("spikes.npz").name
    'spikes.npz'
    >>> sl.Activity.load("spikes.npz").n_spikes == activity.n_spikes
    True
    """

    populations: Mapping[str, PopulationSpikes]
    duration_ms: float
    dt_ms: float
    n_trials: int = 1
    labels: Sequence[str] = ()
    states: Mapping[str, np.ndarray] = field(default_factory=dict)
    weights: Mapping[str, np.ndarray | SynapticWeights] = field(default_factory=dict)
    provenance: Mapping[str, Any] = field(default_factory=dict)
    weight_units: Mapping[str, str] = field(default_factory=dict)
    states_every_ms: float | None = None
    states_first_ms: float = 0.0

    def __post_init__(self) -> None:
        if self.states_every_ms is None:
            object.__setattr__(self, "states_every_ms", self.dt_ms)
        _check_fields(self)
        if not self.labels:
            object.__setattr__(self, "labels", tuple(str(i) for i in range(self.n_trials)))
        if len(self.labels) != self.n_trials:
            raise SpikelearnError(
                f"{len(self.labels)} stimulus labels were given for"
                f" {counted(self.n_trials, 'trial')}"
            )
        units = units_of_weights(self.weights, self.weight_units, self.provenance)
        object.__setattr__(self, "weight_units", units)

    def __eq__(self, other: object) -> bool:
        """Whether the same was found: spikes, states and weights; not when, or by which engine."""
        if not isinstance(other, Activity):
            return NotImplemented
        return (
            (self.duration_ms, self.dt_ms, self.n_trials, tuple(self.labels))
            == (other.duration_ms, other.dt_ms, other.n_trials, tuple(other.labels))
            and dict(self.populations) == dict(other.populations)
            and self.weight_units == other.weight_units
            and _equal_arrays(self.states, other.states)
            and (not self.states or state_steps(self) == state_steps(other))
            and _equal_arrays(self.weights, other.weights)
        )

    __hash__ = None  # type: ignore[assignment] # it holds arrays, which nobody keeps from changing

    def __repr__(self) -> str:
        from spikelearn.spikes.display import in_a_line

        return in_a_line(self)

    def _repr_html_(self) -> str:
        from spikelearn.spikes.display import as_html

        return as_html(self)

    def __getitem__(self, population: str) -> PopulationActivity:
        """One population: its spikes, rates, potentials and pictures."""
        from spikelearn.spikes.population import PopulationActivity

        return PopulationActivity.of(self, population)

    def __iter__(self) -> Iterator[str]:
        """Names of the recorded populations."""
        return iter(self.populations)

    def __contains__(self, population: object) -> bool:
        return isinstance(population, str) and population in self.populations

    @property
    def n_spikes(self) -> int:
        """Number of spikes over all recorded populations and trials."""
        return sum(len(spikes) for spikes in self.populations.values())

    def state_times_ms(self, name: str) -> np.ndarray:
        """The times of a recorded state in ms, from the start of a trial, of shape (n_times,).

        Parameters
        ----------
        name : str
            "population.variable", as in `states`.

        Raises
        ------
        SpikelearnError
            Where it was not recorded.
        """
        if not isinstance(name, str) or name not in self.states:
            known = ", ".join(self.states) or "none"
            raise SpikelearnError(
                f"no state called {in_few(name)} was recorded; recorded are: {known}"
            )
        every, first = state_steps(self)
        steps = first + every * np.arange(np.shape(self.states[name])[1])
        times_ms: np.ndarray = steps * float(self.dt_ms)
        return times_ms

    def between(self, start_ms: float = 0.0, stop_ms: float | None = None) -> Activity:
        """The part of every trial from `start_ms` to `stop_ms`, without the transient at the start.

        Times are counted from `start_ms` on; see `spikelearn.spikes.window`.
        """
        from spikelearn.spikes.window import between

        return between(self, start_ms, stop_ms)

    def rate_hz(
        self, population: str, start_ms: float = 0.0, stop_ms: float | None = None
    ) -> float:
        """Mean firing rate of a population in Hz, over neurons and trials.

        Parameters
        ----------
        population : str
        start_ms, stop_ms : float
            The part of each trial that counts; all of it if left out.
        """
        from spikelearn.spikes.window import of_population

        part = of_population(self, population, start_ms, stop_ms)
        spikes = part[population]
        neuron_seconds = spikes.size * part.n_trials * part.duration_ms / 1000.0
        return len(spikes) / neuron_seconds

    def to_pandas(self) -> pd.DataFrame:
        """A row a spike: population, neuron, trial, stimulus and time_ms, as in a .csv file."""
        from spikelearn.spikes.spike_table import to_pandas

        return to_pandas(self)

    def to_neo(self) -> neo.Block:
        """The activity as a Neo block; see `spikelearn.spikes.neo_conversion`."""
        from spikelearn.spikes.neo_conversion import to_neo

        return to_neo(self)

    def save(self, path: str | Path) -> Path:
        """Write the activity; the suffix chooses the format (see `spikelearn.spikes.FORMATS`)."""
        from spikelearn.spikes.files import save

        return save(self, path)

    @classmethod
    def load(cls, path: str | Path) -> Activity:
        """Read what `save` wrote."""
        from spikelearn.spikes.files import load

        return load(path)


# As many steps as floating-point numbers and files' whole numbers count one by one.
_MOST_STEPS = 2**53


def _check_fields(activity: Activity) -> None:
    """Refuse what is of another kind than the fields are."""
    for name in ("populations", "states", "weights", "provenance", "weight_units"):
        given = getattr(activity, name)
        if not isinstance(given, Mapping):
            raise SpikelearnError(f"{name} are a mapping by name, found {type(given).__name__}")
    for name, spikes in activity.populations.items():
        if not isinstance(spikes, PopulationSpikes):
            raise SpikelearnError(
                f"population '{name}' is PopulationSpikes, found {type(spikes).__name__};"
                " PopulationSpikes.from_unsorted makes them of times and neurons"
            )
    check_numbers(duration_ms=activity.duration_ms, dt_ms=activity.dt_ms)
    n_trials = activity.n_trials
    if not is_whole(n_trials) or n_trials < 0 or too_long(n_trials):
        raise SpikelearnError(f"n_trials is a whole number, found {in_few(n_trials, 40)}")
    # A step of 0 is told by whoever counts in steps.
    n_steps = activity.duration_ms / activity.dt_ms if activity.dt_ms else 0.0
    if n_steps * max(n_trials, 1) > _MOST_STEPS:
        raise SpikelearnError(
            f"duration_ms: {counted(n_trials, 'trial')} of {activity.duration_ms:.4g} ms are more"
            f" than {_MOST_STEPS} steps of {activity.dt_ms:g} ms, which no clock counts exactly;"
            " are the times in the unit that was said?"
        )
    _check_state_times(activity)
    if isinstance(activity.labels, str) or not hasattr(activity.labels, "__len__"):
        raise SpikelearnError(f"labels are a list of one per trial, found {activity.labels!r:.60}")


def _check_state_times(activity: Activity) -> None:
    """Refuse records of states that do not lie on the grid."""
    every_ms, first_ms, dt_ms = activity.states_every_ms, activity.states_first_ms, activity.dt_ms
    check_numbers(states_every_ms=every_ms, states_first_ms=first_ms)
    if not activity.states or not (math.isfinite(dt_ms) and dt_ms > 0):
        return
    if in_steps(float(every_ms or 0.0), dt_ms, "states_every_ms") < 1:
        raise SpikelearnError(f"states_every_ms must be at least dt_ms, found {every_ms:g}")
    if in_steps(first_ms, dt_ms, "states_first_ms") < 0:
        raise SpikelearnError(f"states_first_ms must not be below 0, found {first_ms:g}")


def _equal_arrays(
    one: Mapping[str, np.ndarray | SynapticWeights],
    other: Mapping[str, np.ndarray | SynapticWeights],
) -> bool:
    return one.keys() == other.keys() and all(
        np.array_equal(np.asarray(values), np.asarray(other[name]), equal_nan=True)
        for name, values in one.items()
    )
