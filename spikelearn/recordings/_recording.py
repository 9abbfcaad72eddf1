"""What a recording is: stimuli, what was recorded while they were shown, and whom to cite."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import numpy as np

from spikelearn._counts import counted
from spikelearn._errors import SpikelearnError
from spikelearn._names import is_sorted, natural_key, order_of_names, repeated
from spikelearn._same_content import ComparedByContent
from spikelearn.recordings._measurements import (
    RecordedRDM,
    RecordedResponses,
    RecordedTimecourse,
)
from spikelearn.stimuli.images import ImageDataset

Measured = TypeVar("Measured", RecordedRDM, RecordedResponses, RecordedTimecourse)

MOST_STIMULI_OF_AN_RDM = 1000
"""Beyond it the RDMs of responses are not made: their size grows with the square."""


@dataclass(frozen=True, eq=False, repr=False)
class ImageRecording(ComparedByContent):
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
    kinds : tuple of str
        The categories that say what is shown, by which stimuli are of one kind or another; all of
        them, if left out.
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
    notes : tuple of str
        What was left out, guessed, or read by its place alone, a sentence each.
    options : mapping
        What was asked for when it was read: the description of a user's recording.
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
    notes: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    kinds: tuple[str, ...] = ()

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
                    f"{self.name} has {counted(self.n_stimuli, 'stimulus', 'stimuli')}, but the"
                    f" {what} of {recorded.region}, subject {recorded.subject}, has"
                    f" {recorded.n_stimuli}"
                )
        twice = repeated(self.labels)
        if twice is not None:
            raise SpikelearnError(f"{self.name}: two stimuli have the label '{twice}'")
        for category, members in self.categories.items():
            if np.shape(members) != (self.n_stimuli,):
                raise SpikelearnError(
                    f"{self.name} has {counted(self.n_stimuli, 'stimulus', 'stimuli')}, but"
                    f" category '{category}' is of"
                    f" shape {np.shape(members)}"
                )
        unknown = [name for name in self.kinds if name not in self.categories]
        if unknown:
            raise SpikelearnError(
                f"{self.name} has no category '{unknown[0]}', which is to say what is shown"
            )

    def __repr__(self) -> str:
        what = {"RDM": self.rdms, "set of responses": self.responses}
        held = [
            counted(len(items), one, _SEVERAL.get(one, "")) for one, items in what.items() if items
        ]
        parts = [counted(self.n_stimuli, "stimulus", "stimuli"), ", ".join(self.regions), *held]
        return f"<recording '{self.name}': {'; '.join(filter(None, parts))}>"

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

    @property
    def given_rdms(self) -> tuple[RecordedRDM, ...]:
        """The RDMs by subject that were recorded as such, not made of the responses."""
        made = {(r.region, r.subject, r.session) for r in self.responses}
        return tuple(r for r in self.rdms if (r.region, r.subject, r.session) not in made)

    @property
    def content(self) -> dict[str, Any]:
        """All that results depend on, in the order of names: not how it was read, nor from where.

        Two recordings with the same content give the same results.
        """
        one = self.in_order_of_names()
        return {
            "labels": list(one.labels),
            "images": one.images,
            "categories": dict(one.categories),
            "responses": list(one.responses),
            "rdms": list(one.given_rdms),
            "groups": dict(one.groups),
            "timecourses": list(one.timecourses),
            "behaviour": list(one.behaviour),
            "models": dict(one.models),
        }

    @property
    def judgements(self) -> ImageRecording | None:
        """The behaviour as a recording of its own, each subject's RDM as a brain's; or None."""
        if not self.behaviour:
            return None
        return replace(
            self, rdms=self.behaviour, groups={}, responses=(), timecourses=(), behaviour=()
        )

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
        return self._of_stimuli(rows)

    def in_order_of_names(self) -> ImageRecording:
        """The same recording: stimuli and units by their names, subjects and sessions too.

        What is drawn at random, such as folds of the stimuli, is drawn in this order.
        """
        order = order_of_names(self.labels)
        sorted_ = self if is_sorted(order) else self._of_stimuli(np.array(order))
        changes = {
            "responses": _in_order(tuple(r.in_order_of_names() for r in sorted_.responses)),
            "rdms": _in_order(sorted_.rdms),
            "timecourses": _in_order(sorted_.timecourses),
            "behaviour": _in_order(sorted_.behaviour),
        }
        same = all(
            a is b
            for name, after in changes.items()
            for a, b in zip(getattr(sorted_, name), after, strict=True)
        )
        return sorted_ if same else replace(sorted_, **changes)  # type: ignore[arg-type]

    def _of_stimuli(self, rows: np.ndarray) -> ImageRecording:
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


def _in_order(recorded: tuple[Measured, ...]) -> tuple[Measured, ...]:
    """Subjects and sessions by name, regions as they came."""
    regions = list(dict.fromkeys(one.region for one in recorded))

    def key(one: RecordedRDM | RecordedResponses | RecordedTimecourse) -> tuple[object, ...]:
        return regions.index(one.region), natural_key(one.subject), natural_key(one.session)

    return tuple(sorted(recorded, key=key))


@dataclass(frozen=True, eq=False, repr=False)
class Sound(ComparedByContent):
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


@dataclass(frozen=True, eq=False, repr=False)
class AuditoryRecording(ComparedByContent):
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
                f"{self.name}: {counted(len(self.sounds), 'sound')} but {len(self.spike_times_ms)}"
                " spike trains"
            )
        for sound, times in zip(self.sounds, self.spike_times_ms, strict=True):
            outside = times.size and not 0 <= times.min() <= times.max() <= sound.duration_ms
            if outside or (np.diff(times) < 0).any():
                raise SpikelearnError(
                    f"{self.name}: the spike times of '{sound.label}' must ascend and lie within"
                    f" the sound, 0 to {sound.duration_ms:g} ms"
                )

    def __repr__(self) -> str:
        spikes = sum(map(len, self.spike_times_ms))
        return (
            f"<recording '{self.name}': {counted(len(self.sounds), 'sound')};"
            f" {counted(spikes, 'spike')}>"
        )


_SEVERAL = {"set of responses": "sets of responses"}
