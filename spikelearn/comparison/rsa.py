"""Representational similarity analysis: model RDMs against a recording's, in one table.

Kriegeskorte, Mur & Bandettini 2008 (doi:10.3389/neuro.06.004.2008); noise ceiling and bootstrap
over stimuli as in Nili et al. 2014 (doi:10.1371/journal.pcbi.1003553).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from spikelearn._errors import SpikelearnError
from spikelearn.comparison.comparators import compare_vectors, known_comparator
from spikelearn.comparison.intervals import (
    TOO_FEW,
    bootstrap_scores,
    sampled,
)
from spikelearn.comparison.models_and_targets import (
    MIN_STIMULI,
    Key,
    ModelRDM,
    Target,
    Targets,
    distinct_names,
    model_rdm,
    pair_mask,
    session_vectors,
    targets,
)
from spikelearn.comparison.name_order import by_names
from spikelearn.comparison.observed import by_observed_stimuli, over_common_stimuli
from spikelearn.comparison.pair_influences import PairInfluences
from spikelearn.comparison.resamples import resamples_of
from spikelearn.comparison.tables import made

if TYPE_CHECKING:
    import pandas
    import xarray

    from spikelearn.recordings import ImageRecording

SINGLE = "no noise ceiling: a single RDM"
NO_REPEATS = "no noise ceiling: no repeats"


@by_observed_stimuli
def compare_rsa(
    models: Mapping[Key, xarray.DataArray] | Mapping[str, xarray.DataArray],
    recording: ImageRecording,
    n_bootstrap: int = 1000,
    seed: int = 0,
    *,
    comparator: str = "spearman",
    dissimilarity: str | None = None,
    over: str = "stimuli",
    ceiling: str = "subjects",
    recorded: str | None = None,
) -> pandas.DataFrame:
    """Score of every model RDM with every RDM of the recording.

    Parameters
    ----------
    models : mapping of (model, layer) or "model · layer" to DataArray
        Responses to the recording's stimuli, which are found by their labels; see `rdm` for the
        dissimilarities, and `fixed_rdm` for a matrix of them. A name without " · " is a model
        without layers.
    recording : ImageRecording
        What was recorded.
    n_bootstrap : int
        Resamples of the stimuli, the same for every model, for intervals over both stimuli and
        subjects; all others leave out each stimulus in turn. 0 leaves the intervals NaN.
    seed : int
        Seed of the resamples.
    comparator : str
        One of `COMPARATORS`.
    dissimilarity : str, optional
        For every model; what each response asks for, if left out. See `rdm`.
    over : {"stimuli", "subjects", "both", "categories"}
        What the intervals generalise to: other images of the same kinds, other subjects, both, or
        images of other kinds (of the recording's `categories`). Single subjects and groups can only
        be resampled over stimuli or categories.
    ceiling : {"subjects", "repeats"}
        Whether noise ceilings leave out one subject, or compare each subject's sessions.
    recorded : str, optional
        Method of `rdm` by which the recorded RDMs are made of recorded responses, such as
        "crossnobis" where there are repeats; the recording's own RDMs, if left out.

    Returns
    -------
    DataFrame
        One row for each model and each of: every subject (its sessions pooled, see
        `subject_rdms`), the mean of the subjects' scores, and the group (the published RDM over all
        subjects or cells). Columns: model, layer, recording, region, subject (empty in means and
        groups), level (one of "subject", "mean", "group"), method ("rsa"), measure
        (the comparator), score, ci_lower
        and ci_upper (95 %, see `intervals`), ceiling_lower and ceiling_upper (see `noise_ceiling`;
        for a subject, that subject's part of it; NaN for "group", which is a single RDM), n_stimuli
        and n_pairs that were compared, flag.

        A pattern with one value in all units (a silent population) has no correlation distance:
        such stimuli are left out for that model, from the ceiling too, and counted in the flag. A
        model with fewer than four stimuli left, or with all dissimilarities equal, scores NaN.

    Raises
    ------
    SpikelearnError
        If there is no model, a response lacks a stimulus of the recording or has it twice, or a
        name is unknown.
    """
    if not models:
        raise SpikelearnError("there is no model to compare; give at least one response")
    recording = by_names(recording)
    distinct_names(models)
    all_targets = targets(recording, known_comparator(comparator), recorded)
    prepared = [model_rdm(key, r, recording, dissimilarity) for key, r in models.items()]
    tables: dict[int, list[dict[str, object]]] = {}
    for members in _by_valid(prepared):
        group = [prepared[i] for i in members]
        valid = group[0].valid
        n_stimuli = int(valid.sum())
        ceilings = [(np.nan, np.nan)] * len(all_targets.rows)
        if n_stimuli >= MIN_STIMULI:
            ceilings = all_targets.ceilings(valid, ceiling)
        drawn = resamples_of(recording, n_bootstrap, seed, over, valid)
        scores, resampled = score_models(group, valid, all_targets, drawn.counts)
        resampled, left_out = drawn.parted(resampled)
        pairs = pair_influences(group, valid, all_targets)
        for m, i in enumerate(members):
            flags = (group[m].flag, group[m].problem(valid))
            tables[i] = []
            for t, target in enumerate(all_targets.rows):
                rdms = list(target.rdms)
                noise = None if pairs is None else pairs.variance(pairs.of(m, rdms))
                each = None if left_out is None else left_out[m, rdms]
                value = sampled(
                    scores[m, rdms], resampled[m, rdms], n_stimuli, over, seed, noise, each
                )
                few = TOO_FEW if n_bootstrap and value.has_no_interval else ""
                missing = ""
                if np.isnan(ceilings[t][0]):
                    missing = SINGLE if ceiling == "subjects" else NO_REPEATS
                tables[i].append(
                    {
                        "model": group[m].model,
                        "layer": group[m].layer,
                        "recording": recording.name,
                        **target.columns,
                        "method": "rsa",
                        "measure": comparator,
                        **value.columns(ceilings[t]),
                        "n_stimuli": n_stimuli,
                        "n_pairs": n_stimuli * (n_stimuli - 1) // 2,
                        "flag": "; ".join(filter(None, (*flags, few, missing))),
                    }
                )
    return made(line for i in sorted(tables) for line in tables[i])


@over_common_stimuli
def compare_regions(
    recording: ImageRecording,
    n_bootstrap: int = 1000,
    seed: int = 0,
    comparator: str = "spearman",
) -> pandas.DataFrame:
    """How alike the recorded regions are: the yardstick for a model's similarity to either.

    Parameters
    ----------
    recording, n_bootstrap, seed, comparator
        As in `compare_rsa`; the same seed draws the same resamples.

    Returns
    -------
    DataFrame
        One row for each ordered pair of regions, with the columns of `compare_rsa`; `model` is the
        first region. `level` is "group" for the published RDMs over all subjects. A subject in
        whom both regions were recorded in several sessions has a row too: the mean over all pairs
        of different sessions, because regions recorded in one session share its noise.
    """

    recording = by_names(recording)
    without = resamples_of(recording, n_bootstrap, seed, "stimuli").left_out
    known_comparator(comparator)
    rows = []
    by_subject = list(dict.fromkeys(r.region for r in recording.rdms))
    for name in dict.fromkeys((*recording.groups, *by_subject)):
        for region in dict.fromkeys((*recording.groups, *by_subject)):
            if name == region:
                continue
            compared: list[tuple[Target, _Related]] = []
            if name in by_subject and region in by_subject:
                crossed = _crossed(recording, name, region, without, comparator)
                compared += [(Target(region, s, "subject", (0,)), crossed[s]) for s in crossed]
            if name in recording.groups and region in recording.groups:
                a, b = (recording.groups[r].dissimilarities[None] for r in (name, region))
                related = _related(a, b, np.ones((1, 1), dtype=bool), without, comparator)
                compared.append((Target(region, "", "group", (0,)), related))
            for target, (scores, left_out, noise) in compared:
                value = sampled(
                    scores, left_out[:, :0], recording.n_stimuli, "stimuli", seed, noise,
                    left_out if n_bootstrap else None,
                )  # fmt: skip
                rows.append(
                    {
                        "model": name,
                        "layer": "",
                        "recording": recording.name,
                        **target.columns,
                        "method": "rsa",
                        "measure": comparator,
                        **value.columns(),
                        "n_stimuli": recording.n_stimuli,
                        "n_pairs": recording.n_stimuli * (recording.n_stimuli - 1) // 2,
                        "flag": SINGLE if target.level == "group" else "sessions crossed",
                    }
                )
    return made(rows)


def score_models(
    models: list[ModelRDM], valid: np.ndarray, all_targets: Targets, counts: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Scores of models with all RDMs of the targets, and the same in every resample.

    Parameters
    ----------
    models : list of ModelRDM
    valid : bool array of shape (n_stimuli,)
        Over which stimuli; every model has dissimilarities between them.
    all_targets : Targets
    counts : int array of shape (n_bootstrap, n_stimuli)
        How often each stimulus is in each resample.

    Returns
    -------
    scores : array of shape (n_models, n_rdms)
        NaN where a model has no score; see `ModelRDM.problem`.
    resampled : array of shape (n_models, n_rdms, n_bootstrap)
    """
    scores = np.full((len(models), len(all_targets.vectors)), np.nan)
    resampled = np.full((*scores.shape, len(counts)), np.nan)
    scorable = [m for m, model in enumerate(models) if not model.problem(valid)]
    if scorable:
        rdms = np.stack([models[m].vector for m in scorable])
        pairs = pair_mask(valid)
        scores[scorable] = compare_vectors(
            rdms[:, pairs], all_targets.vectors[:, pairs], all_targets.comparator
        )
        resampled[scorable] = bootstrap_scores(
            rdms, all_targets.vectors, counts * valid, all_targets.comparator
        )
    return scores, resampled


def pair_influences(
    models: list[ModelRDM], valid: np.ndarray, all_targets: Targets
) -> PairInfluences | None:
    """What pairs of stimuli contribute to the variance of scores; None where there are too few.

    Parameters
    ----------
    models, valid, all_targets
        As in `score_models`.
    """
    if valid.sum() < MIN_STIMULI:
        return None
    kept = pair_mask(valid)
    return PairInfluences(
        np.stack([m.vector[kept] for m in models]),
        all_targets.vectors[:, kept],
        all_targets.comparator,
    )


# Mean score over pairs of RDMs, the same without each stimulus, the variance that pairs contribute.
_Related = tuple[np.ndarray, np.ndarray, float]


def _related(
    first: np.ndarray, second: np.ndarray, which: np.ndarray, without: np.ndarray, comparator: str
) -> _Related:
    """How alike RDMs are, over the pairs `which`, bool array of shape (n_first, n_second)."""
    scores = compare_vectors(first, second, comparator)[which].mean(keepdims=True)
    left_out = bootstrap_scores(first, second, without, comparator)[which]
    influences = PairInfluences(first, second, comparator)
    mean = np.mean([influences.of(i, [j]) for i, j in np.argwhere(which)], axis=0)
    return scores, left_out.mean(axis=0, keepdims=True), influences.variance(mean)


def _crossed(
    recording: ImageRecording, a: str, b: str, without: np.ndarray, comparator: str
) -> dict[str, _Related]:
    """Scores of region a with region b over pairs of different sessions, by subject."""
    first, second = session_vectors(recording, a), session_vectors(recording, b)
    scores_by_subject = {}
    for subject in first:
        if subject not in second or min(len(first[subject]), len(second[subject])) < 2:
            continue
        different = _different_sessions(recording, subject, a, b)
        scores_by_subject[subject] = _related(
            first[subject], second[subject], different, without, comparator
        )
    return scores_by_subject


def _different_sessions(recording: ImageRecording, subject: str, a: str, b: str) -> np.ndarray:
    names: dict[str, list[str]] = {
        region: [r.session for r in recording.rdms if (r.region, r.subject) == (region, subject)]
        for region in (a, b)
    }
    return np.array([[one != other for other in names[b]] for one in names[a]])


def _by_valid(models: list[ModelRDM]) -> list[list[int]]:
    """Models with the same valid stimuli, which share ranks of the data and ceilings."""
    groups: dict[bytes, list[int]] = {}
    for i, model in enumerate(models):
        groups.setdefault(model.valid.tobytes(), []).append(i)
    return list(groups.values())
