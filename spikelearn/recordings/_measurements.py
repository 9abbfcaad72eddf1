"""What was recorded: an RDM, responses, or RDMs over time, of one region of one subject."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from spikelearn._counts import counted
from spikelearn._errors import SpikelearnError
from spikelearn._names import are_numbers, is_sorted, order_of_names, repeated
from spikelearn._same_content import ComparedByContent
from spikelearn.recordings.repeats import means_of_repeats

if TYPE_CHECKING:
    import xarray


@dataclass(frozen=True, eq=False, repr=False)
class RecordedRDM(ComparedByContent):
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
        Upper triangle, row after row: the order of `scipy.spatial.distance.squareform`. NaN where
        two stimuli have none: one was not observed, or its pattern is the same in all units.
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
        if np.isinf(values).any():
            raise SpikelearnError(
                f"the RDM of {self.region}, subject {self.subject}, holds values that are not"
                " finite, infinite ones; a pair without a dissimilarity is NaN"
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


@dataclass(frozen=True, eq=False, repr=False)
class RecordedResponses(ComparedByContent):
    """Responses of the units (voxels, neurons, sites) of one region of one subject.

    Parameters
    ----------
    subject, region, session : str
        As in `RecordedRDM`.
    values : array of shape (n_stimuli, n_repeats, n_units)
        NaN where a repeat is missing, or a unit was never observed under a stimulus; comparisons
        are then over the other stimuli, see `spikelearn.comparison.observed`.
    unit : str
        What a response is, as in "spikes/s from 70 to 170 ms".
    unit_names : tuple of str
        One for each unit; their numbers if absent.
    numbered : bool
        Whether units are only numbered in their file, so that the same number means another unit in
        another session; so if the names are absent, or the numbers from 0 or 1 on.
    """

    subject: str
    region: str
    session: str
    values: np.ndarray
    unit: str
    unit_names: tuple[str, ...] = ()
    numbered: bool = False

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
        if are_numbers(self.unit_names):
            object.__setattr__(self, "numbered", True)
        if len(self.unit_names) != values.shape[2]:
            raise SpikelearnError(
                f"{who} are of {counted(values.shape[2], 'unit')}, but {len(self.unit_names)} are"
                " named"
            )
        twice = repeated(self.unit_names)
        if twice is not None:
            raise SpikelearnError(f"{who} are of two units that are called '{twice}'")
        if np.isinf(values).any():
            raise SpikelearnError(f"{who} hold values that are infinite")

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
        """Mean over the repeats there are, array of shape (n_stimuli, n_units).

        Where repeats are missing, the baselines of the others are removed first, see
        `spikelearn.recordings.repeats`.
        """
        return means_of_repeats(self.values)

    def in_order_of_names(self) -> RecordedResponses:
        """The same responses, units sorted by their names."""
        order = order_of_names(self.unit_names)
        if is_sorted(order):
            return self
        names = tuple(self.unit_names[i] for i in order)
        return replace(self, values=self.values[:, :, order], unit_names=names)

    @property
    def flat_stimuli(self) -> np.ndarray:
        """Whether all units respond alike to each stimulus, bool array of shape (n_stimuli,).

        Such a pattern correlates with none: an RDM has NaN for it.
        """
        flat: np.ndarray = np.ptp(self.mean, axis=1) == 0
        return flat

    def rdm(self) -> RecordedRDM:
        """1 - Pearson r over the units between mean responses to each two stimuli.

        NaN with a stimulus that was not observed, or to which all units respond alike.

        Raises
        ------
        SpikelearnError
            If there are fewer than 2 units.
        """
        if self.n_units < 2:
            raise SpikelearnError(
                f"a correlation needs at least 2 units, but {self.region}, subject {self.subject},"
                f" has {self.n_units}"
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


@dataclass(frozen=True, eq=False, repr=False)
class RecordedTimecourse(ComparedByContent):
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
        """1 - Pearson r at each time of mean responses.

        Parameters
        ----------
        subject, region, session, time_ms
            As of the class.
        means : array of shape (n_times, n_stimuli, n_units)
            Responses averaged over repeats.
        """
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
