"""A feed-forward classifier of spikes whose times carry the information, without a time step.

Layers of LIF neurons with exponential current synapses, simulated from event to event with exact
spike times (`spikelearn.networks.spike_times`). A bright pixel spikes early and once, a dark one
not at all. The class is said by the output neuron that fires first, or by the highest potential of
output neurons that do not fire.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
import torch
from pydantic import Field, model_validator
from torch import nn

from spikelearn._description import Description
from spikelearn._seeding import torch_generator
from spikelearn._time_steps import nearest_slots, nearest_step
from spikelearn.networks import spike_times
from spikelearn.networks._spiking_classifier import SpikingClassifierDescription
from spikelearn.networks.layers import scaled_uniform
from spikelearn.networks.neurons import LIF, SpikeSource
from spikelearn.networks.spiking import Population, Projection, SpikingNetwork
from spikelearn.networks.synapses import ExponentialSynapse

# Time step, in ms, of an exported network, and a threshold, in mV, that its readout never reaches.
_EXPORT_DT_MS = 0.01
_OUT_OF_REACH_MV = 1e9
# Beyond so many time constants, 1 / u^2 and what it is added to no longer fit 32 bits together.
_LONGEST = 20.0


class LatencySettings(Description):
    """What networks of spike times have in common: neurons, input, and the scale of weights.

    A pixel of intensity x >= `min_intensity` spikes once, at `latency_ms` * (1 - x), rounded to a
    multiple of `dt_ms`. The synapses' time constant is half the membrane's, which makes spike times
    closed forms. Layers start with weights of mean `weight_mean` / inputs and standard deviation
    `weight_sd` / sqrt(inputs), in mV of current.
    """

    tau_m_ms: float = Field(default=10.0, gt=0)
    v_threshold_mv: float = Field(default=1.0, gt=0, description="above rest, in mV")
    latency_ms: float = Field(default=10.0, gt=0, description="of the faintest pixel")
    min_intensity: float = Field(default=0.1, ge=0, le=1)
    duration_ms: float = Field(default=30.0, gt=0)
    dt_ms: float = Field(default=0.5, gt=0)
    weight_mean: tuple[float, ...] | float = 4.0
    weight_sd: tuple[float, ...] | float = 8.0

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.latency_ms >= self.duration_ms:
            raise ValueError("latency_ms must be shorter than duration_ms")
        if self.duration_ms > _LONGEST * self.tau_m_ms:
            raise ValueError(
                f"duration_ms may be {_LONGEST:g} times tau_m_ms at most, or numbers overflow"
            )
        for field in (self.weight_mean, self.weight_sd):
            if isinstance(field, tuple) and len(field) != len(self.fans_in):
                raise ValueError("weight_mean and weight_sd are one number, or one a layer")
        return self

    @property
    def fans_in(self) -> tuple[int, ...]:
        """Inputs of a neuron, by layer."""
        raise NotImplementedError

    @property
    def scales(self) -> list[tuple[float, float]]:
        """`weight_mean` and `weight_sd` of each layer."""
        n = len(self.fans_in)
        mean, sd = (
            field if isinstance(field, tuple) else (field,) * n
            for field in (self.weight_mean, self.weight_sd)
        )
        return list(zip(mean, sd, strict=True))

    @property
    def n_input_slots(self) -> int:
        """Moments at which input may spike."""
        return nearest_step(self.latency_ms, self.dt_ms) + 1

    def input_slots(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """At which of these moments each pixel of intensity x spikes, and whether it does."""
        slot = nearest_slots((1.0 - x.clamp(0.0, 1.0)) * (self.latency_ms / self.dt_ms))
        return slot, x >= max(self.min_intensity, 1e-12)

    def input_clock(self, x: torch.Tensor) -> torch.Tensor:
        """The clock at each pixel's spike; 0 where it has none."""
        slot, spikes = self.input_slots(x)
        return torch.where(spikes, self.clock(self.n_input_slots, x)[slot], 0.0)

    def clock(self, n_slots: int, like: torch.Tensor) -> torch.Tensor:
        """The clock exp(-t / tau_m_ms) at the first multiples of dt_ms."""
        times_ms = torch.arange(n_slots, device=like.device, dtype=torch.float64) * self.dt_ms
        return torch.exp(-times_ms / self.tau_m_ms).to(like.dtype)


class LatencyMLP(SpikingClassifierDescription, LatencySettings):
    """Description of the classifier; `build` makes the network.

    `dt_ms` is the resolution of the input alone, for other spikes have any time.
    """

    kind: Literal["latency_mlp"] = "latency_mlp"
    max_spikes: int = Field(
        default=8, ge=1, description="of a hidden neuron, which is silent after them"
    )
    readout: Literal["first_spike", "potential"] = "potential"

    @property
    def fans_in(self) -> tuple[int, ...]:
        """Inputs of a neuron, by layer."""
        return self.sizes[:-1]

    def build(self, seed: int) -> LatencyClassifier:
        """The network with its initial weights, which depend on `seed` alone."""
        return LatencyClassifier(self, torch_generator(seed, "weights"))


@dataclass(frozen=True)
class LatencyLayer:
    """A layer for a batch: what came in and out.

    Attributes
    ----------
    state : Potential
    spikes : list of Spikes
        The first ones of each neuron, the second ones ...; none where neurons do not fire.
    place : tensor, int64
        Where each spike is in the next layer's volley (sample * slots + slot).
    peak : Peak or None
        Of the output layer: highest potentials, as if it did not fire.
    """

    state: spike_times.Potential
    spikes: list[spike_times.Spikes]
    place: torch.Tensor
    peak: spike_times.Peak | None


@dataclass(frozen=True)
class FirstSpikes:
    """When every neuron first fires; clocks exp(-t / tau_m_ms), 0 of neurons that do not fire.

    Attributes
    ----------
    arrive : list of tensor of shape (batch, neurons)
        First spikes of the input and of each hidden layer, as the next layer receives them.
    counts : list of tensor of shape (batch, neurons)
        How often each neuron of a hidden layer fires.
    maps : list of tensor of shape (batch, rows of the weights, places)
        Spikes of every hidden layer's neurons; those that share weights stand in one row.
    output : tensor of shape (batch, n_classes)
    highest_mv : tensor of shape (batch, n_classes)
        Highest potentials of the output neurons, as if they did not fire.
    """

    arrive: list[torch.Tensor]
    counts: list[torch.Tensor]
    maps: list[torch.Tensor]
    output: torch.Tensor
    highest_mv: torch.Tensor


class LatencyNetwork(nn.Module):
    """A trainable network of spike times: weights by layer, in mV."""

    def __init__(
        self, description: Any, shapes: Sequence[tuple[int, ...]], generator: torch.Generator
    ) -> None:
        super().__init__()
        self.description = description
        self.u_end = math.exp(-description.duration_ms / description.tau_m_ms)
        self.weights = nn.ParameterList()
        for shape, (mean, sd) in zip(shapes, description.scales, strict=True):
            drawn = scaled_uniform(shape, sd, generator)
            self.weights.append(nn.Parameter(drawn + mean / math.prod(shape[1:])))

    def time_ms(self, u: torch.Tensor) -> torch.Tensor:
        """Time since the start of the stimulus at which the clock shows `u`."""
        return -self.description.tau_m_ms * u.log()

    def scores(
        self,
        output: torch.Tensor,
        highest_mv: torch.Tensor,
        softness_ms: float = 1.0,
        silence: float = 1.0,
    ) -> torch.Tensor:
        """How early each output neuron fires, in units of `softness_ms`, negative.

        One that does not fire scores as if it did at the end, less `silence` times what its highest
        potential lacks of the threshold, in units of that.

        Parameters
        ----------
        output : tensor of shape (batch, n_out)
            What stands for the first spike of each output neuron; 0 where there is none.
        highest_mv : tensor of shape (batch, n_out)
            The highest potential that each output neuron reached.
        softness_ms : float
            The unit of time of a score.
        silence : float
            How much a potential that stays below the threshold counts.
        """
        d = self.description
        lacking = silence * (1.0 - highest_mv / d.v_threshold_mv)
        late = -d.duration_ms / softness_ms - lacking
        return torch.where(output > 0.0, -self.time_ms(output) / softness_ms, late)

    def first_spikes(self, x: torch.Tensor) -> FirstSpikes:
        """First spikes for intensities of shape (batch, pixels)."""
        raise NotImplementedError

    def to_spiking_network(self) -> SpikingNetwork:
        """The same network as a description that every backend runs."""
        raise NotImplementedError

    def seen(self, index: int, below: torch.Tensor, place: torch.Tensor) -> torch.Tensor:
        """First spikes that reach neurons of a layer, (batch, neurons, inputs of a neuron).

        Parameters
        ----------
        index : int
            Of the layer.
        below : tensor of shape (batch, neurons below)
        place : tensor of shape (batch, neurons), int64
            Where each of them stands among those that share its weights.
        """
        return below.unsqueeze(1).expand(-1, place.shape[1], -1)


class LatencyClassifier(LatencyNetwork):
    """The trainable network; weights of shape (n_out, n_in) in mV."""

    description: LatencyMLP

    def __init__(self, description: LatencyMLP, generator: torch.Generator) -> None:
        shapes = [(n_out, n_in) for n_in, n_out in itertools.pairwise(description.sizes)]
        super().__init__(description, shapes, generator)

    def encode(self, x: torch.Tensor) -> spike_times.Volley:
        """Input spikes for intensities of shape (batch, pixels)."""
        d = self.description
        n_slots = d.n_input_slots
        u = d.clock(n_slots, x).expand(len(x), -1)
        slot, spikes = d.input_slots(x)
        sample, pixel = spikes.nonzero(as_tuple=True)
        place = sample * n_slots + slot[sample, pixel]
        order = place.argsort(stable=True)
        return spike_times.Volley(u, self.u_end, pixel[order], place[order])

    @torch.no_grad()
    def forward(self, x: torch.Tensor) -> list[LatencyLayer]:
        """Every layer's spikes for intensities of shape (batch, pixels)."""
        d, volley = self.description, self.encode(x)
        layers = []
        for index, weight in enumerate(self.weights):
            state = spike_times.potential(volley, weight)
            output = index == len(self.weights) - 1
            silent = output and d.readout == "potential"
            spikes = (
                []
                if silent
                else spike_times.fire(state, d.v_threshold_mv, 1 if output else d.max_spikes)
            )
            volley, place = spike_times.volley_of(spikes, len(x), volley)
            peak = spike_times.peak(state) if output else None
            layers.append(LatencyLayer(state, spikes, place, peak))
        return layers

    @torch.no_grad()
    def first_spikes(self, x: torch.Tensor) -> FirstSpikes:
        """First spikes for intensities of shape (batch, pixels)."""
        layers = self(x)
        arrive, counts = [self.description.input_clock(x)], []
        for layer in layers:
            shape = (len(x), layer.state.a.shape[2])
            arrive.append(spike_times.first(layer.spikes, shape, x))
            counts.append(spike_times.counts(layer.spikes, shape, x))
        output, peak = arrive.pop(), layers[-1].peak
        assert peak is not None  # noqa: S101 - for the type checker
        return FirstSpikes(
            arrive, counts[:-1], [u.unsqueeze(2) for u in arrive[1:]], output, peak.v
        )

    def to_spiking_network(self) -> SpikingNetwork:
        """The same network as a description that every backend runs, in time steps of 0.01 ms.

        Spikes come late by up to a time step a layer; `max_spikes` has no counterpart there. A
        readout that does not spike has a threshold out of reach, and its spikes are not recorded.
        """
        d = self.description
        names = d.populations
        populations: dict[str, Population] = {
            "input": SpikeSource(model="spike_source", size=d.sizes[0])
        }
        for name, size in zip(names[1:], d.sizes[1:], strict=True):
            silent = name == "output" and d.readout == "potential"
            populations[name] = LIF(
                size=size,
                tau_m_ms=d.tau_m_ms,
                v_threshold_mv=_OUT_OF_REACH_MV if silent else d.v_threshold_mv,
            )
        synapse = ExponentialSynapse(model="exponential", tau_ms=d.tau_m_ms / 2.0)
        projections = tuple(
            Projection(
                source=a,
                target=b,
                synapse=synapse,
                weight_mv=w.detach().cpu().numpy().T.astype(np.float64),
            )
            for a, b, w in zip(names[:-1], names[1:], self.weights, strict=True)
        )
        return SpikingNetwork(
            name=d.name,
            description=d.description,
            reference=d.reference,
            populations=populations,
            projections=projections,
            record=tuple(names[1:-1]) if d.readout == "potential" else None,
            dt_ms=_EXPORT_DT_MS,
        )
