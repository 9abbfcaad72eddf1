"""Model responses made ready for RSA: matched to the recording's stimuli, as RDMs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from spikelearn._errors import SpikelearnError
from spikelearn.comparison._dissimilarities import constant_patterns
from spikelearn.comparison._rdm import pattern_matrix, rdm, stimulus_labels

if TYPE_CHECKING:
    import xarray

    from spikelearn.recordings import ImageRecording

Key = str | tuple[str, str]
SEPARATOR = " · "

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
            return f"no score: {valid.sum()} of {valid.size} stimuli left"
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

    `dissimilarity` is the method of `rdm` for responses that do not ask for one themselves.

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
        flags.append(_count(n_silent, "silent"))
    if n_constant > n_silent:
        flags.append(_count(n_constant - n_silent, "constant"))
    return ModelRDM(model, layer, vector, valid, "; ".join(flags))


def split_key(key: Key) -> tuple[str, str]:
    """Model and layer of a key: a pair, or "model · layer"."""
    if isinstance(key, tuple):
        model, layer = key
        return model, layer
    model, _, layer = key.partition(SEPARATOR)
    return model, layer


def pair_mask(valid: np.ndarray) -> np.ndarray:
    """Which pairs (upper triangle) are of two valid stimuli."""
    first, second = np.triu_indices(len(valid), k=1)
    mask: np.ndarray = valid[first] & valid[second]
    return mask


def matched_response(
    key: Key, response: xarray.DataArray, wanted: Sequence[str], recording: str
) -> xarray.DataArray:
    """The response to the stimuli `wanted` of a recording, in their order.

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
    return response if order == list(range(len(labels))) else response.isel(stimulus=order)


def _count(number: int, what: str) -> str:
    return f"{number} {what} {'stimulus' if number == 1 else 'stimuli'}"
