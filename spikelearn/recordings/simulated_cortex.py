"""Responses that a known model makes to handwritten digits: no brain, and no download.

For trying out comparisons where the answer is known. Six simulated subjects see 60 images of
scikit-learn's digits, six of each, twice. What they share is the signal, and what differs is noise:

V1 (simulated)    energies of Gabor filters of several orientations and sizes; each subject has 60
                  of them, drawn anew
IT (simulated)    the category of the digit, with a share of the same energies; 60 units that mix
                  these by weights of each subject's own

Each response has normal noise, drawn anew in each session. A model of all these energies
(`gabor_energies`) therefore lies within the noise ceiling in V1, and one of categories in
IT; a method that finds them otherwise is wrong.
"""

from __future__ import annotations

import numpy as np

from spikelearn._seeding import generator
from spikelearn.recordings._measurements import RecordedResponses
from spikelearn.recordings._recording import ImageRecording
from spikelearn.recordings._stimuli import image_set
from spikelearn.stimuli import digits
from spikelearn.stimuli.images import rank_within_class

CITATION = "Simulated by spikelearn (spikelearn.recordings.simulated_cortex); no brain was recorded"
LICENCE = "as spikelearn; images: Alpaydin & Kaynak 1998, CC BY 4.0"
V1, IT = "V1 (simulated)", "IT (simulated)"
UNIT = "arbitrary"
N_SUBJECTS, N_SESSIONS, N_UNITS = 6, 2, 60
_PER_CLASS = 6
_NOISE = {V1: 0.5, IT: 1.5}  # standard deviations, of a signal of 1
_SHARE_OF_V1 = 0.2  # of the variance of IT's signal
_ORIENTATIONS, _WAVELENGTHS = 4, (3.0, 5.0)
_SEED = 0


def at_hand() -> bool:
    """Whether it can be read without a download."""
    return True


def load(progressbar: bool = False) -> ImageRecording:
    """The recording; see the module's docstring. `progressbar` changes nothing: it is made here."""
    shown = digits.load()
    chosen = np.flatnonzero(rank_within_class(shown.test_labels) < _PER_CLASS)
    chosen = chosen[np.argsort(shown.test_labels[chosen], kind="stable")]
    images, classes = shown.test_images[chosen], shown.test_labels[chosen]
    labels = [
        f"{digit} ({rank + 1})"
        for digit, rank in zip(classes, rank_within_class(classes), strict=True)
    ]
    energies = gabor_energies(images)
    is_digit = np.eye(10)[classes]
    return ImageRecording(
        name="simulated_cortex",
        citation=CITATION,
        licence=LICENCE,
        stimuli=image_set("simulated_cortex", images, labels, "digits of scikit-learn"),
        rdms=(),
        groups={},
        categories={digit: classes == number for number, digit in enumerate(digits.CLASSES)},
        species="none: simulated",
        responses=tuple(
            _responses(subject, region, session, energies, is_digit)
            for region in (V1, IT)
            for subject in range(1, N_SUBJECTS + 1)
            for session in range(1, N_SESSIONS + 1)
        ),
        notes=("these are responses of a known model with noise, not of a brain",),
    )


def gabor_energies(images: np.ndarray) -> np.ndarray:
    """Energies of Gabor filters at every pixel, of shape (n_images, n_filters).

    Each is of mean 0 and standard deviation 1 over the images.

    Parameters
    ----------
    images : array of shape (n_images, height, width)
    """
    light = images.astype(float) / 255.0
    height, width = light.shape[1:]
    y, x = np.mgrid[:height, :width].astype(float)
    found = []
    for wavelength in _WAVELENGTHS:
        for angle in np.pi * np.arange(_ORIENTATIONS) / _ORIENTATIONS:
            for row in range(height):
                for column in range(width):
                    dx, dy = x - column, y - row
                    window = np.exp(-(dx**2 + dy**2) / (2 * (wavelength / 2) ** 2))
                    wave = window * np.exp(
                        2j * np.pi * (dx * np.cos(angle) + dy * np.sin(angle)) / wavelength
                    )
                    wave -= window * wave.sum() / window.sum()
                    found.append(np.abs(np.tensordot(light, wave, axes=2)))
    return _standard(np.stack(found, axis=1))


def _responses(
    subject: int, region: str, session: int, energies: np.ndarray, is_digit: np.ndarray
) -> RecordedResponses:
    """What a subject's units respond in a session: its own signal, and the session's noise."""
    own = generator(_SEED, "simulated_cortex", region, subject)
    energy = energies[:, own.choice(energies.shape[1], N_UNITS, replace=False)]
    if region == V1:
        signal = energy
    else:
        mixed = _standard(is_digit @ own.normal(size=(is_digit.shape[1], N_UNITS)))
        signal = np.sqrt(1 - _SHARE_OF_V1) * mixed + np.sqrt(_SHARE_OF_V1) * energy
    noise = generator(_SEED, "simulated_cortex", region, subject, session)
    values = signal + _NOISE[region] * noise.normal(size=signal.shape)
    return RecordedResponses(f"subject {subject}", region, str(session), values[:, None], UNIT)


def _standard(values: np.ndarray) -> np.ndarray:
    spread = values.std(axis=0)
    return (values - values.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
