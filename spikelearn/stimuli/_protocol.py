"""What every stimulus protocol is: a named description that is realised for one network."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo

from spikelearn._errors import SpikelearnError
from spikelearn._files import sha256
from spikelearn._seeding import generator
from spikelearn._spike_arrays import PopulationSpikes
from spikelearn.stimuli.encoders import checked_steps
from spikelearn.stimuli.stimulus import Stimulus


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


class Fields(BaseModel):
    """A frozen part of a protocol."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


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
        raise SpikelearnError(
            f"the network has no {kind} called '{name}'; it has {', '.join(there)}"
        )
    return next(iter(there)) if name is None else name


class ProtocolBase(Fields):
    """A stimulus protocol; `draw` says what is shown."""

    name: str = Field(min_length=1)
    description: str = ""
    reference: str = ""

    def draw(self, setting: Setting) -> Stimulus:
        """What is shown, of the sources and populations that the protocol is about."""
        raise NotImplementedError

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
