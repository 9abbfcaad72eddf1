"""What a question of a study compares: contrasts of trained networks, twins and other rules."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from spikelearn.comparison.contrast_parts import Combination, Contrast, Part
from spikelearn.studies.comparing import Entry
from spikelearn.studies.question import Question
from spikelearn.studies.question_networks import (
    Followed,
    Network,
    about,
    choices_of,
    layers_of,
    named_layers,
    networks_of,
    no_layer,
    no_reference,
    no_seed,
    reference_of,
    shared_seeds,
    without_layers,
)
from spikelearn.studies.tested_models import UNTRAINED

# Regions from early to late, as their names end.
_STAGES = ("LGN", "EVC", "V1", "V2", "V3", "V4", "LOC", "LO", "PIT", "CIT", "AIT", "FFA", "IT")


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
    lacking = without_layers(question, trained)
    if question.ask == "rule":
        contrasts, said = _against(question, trained)
        return contrasts, [*said, *lacking]
    if question.ask == "learning":
        contrasts, said = [], []
        for one in trained:
            twin = twins[one.start, one.resolution]
            contrasts += _differences(question, one, twin, said)
        return contrasts, [*said, *lacking]
    contrasts, said = _by_resolution(question, trained, twins, input_sides or {})
    return contrasts, [*said, *lacking]


def _against(question: Question, trained: Sequence[Network]) -> tuple[list[Contrast], list[str]]:
    contrasts, said = [], []
    for one in trained:
        other = reference_of(question, one, trained)
        if one.model in question.against and (other is None or other is one):
            continue
        if other is None:
            said.append(no_reference(question, one))
        elif not shared_seeds(one, other):
            said.append(no_seed(one, other))
        else:
            contrasts += _differences(question, one, other, said)
    return contrasts, said


def _differences(
    question: Question, one: Network, other: Network, said: list[str]
) -> list[Contrast]:
    """One network less the other, of the layers that are asked for; adds what the other lacks."""
    seeds = shared_seeds(one, other)
    of = one.responses[seeds[0]], other.responses[seeds[0]]
    own, choices = choices_of(question, of[0]), choices_of(question, *of)
    lacking = [ours[0] for (ours,) in own if len(ours) == 1 and ours not in [c[0] for c in choices]]
    if lacking:
        said.append(no_layer(one, other, lacking))
    columns = {**about(question, one), "model_b": other.model, "network_b": other.network}
    return [
        Contrast(
            columns,
            [part(1.0, one, seeds, ours, "a"), part(-1.0, other, seeds, theirs, "b")],
            question.regions,
            question.layers == "weighted",
        )
        for ours, theirs in choices
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
        if lacking := [name for name in named if name not in twin.responses[seeds[0]]]:
            said.append(no_layer(one, twin, lacking))
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
            choices = choices_of(question, one.responses[seeds[0]], twin.responses[seeds[0]])
            columns = {**about(question, one), "model_b": twin.model, "network_b": twin.network,
                       "resolution": side, "resolution_b": highest}  # fmt: skip
            contrasts += [
                Contrast(
                    columns,
                    [
                        part(1.0, small, seeds, ours, "a"),
                        part(-1.0, small_twin, seeds, theirs, "b"),
                        part(-1.0, one, seeds, ours, "a"),
                        part(1.0, twin, seeds, theirs, "b"),
                    ],
                    question.regions,
                    question.layers == "weighted",
                )
                for ours, theirs in choices
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
            said.append(no_reference(question, one))
            continue
        a: dict[int, dict[str, Combination]] = {}
        b: dict[int, dict[str, Combination]] = {}
        levels = []
        seeds = shared_seeds(one, other)
        if not seeds:
            said.append(no_seed(one, other))
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
        then, others = (replace(n, responses=r) for n, r in ((one, a), (other, b)))
        said += without_layers(question, [then])
        for contrast in _differences(question, then, others, said):
            columns = {**contrast.columns, "accuracy": float(np.mean(levels))}
            contrasts.append(replace(contrast, columns=columns))
    return contrasts, said
