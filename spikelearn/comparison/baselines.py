"""Baselines that any model should beat: the stimulus itself, filters that nobody trained, labels.

pixels            every pixel and colour a unit
mean_luminance    one number for each image
gabor_energy      complex cells of primary visual cortex, without learning
random_features   random weights and a rectification: a layer that nobody trained
category_model    same or different category, and nothing else
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from spikelearn._errors import SpikelearnError
from spikelearn._seeding import generator
from spikelearn.responses.psth import bin_centres_ms, smoothed, whole_bins
from spikelearn.stimuli.images import luminance, network_input

if TYPE_CHECKING:
    import xarray

    from spikelearn.recordings import Sound


def pixels(images: np.ndarray, labels: Sequence[str]) -> xarray.DataArray:
    """The images themselves as a response: every pixel and colour a unit.

    Parameters
    ----------
    images : uint8 array of shape (n, height, width) or (n, height, width, 3)
    labels : sequence of str
        One label for each image.

    Returns
    -------
    DataArray of shape (stimulus, unit)
    """
    images = np.asarray(images)
    return _response(images.reshape(len(images), -1), labels, "pixels")


def mean_luminance(images: np.ndarray, labels: Sequence[str]) -> xarray.DataArray:
    """The mean luminance (Rec. 709) of each image, in [0, 1]: a response of one unit.

    One number has no correlation distance, so the response asks for the Euclidean one: the RDM
    holds absolute differences of mean luminance. Parameters are as for `pixels`.
    """
    means = luminance(images).mean(axis=(1, 2))
    response = _response(means[:, None], labels, "mean_luminance")
    response.attrs["rdm_method"] = "euclidean"
    return response


def gabor_energy(
    images: np.ndarray,
    labels: Sequence[str],
    side: int = 64,
    wavelengths: Sequence[float] = (4.0, 8.0, 16.0),
    n_orientations: int = 4,
    grid: int = 8,
) -> xarray.DataArray:
    """Energy of Gabor filters on a grid of places: a textbook complex cell each.

    Energy is the root of the summed squares of an even and an odd filter (Adelson & Bergen 1985,
    doi:10.1364/JOSAA.2.000284), so it does not depend on the phase of a grating.

    Parameters
    ----------
    images, labels
        As for `pixels`; turned into luminance of `side` x `side` pixels.
    side : int
        A multiple of `grid`.
    wavelengths : sequence of float
        In pixels. The Gaussian's standard deviation is half a wavelength.
    n_orientations : int
        Evenly spaced over half a turn.
    grid : int
        Energies are averaged over grid x grid places.

    Returns
    -------
    DataArray of shape (stimulus, unit)

    Raises
    ------
    SpikelearnError
        If the grid does not divide the side.
    """
    if side % grid:
        raise SpikelearnError(f"a grid of {grid} places does not divide {side} pixels evenly")
    light = network_input(images, side, side).reshape(len(images), side, side).astype(np.float64)
    spectrum = np.fft.rfft2(light - light.mean(axis=(1, 2), keepdims=True))
    block = side // grid
    energies = []
    for wavelength in wavelengths:
        for k in range(n_orientations):
            filters = _gabor(side, wavelength, np.pi * k / n_orientations)
            # Around the edges, which is the same for every image.
            parts = [np.fft.irfft2(spectrum * np.fft.rfft2(f), s=(side, side)) for f in filters]
            energy = np.sqrt(parts[0] ** 2 + parts[1] ** 2)
            places = energy.reshape(len(images), grid, block, grid, block).mean(axis=(2, 4))
            energies.append(places.reshape(len(images), -1))
    return _response(np.concatenate(energies, axis=1), labels, "gabor_energy")


def random_features(
    images: np.ndarray, labels: Sequence[str], n_units: int = 1000, side: int = 28, seed: int = 0
) -> xarray.DataArray:
    """Rectified random projections of an image's luminance.

    Parameters
    ----------
    images, labels
        As for `pixels`; turned into luminance of `side` x `side` pixels.
    n_units : int
        How many projections.
    side : int
        In pixels.
    seed : int
        Of the weights, which are Gaussian.

    Returns
    -------
    DataArray of shape (stimulus, unit)
    """
    light = network_input(images, side, side).astype(np.float64)
    weights = generator(seed, "random features").normal(size=(light.shape[1], n_units))
    projected = light @ (weights / np.sqrt(light.shape[1]))
    return _response(np.maximum(projected, 0.0), labels, "random_features")


def category_model(member: np.ndarray, labels: Sequence[str]) -> xarray.DataArray:
    """Category and nothing else: dissimilarity 0 within a category, 1 between categories.

    Parameters
    ----------
    member : array of shape (n_stimuli,)
        The category of each stimulus, as bool (in or out), number or name.
    labels : sequence of str
        One label for each stimulus.
    """
    names, category = np.unique(np.asarray(member), return_inverse=True)
    # One unit a category; of a size that makes the root mean square difference 1.
    units = np.eye(len(names))[category] * np.sqrt(len(names) / 2)
    response = _response(units, labels, "category")
    response.attrs["rdm_method"] = "euclidean"
    return response


def sound_envelope(sound: Sound, bin_ms: float = 1.0, sigma_ms: float = 3.0) -> xarray.DataArray:
    """A sound's amplitude envelope, averaged in bins and smoothed as a PSTH is.

    Parameters
    ----------
    sound : Sound
        Of a whole number of bins.
    bin_ms, sigma_ms : float
        Width of a bin, and standard deviation of the Gaussian that smooths, in ms.

    Returns
    -------
    DataArray of shape (time,)
        The coordinate time is the middle of each bin, in ms.

    Raises
    ------
    SpikelearnError
        If the sound is not a whole number of bins, or a bin not a whole number of samples.
    """
    import xarray

    n_bins = whole_bins(sound.duration_ms, bin_ms)
    if len(sound.envelope) % n_bins:
        raise SpikelearnError(
            f"a bin must be a whole number of samples, found {bin_ms:g} ms at"
            f" {sound.rate_hz:g} samples per second"
        )
    means = np.asarray(sound.envelope, dtype=np.float64).reshape(n_bins, -1).mean(axis=1)
    return xarray.DataArray(
        smoothed(means, bin_ms, sigma_ms),
        dims=("time",),
        coords={"time": bin_centres_ms(sound.duration_ms, bin_ms)},
        name="envelope",
        attrs={"bin_ms": bin_ms, "sigma_ms": sigma_ms},
    )


def _gabor(side: int, wavelength: float, angle: float) -> tuple[np.ndarray, np.ndarray]:
    """Even and odd filter of unit norm and no mean, centred on pixel (0, 0), periodic."""
    offset = (np.arange(side) + side // 2) % side - side // 2
    y, x = np.meshgrid(offset, offset, indexing="ij")
    along = x * np.cos(angle) + y * np.sin(angle)
    envelope = np.exp(-(x**2 + y**2) / (2 * (wavelength / 2) ** 2))
    filters = []
    for wave in (np.cos, np.sin):
        values = envelope * wave(2 * np.pi * along / wavelength)
        values -= envelope * values.sum() / envelope.sum()
        filters.append(values / np.linalg.norm(values))
    return filters[0], filters[1]


def _response(values: np.ndarray, labels: Sequence[str], name: str) -> xarray.DataArray:
    import xarray

    if len(values) != len(labels):
        raise SpikelearnError(f"{len(values)} images but {len(labels)} labels were given")
    return xarray.DataArray(
        values,
        dims=("stimulus", "unit"),
        coords={"stimulus": [str(label) for label in labels], "unit": np.arange(values.shape[1])},
        name=name,
    )
