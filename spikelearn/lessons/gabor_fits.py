"""Gabor functions fitted to filters: where a filter looks, which orientation it prefers, how well
such a function describes it (Jones & Palmer 1987, doi:10.1152/jn.1987.58.6.1233)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from spikelearn._errors import SpikelearnError

_PADDED = 64  # pixels of the Fourier transform in which a fit begins
_NEAR = 1e-4  # relative change at which a fit ends
_TINY = 1e-9  # where even and odd are nearly the same function
_WIDTHS = (0.12, 0.25)  # of the envelopes with which a fit begins, as shares of the side


@dataclass(frozen=True)
class GaborFit:
    """The Gabor function nearest to a filter: a grating under a Gaussian.

    Attributes
    ----------
    orientation_deg : float
        Of the bars, from 0 to 180; 0 is horizontal, 90 vertical.
    cycles_per_pixel : float
    x, y : float
        The middle, in pixels from the first.
    sigma_across, sigma_along : float
        Of the Gaussian, across the bars and along them, in pixels.
    r2 : float
        Share of the filter's sum of squares that the function has.
    """

    orientation_deg: float
    cycles_per_pixel: float
    x: float
    y: float
    sigma_across: float
    sigma_along: float
    r2: float


def gabor(
    side: int,
    orientation_deg: float,
    cycles_per_pixel: float,
    phase_deg: float = 0.0,
    sigma: float | None = None,
) -> np.ndarray:
    """A Gabor function in the middle of a square.

    Parameters
    ----------
    side : int
        Of the square, in pixels.
    orientation_deg : float
        Of the bars; 0 is horizontal, 90 vertical.
    cycles_per_pixel : float
    phase_deg : float
        0 is even about the middle, 90 odd.
    sigma : float, optional
        Of the Gaussian, in pixels; a sixth of the side if absent.

    Returns
    -------
    array of shape (side, side)

    Examples
    --------
    >>> import numpy as np
    >>> from spikelearn.lessons.gabor_fits import gabor
    >>> vertical = gabor(9, 90, 0.2)
    >>> bool(np.allclose(vertical, vertical[::-1]))
    True
    """
    middle, width = (side - 1) / 2, side / 6 if sigma is None else sigma
    given = np.array([middle, middle, np.deg2rad(orientation_deg), np.log(cycles_per_pixel),
                      np.log(width), np.log(width)])  # fmt: skip
    even, odd = _pair(given, side)
    phase = np.deg2rad(phase_deg)
    return (np.cos(phase) * even + np.sin(phase) * odd).reshape(side, side)


def fit_gabor(filter_: np.ndarray) -> GaborFit:
    """The Gabor function nearest to a filter, by least squares.

    Size and phase follow from the rest by a linear fit; where it is, how it is turned, its
    frequency and its widths are found from the peak of the filter's spectrum on.

    Parameters
    ----------
    filter_ : array of shape (side, side)

    Returns
    -------
    GaborFit

    Raises
    ------
    SpikelearnError
        Where it is no square, or holds nothing.

    Examples
    --------
    >>> from spikelearn.lessons.gabor_fits import fit_gabor, gabor
    >>> found = fit_gabor(gabor(12, 30, 0.15))
    >>> round(found.orientation_deg), round(found.r2, 3)
    (30, 1.0)
    """
    from scipy.optimize import least_squares

    values = np.asarray(filter_, dtype=float)
    if values.ndim != 2 or values.shape[0] != values.shape[1] or values.shape[0] < 4:
        raise SpikelearnError(f"a filter is a square of 4 pixels or more, found {values.shape}")
    if not np.isfinite(values).all() or not values.any():
        raise SpikelearnError("a filter without contrast, or with values that are no numbers")
    side, flat = len(values), values.ravel() / np.linalg.norm(values)

    def left(given: np.ndarray) -> np.ndarray:
        basis = np.stack(_pair(_bounded(given, side), side), axis=1)
        products = basis.T @ basis + _TINY * np.eye(2)
        return np.asarray(flat - basis @ np.linalg.solve(products, basis.T @ flat))

    near = {"method": "lm", "max_nfev": 300, "ftol": _NEAR, "xtol": _NEAR}
    fits = [least_squares(left, start, **near) for start in _starts(values)]
    best = min(fits, key=lambda fit: fit.cost)
    x, y, turn, frequency, across, along = _bounded(best.x, side)
    return GaborFit(
        float(np.rad2deg(turn) % 180.0),
        float(np.exp(frequency)),
        float(x),
        float(y),
        float(np.exp(across)),
        float(np.exp(along)),
        float(1.0 - 2.0 * best.cost),
    )


def _starts(values: np.ndarray) -> list[np.ndarray]:
    """Where fits begin: the peak of the spectrum, the middle of the energy, two widths."""
    side = len(values)
    power = np.abs(np.fft.fft2(values - values.mean(), (_PADDED, _PADDED))) ** 2
    fy, fx = np.unravel_index(power[:, : _PADDED // 2 + 1].argmax(), (_PADDED, _PADDED // 2 + 1))
    f_y, f_x = np.fft.fftfreq(_PADDED)[fy], fx / _PADDED
    frequency = max(float(np.hypot(f_x, f_y)), 0.5 / side)
    turn = np.arctan2(f_x, f_y)  # bars lie across the direction in which the grating goes
    energy = values**2 / (values**2).sum()
    rows, columns = np.mgrid[:side, :side]
    place = float((energy * columns).sum()), float((energy * rows).sum())
    return [
        np.array([*place, turn, np.log(frequency), np.log(width * side), np.log(width * side)])
        for width in _WIDTHS
    ]


def _bounded(given: np.ndarray, side: int) -> np.ndarray:
    """Parameters within what a square of pixels can show: half a cycle a pixel, its own size."""
    x, y, turn, frequency, across, along = given
    widths = np.clip([across, along], np.log(0.5), np.log(side))
    place = np.clip([x, y], -0.5, side - 0.5)
    return np.array([*place, turn, np.clip(frequency, np.log(0.25 / side), np.log(0.5)), *widths])


@cache
def _grid(side: int) -> tuple[np.ndarray, np.ndarray]:
    """Row and column of every pixel, flat."""
    rows, columns = np.mgrid[:side, :side]
    return rows.ravel().astype(float), columns.ravel().astype(float)


def _pair(given: np.ndarray, side: int) -> tuple[np.ndarray, np.ndarray]:
    """Even and odd Gabor functions, flat, with parameters as `fit_gabor` varies them."""
    x, y, turn, frequency, across, along = given
    rows, columns = _grid(side)
    dx, dy = columns - x, rows - y
    over = dx * np.sin(turn) + dy * np.cos(turn)
    beside = dx * np.cos(turn) - dy * np.sin(turn)
    envelope = np.exp(-0.5 * ((over / np.exp(across)) ** 2 + (beside / np.exp(along)) ** 2))
    wave = 2 * np.pi * np.exp(frequency) * over
    return envelope * np.cos(wave), envelope * np.sin(wave)
