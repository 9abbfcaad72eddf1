"""A feed-forward classifier of spikes whose times carry the information, without a time step.

Layers of LIF neurons with exponential current synapses, simulated from event to event with exact
spike times (`spikelearn.networks.spike_times`). A bright pixel spikes early and once, a dark one
not at all. The class is said by the output neuron that fires first, or by the highest potential of
output neurons that do not fire.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from pydantic import Field, model_validator
from torch import nn

from spikelearn._seeding import torch_generator
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


class LatencyMLP(SpikingClassifierDescription):
    """Description of the classifier; `build` makes the network.

    A pixel of intensity x >= `min_intensity` spikes once, at `latency_ms` * (1 - x), rounded to a
    multiple of `dt_ms`; that is the resolution of the input alone, for other spikes have any time.
    The synapses' time constant is half the membrane's, which makes spike times closed forms. Layers
    start with weights of mean `weight_mean` / inputs and standard deviation `weight_sd` /
    sqrt(inputs), in mV of current.
    """

    kind: Literal["latency_mlp"] = "latency_mlp"
    tau_m_ms: float = Field(default=10.0, gt=0)
    v_threshold_mv: float = Field(default=1.0, gt=0, description="above rest, in mV")
    latency_ms: float = Field(default=10.0, gt=0, description="of the faintest pixel")
    min_intensity: float = Field(default=0.1, ge=0, le=1)
    duration_ms: float = Field(default=30.0, gt=0)
    dt_ms: float = Field(default=0.5, gt=0)
    max_spikes: int = Field(
        default=8, ge=1, description="of a hidden neuron, which is silent after them"
    )
    readout: Literal["first_spike", "potential"] = "potential"
    weight_mean: tuple[float, ...] | float = 4.0
    weight_sd: tuple[float, ...] | float = 8.0

    @model_validator(mode="after")
    def _consistent(self) -> LatencyMLP:
        if self.latency_ms >= self.duration_ms:
            raise ValueError("latency_ms must be shorter than duration_ms")
        if self.duration_ms > _LONGEST * self.tau_m_ms:
            raise ValueError(
                f"duration_ms may be {_LONGEST:g} times tau_m_ms at most, or numbers overflow"
            )
        for field in (self.weight_mean, self.weight_sd):
            if isinstance(field, tuple) and len(field) != len(self.sizes) - 1:
                raise ValueError("weight_mean and weight_sd are one number, or one a layer")
        return self

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


class LatencyClassifier(nn.Module):
    """The trainable network; weights of shape (n_out, n_in) in mV."""

    def __init__(self, description: LatencyMLP, generator: torch.Generator) -> None:
        super().__init__()
        self.description = description
        self.u_end = math.exp(-description.duration_ms / description.tau_m_ms)
        self.weights = nn.ParameterList()
        for layer, (n_in, n_out) in enumerate(itertools.pairwise(description.sizes)):
            mean, sd = (
                field[layer] if isinstance(field, tuple) else field
                for field in (description.weight_mean, description.weight_sd)
            )
            drawn = scaled_uniform((n_out, n_in), sd, generator)
            self.weights.append(nn.Parameter(drawn + mean / n_in))

    def encode(self, x: torch.Tensor) -> spike_times.Volley:
        """Input spikes for intensities of shape (batch, pixels)."""
        d = self.description
        n_slots = math.floor(d.latency_ms / d.dt_ms + 0.5) + 1
        times_ms = torch.arange(n_slots, device=x.device, dtype=torch.float64) * d.dt_ms
        u = torch.exp(-times_ms / d.tau_m_ms).to(x.dtype).expand(len(x), -1)
        slot = ((1.0 - x.clamp(0.0, 1.0)) * (d.latency_ms / d.dt_ms)).round().long()
        sample, pixel = (x >= max(d.min_intensity, 1e-12)).nonzero(as_tuple=True)
        place = sample * n_slots + slot[sample, pixel]
        order = place.argsort(stable=True)
        return spike_times.Volley(u, self.u_end, pixel[order], place[order])

    @torch.no_grad()
    def forward(self, x: torch.Tensor) -> list[LatencyLayer]:
        """Every layer's spikes for intensities of shape (batch, pixels)."""
        d, volley = self.description, self.encode(x)
        found = []
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
            found.append(LatencyLayer(state, spikes, place, peak))
        return found

    def time_ms(self, u: torch.Tensor) -> torch.Tensor:
        """Time since the start of the stimulus at which the clock shows `u`."""
        return -self.description.tau_m_ms * u.log()

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
