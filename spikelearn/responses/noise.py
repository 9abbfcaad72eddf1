"""Populations as noisy as recorded ones: Poisson counts, and matched trial-to-trial variability.

Noise is drawn in the order of the names of stimuli and units, not in that in which they stand.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from spikelearn._errors import SpikelearnError
from spikelearn._seeding import generator
from spikelearn.responses._labels import check_dims, derived, name_order

if TYPE_CHECKING:
    import xarray


@dataclass(frozen=True)
class Variability:
    """How much each recorded unit's mean response, and its single responses, vary.

    Parameters
    ----------
    signal : array of shape (n_units,)
        Variance over stimuli of the response without noise, estimated without bias; 0 where the
        estimate is negative.
    noise : array of shape (n_units,)
        Variance over repeats of one stimulus, averaged over stimuli.
    """

    signal: np.ndarray
    noise: np.ndarray

    @property
    def ratio(self) -> np.ndarray:
        """Signal variance over noise variance of each unit; infinite without noise."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(self.noise > 0, self.signal / self.noise, np.inf)


def variability(recorded: np.ndarray) -> Variability:
    """Signal and noise variance of recorded units, as one-way random-effects analysis has them.

    Parameters
    ----------
    recorded : array of shape (n_stimuli, n_repeats, n_units)
        At least two repeats and two stimuli; NaN where a repeat is missing.

    Raises
    ------
    SpikelearnError
        If there are fewer.
    """
    values = np.asarray(recorded, dtype=np.float64)
    if values.ndim != 3 or min(values.shape[:2]) < 2:
        raise SpikelearnError(
            "variability needs responses of shape (n_stimuli, n_repeats, n_units) with at least 2"
            f" repeats and 2 stimuli, found {values.shape}"
        )
    number = np.isfinite(values).sum(axis=1)
    if (number.max(axis=0) < 2).any() or (number < 1).any():
        raise SpikelearnError(
            "variability needs a response of each unit to each stimulus, and at least 2 to one"
        )
    mean = np.nanmean(values, axis=1)
    squares = np.nansum((values - mean[:, None]) ** 2, axis=1)
    noise = squares.sum(axis=0) / (number - 1).sum(axis=0)
    # The variance of means over n repeats holds noise / n too.
    signal = mean.var(axis=0, ddof=1) - noise * (1.0 / number).mean(axis=0)
    return Variability(np.maximum(signal, 0.0), noise)


def poisson_repeats(counts: xarray.DataArray, n_repeats: int, seed: int = 0) -> xarray.DataArray:
    """Spike counts drawn from Poisson distributions whose means are the responses.

    Parameters
    ----------
    counts : DataArray of shape (stimulus, unit) or (stimulus, unit, time)
        Expected counts, none negative.
    n_repeats : int
    seed : int

    Returns
    -------
    DataArray with a dimension `repeat` behind that of the stimuli

    Raises
    ------
    SpikelearnError
        If a mean is negative or not finite, or no repeat is asked for.
    """
    check_dims(counts, ("stimulus", "unit"), ("stimulus", "unit", "time"))
    ordered = counts.transpose("stimulus", "unit", ...)
    values = ordered.to_numpy()
    if not np.isfinite(values).all() or (values < 0).any():
        raise SpikelearnError("the means of Poisson counts must be finite and at least 0")
    _check_repeats(n_repeats)
    stimuli, units = (name_order(ordered, dim) for dim in ("stimulus", "unit"))
    named = values[stimuli][:, units]
    noisy = generator(seed, "poisson repeats").poisson(named, size=(n_repeats, *values.shape))
    drawn = np.moveaxis(noisy, 0, 1).astype(np.float64)
    drawn = drawn[np.argsort(stimuli)][:, :, np.argsort(units)]
    repeats = ordered.expand_dims(repeat=np.arange(n_repeats), axis=1).copy(data=drawn)
    return derived(repeats, counts, units=counts.attrs.get("units", "spikes"), noise="Poisson")


def noise_matched(
    response: xarray.DataArray, recorded: np.ndarray, n_repeats: int, seed: int = 0
) -> xarray.DataArray:
    """Repeats of a model's responses that vary as much as recorded ones do.

    Each unit is given the ratio of signal to noise variance of a recorded unit, drawn with
    replacement, and Gaussian noise of that size. What the comparison then finds is what a perfect
    model of such units could reach.

    Parameters
    ----------
    response : DataArray of shape (stimulus, unit)
    recorded : array of shape (n_stimuli, n_repeats, n_units)
        See `variability`. Units whose signal variance is estimated at 0 are drawn too: their model
        units become noise of unit variance.
    n_repeats : int
    seed : int

    Returns
    -------
    DataArray of shape (stimulus, repeat, unit)
        Each unit scaled to a signal variance of 1 over the stimuli (units that do not vary: 0).

    Raises
    ------
    SpikelearnError
        See `variability`.
    """
    check_dims(response, ("stimulus", "unit"))
    _check_repeats(n_repeats)
    ratios = np.sort(variability(recorded).ratio)
    draw = generator(seed, "matched noise")
    ordered = response.transpose("stimulus", "unit")
    values = ordered.to_numpy() - ordered.to_numpy().mean(axis=0)
    sd = values.std(axis=0, ddof=1)
    stimuli, units = (name_order(ordered, dim) for dim in ("stimulus", "unit"))
    ratio = np.empty(values.shape[1])
    ratio[units] = ratios[draw.integers(0, ratios.size, values.shape[1])]
    silent = ratio == 0
    scaled = np.where(silent | (sd == 0), 0.0, values / np.where(sd > 0, sd, 1.0))
    noise_sd = np.where(silent, 1.0, 1.0 / np.sqrt(np.where(silent, 1.0, ratio)))
    shape = (len(values), n_repeats, values.shape[1])
    noise = draw.standard_normal(shape)[np.argsort(stimuli)][:, :, np.argsort(units)]
    drawn = noise * noise_sd + scaled[:, None]
    repeats = ordered.expand_dims(repeat=np.arange(n_repeats), axis=1).copy(data=drawn)
    return derived(
        repeats.assign_coords(signal_to_noise=("unit", ratio)),
        response,
        units="standard deviations of the signal",
        noise="Gaussian, matched to recorded units",
    )


def _check_repeats(n_repeats: int) -> None:
    if n_repeats < 1:
        raise SpikelearnError(f"at least 1 repeat must be drawn, found {n_repeats}")
