"""The noise ceiling of RSA: how well any model could do, given how subjects and repeats differ.

Over subjects, Nili et al. 2014 (doi:10.1371/journal.pcbi.1003553): the best RDM for a comparator is
about the pool of the subjects' RDMs. Its score with each subject overestimates the ceiling where it
contains that subject (upper bound), and underestimates it where it does not (lower bound, leave one
subject out).

Over repeats (sessions) of one subject: the lower bound is each session's score with the pool of the
others; the upper bound is what the noiseless RDM would score with the pool of all k sessions, the
square root of the pool's reliability, which is k r / (1 + (k - 1) r) for a mean score r between
sessions (Spearman 1910, Brown 1910).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spikelearn.comparison._comparators import compare_vectors, pooled_vectors


@dataclass(frozen=True)
class NoiseCeiling:
    """Lower and upper bound for the mean over subjects, and for each subject.

    `lower_by_subject` and `upper_by_subject` have shape (n_subjects,); their means are `lower`
    and `upper`. All are NaN where there are fewer than two subjects.
    """

    lower: float
    upper: float
    lower_by_subject: np.ndarray
    upper_by_subject: np.ndarray


def noise_ceiling(subjects: np.ndarray, comparator: str = "spearman") -> NoiseCeiling:
    """The noise ceiling over subjects.

    Parameters
    ----------
    subjects : array of shape (n_subjects, n_pairs)
        One RDM per subject, as upper triangles.
    comparator : str
        One of `COMPARATORS`.
    """
    n_subjects = len(subjects)
    if n_subjects < 2:
        missing = np.full(n_subjects, np.nan)
        return NoiseCeiling(np.nan, np.nan, missing, missing)
    lower = leave_one_out(subjects, comparator)
    everyone = pooled_vectors(subjects, comparator)
    upper = compare_vectors(everyone[None], subjects, comparator)[0]
    return NoiseCeiling(float(lower.mean()), float(upper.mean()), lower, upper)


def leave_one_out(vectors: np.ndarray, comparator: str) -> np.ndarray:
    """Score of each RDM with the pool of the others, array of shape (n_rdms,)."""
    return np.array(
        [
            compare_vectors(
                pooled_vectors(np.delete(vectors, i, axis=0), comparator)[None],
                one[None],
                comparator,
            ).item()
            for i, one in enumerate(vectors)
        ]
    )


def repeat_ceiling(sessions: np.ndarray, comparator: str = "spearman") -> tuple[float, float]:
    """Lower and upper noise ceiling of one subject, from its sessions.

    Parameters
    ----------
    sessions : array of shape (n_sessions, n_pairs)
    comparator : str
        One of `COMPARATORS`.

    Returns
    -------
    lower, upper : float
        NaN where there are fewer than two sessions; the upper bound also where sessions do not
        agree at all.
    """
    k = len(sessions)
    if k < 2:
        return np.nan, np.nan
    scores = compare_vectors(sessions, sessions, comparator)
    between = float(scores[~np.eye(k, dtype=bool)].mean())
    reliability = k * between / (1 + (k - 1) * between) if between > 0 else np.nan
    return float(leave_one_out(sessions, comparator).mean()), float(np.sqrt(reliability))
