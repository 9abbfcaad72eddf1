"""Poisson input: rates that are constant, differ between sources, or vary in time.

How spikes are drawn at these rates is in `spikelearn.stimuli.drawn_spikes`.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Discriminator, Field, Tag, model_validator

from spikelearn._counts import counted
from spikelearn._description import Description
from spikelearn._errors import SpikelearnError
from spikelearn._room import Part, bounded
from spikelearn._time_steps import fractional_steps
from spikelearn.stimuli.drawn_spikes import SPIKE_BYTES, TRIAL_BYTES, poisson_spikes
from spikelearn.stimuli.recorded import RecordedSignal, array_pieces
from spikelearn.stimuli.signals import read_array
from spikelearn.stimuli.stimulus import (
    File,
    NotEmpty,
    ProtocolBase,
    Setting,
    Stimulus,
)
from spikelearn.stimuli.time_courses import pieces, sinusoid, window

_OF_RATE, _OF_SOURCE = 60, 20  # bytes of a rate in a step while it is made; of a source in a step


class RateCourse(Description):
    """A rate that changes at given times (`previous`) or in straight lines between (`linear`).

    After the last time it keeps its value.
    """

    kind: Literal["course"] = "course"
    times_ms: Annotated[tuple[float, ...], NotEmpty]
    rates_hz: Annotated[tuple[Annotated[float, Field(ge=0)], ...], NotEmpty]
    interpolation: Literal["previous", "linear"] = "previous"

    @model_validator(mode="after")
    def _check(self) -> RateCourse:
        if len(self.times_ms) != len(self.rates_hz):
            raise ValueError(
                f"times_ms and rates_hz must be equally many, found {len(self.times_ms)} and"
                f" {len(self.rates_hz)}"
            )
        if self.times_ms[0] != 0 or (np.diff(self.times_ms) <= 0).any():
            raise ValueError("times_ms must begin with 0 and increase")
        return self

    def on_grid(self, size: int, n_steps: int, dt_ms: float) -> np.ndarray:
        """Mean rate in each step, array of shape (1, n_steps, 1), in Hz.

        Parameters
        ----------
        size : int
            Number of sources, all of one rate.
        n_steps : int
        dt_ms : float
            Time step.
        """
        knots, rates = fractional_steps(np.array(self.times_ms), dt_ms), np.array(self.rates_hz)
        return pieces(knots, rates, n_steps, self.interpolation == "linear")[None, :, None]


class RateSinusoid(Description):
    """mean_hz + amplitude_hz sin(2 pi frequency_hz t + phase)."""

    kind: Literal["sinusoid"] = "sinusoid"
    mean_hz: float = Field(ge=0)
    amplitude_hz: float
    frequency_hz: float = Field(gt=0)
    phase_deg: float = 0.0

    @model_validator(mode="after")
    def _check(self) -> RateSinusoid:
        if abs(self.amplitude_hz) > self.mean_hz:
            raise ValueError(
                f"amplitude_hz must not exceed mean_hz, or the rate is negative, found"
                f" {self.amplitude_hz:g} and {self.mean_hz:g}"
            )
        return self

    def on_grid(self, size: int, n_steps: int, dt_ms: float) -> np.ndarray:
        """Mean rate in each step, array of shape (1, n_steps, 1), in Hz.

        Parameters
        ----------
        size : int
            Number of sources, all of one rate.
        n_steps : int
        dt_ms : float
            Time step.
        """
        middle, share = window(0.0, None, dt_ms, n_steps)
        course = sinusoid(
            middle,
            share,
            dt_ms,
            self.mean_hz,
            self.amplitude_hz,
            self.frequency_hz,
            self.phase_deg,
        )
        # With mean and amplitude equal, rounding may lead just below 0.
        return np.maximum(course, 0.0)[None, :, None]


class RateArray(Description):
    """Rates from a file, constant within each bin, 0 after the last.

    The array has shape (bins,), the same for all sources, (sources, bins), or (trials, sources,
    bins).
    """

    kind: Literal["array"] = "array"
    file: File
    key: str | None = Field(default=None, description="which array of an .npz file")
    bin_ms: float = Field(gt=0)
    gain_hz: float = Field(default=1.0, description="rate in Hz for a value of 1")

    def on_grid(self, size: int, n_steps: int, dt_ms: float) -> np.ndarray:
        """Mean rate in each step, array of shape (n_trials, n_steps, size or 1), in Hz.

        Parameters
        ----------
        size : int
            Number of sources.
        n_steps : int
        dt_ms : float
            Time step.
        """
        values = self.gain_hz * read_array(self.file, self.key)
        if values.min() < 0:
            raise SpikelearnError(f"{self.file} has a negative rate, {values.min():g} Hz")
        return array_pieces(values, size, self.file, self.bin_ms, 0.0, n_steps, dt_ms)


class RateRecording(RecordedSignal):
    """A recorded signal as a rate: [offset_hz + gain_hz * signal], 0 where that is negative."""

    gain_hz: float
    offset_hz: float = 0.0

    def on_grid(self, size: int, n_steps: int, dt_ms: float) -> np.ndarray:
        """Rate in each step, array of shape (n_trials, n_steps, size or 1), in Hz.

        Parameters
        ----------
        size : int
            Number of sources.
        n_steps : int
        dt_ms : float
            Time step.
        """
        signal = self.signal(size, n_steps, dt_ms)
        return np.maximum(self.offset_hz + self.gain_hz * signal, 0.0)


# Which alternative a value is meant to be, so that only its mistakes are told.
def _form(value: Any) -> str:
    if isinstance(value, list | tuple):
        return "list"
    return "course" if isinstance(value, dict | Description) else "number"


_OverTime = Annotated[
    RateCourse | RateSinusoid | RateArray | RateRecording, Field(discriminator="kind")
]
_NotNegative = Annotated[float, Field(ge=0)]
Rate = Annotated[
    Annotated[_NotNegative, Tag("number")]
    | Annotated[tuple[_NotNegative, ...], Tag("list")]
    | Annotated[_OverTime, Tag("course")],
    Discriminator(_form),
]
"""One rate for all sources, a list with one for each, or a course over time."""


class SourceRate(Description):
    """The rate of one spike source."""

    rate_hz: Rate


class PoissonProtocol(ProtocolBase):
    """Poisson spikes into every spike source, or into those of `sources`, each with its rate.

    A source that `sources` does not name has `rate_hz`, or is silent where that is absent.
    """

    kind: Literal["poisson"] = "poisson"
    rate_hz: Rate | None = None
    sources: dict[str, SourceRate] = Field(default_factory=dict)
    n_trials: int = Field(default=1, ge=1)

    @model_validator(mode="after")
    def _check(self) -> PoissonProtocol:
        if self.rate_hz is None and not self.sources:
            raise ValueError("rate_hz is required, or sources with a rate_hz each")
        return self

    def needed_parts(self, setting: Setting) -> list[Part]:
        """Rates over time, the numbers that are drawn in a step, and spikes at constant rates."""
        steps, total, spikes = bounded(setting.n_steps), 0.0, 0.0
        for name, size in setting.sources.items():
            rate = self.sources[name].rate_hz if name in self.sources else self.rate_hz
            total += _OF_SOURCE * bounded(size)
            if isinstance(rate, Description):  # of arrays, once their shape is known
                total += _OF_RATE * steps
            elif rate is not None:
                summed = sum(rate) if isinstance(rate, tuple) else bounded(rate) * bounded(size)
                spikes += summed * bounded(setting.duration_ms) / 1000.0
        spikes *= bounded(self.n_trials)
        return [
            Part(f"its rates in {counted(setting.n_steps, 'step')}", total,
                 "show a shorter time, or use a larger dt_ms"),
            Part(f"about {counted(spikes, 'spike')}", SPIKE_BYTES * spikes,
                 "lower rate_hz, or show fewer trials at once; Poisson input to neurons that is"
                 " given as background of the network is counted as it comes"),
            Part(counted(self.n_trials, 'trial'), TRIAL_BYTES * bounded(self.n_trials),
                 "show fewer trials at once"),
        ]  # fmt: skip

    def draw(self, setting: Setting) -> Stimulus:
        """Draw the spikes of each source from a stream of its own."""
        for named in self.sources:
            setting.source(named)
        if not setting.sources:
            raise SpikelearnError("it gives spikes, but the network has no spike source")
        rates = {}
        for name, size in setting.sources.items():
            rate = self.sources[name].rate_hz if name in self.sources else self.rate_hz
            if rate is not None:
                rates[name] = _on_grid(rate, name, size, setting)
        conditions = {len(rate) for rate in rates.values()} - {1}
        if len(conditions) > 1:
            raise SpikelearnError(
                "the rates of all sources must have equally many trials, found"
                f" {' and '.join(str(n) for n in sorted(conditions))}"
            )
        n_conditions = max(conditions, default=1)
        spikes = {
            name: poisson_spikes(
                setting.sources[name],
                np.broadcast_to(rate, (n_conditions, *rate.shape[1:])),
                setting.duration_ms,
                setting.dt_ms,
                setting.generator(name),
                self.n_trials,
            )
            for name, rate in rates.items()
        }
        constant = isinstance(self.rate_hz, float) and not self.sources
        label = f"{self.rate_hz:g} Hz" if constant else self.name
        return Stimulus([label] * (n_conditions * self.n_trials), spikes)


def _on_grid(rate: Any, name: str, size: int, setting: Setting) -> np.ndarray:
    """Rates of shape (n_conditions, n_steps or 1, size or 1)."""
    if isinstance(rate, Description):
        rates: np.ndarray = rate.on_grid(size, setting.n_steps, setting.dt_ms)  # type: ignore[attr-defined]
        return rates
    values = np.atleast_1d(np.asarray(rate, dtype=np.float64))
    if isinstance(rate, tuple) and len(rate) != size:
        raise SpikelearnError(
            f"rate_hz must be one number or one for each of the {counted(size, 'source')} of"
            f" '{name}', found {len(rate)}"
        )
    return values[None, None]
