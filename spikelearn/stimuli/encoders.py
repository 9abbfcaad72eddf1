"""Encoders: from intensities in [0, 1] to spike trains on the simulation grid.

`rate`
    In each time step a source fires with probability `intensity * max_rate_hz * dt`, independently
    (a Bernoulli process, the grid form of a Poisson process; the mean rate is exact).
`latency`
    Each source fires once, the earlier the brighter: at `duration_ms * (1 - intensity)`. Sources
    below `threshold` stay silent. Thorpe, Delorme & Van Rullen 2001,
    doi:10.1016/S0893-6080(01)00083-1.
"""

from __future__ import annotations

import math
from typing import Annotated, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from spikelearn._errors import SpikelearnError
from spikelearn._spike_arrays import PopulationSpikes


class RateEncoder(BaseModel):
    """Bernoulli spikes at a rate proportional to intensity."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    kind: Literal["rate"] = "rate"
    max_rate_hz: float = Field(default=63.75, gt=0, description="rate at intensity 1, in Hz")

    def encode(
        self,
        intensities: np.ndarray,
        duration_ms: float,
        dt_ms: float,
        generator: np.random.Generator,
    ) -> PopulationSpikes:
        """Spikes for `intensities` of shape (n_trials, n_sources), one trial per row."""
        intensities = checked_intensities(intensities)
        n_steps = checked_steps(duration_ms, dt_ms)
        probability = checked_probability(self.max_rate_hz, dt_ms)
        trials, steps, senders = [], [], []
        for trial, row in enumerate(intensities):
            # Trial by trial, so that a trial's spikes do not depend on how many follow it.
            fired = generator.random((n_steps, row.size)) < row * probability
            at, who = np.nonzero(fired)
            steps.append(at)
            senders.append(who)
            trials.append(np.full(at.size, trial))
        return PopulationSpikes.from_unsorted(
            intensities.shape[1],
            np.concatenate(steps) * dt_ms,
            np.concatenate(senders),
            np.concatenate(trials),
        )


class LatencyEncoder(BaseModel):
    """One spike a source, the earlier the brighter."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    kind: Literal["latency"] = "latency"
    threshold: float = Field(default=0.2, ge=0, lt=1, description="intensity below which no spike")

    def encode(
        self,
        intensities: np.ndarray,
        duration_ms: float,
        dt_ms: float,
        generator: np.random.Generator | None = None,
    ) -> PopulationSpikes:
        """Spikes for `intensities` of shape (n_trials, n_sources); the generator is not used."""
        intensities = checked_intensities(intensities)
        n_steps = checked_steps(duration_ms, dt_ms)
        trials, senders = np.nonzero(intensities > self.threshold)
        steps = np.floor((1.0 - intensities[trials, senders]) * n_steps + 1e-9).astype(np.int64)
        return PopulationSpikes.from_unsorted(
            intensities.shape[1], np.minimum(steps, n_steps - 1) * dt_ms, senders, trials
        )


Encoder = Annotated[RateEncoder | LatencyEncoder, Field(discriminator="kind")]


def checked_intensities(intensities: np.ndarray) -> np.ndarray:
    """Intensities as float64 of shape (n_trials, n_sources).

    Raises
    ------
    SpikelearnError
        Where they have another shape, are not finite, or leave [0, 1].
    """
    values = np.asarray(intensities, dtype=np.float64)
    if values.ndim != 2 or not values.size:
        raise SpikelearnError(
            f"an encoder needs intensities of shape (stimuli, sources), found {values.shape}"
        )
    if not np.isfinite(values).all():
        raise SpikelearnError("an encoder needs finite intensities, found NaN or infinity")
    if values.min() < 0 or values.max() > 1:
        raise SpikelearnError(
            f"an encoder needs intensities between 0 and 1, found {values.min():g} to"
            f" {values.max():g}; divide 8-bit images by 255"
        )
    return values


def checked_steps(duration_ms: float, dt_ms: float) -> int:
    """Number of time steps of a stimulus.

    Raises
    ------
    SpikelearnError
        If there is not at least one.
    """
    if not (math.isfinite(duration_ms) and dt_ms > 0 and round(duration_ms / dt_ms) >= 1):
        raise SpikelearnError(
            f"duration_ms must be at least one step of dt_ms, found duration_ms {duration_ms:g} and"
            f" dt_ms {dt_ms:g}"
        )
    return round(duration_ms / dt_ms)


def checked_probability(rate_hz: float, dt_ms: float) -> float:
    """Probability of a spike within one step of `dt_ms` at `rate_hz`.

    Raises
    ------
    SpikelearnError
        If it exceeds 1.
    """
    probability = rate_hz * dt_ms / 1000.0
    if not math.isfinite(probability) or probability > 1:
        raise SpikelearnError(
            f"a rate of {rate_hz:g} Hz needs more than one spike per {dt_ms:g} ms step; the most"
            f" is {1000.0 / dt_ms:g} Hz"
        )
    return probability
