"""Recorded responses made ready for the methods that compare responses, not RDMs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from spikelearn._errors import SpikelearnError


@dataclass(frozen=True)
class Neural:
    """Responses of one subject's region: array of shape (n_stimuli, n_repeats, n_units)."""

    subject: str
    region: str
    repeats: np.ndarray

    @property
    def mean(self) -> np.ndarray:
        """Responses averaged over repeats, shape (n_stimuli, n_units)."""
        averaged: np.ndarray = self.repeats.mean(axis=1)
        return averaged

    @property
    def halves(self) -> tuple[np.ndarray, np.ndarray] | None:
        """Means over every other repeat; None where there is one repeat."""
        if self.repeats.shape[1] < 2:
            return None
        return self.repeats[:, ::2].mean(axis=1), self.repeats[:, 1::2].mean(axis=1)


def has_responses(recording: Any) -> bool:
    """Whether responses were published, not RDMs only."""
    return bool(getattr(recording, "responses", ()))


def neural_responses(recording: Any, method: str) -> list[Neural]:
    """The responses of every subject and region; sessions of one subject are repeats.

    Parameters
    ----------
    recording : recording with `responses`
        Each with `subject`, `region`, and `values`: an array or DataArray with the dimensions
        stimulus, unit and, optionally, repeat.
    method : str
        What needs them, for the message.

    Raises
    ------
    SpikelearnError
        If the recording has RDMs only, or responses that are not finite or do not fit its stimuli.
    """
    if not has_responses(recording):
        raise SpikelearnError(
            f"{recording.name} was published as RDMs, and {method} compares responses; choose the"
            " method rsa for it"
        )
    found: dict[tuple[str, str], list[np.ndarray]] = {}
    for response in recording.responses:
        values = _as_repeats(response)
        place = f"{recording.name}, {response.region}, subject {response.subject}"
        if len(values) != len(recording.labels):
            raise SpikelearnError(
                f"{place}: {len(values)} stimuli have responses, but {len(recording.labels)} were"
                " shown"
            )
        if not np.isfinite(values).all():
            raise SpikelearnError(f"{place}: the responses hold values that are not finite")
        found.setdefault((response.subject, response.region), []).append(values)
    return [
        Neural(subject, region, _joined(sessions)) for (subject, region), sessions in found.items()
    ]


def _as_repeats(response: Any) -> np.ndarray:
    values = response.values
    if hasattr(values, "dims"):
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


def _joined(sessions: Sequence[np.ndarray]) -> np.ndarray:
    if len({session.shape[2] for session in sessions}) > 1:
        # Other units in every session: units side by side, averaged over their repeats.
        return np.concatenate([s.mean(axis=1, keepdims=True) for s in sessions], axis=2)
    return np.concatenate(sessions, axis=1)
