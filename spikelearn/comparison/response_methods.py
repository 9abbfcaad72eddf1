"""CKA, CCA, Procrustes and encoding models against recorded responses, in the table of RSA."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from spikelearn._errors import SpikelearnError, nearest
from spikelearn.comparison.cka import bootstrap_cka, kernel
from spikelearn.comparison.encoding import unit_ceilings
from spikelearn.comparison.held_out_rsa import stimulus_folds
from spikelearn.comparison.held_out_scores import (
    Fold,
    cca_scores,
    encoding_by_unit,
    encoding_scores,
    procrustes_scores,
)
from spikelearn.comparison.intervals import (
    CATEGORY_VARIANCE,
    TOO_FEW,
    Sampled,
    known_factor,
    sampled,
    stimulus_resamples,
)
from spikelearn.comparison.left_out import excess, left_out_scores
from spikelearn.comparison.models_and_targets import (
    Key,
    Target,
    distinct_names,
    matched_response,
    split_key,
)
from spikelearn.comparison.name_order import by_names
from spikelearn.comparison.neural_responses import NeuralResponses, neural_responses
from spikelearn.comparison.observed import by_observed_stimuli, part_of
from spikelearn.comparison.rdms import pattern_matrix
from spikelearn.comparison.resamples import Resamples, resamples_of
from spikelearn.comparison.response_ceilings import response_ceilings
from spikelearn.comparison.session_groups import (
    mean_by_subject,
    nested,
    seed_of_group,
    session_groups,
)
from spikelearn.comparison.tables import made

if TYPE_CHECKING:
    import pandas
    import xarray

Scores = Callable[[np.ndarray, np.ndarray, np.ndarray, list[Fold]], np.ndarray]

N_FOLDS = 5
# Where maps are fitted anew, so many groups of stimuli are left out in turn.
MOST_REFITS = 25
# Rotations of more stimuli are too slow to fit anew. Resamples that keep the maps know nothing of
# the maps that other stimuli would have made; simulations of 24 to 150 stimuli gave 1 + 32 /
# stimuli times their variance.
MOST_ROTATED, ROTATION_VARIANCE = 200, 32.0


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


@by_observed_stimuli
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
        raise SpikelearnError(f"there is no method '{method}'; {nearest(method, RESPONSE_METHODS)}")
    recording = by_names(recording)
    measure = RESPONSE_METHODS[method][1]
    shown = ShownGroups(method, recording, n_bootstrap, seed, over)
    bounds = shown.ceilings()
    rows = []
    for key, response in models.items():
        model, layer = split_key(key)
        x = pattern_matrix(matched_response(key, response, recording.labels, recording.name))
        scored = shown.score(x)
        for target in shown.rows:
            chosen = list(target.rdms)
            value = scored.sampled(chosen, over, seed)
            low, high = bounds[chosen].mean(axis=0)
            flags = [shown.flag(x)]
            if np.isnan(low):
                why = "one subject" if len(shown.groups) == 1 else "other stimuli in each subject"
                flags.append(f"no lower ceiling: {why}")
            if np.isnan(high) and method != "cca":
                flags.append("no upper ceiling: no repeats, or none that agree")
            if n_bootstrap and value.has_no_interval:
                flags.append(TOO_FEW)
            rows.append(
                {
                    "model": model,
                    "layer": layer,
                    "recording": recording.name,
                    **target.columns,
                    "method": method,
                    "measure": measure,
                    **value.columns((float(low), float(high))),
                    "n_stimuli": scored.n_stimuli,
                    "n_units": int(shown.n_units[chosen].sum()),
                    "flag": "; ".join(filter(None, flags)),
                }
            )
    return made(rows)


SAME = "no score: the response is the same to every stimulus"


def varies(x: np.ndarray) -> bool:
    """Whether a response of shape (n_stimuli, n_units) tells any two stimuli apart."""
    return bool(x.size and np.ptp(x, axis=0).any())


@dataclass(frozen=True)
class ScoredResponse:
    """Scores of a model with the subjects of a region; differences of two are such again.

    Attributes
    ----------
    scores : array of shape (n_subjects,)
    resampled : array of shape (n_subjects, n_bootstrap)
        In every resample of the stimuli, as far apart as they should be.
    left_out : array of shape (n_subjects, n_groups), or None
        Without some of the stimuli, as far apart as they should be; None where none was left out.
    n_stimuli : int
    limit : float
        1, or 2 for a difference: no score is beyond.
    """

    scores: np.ndarray
    resampled: np.ndarray
    left_out: np.ndarray | None
    n_stimuli: int
    limit: float = 1.0

    def less(self, other: ScoredResponse) -> ScoredResponse:
        """The difference from another model's scores, over the same resamples."""
        left_out = None
        if self.left_out is not None and other.left_out is not None:
            left_out = self.left_out - other.left_out
        return ScoredResponse(
            self.scores - other.scores, self.resampled - other.resampled, left_out,
            self.n_stimuli, 2.0,
        )  # fmt: skip

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
            left_out=left_out, limit=self.limit,
        )  # fmt: skip


def score_response(
    method: str,
    x: np.ndarray,
    ones: Sequence[NeuralResponses],
    resamples: Resamples,
    folds: list[Fold],
) -> ScoredResponse:
    """Scores of a model's response with those of the subjects of a region, and what varies them.

    Parameters
    ----------
    method : str
        One of `RESPONSE_METHODS`.
    x : array of shape (n_stimuli, n_units)
        The model's response; where it is the same to all stimuli, scores are NaN.
    ones : sequence of NeuralResponses
    resamples : Resamples
        Of `response_resamples`.
    folds : list of (train, test)
        Of `response_folds`.
    """
    scores_of = RESPONSE_METHODS[method][0]
    n_drawn, n_stimuli = resamples.drawn.shape
    if not varies(x):
        none = np.full((len(ones), n_drawn), np.nan)
        return ScoredResponse(np.full(len(ones), np.nan), none, None, n_stimuli)
    whole = np.vstack([np.ones(n_stimuli, dtype=int), resamples.drawn])  # first all as they are
    scores = np.stack([scores_of(x, one.mean, whole, folds) for one in ones])
    if not len(resamples.left_out):
        if method == "procrustes":
            wider = np.sqrt(1 + ROTATION_VARIANCE / n_stimuli)
            scores[:, 1:] = scores[:, :1] + wider * (scores[:, 1:] - scores[:, :1])
        return ScoredResponse(scores[:, 0], scores[:, 1:], None, n_stimuli)
    without = []
    for one in ones:
        left_out = left_out_scores(method, scores_of, x, one.mean, folds, resamples.left_out)
        too_large = excess(method, x, one.mean, folds)
        if resamples.over == "categories":
            # What `jackknife_variance` takes off is right where no maps are fitted.
            too_large = 1.0 if method == "cka" else CATEGORY_VARIANCE
        without.append(left_out.mean() + (left_out - left_out.mean()) / np.sqrt(too_large))
    if n_drawn and method != "cka":
        scores[:, 1:] = _as_wide(scores, np.stack(without))
    return ScoredResponse(scores[:, 0], scores[:, 1:], np.stack(without), n_stimuli)


def response_folds(method: str, n_stimuli: int, seed: int) -> list[Fold]:
    """The folds in which a map is fitted to some of the stimuli and scored on the others.

    Parameters
    ----------
    method : str
        "cka" fits none: all stimuli are one fold.
    n_stimuli, seed : int
    """
    everything = np.ones(n_stimuli, dtype=bool)
    if method == "cka":
        return [(everything, everything)]
    return stimulus_folds(everything, N_FOLDS, 1, seed)[0]


def response_resamples(
    method: str, recording: Any, n_bootstrap: int, seed: int, over: str
) -> Resamples:
    """The resamples of which the intervals of a method are made.

    Parameters
    ----------
    method : str
        One of `RESPONSE_METHODS`.
    recording, n_bootstrap, seed, over
        As of `spikelearn.comparison.resamples.resamples_of`.
    """
    if method == "cka":
        return resamples_of(recording, n_bootstrap, seed, over)
    n_stimuli = len(recording.labels)
    if method == "procrustes" and over != "categories" and n_stimuli > MOST_ROTATED:
        drawn = stimulus_resamples(n_stimuli, n_bootstrap, seed)
        return Resamples(drawn, np.zeros((0, n_stimuli), dtype=int), known_factor(over))
    return resamples_of(recording, n_bootstrap, seed, over, most_groups=MOST_REFITS)


class ShownGroups:
    """The responses of a recording, by the stimuli that were shown, with folds and resamples.

    Parameters
    ----------
    method : str
        One of `RESPONSE_METHODS`.
    recording : recording with responses
        In the order of names.
    n_bootstrap, seed, over
        As of `response_resamples`.

    Attributes
    ----------
    groups : list of SessionGroup
        One, unless sessions have stimuli of their own.
    rows : list of Target
        Every subject of each region and their mean, by the numbers of subjects.
    n_units : int array of shape (n_subjects,)
    """

    def __init__(self, method: str, recording: Any, n_bootstrap: int, seed: int, over: str) -> None:
        self.method = method
        self.groups = session_groups(recording, method)
        seeds = [(group, seed_of_group(seed, i)) for i, group in enumerate(self.groups)]
        self.folds = [response_folds(method, len(group.rows), own) for group, own in seeds]
        self.resamples = [
            response_resamples(method, group.recording, n_bootstrap, own, over)
            for group, own in seeds
        ]
        units = [np.array([one.repeats.shape[2] for one in group.ones]) for group in self.groups]
        self.n_units = mean_by_subject(self.groups, units, np.sum)
        self.rows: list[Target] = []
        places = {
            number: (one.region, one.subject)
            for group in self.groups
            for number, one in zip(group.members, group.ones, strict=True)
        }
        for region in dict.fromkeys(places[number][0] for number in sorted(places)):
            its = [number for number in sorted(places) if places[number][0] == region]
            self.rows += [Target(region, places[i][1], "subject", (i,)) for i in its]
            self.rows.append(Target(region, "", "mean", tuple(its)))

    def score(self, x: np.ndarray, resampled: bool = True) -> ScoredResponse:
        """Scores of a model with every subject, and what varies them.

        Parameters
        ----------
        x : array of shape (n_stimuli, n_units)
        resampled : bool
            Whether resamples are scored too.
        """
        scored = []
        for group, folds, resamples in zip(self.groups, self.folds, self.resamples, strict=True):
            none = resamples.drawn[:0]
            drawn = resamples if resampled else Resamples(none, none, resamples.over)
            its = x[group.rows] if len(self.groups) > 1 else x
            scored.append(score_response(self.method, its, group.ones, drawn, folds))
        return nested(self.groups, scored)

    def ceilings(self) -> np.ndarray:
        """Lower and upper ceiling of each subject, array of shape (n_subjects, 2).

        Of several groups the regions are one; NaN where one of a subject's groups has none.
        """
        bounds = []
        for group, folds in zip(self.groups, self.folds, strict=True):
            its = np.full((len(group.ones), 2), np.nan)
            regions = [one.region for one in group.ones]
            for region in dict.fromkeys(regions):
                places = [i for i, name in enumerate(regions) if name == region]
                ones = [group.ones[i] for i in places]
                scores_of = RESPONSE_METHODS[self.method][0]
                its[places] = response_ceilings(self.method, scores_of, ones, folds)
            bounds.append(its)
        return mean_by_subject(self.groups, bounds, np.mean)

    def flag(self, x: np.ndarray) -> str:
        """Why a model has no score; empty where it has one."""
        return "" if all(varies(x[group.rows]) for group in self.groups) else SAME


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

    recording = part_of(by_names(recording), region)
    neural = {(one.subject, one.region): one for one in neural_responses(recording, "encoding")}
    if (subject, region) not in neural:
        hint = nearest(f"{subject} in {region}", (" in ".join(key) for key in neural))
        raise SpikelearnError(f"{recording.name} has no responses of {subject} in {region}; {hint}")
    one = neural[subject, region]
    x = pattern_matrix(matched_response("model", model, recording.labels, recording.name))
    n = len(recording.labels)
    folds = response_folds("encoding", n, seed)
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


def _as_wide(scores: np.ndarray, left_out: np.ndarray) -> np.ndarray:
    """Resampled scores, spread as widely as the jackknife says; both of shape (n_subjects, n)."""
    resampled = scores[:, 1:]
    errors = np.sqrt((left_out.shape[1] - 1) * left_out.var(axis=1, keepdims=True))
    spread = np.nanstd(resampled, axis=1, keepdims=True)
    wider = np.divide(errors, spread, out=np.ones_like(spread), where=spread > 0)
    return scores[:, :1] + wider * (resampled - scores[:, :1])
