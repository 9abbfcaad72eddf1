"""The description of a convolutional network of leaky spiking neurons.

What it does is in `spikelearn.networks.spiking_convolutional`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Literal

from pydantic import Field, model_validator

from spikelearn._counts import counted
from spikelearn._errors import SpikelearnError
from spikelearn._time_steps import in_steps, nearest_step
from spikelearn.networks._spiking_classifier import population_names
from spikelearn.networks.convolution_shape import Norm, norm_of
from spikelearn.networks.convolutions import Convolutions
from spikelearn.networks.mlp import ImageShape

if TYPE_CHECKING:
    from spikelearn.networks.spiking_convolutional import SpikingConvolutional


class SpikingCNN(Convolutions):
    """Description of the network; `build` makes it.

    Layers are described as those of a `cnn`. `norm` is none, batch, or weights (standardised
    kernels, which rules that learn forwards in time can have).

    Images are shown as currents: the first layer's drive is the same in every step (`input:
    current`); as spikes at random, with probability intensity * max_rate_hz * dt in each step
    (`rate`); or as one spike of each pixel, `latency_ms` * (1 - intensity) after the beginning,
    where it is at least `min_intensity` (`latency`). With `on_off` the image is what cells with a
    centre and a surround make of it, in two channels for each of its own (`on_off_filters.py`).
    """

    kind: Literal["spiking_cnn"] = "spiking_cnn"
    input: Literal["current", "rate", "latency"] = "current"
    on_off: bool | None = Field(
        default=None, description="whether on and off cells with a surround see the image"
    )
    max_rate_hz: float = Field(default=250.0, gt=0)
    latency_ms: float = Field(default=10.0, gt=0, description="of the faintest pixel")
    min_intensity: float = Field(default=0.1, ge=0, le=1)
    tau_m_ms: float = Field(default=2.0, gt=0)
    learn_tau: bool | None = Field(
        default=None, description="whether each hidden layer learns its membrane's time constant"
    )
    v_threshold_mv: float = Field(default=1.0, gt=0, description="above rest, in mV")
    initial_mean_mv: float | tuple[float, ...] | None = Field(
        default=None, description="of each layer's initial kernels; 0 if absent"
    )
    initial_sd_mv: float | tuple[float, ...] | None = Field(
        default=None,
        description="of each layer's initial kernels, which are uniform; if absent, sqrt(2 / inputs"
        " of a neuron)",
    )
    reset: Literal["subtract", "zero"] = "subtract"
    once: bool | None = Field(
        default=None, description="whether a neuron fires once at most, and is silent after that"
    )
    duration_ms: float = Field(default=12.0, gt=0)
    dt_ms: float = Field(default=1.0, gt=0)
    readout: Literal["spikes", "potential"] = "potential"
    tau_readout_ms: float | None = Field(
        default=None,
        ge=0,
        description="of readout neurons that do not spike; tau_m_ms if absent; 0: no memory",
    )

    @model_validator(mode="after")
    def _timed(self) -> SpikingCNN:
        for field in ("duration_ms", *(["latency_ms"] if self.input == "latency" else [])):
            try:
                in_steps(getattr(self, field), self.dt_ms, field)
            except SpikelearnError as error:
                raise ValueError(str(error)) from error
        self._check_decays()
        self._check_initial_kernels()
        if self.tau_readout_ms is not None and self.readout == "spikes":
            raise ValueError(
                "tau_readout_ms is of a readout that does not spike; add readout: potential"
            )
        if self.n_steps <= self.begins[-1]:
            raise ValueError(
                f"a stimulus of {counted(self.n_steps, 'step')} ends before it reaches the output,"
                f" which it does in step {self.begins[-1] + 1}; raise duration_ms"
            )
        return self

    def _check_decays(self) -> None:
        """Refuse time constants of which a number for each step says nothing."""
        for field in ("tau_m_ms", "tau_readout_ms"):
            tau_ms = getattr(self, field)
            if tau_ms and math.exp(-self.dt_ms / tau_ms) == 1.0:
                raise ValueError(
                    f"{field} of {tau_ms:g} ms is so long beside dt_ms ({self.dt_ms:g} ms) that"
                    " nothing is lost in a step"
                )
        if self.learn_tau and not self.dt_ms / 10.0 <= self.tau_m_ms <= 1e6 * self.dt_ms:
            raise ValueError(
                "a time constant that learns begins between a tenth and a million of time steps"
                f" (dt_ms: {self.dt_ms:g}); found tau_m_ms: {self.tau_m_ms:g}"
            )

    def _check_initial_kernels(self) -> None:
        means, sds = self._each("initial_mean_mv", 0.0), self._each("initial_sd_mv", None)
        for mean, sd, norm in zip(means, sds, self._norms(), strict=False):
            if sd is not None and sd < 0:
                raise ValueError(f"initial_sd_mv must be at least 0, found {sd:g}")
            if norm == "weights" and (mean or sd is not None):
                raise ValueError(
                    "norm: weights takes mean and spread from kernels, so that initial_mean_mv and"
                    " initial_sd_mv are of layers without it; remove one or the other"
                )

    def initial_kernels_mv(self) -> list[tuple[float, float | None]]:
        """Mean and standard deviation of each convolutional layer's initial kernels, in mV.

        No standard deviation is that of weights that keep activity at one scale.
        """
        means, sds = self._each("initial_mean_mv", 0.0), self._each("initial_sd_mv", None)
        return list(zip(means, sds, strict=True))

    @staticmethod
    def _norm_of(text: str) -> tuple[Norm | None, int]:
        if text == "weights":
            return "weights", 1
        if text.startswith("group"):
            raise ValueError(
                "group normalisation goes by what a layer receives in each step, which no weights"
                f" and thresholds can do; norm is none, batch or weights, found {text!r}"
            )
        if text not in ("none", "batch"):
            raise ValueError(f"norm is none, batch or weights; found {text!r}")
        return norm_of(text)

    @property
    def seen_shape(self) -> ImageShape:
        """What the first layer receives: channels, height and width."""
        channels, height, width = self.input_shape
        return (2 if self.on_off else 1) * channels, height, width

    @property
    def n_steps(self) -> int:
        """Time steps of a stimulus."""
        return nearest_step(self.duration_ms, self.dt_ms)

    @property
    def begins(self) -> list[int]:
        """The step in which the input can first reach each layer, the output's last."""
        found = [0 if self.input == "current" else 1]
        for shape in self.convolutions():
            found.append(
                found[-1] + 1 + (shape.pooling is not None and shape.pooling.kind == "max")
            )
        last = found[-1]
        return [*found, *(last + 1 + i for i in range(len(self.hidden)))]

    @property
    def readout_decay(self) -> float:
        """What is left of the potential of an output neuron after a time step."""
        tau_ms = self.tau_m_ms if self.tau_readout_ms is None else self.tau_readout_ms
        return math.exp(-self.dt_ms / tau_ms) if tau_ms > 0 else 0.0

    @property
    def populations(self) -> list[str]:
        """Names of the populations, from the input to the output."""
        return population_names(len(self.channels) + len(self.hidden))

    def build(self, seed: int) -> SpikingConvolutional:
        """The network with its initial weights, which depend on `seed` alone."""
        from spikelearn._seeding import torch_generator
        from spikelearn.networks.spiking_convolutional import SpikingConvolutional

        return SpikingConvolutional(self, torch_generator(seed, "weights"))


def first_of_exported(populations: Iterable[str]) -> str | None:
    """Into which population currents show images, of a classifier that was exported.

    Parameters
    ----------
    populations : iterable of str
        Names of the populations of a spiking network.

    Returns
    -------
    str or None
        None where they are not those of a `SpikingCNN` with `input: current`, which alone has no
        population called input.
    """
    added = ("bias", "_pooled")  # by `folded_synapses.py`, beside its layers
    layers = [name for name in populations if not name.endswith(added)]
    _, *behind = population_names(len(layers) - 1)
    return layers[0] if len(layers) > 1 and layers == behind else None
