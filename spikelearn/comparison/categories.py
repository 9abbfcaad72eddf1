"""The kinds of things that stimuli show, for intervals over images of other kinds.

Intervals over stimuli say how scores would differ for other images *of the same kinds*. Where new
images would be of new kinds (other animals, other tools) scores differ more, because images of a
kind have much in common. Leaving out each category in turn estimates that (the jackknife over
clusters). A bootstrap that draws categories with replacement would take pairs of images within a
category drawn twice for pairs of two categories, which no new category would make.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from spikelearn._counts import counted
from spikelearn._errors import SpikelearnError
from spikelearn.recordings.gaps import named, some_of

FEWEST_CATEGORIES = 4


def category_of_stimuli(recording: Any) -> np.ndarray:
    """The number of the kind of each stimulus: stimuli in the same categories are of one kind.

    Parameters
    ----------
    recording : recording
        With `categories`, of which `kinds` names those that say what is shown, if not all do.

    Returns
    -------
    int array of shape (n_stimuli,)

    Raises
    ------
    SpikelearnError
        If there are fewer than `FEWEST_CATEGORIES`.
    """
    group = kinds_of_stimuli(recording)
    if group is None:
        raise SpikelearnError(
            f"{recording.name} has no categories of stimuli, so nothing can be said over"
            " categories; choose over: stimuli, or give categories in the recording's description"
        )
    n_kinds = int(group.max()) + 1
    if n_kinds < FEWEST_CATEGORIES:
        raise SpikelearnError(
            f"the stimuli of {recording.name} are of {n_kinds} categories; intervals over"
            f" categories need at least {FEWEST_CATEGORIES}"
        )
    return group


def in_no_category(recording: Any) -> str:
    """That stimuli which are in no category are taken for one more kind; empty where none is.

    Parameters
    ----------
    recording : recording
        As of `category_of_stimuli`, with `labels`.
    """
    members = _members(recording)
    if members is None or members.any(axis=1).all():
        return ""
    out = named(recording.labels, np.logical_not(members.any(axis=1)))
    several = "is" if len(out) == 1 else "are together"
    return (
        f"{counted(len(out), 'stimulus', 'stimuli')} of no category ({some_of(out)}) {several}"
        " taken for one more kind"
    )


def kinds_of_stimuli(recording: Any) -> np.ndarray | None:
    """As `category_of_stimuli`, however many kinds there are; None where there are no categories.

    Parameters
    ----------
    recording : recording
    """
    members = _members(recording)
    if members is None:
        return None
    return np.asarray(np.unique(members, axis=0, return_inverse=True)[1]).ravel()


def _members(recording: Any) -> np.ndarray | None:
    """Which stimuli are in which categories, (n_stimuli, n_categories); None where none is."""
    categories = getattr(recording, "categories", {})
    names = getattr(recording, "kinds", ()) or tuple(categories)
    if not names:
        return None
    return np.stack([np.asarray(categories[name], dtype=bool) for name in names], axis=1)
