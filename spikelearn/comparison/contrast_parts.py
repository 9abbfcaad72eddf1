"""What a contrast is made of: networks as its parts, and their responses, each once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from spikelearn.comparison.models_and_targets import Key

if TYPE_CHECKING:
    import xarray

MOST_TOGETHER = 64  # networks, layers and seeds that are scored in one call
# Of one seed: responses with their weights, mostly one with 1.
Combination = Sequence[tuple[float, Any]]


@dataclass(frozen=True)
class Part:
    """A term of a contrast: the score of one network, of each seed.

    Attributes
    ----------
    weight : float
        Such as 1, or -1 for what is subtracted.
    layers : mapping of str to sequence of combinations
        Those that it may be of: for each seed the responses, DataArrays, with weights that add to
        1. Several responses are scored each, such as those before and after an accuracy was met.
    network : str
        Parts of one `network` are of the layer that is the best of all of them together.
    region : str
        Of the recording; that of the row, if empty.
    """

    weight: float
    layers: Mapping[str, Sequence[Combination]]
    network: str
    region: str = ""


@dataclass(frozen=True)
class Contrast:
    """Parts that are added, over the same seeds.

    Attributes
    ----------
    columns : mapping of str to object
        What tells it apart in a table.
    parts : sequence of Part
    regions : sequence of str
        In which it is tested; all of the recording, if empty. Where its parts name regions of
        their own, it has one row, by this name.
    weighted : bool
        Whether parts are of all their layers, weighted on some of the stimuli, not of the best.
    """

    columns: Mapping[str, object]
    parts: Sequence[Part]
    regions: Sequence[str] = field(default=())
    weighted: bool = False

    @property
    def of_pairs(self) -> bool:
        """Whether regions are compared with each other."""
        return any(part.region for part in self.parts)


def models_of(contrasts: Iterable[Contrast]) -> dict[Key, xarray.DataArray]:
    """The responses of contrasts, each once: by a number, for names may be those of others."""
    found: dict[int, xarray.DataArray] = {}
    for contrast in contrasts:
        for part in contrast.parts:
            for layer in part.layers.values():
                for combination in layer:
                    for _, response in combination:
                        found[id(response)] = response
    return {(str(number), ""): response for number, response in found.items()}


def key_of(response: Any) -> Key:
    """By which `models_of` has a response."""
    return (str(id(response)), "")


def together(contrasts: Sequence[Contrast]) -> Iterator[list[Contrast]]:
    """Contrasts that are scored in one call, so that what they share is scored once."""
    batch: list[Contrast] = []
    known: set[Key] = set()
    for contrast in contrasts:
        more = set(models_of([contrast]))
        if batch and len(known | more) > MOST_TOGETHER:
            yield batch
            batch, known = [], set()
        batch.append(contrast)
        known |= more
    if batch:
        yield batch


def keys_of(part: Part) -> list[Key]:
    """Of all responses of a part."""
    return [key_of(r) for layer in part.layers.values() for several in layer for _, r in several]
