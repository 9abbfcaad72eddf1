"""What a question on variance asks of: a rule, what it is compared with, and the images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from spikelearn.comparison.variance_parts import Sets, variance_table
from spikelearn.studies.comparing import Entry
from spikelearn.studies.image_baselines import baseline_responses
from spikelearn.studies.question import Question
from spikelearn.studies.question_networks import (
    Network,
    about,
    choices_of,
    networks_of,
    no_layer,
    no_reference,
    no_seed,
    reference_of,
    shared_seeds,
    without_layers,
)
from spikelearn.studies.tested_models import UNTRAINED

if TYPE_CHECKING:
    import pandas as pd

    from spikelearn.recordings import ImageRecording


def parted_variance(
    question: Question,
    entries: Sequence[Entry],
    recording: ImageRecording,
    seed: int,
    comparator: str,
) -> tuple[pd.DataFrame, list[str]]:
    """The answers to a question on variance, and what it is not asked of and why.

    Parameters
    ----------
    question : Question
    entries : sequence of Entry
        Trained networks and their untrained twins.
    recording : ImageRecording
    seed : int
        Of the folds, and of random features.
    comparator : str
        "spearman" or "pearson".
    """
    sets, said = variance_sets(question, entries)
    found = baseline_responses(recording, None, seed)
    images = {name: one for (name, _), one in found.items() if name in question.images}
    said += [
        f"there is no model {name} of the images of {recording.name}"
        for name in question.images
        if name not in images
    ]
    table = variance_table(
        sets, recording, images, seed, comparator=comparator, random=question.random
    )
    return table, said


def variance_sets(question: Question, entries: Sequence[Entry]) -> tuple[list[Sets], list[str]]:
    """Sets of networks whose variance is parted, and what is not and why.

    Parameters
    ----------
    question : Question
    entries : sequence of Entry
        Trained networks and their untrained twins.
    """
    networks = networks_of(entries)
    trained = [one for one in networks if one.model != UNTRAINED]
    twins = {one.start: one for one in networks if one.model == UNTRAINED}
    sets, said = [], without_layers(question, trained)
    for one in trained:
        other = reference_of(question, one, trained)
        if one.model in question.against and (other is None or other is one):
            other = twins.get(one.start)
        if other is None:
            said.append(no_reference(question, one))
        elif not (seeds := shared_seeds(one, other)):
            said.append(no_seed(one, other))
        else:
            sets += _of_pair(question, one, other, seeds, said)
    return sets, said


def _of_pair(
    question: Question, one: Network, other: Network, seeds: Sequence[int], said: list[str]
) -> list[Sets]:
    of = one.responses[seeds[0]], other.responses[seeds[0]]
    choices = choices_of(question, *of)
    shared = [ours for ours, _ in choices]
    lacking = [ours[0] for (ours,) in choices_of(question, of[0]) if ours not in shared]
    if lacking:
        said.append(no_layer(one, other, lacking))
    found = []
    for (layer,), (other_layer,) in choices:
        columns: dict[str, Any] = {
            **about(question, one), "model_b": other.model, "network_b": other.network,
            "layer_a": layer, "layer_b": other_layer,
        }  # fmt: skip
        responses = {
            n.model: [n.responses[seed][name][0][1] for seed in seeds]
            for n, name in ((one, layer), (other, other_layer))
        }
        found.append(Sets(columns, responses, question.regions))
    return found
