"""Currents into populations: steps, ramps, sinusoids, noise, arrays and recordings; they add up.

Every current begins at time 0 or later. `Stimulus` lets entry k act over the interval that ends at
k * dt; so entry 0, which acts before time 0, is 0, and entry k >= 1 is the mean of the current from
(k - 1) * dt to k * dt. A step from start_ms to stop_ms covers the entries start_ms / dt + 1 to
stop_ms / dt, and a start or a stop between two grid points the due share of the entry there.
"""

from __future__ import annotations

import math
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import Discriminator, Field, Tag, model_validator

from spikelearn._counts import counted
from spikelearn._description import Description
from spikelearn._errors import SpikelearnError
from spikelearn._room import Part, bounded
from spikelearn.stimuli.drawn_spikes import TRIAL_BYTES
from spikelearn.stimuli.recorded import RecordedSignal, array_pieces
from spikelearn.stimuli.signals import read_array
from spikelearn.stimuli.stimulus import File, NotEmpty, ProtocolBase, Setting, Stimulus
from spikelearn.stimuli.time_courses import sinusoid, window

_OF_CURRENT = 32  # bytes of a current in a step, while it is made
UNITS = {"mv": "mV", "pa": "pA", "mv_per_ms": "mV/ms"}


def _one_or_batch(value: Any) -> str:
    return "list" if isinstance(value, list | tuple) else "number"


Amplitude = Annotated[
    Annotated[float, Tag("number")] | Annotated[tuple[float, ...], NotEmpty, Tag("list")],
    Discriminator(_one_or_batch),
]
"""One amplitude, or a batch: one for each trial."""


class _Current(Description):
    """A current into one population, in the unit that its fields' names end in."""

    target: str | None = Field(default=None, description="the only population if absent")
    neurons: Annotated[tuple[Annotated[int, Field(ge=0)], ...], NotEmpty] | None = Field(
        default=None, description="which neurons of it; all if absent"
    )

    # What has a unit, and of that what must be given.
    quantities: ClassVar[tuple[str, ...]]
    required: ClassVar[tuple[str, ...]]

    @model_validator(mode="after")
    def _one_unit(self) -> _Current:
        given = [
            (quantity, unit)
            for quantity in self.quantities
            for unit in UNITS
            if getattr(self, f"{quantity}_{unit}") is not None
        ]
        units = {unit for _, unit in given}
        missing = [q for q in self.required if q not in dict(given)]
        if missing:
            raise ValueError(
                f"{missing[0]} is required with its unit, as"
                f" {' or '.join(f'{missing[0]}_{unit}' for unit in UNITS)}"
            )
        if len(units) > 1 or len(given) > len(dict(given)):
            raise ValueError(
                "all fields of a current must be in one unit, found"
                f" {' and '.join(f'{quantity}_{unit}' for quantity, unit in given)}"
            )
        return self

    @model_validator(mode="after")
    def _each_once(self) -> _Current:
        if self.neurons is not None and len(set(self.neurons)) < len(self.neurons):
            raise ValueError("neurons: each neuron is named once")
        return self

    @model_validator(mode="after")
    def _start_before_stop(self) -> _Current:
        start, stop = getattr(self, "start_ms", 0.0), getattr(self, "stop_ms", None)
        if stop is not None and stop <= start:
            raise ValueError(f"stop_ms must lie after start_ms, found {stop:g} and {start:g}")
        return self

    @property
    def unit(self) -> str:
        """Unit of the current, as in the fields' names."""
        return next(u for u in UNITS if getattr(self, f"{self.required[0]}_{u}") is not None)

    def quantity(self, name: str) -> Any:
        """A field with a unit; 0 where it is absent."""
        value = getattr(self, f"{name}_{self.unit}")
        return 0.0 if value is None else value

    @property
    def batch(self) -> tuple[float, ...] | None:
        """What differs from trial to trial, if anything does."""
        return None

    def course(
        self, size: int, n: int, dt_ms: float, n_trials: int, generator: np.random.Generator
    ) -> np.ndarray:
        """The current in each of `n` intervals from time 0 on, in its unit.

        Parameters
        ----------
        size : int
            Number of neurons that the current flows into.
        n : int
            Number of intervals.
        dt_ms : float
            Length of an interval, the time step.
        n_trials : int
            Trials of each condition, which matters to noise alone.
        generator : numpy.random.Generator
            Draws noise.

        Returns
        -------
        array of shape (n_conditions, n, size or 1); noise has all trials along its first axis
        """
        raise NotImplementedError


class _Windowed(_Current):
    start_ms: float = Field(default=0.0, ge=0)
    stop_ms: float | None = Field(default=None, description="the end of the trial if absent")


class Step(_Windowed):
    """A constant current from `start_ms` to `stop_ms`; a list of amplitudes makes a trial each."""

    kind: Literal["step"] = "step"
    amplitude_mv: Amplitude | None = None
    amplitude_pa: Amplitude | None = None
    amplitude_mv_per_ms: Amplitude | None = None

    quantities: ClassVar[tuple[str, ...]] = ("amplitude",)
    required: ClassVar[tuple[str, ...]] = ("amplitude",)

    @property
    def batch(self) -> tuple[float, ...] | None:
        """The amplitudes, where there are several."""
        amplitude = self.quantity("amplitude")
        return amplitude if isinstance(amplitude, tuple) else None

    def course(
        self, size: int, n: int, dt_ms: float, n_trials: int, generator: np.random.Generator
    ) -> np.ndarray:
        """Array of shape (n_amplitudes, n, 1)."""
        _, share = window(self.start_ms, self.stop_ms, dt_ms, n)
        return np.atleast_1d(self.quantity("amplitude"))[:, None, None] * share[:, None]


class Ramp(_Current):
    """A current that changes in a straight line from `start_ms` to `stop_ms`; 0 outside."""

    kind: Literal["ramp"] = "ramp"
    from_mv: float | None = None
    from_pa: float | None = None
    from_mv_per_ms: float | None = None
    to_mv: float | None = None
    to_pa: float | None = None
    to_mv_per_ms: float | None = None
    start_ms: float = Field(default=0.0, ge=0)
    stop_ms: float

    quantities: ClassVar[tuple[str, ...]] = ("from", "to")
    required: ClassVar[tuple[str, ...]] = ("from", "to")

    def course(
        self, size: int, n: int, dt_ms: float, n_trials: int, generator: np.random.Generator
    ) -> np.ndarray:
        """Array of shape (1, n, 1)."""
        middle, share = window(self.start_ms, self.stop_ms, dt_ms, n)
        first, last = self.quantity("from"), self.quantity("to")
        done = (middle - self.start_ms) / (self.stop_ms - self.start_ms)
        return (share * (first + (last - first) * done))[None, :, None]


class Sinusoid(_Windowed):
    """mean + amplitude sin(2 pi frequency_hz (t - start_ms) + phase), 0 outside of the window."""

    kind: Literal["sinusoid"] = "sinusoid"
    mean_mv: float | None = None
    mean_pa: float | None = None
    mean_mv_per_ms: float | None = None
    amplitude_mv: float | None = None
    amplitude_pa: float | None = None
    amplitude_mv_per_ms: float | None = None
    frequency_hz: float = Field(gt=0)
    phase_deg: float = 0.0

    quantities: ClassVar[tuple[str, ...]] = ("mean", "amplitude")
    required: ClassVar[tuple[str, ...]] = ("amplitude",)

    def course(
        self, size: int, n: int, dt_ms: float, n_trials: int, generator: np.random.Generator
    ) -> np.ndarray:
        """Array of shape (1, n, 1)."""
        middle, share = window(self.start_ms, self.stop_ms, dt_ms, n)
        mean, amplitude = self.quantity("mean"), self.quantity("amplitude")
        values = sinusoid(
            middle - self.start_ms,
            share,
            dt_ms,
            mean,
            amplitude,
            self.frequency_hz,
            self.phase_deg,
        )
        return values[None, :, None]


class Noise(_Windowed):
    """Gaussian noise: white on the grid, or an Ornstein-Uhlenbeck process where `tau_ms` is given.

    tau dx/dt = -(x - mean) + sd sqrt(2 tau) xi, sampled exactly at the beginnings of the
    intervals (Gillespie 1996, doi:10.1103/PhysRevE.54.2084) and stationary from the first; its
    autocovariance is sd^2 exp(-lag / tau). White noise is drawn anew at each step, so that its
    power, sd^2 dt, depends on the step. Neurons and trials have noise of their own unless they are
    said to have it in common.
    """

    kind: Literal["noise"] = "noise"
    mean_mv: float | None = None
    mean_pa: float | None = None
    mean_mv_per_ms: float | None = None
    sd_mv: float | None = Field(default=None, ge=0)
    sd_pa: float | None = Field(default=None, ge=0)
    sd_mv_per_ms: float | None = Field(default=None, ge=0)
    tau_ms: float | None = Field(default=None, gt=0)
    shared: bool = Field(default=False, description="the same noise in all neurons")
    frozen: bool = Field(default=False, description="the same noise in all trials")

    quantities: ClassVar[tuple[str, ...]] = ("mean", "sd")
    required: ClassVar[tuple[str, ...]] = ("sd",)

    def course(
        self, size: int, n: int, dt_ms: float, n_trials: int, generator: np.random.Generator
    ) -> np.ndarray:
        """Array of shape (n_trials or 1, n, size or 1)."""
        from scipy.signal import lfilter

        shape = (1 if self.frozen else n_trials, n, 1 if self.shared else size)
        # Trial by trial in one draw: a trial's noise does not depend on how many follow it.
        noise = generator.standard_normal(shape)
        if self.tau_ms is not None and n:
            decay = math.exp(-dt_ms / self.tau_ms)
            # sqrt(1 - decay^2), without cancellation where tau is long.
            noise[:, 1:] *= math.sqrt(-math.expm1(-2 * dt_ms / self.tau_ms))
            noise = lfilter([1.0], [1.0, -decay], noise, axis=1)
        _, share = window(self.start_ms, self.stop_ms, dt_ms, n)
        current: np.ndarray = self.quantity("mean") + self.quantity("sd") * noise
        return current * share[:, None]


class CurrentArray(_Current):
    """A current from a file, constant within each bin: offset + gain * value, the value 0 outside.

    The array has shape (bins,), the same for all neurons, (neurons, bins), or (trials, neurons,
    bins).
    """

    kind: Literal["array"] = "array"
    file: File
    key: str | None = Field(default=None, description="which array of an .npz file")
    bin_ms: float = Field(gt=0)
    start_ms: float = Field(default=0.0, ge=0)
    gain_mv: float | None = None
    gain_pa: float | None = None
    gain_mv_per_ms: float | None = None
    offset_mv: float | None = None
    offset_pa: float | None = None
    offset_mv_per_ms: float | None = None

    quantities: ClassVar[tuple[str, ...]] = ("gain", "offset")
    required: ClassVar[tuple[str, ...]] = ("gain",)

    def course(
        self, size: int, n: int, dt_ms: float, n_trials: int, generator: np.random.Generator
    ) -> np.ndarray:
        """Array of shape (n_conditions, n, size or 1)."""
        values = read_array(self.file, self.key)
        means = array_pieces(values, size, self.file, self.bin_ms, self.start_ms, n, dt_ms)
        current: np.ndarray = self.quantity("offset") + self.quantity("gain") * means
        return current


class CurrentRecording(RecordedSignal, _Current):
    """A recorded signal as a current: offset + gain * signal, the signal 0 outside."""

    gain_mv: float | None = None
    gain_pa: float | None = None
    gain_mv_per_ms: float | None = None
    offset_mv: float | None = None
    offset_pa: float | None = None
    offset_mv_per_ms: float | None = None

    quantities: ClassVar[tuple[str, ...]] = ("gain", "offset")
    required: ClassVar[tuple[str, ...]] = ("gain",)

    def course(
        self, size: int, n: int, dt_ms: float, n_trials: int, generator: np.random.Generator
    ) -> np.ndarray:
        """Array of shape (n_conditions, n, size or 1)."""
        current: np.ndarray = self.quantity("offset") + self.quantity("gain") * self.signal(
            size, n, dt_ms
        )
        return current


Current = Annotated[
    Step | Ramp | Sinusoid | Noise | CurrentArray | CurrentRecording, Field(discriminator="kind")
]


class CurrentProtocol(ProtocolBase):
    """Currents into populations of neurons; those into one population add up.

    Where a step has a list of amplitudes, or an array several trials, each is a condition; each
    condition is shown in `n_trials` trials, which follow one another.
    """

    kind: Literal["currents"] = "currents"
    currents: Annotated[tuple[Current, ...], NotEmpty]
    n_trials: int = Field(default=1, ge=1)

    def needed_parts(self, setting: Setting) -> list[Part]:
        """The currents in every step, while they are made, placed and summed."""
        total, steps = 0.0, bounded(setting.n_steps)
        for current in self.currents:
            conditions = max((len(c.batch) for c in self.currents if c.batch), default=1)
            trials = bounded(self.n_trials) * conditions
            noise = current if isinstance(current, Noise) else None
            each = current.neurons is not None or (noise is not None and not noise.shared)
            # Of arrays, which may be of each neuron, once their shape is known.
            width = bounded(setting.neurons[setting.population(current.target)]) if each else 1.0
            alone = not current.batch and (noise is None or noise.frozen)
            total += _OF_CURRENT * steps * width * (1.0 if alone else trials)
        return [
            Part(f"its currents in {counted(setting.n_steps, 'step')}", total,
                 "show a shorter time or fewer trials at once, or use a larger dt_ms"),
            Part(counted(self.n_trials, 'trial'), TRIAL_BYTES * bounded(self.n_trials),
                 "show fewer trials at once"),
        ]  # fmt: skip

    def draw(self, setting: Setting) -> Stimulus:
        """Put every current onto the grid, noise from a stream of its own each."""
        placed = [(setting.population(c.target), c) for c in self.currents]
        arrays, labels = self._with_conditions(placed, setting)
        summed: dict[str, dict[str, np.ndarray]] = {unit: {} for unit in UNITS}
        for (target, current), values in zip(placed, arrays, strict=True):
            there = summed[current.unit]
            there[target] = there[target] + values if target in there else values
        return Stimulus(
            labels,
            currents_mv=summed["mv"],
            currents_pa=summed["pa"],
            currents_mv_per_ms=summed["mv_per_ms"],
        )

    def _with_conditions(
        self, placed: list[tuple[str, Any]], setting: Setting
    ) -> tuple[list[np.ndarray], list[str]]:
        """Each current as (n_trials or 1, n_steps, size or 1), and a label for each trial."""
        n, dt_ms = setting.n_steps - 1, setting.dt_ms
        arrays: dict[int, np.ndarray] = {}
        for index, (target, current) in enumerate(placed):
            if not isinstance(current, Noise):
                stream = setting.generator(target, "current", index)
                width = _width(current, target, setting)
                arrays[index] = current.course(width, n, dt_ms, 1, stream)
        counts = {len(array) for array in arrays.values()} - {1}
        if len(counts) > 1:
            raise SpikelearnError(
                "lists of amplitudes and trials of arrays must be equally many in all currents,"
                f" found {' and '.join(str(count) for count in sorted(counts))}"
            )
        n_conditions = max(counts, default=1)
        n_trials = n_conditions * self.n_trials
        courses = []
        for index, (target, current) in enumerate(placed):
            if isinstance(current, Noise):
                stream = setting.generator(target, "current", index)
                width = _width(current, target, setting)
                array = current.course(width, n, dt_ms, n_trials, stream)
            else:
                array = arrays[index]
                array = array if len(array) == 1 else np.repeat(array, self.n_trials, axis=0)
            courses.append(_placed(array, current, setting.neurons[target]))
        return courses, self._labels(n_conditions)

    def _labels(self, n_conditions: int) -> list[str]:
        batches = [(c.batch, UNITS[c.unit]) for c in self.currents if c.batch is not None]
        labels = []
        for i in range(n_conditions):
            parts = [f"{batch[i]:g} {unit}" for batch, unit in batches if len(batch) > 1]
            labels += [", ".join(parts) or self.name] * self.n_trials
        return labels


def _width(current: Any, target: str, setting: Setting) -> int:
    """How many neurons a current flows into."""
    size = setting.neurons[target]
    beyond = [i for i in current.neurons or () if i >= size]
    if beyond:
        raise SpikelearnError(
            f"neurons: '{target}' has {counted(size, 'neuron')}, numbered from 0, found {beyond[0]}"
        )
    return size if current.neurons is None else len(current.neurons)


def _placed(array: np.ndarray, current: Any, size: int) -> np.ndarray:
    """With the entry before time 0, and in the neurons that are meant."""
    array = np.pad(array, ((0, 0), (1, 0), (0, 0)))
    if current.neurons is None:
        return array
    placed = np.zeros((*array.shape[:2], size))
    placed[..., list(current.neurons)] = array
    return placed
