"""Stimulus protocols: YAML files in `stimuli/` that say what a network is shown and how.

`kind` says which: `poisson`, `spikes`, `currents`, `images`, or `combined`, several of these at
once. Each kind has a file of its own here. Files that a protocol names are looked for beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import numpy as np
from pydantic import Field, model_validator

from spikelearn._errors import SpikelearnError
from spikelearn._files import find_yaml, read_yaml, validate
from spikelearn._room import Part
from spikelearn._spike_arrays import PopulationSpikes
from spikelearn.stimuli.currents import CurrentProtocol
from spikelearn.stimuli.given_spikes import SpikeProtocol
from spikelearn.stimuli.image_protocol import ImageProtocol
from spikelearn.stimuli.poisson import PoissonProtocol
from spikelearn.stimuli.stimulus import NotEmpty, ProtocolBase, Setting, Stimulus

_Part = Annotated[
    PoissonProtocol | SpikeProtocol | CurrentProtocol | ImageProtocol, Field(discriminator="kind")
]


class CombinedProtocol(ProtocolBase):
    """Several protocols at once: currents add up, and each spike source belongs to one of them.

    The parts have equally many trials, or one, which is then shown in every trial.
    """

    kind: Literal["combined"] = "combined"
    parts: Annotated[tuple[_Part, ...], NotEmpty]

    @model_validator(mode="before")
    @classmethod
    def _name_parts(cls, fields: Any) -> Any:
        """A part needs no name of its own: that of the whole serves."""
        if not isinstance(fields, dict) or not isinstance(fields.get("parts"), list | tuple):
            return fields
        name = fields.get("name") or "part"
        parts = [{"name": name, **p} if isinstance(p, dict) else p for p in fields["parts"]]
        return {**fields, "parts": parts}

    def needed_parts(self, setting: Setting) -> list[Part]:
        """What the parts need."""
        return [part for one in self.parts for part in one.needed_parts(setting)]

    def draw(self, setting: Setting) -> Stimulus:
        """Realise the parts, each with random streams of its own."""
        shown = [part.draw(setting.part(i)) for i, part in enumerate(self.parts)]
        n_trials = max(part.n_trials for part in shown)
        if any(part.n_trials not in (1, n_trials) for part in shown):
            raise SpikelearnError(
                "the parts must have equally many trials, or one, found"
                f" {', '.join(str(part.n_trials) for part in shown)}"
            )
        spikes: dict[str, PopulationSpikes] = {}
        currents: dict[str, dict[str, np.ndarray]] = {"mv": {}, "pa": {}, "mv_per_ms": {}}
        for part in shown:
            for name, given in part.spikes.items():
                if name in spikes:
                    raise SpikelearnError(f"two parts give spikes to '{name}'; one may")
                spikes[name] = given if part.n_trials == n_trials else _repeated(given, n_trials)
            for unit, into in part.currents.items():
                for name, current in into.items():
                    there = currents[unit].get(name)
                    currents[unit][name] = current if there is None else there + current
        labels = next(part.labels for part in shown if part.n_trials == n_trials)
        return Stimulus(
            labels,
            spikes,
            currents["mv"],
            currents["pa"],
            currents["mv_per_ms"],
            provenance={k: v for part in shown for k, v in part.provenance.items()},
        )


def _repeated(spikes: PopulationSpikes, n_trials: int) -> PopulationSpikes:
    """One trial's spikes in each of several."""
    return PopulationSpikes(
        spikes.size,
        np.tile(spikes.times_ms, n_trials),
        np.tile(spikes.senders, n_trials),
        np.repeat(np.arange(n_trials), len(spikes)),
    )


AnyProtocol = PoissonProtocol | SpikeProtocol | CurrentProtocol | ImageProtocol | CombinedProtocol
Protocol = Annotated[AnyProtocol, Field(discriminator="kind")]
"""The same for pydantic: as part of another description, read by its kind."""
KINDS: dict[str, Any] = {kind.model_fields["kind"].default: kind for kind in get_args(AnyProtocol)}
"""Kind of a protocol -> its class."""


def load_protocol(name: str | Path) -> AnyProtocol:
    """The protocol of that name among the shipped ones, or in the YAML file at that path.

    Raises
    ------
    SpikelearnError
        Naming the file, the field and what is allowed.

    Examples
    --------
    >>> import spikelearn as sl
    >>> sl.load_protocol("poisson").kind
    'poisson'
    """
    path = find_yaml("stimuli", name)
    return protocol_of(read_yaml(path), path)


def protocol_of(fields: Any, path: Path | None = None) -> AnyProtocol:
    """The protocol that has these fields, as a YAML file names them.

    In Python it needs no name: that of its kind serves.

    Parameters
    ----------
    fields : mapping
    path : Path, optional
        The file that they stand in: relative paths among them count from its folder.

    Raises
    ------
    SpikelearnError
        Naming the field and what is allowed.
    """
    source = "the stimulus" if path is None else path
    context = {"folder": None if path is None else path.parent}
    kind = fields.get("kind") if isinstance(fields, Mapping) else None
    if isinstance(fields, Mapping) and not (isinstance(kind, str) and kind in KINDS):
        which = "it is not said" if kind is None else f"there is no kind {kind!r}"
        raise SpikelearnError(f"{source}: field 'kind': {which}; kinds are {', '.join(KINDS)}")
    if isinstance(fields, Mapping):
        fields = dict(fields) if path is not None else {"name": kind, **fields}
    made: AnyProtocol = validate(
        lambda **content: KINDS[str(kind)].model_validate(content, context=context), fields, source
    )
    return made
