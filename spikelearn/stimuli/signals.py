"""Arrays and sounds from files, and sampled signals on the grid."""

from __future__ import annotations

import warnings
from fractions import Fraction
from pathlib import Path

import numpy as np

from spikelearn._errors import SpikelearnError

ARRAYS = (".npy", ".npz", ".csv")
_LARGEST_RATIO = 100_000


def read_array(path: str | Path, key: str | None = None) -> np.ndarray:
    """An array of finite numbers from a .npy, .npz or .csv file.

    Parameters
    ----------
    path : str or Path
        A .csv file holds numbers alone, one row a line, separated by commas; what follows # is a
        comment.
    key : str, optional
        Which array of an .npz file; may be left out where it holds one.

    Raises
    ------
    SpikelearnError
        If the file is missing, damaged or empty, or holds anything but finite numbers.
    """
    path = Path(path)
    if not path.is_file():
        raise SpikelearnError(f"there is no file {path}")
    suffix = path.suffix.lower()
    if suffix not in ARRAYS:
        raise SpikelearnError(f"{path}: arrays are read from {', '.join(ARRAYS)}")
    if key is not None and suffix != ".npz":
        raise SpikelearnError(f"{path}: a key belongs to an .npz file")
    try:
        array = _read_array(path, key)
    except SpikelearnError:
        raise
    except Exception as error:  # NumPy raises many kinds on broken files
        raise SpikelearnError(f"{path} is not a readable {suffix} file of numbers") from error
    if array.dtype.kind not in "iufb" or array.ndim == 0:
        raise SpikelearnError(f"{path} must hold an array of numbers, found {array.dtype}")
    if not array.size:
        raise SpikelearnError(f"{path} is empty")
    if not np.isfinite(array).all():
        raise SpikelearnError(f"{path} has values that are not finite (NaN or infinity)")
    return array.astype(np.float64)


def _read_array(path: Path, key: str | None) -> np.ndarray:
    if path.suffix.lower() == ".csv":
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*input contained no data")
            return np.loadtxt(path, delimiter=",", ndmin=2, dtype=np.float64, encoding="utf-8")
    # An open file: NumPy leaves one of its own open when it finds the archive damaged.
    with path.open("rb") as file:
        if path.suffix.lower() == ".npy":
            return np.lib.format.read_array(file, allow_pickle=False)
        with np.load(file, allow_pickle=False) as archive:
            if key is None and len(archive.files) == 1:
                key = archive.files[0]
            if key not in archive.files:
                raise SpikelearnError(
                    f"{path}: name one of its arrays as key: {', '.join(archive.files) or 'none'}"
                )
            return np.asarray(archive[key])


def read_sound(path: str | Path, channel: int | None = None) -> tuple[np.ndarray, float]:
    """Samples of a .wav file, full scale being from -1 to 1, and their rate in Hz.

    Parameters
    ----------
    path : str or Path
    channel : int, optional
        Which channel, counted from 0; needed where there are several.

    Returns
    -------
    array of shape (n_samples,), and the sampling rate in Hz

    Raises
    ------
    SpikelearnError
        If the file is missing, damaged or empty, or the channel is not said or not there.
    """
    from scipy.io import wavfile

    path = Path(path)
    if not path.is_file():
        raise SpikelearnError(f"there is no file {path}")
    try:
        with warnings.catch_warnings():
            # Chunks that SciPy does not know hold titles and the like.
            warnings.simplefilter("ignore", wavfile.WavFileWarning)
            rate_hz, samples = wavfile.read(path)
    except Exception as error:  # SciPy raises many kinds on broken files
        raise SpikelearnError(f"{path} is not a readable .wav file") from error
    samples = samples[:, None] if samples.ndim == 1 else samples
    if not samples.size or rate_hz <= 0:
        raise SpikelearnError(f"{path} is empty")
    n_channels = samples.shape[1]
    if channel is None and n_channels > 1:
        raise SpikelearnError(
            f"{path} has {n_channels} channels; say which one is meant, as channel: 0 to"
            f" {n_channels - 1}"
        )
    if channel is not None and channel >= n_channels:
        raise SpikelearnError(
            f"{path} has no channel {channel}; its channels are 0 to {n_channels - 1}"
        )
    sound = samples[:, channel or 0]
    if sound.dtype.kind == "f":
        if not np.isfinite(sound).all():
            raise SpikelearnError(f"{path} has values that are not finite (NaN or infinity)")
        return sound.astype(np.float64), float(rate_hz)
    # SciPy gives 24 bits as the upper ones of 32; 8 bits are unsigned.
    half = 2.0 ** (8 * sound.dtype.itemsize - 1)
    zero = half if sound.dtype.kind == "u" else 0.0
    return (sound.astype(np.float64) - zero) / half, float(rate_hz)


def resampled(samples: np.ndarray, sampling_rate_hz: float, dt_ms: float) -> np.ndarray:
    """A sampled signal at the times 0, dt, 2 dt ...: the band below both Nyquist frequencies.

    Polyphase filtering by `scipy.signal.resample_poly`; the ratio of both rates is taken from
    their decimal numbers, so that nothing drifts. Before and after, the signal counts as 0.

    Parameters
    ----------
    samples : array of shape (..., n_samples)
    sampling_rate_hz : float
        Rate of the samples.
    dt_ms : float
        Time step of what is asked for.

    Raises
    ------
    SpikelearnError
        If the rates are in no ratio of whole numbers up to 100,000.
    """
    from scipy.signal import resample_poly

    ratio = 1000 / (Fraction(repr(float(dt_ms))) * Fraction(repr(float(sampling_rate_hz))))
    if max(ratio.numerator, ratio.denominator) > _LARGEST_RATIO:
        raise SpikelearnError(
            f"a signal of {sampling_rate_hz:g} Hz cannot be resampled to steps of {dt_ms:g} ms:"
            f" they are in no ratio of whole numbers up to {_LARGEST_RATIO:,}; use another dt_ms"
        )
    resampled_signal: np.ndarray = resample_poly(
        samples, ratio.numerator, ratio.denominator, axis=-1
    )
    return resampled_signal
