"""The trainable network that `SpikingCNN` describes, and the `SpikingNetwork` that it equals.

Its layers are those of the convolutional network of rates (`spikelearn.networks.cnn`): what
synapses bring to a neuron, normalised, is its drive, here once in every time step,

    z[t] = W * h[t-1] + b + (h[t-1], in a residual layer),   y = normalised z,
    v[t] = beta v[t-1] + y[t],  a spike where v[t] > v_threshold, then reset      (`lif_scan.py`)
    h[t] = pooled spikes, and in training, thinned by dropout: the same neurons in all steps

Max pooling of spikes is a neuron that any spike in its square makes fire, a step later; average
pooling is part of the synapses above. Batch normalisation is over all steps, images and positions
in an update, and an affine map of each channel everywhere else, so that it is folded into weights
and biases (`folded_synapses.py`); weights that are standardised fold likewise.

A layer begins with the step in which the input can reach it, and so do its biases: what is emitted
in a step arrives in the next. Counts are over the whole stimulus; what comes too late to reach the
output is left out of an update, which it could not change.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any, cast

import numpy as np
import torch
from torch import nn

from spikelearn._errors import SpikelearnError
from spikelearn._time_steps import nearest_slots
from spikelearn.networks import library_membranes, lif_scan
from spikelearn.networks.convolution import Convolution
from spikelearn.networks.layers import Dense, Layer, RateNetwork
from spikelearn.networks.on_off_filters import on_off
from spikelearn.networks.spiking import SpikingNetwork
from spikelearn.networks.spiking_mlp import SpikingClassifier, surrogate_slope
from spikelearn.networks.standardised_weights import OF_SPIKES, StandardisedConvolution
from spikelearn.networks.surrogates import Psi


class SpikingConvolutional(SpikingClassifier):
    """The trainable network: `synapses` has its layers, weights are in mV.

    Neurons of a layer are numbered map by map, row by row.
    """

    description: Any  # a SpikingCNN, which makes it
    convolutional = True

    def __init__(self, description: Any, generator: torch.Generator) -> None:
        nn.Module.__init__(self)  # of the other kind's weights there are none
        self.description = description
        shapes = description.convolutions()
        layers: list[Layer] = []
        for index, (shape, start) in enumerate(
            zip(shapes, description.initial_kernels_mv(), strict=True)
        ):
            if shape.norm == "weights":
                spikes = index > 0 or description.input != "current"
                gain = OF_SPIKES if spikes else 1.0
                layers.append(StandardisedConvolution(shape, "relu", generator, gain))
            else:
                layers.append(_begun(Convolution(shape, "relu", generator), *start))
        dropouts = (*description._each("dropout", 0.0)[len(shapes) :], 0.0)
        norms = [*description.dense_norms(), (None, 1)]
        sizes = (shapes[-1].out_shape, *description.hidden, description.n_classes)
        for index, (n_in, n_out) in enumerate(itertools.pairwise(sizes)):
            activation = "identity" if index == len(description.hidden) else "relu"
            layers.append(Dense(n_in, n_out, activation, generator, dropouts[index], norms[index]))
        self.synapses = RateNetwork(layers, description.kind)
        self.decay_logits = nn.ParameterList()
        if description.learn_tau:
            beta = math.exp(-description.dt_ms / description.tau_m_ms)
            # beta = 1 / (1 + exp(-a)) stays between 0 and 1 whatever a is.
            start = torch.tensor(math.log(beta / (1.0 - beta)))
            self.decay_logits.extend(start.clone() for _ in layers[1:])
        self.recurrent = nn.ParameterList()

    def __iter__(self) -> Iterator[Layer]:
        """The layers' synapses, first to last."""
        return iter(self.synapses)

    @property
    def is_learning(self) -> bool:
        """Whether this is within an update: normalised by the batch, and thinned by dropout."""
        return self.synapses.is_learning

    @property
    def couples_samples(self) -> bool:
        """Whether an update has statistics of the batch in it."""
        return self.synapses.couples_samples

    def learning(
        self, masks: dict[int, torch.Tensor], moves_means: bool = True
    ) -> AbstractContextManager[None]:
        """See `RateNetwork.learning`.

        Parameters
        ----------
        masks : mapping of int to tensor of shape (batch, *out_shape)
        moves_means : bool
        """
        return self.synapses.learning(masks, moves_means)

    @property
    def weights(self) -> list[nn.Parameter]:  # type: ignore[override]
        """Kernels and matrices of the layers, first to last."""
        return self.synapses.weights()

    def beta_of(self, layer: int) -> torch.Tensor | None:
        """What is left of a potential after a step, where the layer learns it."""
        spiking = layer < len(self.decay_logits)
        return torch.sigmoid(self.decay_logits[layer]) if spiking else None

    @property
    def decays(self) -> list[float]:
        """What is left of a potential after a time step, by layer."""
        d = self.description
        beta = math.exp(-d.dt_ms / d.tau_m_ms)
        learned = [float(torch.sigmoid(a.detach())) for a in self.decay_logits]
        hidden = learned or [beta] * (len(self.synapses) - 1)
        return [*hidden, d.readout_decay if d.readout == "potential" else beta]

    def neurons(self, layer: int) -> lif_scan.Neurons:
        """What the neurons of a layer have in common."""
        d = self.description
        return lif_scan.Neurons(self.decays[layer], d.v_threshold_mv, zero=d.reset == "zero")

    def seen(self, x: torch.Tensor) -> torch.Tensor:
        """What the input's cells see of intensities of shape (batch, pixels), (batch, cells)."""
        images = x.reshape(len(x), *self.description.input_shape)
        return (on_off(images) if self.description.on_off else images).flatten(1)

    @property
    def n_reached(self) -> int:
        """Steps in which the input can have reached the output."""
        return self.n_steps - self.description.begins[-1]

    @property
    def n_drawn(self) -> int:
        """Random numbers that decide about the spikes of an image in a step; none of others."""
        return math.prod(self.description.seen_shape) if self.description.input == "rate" else 0

    def input_spikes(self, x: torch.Tensor, drawn: torch.Tensor) -> torch.Tensor:
        """Spikes of shape (steps, batch, cells) for intensities of shape (batch, pixels).

        Of a current, the current, in one step.

        Parameters
        ----------
        x : tensor of shape (batch, pixels)
        drawn : tensor of shape (steps, batch, n_drawn)
            Uniform in [0, 1).
        """
        d, seen = self.description, self.seen(x)
        if d.input == "current":
            return seen.unsqueeze(0)
        if d.input == "rate":
            return (drawn < seen * (d.max_rate_hz * d.dt_ms / 1000.0)).to(x.dtype)
        slot = nearest_slots((1.0 - seen.clamp(0.0, 1.0)) * (d.latency_ms / d.dt_ms))
        fires = (seen >= max(d.min_intensity, 1e-12)) & (slot < self.n_steps)
        spikes = seen.new_zeros(self.n_steps, *seen.shape)
        return spikes.scatter_(
            0, slot.clamp_max(self.n_steps - 1).unsqueeze(0), fires.to(x.dtype).unsqueeze(0)
        )

    def given_spikes(self, x: torch.Tensor) -> torch.Tensor:
        """Spikes of shape (steps, batch, inputs) from spikes of shape (batch, steps, inputs)."""
        d = self.description
        if d.input != "rate" or d.on_off:
            raise SpikelearnError(
                f"model '{d.name}' takes images, not spikes; spikes that are given are counted as"
                " they are where it has input: rate, without on_off"
            )
        return super().given_spikes(x)

    def encode(self, x: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        """What is shown, as `input_spikes` has it; spikes that are given as they are."""
        if x.dim() == 3:
            return self.given_spikes(x)
        drawn = torch.rand((self.n_steps, len(x), self.n_drawn), generator=generator)
        return self.input_spikes(x, drawn.to(x.device))

    def forward(
        self, spikes: torch.Tensor, psi: Psi = surrogate_slope, backend: str = "native"
    ) -> list[torch.Tensor]:
        """Spike counts of each layer's neurons over the stimulus, shape (batch, neurons).

        The last is the class score: of a readout that does not spike, the mean potential in mV
        over the steps in which the input can have reached it.

        Parameters
        ----------
        spikes : tensor of shape (steps, batch, cells)
            As `encode` gives it.
        psi : callable
            Surrogate derivative, a function of the distance from threshold in mV.
        backend : {"native", "snntorch", "norse"}
            Whose neurons.
        """
        steps = [self.n_steps - begin for begin in self.description.begins]
        *emitted, last = self.run(spikes, steps, psi, backend)
        counts = [fired.sum(0).flatten(1) for fired in emitted]
        return [*counts, last if self.description.readout == "potential" else last.sum(0)]

    def scores(
        self, spikes: torch.Tensor, psi: Psi = surrogate_slope, backend: str = "native"
    ) -> torch.Tensor:
        """Class scores alone: every layer runs the steps that can reach the output.

        Parameters
        ----------
        spikes : tensor of shape (steps, batch, cells)
        psi : callable
        backend : {"native", "snntorch", "norse"}
        """
        last = self.run(spikes, [self.n_reached] * len(self.synapses), psi, backend)[-1]
        return last if self.description.readout == "potential" else last.sum(0)

    def run(
        self,
        given: torch.Tensor,
        steps: list[int],
        psi: Psi = surrogate_slope,
        backend: str = "native",
    ) -> list[torch.Tensor]:
        """Spikes of each layer's neurons, (steps, batch, *drive_shape), from the step it begins.

        The last, of a readout that does not spike, is its mean potential, (batch, classes).

        Parameters
        ----------
        given : tensor of shape (steps, batch, cells)
            As `encode` gives it.
        steps : list of int
            Of each layer: none has more than the one below.
        psi : callable
        backend : {"native", "snntorch", "norse"}
        """
        h, emitted = given, []
        for index, n in enumerate(steps):
            if index == len(steps) - 1 and self.description.readout == "potential":
                layer = self.synapses.layers[index]
                mean, weight = self.held(h[:n])
                emitted.append(layer.through(layer.weight, mean, layer.bias * weight))  # type: ignore[operator]
                break
            fired, h = self.through(index, h[:n], n, psi, backend)
            emitted.append(fired)
        return emitted

    def through(
        self,
        index: int,
        h: torch.Tensor,
        n_steps: int,
        psi: Psi = surrogate_slope,
        backend: str = "native",
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Spikes of a layer's neurons in so many steps, and what it sends.

        Parameters
        ----------
        index : int
            Of the layer.
        h : tensor of shape (n_steps, batch, ...)
            What arrives; in one step, if it is a current.
        n_steps : int
        psi : callable
        backend : {"native", "snntorch", "norse"}
        """
        layer: Layer = self.synapses.layers[index]  # type: ignore[assignment]
        drives = self.drives(layer, h)
        if len(drives) < n_steps:  # a current
            drives = drives.expand(n_steps, *drives.shape[1:])
        fired = self._fire(index, drives, psi, backend)
        sent = layer.send(fired.flatten(0, 1)).unflatten(0, fired.shape[:2])
        pooling = layer.pooling
        first = self.description.once and pooling is not None and pooling.kind == "max"
        return fired, first_only(sent) if first else sent

    def drives(self, layer: Layer, h: torch.Tensor) -> torch.Tensor:
        """Normalised drive of each step, (steps, batch, *drive_shape).

        Parameters
        ----------
        layer : Layer
            One of the network's.
        h : tensor of shape (steps, batch, ...)
            What arrives in each.
        """
        z = layer.drive(h.flatten(0, 1))
        return (z if layer.norm is None else layer.norm(z)).unflatten(0, h.shape[:2])

    def _fire(self, index: int, drives: torch.Tensor, psi: Psi, backend: str) -> torch.Tensor:
        neurons, beta = self.neurons(index), self.beta_of(index)
        if backend == "native":
            fired = lif_scan.scan(drives, neurons, psi, beta=beta)
        elif beta is not None:
            raise SpikelearnError(
                f"time constants that learn are trained on native alone, not on {backend}"
            )
        else:
            fired = library_membranes.stepwise(backend, drives, neurons, psi)
        return first_only(fired) if self.description.once else fired

    def held(self, h: torch.Tensor) -> tuple[torch.Tensor, float]:
        """What readout neurons hold on average of what arrives, (batch, inputs), and of a bias.

        Mean over the steps of leaky integrators, before their weights.

        Parameters
        ----------
        h : tensor of shape (steps, batch, ...)
        """
        kept = lif_scan.mean_potential_weights(self.description.readout_decay, len(h), h)
        return torch.einsum("t,tbi->bi", kept, h.flatten(2)), float(kept.sum())

    @torch.no_grad()
    def currents_mv(self, x: torch.Tensor) -> np.ndarray:
        """The current into the first hidden layer that shows images to the exported network.

        Of shape (batch, neurons), as `Stimulus.currents_mv` has it; constant over the stimulus.

        Raises
        ------
        SpikelearnError
            If the network is shown spikes.
        """
        if self.description.input != "current":
            raise SpikelearnError(
                f"model '{self.description.name}' is shown spikes (input:"
                f" {self.description.input}), not currents"
            )
        layer = next(iter(self.synapses))
        drive = self.drives(layer, self.seen(x).unsqueeze(0))[0].flatten(1)
        return cast("np.ndarray", drive.cpu().double().numpy() / (1.0 - self.decays[0]))

    def to_spiking_network(self) -> SpikingNetwork:
        """The same network as a description that every backend runs; see `folded_synapses.py`."""
        from spikelearn.networks.folded_synapses import folded

        return folded(self)


def first_only(spikes: torch.Tensor) -> torch.Tensor:
    """The first spike of each neuron alone; of shape (steps, ...)."""
    before = spikes.detach().cumsum(0) - spikes.detach()
    return spikes * (before == 0.0)


@torch.no_grad()
def _begun(layer: Convolution, mean_mv: float, sd_mv: float | None) -> Convolution:
    """The layer, its kernels of this mean and standard deviation; of another mean alone: moved."""
    if sd_mv is not None:
        layer.weight.mul_(sd_mv * math.sqrt(layer.fan_in / 2.0))  # drawn with the sd sqrt(2 / n)
    if mean_mv:
        layer.weight.add_(mean_mv)
    return layer
