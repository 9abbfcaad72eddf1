"""What a question of a study compares: contrasts of trained networks, twins and other rules."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from spikelearn.comparison.contrasts import Combination, Contrast, Part
from spikelearn.studies.comparing import Entry
from spikelearn.studies.question import Question
from spikelearn.studies.tested_models import UNTRAINED

if TYPE_CHECKING:
    import pandas as pd
    import xarray

# Regions from early to late, as their names end.
_STAGES = ("LGN", "EVC", "V1", "V2", "V3", "V4", "LOC", "LO", "PIT", "CIT", "AIT", "FFA", "IT")
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


def contrasts_of(
    question: Question,
    entries: Sequence[Entry],
    regions: Sequence[str],
    input_sides: Mapping[tuple[str, str], int] | None = None,
) -> tuple[list[Contrast], list[str]]:
    """The contrasts of a question, and what it is not asked of and why.

    Parameters
    ----------
    question : Question
        Any but `equal_accuracy` and `identity`.
    entries : sequence of Entry
        Trained networks and their untrained twins, at each resolution that is asked about.
    regions : sequence of str
        That the recording has.
    input_sides : mapping of (rule, network) to int, optional
        The side in pixels of the images that networks take.
    """
    networks = networks_of(entries)
    trained = [one for one in networks if one.model != UNTRAINED]
    twins = {(one.start, one.resolution): one for one in networks if one.model == UNTRAINED}
    if question.ask == "hierarchy":
        return _hierarchy(question, trained, twins, regions)
    lacking = _without_layers(question, trained)
    if question.ask == "rule":
        contrasts, said = _against(question, trained)
        return contrasts, [*said, *lacking]
    if question.ask == "learning":
        pairs = [(one, twins[one.start, one.resolution]) for one in trained]
        return [c for one, twin in pairs for c in _differences(question, one, twin)], lacking
    contrasts, said = _by_resolution(question, trained, twins, input_sides or {})
    return contrasts, [*said, *lacking]


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


def _against(question: Question, trained: Sequence[Network]) -> tuple[list[Contrast], list[str]]:
    contrasts, said = [], []
    for one in trained:
        other = reference_of(question, one, trained)
        if one.model in question.against and (other is None or other is one):
            continue
        if other is None:
            said.append(_no_reference(question, one))
        elif not shared_seeds(one, other):
            said.append(_no_seed(one, other))
        else:
            contrasts += _differences(question, one, other)
    return contrasts, said


def _no_reference(question: Question, one: Network) -> str:
    against = _any_of(question.against)
    return f"{one.words}: no network was trained by {against} from the same weights"


def _no_seed(one: Network, other: Network) -> str:
    return f"{one.words}: no seed in common with {other.words}"


def _any_of(names: Sequence[str]) -> str:
    *others, last = names
    return f"{', '.join(others)} or {last}" if others else last


def _differences(question: Question, one: Network, other: Network) -> list[Contrast]:
    """One network less the other, of the layers that are asked for."""
    seeds = shared_seeds(one, other)
    choices = _choices(question, one.responses[seeds[0]])
    columns = {**about(question, one), "model_b": other.model, "network_b": other.network}
    return [
        Contrast(
            columns,
            [part(1.0, one, seeds, choice, "a"), part(-1.0, other, seeds, choice, "b")],
            question.regions,
        )
        for choice in choices
    ]


def _choices(question: Question, responses: Mapping[str, Any]) -> list[list[str]]:
    """The layers that a network's part of each contrast may be of."""
    layers = layers_of(responses)
    if question.layers == "held_out":
        return [layers]
    if isinstance(question.layers, tuple):
        layers = named_layers(question.layers, layers, list(responses))
    return [[layer] for layer in layers]


def _without_layers(question: Question, networks: Sequence[Network]) -> list[str]:
    """Of which networks a question is not asked, as they have no layer that it names."""
    return [
        f"{one.words}: it has no layer {_any_of(question.layers)}"
        for one in networks
        if isinstance(question.layers, tuple)
        and one.responses
        and not _choices(question, next(iter(one.responses.values())))
    ]


def part(
    weight: float,
    network: Network,
    seeds: Sequence[int],
    layers: Sequence[str],
    name: str,
    region: str = "",
) -> Part:
    """A network as a part of a contrast.

    Parameters
    ----------
    weight : float
    network : Network
    seeds : sequence of int
        Those that all parts of the contrast have.
    layers : sequence of str
        That it may be of; those that it has.
    name : str
        Parts of one name are of one layer.
    region : str
    """
    return Part(
        weight,
        {k: [network.responses[s][k] for s in seeds] for k in layers},
        name,
        region,
    )


def about(question: Question, one: Network) -> dict[str, object]:
    """The columns of a table that say what was asked, and of which network."""
    return {"question": question.title, "ask": question.ask, "model_a": one.model,
            "network_a": one.network}  # fmt: skip


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


def stage(region: str) -> int:
    """How late a region stands on the ventral stream, by the end of its name; -1 where unknown."""
    last = re.split(r"[\s_-]+", region.strip())[-1].upper().rstrip("VD")
    names = [last, re.split(r"[\s_-]+", region.strip())[-1].upper()]
    return max((_STAGES.index(name) for name in names if name in _STAGES), default=-1)


def _hierarchy(
    question: Question,
    trained: Sequence[Network],
    twins: Mapping[tuple[str, int | None], Network],
    regions: Sequence[str],
) -> tuple[list[Contrast], list[str]]:
    known = sorted((r for r in regions if stage(r) >= 0), key=stage)
    early = question.early or next(iter(known), "")
    late = question.late or next(reversed(known), "")
    missing = [name for name in (question.early, question.late) if name and name not in regions]
    if missing or not early or early == late or (stage(early) == stage(late) and not question.late):
        return [], [f"there is no early and late region among {', '.join(regions)}"]
    layers = question.layers if isinstance(question.layers, tuple) else ("first", "last")
    contrasts, said = [], []
    for one in trained:
        twin = twins[one.start, one.resolution]
        seeds = shared_seeds(one, twin)
        named = named_layers(layers, layers_of(one.responses[seeds[0]]), [*one.responses[seeds[0]]])
        if len(named) < 2:
            said.append(f"{one.words}: it has no early and late layer")
            continue
        parts = [
            part(of_learning * of_layer * of_region, net, seeds, [layer], f"{side}{place}", region)
            for side, net, of_learning in (("", one, 1), ("twin_", twin, -1))
            for place, layer, of_layer in (("late", named[1], 1), ("early", named[0], -1))
            for region, of_region in ((late, 1), (early, -1))
        ]
        columns = {**about(question, one), "model_b": twin.model, "network_b": twin.network}
        contrasts.append(Contrast(columns, parts, (f"{late} over {early}",)))
    return contrasts, said


def _by_resolution(
    question: Question,
    trained: Sequence[Network],
    twins: Mapping[tuple[str, int | None], Network],
    input_sides: Mapping[tuple[str, str], int],
) -> tuple[list[Contrast], list[str]]:
    """What learning adds at a resolution, less what it adds at the highest."""
    *lower, highest = sorted(question.resolutions)
    by_name = {(one.model, one.network, one.start, one.resolution): one for one in trained}
    contrasts, said = [], []
    for one in trained:
        if one.resolution != highest:
            continue
        twin = twins[one.start, highest]
        for side in lower:
            small = by_name[one.model, one.network, one.start, side]
            small_twin = twins[one.start, side]
            seeds = shared_seeds(one, twin, small, small_twin)
            own = input_sides.get((one.model, one.network), 0)
            if 0 < own <= side:
                said.append(
                    f"{one.words}: images of {side} and of {highest} pixels are the same to it, as"
                    f" it reduces both to the {own} of its input"
                )
                continue
            columns = {**about(question, one), "model_b": twin.model, "network_b": twin.network,
                       "resolution": side, "resolution_b": highest}  # fmt: skip
            contrasts += [
                Contrast(
                    columns,
                    [
                        part(1.0, small, seeds, choice, "a"),
                        part(-1.0, small_twin, seeds, choice, "b"),
                        part(-1.0, one, seeds, choice, "a"),
                        part(1.0, twin, seeds, choice, "b"),
                    ],
                    question.regions,
                )
                for choice in _choices(question, one.responses[seeds[0]])
            ]
    return contrasts, said


def followed_contrasts(
    question: Question,
    followed: Mapping[tuple[str, str, str, int], Followed],
) -> tuple[list[Contrast], list[str]]:
    """The contrasts of rules at equal accuracy, and what it is not asked of and why.

    Parameters
    ----------
    question : Question
    followed : mapping of (rule, network, start, seed) to Followed
    """
    names = list(dict.fromkeys(key[:3] for key in followed))
    by_name = {
        name: Network(*name, None, {s: {} for *n, s in followed if tuple(n) == name})
        for name in names
    }
    trained = list(by_name.values())
    contrasts, said = [], []
    for one in trained:
        other = reference_of(question, one, trained)
        if one.model in question.against:
            continue
        if other is None:
            said.append(_no_reference(question, one))
            continue
        a: dict[int, dict[str, Combination]] = {}
        b: dict[int, dict[str, Combination]] = {}
        levels = []
        seeds = shared_seeds(one, other)
        if not seeds:
            said.append(_no_seed(one, other))
            continue
        for seed in seeds:
            pair = [followed[n.model, n.network, n.start, seed] for n in (one, other)]
            level = min(float(f.accuracy.max()) for f in pair)
            if level > max(float(f.accuracy[0]) for f in pair):
                a[seed], b[seed] = (f.at(level) for f in pair)
                levels.append(level)
        if not levels:
            said.append(
                f"{one.words}: it never is more accurate than before training, so that there is no"
                f" accuracy at which to compare it with {other.model}"
            )
            continue
        if len(levels) < len(seeds):
            said.append(
                f"{one.words}: {len(seeds) - len(levels)} of {len(seeds)} seeds, of which one of"
                " the two never is more accurate than before training"
            )
        pair_of = [Network(n.model, n.network, n.start, None, r) for n, r in ((one, a), (other, b))]
        said += _without_layers(question, pair_of[:1])
        for contrast in _differences(question, *pair_of):
            columns = {**contrast.columns, "accuracy": float(np.mean(levels))}
            contrasts.append(Contrast(columns, contrast.parts, contrast.regions))
    return contrasts, said


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
