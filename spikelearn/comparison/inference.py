"""Tests of models against zero and against each other, corrected for their number, by every method.

Every test is made within a region and a subject (or the mean over subjects); its family, over which
p-values are corrected, are all models or all pairs of models there.

A model may be several instances, such as a network trained from several seeds: its score is the
mean of theirs, and tests are of that mean, for these instances.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from spikelearn._errors import SpikelearnError, nearest
from spikelearn.comparison.compared_partial_rdms import ComparedPartialRDMs
from spikelearn.comparison.compared_rdms import ComparedRDMs
from spikelearn.comparison.compared_responses import ComparedResponses
from spikelearn.comparison.intervals import TOO_FEW, known_factor, p_by_t, sampled
from spikelearn.comparison.methods import METHODS
from spikelearn.comparison.models_and_targets import (
    OF_RDMS,
    PARTIAL_RSA,
    Key,
    distinct_names,
    split_key,
)
from spikelearn.comparison.multiplicity import with_corrections
from spikelearn.comparison.name_order import by_names
from spikelearn.comparison.observed import NoRowsError, by_observed_stimuli
from spikelearn.comparison.tables import made

if TYPE_CHECKING:
    import pandas
    import xarray

    Instances = xarray.DataArray | Sequence[xarray.DataArray]

TESTS = ("permutation", "subjects")


@by_observed_stimuli
def zero_table(
    models: Mapping[Key, Instances] | Mapping[str, Instances],
    recording: Any,
    n_resamples: int = 1000,
    seed: int = 0,
    *,
    method: str = "rsa",
    test: str = "permutation",
    comparator: str | None = None,
    controls: Mapping[Any, Any] | None = None,
) -> pandas.DataFrame:
    """Is each model's score larger than zero?

    Parameters
    ----------
    models : mapping of (model, layer) or "model · layer" to DataArray, or to a sequence of them
        Several are instances of one model.
    recording : ImageRecording
        With responses, for all methods but those of RSA.
    n_resamples : int
        Permutations.
    seed : int
        Of the permutations, and of the folds in which maps are fitted.
    method : str
        One of `METHODS`.
    test : {"permutation", "subjects"}
        "permutation": the stimuli of the model are relabelled at random. Exact for the null
        hypothesis that the model is unrelated to the recording, whatever the number of stimuli and
        subjects. Methods that fit a map fit it anew to each relabelling, which for a model that is
        plainly unrelated ends early; see `p_by_sequence`. Partial RSA relabels what the controls
        leave of the model; see `residual_permutation`. "subjects": Student's t over the
        subjects' scores, for new subjects and these stimuli; only for the rows "mean". (A bootstrap
        over stimuli would be far too cautious here: it overestimates the variance of a score where
        there is no relation.)
    comparator : str, optional
        Of RSA, one of `COMPARATORS`, and of partial RSA; spearman, if left out.
    controls : mapping of names to responses, optional
        Of partial RSA; see `compare_partial_rsa`.

    Returns
    -------
    DataFrame
        One row for each model and each subject, their mean, and the group. Columns: model, layer,
        recording, region, subject, level, method, measure, test, score, p (one-sided), p_holm and
        p_fdr (corrected over the models of a region and subject), n_stimuli, flag: what was left
        out, why there is no score, and how small p can be at all where that is not small.

    Raises
    ------
    SpikelearnError
        If a name is unknown, or there is no resample to test with.
    """
    if test not in TESTS:
        raise SpikelearnError(f"there is no test '{test}'; {nearest(test, TESTS)}")
    if n_resamples < 1:
        raise SpikelearnError(f"a test needs at least 1 resample, found {n_resamples}")
    compared = _compared(models, recording, 0, seed, "stimuli", method, comparator, controls)
    rows = []
    for key in models:
        if test == "permutation":
            tested = compared.permuted(key, n_resamples)
            for target, p in zip(compared.rows, tested.p, strict=True):
                score = float(tested.scores[list(target.rdms)].mean())
                said = {"test": test, "score": score, "p": p, "n_stimuli": tested.n_stimuli,
                        "flag": tested.flag}  # fmt: skip
                rows.append({**_about(key, recording, compared, method, target), **said})
            continue
        ((_, (scored,)),) = compared.scored([(key,)])
        for target in compared.rows:
            if target.level != "mean" or len(target.rdms) < 2:
                continue
            scores = scored.scores[list(target.rdms)]
            none = np.zeros((len(scores), 0))
            value = sampled(scores, none, compared.n_stimuli, "subjects", seed)
            said = {"test": test, "score": scores.mean(), "p": p_by_t(value, two_sided=False),
                    "n_stimuli": scored.n_stimuli, "flag": compared.flag(key)}  # fmt: skip
            rows.append({**_about(key, recording, compared, method, target), **said})
    if not rows:
        raise NoRowsError(
            f"the test over subjects needs several subjects; {recording.name} has one or none"
        )
    return with_corrections(made(rows))


@by_observed_stimuli
def mean_table(
    models: Mapping[Key, Instances] | Mapping[str, Instances],
    recording: Any,
    n_bootstrap: int = 1000,
    seed: int = 0,
    *,
    method: str = "rsa",
    over: str = "stimuli",
    comparator: str | None = None,
    controls: Mapping[Any, Any] | None = None,
) -> pandas.DataFrame:
    """Mean scores of models of several instances, with the interval of the mean.

    The bounds of the instances' own intervals, averaged, would be too far apart: other stimuli do
    not move all instances alike.

    Parameters
    ----------
    models, recording, n_bootstrap, seed, method, over, comparator, controls
        As in `difference_table`.

    Returns
    -------
    DataFrame
        One row for each model and each subject, their mean, and the group. Columns: model, layer,
        recording, region, subject, level, method, measure, score, ci_lower, ci_upper (95 %),
        n_stimuli, flag.
    """
    known_factor(over)
    compared = _compared(models, recording, n_bootstrap, seed, over, method, comparator, controls)
    rows: dict[Key, list[dict[str, object]]] = {}
    for (key,), (scored,) in compared.scored([(key,) for key in models]):
        rows[key] = []
        for target in compared.rows:
            value = scored.sampled(target.rdms, over, seed)
            rows[key].append(
                {
                    **_about(key, recording, compared, method, target),
                    "score": value.score,
                    "ci_lower": value.low,
                    "ci_upper": value.high,
                    "n_stimuli": scored.n_stimuli,
                    "flag": _flag([compared.flag(key)], value, n_bootstrap),
                }
            )
    return made(row for key in models for row in rows[key])


@by_observed_stimuli
def difference_table(
    models: Mapping[Key, Instances] | Mapping[str, Instances],
    recording: Any,
    pairs: Iterable[tuple[Key, Key]] | None = None,
    n_bootstrap: int = 1000,
    seed: int = 0,
    *,
    method: str = "rsa",
    over: str = "stimuli",
    comparator: str | None = None,
    controls: Mapping[Any, Any] | None = None,
) -> pandas.DataFrame:
    """Differences in score between two models, over the same resamples.

    Parameters
    ----------
    models : mapping of (model, layer) or "model · layer" to DataArray, or to a sequence of them
        Several are instances of one model.
    recording : ImageRecording
        With responses, for all methods but those of RSA.
    pairs : iterable of (key, key), optional
        Which models to compare: the score of the first less that of the second; all pairs, if left
        out. RSA compares only stimuli for which both have a pattern.
    n_bootstrap : int
        Resamples of the stimuli; see `compare_rsa`.
    seed : int
        The same seed draws the same resamples.
    method : str
        One of `METHODS`.
    over : {"stimuli", "subjects", "both", "categories"}
        What intervals and p-values generalise to; see `compare_rsa`.
    comparator : str, optional
        Of RSA, one of `COMPARATORS`, and of partial RSA; spearman, if left out.
    controls : mapping of names to responses, optional
        Of partial RSA; see `compare_partial_rsa`.

    Returns
    -------
    DataFrame
        One row for each pair and each subject, their mean, and the group. Columns: model_a,
        layer_a, model_b, layer_b, recording, region, subject, level, method, measure, difference,
        ci_lower, ci_upper (95 %), p (two-sided, for no difference), p_holm and p_fdr (corrected
        over the pairs of a region and subject), n_stimuli, flag.

    Raises
    ------
    SpikelearnError
        If a pair names a model that is not among `models`, or stands there twice.
    """
    known_factor(over)
    chosen: list[tuple[Any, Any]] = list(combinations(models, 2) if pairs is None else pairs)
    by_key: dict[Key, Instances] = dict(models.items())
    for pair, number in Counter(chosen).items():
        if number > 1:
            raise SpikelearnError(f"the pair {pair!r} is to be compared twice; give it once")
        for key in pair:
            if key not in by_key:
                hint = nearest(repr(key), map(repr, by_key))
                raise SpikelearnError(f"there is no model {key!r} to compare; {hint}")
    needed = {key: by_key[key] for key in dict.fromkeys(key for pair in chosen for key in pair)}
    compared = _compared(needed, recording, n_bootstrap, seed, over, method, comparator, controls)
    rows: dict[tuple[Key, ...], list[dict[str, object]]] = {}
    for pair, (one, other) in compared.scored(chosen):
        names = {
            f"{name}_{side}": value
            for side, key in zip("ab", pair, strict=True)
            for name, value in zip(("model", "layer"), split_key(key), strict=True)
        }
        difference = one.less(other)
        rows[pair] = []
        for target in compared.rows:
            value = difference.sampled(target.rdms, over, seed)
            rows[pair].append(
                {
                    **names,
                    "recording": recording.name,
                    **target.columns,
                    "method": method,
                    "measure": compared.measure,
                    "difference": value.score,
                    "ci_lower": value.low,
                    "ci_upper": value.high,
                    "p": p_by_t(value),
                    "n_stimuli": difference.n_stimuli,
                    "flag": _flag([compared.flag(key) for key in pair], value, n_bootstrap),
                }
            )
    return with_corrections(made(row for pair in chosen for row in rows[pair]))


def _compared(
    models: Mapping[Any, Any],
    recording: Any,
    n_bootstrap: int,
    seed: int,
    over: str,
    method: str,
    comparator: str | None,
    controls: Mapping[Any, Any] | None,
) -> Any:
    """The models as the method compares them: RDMs, also given controls, or responses."""
    if method not in METHODS:
        raise SpikelearnError(f"there is no method '{method}'; {nearest(method, METHODS)}")
    distinct_names(models)
    recording = by_names(recording)
    if controls is not None and method != PARTIAL_RSA:
        raise SpikelearnError(f"controls are of the method {PARTIAL_RSA}, not of {method}")
    how = comparator or "spearman"
    if method == PARTIAL_RSA:
        return ComparedPartialRDMs(models, recording, n_bootstrap, seed, over, how, controls)
    if method == "rsa":
        return ComparedRDMs(models, recording, n_bootstrap, seed, over, how)
    if comparator is not None:
        raise SpikelearnError(
            f"a comparator is of the methods {' and '.join(OF_RDMS)}, not of {method}"
        )
    return ComparedResponses(models, recording, n_bootstrap, seed, over, method)


def _flag(of_models: Sequence[str], value: Any, n_bootstrap: int) -> str:
    """What is to be said of models, once where it is the same, and of an interval."""
    few = TOO_FEW if n_bootstrap and value.has_no_interval else ""
    return "; ".join(dict.fromkeys(filter(None, (*of_models, few))))


def _about(key: Key, recording: Any, compared: Any, method: str, target: Any) -> dict[str, object]:
    model, layer = split_key(key)
    return {
        "model": model,
        "layer": layer,
        "recording": recording.name,
        **target.columns,
        "method": method,
        "measure": compared.measure,
    }
