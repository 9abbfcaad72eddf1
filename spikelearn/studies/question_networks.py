"""Networks as questions of a study ask of them: seeds together, by layer, and along training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from spikelearn.comparison.contrast_parts import Combination
from spikelearn.studies.comparing import Entry
from spikelearn.studies.question import Question

if TYPE_CHECKING:
    import pandas as pd
    import xarray

_LAYERS = {"first": 0, "last": -1}

# Responses of a network by layer, for each seed: mostly one response, with the weight 1.
BySeed = Mapping[int, Mapping[str, Combination]]


@dataclass(frozen=True)
class Network:
    """A network of all its seeds, trained by a rule or by none.

    `start` is the network before training; `responses` are by seed, then by layer.
    """

    model: str
    network: str
    start: str
    resolution: int | None
    responses: BySeed

    @property
    def words(self) -> str:
        """Its name in sentences."""
        return f"{self.model} on {self.network}"


@dataclass(frozen=True)
class Followed:
    """A network of one seed along training.

    Attributes
    ----------
    accuracy : array of shape (n_epochs,)
        Of validation images, from before training on.
    responses : sequence of dict of str to DataArray
        After each epoch, by layer.
    """

    accuracy: np.ndarray
    responses: Sequence[Mapping[str, xarray.DataArray]]

    def at(self, level: float) -> dict[str, Combination]:
        """The layers where that accuracy was first reached, between two epochs by interpolation."""
        k = int(np.flatnonzero(self.accuracy >= level)[0])
        after = self.responses[k]
        if k == 0 or self.accuracy[k] == level:
            return {layer: [(1.0, response)] for layer, response in after.items()}
        low, high = self.accuracy[k - 1], self.accuracy[k]
        share = float((level - low) / (high - low))
        before = self.responses[k - 1]
        return {
            layer: [(1.0 - share, before[layer]), (share, response)]
            for layer, response in after.items()
        }


def networks_of(entries: Sequence[Entry]) -> list[Network]:
    """Entries of one network and resolution, seeds together."""
    found: dict[tuple[str, str, str, int | None], dict[int, dict[str, Combination]]] = {}
    for entry in entries:
        key = entry.model, entry.network, entry.start or entry.network, entry.resolution
        layers: dict[str, Combination] = {k: [(1.0, r)] for k, r in entry.responses.items()}
        found.setdefault(key, {})[entry.seed] = layers
    return [Network(*key, responses) for key, responses in found.items()]


def shared_seeds(*networks: Network) -> list[int]:
    """The seeds that all of these have."""
    first, *others = networks
    return [s for s in first.responses if all(s in other.responses for other in others)]


def reference_of(question: Question, one: Network, trained: Sequence[Network]) -> Network | None:
    """The network that another is compared with: from the same weights, by the first such rule.

    Parameters
    ----------
    question : Question
    one : Network
    trained : sequence of Network
        All that are trained.
    """
    for rule in question.against:
        found = [t for t in trained if t.model == rule and t.start == one.start]
        found.sort(key=lambda t: t.network != one.network)
        if found:
            return found[0]
    return None


def layers_of(responses: Mapping[str, Any]) -> list[str]:
    """The layers of a network, first to last, without that of the classes where there are others.

    What classes make of an image is no part of the brain's; it is asked of where it is named.
    """
    names = list(responses)
    hidden = [name for name in names if name != "output"]
    return hidden or names


def named_layers(
    wanted: Sequence[str], layers: Sequence[str], every: Sequence[str] = ()
) -> list[str]:
    """The layers by their names, or as first and last; those that a network lacks are left out.

    Parameters
    ----------
    wanted : sequence of str
    layers : sequence of str
        Of which there are a first and a last one.
    every : sequence of str, optional
        All that may be named, if more than these.
    """
    found = [layers[_LAYERS[name]] if name in _LAYERS else name for name in wanted]
    return list(dict.fromkeys(name for name in found if name in (every or layers)))


def followed_of(scores: Sequence[pd.DataFrame], responses: Sequence[Any]) -> Followed:
    """A network along training, from what was stored after each epoch.

    Parameters
    ----------
    scores : sequence of DataFrame
        With the column `validation_accuracy`, in the order of epochs.
    responses : sequence of dict of str to DataArray
    """
    accuracy = np.array([float(table["validation_accuracy"].iloc[0]) for table in scores])
    return Followed(accuracy, responses)


def choices_of(question: Question, *networks: Mapping[str, Any]) -> list[tuple[list[str], ...]]:
    """The layers that the part of each of some networks may be of, contrast by contrast.

    The first and last layers are each network's own; others are those that all of them have.
    """
    layers = [layers_of(responses) for responses in networks]
    if question.layers in ("held_out", "weighted"):
        return [tuple(layers)]
    names = question.layers if isinstance(question.layers, tuple) else layers[0]
    found = [
        tuple(
            named_layers([name], own, list(responses))
            for own, responses in zip(layers, networks, strict=True)
        )
        for name in names
    ]
    complete = [choice for choice in found if all(choice)]
    return [choice for k, choice in enumerate(complete) if choice not in complete[:k]]


def without_layers(question: Question, networks: Sequence[Network]) -> list[str]:
    """Of which networks a question is not asked, as they have no layer that it names."""
    return [
        f"{one.words}: it has no layer {any_of(question.layers)}"
        for one in networks
        if isinstance(question.layers, tuple)
        and one.responses
        and not choices_of(question, next(iter(one.responses.values())))
    ]


def about(question: Question, one: Network) -> dict[str, object]:
    """The columns of a table that say what was asked, and of which network."""
    return {"question": question.title, "ask": question.ask, "model_a": one.model,
            "network_a": one.network}  # fmt: skip


def no_reference(question: Question, one: Network) -> str:
    """That there is nothing to compare a network with."""
    against = any_of(question.against)
    return f"{one.words}: no network was trained by {against} from the same weights"


def no_seed(one: Network, other: Network) -> str:
    """That two networks have no seed in common."""
    return f"{one.words}: no seed in common with {other.words}"


def no_layer(one: Network, other: Network, lacking: Sequence[str]) -> str:
    """That what a network is compared with lacks some of its layers.

    Parameters
    ----------
    one, other : Network
    lacking : sequence of str
        Layers of `one`.
    """
    return f"{one.words}: {other.words} has no layer {any_of(lacking)} to compare with"


def any_of(names: Sequence[str]) -> str:
    """Names with commas and an or."""
    *others, last = names
    return f"{', '.join(others)} or {last}" if others else last
