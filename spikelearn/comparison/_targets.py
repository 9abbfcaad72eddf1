"""What a model is compared with: the RDMs of subjects and groups in a recording."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from spikelearn._errors import SpikelearnError
from spikelearn.comparison.noise_ceiling import noise_ceiling

if TYPE_CHECKING:
    from spikelearn.recordings import ImageRecording


@dataclass(frozen=True)
class Target:
    """One row of a comparison. Its score is the mean over the RDMs numbered `rdms`."""

    region: str
    subject: str
    rdms: tuple[int, ...]


def subject_rdms(recording: ImageRecording, region: str) -> tuple[tuple[str, ...], np.ndarray]:
    """One RDM for each subject: the sessions' RDMs, each rank-transformed, averaged.

    Ranks, because dissimilarities of different sessions differ in scale with the noise, and
    because the comparison is one of ranks.

    Returns
    -------
    names : tuple of str
        The subjects.
    vectors : array of shape (n_subjects, n_pairs)
        Upper triangles of average ranks.

    Raises
    ------
    SpikelearnError
        If no subject's RDM of that region was recorded.
    """
    from scipy.stats import rankdata

    sessions: dict[str, list[np.ndarray]] = {}
    for recorded in recording.rdms:
        if recorded.region == region:
            sessions.setdefault(recorded.subject, []).append(rankdata(recorded.dissimilarities))
    if not sessions:
        known = ", ".join(dict.fromkeys(r.region for r in recording.rdms)) or "none"
        raise SpikelearnError(
            f"{recording.name} has no RDM by subject of '{region}'; regions with one are: {known}"
        )
    return tuple(sessions), np.stack([np.mean(ranks, axis=0) for ranks in sessions.values()])


def targets(recording: ImageRecording) -> tuple[list[Target], np.ndarray]:
    """All targets, region by region: every subject, "mean" over subjects, "group".

    Returns
    -------
    list of Target
    vectors : array of shape (n_rdms, n_pairs)
        The RDMs that the targets number, as upper triangles.
    """
    found: list[Target] = []
    vectors: list[np.ndarray] = []
    by_subject = dict.fromkeys(recorded.region for recorded in recording.rdms)
    for region in dict.fromkeys((*by_subject, *recording.groups)):
        if region in by_subject:
            names, rdms = subject_rdms(recording, region)
            numbers = tuple(range(len(vectors), len(vectors) + len(names)))
            found += [Target(region, name, (i,)) for name, i in zip(names, numbers, strict=True)]
            found.append(Target(region, "mean", numbers))
            vectors += list(rdms)
        if region in recording.groups:
            found.append(Target(region, "group", (len(vectors),)))
            vectors.append(recording.groups[region].dissimilarities)
    if not vectors:
        raise SpikelearnError(f"{recording.name} has no RDM to compare with")
    return found, np.stack(vectors)


def target_ceilings(found: list[Target], vectors: np.ndarray) -> list[tuple[float, float]]:
    """Lower and upper noise ceiling of each target; NaN for "group", which is a single RDM."""
    ceilings: dict[tuple[str, str], tuple[float, float]] = {}
    for mean in found:
        if mean.subject != "mean":
            continue
        ceiling = noise_ceiling(vectors[list(mean.rdms)])
        ceilings[mean.region, "mean"] = (ceiling.lower, ceiling.upper)
        members = [t for t in found if len(t.rdms) == 1 and t.rdms[0] in mean.rdms]
        for i, member in enumerate(members):
            bounds = (float(ceiling.lower_by_subject[i]), float(ceiling.upper_by_subject[i]))
            ceilings.setdefault((member.region, member.subject), bounds)
    return [ceilings.get((t.region, t.subject), (np.nan, np.nan)) for t in found]
