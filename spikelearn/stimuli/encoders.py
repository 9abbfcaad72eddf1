"""Encoders: from intensities in [0, 1] to spike trains on the simulation grid.

`rate`
    Each source fires as a Poisson process of the rate `intensity * max_rate_hz`: several times in a
    time step, now and then, and the variance of its spike count is the mean (Fano factor 1).
`bernoulli`
    In each time step a source fires once with probability `p = intensity * max_rate_hz * dt`, or
    not at all, independently. The mean rate is that of `rate`; the Fano factor is 1 - p, and
    depends on the step. It is what a `spiking_mlp` is trained on.
`latency`
    Each source fires once, the earlier the brighter: at `duration_ms * (1 - intensity)`, in the
    step nearest to it. Sources below `threshold` stay silent. Thorpe, Delorme & Van Rullen 2001,
    doi:10.1016/S0893-6080(01)00083-1.
`delta`
    A source fires where its intensity rises from one frame to the next by `threshold` or more (ON),
    and a second source where it falls by as much (OFF), as snnTorch's `spikegen.delta` does; a
    static image is one frame, which rises from darkness. The principle of the silicon retina:
    Lichtsteiner, Posch & Delbruck 2008, doi:10.1109/JSSC.2007.914337.
"""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from spikelearn._description import Description
from spikelearn._errors import SpikelearnError
from spikelearn._spike_arrays import PopulationSpikes
from spikelearn._time_steps import checked_steps, nearest_steps
from spikelearn.stimuli.drawn_spikes import (
    bernoulli_spikes,
    check_memory,
    checked_probability,
    counted_spikes,
)


class RateEncoder(Description):
    """Poisson spikes at a rate proportional to intensity."""

    kind: Literal["rate"] = "rate"
    max_rate_hz: float = Field(default=63.75, gt=0, description="rate at intensity 1, in Hz")

    def encode(
        self,
        intensities: np.ndarray,
        duration_ms: float,
        dt_ms: float,
        generator: np.random.Generator,
    ) -> PopulationSpikes:
        """Spikes for `intensities` of shape (n_trials, n_sources), one trial per row.

        Parameters
        ----------
        intensities : array of shape (n_trials, n_sources)
            In [0, 1].
        duration_ms, dt_ms : float
            Duration of a trial and time step.
        generator : numpy.random.Generator
        """
        intensities = checked_intensities(intensities)
        n_steps = checked_steps(duration_ms, dt_ms)
        check_memory(self.max_rate_hz * float(intensities.sum()), duration_ms)
        mean = self.max_rate_hz * dt_ms / 1000.0
        rows = (row * mean for row in intensities)
        return counted_spikes(rows, intensities.shape[1], n_steps, dt_ms, generator)

    def n_sources(self, n_pixels: int) -> int:
        """One source a pixel."""
        return n_pixels


class BernoulliEncoder(Description):
    """At most one spike a step, with a probability proportional to intensity."""

    kind: Literal["bernoulli"] = "bernoulli"
    max_rate_hz: float = Field(
        default=63.75, gt=0, description="rate at intensity 1, in Hz; one spike a step at most"
    )

    def encode(
        self,
        intensities: np.ndarray,
        duration_ms: float,
        dt_ms: float,
        generator: np.random.Generator,
    ) -> PopulationSpikes:
        """Spikes for `intensities` of shape (n_trials, n_sources), one trial per row.

        Parameters
        ----------
        intensities : array of shape (n_trials, n_sources)
            In [0, 1].
        duration_ms, dt_ms : float
            Duration of a trial and time step.
        generator : numpy.random.Generator
        """
        intensities = checked_intensities(intensities)
        n_steps = checked_steps(duration_ms, dt_ms)
        probability = checked_probability(self.max_rate_hz, dt_ms)
        check_memory(self.max_rate_hz * float(intensities.sum()), duration_ms)
        rows = (row * probability for row in intensities)
        return bernoulli_spikes(rows, intensities.shape[1], n_steps, dt_ms, generator)

    def n_sources(self, n_pixels: int) -> int:
        """One source a pixel."""
        return n_pixels


class LatencyEncoder(Description):
    """One spike a source, the earlier the brighter."""

    kind: Literal["latency"] = "latency"
    threshold: float = Field(default=0.2, ge=0, lt=1, description="intensity below which no spike")

    def encode(
        self,
        intensities: np.ndarray,
        duration_ms: float,
        dt_ms: float,
        generator: np.random.Generator | None = None,
    ) -> PopulationSpikes:
        """Spikes for `intensities` of shape (n_trials, n_sources); the generator is not used.

        Parameters
        ----------
        intensities : array of shape (n_trials, n_sources)
            In [0, 1].
        duration_ms, dt_ms : float
            Duration of a trial and time step.
        generator : numpy.random.Generator, optional
            Not used: nothing is random.
        """
        intensities = checked_intensities(intensities)
        n_steps = checked_steps(duration_ms, dt_ms)
        trials, senders = np.nonzero(intensities > self.threshold)
        steps = nearest_steps((1.0 - intensities[trials, senders]) * duration_ms, dt_ms)
        return PopulationSpikes.from_unsorted(
            intensities.shape[1], np.minimum(steps, n_steps - 1) * dt_ms, senders, trials
        )

    def n_sources(self, n_pixels: int) -> int:
        """One source a pixel."""
        return n_pixels


class DeltaEncoder(Description):
    """Spikes where the intensity changes from frame to frame, at the beginning of the new one."""

    kind: Literal["delta"] = "delta"
    threshold: float = Field(default=0.1, gt=0, description="least change that makes a spike")
    off_spikes: bool = Field(default=True, description="whether a fall makes spikes, too")
    padding: bool = Field(
        default=False,
        description="compare the first frame with itself (no spikes), not with darkness",
    )

    def encode(
        self,
        intensities: np.ndarray,
        duration_ms: float,
        dt_ms: float,
        generator: np.random.Generator | None = None,
    ) -> PopulationSpikes:
        """Spikes for `intensities` of shape (n_trials, n_pixels) or (n_trials, n_frames, n_pixels).

        Frame i begins in the step nearest to i / n_frames of the duration. Sources 0 to
        n_pixels - 1 are ON; with `off_spikes` the OFF sources follow in the same order. The
        generator is not used.

        Parameters
        ----------
        intensities : array of shape (n_trials, n_pixels) or (n_trials, n_frames, n_pixels)
            In [0, 1].
        duration_ms, dt_ms : float
            Duration of a trial and time step.
        generator : numpy.random.Generator, optional
            Not used: nothing is random.
        """
        values = np.asarray(intensities, dtype=np.float64)
        if values.ndim == 2:
            values = values[:, None]
        if values.ndim != 3:
            raise SpikelearnError(
                "the delta encoder needs intensities of shape (stimuli, pixels) or (stimuli,"
                f" frames, pixels), found {values.shape}"
            )
        n_trials, n_frames, n_pixels = values.shape
        checked_intensities(values.reshape(n_trials * n_frames, n_pixels))
        n_steps = checked_steps(duration_ms, dt_ms)
        if n_frames > n_steps:
            raise SpikelearnError(f"{n_frames} frames do not fit into {n_steps} time steps")
        before = values[:, :1] if self.padding else np.zeros_like(values[:, :1])
        change = np.diff(values, axis=1, prepend=before)
        fired = change >= self.threshold
        if self.off_spikes:
            fired = np.concatenate([fired, change <= -self.threshold], axis=2)
        trials, frames, senders = np.nonzero(fired)
        steps = nearest_steps(frames * (duration_ms / n_frames), dt_ms)
        return PopulationSpikes.from_unsorted(
            self.n_sources(n_pixels), steps * dt_ms, senders, trials
        )

    def n_sources(self, n_pixels: int) -> int:
        """An ON source a pixel, and an OFF source where falls make spikes."""
        return 2 * n_pixels if self.off_spikes else n_pixels


Encoder = Annotated[
    RateEncoder | BernoulliEncoder | LatencyEncoder | DeltaEncoder, Field(discriminator="kind")
]


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
