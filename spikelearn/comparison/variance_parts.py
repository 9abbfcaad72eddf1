"""Variance of recorded dissimilarities that sets of models explain, alone and together.

Dissimilarities, or their ranks, are regressed on those of models with weights that are not
negative, and the explained variance R2 is that of pairs of stimuli that are not in the fit:
stimuli are parted into folds, weights are of the pairs within all but one, and

    R2 = 1 - sum (y - fitted)^2 / sum (y - mean of the fitted pairs)^2

over the pairs within each fold, so that no model explains 0, and what adds nothing may explain less
than nothing. Of sets of models, the part that only the sets S explain, and all of them, is (Mood
1971, doi:10.3102/00028312008002191; commonality analysis)

    C(S) = - sum over subsets T of S of (-1)^|T| R2(T and all sets that are not in S),

of one set its R2 beyond all others. The parts add to the R2 of all sets together. A shared part is
negative where two sets explain more together than one by one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from spikelearn._errors import SpikelearnError
from spikelearn._seeding import generator
from spikelearn.comparison.contrasts import subjects_of
from spikelearn.comparison.intervals import jackknife_variance, p_by_t
from spikelearn.comparison.models_and_targets import ModelRDM, model_rdm, pair_mask, targets
from spikelearn.comparison.observed import by_observed_stimuli
from spikelearn.comparison.partial_rsa import known_correlation, numbers_of
from spikelearn.comparison.random_factors import FACTORS, crossed_mean
from spikelearn.comparison.resamples import resamples_of
from spikelearn.comparison.tables import made

if TYPE_CHECKING:
    import pandas
    import xarray

N_FOLDS, N_REPEATS = 4, 4
MOST_LEFT_OUT = 20  # groups of stimuli that are left out in turn, for intervals
MOST_PREDICTORS = 10  # of which all combinations of positive weights are tried
MOST_BYTES = 2**27  # of pairs by folds, at once
FEWEST_STIMULI = 12  # that make three pairs of a fold
ALL = "all together"
_RIDGE = 1e-9  # of the mean variance, against predictors that are the same
_VARIANCE = "variance"


@dataclass(frozen=True)
class Sets:
    """Sets of models of which parts are asked for, beside those of the images.

    Attributes
    ----------
    columns : mapping of str to object
        What tells them apart in a table.
    responses : mapping of str to sequence of DataArray
        By the name of a set, one response for each seed: of two networks from the same weights.
    regions : sequence of str
        All of the recording, if empty.
    """

    columns: Mapping[str, object]
    responses: Mapping[str, Sequence[xarray.DataArray]]
    regions: Sequence[str] = field(default=())


def commonality(explained: Mapping[frozenset[str], Any], names: Sequence[str]) -> dict[str, Any]:
    """The parts of variance that sets explain alone and together.

    Parameters
    ----------
    explained : mapping of frozenset of str to float or array
        R2 of each combination of sets that is not empty.
    names : sequence of str
        Of the sets.

    Returns
    -------
    dict of str to float or array
        By the names of sets that share a part, with " and " between.
    """
    zero = np.zeros_like(next(iter(explained.values())))
    of = {**explained, frozenset(): zero}
    parts = {}
    for shared in _subsets(names):
        rest = frozenset(names) - frozenset(shared)
        value = zero - of[rest]
        for some in _subsets(shared):
            value = value - (-1) ** len(some) * of[rest | frozenset(some)]
        parts[" and ".join(shared)] = value
    return parts


def explained_variance(
    predictors: np.ndarray,
    data: np.ndarray,
    combinations_of: Sequence[Sequence[int]],
    left_out: np.ndarray,
    seed: int = 0,
) -> np.ndarray:
    """R2 on pairs of stimuli that are not in the fit, of combinations of predictors.

    Parameters
    ----------
    predictors : array of shape (n_predictors, n_pairs)
        Upper triangles.
    data : array of shape (n_rdms, n_pairs)
    combinations_of : sequence of sequence of int
        Numbers of the predictors of each.
    left_out : array of shape (n_groups, n_stimuli)
        1 where a stimulus is there; a row for each R2 that is wanted.
    seed : int
        Of the folds.

    Returns
    -------
    array of shape (n_combinations, n_rdms, n_groups)

    Raises
    ------
    SpikelearnError
        If there are too many predictors or too few stimuli.
    """
    p, n_stimuli = len(predictors), left_out.shape[1]
    if p > MOST_PREDICTORS:
        raise SpikelearnError(f"variance is parted among {MOST_PREDICTORS} RDMs at most, found {p}")
    if few := _too_few(left_out):
        raise SpikelearnError(few)
    supports = [tuple(s) for s in _subsets(range(p))]
    wanted = [[k for k, s in enumerate(supports) if set(s) <= set(c)] for c in combinations_of]
    errors = np.zeros((len(wanted), len(data), len(left_out)))
    total = np.zeros((len(data), len(left_out)))
    first, second = np.triu_indices(n_stimuli, k=1)
    random = generator(seed, "folds in which variance is parted")
    step = max(1, MOST_BYTES // (8 * len(first)))
    for _ in range(N_REPEATS):
        fold = random.permutation(n_stimuli) % N_FOLDS
        for k in range(N_FOLDS):
            for start in range(0, len(left_out), step):
                rows = slice(start, start + step)
                there = left_out[rows].astype(np.float64)
                inside, outside = there * (fold == k), there * (fold != k)
                fitted = _Moments(predictors, data, outside[:, first] * outside[:, second])
                tested = _Moments(predictors, data, inside[:, first] * inside[:, second])
                gained, squares = _fits(fitted, tested, supports)
                total[:, rows] += squares[-1]
                for number, some in enumerate(wanted):
                    best = np.array(some)[gained[some].argmax(axis=0)] if some else None
                    chosen = squares[-1] if best is None else _at(squares, best, gained, some)
                    errors[number, :, rows] += chosen
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(total > 0, 1.0 - errors / total, np.nan)


class _Moments:
    """Sums over pairs, weighted: of predictors x and data y, for each row of weights.

    n (B,), x (B, p), y (B, d), xx (B, p, p), xy (B, p, d), yy (B, d)
    """

    def __init__(self, predictors: np.ndarray, data: np.ndarray, weights: np.ndarray) -> None:
        self.n = weights.sum(axis=1)
        self.x, self.y = weights @ predictors.T, weights @ data.T
        self.yy = weights @ (data**2).T
        p = len(predictors)
        products = np.stack([predictors[i] * predictors[j] for i in range(p) for j in range(p)])
        self.xx = (weights @ products.T).reshape(-1, p, p)
        self.xy = np.stack([weights @ (data * one).T for one in predictors], axis=1)


def _fits(
    fitted: _Moments, tested: _Moments, supports: Sequence[tuple[int, ...]]
) -> tuple[np.ndarray, np.ndarray]:
    """What each support explains of the fitted pairs, and its squared errors on the tested ones.

    The weights of least squares that are not negative are those of the support, of all whose
    unbounded weights are positive, that explains most.

    Returns
    -------
    gained : array of shape (n_supports, n_rdms, B)
        Minus infinity where a weight would be negative.
    errors : array of shape (n_supports + 1, n_rdms, B)
        The last without any predictor.
    """
    mean_x, mean_y = fitted.x / fitted.n[:, None], fitted.y / fitted.n[:, None]
    xx = fitted.xx - fitted.n[:, None, None] * mean_x[:, :, None] * mean_x[:, None, :]
    xy = fitted.xy - fitted.n[:, None, None] * mean_x[:, :, None] * mean_y[:, None, :]
    gained, errors = [], []
    for support in supports:
        at = np.array(support)
        square = xx[:, at[:, None], at]
        size = np.trace(square, axis1=1, axis2=2)[:, None, None] / len(at)
        square = square + (_RIDGE * size + np.finfo(float).tiny) * np.eye(len(at))
        weights = np.linalg.solve(square, xy[:, at])  # (B, k, d)
        explained = (weights * xy[:, at]).sum(axis=1)
        gained.append(np.where((weights >= 0).all(axis=1), explained, -np.inf).T)
        errors.append(_errors(tested, at, weights, mean_x, mean_y).T)
    none = np.zeros((len(mean_x), 0, mean_y.shape[1]))
    errors.append(_errors(tested, np.zeros(0, dtype=int), none, mean_x, mean_y).T)
    return np.array(gained), np.array(errors)


def _errors(
    tested: _Moments, at: np.ndarray, weights: np.ndarray, mean_x: np.ndarray, mean_y: np.ndarray
) -> np.ndarray:
    """Squared errors of y = a + weights x on the tested pairs, array of shape (B, d)."""
    a = mean_y - np.einsum("bkd,bk->bd", weights, mean_x[:, at])
    of_x = np.einsum("bkd,bk->bd", weights, tested.x[:, at])
    of_xy = (weights * tested.xy[:, at]).sum(axis=1)
    of_xx = np.einsum("bkd,bkl,bld->bd", weights, tested.xx[:, at[:, None], at], weights)
    n = tested.n[:, None]
    return tested.yy + n * a**2 + of_xx - 2 * a * tested.y - 2 * of_xy + 2 * a * of_x


def _at(
    squares: np.ndarray, best: np.ndarray, gained: np.ndarray, some: Sequence[int]
) -> np.ndarray:
    """The errors of the chosen supports; those without any where no support has weights above 0."""
    chosen = np.take_along_axis(squares, best[None], axis=0)[0]
    return np.where(np.isfinite(gained[some].max(axis=0)), chosen, squares[-1])


@by_observed_stimuli
def variance_table(
    sets: Sequence[Sets],
    recording: Any,
    images: Mapping[str, xarray.DataArray],
    seed: int = 0,
    *,
    comparator: str = "spearman",
    random: Sequence[str] = FACTORS,
) -> pandas.DataFrame:
    """Parts of the variance of recorded dissimilarities, with intervals.

    Parameters
    ----------
    sets : sequence of Sets
    recording : recording
        With RDMs.
    images : mapping of str to DataArray
        Models of the images, such as pixels: together the set "images".
    seed : int
        Of the folds.
    comparator : {"spearman", "pearson"}
        Whether ranks of dissimilarities are regressed, over all pairs, or dissimilarities.
    random : sequence of {"seeds", "subjects", "stimuli"}
        What intervals and p-values generalise to.

    Returns
    -------
    DataFrame
        A row for each of `sets`, region and part: its columns; recording, region, level, method
        ("variance"), measure, part (sets that share it, "all together", or an image model beyond
        all others), difference (R2, a fraction), ci_lower, ci_upper (95 %), n_seeds, n_subjects,
        n_stimuli, interval_over, p (two-sided, of what one set explains beyond all others; NaN of
        other parts), flag. Of sets that respond to too few stimuli in common, numbers are NaN, and
        the flag says so.

    Raises
    ------
    SpikelearnError
        If the comparator is no correlation, or there are too many models.
    """
    known_correlation(comparator)
    found = targets(recording, comparator)
    controls = {name: model_rdm((name, ""), one, recording) for name, one in images.items()}
    known: dict[int, ModelRDM] = {}
    rows: list[dict[str, object]] = []
    for one in sets:
        for name, several in one.responses.items():
            for r in several:
                if id(r) not in known:
                    known[id(r)] = model_rdm((name, ""), r, recording)
        by_set = {name: [known[id(r)] for r in several] for name, several in one.responses.items()}
        for region in list(dict.fromkeys(row.region for row in found.rows)):
            if one.regions and region not in one.regions:
                continue
            numbers, _, level = subjects_of(found.rows, region)
            table = _Parts(by_set, controls, found.vectors[numbers], recording, seed, comparator)
            about = {"recording": recording.name, "region": region, "level": level,
                     "method": _VARIANCE, "measure": comparator}  # fmt: skip
            rows += [{**one.columns, **about, **row} for row in table.rows(random, level)]
    return made(rows)


class _Parts:
    """The parts of one combination of sets in one region, over seeds and subjects."""

    def __init__(
        self,
        sets: Mapping[str, Sequence[ModelRDM]],
        images: Mapping[str, ModelRDM],
        data: np.ndarray,
        recording: Any,
        seed: int,
        comparator: str,
    ) -> None:
        self.names = [*sets, "images"] if images else list(sets)
        every = [m for several in sets.values() for m in several] + list(images.values())
        valid = np.logical_and.reduce([m.valid for m in every])
        self.n_stimuli = int(valid.sum())
        kept = pair_mask(valid)
        rest = resamples_of(recording, 1, seed, "stimuli", valid, MOST_LEFT_OUT).left_out
        there = np.vstack([valid.astype(int), rest])[:, valid]
        self.flags = list(dict.fromkeys(m.flag for m in every if m.flag))
        self.n_seeds = len(next(iter(sets.values())))
        few = _too_few(there)
        self.flags += [few] if few else []
        y = data[:, kept]
        if not few:
            y = _scaled(numbers_of(y, comparator))
        parts: dict[str, list[np.ndarray]] = {}
        for s in range(self.n_seeds):
            models = [*(several[s] for several in sets.values()), *images.values()]
            x = np.stack([m.vector[kept] for m in models])
            if not few:
                x = _scaled(numbers_of(x, comparator))
            found = self._parts(x, y, list(images), there, seed)
            for name, value in found.items():
                parts.setdefault(name, []).append(value)
        # Of shape (n_seeds, n_rdms, 1 + n_groups), the first over all stimuli.
        self.values = {name: np.stack(several) for name, several in parts.items()}

    def _parts(
        self, x: np.ndarray, y: np.ndarray, images: list[str], there: np.ndarray, seed: int
    ) -> dict[str, np.ndarray]:
        n_own = len(x) - len(images)
        of_set = {name: [k] for k, name in enumerate(self.names[:n_own])}
        if images:
            of_set["images"] = list(range(n_own, len(x)))
        sets = [frozenset(some) for some in _subsets(self.names)]
        wanted = [sorted(k for name in some for k in of_set[name]) for some in sets]
        without = [[k for k in range(len(x)) if k != n_own + i] for i in range(len(images))]
        if _too_few(there):
            found = np.full((len(wanted) + len(without), len(y), len(there)), np.nan)
        else:
            found = explained_variance(x, y, [*wanted, *without], there, seed)
        explained = dict(zip(sets, found, strict=False))
        everything = explained[frozenset(self.names)]
        parts = {**commonality(explained, self.names), ALL: everything}
        for name, less in zip(images, found[len(sets) :], strict=True):
            parts[f"{name} beyond all others"] = everything - less
        return parts

    def rows(self, random: Sequence[str], level: str) -> Iterator[dict[str, object]]:
        """A row a part."""
        for name, values in self.values.items():
            rest = values[..., 1:]

            def over_stimuli(weights: np.ndarray, rest: np.ndarray = rest) -> float:
                return jackknife_variance(np.tensordot(weights, rest, axes=2))

            stimuli = over_stimuli if rest.shape[-1] > 1 else None
            # A part is no correlation, and beside a negative shared one it may be above 1.
            value = crossed_mean(values[..., 0], stimuli, rest.shape[-1], random, np.inf)
            alone = name in self.names
            yield {
                "part": f"{name} alone" if alone else name,
                "difference": value.score,
                "ci_lower": value.low,
                "ci_upper": value.high,
                "n_seeds": self.n_seeds,
                "n_subjects": values.shape[1] if level == "mean" else 0,
                "n_stimuli": self.n_stimuli,
                "interval_over": value.over,
                "p": p_by_t(value) if alone else np.nan,
                "flag": "; ".join(self.flags),
            }


def _too_few(left_out: np.ndarray) -> str:
    """That stimuli are too few, of which some are left out in turn; empty if they are enough."""
    every, least = (int(n) for n in (left_out.sum(axis=1).max(), left_out.sum(axis=1).min()))
    if least >= FEWEST_STIMULI:
        return ""
    return (
        f"{every} stimuli are too few to part variance on stimuli that are not in the fit;"
        f" {FEWEST_STIMULI + every - least} are enough"
    )


def _scaled(vectors: np.ndarray) -> np.ndarray:
    """Vectors of mean 0 and of one size: sums of their squares keep all digits."""
    centred = vectors - vectors.mean(axis=1, keepdims=True)
    size = centred.std(axis=1, keepdims=True)
    return np.asarray(centred / np.where(size > 0, size, 1.0))


def _subsets(things: Sequence[Any] | range) -> Iterator[tuple[Any, ...]]:
    """All subsets but the empty one, smaller ones first."""
    for size in range(1, len(things) + 1):
        yield from combinations(things, size)
