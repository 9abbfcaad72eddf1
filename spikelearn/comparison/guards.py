"""Mistakes that have cost published comparisons their conclusion, each caught with one sentence.

in training mode      `evaluation_mode` checks every layer while responses are computed
batch size, order     `check_alone`: an image shown alone must answer as it did among others
duplicated images     `check_images`
similarities          `check_dissimilarities` and `fixed_rdm`, in `rdms`
one subject unlike    `recording_notes`: stimuli in another order, a subject swapped with another,
                      or similarities that look like dissimilarities; told, not refused, because
                      noise can do it too
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from spikelearn._errors import SpikelearnError
from spikelearn.comparison.comparators import pooled_vectors
from spikelearn.comparison.intervals import bootstrap_spearman, stimulus_resamples
from spikelearn.comparison.name_order import by_names
from spikelearn.comparison.observed import observed_parts
from spikelearn.comparison.permutation import permutation_scores

if TYPE_CHECKING:
    import torch
    import xarray

    from spikelearn.recordings import ImageRecording, RecordedRDM

_TOLERANCE = 1e-3  # of a layer's largest activity; single precision sums differ by less
N_PERMUTATIONS = 500


@contextmanager
def evaluation_mode(*networks: torch.nn.Module) -> Iterator[None]:
    """Check that every layer is in evaluation mode, before, while and after it is used.

    Raises
    ------
    SpikelearnError
        Naming the first layer in training mode: there, batch statistics and dropout would be part
        of the responses.
    """
    handles = []

    def refuse_training(name: str) -> Callable[[torch.nn.Module, Any], None]:
        def hook(module: torch.nn.Module, _inputs: Any) -> None:
            if module.training:
                raise _training(name, module)

        return hook

    def check() -> None:
        for network in networks:
            for name, module in network.named_modules():
                if module.training:
                    raise _training(name, module)

    check()
    for network in networks:
        for name, module in network.named_modules():
            handles.append(module.register_forward_pre_hook(refuse_training(name)))
    try:
        yield
        check()
    finally:
        for handle in handles:
            handle.remove()


def check_alone(
    name: str,
    responses: Mapping[str, xarray.DataArray],
    show_alone: Callable[[int], Mapping[str, np.ndarray]],
    n_checked: int = 4,
    tolerance: float | None = None,
) -> None:
    """Check that images shown alone give the responses that they gave among others.

    Parameters
    ----------
    name : str
        Of the model, for the message.
    responses : mapping of layer to DataArray of shape (stimulus, unit)
    show_alone : callable
        Takes the number of a stimulus to the activity of each layer, arrays of shape (n_units,).
    n_checked : int
        How many stimuli, evenly spaced.
    tolerance : float, optional
        How far it may be off, of a layer's largest activity; that of single precision, if left out.

    Raises
    ------
    SpikelearnError
        If one differs: it then depends on the batch, or belongs to another stimulus.
    """
    n_stimuli = len(next(iter(responses.values())))
    tolerance = _TOLERANCE if tolerance is None else tolerance
    for index in np.unique(np.linspace(0, n_stimuli - 1, n_checked).round().astype(int)):
        for layer, values in show_alone(int(index)).items():
            response = responses[layer]
            rows = response.transpose("stimulus", ...).to_numpy().reshape(n_stimuli, -1)
            alone = np.asarray(values, dtype=np.float64).ravel()
            scale = max(np.abs(rows).max(initial=0.0), np.abs(alone).max(initial=0.0))
            error = np.abs(rows - alone).max(axis=1, initial=0.0)
            if error[index] <= tolerance * scale:
                continue
            label = response["stimulus"].values[index]
            other = int(error.argmin())
            if error[other] <= tolerance * scale:
                raise SpikelearnError(
                    f"the responses of '{name}' are shuffled: what stands for '{label}' in"
                    f" {layer} is not its response, which stands for"
                    f" '{response['stimulus'].values[other]}'; put the labels in the order of the"
                    " images"
                )
            raise SpikelearnError(
                f"the response of '{name}' to '{label}' in {layer} depends on which images are"
                f" shown with it (it differs by {error[index] / scale:.2g} of the largest"
                " activity when shown alone); the rule must use no batch statistics in evaluation"
            )


def check_images(images: np.ndarray, labels: Sequence[str]) -> None:
    """Refuse stimuli of which two are the same image or have the same label.

    Raises
    ------
    SpikelearnError
        Naming the two.
    """
    seen: dict[bytes, str] = {}
    for image, label in zip(np.asarray(images), labels, strict=True):
        content = np.ascontiguousarray(image).tobytes()
        if content in seen:
            raise SpikelearnError(
                f"the stimuli '{seen[content]}' and '{label}' are the same image; a duplicated"
                " image makes a dissimilarity of 0 that every model gets right, so leave one out"
            )
        seen[content] = str(label)
    doubled = [label for i, label in enumerate(labels) if label in labels[:i]]
    if doubled:
        raise SpikelearnError(f"two stimuli are labelled '{doubled[0]}'; give each its own label")


def recording_notes(recording: ImageRecording, seed: int = 0) -> list[str]:
    """What is odd about a recording's subjects, a sentence each; empty where nothing is.

    A subject whose RDM correlates negatively with the others' may hold similarities; one that is
    unrelated to them, while they are related to each other, may have its stimuli in another order
    (permutation of stimuli, p > 0.05 against p < 0.01). Subjects whose sessions fit each other's
    better than their own (in 97.5 % of resamples of the stimuli) may have been swapped.
    """
    parts = observed_parts(by_names(recording), "rdms")
    return [note for part in parts for note in _odd_subjects(part.recording, seed)]


def _odd_subjects(recording: ImageRecording, seed: int) -> list[str]:
    """The notes on regions of which all stimuli were observed in all subjects."""
    notes: list[str] = []
    for region in dict.fromkeys(r.region for r in recording.rdms):
        members = [r for r in recording.rdms if r.region == region]
        vectors: dict[str, np.ndarray] = {}
        for subject in dict.fromkeys(r.subject for r in members):
            of_subject = [r.dissimilarities for r in members if r.subject == subject]
            vectors[subject] = pooled_vectors(np.stack(of_subject), "spearman")
        notes += _unlike(recording, region, vectors, seed)
        notes += _swapped(recording, region, members, seed)
    return notes


def _unlike(
    recording: ImageRecording, region: str, vectors: Mapping[str, np.ndarray], seed: int
) -> list[str]:
    names = list(vectors)
    if len(names) < 3:
        return []
    with_others: dict[str, tuple[float, float, float]] = {}
    for name in names:
        others = pooled_vectors(np.stack([vectors[n] for n in names if n != name]), "spearman")
        one = vectors[name]
        score = _spearman(one, others)
        null = permutation_scores(one, others[None], N_PERMUTATIONS, seed, "spearman")[0]
        p, p_negative = float((null >= score).mean()), float((null <= score).mean())
        with_others[name] = (score, p, p_negative)
    related = [name for name, (_, p, _) in with_others.items() if p < 0.01]
    notes = []
    for name, (score, p, p_negative) in with_others.items():
        place = f"{recording.name}, {region}: the RDM of subject {name}"
        if p_negative < 0.01:
            notes.append(
                f"{place} correlates negatively with the other subjects' ({score:.2f}); if it"
                " holds similarities, turn it into dissimilarities"
            )
        elif p > 0.05 and len(related) >= 2:
            notes.append(
                f"{place} is unrelated to the other subjects' ({score:.2f}), which are related to"
                " each other; check that its stimuli are in the same order"
            )
    return notes


def _swapped(
    recording: ImageRecording, region: str, members: Sequence[RecordedRDM], seed: int
) -> list[str]:
    by_session: dict[str, dict[str, np.ndarray]] = {}
    for one in members:
        by_session.setdefault(one.session, {})[one.subject] = one.dissimilarities
    sessions = list(by_session)
    notes = []
    for i, first in enumerate(sessions):
        for second in sessions[i + 1 :]:
            subjects = [s for s in by_session[first] if s in by_session[second]]
            if len(subjects) < 2:
                continue
            counts = stimulus_resamples(recording.n_stimuli, 200, seed)
            scores = bootstrap_spearman(
                np.stack([by_session[first][s] for s in subjects]),
                np.stack([by_session[second][s] for s in subjects]),
                counts,
            )
            for a in range(len(subjects)):
                for b in range(a + 1, len(subjects)):
                    as_labelled = scores[a, a] + scores[b, b]
                    crossed = scores[a, b] + scores[b, a]
                    if (crossed > as_labelled).mean() > 0.975:
                        notes.append(
                            f"{recording.name}, {region}: session {second} of subject"
                            f" {subjects[a]} fits session {first} of {subjects[b]}, and the other"
                            " way round, better than their own; check that the two were not"
                            " swapped"
                        )
    return notes


def _spearman(a: np.ndarray, b: np.ndarray) -> float:
    from scipy.stats import spearmanr

    return float(spearmanr(a, b).statistic)


def _training(name: str, module: torch.nn.Module) -> SpikelearnError:
    return SpikelearnError(
        f"layer '{name or 'network'}' ({type(module).__name__}) is in training mode, in which"
        " responses depend on the batch and on chance; call network.eval() before computing them"
    )
