"""Recorded responses made ready for the methods that compare responses, not RDMs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from spikelearn._errors import SpikelearnError
from spikelearn._names import are_counted, are_numbers, is_sorted, order_of_names
from spikelearn.recordings.gaps import observed_stimuli, some_of
from spikelearn.recordings.repeats import (
    halves_of_repeats,
    means_of_repeats,
    noise_of_means,
    without_baselines,
)
from spikelearn.recordings.sessions import joined_sessions


@dataclass(frozen=True)
class NeuralResponses:
    """Responses of one subject's region: array of shape (n_stimuli, n_repeats, n_units).

    NaN where a repeat is missing, and where a stimulus was not observed. Units are in the order of
    their names; numbered, if none are given.
    """

    subject: str
    region: str
    repeats: np.ndarray
    unit_names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.unit_names:
            numbers = tuple(str(number) for number in range(self.repeats.shape[2]))
            object.__setattr__(self, "unit_names", numbers)

    @cached_property
    def mean(self) -> np.ndarray:
        """Responses averaged over the repeats there are, shape (n_stimuli, n_units).

        Where repeats are missing, the baselines of the others are removed first.
        """
        return means_of_repeats(self.repeats)

    @cached_property
    def observed(self) -> np.ndarray:
        """The stimuli to which every unit has a response, bool array of shape (n_stimuli,)."""
        return observed_stimuli(self.repeats)

    @property
    def complete(self) -> np.ndarray:
        """As many repeats as every unit has to every stimulus, without NaN."""
        if not np.isnan(self.repeats).any():
            return self.repeats
        adjusted = without_baselines(self.repeats)
        missing = np.isnan(adjusted)
        order = np.argsort(missing, axis=1, kind="stable")
        n_complete = int((~missing).sum(axis=1).min())
        complete: np.ndarray = np.take_along_axis(adjusted, order, axis=1)[:, :n_complete]
        return complete

    @cached_property
    def halves(self) -> tuple[np.ndarray, np.ndarray] | None:
        """Means over every other repeat; None where a unit has no two of any stimulus."""
        if np.isnan(noise_of_means(self.repeats)).any():
            return None
        return halves_of_repeats(self.repeats)


def has_responses(recording: Any) -> bool:
    """Whether responses were published, not RDMs only."""
    return bool(getattr(recording, "responses", ()))


def neural_responses(recording: Any, method: str) -> list[NeuralResponses]:
    """The responses of every subject and region.

    Units of the same name in several sessions of a subject are the same unit, and its sessions are
    repeats; others stand side by side (see `spikelearn.recordings.sessions`).

    Parameters
    ----------
    recording : recording with `responses`
        Each with `subject`, `region`, and `values`: an array or DataArray with the dimensions
        stimulus, unit and, optionally, repeat; and, where it has them, `session` and `unit_names`.
    method : str
        What needs them, for the message.

    Returns
    -------
    list of NeuralResponses
        Whole, with NaN for what was not observed; `spikelearn.comparison.observed` says over which
        stimuli they are compared.

    Raises
    ------
    SpikelearnError
        If the recording has RDMs only, or responses that are infinite or do not fit its stimuli, or
        a unit that was never observed.
    """
    if not has_responses(recording):
        raise SpikelearnError(
            f"{recording.name} was published as RDMs, and {method} compares responses; choose the"
            " method rsa for it"
        )
    by_place: dict[tuple[str, str], list[tuple[np.ndarray, Sequence[str], str, bool]]] = {}
    for response in recording.responses:
        place = f"{recording.name}, {response.region}, subject {response.subject}"
        values = _as_repeats(response, recording.labels, place)
        if len(values) != len(recording.labels):
            raise SpikelearnError(
                f"{place}: {len(values)} stimuli have responses, but {len(recording.labels)} were"
                " shown"
            )
        if np.isinf(values).any():
            raise SpikelearnError(
                f"{place}: the responses hold values that are not finite, infinite ones; what was"
                " not observed is NaN"
            )
        names = getattr(response, "unit_names", ()) or _named_along(response.values, "unit")
        names = [str(name) for name in names or range(values.shape[2])]
        numbered = bool(getattr(response, "numbered", False)) or are_numbers(names)
        its = values, names, str(getattr(response, "session", "")), numbered
        by_place.setdefault((response.subject, response.region), []).append(its)
    joined = []
    for (subject, region), sessions in by_place.items():
        repeats, unit_names = joined_sessions(*zip(*sessions, strict=True))
        order = order_of_names(unit_names)
        if not is_sorted(order):
            repeats, unit_names = repeats[:, :, order], tuple(unit_names[i] for i in order)
        dead = np.isnan(repeats).all(axis=(0, 1))
        if dead.any():
            names = some_of([name for name, is_ in zip(unit_names, dead, strict=True) if is_])
            raise SpikelearnError(
                f"{recording.name}, {region}, subject {subject}: {dead.sum()} of {dead.size} units"
                f" were observed under no stimulus ({names}); leave them out"
            )
        joined.append(NeuralResponses(subject, region, repeats, unit_names))
    return joined


def _named_along(values: Any, dim: str) -> list[str]:
    """The names of a labelled array along a dimension; none of others, or where it has none."""
    if not hasattr(values, "dims") or dim not in values.dims or dim not in values.coords:
        return []
    return [str(name) for name in values[dim].to_numpy()]


def _as_repeats(response: Any, labels: Sequence[str], place: str) -> np.ndarray:
    values = response.values
    if hasattr(values, "dims"):
        named = _named_along(values, "stimulus")
        labels = [str(label) for label in labels]
        # Numbers in order only count the stimuli, unless these are called so.
        if named and (set(named) == set(labels) or not are_counted(named)):
            if len(set(named)) < len(named) or set(named) != set(labels):
                raise SpikelearnError(f"{place}: responses are named after other stimuli")
            values = values.isel(stimulus=[named.index(label) for label in labels])
        order = [d for d in ("stimulus", "repeat") if d in values.dims]
        n_leading = len(order)
        values = values.transpose(*order, ...).to_numpy()
    else:
        values = np.asarray(values)
        n_leading = min(values.ndim - 1, 2)
    values = values.astype(np.float64, copy=False)
    if n_leading == 1:
        return values.reshape(len(values), 1, -1)
    return values.reshape(*values.shape[:2], -1)
