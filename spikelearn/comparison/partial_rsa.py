"""Partial RSA: what a model shares with a recording beyond what controls share with both.

The partial correlation of model m and recording d given the controls c,

    (r_md - r_mc R_cc^-1 r_cd) / sqrt((1 - r_mc R_cc^-1 r_cm) (1 - r_dc R_cc^-1 r_cd)),

of dissimilarities or of their ranks: the correlation of what is left of both when the controls have
been regressed out. In a resample of the stimuli all correlations are those of the resample.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from spikelearn._errors import SpikelearnError
from spikelearn.comparison.intervals import (
    bootstrap_scores,
    sampled,
)
from spikelearn.comparison.models_and_targets import (
    Key,
    ModelRDM,
    Targets,
    model_rdm,
    pair_mask,
    targets,
)
from spikelearn.comparison.name_order import by_names
from spikelearn.comparison.observed import by_observed_stimuli
from spikelearn.comparison.pair_influences import PairInfluences
from spikelearn.comparison.resamples import resamples_of
from spikelearn.comparison.tables import made

if TYPE_CHECKING:
    import pandas
    import xarray

    from spikelearn.recordings import ImageRecording

# Below this share of variance that the controls leave, what is left is rounding error.
_LEAST_LEFT = 1e-9


@by_observed_stimuli
def compare_partial_rsa(
    models: Mapping[Key, xarray.DataArray] | Mapping[str, xarray.DataArray],
    recording: ImageRecording,
    controls: Mapping[Key, xarray.DataArray] | Mapping[str, xarray.DataArray],
    n_bootstrap: int = 1000,
    seed: int = 0,
    *,
    comparator: str = "spearman",
    over: str = "stimuli",
) -> pandas.DataFrame:
    """Partial correlation of every model RDM with every RDM of the recording, given controls.

    Parameters
    ----------
    models, recording, n_bootstrap, seed, over
        As in `compare_rsa`.
    controls : mapping of names to responses
        What is regressed out; see `baselines` for pixels, luminance and categories.
    comparator : {"spearman", "pearson"}
        Correlation of ranks or of dissimilarities.

    Returns
    -------
    DataFrame
        The columns of `compare_rsa`; method is "partial rsa", the flag names the controls. There
        is no noise ceiling. A model that the controls explain altogether scores NaN.

    Raises
    ------
    SpikelearnError
        If there is no model or no control, or the comparator is no correlation of one kind.
    """
    if not models or not controls:
        raise SpikelearnError("partial RSA needs at least one model and one control")
    if comparator not in ("spearman", "pearson"):
        raise SpikelearnError(
            f"partial RSA takes the comparators spearman and pearson, found '{comparator}'"
        )
    recording = by_names(recording)
    all_targets = targets(recording, comparator)
    given = [model_rdm(key, response, recording) for key, response in controls.items()]
    rows = []
    for key, response in models.items():
        model = model_rdm(key, response, recording)
        valid = np.logical_and.reduce([model.valid, *(c.valid for c in given)])
        n_stimuli = int(valid.sum())
        problem = "; ".join(filter(None, (m.problem(valid) for m in (model, *given))))
        scores = np.full(len(all_targets.vectors), np.nan)
        resampled, left_out = np.full((len(scores), n_bootstrap), np.nan), None
        if not problem:
            drawn = resamples_of(recording, n_bootstrap, seed, over, valid)
            whole = np.vstack([valid, drawn.counts])
            both = _partial(model, given, all_targets.vectors, whole, comparator)
            scores = both[:, 0]
            resampled, left_out = drawn.parted(both[:, 1:])
        pairs = None if problem else _pair_influences(model, given, all_targets, valid)
        flag = "given " + ", ".join(" · ".join(filter(None, (c.model, c.layer))) for c in given)
        for target in all_targets.rows:
            rdms = list(target.rdms)
            noise = None if pairs is None else pairs.variance(pairs.of(0, rdms))
            each = None if left_out is None else left_out[rdms]
            value = sampled(scores[rdms], resampled[rdms], n_stimuli, over, seed, noise, each)
            rows.append(
                {
                    "model": model.model,
                    "layer": model.layer,
                    "recording": recording.name,
                    **target.columns,
                    "method": "partial rsa",
                    "measure": comparator,
                    **value.columns(),
                    "n_stimuli": n_stimuli,
                    "n_pairs": n_stimuli * (n_stimuli - 1) // 2,
                    "flag": "; ".join(filter(None, (flag, model.flag, problem))),
                }
            )
    return made(rows)


def partial_correlation(correlations: np.ndarray) -> np.ndarray:
    """Partial correlation of the first two variables given all others.

    Parameters
    ----------
    correlations : array of shape (..., n_variables, n_variables)

    Returns
    -------
    array of shape (...)
        NaN where the controls leave nothing of one of the two.
    """
    controls = correlations[..., 2:, 2:]
    cross = correlations[..., :2, 2:]
    # The pseudo-inverse: a control that repeats another adds nothing.
    explained = cross @ np.linalg.pinv(controls, hermitian=True) @ np.swapaxes(cross, -1, -2)
    left = correlations[..., :2, :2] - explained
    first, second = left[..., 0, 0], left[..., 1, 1]
    defined = (first > _LEAST_LEFT) & (second > _LEAST_LEFT)
    norms = np.sqrt(np.where(defined, first * second, 1.0))
    return np.where(defined, left[..., 0, 1] / norms, np.nan)


def _pair_influences(
    model: ModelRDM, controls: list[ModelRDM], all_targets: Targets, valid: np.ndarray
) -> PairInfluences:
    """Influences of pairs of stimuli: those on the correlation of what the controls leave."""
    from scipy.stats import rankdata

    kept = pair_mask(valid)
    ours, theirs = model.vector[None, kept], all_targets.vectors[:, kept]
    given = np.stack([c.vector[kept] for c in controls])
    if all_targets.comparator == "spearman":
        ours, theirs, given = (rankdata(v, axis=1) for v in (ours, theirs, given))
    explaining = np.column_stack([np.ones(kept.sum()), given.T])

    def left(vectors: np.ndarray) -> np.ndarray:
        weights = np.linalg.lstsq(explaining, vectors.T, rcond=None)[0]
        residuals: np.ndarray = vectors - (explaining @ weights).T
        return residuals

    return PairInfluences(left(ours), left(theirs), "pearson")


def _partial(
    model: ModelRDM,
    controls: list[ModelRDM],
    data: np.ndarray,
    counts: np.ndarray,
    comparator: str,
) -> np.ndarray:
    """Shape (n_data, n_resamples)."""
    ours = np.stack([model.vector, *(c.vector for c in controls)])
    within = bootstrap_scores(ours, ours, counts, comparator)  # (1 + c, 1 + c, b)
    across = bootstrap_scores(ours, data, counts, comparator)  # (1 + c, d, b)
    n, n_data, n_resamples = across.shape
    scores = np.full((n_data, n_resamples), np.nan)
    matrix = np.ones((n_resamples, n + 1, n + 1))
    rest = [0, *range(2, n + 1)]  # the model, then the recording, then the controls
    for d in range(n_data):
        matrix[:, 1, rest] = matrix[:, rest, 1] = across[:, d].T
        matrix[np.ix_(range(n_resamples), rest, rest)] = within.transpose(2, 0, 1)
        finite = np.isfinite(matrix).all(axis=(1, 2))
        scores[d, finite] = partial_correlation(matrix[finite])
    return scores
