"""Representational similarity analysis: model RDMs against a recording's, in one table.

Kriegeskorte, Mur & Bandettini 2008 (doi:10.3389/neuro.06.004.2008); noise ceiling and bootstrap
over stimuli as in Nili et al. 2014 (doi:10.1371/journal.pcbi.1003553).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from spikelearn._errors import SpikelearnError
from spikelearn.comparison._bootstrap import bootstrap_spearman, stimulus_resamples
from spikelearn.comparison._models import MIN_STIMULI, Key, ModelRDM, model_rdm, pair_mask
from spikelearn.comparison._rdm import rdm
from spikelearn.comparison._targets import Target, subject_rdms, target_ceilings, targets

if TYPE_CHECKING:
    import pandas
    import xarray

    from spikelearn.recordings import ImageRecording

__all__ = ["compare_rsa", "difference_table", "rdm", "subject_rdms"]

_SINGLE = "no noise ceiling: a single RDM"


def compare_rsa(
    models: Mapping[Key, xarray.DataArray] | Mapping[str, xarray.DataArray],
    recording: ImageRecording,
    n_bootstrap: int = 1000,
    seed: int = 0,
) -> pandas.DataFrame:
    """Spearman correlation of every model RDM with every RDM of the recording.

    Parameters
    ----------
    models : mapping of (model, layer) or "model · layer" to DataArray
        Responses to the recording's stimuli, which are found by their labels; see `rdm` for the
        dissimilarities. A name without " · " is a model without layers.
    recording : ImageRecording
        What was recorded.
    n_bootstrap : int
        Resamples of the stimuli, the same for every model. 0 leaves the intervals NaN.
    seed : int
        Seed of the resamples.

    Returns
    -------
    DataFrame
        One row for each model and each of: every subject (its sessions rank-transformed and
        averaged, see `subject_rdms`), "mean" (the mean of the subjects' scores), and "group"
        (the published RDM over all subjects or cells). Columns: model, layer, recording, region,
        subject, method ("spearman"), score, ci_lower and ci_upper (95 %, percentiles of the
        bootstrap over stimuli), ceiling_lower and ceiling_upper (see `noise_ceiling`; for a
        subject, that subject's part of it; NaN for "group", which is a single RDM), n_stimuli and
        n_pairs that were compared, flag.

        A pattern with one value in all units (a silent population) has no correlation distance:
        such stimuli are left out for that model, from the ceiling too, and counted in the flag. A
        model with fewer than four stimuli left, or with all dissimilarities equal, scores NaN.

    Raises
    ------
    SpikelearnError
        If there is no model, or a response lacks a stimulus of the recording or has it twice.
    """
    import pandas

    if not models:
        raise SpikelearnError("there is no model to compare; give at least one response")
    prepared = [model_rdm(key, response, recording) for key, response in models.items()]
    found, vectors = targets(recording)
    counts = stimulus_resamples(recording.n_stimuli, n_bootstrap, seed)
    tables: dict[int, list[dict[str, object]]] = {}
    for members in _by_valid(prepared):
        group = [prepared[i] for i in members]
        valid = group[0].valid
        n_stimuli = int(valid.sum())
        ceilings = [(np.nan, np.nan)] * len(found)
        if n_stimuli >= MIN_STIMULI:
            ceilings = target_ceilings(found, vectors[:, pair_mask(valid)])
        scores, resampled = _scores(group, valid, found, vectors, counts)
        for m, i in enumerate(members):
            flags = (group[m].flag, group[m].problem(valid))
            tables[i] = []
            for t, target in enumerate(found):
                low, high = _interval(resampled[m, t])
                single = _SINGLE if np.isnan(ceilings[t][0]) else ""
                tables[i].append(
                    {
                        "model": group[m].model,
                        "layer": group[m].layer,
                        "recording": recording.name,
                        "region": target.region,
                        "subject": target.subject,
                        "method": "spearman",
                        "score": scores[m, t],
                        "ci_lower": low,
                        "ci_upper": high,
                        "ceiling_lower": ceilings[t][0],
                        "ceiling_upper": ceilings[t][1],
                        "n_stimuli": n_stimuli,
                        "n_pairs": n_stimuli * (n_stimuli - 1) // 2,
                        "flag": "; ".join(filter(None, (*flags, single))),
                    }
                )
    return pandas.DataFrame([row for i in sorted(tables) for row in tables[i]])


def compare_regions(
    recording: ImageRecording, n_bootstrap: int = 1000, seed: int = 0
) -> pandas.DataFrame:
    """How alike the recorded regions are: the yardstick for a model's similarity to either.

    Parameters
    ----------
    recording, n_bootstrap, seed
        As in `compare_rsa`; the same seed draws the same resamples.

    Returns
    -------
    DataFrame
        One row for each ordered pair of regions, by their published group RDMs, with the columns
        of `compare_rsa`; `model` is the first region, `subject` is "group".
    """
    import pandas
    from rsatoolbox.rdm import compare

    counts = stimulus_resamples(recording.n_stimuli, n_bootstrap, seed)
    rows = []
    for name, rdm_a in recording.groups.items():
        for region, rdm_b in recording.groups.items():
            if name == region:
                continue
            a: Any = rdm_a.dissimilarities[None]
            b: Any = rdm_b.dissimilarities[None]
            low, high = _interval(bootstrap_spearman(a, b, counts)[0, 0])
            rows.append(
                {
                    "model": name,
                    "layer": "",
                    "recording": recording.name,
                    "region": region,
                    "subject": "group",
                    "method": "spearman",
                    "score": float(compare(a, b, method="spearman").item()),
                    "ci_lower": low,
                    "ci_upper": high,
                    "ceiling_lower": np.nan,
                    "ceiling_upper": np.nan,
                    "n_stimuli": recording.n_stimuli,
                    "n_pairs": a.size,
                    "flag": _SINGLE,
                }
            )
    return pandas.DataFrame(rows)


def difference_table(
    models: Mapping[Key, xarray.DataArray] | Mapping[str, xarray.DataArray],
    recording: ImageRecording,
    pairs: Iterable[tuple[Key, Key]],
    n_bootstrap: int = 1000,
    seed: int = 0,
) -> pandas.DataFrame:
    """Differences in score between two models, over the same resamples of the stimuli.

    Parameters
    ----------
    models, recording, n_bootstrap, seed
        As in `compare_rsa`; the same seed draws the same resamples.
    pairs : iterable of (key, key)
        Which models to compare: the score of the first less that of the second. Only stimuli for
        which both have a pattern are compared.

    Returns
    -------
    DataFrame
        One row for each pair and each subject, "mean" and "group". Columns: model_a, layer_a,
        model_b, layer_b, recording, region, subject, difference, ci_lower, ci_upper (95 %), p
        (two-sided, for no difference, from the bootstrap; not corrected for the number of rows),
        n_stimuli.

    Raises
    ------
    SpikelearnError
        If a pair names a model that is not among `models`.
    """
    import pandas

    by_key: dict[Key, xarray.DataArray] = dict(models.items())
    found, vectors = targets(recording)
    counts = stimulus_resamples(recording.n_stimuli, n_bootstrap, seed)
    rows = []
    for keys in pairs:
        for key in keys:
            if key not in by_key:
                raise SpikelearnError(
                    f"there is no model {key!r} to compare; models are"
                    f" {', '.join(map(repr, by_key))}"
                )
        a, b = (model_rdm(key, by_key[key], recording) for key in keys)
        valid = a.valid & b.valid
        scores, resampled = _scores([a, b], valid, found, vectors, counts)
        for t, target in enumerate(found):
            sampled = resampled[0, t] - resampled[1, t]
            low, high = _interval(sampled)
            rows.append(
                {
                    "model_a": a.model,
                    "layer_a": a.layer,
                    "model_b": b.model,
                    "layer_b": b.layer,
                    "recording": recording.name,
                    "region": target.region,
                    "subject": target.subject,
                    "difference": scores[0, t] - scores[1, t],
                    "ci_lower": low,
                    "ci_upper": high,
                    "p": _p_value(sampled),
                    "n_stimuli": int(valid.sum()),
                }
            )
    return pandas.DataFrame(rows)


def _by_valid(models: list[ModelRDM]) -> list[list[int]]:
    """Models with the same valid stimuli, which share ranks of the data and ceilings."""
    groups: dict[bytes, list[int]] = {}
    for i, model in enumerate(models):
        groups.setdefault(model.valid.tobytes(), []).append(i)
    return list(groups.values())


def _scores(
    models: list[ModelRDM],
    valid: np.ndarray,
    found: list[Target],
    vectors: np.ndarray,
    counts: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Scores, shape (n_models, n_targets), and the same resampled, (..., n_bootstrap)."""
    from rsatoolbox.rdm import RDMs, compare

    scores = np.full((len(models), len(vectors)), np.nan)
    resampled = np.full((*scores.shape, len(counts)), np.nan)
    scorable = [m for m, model in enumerate(models) if not model.problem(valid)]
    if scorable:
        rdms = np.stack([models[m].vector for m in scorable])
        pairs = pair_mask(valid)
        scores[scorable] = compare(RDMs(rdms[:, pairs]), RDMs(vectors[:, pairs]), method="spearman")
        resampled[scorable] = bootstrap_spearman(rdms, vectors, counts * valid)
    columns = [list(target.rdms) for target in found]
    return (
        np.stack([scores[:, c].mean(axis=1) for c in columns], axis=1),
        np.stack([resampled[:, c].mean(axis=1) for c in columns], axis=1),
    )


def _interval(sampled: np.ndarray) -> tuple[float, float]:
    """The central 95 % of the resamples that have a score."""
    sampled = sampled[np.isfinite(sampled)]
    if not sampled.size:
        return np.nan, np.nan
    low, high = np.percentile(sampled, [2.5, 97.5])
    return float(low), float(high)


def _p_value(sampled: np.ndarray) -> float:
    sampled = sampled[np.isfinite(sampled)]
    if not sampled.size:
        return np.nan
    # One is added so that no finite number of resamples makes a p-value of 0.
    rarer = min((sampled <= 0).sum(), (sampled >= 0).sum())
    return float(min(1.0, 2.0 * (rarer + 1) / (sampled.size + 1)))
