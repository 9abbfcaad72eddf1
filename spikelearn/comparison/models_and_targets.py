"""The two sides of RSA: RDMs of models, and the recorded RDMs that they are compared with.

Models are matched to the recording's stimuli by labels. Targets are the RDMs of subjects, their
means, and groups.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from spikelearn._counts import counted
from spikelearn._errors import SpikelearnError
from spikelearn.comparison.comparators import (
    RANKS,
    noise_ceiling,
    pooled_vectors,
    repeat_ceiling,
)
from spikelearn.comparison.name_order import with_sorted_units
from spikelearn.comparison.neural_responses import neural_responses
from spikelearn.comparison.rdms import (
    check_dissimilarities,
    constant_patterns,
    dissimilarities,
    pattern_matrix,
    rdm,
    stimulus_labels,
)

if TYPE_CHECKING:
    import xarray

    from spikelearn.recordings import ImageRecording, RecordedRDM

Key = str | tuple[str, str]
SEPARATOR = " · "
CEILINGS = ("subjects", "repeats")
# Methods that compare RDMs, and so need no recorded responses.
PARTIAL_RSA = "partial_rsa"
OF_RDMS = ("rsa", PARTIAL_RSA)

# Fewer make at most three pairs, no basis for a rank correlation.
MIN_STIMULI = 4


@dataclass(frozen=True)
class ModelRDM:
    """A model's RDM over the recording's stimuli.

    `vector` is its upper triangle, NaN in pairs with a stimulus that is not `valid`: one whose
    pattern has no dissimilarity from others. `flag` says how many there are.
    """

    model: str
    layer: str
    vector: np.ndarray
    valid: np.ndarray
    flag: str

    def problem(self, valid: np.ndarray) -> str:
        """Why there is no score over the stimuli `valid`; empty where there is one."""
        if valid.sum() < MIN_STIMULI:
            return f"no score: {valid.sum()} of {counted(valid.size, 'stimulus', 'stimuli')} left"
        if np.ptp(self.vector[pair_mask(valid)]) == 0:
            return "no score: all dissimilarities equal"
        return ""


def model_rdm(
    key: Key,
    response: xarray.DataArray,
    recording: ImageRecording,
    dissimilarity: str | None = None,
) -> ModelRDM:
    """The model's RDM, its stimuli put in the recording's order by their labels.

    Parameters
    ----------
    key : (model, layer) or "model · layer"
    response : DataArray with a dimension "stimulus"
    recording : ImageRecording
        Whose stimuli are wanted.
    dissimilarity : str, optional
        Method of `rdm` for responses that do not ask for one themselves; correlation, if left out.

    Raises
    ------
    SpikelearnError
        If the response lacks a stimulus of the recording, or has it twice.
    """
    model, layer = split_key(key)
    matched = matched_response(key, response, recording.labels, recording.name)
    method = response.attrs.get("rdm_method", dissimilarity or "correlation")
    vector = rdm(matched, method).get_vectors()[0]
    patterns = pattern_matrix(matched)
    n_silent = int((patterns == 0).all(axis=1).sum())
    # Whether a pattern has dissimilarities depends on the method, so ask the RDM.
    valid = np.ones(len(patterns), dtype=bool)
    if np.isnan(vector).any():
        valid = ~constant_patterns(patterns)
    n_constant = int((~valid).sum())
    flags = []
    if n_constant and n_silent:
        flags.append(counted(n_silent, "silent stimulus", "silent stimuli"))
    if n_constant > n_silent:
        flags.append(counted(n_constant - n_silent, "constant stimulus", "constant stimuli"))
    return ModelRDM(model, layer, vector, valid, "; ".join(flags))


def split_key(key: Key) -> tuple[str, str]:
    """Model and layer of a key: a pair, or "model · layer"."""
    if isinstance(key, tuple):
        model, layer = key
        return model, layer
    model, _, layer = key.partition(SEPARATOR)
    return model, layer


def distinct_names(models: Mapping[Any, Any]) -> None:
    """Refuse two keys that mean one model, such as ("net", "hidden") and "net · hidden".

    Raises
    ------
    SpikelearnError
    """
    for name, number in Counter(split_key(key) for key in models).items():
        if number > 1:
            raise SpikelearnError(
                f"two models are called '{SEPARATOR.join(filter(None, name))}'; give each a name of"
                " its own"
            )


def instances(key: Key, given: Any) -> list[xarray.DataArray]:
    """The responses of a model: one, or those of its instances.

    Raises
    ------
    SpikelearnError
        If there is none.
    """
    import xarray

    several = [given] if isinstance(given, xarray.DataArray) else list(given)
    if not several:
        raise SpikelearnError(f"the model {key!r} has no instance; give at least one response")
    return several


def pair_mask(valid: np.ndarray) -> np.ndarray:
    """Which pairs (upper triangle) are of two valid stimuli."""
    first, second = np.triu_indices(len(valid), k=1)
    mask: np.ndarray = valid[first] & valid[second]
    return mask


def matched_response(
    key: Key, response: xarray.DataArray, wanted: Sequence[str], recording: str
) -> xarray.DataArray:
    """The response to the stimuli of a recording, in their order; units by their names.

    Parameters
    ----------
    key : (model, layer) or "model · layer"
        Whose response, for the message.
    response : DataArray with a dimension "stimulus"
    wanted : sequence of str
        Labels of the stimuli.
    recording : str
        Name of the recording, for the message.

    Raises
    ------
    SpikelearnError
        If it lacks one of them, or has it twice.
    """
    name = SEPARATOR.join(filter(None, split_key(key)))
    labels = stimulus_labels(response)
    place = {label: i for i, label in enumerate(labels)}
    missing = [label for label in wanted if label not in place]
    if missing:
        raise SpikelearnError(
            f"the response of '{name}' lacks {len(missing)} of the {len(wanted)} stimuli"
            f" of {recording}, first '{missing[0]}'; its stimuli must be labelled as the"
            " recording's"
        )
    if len(place) < len(labels):
        raise SpikelearnError(
            f"the response of '{name}' has a stimulus twice; average its trials first"
        )
    order = [place[label] for label in wanted]
    if response.attrs.get("rdm_method") == "given":  # a matrix of stimuli by stimuli
        response = response.isel(unit=order)
    else:
        response = with_sorted_units(response)
    return response if order == list(range(len(labels))) else response.isel(stimulus=order)


@dataclass(frozen=True)
class Target:
    """One row of a comparison. Its score is the mean over what is numbered `rdms`.

    `level` is one of `spikelearn.comparison.tables.LEVELS`; `subject` is empty in means and
    groups.
    """

    region: str
    subject: str
    level: str
    rdms: tuple[int, ...]

    @property
    def columns(self) -> dict[str, object]:
        """The columns of a table that say with whom it was compared."""
        return {"region": self.region, "subject": self.subject, "level": self.level}


@dataclass(frozen=True)
class Targets:
    """All rows, and the RDMs that they number, array of shape (n_rdms, n_pairs).

    `sessions` holds the RDMs of each subject's sessions, for ceilings over repeats.
    """

    rows: list[Target]
    vectors: np.ndarray
    sessions: dict[tuple[str, str], np.ndarray]
    comparator: str

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
        bounds: dict[Target, tuple[float, float]] = {}
        for mean in self.rows:
            if mean.level != "mean":
                continue
            ceiling = noise_ceiling(self.vectors[list(mean.rdms)][:, pairs], self.comparator)
            bounds[mean] = ceiling.lower, ceiling.upper
            by_subject = zip(ceiling.lower_by_subject, ceiling.upper_by_subject, strict=True)
            of_rdm = dict(zip(mean.rdms, by_subject, strict=True))
            for member in self.rows:
                if member.level == "subject" and member.rdms[0] in of_rdm:
                    low, high = of_rdm[member.rdms[0]]
                    bounds[member] = float(low), float(high)
        return [bounds.get(target, (np.nan, np.nan)) for target in self.rows]

    def _over_repeats(self, pairs: np.ndarray) -> list[tuple[float, float]]:
        by_subject = {
            key: repeat_ceiling(vectors[:, pairs], self.comparator)
            for key, vectors in self.sessions.items()
        }
        bounds = []
        for target in self.rows:
            low, high = np.nan, np.nan
            if target.level == "subject":
                low, high = by_subject[target.region, target.subject]
            elif target.level == "mean":
                members = [by_subject[key] for key in by_subject if key[0] == target.region]
                low, high = np.mean(members, axis=0)
            bounds.append((float(low), float(high)))
        return bounds


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
    from spikelearn.recordings import RecordedRDM

    rdms = []
    for one in neural_responses(recording, f"a recorded RDM by {method}"):
        repeats = xarray_of(one.complete, recording.labels)
        vector = dissimilarities(repeats, method)
        rdms.append(RecordedRDM(one.subject, one.region, "", vector, method))
    return rdms


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

    Parameters
    ----------
    recording : ImageRecording
    region : str
        As in "human IT".
    rdms : sequence of RecordedRDM, optional
        Made of the recording's responses; its own RDMs, if left out.

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

    Parameters
    ----------
    recording, region, rdms
        As in `session_vectors`.
    comparator : str
        One of `COMPARATORS`.

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

    Parameters
    ----------
    recording : ImageRecording
    comparator : str
        One of `COMPARATORS`; it decides how sessions are pooled.
    recorded : str, optional
        Method of `rdm` by which recorded RDMs are made of responses; the recording's own RDMs, if
        left out.

    Raises
    ------
    SpikelearnError
        If the recording has no RDM.
    """
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
            rows += [
                Target(region, name, "subject", (i,))
                for name, i in zip(names, numbers, strict=True)
            ]
            rows.append(Target(region, "", "mean", numbers))
            vectors += list(rdms)
            for name, of_subject in session_vectors(recording, region, by_session).items():
                sessions[region, name] = of_subject
        if region in recording.groups:
            rows.append(Target(region, "", "group", (len(vectors),)))
            vectors.append(recording.groups[region].dissimilarities)
    if not vectors:
        raise SpikelearnError(without_rdms(recording))
    return Targets(rows, np.stack(vectors), sessions, comparator)


def without_rdms(recording: Any) -> str:
    """Why RSA cannot be made with a recording that has no RDMs, in a sentence."""
    said = f"{recording.name} has no RDM to compare with"
    if not getattr(recording, "responses", ()):
        return said
    return (
        f"{said}, for of {len(recording.labels)} stimuli none is made; choose a method that"
        " compares responses, such as encoding or cka"
    )
