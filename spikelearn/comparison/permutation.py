"""Permutation of stimuli: what a model scores where it is unrelated to a recording."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spikelearn._seeding import generator
from spikelearn.comparison.comparators import compare_vectors

# Relabellings that score as much as what was found, after which no more are made: a p-value is then
# known to about a fifth of itself, and is not small.
EXCEEDING = 25


@dataclass(frozen=True)
class Tested:
    """Scores by RDM or subject, p-values by row of a table, the number of stimuli, and a flag."""

    scores: np.ndarray
    p: list[float]
    n_stimuli: int
    flag: str = ""


# A test whose p cannot be below is none, and says so.
_LEVEL = 0.05


def smallest_p(n_permutations: int, n_orders: float, n_stimuli: int) -> str:
    """How small p can be at all, in words, where that is not small; empty where nothing is wrong.

    Parameters
    ----------
    n_permutations : int
        How often stimuli are relabelled.
    n_orders : float
        In how many ways they can be: what was found is one of these.
    n_stimuli : int
    """
    if n_orders <= n_permutations:
        ways = f"{n_stimuli} stimuli can be relabelled in {n_orders:.0f} ways only"
        return f"{ways}: no p much below {1 / n_orders:.2g}"
    if 1 / (1 + n_permutations) >= _LEVEL:
        return f"of {n_permutations} relabellings: no p below {1 / (1 + n_permutations):.2g}"
    return ""


def of_the_test(flag: str) -> str:
    """What of a flag is about the test by relabelling, and not about what is tested."""
    return "; ".join(said for said in flag.split("; ") if "relabel" in said)


def permutation_scores(
    model: np.ndarray, data: np.ndarray, n_permutations: int, seed: int, comparator: str
) -> np.ndarray:
    """Scores of the model with its stimuli relabelled at random.

    Parameters
    ----------
    model, data : arrays of shape (n_pairs,), (n_data, n_pairs)
        Upper triangles without NaN.
    n_permutations : int
        How often.
    seed : int
        Of the orders of stimuli: the same for every model of as many stimuli.
    comparator : str
        One of `COMPARATORS`.

    Returns
    -------
    array of shape (n_data, n_permutations)
    """
    from scipy.spatial.distance import squareform
    from scipy.stats import rankdata

    if comparator == "spearman":  # ranks once: relabelled ranks are the ranks of what is relabelled
        model, data, comparator = rankdata(model), rankdata(data, axis=1), "pearson"
    random = generator(seed, "permutation of stimuli")
    matrix = squareform(model, checks=False)
    first, second = np.triu_indices(len(matrix), k=1)
    scores = np.empty((len(data), n_permutations))
    for start in range(0, n_permutations, 64):
        orders = np.stack(
            [random.permutation(len(matrix)) for _ in range(min(64, n_permutations - start))]
        )
        relabelled = matrix[orders[:, first], orders[:, second]]
        scores[:, start : start + len(orders)] = compare_vectors(relabelled, data, comparator).T
    return scores


def p_by_permutation(score: float, permuted: np.ndarray) -> float:
    """One-sided p-value of a score among those of relabelled stimuli; NaN where there is none."""
    if np.isnan(score) or not permuted.size:
        return np.nan
    # The relabelling that was found is one of them. Scores that are equal on paper count as equal.
    return float((1 + (permuted >= score - 1e-12).sum()) / (1 + permuted.size))


def p_by_sequence(score: float, permuted: np.ndarray) -> float:
    """One-sided p-value of a score among relabellings that are made until it is plainly not small.

    Where `EXCEEDING` of them scored as much, only those up to the last of these count (Besag &
    Clifford 1991, doi:10.1093/biomet/78.2.301): p is EXCEEDING / their number, and valid as that of
    all is. A score that is larger than nearly all others is among all of them.
    """
    exceeding = np.flatnonzero(~(permuted < score - 1e-12))
    if np.isnan(score) or not permuted.size:
        return np.nan
    if len(exceeding) >= EXCEEDING:
        return float(EXCEEDING / (exceeding[EXCEEDING - 1] + 1))
    return float((1 + len(exceeding)) / (1 + permuted.size))


def settled(score: float, permuted: np.ndarray) -> bool:
    """Whether more relabellings leave the p-value of `p_by_sequence` as it is."""
    return bool((~(permuted < score - 1e-12)).sum() >= EXCEEDING)
