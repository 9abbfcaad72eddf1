"""Tests of models against zero and against each other, corrected for their number.

Every test is made within a region and a subject (or the mean over subjects); its family, over which
p-values are corrected, are all models or all pairs of models there.

A model may be several instances, such as a network trained from several seeds: its score is the
mean of theirs, and tests are of that mean, for these instances.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from spikelearn._errors import SpikelearnError
from spikelearn.comparison.intervals import (
    PairInfluences,
    known_factor,
    p_by_t,
    sampled,
    stimulus_resamples,
)
from spikelearn.comparison.models_and_targets import (
    Key,
    ModelRDM,
    Targets,
    model_rdm,
    pair_mask,
    targets,
)
from spikelearn.comparison.multiplicity import with_corrections
from spikelearn.comparison.name_order import by_names
from spikelearn.comparison.permutation import p_by_permutation, permutation_scores
from spikelearn.comparison.rsa import pair_influences, score_models

if TYPE_CHECKING:
    import pandas
    import xarray

    from spikelearn.recordings import ImageRecording

    Instances = xarray.DataArray | Sequence[xarray.DataArray]

TESTS = ("permutation", "subjects")


def zero_table(
    models: Mapping[Key, Instances] | Mapping[str, Instances],
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
    models : mapping of (model, layer) or "model · layer" to DataArray, or to a sequence of them
        Several are instances of one model.
    recording, seed, comparator
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
        recording, region, subject, level, test, score, p (one-sided), p_holm and p_fdr (corrected
        over the models of a region and subject), n_stimuli.

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
    recording = by_names(recording)
    all_targets = targets(recording, comparator)
    no_resamples = stimulus_resamples(recording.n_stimuli, 0, seed)
    rows = []
    for key, given in models.items():
        members = _instances(key, given, recording)
        valid = np.logical_and.reduce([m.valid for m in members])
        scores = score_models(members, valid, all_targets, no_resamples)[0].mean(axis=0)
        permuted = np.zeros((len(all_targets.vectors), 0))
        if test == "permutation" and not any(m.problem(valid) for m in members):
            kept = pair_mask(valid)
            # The same seed: the stimuli of all instances are relabelled together.
            permuted = np.mean(
                [
                    permutation_scores(
                        m.vector[kept], all_targets.vectors[:, kept], n_resamples, seed, comparator
                    )
                    for m in members
                ],
                axis=0,
            )
        for target in all_targets.rows:
            rdms = list(target.rdms)
            if test == "permutation":
                p = p_by_permutation(scores[rdms].mean(), permuted[rdms].mean(axis=0))
            elif target.level == "mean" and len(rdms) > 1:
                none = np.zeros((len(rdms), 0))
                value = sampled(scores[rdms], none, recording.n_stimuli, "subjects", seed)
                p = p_by_t(value, two_sided=False)
            else:
                continue
            rows.append(
                {
                    "model": members[0].model,
                    "layer": members[0].layer,
                    "recording": recording.name,
                    **target.columns,
                    "test": test,
                    "score": scores[rdms].mean(),
                    "p": p,
                    "n_stimuli": int(valid.sum()),
                }
            )
    if not rows:
        raise SpikelearnError(
            f"the test over subjects needs several subjects; {recording.name} has one or none"
        )
    return with_corrections(pandas.DataFrame(rows))


def mean_table(
    models: Mapping[Key, Instances] | Mapping[str, Instances],
    recording: ImageRecording,
    n_bootstrap: int = 1000,
    seed: int = 0,
    *,
    over: str = "stimuli",
    comparator: str = "spearman",
) -> pandas.DataFrame:
    """Mean scores of models of several instances, with the interval of the mean.

    The bounds of the instances' own intervals, averaged, would be too far apart: other stimuli do
    not move all instances alike.

    Parameters
    ----------
    models, recording, n_bootstrap, seed, over, comparator
        As in `difference_table`.

    Returns
    -------
    DataFrame
        One row for each model and each subject, "mean" and "group". Columns: model, layer,
        recording, region, subject, level, score, ci_lower, ci_upper (95 %), n_stimuli.
    """
    import pandas

    known_factor(over)
    recording = by_names(recording)
    all_targets = targets(recording, comparator)
    counts = stimulus_resamples(recording.n_stimuli, n_bootstrap, seed)
    groups: dict[bytes, tuple[np.ndarray, dict[Key, list[ModelRDM]]]] = {}
    for key, given in models.items():
        members = _instances(key, given, recording)
        valid = np.logical_and.reduce([m.valid for m in members])
        groups.setdefault(valid.tobytes(), (valid, {}))[1][key] = members
    rows: dict[Key, list[dict[str, object]]] = {}
    for valid, group in groups.values():
        for key, one in _scored(group, valid, all_targets, counts).items():
            rows[key] = []
            for target in all_targets.rows:
                rdms = list(target.rdms)
                noise = None if one.pairs is None else one.pairs.variance(one.influences(rdms))
                value = sampled(
                    one.scores[rdms], one.resampled[rdms], int(valid.sum()), over, seed, noise
                )
                rows[key].append(
                    {
                        "model": group[key][0].model,
                        "layer": group[key][0].layer,
                        "recording": recording.name,
                        **target.columns,
                        "score": value.score,
                        "ci_lower": value.low,
                        "ci_upper": value.high,
                        "n_stimuli": int(valid.sum()),
                    }
                )
    return pandas.DataFrame([line for key in models for line in rows[key]])


def difference_table(
    models: Mapping[Key, Instances] | Mapping[str, Instances],
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
    models : mapping of (model, layer) or "model · layer" to DataArray, or to a sequence of them
        Several are instances of one model.
    recording, n_bootstrap, seed, comparator
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
        model_b, layer_b, recording, region, subject, level, difference, ci_lower, ci_upper (95 %),
        p (two-sided, for no difference), p_holm and p_fdr (corrected over the pairs of a region and
        subject), n_stimuli.

    Raises
    ------
    SpikelearnError
        If a pair names a model that is not among `models`.
    """
    import pandas

    by_key: dict[Key, Instances] = dict(models.items())
    known_factor(over)
    recording = by_names(recording)
    all_targets = targets(recording, comparator)
    counts = stimulus_resamples(recording.n_stimuli, n_bootstrap, seed)
    chosen = list(combinations(by_key, 2) if pairs is None else pairs)
    prepared: dict[Key, list[ModelRDM]] = {}
    for key in dict.fromkeys(key for pair in chosen for key in pair):
        if key not in by_key:
            raise SpikelearnError(
                f"there is no model {key!r} to compare; models are {', '.join(map(repr, by_key))}"
            )
        prepared[key] = _instances(key, by_key[key], recording)
    # Models that are compared over the same stimuli are scored once, together.
    groups: dict[bytes, tuple[np.ndarray, list[tuple[Key, Key]]]] = {}
    for pair in chosen:
        valid = np.logical_and.reduce([m.valid for key in pair for m in prepared[key]])
        groups.setdefault(valid.tobytes(), (valid, []))[1].append(pair)
    by_pair: dict[tuple[Key, Key], list[dict[str, object]]] = {}
    for valid, members in groups.values():
        keys = list(dict.fromkeys(key for pair in members for key in pair))
        scored = _scored({key: prepared[key] for key in keys}, valid, all_targets, counts)
        n_stimuli = int(valid.sum())
        for key_a, key_b in members:
            a, b = scored[key_a], scored[key_b]
            names = {
                "model_a": prepared[key_a][0].model,
                "layer_a": prepared[key_a][0].layer,
                "model_b": prepared[key_b][0].model,
                "layer_b": prepared[key_b][0].layer,
                "recording": recording.name,
            }
            by_pair[key_a, key_b] = []
            for target in all_targets.rows:
                rdms = list(target.rdms)
                noise = None
                if a.pairs is not None and b.pairs is not None:
                    noise = a.pairs.variance(a.influences(rdms) - b.influences(rdms))
                value = sampled(
                    a.scores[rdms] - b.scores[rdms],
                    a.resampled[rdms] - b.resampled[rdms],
                    n_stimuli, over, seed, noise,
                )  # fmt: skip
                by_pair[key_a, key_b].append(
                    {
                        **names,
                        **target.columns,
                        "difference": value.score,
                        "ci_lower": value.low,
                        "ci_upper": value.high,
                        "p": p_by_t(value),
                        "n_stimuli": n_stimuli,
                    }
                )
    return with_corrections(pandas.DataFrame([row for pair in chosen for row in by_pair[pair]]))


@dataclass(frozen=True)
class _Scored:
    """A model's scores, means over its instances: (n_rdms,), and resampled (n_rdms, n_bootstrap).

    `pairs` holds the influences of the instances numbered `numbers`; None where there is no score.
    """

    scores: np.ndarray
    resampled: np.ndarray
    pairs: PairInfluences | None
    numbers: range

    def influences(self, rdms: Sequence[int]) -> np.ndarray:
        """Influence of every pair of stimuli on the score, array of shape (n_pairs,)."""
        assert self.pairs is not None  # noqa: S101 - for the type checker
        result: np.ndarray = np.mean([self.pairs.of(i, rdms) for i in self.numbers], axis=0)
        return result


def _scored(
    models: Mapping[Key, list[ModelRDM]],
    valid: np.ndarray,
    all_targets: Targets,
    counts: np.ndarray,
) -> dict[Key, _Scored]:
    everyone = [m for members in models.values() for m in members]
    scores, resampled = score_models(everyone, valid, all_targets, counts)
    pairs = pair_influences(everyone, valid, all_targets)
    result: dict[Key, _Scored] = {}
    start = 0
    for key, members in models.items():
        numbers = range(start, start + len(members))
        start = numbers.stop
        fine = not any(m.problem(valid) for m in members)
        result[key] = _Scored(
            scores[numbers].mean(axis=0),
            resampled[numbers].mean(axis=0),
            pairs if fine else None,
            numbers,
        )
    return result


def _instances(key: Key, given: Instances, recording: ImageRecording) -> list[ModelRDM]:
    import xarray

    several = [given] if isinstance(given, xarray.DataArray) else list(given)
    if not several:
        raise SpikelearnError(f"the model {key!r} has no instance; give at least one response")
    return [model_rdm(key, response, recording) for response in several]
