"""Dissimilarity matrices of a study: of brains, baselines and networks, in one order of stimuli."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from spikelearn.plot.dissimilarities import Group, percentiles

if TYPE_CHECKING:
    import pandas as pd
    import xarray

    from spikelearn.recordings import ImageRecording

MOST_STIMULI = 1000  # of a matrix, whose size grows with the square
# Categories of a published recording that part its stimuli, and their names.
CATEGORIES = {
    "human": "human",
    "nonhumani": "animal",
    "natObj": "natural object",
    "artiObj": "artificial object",
}


def matrices_of_recording(recording: ImageRecording) -> dict[str, np.ndarray]:
    """Percentile ranks of the dissimilarities of each region, and of baselines of the images.

    A region's are the published ones of all subjects, or else the mean of its subjects' ranks.

    Parameters
    ----------
    recording : ImageRecording
    """
    from spikelearn.comparison import mean_luminance, pixels, rdm

    matrices = {
        region: percentiles(group.dissimilarities) for region, group in recording.groups.items()
    }
    of_subjects: dict[str, dict[str, list[np.ndarray]]] = {}
    for one in recording.rdms:
        if one.region not in matrices:
            by_subject = of_subjects.setdefault(one.region, {})
            by_subject.setdefault(one.subject, []).append(_ranks(one.dissimilarities))
    for region, sessions in of_subjects.items():
        subjects = [_mean(own) for own in sessions.values()]
        matrices[region] = percentiles(_mean(subjects).round(9))  # what is equal stays so
    for name, baseline in {"pixels": pixels, "mean luminance": mean_luminance}.items():
        response = baseline(recording.images, recording.labels)
        matrices[name] = percentiles(rdm(response).get_vectors()[0])
    return matrices


def _ranks(dissimilarities: np.ndarray) -> np.ndarray:
    """Percentile ranks of an upper triangle, as one."""
    from scipy.spatial.distance import squareform

    return np.asarray(squareform(percentiles(dissimilarities), checks=False))


def _mean(triangles: Sequence[np.ndarray]) -> np.ndarray:
    """The mean of what is known of each pair; NaN where nothing is."""
    stacked = np.array(triangles)
    known = np.isfinite(stacked).sum(axis=0)
    mean = np.nansum(stacked, axis=0) / np.maximum(known, 1)
    return np.asarray(np.where(known, mean, np.nan))


def matrix_of_network(responses: Mapping[str, xarray.DataArray]) -> tuple[str, np.ndarray]:
    """The last hidden layer of a network, or its only one, and its matrix of percentile ranks."""
    from spikelearn.comparison import rdm

    hidden = [layer for layer in responses if layer != "output"]
    last = (hidden or list(responses))[-1]
    return last, percentiles(rdm(responses[last]).get_vectors()[0])


def by_category(recording: ImageRecording) -> tuple[np.ndarray, list[Group]]:
    """An order of the stimuli in which categories stand together, and where each of them is.

    The recording's own order where they do already, or overlap; within a category its own too.

    Parameters
    ----------
    recording : ImageRecording
    """
    known = {key: name for key, name in CATEGORIES.items() if key in recording.categories}
    if not known:  # a user's own recording
        known = {name: name for name in recording.kinds or recording.categories}
    members = {key: np.asarray(recording.categories[key], dtype=bool) for key in known}
    members = {key: own for key, own in members.items() if own.any()}
    order = np.arange(recording.n_stimuli)
    disjoint = not members or np.sum(list(members.values()), axis=0).max() <= 1
    if disjoint and not all(_together(own) for own in members.values()):
        place = np.full(recording.n_stimuli, len(members))
        for k, own in enumerate(members.values()):
            place[own] = k
        order = np.argsort(place, kind="stable")
    groups: list[Group] = []
    for key, own in members.items():
        at = np.flatnonzero(own[order])
        if _together(own[order]):
            groups.append((int(at[0]), int(at[-1]) + 1, known[key]))
    return order, sorted(groups)


def _together(members: np.ndarray) -> bool:
    at = np.flatnonzero(members)
    return bool(at[-1] - at[0] + 1 == len(at))


def matrices_table(matrices: Mapping[str, np.ndarray], stimuli: Sequence[str]) -> pd.DataFrame:
    """A row for each pair of stimuli: their labels, and a column of percentiles for each matrix.

    Parameters
    ----------
    matrices : mapping of str to array of shape (n_stimuli, n_stimuli)
    stimuli : sequence of str
        Labels in the order of the matrices.
    """
    import pandas as pd

    one, other = np.triu_indices(len(stimuli), 1)
    labels = np.array(stimuli, dtype=object)
    pairs = {"stimulus_a": labels[one], "stimulus_b": labels[other]}
    return pd.DataFrame(pairs | {name: matrix[one, other] for name, matrix in matrices.items()})
