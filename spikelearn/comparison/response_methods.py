"""CKA, CCA, Procrustes and encoding models against recorded responses, in the table of RSA."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
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
from spikelearn.comparison.intervals import Sampled, known_factor, sampled, stimulus_resamples
from spikelearn.comparison.models_and_targets import (
    Key,
    Target,
    distinct_names,
    matched_response,
    split_key,
)
from spikelearn.comparison.name_order import by_names
from spikelearn.comparison.neural_responses import NeuralResponses, neural_responses
from spikelearn.comparison.rdms import pattern_matrix
from spikelearn.comparison.response_ceilings import response_ceilings
from spikelearn.comparison.tables import made

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
    if not models:
        raise SpikelearnError("there is no model to compare; give at least one response")
    distinct_names(models)
    if method not in RESPONSE_METHODS:
        raise SpikelearnError(
            f"there is no method '{method}'; methods are {', '.join(RESPONSE_METHODS)}"
        )
    known_factor(over)
    recording = by_names(recording)
    scores_of, measure = RESPONSE_METHODS[method]
    n_stimuli = len(recording.labels)
    folds = response_folds(n_stimuli, seed)
    counts = stimulus_resamples(n_stimuli, n_bootstrap, seed)
    by_region = responses_by_region(recording, method)
    bounds = {r: response_ceilings(method, scores_of, ones, folds) for r, ones in by_region.items()}
    rows = []
    for key, response in models.items():
        model, layer = split_key(key)
        x = pattern_matrix(matched_response(key, response, recording.labels, recording.name))
        varies = bool(x.size and np.ptp(x, axis=0).any())
        for region, ones in by_region.items():
            scored = score_response(method, x, ones, counts, folds, seed)
            for target in response_targets(region, ones):
                chosen = list(target.rdms)
                value = scored.sampled(chosen, over, seed)
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
    return made(rows)


@dataclass(frozen=True)
class ScoredResponse:
    """Scores of a model with the subjects of a region; differences of two are such again.

    Attributes
    ----------
    scores : array of shape (n_subjects,)
    resampled : array of shape (n_subjects, n_bootstrap)
        In every resample of the stimuli, as far apart as they should be.
    left_out : array of shape (n_subjects, n_groups), or None
        Without some of the stimuli, where the jackknife of the method is to be trusted.
    n_stimuli : int
    """

    scores: np.ndarray
    resampled: np.ndarray
    left_out: np.ndarray | None
    n_stimuli: int

    def less(self, other: ScoredResponse) -> ScoredResponse:
        """The difference from another model's scores, over the same resamples."""
        left_out = None
        if self.left_out is not None and other.left_out is not None:
            left_out = self.left_out - other.left_out
        return ScoredResponse(
            self.scores - other.scores, self.resampled - other.resampled, left_out, self.n_stimuli
        )

    def sampled(self, subjects: Sequence[int], over: str, seed: int) -> Sampled:
        """What the resamples say of the mean over some of the subjects.

        Parameters
        ----------
        subjects : sequence of int
            Their numbers.
        over, seed
            As of `spikelearn.comparison.intervals.sampled`.
        """
        chosen = list(subjects)
        left_out = None if self.left_out is None else self.left_out[chosen]
        return sampled(
            self.scores[chosen], self.resampled[chosen], self.n_stimuli, over, seed,
            left_out=left_out,
        )  # fmt: skip


def score_response(
    method: str,
    x: np.ndarray,
    ones: Sequence[NeuralResponses],
    counts: np.ndarray,
    folds: list[Fold],
    seed: int,
) -> ScoredResponse:
    """Scores of a model's response with those of the subjects of a region, and what varies them.

    Parameters
    ----------
    method : str
        One of `RESPONSE_METHODS`.
    x : array of shape (n_stimuli, n_units)
        The model's response; where it is the same to all stimuli, scores are NaN.
    ones : sequence of NeuralResponses
    counts : array of shape (n_bootstrap, n_stimuli)
        How often each stimulus is in each resample.
    folds : list of (train, test)
        Of `response_folds`.
    seed : int
        Of the groups that are left out together.
    """
    scores_of = RESPONSE_METHODS[method][0]
    n_bootstrap, n_stimuli = counts.shape
    if not (x.size and np.ptp(x, axis=0).any()):
        none = np.full((len(ones), n_bootstrap), np.nan)
        return ScoredResponse(np.full(len(ones), np.nan), none, None, n_stimuli)
    whole = np.vstack([np.ones(n_stimuli, dtype=int), counts])  # first all stimuli as they are
    scores = np.stack([scores_of(x, one.mean, whole, folds) for one in ones])
    left_out = None
    if method == "cka":
        without_each = np.ones((n_stimuli, n_stimuli), dtype=int) - np.eye(n_stimuli, dtype=int)
        left_out = np.stack([cka_scores(x, one.mean, without_each, folds) for one in ones])
    if method == "cca" and n_bootstrap:
        left_out = np.stack([_cca_left_out(x, one.mean, folds, seed) for one in ones])
        scores[:, 1:] = _as_wide(scores, left_out)
    if method in MAP_VARIANCE:
        spread = scores[:, 1:] - scores[:, :1]
        scores[:, 1:] = scores[:, :1] + np.sqrt(1 + MAP_VARIANCE[method] / n_stimuli) * spread
    return ScoredResponse(scores[:, 0], scores[:, 1:], left_out, n_stimuli)


def response_folds(n_stimuli: int, seed: int) -> list[Fold]:
    """The folds in which a map is fitted to some of the stimuli and scored on the others."""
    return stimulus_folds(np.ones(n_stimuli, dtype=bool), N_FOLDS, 1, seed)[0]


def responses_by_region(recording: Any, method: str) -> dict[str, list[NeuralResponses]]:
    """The responses of every subject of each region; errors are those of `neural_responses`."""
    by_region: dict[str, list[NeuralResponses]] = {}
    for one in neural_responses(recording, method):
        by_region.setdefault(one.region, []).append(one)
    return by_region


def response_targets(region: str, ones: Sequence[NeuralResponses]) -> list[Target]:
    """The rows of a table on a region: every subject, and their mean."""
    members = [Target(region, one.subject, "subject", (i,)) for i, one in enumerate(ones)]
    return [*members, Target(region, "", "mean", tuple(range(len(ones))))]


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
    folds = response_folds(n, seed)
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
