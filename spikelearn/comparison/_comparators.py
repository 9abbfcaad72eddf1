"""How two RDMs are compared: scores, pooled RDMs, noise ceilings and resamples by comparator.

The scores are rsatoolbox's. Resamples of the commonest comparators are computed for many RDMs at
once (see `_bootstrap`); the others one resample at a time, by rsatoolbox.
"""

from __future__ import annotations

import warnings
from typing import Any, cast

import numpy as np

from spikelearn._errors import SpikelearnError
from spikelearn.comparison._bootstrap import bootstrap_spearman, bootstrap_vectors

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
        raise SpikelearnError(
            f"there is no comparator '{name}'; comparators are {', '.join(COMPARATORS)}"
        )
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


def bootstrap_scores(
    models: np.ndarray, data: np.ndarray, counts: np.ndarray, comparator: str
) -> np.ndarray:
    """Scores in every resample of the stimuli; parameters as in `bootstrap_spearman`.

    Returns
    -------
    array of shape (n_models, n_data, n_bootstrap)
    """
    known_comparator(comparator)
    if comparator == "spearman":
        return bootstrap_spearman(models, data, counts)
    if comparator in ("pearson", "cosine"):
        return bootstrap_vectors(models, data, counts, centred=comparator == "pearson")
    return _one_by_one(models, data, counts, comparator)


def _one_by_one(
    models: np.ndarray, data: np.ndarray, counts: np.ndarray, comparator: str
) -> np.ndarray:
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
