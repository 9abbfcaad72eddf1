"""What a recording is: stimuli, what was recorded while they were shown, and whom to cite."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from spikelearn._errors import SpikelearnError
from spikelearn.stimuli.images import ImageDataset

if TYPE_CHECKING:
    import xarray

MOST_STIMULI_OF_AN_RDM = 1000
"""Beyond it the RDMs of responses are not made: their size grows with the square."""


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
class RecordedResponses:
    """Responses of the units (voxels, neurons, sites) of one region of one subject.

    Parameters
    ----------
    subject, region, session : str
        As in `RecordedRDM`.
    values : array of shape (n_stimuli, n_repeats, n_units)
        NaN where a repeat is missing; each unit has at least one response to each stimulus.
    unit : str
        What a response is, as in "spikes/s from 70 to 170 ms".
    unit_names : tuple of str
        One for each unit; their numbers if absent.
    """

    subject: str
    region: str
    session: str
    values: np.ndarray
    unit: str
    unit_names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        values = np.asarray(self.values)
        if values.dtype not in (np.float32, np.float64):
            values = values.astype(np.float64)
        object.__setattr__(self, "values", values)
        who = f"the responses of {self.region}, subject {self.subject},"
        if values.ndim != 3 or 0 in values.shape:
            raise SpikelearnError(
                f"{who} must have shape (n_stimuli, n_repeats, n_units), found {values.shape}"
            )
        if not self.unit_names:
            names = tuple(str(number) for number in range(values.shape[2]))
            object.__setattr__(self, "unit_names", names)
        if len(self.unit_names) != values.shape[2]:
            raise SpikelearnError(
                f"{who} are of {values.shape[2]} units, but {len(self.unit_names)} are named"
            )
        if np.isinf(values).any():
            raise SpikelearnError(f"{who} hold values that are infinite")
        if np.isnan(values).all(axis=1).any():
            raise SpikelearnError(f"{who} lack a unit's response to a stimulus in every repeat")

    @property
    def n_repeats(self) -> int:
        """Number of repeats, missing ones too."""
        return int(self.values.shape[1])

    @property
    def n_stimuli(self) -> int:
        """Number of stimuli."""
        return len(self.values)

    @property
    def n_units(self) -> int:
        """Number of units."""
        return int(self.values.shape[2])

    @property
    def mean(self) -> np.ndarray:
        """Mean over the repeats there are, array of shape (n_stimuli, n_units)."""
        if self.n_repeats == 1:
            return self.values[:, 0]
        result: np.ndarray = np.nanmean(self.values, axis=1)
        return result

    def rdm(self) -> RecordedRDM:
        """1 - Pearson r over the units between mean responses to each two stimuli.

        Raises
        ------
        SpikelearnError
            If there are fewer than 2 units, or all respond alike to a stimulus.
        """
        if self.n_units < 2:
            raise SpikelearnError(
                f"a correlation needs at least 2 units, but {self.region}, subject {self.subject},"
                f" has {self.n_units}"
            )
        flat = np.ptp(self.mean, axis=1) == 0
        if flat.any():
            raise SpikelearnError(
                f"all units of {self.region}, subject {self.subject}, respond alike to stimulus"
                f" {int(np.argmax(flat))}: their pattern correlates with none"
            )
        values = _correlation_distances(self.mean)
        return RecordedRDM(self.subject, self.region, self.session, values, "1 - Pearson r")

    def to_xarray(self, labels: tuple[str, ...]) -> xarray.DataArray:
        """The responses with dims (stimulus, repeat, unit) and their coordinates."""
        import xarray

        return xarray.DataArray(
            self.values,
            dims=("stimulus", "repeat", "unit"),
            coords={
                "stimulus": list(labels),
                "repeat": np.arange(self.n_repeats),
                "unit": list(self.unit_names),
                "subject": self.subject,
                "region": self.region,
                "session": self.session,
            },
            name="response",
            attrs={"units": self.unit, "source": f"recorded: {self.region}, {self.subject}"},
        )


@dataclass(frozen=True)
class RecordedTimecourse:
    """RDMs of one region of one subject at several moments after the stimulus.

    Parameters
    ----------
    subject, region, session, unit : str
        As in `RecordedRDM`.
    time_ms : array of shape (n_times,)
        Ascending; in ms from the stimulus's onset, or from the beginning of an interval that
        `region` names.
    dissimilarities : array of shape (n_times, n_pairs)
        Upper triangles; NaN where a pattern has no dissimilarity, being flat.
    """

    subject: str
    region: str
    session: str
    time_ms: np.ndarray
    dissimilarities: np.ndarray
    unit: str

    def __post_init__(self) -> None:
        values = np.asarray(self.dissimilarities, dtype=np.float64)
        times = np.asarray(self.time_ms, dtype=np.float64)
        object.__setattr__(self, "dissimilarities", values)
        object.__setattr__(self, "time_ms", times)
        n = self.n_stimuli
        fits = values.ndim == 2 and times.shape == values.shape[:1] and times.size
        if not fits or n * (n - 1) // 2 != values.shape[1] or (np.diff(times) <= 0).any():
            raise SpikelearnError(
                f"RDMs over time of {self.region}, subject {self.subject}, must be upper triangles"
                f" at ascending times, found shape {values.shape} at {times.size} times"
            )
        if np.isinf(values).any():
            raise SpikelearnError(
                f"RDMs over time of {self.region}, subject {self.subject}, must not be infinite"
            )

    @classmethod
    def of_responses(
        cls, subject: str, region: str, session: str, time_ms: np.ndarray, means: np.ndarray
    ) -> RecordedTimecourse:
        """1 - Pearson r at each time of mean responses of shape (n_times, n_stimuli, n_units)."""
        rdms = np.stack([_correlation_distances(moment) for moment in means])
        return cls(subject, region, session, time_ms, rdms, "1 - Pearson r")

    @property
    def n_stimuli(self) -> int:
        """Number of stimuli."""
        return round((1 + np.sqrt(1 + 8 * self.dissimilarities.shape[-1])) / 2)


def _correlation_distances(patterns: np.ndarray) -> np.ndarray:
    """1 - Pearson r of each two patterns, shape (n_pairs,); NaN where one of them is flat."""
    centred = patterns - patterns.mean(axis=1, keepdims=True, dtype=np.float64)
    length = np.linalg.norm(centred, axis=1, keepdims=True)
    length[np.ptp(patterns, axis=1) == 0] = np.nan
    unit = centred / length
    pairs = np.triu_indices(len(patterns), k=1)
    result: np.ndarray = 1.0 - np.clip((unit @ unit.T)[pairs], -1.0, 1.0)
    return result


@dataclass(frozen=True)
class ImageRecording:
    """What brains did when they saw images: responses, or RDMs where only these were published.

    Parameters
    ----------
    name, citation, licence : str
        What it is, whom to cite, and under which terms it is distributed.
    stimuli : ImageDataset
        The images that were shown, as its test images, each a class of its own.
    rdms : tuple of RecordedRDM
        One for every region, subject and session. Where there are `responses` these are theirs,
        made if there are at most `MOST_STIMULI_OF_AN_RDM` stimuli.
    groups : mapping of str to RecordedRDM
        The published RDM over all subjects (or all cells) of each region.
    categories : mapping of str to bool array of shape (n_stimuli,)
        Which stimuli belong to each category.
    species : str
        Whose brains.
    responses : tuple of RecordedResponses
        One for every region, subject and session.
    timecourses : tuple of RecordedTimecourse
        RDMs at several moments, where the recording has a course in time.
    behaviour : tuple of RecordedRDM
        Judged dissimilarities, one for every subject.
    models : mapping of str to RecordedRDM
        RDMs of models that were published with the recording.
    """

    name: str
    citation: str
    licence: str
    stimuli: ImageDataset
    rdms: tuple[RecordedRDM, ...]
    groups: Mapping[str, RecordedRDM]
    categories: Mapping[str, np.ndarray]
    species: str = ""
    responses: tuple[RecordedResponses, ...] = ()
    timecourses: tuple[RecordedTimecourse, ...] = ()
    behaviour: tuple[RecordedRDM, ...] = ()
    models: Mapping[str, RecordedRDM] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.responses and not self.rdms and self.n_stimuli <= MOST_STIMULI_OF_AN_RDM:
            made = tuple(r.rdm() for r in self.responses if r.n_units > 1)
            object.__setattr__(self, "rdms", made)
        everything: list[RecordedRDM | RecordedResponses | RecordedTimecourse] = [
            *self.rdms, *self.groups.values(), *self.behaviour, *self.models.values(),
            *self.responses,
        ]  # fmt: skip
        for recorded in everything:
            if recorded.n_stimuli != self.n_stimuli:
                what = "RDM" if isinstance(recorded, RecordedRDM) else "response"
                raise SpikelearnError(
                    f"{self.name} has {self.n_stimuli} stimuli, but the {what} of"
                    f" {recorded.region}, subject {recorded.subject}, has {recorded.n_stimuli}"
                )
        for category, members in self.categories.items():
            if np.shape(members) != (self.n_stimuli,):
                raise SpikelearnError(
                    f"{self.name} has {self.n_stimuli} stimuli, but category '{category}' is of"
                    f" shape {np.shape(members)}"
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

    @property
    def regions(self) -> tuple[str, ...]:
        """Regions, each once, in order of first appearance."""
        everything: list[RecordedRDM | RecordedResponses | RecordedTimecourse] = [
            *self.responses, *self.rdms, *self.groups.values(),
        ]  # fmt: skip
        return tuple(dict.fromkeys(recorded.region for recorded in everything))

    def select(self, which: np.ndarray) -> ImageRecording:
        """The recording of some of its stimuli, in the order of `which` (numbers or a mask).

        RDMs and responses keep the pairs and rows of these stimuli.

        Raises
        ------
        SpikelearnError
            If a stimulus is named twice, does not exist, or fewer than 3 are left.
        """
        numbers = np.arange(self.n_stimuli)
        which = np.asarray(which)
        fits = which.ndim == 1 and (which.dtype == bool or which.dtype.kind in "iu")
        if which.dtype == bool:
            fits = fits and len(which) == self.n_stimuli
        elif fits and which.size:
            fits = which.min() >= 0 and which.max() < self.n_stimuli
        if not fits or len(set(numbers[which].tolist())) != numbers[which].size:
            raise SpikelearnError(
                f"stimuli of {self.name} are chosen by numbers from 0 to {self.n_stimuli - 1}, each"
                " once, or by a mask"
            )
        rows = numbers[which]
        if rows.size < 3:
            raise SpikelearnError(f"at least 3 stimuli must be left, found {rows.size}")
        first, second = (rows[i] for i in np.triu_indices(rows.size, k=1))

        number = np.zeros((self.n_stimuli, self.n_stimuli), dtype=np.int64)
        number[np.triu_indices(self.n_stimuli, k=1)] = np.arange(
            self.n_stimuli * (self.n_stimuli - 1) // 2
        )
        columns = number[np.minimum(first, second), np.maximum(first, second)]

        def chosen(recorded: RecordedRDM) -> RecordedRDM:
            return replace(recorded, dissimilarities=recorded.matrix[first, second])

        return replace(
            self,
            stimuli=replace(
                self.stimuli,
                test_images=self.images[rows],
                test_labels=self.stimuli.test_labels[: rows.size],
                classes=tuple(self.labels[i] for i in rows),
            ),
            rdms=tuple(chosen(r) for r in self.rdms),
            groups={name: chosen(r) for name, r in self.groups.items()},
            categories={name: members[rows] for name, members in self.categories.items()},
            responses=tuple(replace(r, values=r.values[rows]) for r in self.responses),
            timecourses=tuple(
                replace(t, dissimilarities=t.dissimilarities[:, columns]) for t in self.timecourses
            ),
            behaviour=tuple(chosen(r) for r in self.behaviour),
            models={name: chosen(r) for name, r in self.models.items()},
        )


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
