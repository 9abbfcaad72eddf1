"""Contrasts: weighted sums of scores of networks, tested over seeds, subjects and stimuli.

The score of a trained network less that of its untrained twin is a contrast, and so is what late
layers gain on early ones in a late region over an early one. A contrast is of networks that start
from the same weights, seed by seed, and of the subjects of a region: it has a value for each seed
and subject, and its interval is for other seeds, subjects and stimuli (`random_factors`).

Where a part of a contrast may be of several layers, the layer is chosen on some of the stimuli, a
third, and the contrast is tested on the others. Each network has its own choice, the untrained one
too: chosen for one of two networks alone, a layer that its seeds happen to favour would look like
an effect of learning.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from spikelearn._errors import SpikelearnError
from spikelearn._seeding import generator
from spikelearn.comparison.compared_partial_rdms import ComparedPartialRDMs
from spikelearn.comparison.compared_rdms import ComparedRDMs
from spikelearn.comparison.compared_responses import ComparedResponses
from spikelearn.comparison.contrast_parts import (
    Contrast,
    Part,
    key_of,
    keys_of,
    models_of,
    together,
)
from spikelearn.comparison.intervals import FEWEST_STIMULI, TOO_FEW, jackknife_variance, p_by_t
from spikelearn.comparison.models_and_targets import PARTIAL_RSA, Key, Target, targets
from spikelearn.comparison.name_order import by_names, with_stimuli
from spikelearn.comparison.observed import by_observed_stimuli, over_common_stimuli
from spikelearn.comparison.random_factors import FACTORS, crossed_mean
from spikelearn.comparison.tables import made
from spikelearn.comparison.weighted_layers import weighted_contrast

if TYPE_CHECKING:
    import pandas
    import xarray

CHOOSING = 1 / 3  # of the stimuli, on which layers are chosen


def contrast_table(
    contrasts: Sequence[Contrast],
    recording: Any,
    seed: int = 0,
    *,
    method: str = "rsa",
    random: Sequence[str] = FACTORS,
    comparator: str | None = None,
    controls: Mapping[Any, Any] | None = None,
) -> pandas.DataFrame:
    """Contrasts of networks with their intervals over seeds, subjects and stimuli.

    Parameters
    ----------
    contrasts : sequence of Contrast
        Of which some may be of pairs of regions: these are over the stimuli that all regions have,
        and the subjects of both.
    recording : recording
    seed : int
        Of the stimuli on which layers are chosen, and of the folds in which maps are fitted.
    method : str
        One of `METHODS`.
    random : sequence of {"seeds", "subjects", "stimuli"}
        What intervals and p-values generalise to.
    comparator : str, optional
        Of RSA, one of `COMPARATORS`, and of partial RSA; spearman, if left out.
    controls : mapping of names to responses, optional
        Of partial RSA.

    Returns
    -------
    DataFrame
        A row for each contrast and region: its columns; recording, region, level ("mean" over
        subjects, or "group" where the recording has none), method, measure, difference, ci_lower,
        ci_upper (95 %), n_seeds, n_subjects, n_stimuli, interval_over, layers (those chosen), p
        (two-sided), flag. Not corrected for the number of tests.

    Raises
    ------
    SpikelearnError
        If there are too few stimuli to choose layers on some of them, or layers are to be weighted
        by another method than RSA.
    """
    from spikelearn.comparison.tables import stacked

    if method != "rsa" and any(one.weighted for one in contrasts):
        raise SpikelearnError(f"layers are weighted by their dissimilarities: by rsa, not {method}")
    how = _How(method, comparator, controls, seed)
    tables = []
    for of_pairs, make in ((False, _of_regions), (True, _of_pairs)):
        some = [one for one in contrasts if one.of_pairs is of_pairs]
        if some:
            tables.append(make(some, recording, method, how, random))
    return stacked(tables)


@dataclass(frozen=True)
class _How:
    """How networks are compared with a recording."""

    method: str
    comparator: str | None
    controls: Mapping[Any, Any] | None
    seed: int

    def compared(
        self, models: Mapping[Key, xarray.DataArray], recording: Any, n_bootstrap: int
    ) -> Any:
        """The models as the method compares them; intervals only where `n_bootstrap` is not 0."""
        arguments = models, recording, n_bootstrap, self.seed, "stimuli"
        comparator = self.comparator or "spearman"
        if self.method == PARTIAL_RSA:
            return ComparedPartialRDMs(*arguments, comparator, self.controls)
        if self.method == "rsa":
            return ComparedRDMs(*arguments, comparator)
        return ComparedResponses(*arguments, self.method)


def _table(
    contrasts: Sequence[Contrast], recording: Any, method: str, how: _How, random: Sequence[str]
) -> pandas.DataFrame:
    """The table over the stimuli of a recording: what is observed of them, `method` decides."""
    recording = by_names(recording)
    settled = [c for c in contrasts if not _has_choice(c)]
    rows = list(_rows(settled, recording, how, random))
    open_ = [c for c in contrasts if _has_choice(c)]
    if open_:
        choosing, testing = choosing_stimuli(len(recording.labels), how.seed)
        on, rest = with_stimuli(recording, choosing), with_stimuli(recording, testing)
        by_region: dict[tuple[str, bool], list[tuple[Contrast, str]]] = {}
        said = f"layers chosen on {len(choosing)} other stimuli"
        for region, contrast, names in _chosen([c for c in open_ if not c.weighted], on, how):
            fixed = _of_layers(contrast, names)
            by_region.setdefault((region, False), []).append((fixed, said))
        for region, fixed, shares in _weighted([c for c in open_ if c.weighted], on, rest, how):
            words = f"layers weighted on {len(choosing)} other stimuli, {shares}"
            by_region.setdefault((region, True), []).append((fixed, words))
        for several in by_region.values():
            made_rows = _rows([contrast for contrast, _ in several], rest, how, random)
            for row, (_, words) in zip(made_rows, several, strict=True):
                row["flag"] = "; ".join(filter(None, (str(row["flag"]), words)))
                rows.append(row)
    return made(rows)


_of_regions = by_observed_stimuli(_table)
_of_pairs = over_common_stimuli(_table)


def choosing_stimuli(n_stimuli: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """The stimuli on which layers are chosen, and the others, by their numbers.

    Parameters
    ----------
    n_stimuli : int
    seed : int
        The same seed gives the same stimuli.

    Raises
    ------
    SpikelearnError
        If either were too few.
    """
    n = round(CHOOSING * n_stimuli)
    if n < FEWEST_STIMULI:
        raise SpikelearnError(
            f"{n_stimuli} stimuli are too few to choose layers on a third of them, which must be at"
            f" least {FEWEST_STIMULI}; name the layers, or ask of each"
        )
    order = generator(seed, "stimuli on which layers are chosen").permutation(n_stimuli)
    return np.sort(order[:n]), np.sort(order[n:])


def _has_choice(contrast: Contrast) -> bool:
    return contrast.weighted or any(len(part.layers) > 1 for part in contrast.parts)


def _of_layers(contrast: Contrast, names: Mapping[str, str]) -> Contrast:
    """The contrast of one layer of each of its networks."""
    parts = [
        Part(p.weight, {names[p.network]: p.layers[names[p.network]]}, p.network, p.region)
        for p in contrast.parts
    ]
    return Contrast(contrast.columns, parts, contrast.regions)


def _chosen(
    contrasts: Sequence[Contrast], recording: Any, how: _How
) -> Iterator[tuple[str, Contrast, dict[str, str]]]:
    """Of each contrast and region, the layer of each of its networks with the highest score."""
    for batch in together(contrasts):
        scored: dict[Key, Any] = {}
        models = models_of(batch)
        compared = how.compared(models, recording, 0)
        for (key,), (one,) in compared.scored([(key,) for key in models]):
            scored[key] = one.scores
        for contrast in batch:
            for region in _regions_of(contrast, compared.rows):
                places = {part.region or region for part in contrast.parts}
                numbers = {place: subjects_of(compared.rows, place)[0] for place in places}
                totals: dict[str, dict[str, list[float]]] = {}
                for part in contrast.parts:
                    for layer, by_seed in part.layers.items():
                        values = [
                            float(w * scored[key_of(r)][numbers[part.region or region]].mean())
                            for combination in by_seed
                            for w, r in combination
                        ]
                        own = totals.setdefault(part.network, {}).setdefault(layer, [])
                        own.append(sum(values))
                names = {network: _best(layers) for network, layers in totals.items()}
                rows = contrast.regions if contrast.of_pairs else [region]
                yield region, Contrast(contrast.columns, contrast.parts, rows), names


def _weighted(
    contrasts: Sequence[Contrast], on: Any, rest: Any, how: _How
) -> Iterator[tuple[str, Contrast, str]]:
    """Of each contrast and region, the contrast of weighted layers, and their shares."""
    if not contrasts:
        return
    comparator = how.comparator or "spearman"
    recorded = targets(on, comparator)
    for contrast in contrasts:
        for region in _regions_of(contrast, recorded.rows):
            places = {part.region or region for part in contrast.parts}
            data = {
                place: recorded.vectors[subjects_of(recorded.rows, place)[0]] for place in places
            }
            yield region, *weighted_contrast(contrast, on, rest, data, region, comparator)


def _best(layers: Mapping[str, Sequence[float]]) -> str:
    """The layer whose scores are highest together; one without a score is below all others."""
    totals = {name: sum(values) for name, values in layers.items()}
    return max(totals, key=lambda name: totals[name] if np.isfinite(totals[name]) else -np.inf)


def _regions_of(contrast: Contrast, rows: Sequence[Target]) -> list[str]:
    """The regions in which a contrast is tested, of those that the recording has."""
    if contrast.of_pairs:
        return list(contrast.regions)
    there = list(dict.fromkeys(row.region for row in rows))
    return [region for region in there if not contrast.regions or region in contrast.regions]


def subjects_of(rows: Sequence[Target], region: str) -> tuple[list[int], list[str], str]:
    """Numbers of the RDMs or responses of a region, whose they are, and the level of a mean."""
    own = [row for row in rows if row.region == region and row.level == "subject"]
    if own:
        return [row.rdms[0] for row in own], [row.subject for row in own], "mean"
    groups = [row for row in rows if row.region == region and row.level == "group"]
    return [row.rdms[0] for row in groups], ["" for _ in groups], "group"


def _rows(
    contrasts: Sequence[Contrast], recording: Any, how: _How, random: Sequence[str]
) -> Iterator[dict[str, object]]:
    for batch in together(contrasts):
        compared = how.compared(models_of(batch), recording, 1)
        keys = [tuple(models_of([contrast])) for contrast in batch]
        # Contrasts of the same models are scored together, and are not told apart by their keys.
        scored = {
            key: dict(zip(key, several, strict=True))
            for key, several in compared.scored(list(dict.fromkeys(keys)))
        }
        for contrast, key in zip(batch, keys, strict=True):
            for region in _regions_of(contrast, compared.rows):
                yield _row(contrast, region, compared, scored[key], recording, how, random)


def _row(
    contrast: Contrast,
    region: str,
    compared: Any,
    scored: Mapping[Key, Any],
    recording: Any,
    how: _How,
    random: Sequence[str],
) -> dict[str, object]:
    """One row: the contrast in a region."""
    places = list(dict.fromkeys(part.region or region for part in contrast.parts))
    by_place = {place: subjects_of(compared.rows, place) for place in places}
    shared = [
        name
        for name in by_place[places[0]][1]
        if all(name in names for _, names, _ in by_place.values())
    ]
    numbers = {
        place: [of[names.index(name)] for name in shared]
        for place, (of, names, _) in by_place.items()
    }
    n_seeds = len(next(iter(contrast.parts[0].layers.values())))
    values = np.zeros((n_seeds, len(shared)))
    terms: list[tuple[int, int, float, Any, int]] = []  # seed, subject, weight, score, number
    for part in contrast.parts:
        ((_, by_seed),) = part.layers.items()
        for s, combination in enumerate(by_seed):
            for weight, response in combination:
                one = scored[key_of(response)]
                for j, number in enumerate(numbers[part.region or region]):
                    values[s, j] += part.weight * weight * one.scores[number]
                    terms.append((s, j, part.weight * weight, one, number))
    over_stimuli, n_groups = _over_stimuli(terms, values.shape)
    limit = max(sum(abs(part.weight) for part in contrast.parts), 1.0)
    value = crossed_mean(values, over_stimuli, n_groups, random, limit)
    every = [key for part in contrast.parts for key in keys_of(part)]
    flags = [compared.flag(key) for key in dict.fromkeys(every)]
    flags += [TOO_FEW] if value.has_no_interval and "stimuli" in value.over else []
    flags += _alone(values.shape, random) if shared else [f"no subject has {' and '.join(places)}"]
    layers = {part.network: next(iter(part.layers)) for part in contrast.parts}
    return {
        **contrast.columns,
        **{f"layer_{name}": layer for name, layer in layers.items()},
        "recording": recording.name,
        "region": region,
        "level": by_place[places[0]][2],
        "method": how.method,
        "measure": compared.measure,
        "difference": value.score,
        "ci_lower": value.low,
        "ci_upper": value.high,
        "n_seeds": n_seeds,
        "n_subjects": len(shared) if by_place[places[0]][2] == "mean" else 0,
        "n_stimuli": min((one.n_stimuli for *_, one, _ in terms), default=0),
        "interval_over": value.over,
        "p": p_by_t(value),
        "flag": "; ".join(dict.fromkeys(filter(None, flags))),
    }


def _alone(shape: tuple[int, int], random: Sequence[str]) -> list[str]:
    """What an interval does not generalise to, though it was asked to."""
    said = []
    if "seeds" in random and shape[0] < 2:
        said.append("for this seed alone")
    if "subjects" in random and shape[1] < 2:
        said.append("for this subject or group alone")
    return said


def _over_stimuli(
    terms: Sequence[tuple[int, int, float, Any, int]], shape: tuple[int, int]
) -> tuple[Any, int]:
    """What gives the variance over stimuli of any weighted sum of the values of a contrast.

    Returns
    -------
    function or None
        See `random_factors.StimulusVariance`; None where no stimuli were left out.
    n_groups : int
        That were left out.
    """
    if not terms or any(
        one.left_out is None or one.n_stimuli < FEWEST_STIMULI for *_, one, _ in terms
    ):
        return None, 0
    n_groups = terms[0][3].left_out.shape[1]
    left_out = np.zeros((*shape, n_groups))
    pairs: Any = getattr(terms[0][3], "pairs", None)
    influences = None if pairs is None else np.zeros((*shape, pairs.models.shape[1]))
    for s, j, weight, one, number in terms:
        left_out[s, j] += weight * one.left_out[number]
        if influences is not None:
            influences[s, j] += weight * pairs.of(one.plus.start, [number])

    def variance(weights: np.ndarray) -> float:
        of_pairs = None
        if influences is not None:
            of_pairs = pairs.variance(np.tensordot(weights, influences, axes=2))
        return jackknife_variance(np.tensordot(weights, left_out, axes=2), of_pairs)

    return variance, n_groups
