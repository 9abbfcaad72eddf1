"""Sessions with stimuli of their own: each is scored by itself, and nested in its subject.

Usually all subjects of a region saw the same stimuli, and are one group. Where no stimuli are
common to them, sessions to which the same stimuli were shown are a group; a subject's score is the
mean over the groups that it is in, and the mean over subjects is of these: it counts subjects, not
sessions. Other stimuli move the groups' scores independently.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, is_dataclass, replace
from types import SimpleNamespace
from typing import Any, TypeVar, cast

import numpy as np

from spikelearn._seeding import generator
from spikelearn.comparison.name_order import with_stimuli
from spikelearn.comparison.neural_responses import NeuralResponses, neural_responses

Scored = TypeVar("Scored")  # a `ScoredResponse`


@dataclass(frozen=True)
class SessionGroup:
    """Subjects to whom the same stimuli were shown.

    Parameters
    ----------
    recording : recording
        Of these sessions and these stimuli.
    rows : int array of shape (n_stimuli,)
        Where the stimuli stand in the whole recording.
    ones : tuple of NeuralResponses
    members : tuple of int
        The numbers of the subjects among all.
    """

    recording: Any
    rows: np.ndarray
    ones: tuple[NeuralResponses, ...]
    members: tuple[int, ...]


def session_groups(recording: Any, method: str) -> list[SessionGroup]:
    """The groups of a recording: one, where every stimulus was shown to every subject.

    Parameters
    ----------
    recording : recording with responses
        Where there are several groups, of one region.
    method : str
        What needs the responses, for a message.
    """
    ones = neural_responses(recording, method)
    if all(one.observed.all() for one in ones):
        everything = np.arange(len(recording.labels))
        return [SessionGroup(recording, everything, tuple(ones), tuple(range(len(ones))))]
    numbers = {one.subject: number for number, one in enumerate(ones)}
    groups = []
    for rows, sessions in sessions_by_stimuli(recording, ones[0].region):
        part = with_stimuli(with_responses(recording, sessions), rows)
        its = tuple(neural_responses(part, method))
        groups.append(SessionGroup(part, rows, its, tuple(numbers[one.subject] for one in its)))
    return groups


def sessions_by_stimuli(recording: Any, region: str) -> Iterator[tuple[np.ndarray, list[Any]]]:
    """The sessions of a region to which the same stimuli were shown, and which these are.

    Parameters
    ----------
    recording : recording with responses
    region : str
    """
    found: dict[bytes, tuple[np.ndarray, list[Any]]] = {}
    for response in recording.responses:
        if response.region == region:
            (one,) = neural_responses(with_responses(recording, [response]), "a comparison")
            rows = np.flatnonzero(one.observed)
            found.setdefault(rows.tobytes(), (rows, []))[1].append(response)
    yield from found.values()


def with_responses(recording: Any, responses: Sequence[Any]) -> Any:
    """The recording of some of its responses alone."""
    others: dict[str, Any] = {"rdms": (), "groups": {}}
    changes: dict[str, Any] = {k: v for k, v in others.items() if hasattr(recording, k)}
    changes["responses"] = tuple(responses)
    if is_dataclass(recording) and not isinstance(recording, type):
        return replace(recording, **changes)
    return SimpleNamespace(**{**vars(recording), **changes})


def seed_of_group(seed: int, number: int) -> int:
    """The seed of a group's folds and resamples: of the first, the seed itself."""
    if not number:
        return seed
    return int(generator(seed, "group of sessions", number).integers(2**31))


def mean_by_subject(
    groups: Sequence[SessionGroup], values: Sequence[np.ndarray], combine: Callable[..., Any]
) -> np.ndarray:
    """Values of each subject out of those of its groups, array of shape (n_subjects, ...).

    Parameters
    ----------
    groups : sequence of SessionGroup
    values : sequence of arrays of shape (n_members, ...)
        One for each group.
    combine : callable
        Takes the values of one subject, stacked, and `axis=0`: `numpy.mean`, or `numpy.sum`.
    """
    if len(groups) == 1:
        return np.asarray(values[0])
    by_subject: dict[int, list[np.ndarray]] = {}
    for group, its in zip(groups, values, strict=True):
        for number, one in zip(group.members, its, strict=True):
            by_subject.setdefault(number, []).append(one)
    return np.stack([combine(by_subject[number], axis=0) for number in sorted(by_subject)])


def nested(groups: Sequence[SessionGroup], scored: Sequence[Scored]) -> Scored:
    """The scores of subjects, out of those of their groups.

    The jackknife of a mean over groups leaves something out in one of them at a time: the variances
    of the groups add up, each by the square of what its mean counts.

    Parameters
    ----------
    groups : sequence of SessionGroup
    scored : sequence of ScoredResponse
        One for each group.
    """
    if len(groups) == 1:
        return scored[0]
    each = cast("Sequence[Any]", scored)
    scores = mean_by_subject(groups, [one.scores for one in each], np.mean)
    changes: dict[str, Any] = {
        "scores": scores,
        "resampled": mean_by_subject(groups, [one.resampled for one in each], np.mean),
        "left_out": None,
        "n_stimuli": len(np.unique(np.concatenate([group.rows for group in groups]))),
    }
    parts = [one.left_out for one in each]
    if all(part is not None and part.shape[1] > 1 for part in parts):
        changes["left_out"] = _left_out(groups, scores, parts)
    return cast("Scored", replace(each[0], **changes))


def _left_out(
    groups: Sequence[SessionGroup], scores: np.ndarray, parts: Sequence[np.ndarray]
) -> np.ndarray:
    """Scores of all subjects without each part of each group's stimuli.

    The sum of squares of n scores that leave something out is (n - 1) / n of a variance; of all
    together n is another than of one group, for which the deviations are put right.
    """
    n_all = sum(part.shape[1] for part in parts)
    n_groups = np.bincount([number for group in groups for number in group.members])
    without = np.repeat(scores[:, None], n_all, axis=1)
    start = 0
    for group, part in zip(groups, parts, strict=True):
        n = part.shape[1]
        scale = np.sqrt((n - 1) / n * n_all / (n_all - 1))
        deviations = scale * (part - part.mean(axis=1, keepdims=True))
        for number, one in zip(group.members, deviations, strict=True):
            without[number, start : start + n] += one / n_groups[number]
        start += n
    return without
