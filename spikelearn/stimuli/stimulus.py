"""What a simulated network is shown.

A `Stimulus` is drawn already, the same for every backend. A protocol is a named description of one,
realised for a network: what every kind of protocol has is `ProtocolBase`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import AfterValidator, Field, ValidationInfo

from spikelearn._counts import counted
from spikelearn._description import Description, require_numbers
from spikelearn._errors import SpikelearnError, nearest
from spikelearn._files import sha256
from spikelearn._room import Part, require_memory
from spikelearn._seeding import generator
from spikelearn._spike_arrays import PopulationSpikes, pieces
from spikelearn._time_steps import checked_steps

_CHECKED = 2**16  # spikes that are looked at together: those of a run may lie on the disk


@dataclass(frozen=True, eq=False, repr=False)
class Stimulus:
    """A batch of stimuli (trials).

    Parameters
    ----------
    labels : sequence of str
        One label per trial.
    spikes : mapping of str to PopulationSpikes, or to times in ms
        Input spikes of each spike source, over all trials. Each belongs to the grid point nearest
        to it; several of a neuron at one count as many. In one trial, times of a source with one
        neuron, or a list of times for each of its neurons, will do.
    currents_mv : mapping of str to array of shape (n_trials or 1, n_steps or 1, size or 1)
        Input current times membrane resistance, in mV, held constant over each time step.
        Entry [:, k] acts over the interval that ends at time k * dt_ms. A number stands for a
        current that flows all the time into all neurons.
    currents_pa, currents_mv_per_ms : mapping of str to array, likewise
        The same in pA, for neurons with a capacitance or a leak conductance, and in mV/ms, for
        Izhikevich's model.
    provenance : mapping
        What it is and how it was drawn; plain YAML values.

    Examples
    --------
    >>> import spikelearn as sl
    >>> stimulus = sl.Stimulus.from_spike_times("input", [[1.0, 7.5], []], label="a pair")
    >>> stimulus.n_trials, stimulus.spikes["input"].size
    (1, 2)
    """

    labels: Sequence[str] = ("0",)
    spikes: Mapping[str, PopulationSpikes] = field(default_factory=dict)
    currents_mv: Mapping[str, np.ndarray] = field(default_factory=dict)
    currents_pa: Mapping[str, np.ndarray] = field(default_factory=dict)
    currents_mv_per_ms: Mapping[str, np.ndarray] = field(default_factory=dict)
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        labels: Any = self.labels
        if isinstance(labels, str) or not hasattr(labels, "__len__"):
            hint = "; a protocol is drawn by sl.stimulus_for(network, protocol)"
            raise SpikelearnError(
                f"labels are a list of one per trial, found {labels!r:.60}"
                + hint * isinstance(labels, str | Path | Mapping)
            )
        for what in ("spikes", *(f"currents_{unit}" for unit in self.currents)):
            given: Any = getattr(self, what)
            if not isinstance(given, Mapping):
                raise SpikelearnError(
                    f"{what} are a mapping by population, found {type(given).__name__}"
                )
        if not self.labels:
            raise SpikelearnError("a stimulus needs at least one trial, found none")
        given_spikes = {name: self._spikes_of(name, one) for name, one in self.spikes.items()}
        object.__setattr__(self, "spikes", given_spikes)
        for name, spikes in self.spikes.items():
            for here in pieces(len(spikes), length=_CHECKED):
                trials = spikes.trials[here]
                outside = trials[(trials < 0) | (trials >= self.n_trials)]
                if outside.size:
                    raise SpikelearnError(
                        f"spikes of '{name}' belong to trial {outside[-1]}, but the stimulus"
                        f" has {counted(self.n_trials, 'trial')}"
                    )
        for unit, currents in self.currents.items():
            arrays = {name: _array(name, current) for name, current in currents.items()}
            object.__setattr__(self, f"currents_{unit}", arrays)
        for name, current in (
            pair for currents in self.currents.values() for pair in currents.items()
        ):
            if current.ndim != 3:
                raise SpikelearnError(
                    f"the current into '{name}' must have 3 dimensions (trials, steps, neurons),"
                    f" found {current.ndim}"
                )
            if not np.isfinite(current).all():
                raise SpikelearnError(f"the current into '{name}' holds values that are not finite")

    def _spikes_of(self, name: str, given: Any) -> PopulationSpikes:
        """The spikes of a source, which may be times of one neuron, or a list of these for each."""
        if isinstance(given, PopulationSpikes):
            return given
        spikes = spikes_from_times(name, given)
        if self.n_trials != 1:
            raise SpikelearnError(
                f"the spike times of '{name}' do not say in which of {self.n_trials} trials they"
                " are; give PopulationSpikes, which do"
            )
        return spikes

    def __eq__(self, other: object) -> bool:
        """Whether the same is shown: trials, spikes and currents; not how it came about."""
        if not isinstance(other, Stimulus):
            return NotImplemented
        return (
            tuple(self.labels) == tuple(other.labels)
            and dict(self.spikes) == dict(other.spikes)
            and all(
                mine.keys() == other.currents[unit].keys()
                and all(np.array_equal(mine[n], other.currents[unit][n]) for n in mine)
                for unit, mine in self.currents.items()
            )
        )

    __hash__ = None  # type: ignore[assignment] # it holds arrays, which nobody keeps from changing

    def __repr__(self) -> str:
        into = [
            *(f"{counted(len(spikes), 'spike')} of {name}" for name, spikes in self.spikes.items()),
            *(f"a current into {n}" for currents in self.currents.values() for n in currents),
        ]
        trials = counted(self.n_trials, "trial")
        return f"<Stimulus: {trials}; {', '.join(into) or 'nothing'}>"

    @property
    def currents(self) -> dict[str, Mapping[str, np.ndarray]]:
        """Currents into populations, by unit ("mv", "pa", "mv_per_ms")."""
        return {
            "mv": self.currents_mv,
            "pa": self.currents_pa,
            "mv_per_ms": self.currents_mv_per_ms,
        }

    @property
    def n_trials(self) -> int:
        """Number of trials."""
        return len(self.labels)

    @classmethod
    def from_spike_times(
        cls, population: str, trains: Sequence[Sequence[float]], label: str = "given spikes"
    ) -> Stimulus:
        """One trial with the given spike times (ms), one sequence per source neuron.

        Parameters
        ----------
        population : str
            Name of the spike source.
        trains : sequence of sequences of float
            Spike times in ms, a sequence for each source neuron.
        label : str
            Name of the trial.
        """
        return cls((label,), {population: spikes_from_times(population, trains)})


def spikes_from_times(name: str, times_ms: Any) -> PopulationSpikes:
    """Spikes of one trial from times in ms: those of one neuron, or a list of these for each.

    Raises
    ------
    SpikelearnError
        Where they are no times.
    """
    wrong = f"spikes of '{name}' are times in ms, or a list of times for each neuron"
    if isinstance(times_ms, str | bytes | Mapping | Set) or not hasattr(times_ms, "__len__"):
        raise SpikelearnError(f"{wrong}, found {times_ms!r:.60}")
    if isinstance(times_ms, np.ndarray) and times_ms.ndim == 1 and times_ms.dtype != object:
        times_ms = [times_ms]  # at once, of any number
    by_neuron = [np.ndim(train) if hasattr(train, "__len__") else 0 for train in times_ms]
    if set(by_neuron) - {0, 1} or len(set(by_neuron)) > 1:
        raise SpikelearnError(f"{wrong}, found {times_ms!r:.60}")
    trains = times_ms if len(times_ms) == 0 or by_neuron[0] == 1 else [times_ms]
    for train in trains:
        try:
            require_numbers(train)
        except ValueError as error:
            raise SpikelearnError(f"spikes of '{name}' {error}") from None
    try:
        times = [np.asarray(train, dtype=np.float64).ravel() for train in trains]
    except TypeError:
        raise SpikelearnError(f"{wrong}, found {times_ms!r:.60}") from None
    senders = np.repeat(np.arange(len(times)), [t.size for t in times])
    flat = np.concatenate(times) if times else np.zeros(0)
    return PopulationSpikes.from_unsorted(len(times), flat, senders)


def _array(name: str, current: Any) -> np.ndarray:
    """A current as an array: a number is one for all trials, steps and neurons."""
    try:
        array = np.asarray(current)
    except ValueError:  # lists of several lengths
        raise SpikelearnError(
            f"the current into '{name}' must be a number or an array, found rows of several lengths"
        ) from None
    try:
        require_numbers(array)
    except ValueError as error:
        raise SpikelearnError(f"the current into '{name}' {error}") from None
    return array.reshape(1, 1, 1).astype(np.float64) if array.ndim == 0 else array


def beside(path: Path, info: ValidationInfo) -> Path:
    """A relative path in a protocol's file counts from the folder of that file."""
    folder = (info.context or {}).get("folder")
    return path if folder is None else Path(folder) / path


def _existing(path: Path, info: ValidationInfo) -> Path:
    path = beside(path, info)
    if not path.is_file():
        raise ValueError(f"there is no file {path}")
    return path


File = Annotated[Path, AfterValidator(_existing)]
"""A file that exists; counted from the folder of the YAML file that names it."""


def _not_empty(values: Any) -> Any:
    if not len(values):
        raise ValueError("at least 1 is needed, found none")
    return values


# Rather than pydantic's min_length, which counts a member with a mistake as missing, too.
NotEmpty = AfterValidator(_not_empty)


@dataclass(frozen=True)
class Setting:
    """What a protocol is realised for: a network's sources and populations, the grid, the seed.

    Parameters
    ----------
    sources, neurons : mapping of str to int
        Sizes of the network's spike sources and of its populations of neurons.
    duration_ms, dt_ms : float
        The trial and the grid.
    seed : int
    read_spikes : callable, optional
        Reads a file of spike trains of any format; `spikelearn.spikes.load` is one.
    stream : tuple
        Prefix of the names of the random streams, for the parts of a combination.
    """

    sources: Mapping[str, int]
    neurons: Mapping[str, int]
    duration_ms: float
    dt_ms: float
    seed: int
    read_spikes: Callable[[Path], Any] | None = None
    stream: tuple[str | int, ...] = ()

    @property
    def n_steps(self) -> int:
        """Steps of a trial."""
        return checked_steps(self.duration_ms, self.dt_ms)

    def generator(self, *names: str | int) -> np.random.Generator:
        """The random stream of a source or of a current."""
        return generator(self.seed, "stimulus", *self.stream, *names)

    def part(self, index: int) -> Setting:
        """The same for one part of several."""
        return replace(self, stream=(*self.stream, "part", index))

    def source(self, name: str | None) -> str:
        """The spike source of that name; where none is named, the only one.

        Raises
        ------
        SpikelearnError
            If there is no such source, or several and none is named.
        """
        return _chosen(name, self.sources, "one spike source", "source")

    def population(self, name: str | None) -> str:
        """The population of neurons of that name; where none is named, the only one."""
        return _chosen(name, self.neurons, "one population of neurons", "target")


def _chosen(name: str | None, there: Mapping[str, int], what: str, field: str) -> str:
    kind = what.removeprefix("one ")
    if not there:
        raise SpikelearnError(f"it is shown to a {kind}, but the network has no {kind}")
    if name is None and len(there) > 1:
        raise SpikelearnError(
            f"it is shown to {what}, but the network has {len(there)}: name one of"
            f" {', '.join(there)} as its {field}"
        )
    if name is not None and name not in there:
        raise SpikelearnError(f"the network has no {kind} called '{name}'; {nearest(name, there)}")
    return next(iter(there)) if name is None else name


class ProtocolBase(Description):
    """A stimulus protocol; `draw` says what is shown."""

    name: str = Field(min_length=1)
    description: str = ""
    reference: str = ""

    def draw(self, setting: Setting) -> Stimulus:
        """What is shown, of the sources and populations that the protocol is about."""
        raise NotImplementedError

    def needed_parts(self, setting: Setting) -> list[Part]:
        """What drawing it needs of memory, as far as that is known before."""
        return []

    def realise(
        self,
        sources: Mapping[str, int],
        duration_ms: float,
        dt_ms: float,
        seed: int,
        neurons: Mapping[str, int] | None = None,
        read_spikes: Callable[[Path], Any] | None = None,
    ) -> Stimulus:
        """Draw what a network is shown; sources that the protocol does not name stay silent.

        Parameters
        ----------
        sources : mapping of str to int
            Sizes of the network's spike sources.
        duration_ms, dt_ms : float
            Duration of a trial and time step of the grid.
        seed : int
            Seed of everything random.
        neurons : mapping of str to int, optional
            Sizes of the populations of neurons, into which currents flow.
        read_spikes : callable, optional
            Reads files of spike trains that are no plain tables: `spikelearn.spikes.load`.

        Raises
        ------
        SpikelearnError
            Where protocol, network and grid do not fit together.
        """
        setting = Setting(sources, neurons or {}, duration_ms, dt_ms, seed, read_spikes)
        try:
            require_memory("what is shown", self.needed_parts(setting))
            shown = self.draw(setting)
        except SpikelearnError as error:
            raise type(error)(f"stimulus '{self.name}': {error}") from error
        silence = {name: silent(size) for name, size in sources.items() if name not in shown.spikes}
        return Stimulus(
            shown.labels,
            {**shown.spikes, **silence},
            shown.currents_mv,
            shown.currents_pa,
            shown.currents_mv_per_ms,
            provenance={"protocol": _plain(self.model_dump()), **shown.provenance},
        )


def silent(size: int) -> PopulationSpikes:
    """No spikes from so many sources."""
    return PopulationSpikes.from_unsorted(size, np.zeros(0), np.zeros(0))


def _plain(value: Any) -> Any:
    """Fields for the provenance: files by name and digest, so that no path of a machine is kept."""
    if isinstance(value, Path):
        return {"file": value.name, "sha256": sha256(value)}
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value
