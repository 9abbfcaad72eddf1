"""Findings of several seeds put together: a value, its interval over the seeds, and one verdict.

An exact criterion (an effect is there, or it is not) has a verdict where all seeds agree; else it
is undecided, and the counts are told. A graded one (`Graded`: how much accuracy is left) is judged
by the 95 % interval of its mean over the seeds, from Student's t distribution: undecided where the
interval holds the threshold. Of a single seed the interval of a ratio of accuracies is one over
test images, `ratio_interval`.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from spikelearn.plausibility.criterion import Finding, untold

if TYPE_CHECKING:
    import torch

LEVEL = 0.95
_N_DRAWS = 2000


def interval_of_mean(values: Sequence[float]) -> tuple[float, float]:
    """The 95 % interval of the mean by Student's t; NaN of fewer than two values."""
    from scipy import stats

    if len(values) < 2 or not np.isfinite(values).all():
        return float("nan"), float("nan")
    mean, spread = float(np.mean(values)), float(np.std(values, ddof=1))
    half = float(stats.t.ppf(0.5 + LEVEL / 2, len(values) - 1)) * spread / math.sqrt(len(values))
    return mean - half, mean + half


def ratio_interval(
    above: Sequence[torch.Tensor], below: torch.Tensor, seed: int = 0
) -> tuple[float, float]:
    """The 95 % interval of a ratio of accuracies on the same test images, drawn again in pairs.

    Parameters
    ----------
    above : sequence of bool tensors of shape (images,)
        Which images were named right; the ratio is of the lowest of these accuracies.
    below : bool tensor of shape (images,)
        The same of the run that it is a share of.
    seed : int
        Of the drawing.

    Returns
    -------
    (float, float)
        NaN where nothing was named right below.
    """
    rows = np.stack([right.numpy() for right in (*above, below)]).astype(np.int64)
    # Images that are named alike by all runs are one kind; what is drawn is how many of each.
    kinds, counted = np.unique(rows, axis=1, return_counts=True)
    n = rows.shape[1]
    drawn = np.random.default_rng(seed).multinomial(n, counted / n, size=_N_DRAWS)
    hits = drawn @ kinds.T
    if not hits[:, -1].all():
        return float("nan"), float("nan")
    ratios = hits[:, :-1].min(1) / hits[:, -1]
    tail = 100 * (1 - LEVEL) / 2
    lower, upper = np.percentile(ratios, [tail, 100 - tail])
    return float(lower), float(upper)


def pooled(findings: Mapping[int, Finding]) -> Finding:
    """One finding of those of several seeds.

    Parameters
    ----------
    findings : mapping of int to Finding
        By seed; of one rule and one criterion.
    """
    first = next(iter(findings.values()))
    if len(findings) == 1:
        return first
    counted = Counter(one.verdict for one in findings.values())
    counts = ", ".join(f"{n} {verdict}" for verdict, n in counted.most_common())
    known = [one.value for one in findings.values() if math.isfinite(one.value)]
    value = float(np.mean(known)) if known else float("nan")
    lower, upper = interval_of_mean(known) if len(known) == len(findings) else (float("nan"),) * 2
    together: dict[str, Any] = {
        "value": value, "lower": lower, "upper": upper, "counts": counts, "interval_of": "seeds",
        "shown": _shown(findings), "probes": [],
    }  # fmt: skip
    grades = [one.graded for one in findings.values()]
    if all(grade is not None for grade in grades):
        return _graded(findings, together)
    if any(one.needed for one in findings.values()) and any(grades):
        needed = next(one.needed for one in findings.values() if one.needed)
        sentence = f"Of {len(findings)} seeds: {counts}."
        return untold(sentence, needed, **together, scope=first.scope)
    if len(counted) == 1:
        told = _agreed(findings, counts)
        return replace(first, **together, sentence=told)
    if {"contradicted"} < set(counted) <= {"contradicted", "pass"}:
        one = next(one for one in findings.values() if one.contradiction)
        said = f"Of {len(findings)} seeds: {counts}. {one.sentence}"
        return replace(one, **together, sentence=said)
    return _undecided(findings, together)


def _shown(findings: Mapping[int, Finding]) -> str:
    """The value as it is printed: one where all are alike, else the least and the largest."""
    ordered = sorted(findings.values(), key=lambda one: (math.isnan(one.value), one.value))
    least, largest = ordered[0].shown, ordered[-1].shown
    return least if len({one.shown for one in ordered}) == 1 else f"{least} … {largest}"


def _seeds(findings: Mapping[int, Finding], verdict: str = "") -> str:
    chosen = [str(seed) for seed, one in findings.items() if verdict in ("", one.verdict)]
    return f"seed{'s' if len(chosen) > 1 else ''} {', '.join(chosen)}"


def _agreed(findings: Mapping[int, Finding], counts: str) -> str:
    """What all seeds say; where their sentences differ, that of the first and how many agree."""
    seed, first = next(iter(findings.items()))
    if len({one.sentence for one in findings.values()}) == 1:
        return first.sentence
    return f"In all of {len(findings)} seeds ({counts}). Seed {seed}: {first.sentence}"


def _graded(findings: Mapping[int, Finding], together: dict[str, Any]) -> Finding:
    seed, first = next(iter(findings.items()))
    grades = [one.graded for one in findings.values() if one.graded is not None]
    values = [grade.value for grade in grades]
    mean = float(np.mean(values))
    lower, upper = interval_of_mean(values)
    grade = replace(grades[0], value=mean)
    told = grade.told_by(lower, upper)
    place = "lies in it" if not told else "is met" if grade.meets(mean) else "is not met"
    unit = f" {grade.unit}" if grade.unit else ""
    listed = ", ".join(f"{value:.2f}" for value in values)
    side = "at least" if grade.at_least else "at most"
    sentence = (
        f"{mean:.2f}{unit} over {_seeds(findings)} ({listed}; 95 % interval {lower:.2f} to"
        f" {upper:.2f}); the threshold, {side} {grade.threshold:g}, {place}. Seed {seed}:"
        f" {first.sentence}"
    )
    known: dict[str, Any] = {
        "value": mean, "lower": lower, "upper": upper, "graded": grade, "sentence": sentence,
        "shown": f"{mean:.2f}{unit} ({lower:.2f} to {upper:.2f})",
    }  # fmt: skip
    return replace(
        first, **(together | known), by_provenance=None,
        by_intervention=grade.meets(mean), undecided=not told,
    )  # fmt: skip


def _undecided(findings: Mapping[int, Finding], together: dict[str, Any]) -> Finding:
    """Seeds that do not agree."""
    said = []
    for verdict in dict.fromkeys(one.verdict for one in findings.values()):
        one = next(one for one in findings.values() if one.verdict == verdict)
        said.append(f"{verdict} of {_seeds(findings, verdict)}: {one.sentence}")
    first = next(one for one in findings.values() if one.applies)
    return replace(
        first, **together, by_provenance=None, by_intervention=None, by_equations=None,
        equation="", needed="", contradiction="", undecided=True, judged=True, graded=None,
        sentence=f"The seeds do not agree. {' '.join(said)}",
    )  # fmt: skip
