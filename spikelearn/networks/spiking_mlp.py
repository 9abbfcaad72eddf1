"""A feed-forward spiking classifier, trainable by gradients, and the `SpikingNetwork` it equals.

Layers of LIF neurons with delta synapses and subtracting reset. The forward pass keeps the
semantics of `spikelearn.simulation` (a spike of one layer reaches the next in the following
step), so that the trained network, exported by `to_spiking_network`, spikes identically on every
backend. The membrane is snnTorch's `Leaky`; the reset is ours and carries no gradient.

The output spikes, or it is a leaky readout: neurons that integrate and never fire, whose potential
says the class,

    v_out[t] = exp(-dt / tau_readout) v_out[t-1] + W s[t-1].
"""

from __future__ import annotations

import itertools
import math
from typing import Any, Literal

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator
from torch import nn

from spikelearn._seeding import torch_generator
from spikelearn.networks.layers import scaled_uniform
from spikelearn.networks.mlp import square_image
from spikelearn.networks.neurons import LIF, Neurons, SpikeSource
from spikelearn.networks.spiking import Projection, SpikingNetwork

SURROGATE_SLOPE = 25.0  # of the fast sigmoid, Zenke & Ganguli 2018, doi:10.1162/neco_a_01086
# Threshold, in mV, that an exported readout does not reach.
_OUT_OF_REACH_MV = 1e9


class SpikingMLP(BaseModel):
    """Description of the classifier; `build` makes the network.

    Images are rate-coded: in each step a pixel spikes with probability intensity * max_rate_hz *
    dt. The class score is the number of spikes of an output neuron (`readout: spikes`), or the mean
    over time of its potential in mV, if it is one that does not spike (`readout: potential`).
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    kind: Literal["spiking_mlp"] = "spiking_mlp"
    name: str = Field(min_length=1)
    description: str = ""
    reference: str = ""
    sizes: tuple[int, ...] = Field(min_length=2)
    tau_m_ms: float = Field(default=10.0, gt=0)
    v_threshold_mv: float = Field(default=1.0, gt=0, description="above rest, in mV")
    max_rate_hz: float = Field(default=250.0, gt=0)
    duration_ms: float = Field(default=30.0, gt=0)
    dt_ms: float = Field(default=1.0, gt=0)
    readout: Literal["spikes", "potential"] = "spikes"
    tau_readout_ms: float | None = Field(
        default=None,
        ge=0,
        description="of readout neurons that do not spike; tau_m_ms if absent; 0: no memory",
    )

    @field_validator("sizes")
    @classmethod
    def _positive(cls, sizes: tuple[int, ...]) -> tuple[int, ...]:
        if min(sizes) < 1:
            raise ValueError("every layer needs at least one neuron")
        return sizes

    @model_validator(mode="after")
    def _readout_has_a_time_constant(self) -> SpikingMLP:
        if self.tau_readout_ms is not None and self.readout == "spikes":
            raise ValueError(
                "tau_readout_ms is of a readout that does not spike; add readout: potential"
            )
        return self

    @property
    def readout_decay(self) -> float:
        """What is left of the potential of an output neuron after a time step."""
        tau_ms = self.tau_m_ms if self.tau_readout_ms is None else self.tau_readout_ms
        return math.exp(-self.dt_ms / tau_ms) if tau_ms > 0 else 0.0

    @property
    def n_inputs(self) -> int:
        """Number of inputs."""
        return self.sizes[0]

    @property
    def n_classes(self) -> int:
        """Number of output neurons."""
        return self.sizes[-1]

    @property
    def image_shape(self) -> tuple[int, int, int] | None:
        """Images it takes, (channels, height, width); None where the inputs make no square."""
        return square_image(self.n_inputs)

    @property
    def populations(self) -> list[str]:
        """Names of the populations, from the input to the output."""
        hidden = len(self.sizes) - 2
        names = ["hidden"] if hidden == 1 else [f"hidden{i + 1}" for i in range(hidden)]
        return ["input", *names, "output"]

    def build(self, seed: int) -> SpikingClassifier:
        """The network with its initial weights, which depend on `seed` alone."""
        return SpikingClassifier(self, torch_generator(seed, "weights"))


def surrogate_slope(distance: torch.Tensor) -> torch.Tensor:
    """1 / (1 + k |v - v_threshold|)^2 for the distance from threshold, v - v_threshold, in mV."""
    return (1.0 + SURROGATE_SLOPE * distance.abs()).square().reciprocal()


class _Spike(torch.autograd.Function):
    """The step at threshold, with the surrogate on the way back.

    snnTorch's own spikes and hands its gradient on in 32 bits, whatever it is given.
    """

    @staticmethod
    def forward(ctx: Any, distance: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(distance)
        return (distance > 0).to(distance.dtype)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> torch.Tensor:
        (distance,) = ctx.saved_tensors
        return gradients[0] * surrogate_slope(distance)


class SpikingClassifier(nn.Module):
    """The trainable network; weights of shape (n_out, n_in) in mV."""

    def __init__(self, description: SpikingMLP, generator: torch.Generator) -> None:
        import snntorch

        super().__init__()
        self.description = description
        self.beta = math.exp(-description.dt_ms / description.tau_m_ms)
        known = len(snntorch.SpikingNeuron.instances)
        self.membrane = snntorch.Leaky(
            beta=self.beta,
            threshold=description.v_threshold_mv,
            reset_mechanism="none",
            spike_grad=_Spike.apply,
        )
        # snnTorch keeps every neuron it makes in a class-wide list, which would hold its memory.
        del snntorch.SpikingNeuron.instances[known:]
        sizes = description.sizes
        self.weights = nn.ParameterList(
            scaled_uniform((n_out, n_in), math.sqrt(2.0), generator)
            for n_in, n_out in itertools.pairwise(sizes)
        )

    @property
    def n_steps(self) -> int:
        """Number of time steps of a stimulus."""
        return round(self.description.duration_ms / self.description.dt_ms)

    @property
    def decays(self) -> list[float]:
        """What is left of a potential after a time step, by layer."""
        beta, d = float(self.membrane.beta), self.description
        last = d.readout_decay if d.readout == "potential" else beta
        return [*(beta for _ in self.weights[1:]), last]

    def encode(self, x: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        """Spikes of shape (steps, batch, pixels) for intensities of shape (batch, pixels)."""
        drawn = torch.rand((self.n_steps, *x.shape), generator=generator)
        return self.input_spikes(x, drawn.to(x.device))

    def input_spikes(self, x: torch.Tensor, drawn: torch.Tensor) -> torch.Tensor:
        """Spikes of the shape of `drawn`, uniform in [0, 1), whose last axes are those of x."""
        probability = x * (self.description.max_rate_hz * self.description.dt_ms / 1000.0)
        return (drawn < probability).to(x.dtype)

    def forward(self, spikes: torch.Tensor) -> list[torch.Tensor]:
        """Spike counts of each layer, shape (batch, neurons); input (steps, batch, pixels).

        The last is the class score: of a readout that does not spike, the mean potential in mV.
        """
        found = []
        for layer, weight in enumerate(self.weights):
            if layer:  # what was emitted in a step arrives in the next
                spikes = torch.cat((torch.zeros_like(spikes[:1]), spikes[:-1]))
            # Nothing comes back from above: a layer's input is one product for all steps.
            drives = nn.functional.linear(spikes, weight)
            if layer == len(self.weights) - 1 and self.description.readout == "potential":
                found.append(self._mean_potential(drives))
                break
            spikes = self._spikes(drives)
            found.append(spikes.sum(0))
        return found

    def _mean_potential(self, drives: torch.Tensor) -> torch.Tensor:
        """Mean over the steps of leaky integrators' potential; input (steps, batch, neurons)."""
        v, total = torch.zeros_like(drives[0]), torch.zeros_like(drives[0])
        for drive in drives.unbind():
            v = self.description.readout_decay * v + drive
            total = total + v
        return total / len(drives)

    def _spikes(self, drives: torch.Tensor) -> torch.Tensor:
        """Spikes of a layer for its input; both of shape (steps, batch, neurons)."""
        membrane, threshold = self.membrane, self.description.v_threshold_mv
        v = torch.zeros_like(drives[0])
        emitted = []
        for drive in drives.unbind():  # to index them would make the way back several times slower
            # Called as a whole, `Leaky` would find out whom to reset all the same.
            membrane.mem = v
            v = membrane.state_function(drive)
            fired = membrane.fire(v)
            v = v - threshold * fired.detach()
            emitted.append(fired)
        del membrane.mem  # it would hold the graph
        return torch.stack(emitted)

    def to_spiking_network(self) -> SpikingNetwork:
        """The same network as a description that every backend runs.

        A readout that does not spike has a threshold out of reach, and its spikes are not recorded.
        """
        d = self.description
        names = d.populations
        populations: dict[str, SpikeSource | Neurons] = {
            "input": SpikeSource(model="spike_source", size=d.sizes[0])
        }
        for name, size in zip(names[1:], d.sizes[1:], strict=True):
            populations[name] = LIF(
                size=size,
                tau_m_ms=d.tau_m_ms,
                v_threshold_mv=d.v_threshold_mv,
                reset="subtract",
            )
        record = None
        if d.readout == "potential":
            # The shortest time constant of which a 64-bit float still holds the decay.
            tau_ms = d.dt_ms / -math.log(d.readout_decay) if d.readout_decay else d.dt_ms / 700.0
            record = tuple(names[1:-1])
            populations["output"] = LIF(
                size=d.sizes[-1], tau_m_ms=tau_ms, v_threshold_mv=_OUT_OF_REACH_MV
            )
        projections = tuple(
            Projection(source=a, target=b, weight_mv=_matrix(w))
            for a, b, w in zip(names[:-1], names[1:], self.weights, strict=True)
        )
        return SpikingNetwork(
            name=d.name,
            description=d.description,
            reference=d.reference,
            populations=populations,
            projections=projections,
            record=record,
            dt_ms=d.dt_ms,
        )


def _matrix(weight: torch.Tensor) -> np.ndarray:
    return weight.detach().cpu().numpy().T.astype(np.float64)
