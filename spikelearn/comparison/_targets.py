"""What a model is compared with: the RDMs of subjects and groups in a recording."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from spikelearn._errors import SpikelearnError
from spikelearn.comparison._comparators import RANKS, pooled_vectors
from spikelearn.comparison._models import pair_mask
from spikelearn.comparison.noise_ceiling import noise_ceiling, repeat_ceiling

if TYPE_CHECKING:
    import xarray

    from spikelearn.recordings import ImageRecording, RecordedRDM

CEILINGS = ("subjects", "repeats")


@dataclass(frozen=True)
class Target:
    """One row of a comparison. Its score is the mean over the RDMs numbered `rdms`."""

    region: str
    subject: str
    rdms: tuple[int, ...]


@dataclass(frozen=True)
class Targets:
    """All rows, and the RDMs that they number, array of shape (n_rdms, n_pairs).

    `sessions` holds the RDMs of each subject's sessions, for ceilings over repeats.
    """

    rows: list[Target]
    vectors: np.ndarray
    sessions: dict[tuple[str, str], np.ndarray]
    comparator: str

    def mean(self, by_rdm: np.ndarray) -> np.ndarray:
        """Means over the RDMs of each row: (n_models, n_rdms, ...) to (n_models, n_rows, ...)."""
        return np.stack([by_rdm[:, list(row.rdms)].mean(axis=1) for row in self.rows], axis=1)

    def ceilings(self, valid: np.ndarray, kind: str = "subjects") -> list[tuple[float, float]]:
        """Lower and upper noise ceiling of each row over the stimuli `valid`.

        NaN where there is none: for "group", which is a single RDM, for one.
        """
        pairs = pair_mask(valid)
        if kind not in CEILINGS:
            raise SpikelearnError(
                f"noise ceilings are made over {' or '.join(CEILINGS)}, not '{kind}'"
            )
        if kind == "repeats":
            return self._over_repeats(pairs)
        found: dict[tuple[str, str], tuple[float, float]] = {}
        for mean in self.rows:
            if mean.subject != "mean":
                continue
            ceiling = noise_ceiling(self.vectors[list(mean.rdms)][:, pairs], self.comparator)
            found[mean.region, "mean"] = (ceiling.lower, ceiling.upper)
            members = [
                t
                for t in self.rows
                if t.subject != "mean" and len(t.rdms) == 1 and t.rdms[0] in mean.rdms
            ]
            for member in members:
                i = mean.rdms.index(member.rdms[0])
                bounds = (float(ceiling.lower_by_subject[i]), float(ceiling.upper_by_subject[i]))
                found.setdefault((member.region, member.subject), bounds)
        return [found.get((t.region, t.subject), (np.nan, np.nan)) for t in self.rows]

    def _over_repeats(self, pairs: np.ndarray) -> list[tuple[float, float]]:
        found = {
            key: repeat_ceiling(vectors[:, pairs], self.comparator)
            for key, vectors in self.sessions.items()
        }
        for mean in self.rows:
            if mean.subject == "mean":
                members = [found[key] for key in found if key[0] == mean.region]
                low, high = np.mean(members, axis=0)
                found[mean.region, "mean"] = (float(low), float(high))
        return [found.get((t.region, t.subject), (np.nan, np.nan)) for t in self.rows]


def recorded_rdms(recording: ImageRecording, method: str | None) -> Sequence[RecordedRDM]:
    """The RDMs by subject and session; made of the responses by a method of `rdm`, if one is given.

    Raises
    ------
    SpikelearnError
        If a method is given and the recording has RDMs only, or the method needs repeats that it
        has not.
    """
    if method is None:
        return recording.rdms
    from spikelearn.comparison._neural import neural_responses
    from spikelearn.comparison._rdm import dissimilarities
    from spikelearn.recordings import RecordedRDM

    found = []
    for one in neural_responses(recording, f"a recorded RDM by {method}"):
        repeats = xarray_of(one.complete, recording.labels)
        vector = dissimilarities(repeats, method)
        found.append(RecordedRDM(one.subject, one.region, "", vector, method))
    return found


def xarray_of(repeats: np.ndarray, labels: Sequence[str]) -> xarray.DataArray:
    """Repeats, array of shape (n_stimuli, n_repeats, n_units), as a response."""
    import xarray

    return xarray.DataArray(
        repeats, dims=("stimulus", "repeat", "unit"), coords={"stimulus": list(labels)}
    )


def session_vectors(
    recording: ImageRecording, region: str, rdms: Sequence[RecordedRDM] | None = None
) -> dict[str, np.ndarray]:
    """The RDMs of each subject's sessions, arrays of shape (n_sessions, n_pairs) by subject.

    Raises
    ------
    SpikelearnError
        If no subject's RDM of that region was recorded.
    """
    sessions: dict[str, list[np.ndarray]] = {}
    rdms = recording.rdms if rdms is None else rdms
    for recorded in rdms:
        if recorded.region == region:
            sessions.setdefault(recorded.subject, []).append(recorded.dissimilarities)
    if not sessions:
        known = ", ".join(dict.fromkeys(r.region for r in rdms)) or "none"
        raise SpikelearnError(
            f"{recording.name} has no RDM by subject of '{region}'; regions with one are: {known}"
        )
    return {subject: np.stack(vectors) for subject, vectors in sessions.items()}


def subject_rdms(
    recording: ImageRecording,
    region: str,
    comparator: str = "spearman",
    rdms: Sequence[RecordedRDM] | None = None,
) -> tuple[tuple[str, ...], np.ndarray]:
    """One RDM for each subject: the pool of its sessions, the best one for the comparator.

    For rank correlations that is the average of the sessions' ranks, because dissimilarities of
    different sessions differ in scale with the noise.

    Returns
    -------
    names : tuple of str
        The subjects.
    vectors : array of shape (n_subjects, n_pairs)
        Upper triangles; average ranks for rank correlations.

    Raises
    ------
    SpikelearnError
        If no subject's RDM of that region was recorded.
    """
    sessions = session_vectors(recording, region, rdms)
    # Ranks also of a single session, so that they mean the same for every subject.
    pooled = [
        vectors[0]
        if len(vectors) == 1 and comparator not in RANKS
        else pooled_vectors(vectors, comparator)
        for vectors in sessions.values()
    ]
    return tuple(sessions), np.stack(pooled)


def targets(
    recording: ImageRecording, comparator: str = "spearman", recorded: str | None = None
) -> Targets:
    """All targets, region by region: every subject, "mean" over subjects, "group".

    `recorded` is as for `recorded_rdms`.

    Raises
    ------
    SpikelearnError
        If the recording has no RDM.
    """
    from spikelearn.comparison.guards import check_dissimilarities

    by_session = recorded_rdms(recording, recorded)
    for one in (*by_session, *recording.groups.values()):
        check_dissimilarities(one)
    rows: list[Target] = []
    vectors: list[np.ndarray] = []
    sessions: dict[tuple[str, str], np.ndarray] = {}
    by_subject = dict.fromkeys(one.region for one in by_session)
    for region in dict.fromkeys((*by_subject, *recording.groups)):
        if region in by_subject:
            names, rdms = subject_rdms(recording, region, comparator, by_session)
            numbers = tuple(range(len(vectors), len(vectors) + len(names)))
            rows += [Target(region, name, (i,)) for name, i in zip(names, numbers, strict=True)]
            rows.append(Target(region, "mean", numbers))
            vectors += list(rdms)
            for name, of_subject in session_vectors(recording, region, by_session).items():
                sessions[region, name] = of_subject
        if region in recording.groups:
            rows.append(Target(region, "group", (len(vectors),)))
            vectors.append(recording.groups[region].dissimilarities)
    if not vectors:
        raise SpikelearnError(f"{recording.name} has no RDM to compare with")
    return Targets(rows, np.stack(vectors), sessions, comparator)
