"""Gaps of recordings: stimuli that a subject lacks, units without responses, pairs without a value.

What was not observed is NaN. A comparison within a region is over the stimuli that all of its
subjects have (see `spikelearn.comparison.observed`); what a description's `gaps` says is done here,
when the recording is read:

units       the usual: a unit that lacks a stimulus that others of its file have is left out
stimuli     units stay, and stimuli that any unit, subject or RDM lacks are left out
subjects    as units; and subjects that lack a stimulus are left out of their region
refuse      nothing may be missing
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from spikelearn._counts import counted
from spikelearn._errors import SpikelearnError
from spikelearn.recordings.sessions import joined_sessions

if TYPE_CHECKING:
    from spikelearn.recordings._measurements import RecordedResponses
    from spikelearn.recordings._recording import ImageRecording

Gaps = Literal["units", "stimuli", "subjects", "refuse"]
_NAMED = 3  # of a list in a sentence


def some_of(names: Sequence[object]) -> str:
    """The first of some names, and how many more there are."""
    shown = ", ".join(str(name) for name in names[:_NAMED])
    return shown if len(names) <= _NAMED else f"{shown} and {len(names) - _NAMED} more"


def observed_stimuli(values: np.ndarray) -> np.ndarray:
    """The stimuli to which every unit responded in some repeat, bool array of shape (n_stimuli,).

    Parameters
    ----------
    values : array of shape (n_stimuli, n_repeats, n_units)
        NaN where a unit was not observed.
    """
    every: np.ndarray = (~np.isnan(values)).any(axis=1).all(axis=1)
    return every


def complete_stimuli(vectors: np.ndarray) -> np.ndarray:
    """Stimuli of which each two have a dissimilarity in every RDM, bool array (n_stimuli,).

    The stimulus with the most pairs that are missing is left out until none is missing; of several
    the first.

    Parameters
    ----------
    vectors : array of shape (n_rdms, n_pairs)
        Upper triangles, NaN where a pair has no dissimilarity.
    """
    from scipy.spatial.distance import squareform

    missing = squareform(np.isnan(np.atleast_2d(vectors)).any(axis=0).astype(float)) > 0
    kept = np.ones(len(missing), dtype=bool)
    while missing.any():
        worst = int(missing.sum(axis=1).argmax())
        kept[worst] = False
        missing[worst] = missing[:, worst] = False
    return kept


def lacking_by_place(recording: ImageRecording) -> dict[tuple[str, str], np.ndarray]:
    """Which stimuli each region and subject lacks, bool arrays of shape (n_stimuli,).

    Units of the same name in several sessions are the same unit: a stimulus is lacking where it was
    shown in none of them. RDMs that were made of responses lack nothing of their own.

    Parameters
    ----------
    recording : ImageRecording
    """
    lacking: dict[tuple[str, str], np.ndarray] = {}
    by_place: dict[tuple[str, str], list[RecordedResponses]] = {}
    for one in recording.responses:
        by_place.setdefault((one.region, one.subject), []).append(one)
    for place, its in by_place.items():
        if not any(np.isnan(one.values).any() for one in its):
            lacking[place] = np.zeros(recording.n_stimuli, dtype=bool)
            continue
        joined, _ = joined_sessions(
            [one.values for one in its],
            [one.unit_names for one in its],
            [one.session for one in its],
            [one.numbered for one in its],
        )
        lacking[place] = ~observed_stimuli(joined)
    for rdm in recording.given_rdms:
        place = rdm.region, rdm.subject
        without = ~complete_stimuli(rdm.dissimilarities)
        lacking[place] = lacking.get(place, np.zeros_like(without)) | without
    return lacking


def gap_notes(recording: ImageRecording) -> list[str]:
    """Which stimuli each region's subjects lack, a sentence each."""
    return [
        f"{region}, subject {subject}, lacks {_some(recording, where)}: comparisons in {region} are"
        " over the stimuli that all of its subjects have"
        for (region, subject), where in lacking_by_place(recording).items()
        if where.any()
    ]


def without_gaps(recording: ImageRecording, gaps: Gaps) -> tuple[ImageRecording, list[str]]:
    """The recording without stimuli, or subjects, that have gaps, and what was left out.

    Parameters
    ----------
    recording : ImageRecording
    gaps : {"units", "stimuli", "subjects", "refuse"}
        As in this file's docstring.

    Raises
    ------
    SpikelearnError
        If nothing is left, or there are gaps that are to be refused.
    """
    if gaps == "units":
        return recording, gap_notes(recording)
    lacking = {place: its for place, its in lacking_by_place(recording).items() if its.any()}
    if not lacking:
        return recording, []
    if gaps == "refuse":
        (region, subject), where = next(iter(lacking.items()))
        raise SpikelearnError(
            f"{recording.name}: {region}, subject {subject}, lacks {_some(recording, where)}, and"
            " `gaps: refuse` allows none; `gaps: stimuli` or `gaps: subjects` leaves them out"
        )
    return (_of_complete_stimuli if gaps == "stimuli" else _of_complete_subjects)(
        recording, lacking
    )


def _of_complete_stimuli(
    recording: ImageRecording, lacking: dict[tuple[str, str], np.ndarray]
) -> tuple[ImageRecording, list[str]]:
    out = np.logical_or.reduce(list(lacking.values()))
    who = some_of([f"{region}, subject {subject}" for region, subject in lacking])
    said = f"{_some(recording, out)} by `gaps: stimuli`, for not all was observed ({who})"
    if (~out).sum() < 3:
        raise SpikelearnError(
            f"{recording.name}: {int((~out).sum())} of {out.size} stimuli are left without"
            f" {said}; leave subjects out instead (`gaps: subjects`)"
        )
    return recording.select(~out), [f"left out: {said}"]


def _of_complete_subjects(
    recording: ImageRecording, lacking: dict[tuple[str, str], np.ndarray]
) -> tuple[ImageRecording, list[str]]:
    notes = [
        f"left out: {region}, subject {subject}, by `gaps: subjects`, which lacks"
        f" {_some(recording, where)}"
        for (region, subject), where in lacking.items()
    ]
    responses = tuple(r for r in recording.responses if (r.region, r.subject) not in lacking)
    rdms = tuple(r for r in recording.rdms if (r.region, r.subject) not in lacking)
    if not responses and not rdms:
        raise SpikelearnError(
            f"{recording.name}: every subject lacks a stimulus, and `gaps: subjects` leaves all of"
            " them out; leave stimuli out instead (`gaps: stimuli`)"
        )
    return replace(recording, responses=responses, rdms=rdms), notes


def _some(recording: ImageRecording, where: np.ndarray) -> str:
    names = named(recording.labels, where)
    return f"{len(names)} of {counted(where.size, 'stimulus', 'stimuli')} ({some_of(names)})"


def named(labels: Iterable[str], where: np.ndarray) -> list[str]:
    """The labels of the stimuli of a mask."""
    return [label for label, is_ in zip(labels, where, strict=True) if is_]
