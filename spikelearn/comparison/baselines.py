"""Baselines that any model should beat: the stimulus itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from spikelearn._errors import SpikelearnError
from spikelearn.responses.psth import bin_centres_ms, smoothed, whole_bins
from spikelearn.stimuli.images import luminance

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


def sound_envelope(sound: Sound, bin_ms: float = 1.0, sigma_ms: float = 3.0) -> xarray.DataArray:
    """A sound's amplitude envelope, averaged in bins and smoothed as a PSTH is.

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
