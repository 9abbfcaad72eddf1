"""What a recording is: stimuli, what was recorded while they were shown, and whom to cite."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from spikelearn._errors import SpikelearnError
from spikelearn.stimuli.images import ImageDataset


@dataclass(frozen=True)
class RecordedRDM:
    """One representational dissimilarity matrix of a brain region.

    Parameters
    ----------
    subject : str
        Who it was recorded from; "group" for an average over subjects.
    region : str
        Species and region, as in "human IT".
    session : str
        Which session; empty where sessions are not told apart.
    dissimilarities : array of shape (n_stimuli * (n_stimuli - 1) / 2,)
        Upper triangle, row after row: the order of `scipy.spatial.distance.squareform`.
    unit : str
        What a dissimilarity is, as in "1 - Pearson r".
    """

    subject: str
    region: str
    session: str
    dissimilarities: np.ndarray
    unit: str

    def __post_init__(self) -> None:
        values = np.asarray(self.dissimilarities, dtype=np.float64)
        object.__setattr__(self, "dissimilarities", values)
        n = self.n_stimuli
        if values.ndim != 1 or n * (n - 1) // 2 != values.size:
            raise SpikelearnError(
                f"the RDM of {self.region}, subject {self.subject}, must be one upper triangle"
                f" (n (n - 1) / 2 values), found shape {values.shape}"
            )
        if not np.isfinite(values).all():
            raise SpikelearnError(
                f"the RDM of {self.region}, subject {self.subject}, holds values that are not"
                " finite"
            )

    @property
    def n_stimuli(self) -> int:
        """Number of stimuli."""
        return round((1 + np.sqrt(1 + 8 * self.dissimilarities.size)) / 2)

    @property
    def matrix(self) -> np.ndarray:
        """The whole symmetric matrix, shape (n_stimuli, n_stimuli)."""
        from scipy.spatial.distance import squareform

        matrix: np.ndarray = squareform(self.dissimilarities)
        return matrix


@dataclass(frozen=True)
class ImageRecording:
    """Responses to images, published as RDMs.

    Parameters
    ----------
    name, citation, licence : str
        What it is, whom to cite, and under which terms it is distributed.
    stimuli : ImageDataset
        The images that were shown, as its test images, each a class of its own.
    rdms : tuple of RecordedRDM
        One for every region, subject and session.
    groups : mapping of str to RecordedRDM
        The published RDM over all subjects (or all cells) of each region.
    categories : mapping of str to bool array of shape (n_stimuli,)
        Which stimuli belong to each category.
    """

    name: str
    citation: str
    licence: str
    stimuli: ImageDataset
    rdms: tuple[RecordedRDM, ...]
    groups: Mapping[str, RecordedRDM]
    categories: Mapping[str, np.ndarray]

    def __post_init__(self) -> None:
        for rdm in (*self.rdms, *self.groups.values()):
            if rdm.n_stimuli != self.n_stimuli:
                raise SpikelearnError(
                    f"{self.name} has {self.n_stimuli} stimuli, but the RDM of {rdm.region},"
                    f" subject {rdm.subject}, has {rdm.n_stimuli}"
                )

    @property
    def images(self) -> np.ndarray:
        """The images, uint8 array of shape (n_stimuli, height, width[, 3])."""
        return self.stimuli.test_images

    @property
    def labels(self) -> tuple[str, ...]:
        """One label for each stimulus, in the order of the images and of the RDMs."""
        return self.stimuli.classes

    @property
    def n_stimuli(self) -> int:
        """Number of stimuli."""
        return len(self.stimuli.test_images)


@dataclass(frozen=True)
class Sound:
    """A sound as its amplitude envelope.

    Parameters
    ----------
    envelope : array of shape (n_samples,)
        Amplitude, in the recording's arbitrary units.
    rate_hz : float
        Samples per second. Sample k is the amplitude at k / rate_hz seconds.
    label : str
        What it is.
    """

    envelope: np.ndarray
    rate_hz: float
    label: str

    @property
    def duration_ms(self) -> float:
        """Duration in ms."""
        return 1000.0 * len(self.envelope) / self.rate_hz

    @property
    def time_ms(self) -> np.ndarray:
        """Time of each sample in ms, array of shape (n_samples,)."""
        return np.arange(len(self.envelope)) * (1000.0 / self.rate_hz)


@dataclass(frozen=True)
class AuditoryRecording:
    """Spikes of one cell while it heard sounds.

    Parameters
    ----------
    name, citation, licence : str
        What it is, whom to cite, and under which terms it is distributed.
    sounds : tuple of Sound
        What was played.
    spike_times_ms : tuple of arrays of shape (n_spikes,)
        The spikes during each sound, in ms from its start, ascending.
    """

    name: str
    citation: str
    licence: str
    sounds: tuple[Sound, ...]
    spike_times_ms: tuple[np.ndarray, ...]

    def __post_init__(self) -> None:
        if len(self.sounds) != len(self.spike_times_ms):
            raise SpikelearnError(
                f"{self.name}: {len(self.sounds)} sounds but {len(self.spike_times_ms)} spike"
                " trains"
            )
        for sound, times in zip(self.sounds, self.spike_times_ms, strict=True):
            outside = times.size and not 0 <= times.min() <= times.max() <= sound.duration_ms
            if outside or (np.diff(times) < 0).any():
                raise SpikelearnError(
                    f"{self.name}: the spike times of '{sound.label}' must ascend and lie within"
                    f" the sound, 0 to {sound.duration_ms:g} ms"
                )
