"""Repeats of stimuli: the baseline that each has, the noise between them, and halves of them.

A unit's response to stimulus s in repeat k is taken as

    y_sk = m_s + b_k + noise,

with a baseline b_k of each repeat (a run, a session), fitted by least squares: where every stimulus
was shown in every repeat, b_k is the repeat's mean over stimuli less the mean of all. Repeats may
be missing, other ones for other units (NaN).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from spikelearn._seeding import generator

_CHUNK_UNITS = 2048  # units at a time
# Below so many of its degrees of freedom a stimulus says nothing of its own noise.
_LEAST_FREEDOM = 0.5


def without_baselines(repeats: np.ndarray) -> np.ndarray:
    """The responses without the baselines of repeats, whose mean over all responses stays.

    A repeat in which a single stimulus was shown says nothing of it, for its baseline is unknown:
    it becomes NaN, unless the stimulus was shown in no other.

    Parameters
    ----------
    repeats : array of shape (n_stimuli, n_repeats, n_units)
        NaN where a repeat is missing.
    """
    adjusted = np.empty(repeats.shape)
    for columns, seen in _by_pattern(repeats):
        adjusted[:, :, columns] = _Fit.of(seen).residuals_of_baselines(repeats[:, :, columns])
    return adjusted


def means_of_repeats(repeats: np.ndarray) -> np.ndarray:
    """Means over the repeats there are, without their baselines, shape (n_stimuli, n_units).

    Parameters
    ----------
    repeats : array of shape (n_stimuli, n_repeats, n_units)
    """
    if repeats.shape[1] == 1:
        return np.asarray(repeats[:, 0])
    if not np.isnan(repeats).any():  # baselines change no difference between stimuli
        return np.asarray(repeats.mean(axis=1))
    return _means(without_baselines(repeats))


def separate_repeats(repeats: np.ndarray) -> int:
    """How many groups of repeats there are that have no stimulus in common; 1 in most recordings.

    The baselines of one group cannot be told from responses to its stimuli.

    Parameters
    ----------
    repeats : array of shape (n_stimuli, n_repeats, n_units)
        The most of any unit, where they have other repeats.
    """
    most = 1
    for _, seen in _by_pattern(repeats):
        fit = _Fit.of(seen)
        most = max(most, len(np.unique(fit.groups[fit.seen.any(axis=0)])))
    return most


def noise_of_means(repeats: np.ndarray) -> np.ndarray:
    """What noise adds to the variance over stimuli of each unit's mean responses.

    The noise of every stimulus by the differences between its repeats, divided by its own number of
    them, averaged over stimuli. A stimulus that was shown once has the noise of the others.

    Parameters
    ----------
    repeats : array of shape (n_stimuli, n_repeats, n_units)
        With their baselines, or without.

    Returns
    -------
    array of shape (n_units,)
        NaN where no stimulus was shown twice.
    """
    noise = np.empty(repeats.shape[2])
    for columns, seen in _by_pattern(repeats):
        noise[columns] = _Fit.of(seen).noise(repeats[:, :, columns])
    return noise


def halves_of_repeats(repeats: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Means over every other repeat that each unit has of a stimulus; their noise is independent.

    Of a stimulus that was shown once the halves are its response plus, and less, noise like that
    between the repeats of the others: then they vary about its mean independently, too.

    Parameters
    ----------
    repeats : array of shape (n_stimuli, n_repeats, n_units)
        At least one stimulus twice.

    Returns
    -------
    first, second : arrays of shape (n_stimuli, n_units)
    """
    adjusted = without_baselines(repeats)
    seen = np.isfinite(adjusted)
    odd = np.cumsum(seen, axis=1) % 2 == 1
    first = _means(np.where(odd, adjusted, np.nan))
    second = _means(np.where(odd, np.nan, adjusted))
    once = seen.sum(axis=1) == 1
    if once.any():
        differences = np.where(seen, adjusted - _means(adjusted)[:, None], 0.0)
        freedom = np.empty(repeats.shape[2])
        for columns, pattern in _by_pattern(repeats):
            freedom[columns] = _Fit.of(pattern).freedom.sum()
        rows = differences.reshape(-1, repeats.shape[2]) / np.sqrt(np.maximum(freedom, 1.0))
        random = generator(0, "noise of stimuli shown once")
        noise = random.normal(size=(len(repeats), len(rows))) @ rows
        single = np.where(once, _means(adjusted), 0.0)
        first = np.where(once, single + noise, first)
        second = np.where(once, single - noise, second)
    return first, second


def noise_of_halves(repeats: np.ndarray) -> tuple[float, float, float]:
    """Noise variances of the first halves, the second, and the means, in units of a repeat's."""
    seen = np.isfinite(without_baselines(repeats)).sum(axis=1)
    seen = seen[seen > 0]
    first, second = (seen + 1) // 2, seen // 2
    # The halves of a single response have its own noise and as much again.
    in_first = np.where(seen == 1, 2.0, 1.0 / first)
    in_second = np.where(seen == 1, 2.0, 1.0 / np.maximum(second, 1))
    return float(in_first.mean()), float(in_second.mean()), float((1.0 / seen).mean())


@dataclass(frozen=True)
class _Fit:
    """The least-squares fit of stimuli and repeats to units that have the same repeats.

    `seen` has shape (n_stimuli, n_repeats); `inverse`, of shape (n_repeats, n_repeats), takes sums
    of differences from stimuli's means to baselines; `shares` are each stimulus's repeats over
    their number; `groups` says which repeats have stimuli in common.
    """

    seen: np.ndarray
    shares: np.ndarray
    inverse: np.ndarray
    groups: np.ndarray

    @classmethod
    def of(cls, seen: np.ndarray) -> _Fit:
        from scipy.sparse.csgraph import connected_components

        alone = seen.sum(axis=0) == 1
        elsewhere = (seen & ~alone).any(axis=1)
        seen = seen & ~(alone[None, :] & elsewhere[:, None])
        shares = seen / np.maximum(seen.sum(axis=1, keepdims=True), 1)
        laplacian = np.diag(seen.sum(axis=0).astype(float)) - seen.T.astype(float) @ shares
        groups = connected_components(np.abs(laplacian) > 1e-9, directed=False)[1]
        return cls(seen, shares, np.linalg.pinv(laplacian, rcond=1e-9, hermitian=True), groups)

    def residuals_of_baselines(self, values: np.ndarray) -> np.ndarray:
        """The values without baselines, of shape (n_stimuli, n_repeats, n_units)."""
        values = np.where(self.seen[:, :, None], values, 0.0)
        differences = (
            values - self.seen[:, :, None] * np.einsum("sk,sku->su", self.shares, values)[:, None]
        )
        baselines = self.inverse @ differences.sum(axis=0)
        counts = self.seen.sum(axis=0).astype(float)
        for group in np.unique(self.groups):  # the mean of all responses stays as it is
            members = self.groups == group
            if counts[members].any():
                baselines[members] -= counts[members] @ baselines[members] / counts[members].sum()
        return np.where(self.seen[:, :, None], values - baselines, np.nan)

    @property
    def freedom(self) -> np.ndarray:
        """Degrees of freedom that every stimulus has of its own, shape (n_stimuli,)."""
        through = self.shares @ self.inverse
        leverage = (
            self.shares
            + np.diag(self.inverse)
            - 2 * through
            + np.einsum("sk,sk->s", through, self.shares)[:, None]
        )
        return np.asarray(np.where(self.seen, 1.0 - leverage, 0.0).sum(axis=1))

    def noise(self, values: np.ndarray) -> np.ndarray:
        """See `noise_of_means`."""
        n_repeats = self.seen.sum(axis=1)
        shown, freedom = n_repeats > 0, self.freedom
        if freedom.sum() < _LEAST_FREEDOM or shown.sum() < 2:
            return np.full(values.shape[2], np.nan)
        adjusted = self.residuals_of_baselines(values)
        squares = np.nansum((adjusted - _means(adjusted)[:, None]) ** 2, axis=1)
        pooled = squares.sum(axis=0) / freedom.sum()
        own = np.where(
            freedom[:, None] >= _LEAST_FREEDOM,
            squares / np.maximum(freedom, _LEAST_FREEDOM)[:, None],
            pooled,
        )
        # Baselines that are not known for sure move the means of stimuli apart.
        centred = self.shares[shown] - self.shares[shown].mean(axis=0)
        by_baselines = np.einsum("sk,kl,sl->", centred, self.inverse, centred) / (shown.sum() - 1)
        noise: np.ndarray = (own[shown] / n_repeats[shown, None]).mean(axis=0)
        return noise + by_baselines * pooled


def _by_pattern(repeats: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Units that have the same repeats: their numbers, and which these are, (stimuli, repeats)."""
    n_units = repeats.shape[2]
    patterns: dict[bytes, list[int]] = {}
    seen = ~np.isnan(repeats)
    if seen.all():
        patterns[b""] = list(range(n_units))
    else:
        for unit in range(n_units):
            patterns.setdefault(np.packbits(seen[:, :, unit]).tobytes(), []).append(unit)
    for units in patterns.values():
        for start in range(0, len(units), _CHUNK_UNITS):
            yield np.array(units[start : start + _CHUNK_UNITS]), seen[:, :, units[0]]


def _means(values: np.ndarray) -> np.ndarray:
    """Means over repeats, NaN where there is none."""
    seen = np.isfinite(values)
    n = seen.sum(axis=1)
    total = np.where(seen, values, 0.0).sum(axis=1)
    return np.divide(total, n, out=np.full(total.shape, np.nan), where=n > 0)
