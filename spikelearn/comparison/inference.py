"""Tests of models against zero and against each other, corrected for their number.

Every test is made within a region and a subject (or the mean over subjects); its family, over which
p-values are corrected, are all models or all pairs of models there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from spikelearn._errors import SpikelearnError
from spikelearn._seeding import generator
from spikelearn.comparison._bootstrap import stimulus_resamples
from spikelearn.comparison._comparators import compare_vectors
from spikelearn.comparison._models import Key, model_rdm, pair_mask
from spikelearn.comparison._targets import targets
from spikelearn.comparison.intervals import (
    known_factor,
    p_by_t,
    sampled,
)
from spikelearn.comparison.rsa import pair_influences, score_models

if TYPE_CHECKING:
    import pandas
    import xarray

    from spikelearn.recordings import ImageRecording

TESTS = ("permutation", "subjects")


def zero_table(
    models: Mapping[Key, xarray.DataArray] | Mapping[str, xarray.DataArray],
    recording: ImageRecording,
    n_resamples: int = 1000,
    seed: int = 0,
    *,
    test: str = "permutation",
    comparator: str = "spearman",
) -> pandas.DataFrame:
    """Is each model's score larger than zero?

    Parameters
    ----------
    models, recording, seed, comparator
        As in `compare_rsa`.
    n_resamples : int
        Permutations.
    test : {"permutation", "subjects"}
        "permutation": the stimuli of the model are relabelled at random. Exact for the null
        hypothesis that the model is unrelated to the recording, whatever the number of stimuli and
        subjects. "subjects": Student's t over the subjects' scores, for new subjects and these
        stimuli; only for the rows "mean". (A bootstrap over stimuli would be far too cautious here:
        it overestimates the variance of a score where there is no relation.)

    Returns
    -------
    DataFrame
        One row for each model and each subject, "mean" and "group". Columns: model, layer,
        recording, region, subject, test, score, p (one-sided), p_holm and p_fdr (corrected over
        the models of a region and subject), n_stimuli.

    Raises
    ------
    SpikelearnError
        If a name is unknown, or there is no resample to test with.
    """
    import pandas

    if test not in TESTS:
        raise SpikelearnError(f"there is no test '{test}'; tests are {', '.join(TESTS)}")
    if n_resamples < 1:
        raise SpikelearnError(f"a test needs at least 1 resample, found {n_resamples}")
    found = targets(recording, comparator)
    no_resamples = stimulus_resamples(recording.n_stimuli, 0, seed)
    rows = []
    for key, response in models.items():
        model = model_rdm(key, response, recording)
        scores, _ = score_models([model], model.valid, found, no_resamples)
        permuted = np.zeros((len(found.vectors), 0))
        if test == "permutation" and not model.problem(model.valid):
            kept = pair_mask(model.valid)
            permuted = permutation_scores(
                model.vector[kept], found.vectors[:, kept], n_resamples, seed, comparator
            )
        for target in found.rows:
            rdms = list(target.rdms)
            if test == "permutation":
                p = p_by_permutation(scores[0, rdms].mean(), permuted[rdms].mean(axis=0))
            elif target.subject == "mean" and len(rdms) > 1:
                none = np.zeros((len(rdms), 0))
                value = sampled(scores[0, rdms], none, recording.n_stimuli, "subjects", seed)
                p = p_by_t(value, two_sided=False)
            else:
                continue
            rows.append(
                {
                    "model": model.model,
                    "layer": model.layer,
                    "recording": recording.name,
                    "region": target.region,
                    "subject": target.subject,
                    "test": test,
                    "score": scores[0, rdms].mean(),
                    "p": p,
                    "n_stimuli": int(model.valid.sum()),
                }
            )
    if not rows:
        raise SpikelearnError(
            f"the test over subjects needs several subjects; {recording.name} has one or none"
        )
    return _corrected(pandas.DataFrame(rows))


def permutation_scores(
    model: np.ndarray, data: np.ndarray, n_permutations: int, seed: int, comparator: str
) -> np.ndarray:
    """Scores of the model with its stimuli relabelled at random.

    Parameters
    ----------
    model, data : arrays of shape (n_pairs,), (n_data, n_pairs)

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


def difference_table(
    models: Mapping[Key, xarray.DataArray] | Mapping[str, xarray.DataArray],
    recording: ImageRecording,
    pairs: Iterable[tuple[Key, Key]] | None = None,
    n_bootstrap: int = 1000,
    seed: int = 0,
    *,
    over: str = "stimuli",
    comparator: str = "spearman",
) -> pandas.DataFrame:
    """Differences in score between two models, over the same resamples.

    Parameters
    ----------
    models, recording, n_bootstrap, seed, comparator
        As in `compare_rsa`; the same seed draws the same resamples.
    pairs : iterable of (key, key), optional
        Which models to compare: the score of the first less that of the second; all pairs, if left
        out. Only stimuli for which both have a pattern are compared.
    over : {"stimuli", "subjects", "both"}
        What intervals and p-values of the rows "mean" generalise to; see `intervals`.

    Returns
    -------
    DataFrame
        One row for each pair and each subject, "mean" and "group". Columns: model_a, layer_a,
        model_b, layer_b, recording, region, subject, difference, ci_lower, ci_upper (95 %), p
        (two-sided, for no difference), p_holm and p_fdr (corrected over the pairs of a region and
        subject), n_stimuli.

    Raises
    ------
    SpikelearnError
        If a pair names a model that is not among `models`.
    """
    import pandas

    by_key: dict[Key, xarray.DataArray] = dict(models.items())
    known_factor(over)
    found = targets(recording, comparator)
    counts = stimulus_resamples(recording.n_stimuli, n_bootstrap, seed)
    prepared = {}
    rows = []
    for keys in combinations(by_key, 2) if pairs is None else pairs:
        for key in keys:
            if key not in by_key:
                raise SpikelearnError(
                    f"there is no model {key!r} to compare; models are"
                    f" {', '.join(map(repr, by_key))}"
                )
            if key not in prepared:
                prepared[key] = model_rdm(key, by_key[key], recording)
        a, b = (prepared[key] for key in keys)
        valid = a.valid & b.valid
        scores, resampled = score_models([a, b], valid, found, counts)
        pairs_of = (
            None if a.problem(valid) or b.problem(valid) else pair_influences([a, b], valid, found)
        )
        for target in found.rows:
            rdms = list(target.rdms)
            noise = None
            if pairs_of is not None:
                noise = pairs_of.variance(pairs_of.of(0, rdms) - pairs_of.of(1, rdms))
            resamples = resampled[0, rdms] - resampled[1, rdms]
            value = sampled(
                scores[0, rdms] - scores[1, rdms], resamples, int(valid.sum()), over, seed, noise
            )
            rows.append(
                {
                    "model_a": a.model,
                    "layer_a": a.layer,
                    "model_b": b.model,
                    "layer_b": b.layer,
                    "recording": recording.name,
                    "region": target.region,
                    "subject": target.subject,
                    "difference": value.score,
                    "ci_lower": value.low,
                    "ci_upper": value.high,
                    "p": p_by_t(value),
                    "n_stimuli": int(valid.sum()),
                }
            )
    return _corrected(pandas.DataFrame(rows))


def holm(p: np.ndarray) -> np.ndarray:
    """p-values corrected so that the chance of any false positive stays (Holm 1979).

    Parameters
    ----------
    p : array of shape (n_tests,)
        NaN are no tests, and stay.
    """
    p = np.asarray(p, dtype=np.float64)
    corrected = np.full(p.shape, np.nan)
    tested = np.flatnonzero(np.isfinite(p))
    order = tested[np.argsort(p[tested], kind="stable")]
    steps = p[order] * np.arange(len(order), 0, -1)
    corrected[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return corrected


def false_discovery_rate(p: np.ndarray) -> np.ndarray:
    """p-values corrected so that the share of false positives stays (Benjamini & Hochberg 1995).

    Parameters
    ----------
    p : array of shape (n_tests,)
        NaN are no tests, and stay.
    """
    p = np.asarray(p, dtype=np.float64)
    corrected = np.full(p.shape, np.nan)
    tested = np.flatnonzero(np.isfinite(p))
    order = tested[np.argsort(-p[tested], kind="stable")]
    n = len(order)
    steps = p[order] * n / np.arange(n, 0, -1)
    corrected[order] = np.minimum(np.minimum.accumulate(steps), 1.0)
    return corrected


def p_by_permutation(score: float, permuted: np.ndarray) -> float:
    if np.isnan(score) or not permuted.size:
        return np.nan
    # The relabelling that was found is one of them. Scores that are equal on paper count as equal.
    return float((1 + (permuted >= score - 1e-12).sum()) / (1 + permuted.size))


def _corrected(table: pandas.DataFrame) -> pandas.DataFrame:
    family = table.groupby(["region", "subject"], sort=False)["p"]
    place = list(table.columns).index("p") + 1
    table.insert(place, "p_holm", family.transform(lambda p: holm(p.to_numpy())))
    table.insert(place + 1, "p_fdr", family.transform(lambda p: false_discovery_rate(p.to_numpy())))
    return table
