"""A convolutional classifier whose spikes' times carry the information.

Neurons and input are those of `spikelearn.networks.latency_mlp`, but convolutional layers have the
time step `dt_ms` of the engines (`spikelearn.simulation`), so that the exported network has their
spikes. Their neurons fire once at most; of `pool` x `pool` neighbours in a map the first spike goes
on (Mozafari et al. 2018, doi:10.1109/TNNLS.2018.2826721). The output neuron that fires first says
the class; when it does has no time step.
"""

from __future__ import annotations

import itertools
import math
from typing import Any, Literal

import numpy as np
import torch
from pydantic import Field, ValidationInfo, field_validator, model_validator
from torch import nn

from spikelearn._seeding import torch_generator
from spikelearn._time_steps import nearest_slots, nearest_step
from spikelearn.networks import spike_times
from spikelearn.networks._spiking_classifier import population_names
from spikelearn.networks.connectivity import Convolution, Pairs
from spikelearn.networks.latency_mlp import FirstSpikes, LatencyNetwork, LatencySettings
from spikelearn.networks.mlp import ImageInput, ImageShape
from spikelearn.networks.neurons import LIF, SpikeSource
from spikelearn.networks.spiking import Population, Projection, SpikingNetwork
from spikelearn.networks.synapses import ExponentialSynapse

_AT_ONCE = 50  # samples whose potentials are held together


class LatencyCNN(ImageInput, LatencySettings):
    """Description of the classifier; `build` makes the network.

    Layer i has `channels[i]` maps with square kernels of side `kernel_size`, moved by `stride`, and
    `padding` pixels around the image that never spike; each is one number for all layers, or a list
    of one for each. `pool[i]` is the side of the squares of which the first spike goes on. A
    layer whose kernels are as large as the maps below is fully connected to them.
    """

    kind: Literal["latency_cnn"] = "latency_cnn"
    name: str = Field(min_length=1)
    description: str = ""
    reference: str = ""
    input_shape: ImageShape = Field(description="channels, height, width")
    channels: tuple[int, ...] = Field(min_length=1)
    kernel_size: int | tuple[int, ...] = Field(default=5, description="side of the kernels")
    stride: int | tuple[int, ...] = Field(default=1, description="pixels from a kernel to the next")
    padding: int | tuple[int, ...] | None = Field(
        default=None, description="pixels around the image that never spike; 0 if absent"
    )
    pool: tuple[int, ...] = Field(description="side of the square whose first spike goes on")
    n_classes: int = Field(default=10, ge=2)

    @field_validator("input_shape", "channels")
    @classmethod
    def _positive(cls, sizes: tuple[int, ...]) -> tuple[int, ...]:
        if min(sizes) < 1:
            raise ValueError("every layer needs at least one neuron")
        return sizes

    @field_validator("kernel_size", "stride", "padding")
    @classmethod
    def _of_each_layer(cls, given: Any, info: ValidationInfo) -> Any:
        least, n = 0 if info.field_name == "padding" else 1, len(info.data.get("channels", ()))
        each = given if isinstance(given, tuple) else (0 if given is None else given,) * n
        if len(each) != n or min(each, default=least) < least:
            raise ValueError(
                f"give a number of at least {least}, or one for each of the {n} convolutional"
                f" layers, found {list(each)}"
            )
        return given

    @field_validator("pool")
    @classmethod
    def _one_a_layer(cls, pool: tuple[int, ...], info: ValidationInfo) -> tuple[int, ...]:
        n = len(info.data.get("channels", pool))
        if len(pool) != n or min(pool) < 1:
            raise ValueError(
                f"give a number of at least 1 for each of the {n} convolutional layers, found"
                f" {list(pool)}"
            )
        return pool

    @model_validator(mode="after")
    def _shapes(self) -> LatencyCNN:
        for field in ("latency_ms", "duration_ms"):
            steps = getattr(self, field) / self.dt_ms
            if abs(steps - round(steps)) > 1e-9 * steps:
                raise ValueError(f"{field} must be a multiple of dt_ms ({self.dt_ms:g} ms)")
        if min(min(shape) for shape in self.shapes) < 1:
            raise ValueError(
                f"kernel_size and pool make an image of {self.input_shape[1]} x"
                f" {self.input_shape[2]} vanish"
            )
        return self

    def _each(self, field: str) -> tuple[int, ...]:
        """What a field says of each convolutional layer."""
        given = getattr(self, field) or 0
        return given if isinstance(given, tuple) else (given,) * len(self.channels)

    @property
    def kernels(self) -> list[tuple[int, int, int]]:
        """Side, stride and padding of each convolutional layer's kernels."""
        fields = (self._each(field) for field in ("kernel_size", "stride", "padding"))
        return list(zip(*fields, strict=True))

    @property
    def shapes(self) -> list[ImageShape]:
        """Input and pooled maps of every layer: channels, height, width."""
        shapes = [self.input_shape]
        for index, pool in enumerate(self.pool):
            channels, rows, columns = self.unpooled(index, shapes[-1])
            shapes.append((channels, max(0, rows) // pool, max(0, columns) // pool))
        return shapes

    def unpooled(self, index: int, below: ImageShape) -> ImageShape:
        """Maps of a layer before the first spikes of squares are taken, from those below."""
        size, stride, padding = self.kernels[index]
        rows, columns = ((n + 2 * padding - size) // stride + 1 for n in below[1:])
        return self.channels[index], rows, columns

    @property
    def fans_in(self) -> tuple[int, ...]:
        """Inputs of a neuron, by layer."""
        below = zip(self.shapes[:-1], self.kernels, strict=True)
        return (*(shape[0] * size**2 for shape, (size, *_) in below), math.prod(self.shapes[-1]))

    @property
    def n_steps(self) -> int:
        """Time steps of a stimulus."""
        return nearest_step(self.duration_ms, self.dt_ms)

    @property
    def max_spikes(self) -> int:
        """Of a hidden neuron."""
        return 1

    @property
    def readout(self) -> str:
        """What says the class."""
        return "first_spike"

    @property
    def populations(self) -> list[str]:
        """Names of the populations, from the input to the output."""
        return population_names(len(self.channels))

    def build(self, seed: int) -> LatencyConvolutional:
        """The network with its initial weights, which depend on `seed` alone."""
        return LatencyConvolutional(self, torch_generator(seed, "weights"))


class LatencyConvolutional(LatencyNetwork):
    """The trainable network: kernels (maps, maps below, side, side), output (n_out, n_in), in mV.

    Neurons of a layer are numbered map by map, row by row.
    """

    description: LatencyCNN

    def __init__(self, description: LatencyCNN, generator: torch.Generator) -> None:
        d = description
        shapes: list[tuple[int, ...]] = [
            (above[0], below[0], side, side)
            for (below, above), (side, *_) in zip(
                itertools.pairwise(d.shapes), d.kernels, strict=True
            )
        ]
        super().__init__(d, [*shapes, (d.n_classes, math.prod(d.shapes[-1]))], generator)

    def forward(self, x: torch.Tensor) -> FirstSpikes:
        """First spikes for intensities of shape (batch, pixels)."""
        return self.first_spikes(x)

    @torch.no_grad()
    def first_spikes(self, x: torch.Tensor) -> FirstSpikes:
        """First spikes for intensities of shape (batch, pixels)."""
        parts = [self._first_spikes(part) for part in x.split(_AT_ONCE)]
        if len(parts) == 1:
            return parts[0]
        layers = range(len(self.weights))
        return FirstSpikes(
            [torch.cat([part.arrive[i] for part in parts]) for i in layers],
            [torch.cat([part.counts[i] for part in parts]) for i in layers[:-1]],
            [torch.cat([part.maps[i] for part in parts]) for i in layers[:-1]],
            torch.cat([part.output for part in parts]),
            torch.cat([part.highest_mv for part in parts]),
        )

    def _first_spikes(self, x: torch.Tensor) -> FirstSpikes:
        d = self.description
        arrive, maps = [d.input_clock(x)], []
        n_slots = d.n_input_slots
        for index, pool in enumerate(d.pool):
            images = self._fire(self._drive(index, arrive[-1], n_slots))
            maps.append(images.flatten(2))
            pooled = nn.functional.max_pool2d(images, pool)  # u runs down: the first spike
            arrive.append(self._delayed(pooled.flatten(1), 1 if pool == 1 else 2))
            n_slots = d.n_steps
        drive = self._drive(len(d.pool), arrive[-1], n_slots)
        nothing = drive.new_zeros(0, dtype=torch.int64)
        u = d.clock(n_slots, x).expand(len(x), -1)
        state = spike_times.driven(spike_times.Volley(u, self.u_end, nothing, nothing), drive)
        fired = spike_times.fire(state, d.v_threshold_mv, 1)
        output = spike_times.first(fired, (len(x), d.n_classes), x)
        counts = [(u > 0.0).to(u.dtype) for u in arrive[1:]]
        return FirstSpikes(arrive, counts, maps, output, spike_times.peak(state).v)

    def _drive(self, index: int, below: torch.Tensor, n_slots: int) -> torch.Tensor:
        """Jumps of the current at the first multiples of dt_ms, (batch, slots, *neurons)."""
        d, weight = self.description, self.weights[index]
        slot = nearest_slots((self.time_ms(below) / d.dt_ms).clamp(0, n_slots - 1))
        spikes = below.new_zeros(len(below), n_slots, below.shape[1])
        spikes.scatter_(1, slot.unsqueeze(1), (below > 0.0).to(below.dtype).unsqueeze(1))
        if weight.dim() == 2:
            return spikes @ weight.T
        images, (_, stride, padding) = spikes.view(-1, *d.shapes[index]), d.kernels[index]
        drive = nn.functional.conv2d(images, weight, stride=stride, padding=padding)
        return drive.unflatten(0, (len(below), n_slots))

    def _fire(self, drive: torch.Tensor) -> torch.Tensor:
        """The clock at the first spikes, step by step; 0 where there is none."""
        d = self.description
        beta = math.exp(-d.dt_ms / d.tau_m_ms)
        alpha = beta * beta
        current = drive[:, 0].clone()
        v, steps = (torch.zeros_like(current) for _ in range(2))
        silent = torch.ones_like(current, dtype=torch.bool)
        for step in range(1, d.n_steps):
            steps += silent
            v.mul_(beta).add_(current, alpha=beta - alpha)
            current.mul_(alpha)
            if step < drive.shape[1]:
                current += drive[:, step]
            silent &= v <= d.v_threshold_mv
        u = torch.exp(-steps * (d.dt_ms / d.tau_m_ms))
        return torch.where(silent, 0.0, u)

    def _delayed(self, u: torch.Tensor, n_steps: int) -> torch.Tensor:
        """The clock so many steps later; 0 past the end."""
        d = self.description
        later = u * math.exp(-n_steps * d.dt_ms / d.tau_m_ms)
        return torch.where(later > self.u_end * math.exp(0.5 * d.dt_ms / d.tau_m_ms), later, 0.0)

    def seen(self, index: int, below: torch.Tensor, place: torch.Tensor) -> torch.Tensor:
        """First spikes that reach neurons of a layer, (batch, neurons, inputs of a neuron)."""
        d = self.description
        if index == len(self.weights) - 1:
            return super().seen(index, below, place)
        images = below.view(-1, *d.shapes[index])
        size, stride, padding = d.kernels[index]
        patches = nn.functional.unfold(images, size, stride=stride, padding=padding)
        return patches.gather(2, place.unsqueeze(1).expand(-1, patches.shape[1], -1)).mT

    def to_spiking_network(self) -> SpikingNetwork:
        """The same network as a description that every backend runs, in time steps of `dt_ms`.

        Every neuron is refractory for the rest of the stimulus, so that it fires once. Squares of
        which the first spike goes on are neurons that any spike makes fire, a time step later. An
        output neuron fires at the end of the time step in which it does here.
        """
        d = self.description
        once: dict[str, Any] = {"refractory_ms": d.duration_ms, "tau_m_ms": d.tau_m_ms}
        populations: dict[str, Population] = {
            "input": SpikeSource(model="spike_source", size=d.n_inputs)
        }
        projections = []
        synapse = ExponentialSynapse(model="exponential", tau_ms=d.tau_m_ms / 2.0)
        source, names = "input", d.populations[1:]
        for index, name in enumerate(names[:-1]):
            shape, pool = d.unpooled(index, d.shapes[index]), d.pool[index]
            size, stride, padding = d.kernels[index]
            populations[name] = LIF(size=math.prod(shape), v_threshold_mv=d.v_threshold_mv, **once)
            convolution = Convolution(
                kind="convolution",
                input_shape=d.shapes[index],
                channels=shape[0],
                kernel_size=size,
                stride=stride,
                padding=padding,
            )
            kernel = self.weights[index].detach().cpu().numpy().astype(np.float64)
            projections.append(
                Projection(
                    source=source,
                    target=name,
                    synapse=synapse,
                    weight_mv=kernel,
                    connectivity=convolution,
                )
            )
            source = name
            if pool > 1:
                source = f"{name}_first"
                size = math.prod(d.shapes[index + 1])
                populations[source] = LIF(size=size, v_threshold_mv=0.5, **once)
                projections.append(_squares(name, source, shape, pool))
        populations["output"] = LIF(size=d.n_classes, v_threshold_mv=d.v_threshold_mv, **once)
        readout = self.weights[-1].detach().cpu().numpy().T.astype(np.float64)
        projections.append(
            Projection(source=source, target="output", synapse=synapse, weight_mv=readout)
        )
        return SpikingNetwork(
            name=d.name,
            description=d.description,
            reference=d.reference,
            populations=populations,
            projections=tuple(projections),
            dt_ms=d.dt_ms,
        )


def _squares(source: str, target: str, shape: ImageShape, pool: int) -> Projection:
    """One synapse from every neuron to its square; what is left over at the edge has none.

    A neuron at rest fires at any spike, being 1 mV where its threshold is 0.5.
    """
    channels, rows, columns = shape
    number = np.arange(math.prod(shape)).reshape(shape)
    inside = number[:, : rows // pool * pool, : columns // pool * pool]
    channel, row, column = np.unravel_index(inside.ravel(), shape)
    squares = (channels, rows // pool, columns // pool)
    post = np.ravel_multi_index((channel, row // pool, column // pool), squares)
    pairs = Pairs(kind="pairs", pre=inside.ravel(), post=post)
    return Projection(source=source, target=target, weight_mv=1.0, connectivity=pairs)
