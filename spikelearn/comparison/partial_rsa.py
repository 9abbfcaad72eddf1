"""Partial RSA: what a model shares with a recording beyond what controls share with both.

The partial correlation of model m and recording d given the controls c,

    (r_md - r_mc R_cc^-1 r_cd) / sqrt((1 - r_mc R_cc^-1 r_cm) (1 - r_dc R_cc^-1 r_cd)),

of dissimilarities or of their ranks: the correlation of what is left of both when the controls have
been regressed out. In a resample of the stimuli all correlations are those of the resample. Tests
are those of RSA, by `ComparedPartialRDMs`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from spikelearn._errors import SpikelearnError
from spikelearn.comparison.baselines import pixels
from spikelearn.comparison.intervals import (
    TOO_FEW,
    bootstrap_scores,
    sampled,
)
from spikelearn.comparison.models_and_targets import (
    PARTIAL_RSA,
    Key,
    ModelRDM,
    Targets,
    distinct_names,
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

CORRELATIONS = ("spearman", "pearson")
# Below this share of variance that the controls leave, what is left is rounding error.
LEAST_LEFT = 1e-9


@by_observed_stimuli
def compare_partial_rsa(
    models: Mapping[Key, xarray.DataArray] | Mapping[str, xarray.DataArray],
    recording: ImageRecording,
    controls: Mapping[Key, xarray.DataArray] | Mapping[str, xarray.DataArray] | None = None,
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
    controls : mapping of names to responses, optional
        What is regressed out; see `baselines` for pixels, luminance and categories. The pixels of
        the recording's images, if left out.
    comparator : {"spearman", "pearson"}
        Correlation of ranks or of dissimilarities.

    Returns
    -------
    DataFrame
        The columns of `compare_rsa`; method is "partial_rsa", measure and flag name the controls.
        There is no noise ceiling. A model that the controls explain altogether scores NaN.

    Raises
    ------
    SpikelearnError
        If there is no model or no control, or the comparator is no correlation of one kind.
    """
    if not models:
        raise SpikelearnError("partial RSA needs at least one model and one control")
    distinct_names(models)
    recording = by_names(recording)
    all_targets = targets(recording, known_correlation(comparator))
    given = control_rdms(controls, recording)
    rows = []
    for key, response in models.items():
        model = model_rdm(key, response, recording)
        valid = np.logical_and.reduce([model.valid, *(c.valid for c in given)])
        n_stimuli = int(valid.sum())
        problem = partial_problem(model, given, valid, comparator)
        drawn = resamples_of(recording, n_bootstrap, seed, over, valid)
        ((scores,), (both,)) = partial_scores([model], given, all_targets, valid, drawn.counts)
        resampled, left_out = drawn.parted(both)
        pairs = None if problem else partial_influences([model], given, all_targets, valid)
        flag = "given " + named_controls(given)
        for target in all_targets.rows:
            rdms = list(target.rdms)
            noise = None if pairs is None else pairs.variance(pairs.of(0, rdms))
            each = None if left_out is None else left_out[rdms]
            value = sampled(scores[rdms], resampled[rdms], n_stimuli, over, seed, noise, each)
            few = TOO_FEW if n_bootstrap and value.has_no_interval else ""
            rows.append(
                {
                    "model": model.model,
                    "layer": model.layer,
                    "recording": recording.name,
                    **target.columns,
                    "method": PARTIAL_RSA,
                    "measure": partial_measure(comparator, given),
                    **value.columns(),
                    "n_stimuli": n_stimuli,
                    "n_pairs": n_stimuli * (n_stimuli - 1) // 2,
                    "flag": "; ".join(filter(None, (flag, model.flag, problem, few))),
                }
            )
    return made(rows)


def known_correlation(comparator: str) -> str:
    """The name, if partial RSA can be made with it.

    Raises
    ------
    SpikelearnError
    """
    if comparator not in CORRELATIONS:
        raise SpikelearnError(
            f"partial RSA takes the comparators spearman and pearson, found '{comparator}'"
        )
    return comparator


def control_rdms(controls: Mapping[Any, Any] | None, recording: Any) -> list[ModelRDM]:
    """The RDMs of what is regressed out: of responses, or of the recording's images.

    Raises
    ------
    SpikelearnError
        If there is none.
    """
    if controls is None:
        images = getattr(recording, "images", None)
        if images is None:
            raise SpikelearnError(
                f"{recording.name} has no images whose pixels could be the control; give controls"
            )
        controls = {"pixels": pixels(images, recording.labels)}
    if not isinstance(controls, Mapping):
        raise SpikelearnError(
            "controls are a mapping from names to responses, as in {'luminance': response}; found a"
            f" {type(controls).__name__}"
        )
    if not controls:
        raise SpikelearnError("partial RSA needs at least one model and one control")
    distinct_names(controls)
    return [model_rdm(key, response, recording) for key, response in controls.items()]


def named_controls(controls: Sequence[ModelRDM]) -> str:
    """Their names, with commas between them."""
    return ", ".join(" · ".join(filter(None, (c.model, c.layer))) for c in controls)


def partial_measure(comparator: str, controls: Sequence[ModelRDM]) -> str:
    """What tells scores of partial RSA apart: the correlation, and given what."""
    return f"{comparator} given {named_controls(controls)}"


def partial_problem(
    model: ModelRDM, controls: Sequence[ModelRDM], valid: np.ndarray, comparator: str
) -> str:
    """Why there is no score over the stimuli `valid`; empty where there is one.

    Parameters
    ----------
    model : ModelRDM
    controls : sequence of ModelRDM
    valid : bool array of shape (n_stimuli,)
    comparator : {"spearman", "pearson"}
    """
    problem = "; ".join(filter(None, (m.problem(valid) for m in (model, *controls))))
    if problem:
        return problem
    kept = pair_mask(valid)
    vector = numbers_of(model.vector[None, kept], comparator)
    left = left_by(control_design(controls, kept, comparator), vector)
    if (left**2).sum() <= LEAST_LEFT * ((vector - vector.mean()) ** 2).sum():
        return "no score: the controls explain it altogether"
    return ""


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
    defined = (first > LEAST_LEFT) & (second > LEAST_LEFT)
    norms = np.sqrt(np.where(defined, first * second, 1.0))
    return np.where(defined, left[..., 0, 1] / norms, np.nan)


def partial_scores(
    models: Sequence[ModelRDM],
    controls: Sequence[ModelRDM],
    all_targets: Targets,
    valid: np.ndarray,
    counts: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Scores of models given controls, and the same in every resample.

    Parameters
    ----------
    models, controls : sequence of ModelRDM
    all_targets : Targets
    valid : bool array of shape (n_stimuli,)
        Over which stimuli; all have dissimilarities between them.
    counts : int array of shape (n_resamples, n_stimuli)
        How often each stimulus is in each resample.

    Returns
    -------
    scores : array of shape (n_models, n_rdms)
        NaN where a model has none; see `partial_problem`.
    resampled : array of shape (n_models, n_rdms, n_resamples)
    """
    comparator, data = all_targets.comparator, all_targets.vectors
    whole = np.vstack([valid.astype(int), counts * valid])
    both = np.full((len(models), len(data), len(whole)), np.nan)
    for m, model in enumerate(models):
        if not partial_problem(model, controls, valid, comparator):
            both[m] = _partial(model, controls, data, whole, comparator)
    return both[..., 0], both[..., 1:]


def partial_influences(
    models: Sequence[ModelRDM],
    controls: Sequence[ModelRDM],
    all_targets: Targets,
    valid: np.ndarray,
) -> PairInfluences:
    """Influences of pairs of stimuli: those on the correlation of what the controls leave.

    Parameters
    ----------
    models, controls, all_targets, valid
        As in `partial_scores`.
    """
    kept, comparator = pair_mask(valid), all_targets.comparator
    design = control_design(controls, kept, comparator)
    ours = np.stack([m.vector[kept] for m in models])
    theirs = all_targets.vectors[:, kept]
    left = [left_by(design, numbers_of(vectors, comparator)) for vectors in (ours, theirs)]
    return PairInfluences(left[0], left[1], "pearson")


def numbers_of(vectors: np.ndarray, comparator: str) -> np.ndarray:
    """What is correlated: ranks, or dissimilarities as they are."""
    from scipy.stats import rankdata

    ranks: Any = rankdata(vectors, axis=1) if comparator == "spearman" else vectors
    return np.asarray(ranks, dtype=np.float64)


def control_design(controls: Sequence[ModelRDM], kept: np.ndarray, comparator: str) -> np.ndarray:
    """What is regressed on, array of shape (n_pairs, 1 + n_controls): a constant, and controls.

    Parameters
    ----------
    controls : sequence of ModelRDM
    kept : bool array
        Which pairs of stimuli.
    comparator : {"spearman", "pearson"}
    """
    numbers = numbers_of(np.stack([c.vector[kept] for c in controls]), comparator)
    return np.column_stack([np.ones(numbers.shape[1]), numbers.T])


def left_by(design: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """What a regression leaves of each vector.

    Parameters
    ----------
    design : array of shape (n_pairs, n_columns)
    vectors : array of shape (n_vectors, n_pairs)
    """
    weights = np.linalg.lstsq(design, vectors.T, rcond=None)[0]
    left: np.ndarray = vectors - (design @ weights).T
    return left


def _partial(
    model: ModelRDM,
    controls: Sequence[ModelRDM],
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
