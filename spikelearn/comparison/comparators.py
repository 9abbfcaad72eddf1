"""How two RDMs are compared, and how well any model could do: scores, pooled RDMs, noise ceilings.

The scores are rsatoolbox's.

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

import warnings
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from spikelearn._errors import SpikelearnError, nearest

# Name -> (rsatoolbox's name, one line).
COMPARATORS: dict[str, tuple[str, str]] = {
    "spearman": ("spearman", "rank correlation"),
    "rho_a": (
        "rho-a",
        "rank correlation expected over random ranks of equal values: models with many equal"
        " dissimilarities have no advantage (Schütt et al. 2023)",
    ),
    "kendall_tau_a": (
        "tau-a",
        "fraction of pairs of dissimilarities in the same order less that in the opposite one"
        " (Nili et al. 2014)",
    ),
    "pearson": ("corr", "Pearson correlation"),
    "cosine": ("cosine", "cosine of the angle; for dissimilarities with a meaningful zero"),
    "whitened_pearson": (
        "corr_cov",
        "Pearson correlation in units of the covariance of dissimilarities (Diedrichsen et al."
        " 2020, arXiv:2007.02789)",
    ),
    "whitened_cosine": (
        "cosine_cov",
        "cosine in units of that covariance; of squared Euclidean distances it is linear CKA",
    ),
}
RANKS = ("spearman", "rho_a", "kendall_tau_a")


def known_comparator(name: str) -> str:
    """The name, if there is a comparator of that name.

    Raises
    ------
    SpikelearnError
        Naming those there are.
    """
    if name not in COMPARATORS:
        raise SpikelearnError(f"there is no comparator '{name}'; {nearest(name, COMPARATORS)}")
    return name


def compare_vectors(models: np.ndarray, data: np.ndarray, comparator: str) -> np.ndarray:
    """Score of every model RDM with every data RDM, array of shape (n_models, n_data).

    Parameters
    ----------
    models, data : arrays of shape (n_models, n_pairs), (n_data, n_pairs)
        Upper triangles without NaN.
    comparator : str
        One of `COMPARATORS`.
    """
    from rsatoolbox.rdm import RDMs, compare

    method = COMPARATORS[known_comparator(comparator)][0]
    # rsatoolbox writes into what it is given.
    scores = compare(RDMs(models.copy()), RDMs(data.copy()), method=method)
    return np.asarray(scores)


def pooled_vectors(vectors: np.ndarray, comparator: str) -> np.ndarray:
    """The one RDM that is nearest to several, array of shape (n_pairs,), by rsatoolbox.

    Averages of ranks for rank correlations, of standardised dissimilarities for Pearson's, of
    dissimilarities of equal norm for cosines. For Kendall's tau a good choice, not the best one.
    """
    from rsatoolbox.rdm import RDMs
    from rsatoolbox.util.inference_util import pool_rdm

    method = COMPARATORS[known_comparator(comparator)][0]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # rsatoolbox says the last sentence each time
        pooled: Any = pool_rdm(RDMs(vectors.copy()), method=method)
    return cast("np.ndarray", pooled.get_vectors()[0])


def compare_resamples(
    models: np.ndarray, data: np.ndarray, counts: np.ndarray, comparator: str
) -> np.ndarray:
    """Scores in every resample of the stimuli, one resample after the other.

    Parameters
    ----------
    models, data : arrays of shape (n_models, n_pairs), (n_data, n_pairs)
        Upper triangles. May be NaN in pairs whose weight is 0 in all resamples.
    counts : int array of shape (n_bootstrap, n_stimuli)
        How often each stimulus is in each resample.
    comparator : str
        One of `COMPARATORS`.

    Returns
    -------
    array of shape (n_models, n_data, n_bootstrap)
        NaN where a resample has fewer than three different stimuli.
    """
    from rsatoolbox.rdm import RDMs, compare

    method = COMPARATORS[comparator][0]
    n = counts.shape[1]
    place = np.zeros((n, n), dtype=int)
    rows, columns = np.triu_indices(n, k=1)
    place[rows, columns] = place[columns, rows] = np.arange(rows.size)
    scores = np.full((len(models), len(data), len(counts)), np.nan)
    for b, drawn in enumerate(counts):
        resample = np.repeat(np.arange(n), drawn)
        first, second = np.triu_indices(resample.size, k=1)
        first, second = resample[first], resample[second]
        same = first == second
        drawn_models, drawn_data = (v[:, place[first, second]] for v in (models, data))
        # Pairs of a stimulus with itself are left out: as NaN, so that rsatoolbox knows which
        # pairs share a stimulus.
        if "cov" in method:
            drawn_models[:, same] = drawn_data[:, same] = np.nan
        else:
            drawn_models, drawn_data = drawn_models[:, ~same], drawn_data[:, ~same]
        if drawn_models.shape[1] < 2 or np.unique(resample).size < 3:
            continue
        with np.errstate(invalid="ignore", divide="ignore"):
            scores[:, :, b] = compare(RDMs(drawn_models), RDMs(drawn_data), method=method)
    return scores


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
