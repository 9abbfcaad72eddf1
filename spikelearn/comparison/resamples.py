"""Which stimuli are drawn, and which left out, to say how a score would vary."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from spikelearn._seeding import generator
from spikelearn.comparison.categories import FEWEST_CATEGORIES, category_of_stimuli
from spikelearn.comparison.intervals import known_factor, stimulus_resamples

MOST_GROUPS = 100  # of stimuli that are left out in turn


@dataclass(frozen=True)
class Resamples:
    """How often each stimulus is in each resample.

    `drawn`, of shape (n_bootstrap, n_stimuli), is drawn with replacement; `left_out`, of shape
    (n_groups, n_stimuli), is all stimuli without each group; `over` says what for.
    """

    drawn: np.ndarray
    left_out: np.ndarray
    over: str

    @property
    def counts(self) -> np.ndarray:
        """Both, one below the other."""
        return np.vstack([self.drawn, self.left_out])

    def parted(self, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        """Scores in all resamples (the last axis) as those of `drawn`, and of `left_out` if any."""
        n = len(self.drawn)
        return scores[..., :n], scores[..., n:] if len(self.left_out) else None


def resamples_of(
    recording: Any,
    n_bootstrap: int,
    seed: int,
    over: str,
    valid: np.ndarray | None = None,
    most_groups: int = MOST_GROUPS,
) -> Resamples:
    """The resamples of which intervals over stimuli, subjects, both or categories are made.

    Parameters
    ----------
    recording : recording
        With `labels`, and `categories` for intervals over them.
    n_bootstrap : int
        How many are drawn; only for intervals over both, which no others need. 0: no intervals, so
        that nothing is left out either.
    seed : int
        Of what is drawn.
    over : str
        One of `FACTORS`.
    valid : bool array of shape (n_stimuli,), optional
        Which stimuli there are at all.
    most_groups : int
        Of stimuli that are left out in turn; each by itself, if there are no more.
    """
    n = len(recording.labels)
    valid = np.ones(n, dtype=bool) if valid is None else valid
    drawn = stimulus_resamples(n, n_bootstrap, seed)
    if known_factor(over) != "both":
        drawn = drawn[:0]
    left_out = np.zeros((0, n), dtype=int)
    if n_bootstrap:
        groups = groups_of_stimuli(recording, over, valid, seed, most_groups)
        left_out = (np.unique(groups[valid])[:, None] != groups) * valid.astype(int)
    if over == "categories" and len(left_out) < FEWEST_CATEGORIES:
        left_out = left_out[:0]
    return Resamples(drawn * valid, left_out, over)


def groups_of_stimuli(
    recording: Any, over: str, valid: np.ndarray, seed: int, most_groups: int = MOST_GROUPS
) -> np.ndarray:
    """Which stimuli are left out together, int array of shape (n_stimuli,).

    Over categories those of a category; else each by itself, or, of many, groups drawn at random.

    Parameters
    ----------
    recording, over, valid, seed, most_groups
        As in `resamples_of`.
    """
    if over == "categories":
        return category_of_stimuli(recording)
    n_valid = int(valid.sum())
    group = np.zeros(len(valid), dtype=int)
    group[valid] = np.arange(n_valid)
    if n_valid > most_groups:
        group[valid] = generator(seed, "groups left out").permutation(n_valid) % most_groups
    return group
