"""CKA, CCA, Procrustes and encoding models against recorded responses, in the table of RSA."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from spikelearn._errors import SpikelearnError
from spikelearn.comparison.cka import bootstrap_cka, kernel
from spikelearn.comparison.encoding import unit_ceilings
from spikelearn.comparison.held_out_rsa import stimulus_folds
from spikelearn.comparison.held_out_scores import (
    Fold,
    cca_left_out,
    cca_scores,
    encoding_by_unit,
    encoding_scores,
    procrustes_scores,
)
from spikelearn.comparison.intervals import known_factor, sampled, stimulus_resamples
from spikelearn.comparison.models_and_targets import Key, Target, matched_response, split_key
from spikelearn.comparison.name_order import by_names
from spikelearn.comparison.neural_responses import neural_responses
from spikelearn.comparison.rdms import pattern_matrix
from spikelearn.comparison.response_ceilings import response_ceilings

if TYPE_CHECKING:
    import pandas
    import xarray

Scores = Callable[[np.ndarray, np.ndarray, np.ndarray, list[Fold]], np.ndarray]

N_FOLDS = 5
# Other stimuli would also have made other maps, of which resamples that keep the maps know nothing,
# and no estimate from one set of stimuli is unbiased (Bengio & Grandvalet 2004). Intervals allow
# for that by the variance of scores over simulated data sets: 24 to 150 stimuli, 3 to 60 units, 8
# to 30 features, normal, heavy-tailed or in categories, two levels of noise. For rotations and
# ridge it is 1 + b / stimuli times the variance of resamples, with b below.
MAP_VARIANCE = {"procrustes": 32.0, "encoding": 75.0}
# For CCA no such factor is the same everywhere. The jackknife that fits its maps anew follows them.
# By its nature it is too large (Efron & Stein 1981, doi:10.1214/aos/1176345462), and the more so
# the fewer stimuli there are for a direction: 1 + 4 effective dimensions / training stimuli times.
JACKKNIFE_EXCESS = 4.0


def cka_scores(x: np.ndarray, y: np.ndarray, counts: np.ndarray, _folds: list[Fold]) -> np.ndarray:
    """Debiased linear CKA in every resample; nothing is fitted, so nothing is held out.

    Parameters
    ----------
    x, y : arrays of shape (n_stimuli, n_units_x), (n_stimuli, n_units_y)
    counts : array of shape (n_resamples, n_stimuli)
        How often each stimulus is in each resample.

    Returns
    -------
    array of shape (n_resamples,)
    """
    return bootstrap_cka(kernel(x), kernel(y), counts)


# Method -> (scores in resamples, what a score is).
RESPONSE_METHODS: dict[str, tuple[Scores, str]] = {
    "cka": (cka_scores, "debiased linear CKA"),
    "cca": (cca_scores, "held-out canonical correlation"),
    "procrustes": (procrustes_scores, "held-out cosine after rotation"),
    "encoding": (encoding_scores, "held-out Pearson r of ridge, mean over units"),
}


def compare_responses(
    models: Mapping[Key, xarray.DataArray] | Mapping[str, xarray.DataArray],
    recording: Any,
    n_bootstrap: int = 1000,
    seed: int = 0,
    *,
    method: str,
    over: str = "stimuli",
) -> pandas.DataFrame:
    """Score of every model's responses with every subject's.

    Parameters
    ----------
    models, n_bootstrap, seed, over
        As in `compare_rsa`.
    recording : recording with responses
        See `neural_responses`.
    method : {"cka", "cca", "procrustes", "encoding"}
        All but CKA fit a map to some stimuli and score it on others, in five folds.

    Returns
    -------
    DataFrame
        The columns of `compare_rsa`, n_pairs left out, n_units (recorded) added. For the ceilings
        see `spikelearn.comparison.response_ceilings`; NaN where there is one subject, or one
        repeat, or (upper) for CCA, whose directions weigh differently in every model. Intervals are
        held to 95 % in simulations.

    Raises
    ------
    SpikelearnError
        If there is no model, the recording has RDMs only, or a response lacks a stimulus.
    """
    import pandas

    if not models:
        raise SpikelearnError("there is no model to compare; give at least one response")
    if method not in RESPONSE_METHODS:
        raise SpikelearnError(
            f"there is no method '{method}'; methods are {', '.join(RESPONSE_METHODS)}"
        )
    known_factor(over)
    scores_of, measure = RESPONSE_METHODS[method]
    recording = by_names(recording)
    neural = neural_responses(recording, method)
    n_stimuli = len(recording.labels)
    folds = stimulus_folds(np.ones(n_stimuli, dtype=bool), N_FOLDS, 1, seed)[0]
    counts = np.vstack(
        [np.ones(n_stimuli, dtype=int), stimulus_resamples(n_stimuli, n_bootstrap, seed)]
    )
    regions = dict.fromkeys(one.region for one in neural)
    by_region = {region: [one for one in neural if one.region == region] for region in regions}
    bounds = {r: response_ceilings(method, scores_of, ones, folds) for r, ones in by_region.items()}
    without_each = np.ones((n_stimuli, n_stimuli), dtype=int) - np.eye(n_stimuli, dtype=int)
    rows = []
    for key, response in models.items():
        model, layer = split_key(key)
        x = pattern_matrix(matched_response(key, response, recording.labels, recording.name))
        varies = bool(x.size and np.ptp(x, axis=0).any())
        for region, ones in by_region.items():
            scores = np.full((len(ones), len(counts)), np.nan)  # first of all stimuli as they are
            left_out = None
            if varies:
                scores = np.stack([scores_of(x, one.mean, counts, folds) for one in ones])
                if method == "cka":
                    left_out = np.stack([cka_scores(x, o.mean, without_each, folds) for o in ones])
                if method == "cca" and n_bootstrap:
                    left_out = np.stack([_cca_left_out(x, o.mean, folds, seed) for o in ones])
                    scores[:, 1:] = _as_wide(scores, left_out)
                if method in MAP_VARIANCE:
                    spread = scores[:, 1:] - scores[:, :1]
                    wider = np.sqrt(1 + MAP_VARIANCE[method] / n_stimuli)
                    scores[:, 1:] = scores[:, :1] + wider * spread
            members = [Target(region, o.subject, "subject", (i,)) for i, o in enumerate(ones)]
            for target in (*members, Target(region, "mean", "mean", tuple(range(len(ones))))):
                chosen = list(target.rdms)
                each = None if left_out is None else left_out[chosen]
                value = sampled(
                    scores[chosen, 0], scores[chosen, 1:], n_stimuli, over, seed, left_out=each
                )
                low, high = bounds[region][chosen].mean(axis=0)
                flags = ["" if varies else "no score: the response is the same to every stimulus"]
                if np.isnan(low):
                    flags.append("no lower ceiling: one subject")
                if np.isnan(high) and method != "cca":
                    flags.append("no upper ceiling: no repeats, or none that agree")
                rows.append(
                    {
                        "model": model,
                        "layer": layer,
                        "recording": recording.name,
                        **target.columns,
                        "method": method,
                        "measure": measure,
                        **value.columns((float(low), float(high))),
                        "n_stimuli": n_stimuli,
                        "n_units": sum(ones[i].repeats.shape[2] for i in chosen),
                        "flag": "; ".join(filter(None, flags)),
                    }
                )
    return pandas.DataFrame(rows)


def encoding_table(
    model: Any, recording: Any, subject: str, region: str, seed: int = 0
) -> pandas.DataFrame:
    """Encoding scores of every recorded unit (voxel, neuron) with its noise ceiling.

    Parameters
    ----------
    model : DataArray
        Responses to the recording's stimuli.
    recording : recording with responses
    subject, region : str
        Whose units.
    seed : int
        Of the folds.

    Returns
    -------
    DataFrame
        One row a unit: unit (its name), score (held-out Pearson r), ceiling, and normalised, their
        ratio (NaN where the ceiling is 0 or unknown).

    Raises
    ------
    SpikelearnError
        If there are no responses of that subject and region.
    """
    import pandas

    recording = by_names(recording)
    neural = {(one.subject, one.region): one for one in neural_responses(recording, "encoding")}
    if (subject, region) not in neural:
        known = "; ".join(" in ".join(key) for key in neural)
        raise SpikelearnError(
            f"{recording.name} has no responses of {subject} in {region}; there are {known}"
        )
    one = neural[subject, region]
    x = pattern_matrix(matched_response("model", model, recording.labels, recording.name))
    n = len(recording.labels)
    folds = stimulus_folds(np.ones(n, dtype=bool), N_FOLDS, 1, seed)[0]
    score = encoding_by_unit(x, one.mean, np.ones((1, n)), folds)[0]
    ceiling = unit_ceilings(one.repeats)
    normalised = np.divide(score, ceiling, out=np.full(score.shape, np.nan), where=ceiling > 0)
    return pandas.DataFrame(
        {
            "unit": list(one.unit_names),
            "score": score,
            "ceiling": ceiling,
            "normalised": normalised,
        }
    )


def _cca_left_out(x: np.ndarray, y: np.ndarray, folds: list[Fold], seed: int) -> np.ndarray:
    """Scores without some of the stimuli, as far from their mean as their variance should be."""
    scores, dimensions = cca_left_out(x, y, folds, seed)
    excess = 1 + JACKKNIFE_EXCESS * dimensions
    narrowed: np.ndarray = scores.mean() + (scores - scores.mean()) / np.sqrt(excess)
    return narrowed


def _as_wide(scores: np.ndarray, left_out: np.ndarray) -> np.ndarray:
    """Resampled scores, spread as widely as the jackknife says; both of shape (n_subjects, n)."""
    resampled = scores[:, 1:]
    errors = np.sqrt((left_out.shape[1] - 1) * left_out.var(axis=1, keepdims=True))
    spread = np.nanstd(resampled, axis=1, keepdims=True)
    wider = np.divide(errors, spread, out=np.ones_like(spread), where=spread > 0)
    return scores[:, :1] + wider * (resampled - scores[:, :1])
