"""What OTTT and DECOLLE carry forwards in time in a network of convolutional spiking layers.

As `OnlineLayer` in `_online.py`, for the layers of `spikelearn.networks.spiking_cnn`. The trace is
of what the synapses see, which is pooled and thinned; a bias is a synapse from an input of 1 in
every step. Of what time constants do to the potential, too, a neuron holds a trace,

    m[t] = beta m[t-1] + r[t-1],      dv[t] / dbeta, with r the potential that a reset has left.
"""

from __future__ import annotations

import math
from typing import Any

import torch

from spikelearn.networks.layers import Layer
from spikelearn.networks.lif_scan import Neurons
from spikelearn.networks.spiking_convolutional import SpikingConvolutional
from spikelearn.networks.standardised_weights import StandardisedConvolution
from spikelearn.networks.surrogates import Psi


class Gradients:
    """Of what a layer learns: the weights that act, the biases and the decay."""

    def __init__(self, layer: Layer) -> None:
        self.weight = torch.zeros_like(layer.weight)
        self.bias = torch.zeros_like(layer.bias)
        self.decay = layer.weight.new_zeros(())


class OnlineConvolutional:
    """What the synapses and neurons of a layer hold at one time.

    Attributes
    ----------
    trace : tensor of shape (batch, *in_shape)
        What arrived, filtered.
    out : tensor of shape (batch, *out_shape)
        What the layer sends; of neurons that do not spike, the potential.
    slope : tensor of shape (batch, *drive_shape)
        Surrogate derivative of each neuron's spike.
    """

    def __init__(
        self, layer: Layer, decay: float, neurons: Neurons | None, once: bool, psi: Psi
    ) -> None:
        self.layer, self.decay, self.neurons, self.psi = layer, decay, neurons, psi
        self.trace: Any = 0.0
        self.of_bias = 0.0
        self.v: Any = 0.0  # as the reset left it
        self.of_decay: Any = 0.0
        self.quiet: torch.Tensor | None = None  # 0 where a neuron that fires once has fired
        self.once = once
        self.unsent: torch.Tensor | None = None  # likewise, of squares
        self._last: tuple[Any, tuple[int, ...], torch.Tensor] | None = None

    def kernels(self) -> torch.Tensor:
        """The weights that act."""
        layer = self.layer
        return layer.kernels() if isinstance(layer, StandardisedConvolution) else layer.weight

    def step(self, below: torch.Tensor) -> torch.Tensor:
        """Integrate, fire and reset; `out` of the step for `below`, which arrives."""
        arrived, below = below, below.reshape(len(below), *self.layer.in_shape)
        self.trace = below + self.decay * self.trace
        self.of_bias = 1.0 + self.decay * self.of_bias
        self.of_decay = self.v + self.decay * self.of_decay
        v = self._drive(arrived, below) + self.decay * self.v
        if self.neurons is None:
            self.v = self.out = v
            self.slope = torch.ones_like(v)
            return v
        distance = v - self.neurons.threshold_mv
        self.slope, self.fired = self.psi(distance), (distance > 0).to(v.dtype)
        self.v = v - self.neurons.threshold_mv * self.fired
        if self.once:
            if self.quiet is None:
                self.quiet = torch.ones_like(v)
            self.slope, self.fired = self.slope * self.quiet, self.fired * self.quiet
            self.quiet = self.quiet - self.fired
        self.out = self.layer.send(self.fired)
        pooling = self.layer.pooling
        if self.once and pooling is not None and pooling.kind == "max":
            self.open = torch.ones_like(self.out) if self.unsent is None else self.unsent
            self.out = self.out * self.open
            self.unsent = self.open * (self.out == 0.0)
        return self.out

    def _drive(self, arrived: torch.Tensor, below: torch.Tensor) -> torch.Tensor:
        """The drive; once for an image that is shown as a current, unless weights have moved."""
        state = (arrived._version, *(p._version for p in self.layer.parameters()))
        if self._last is not None and self._last[0] is arrived and self._last[1] == state:
            return self._last[2]
        layer = self.layer
        z = layer.carried(layer.through(self.kernels(), below, layer.bias), below)
        self._last = (arrived, state, z)
        return z

    def at_drive(self, signal: torch.Tensor) -> torch.Tensor:
        """The signal at the neurons' drives from that at what they send."""
        signal = signal.view_as(self.out)
        if self.unsent is not None:
            signal = signal * self.open
        if self.layer.mask is not None:
            signal = signal * self.layer.mask
        if self.layer.pooling is not None:
            signal = self.layer.pooling.back(signal.contiguous(), self.fired)
        return signal * self.slope

    def pull(self, delta: torch.Tensor) -> torch.Tensor:
        """The signal at what the layer below sends."""
        return self.layer.transpose(self.kernels(), delta)

    def learn(self, delta: torch.Tensor, into: Gradients) -> None:
        """Add what the signal at the drives makes of the traces.

        Parameters
        ----------
        delta : tensor of shape (batch, *drive_shape)
        into : Gradients
        """
        weight, bias = self.layer.product(self.trace, delta)
        into.weight += weight
        into.bias.add_(bias, alpha=self.of_bias)
        if isinstance(self.of_decay, torch.Tensor):
            into.decay += torch.dot(delta.flatten(), self.of_decay.flatten())


def layers_of(network: SpikingConvolutional, psi: Psi, batch: int) -> list[OnlineConvolutional]:
    """The layers of a network before the first step.

    Parameters
    ----------
    network : SpikingConvolutional
    psi : callable
    batch : int
        Number of samples.
    """
    silent = len(network.synapses) - 1 if network.description.readout == "potential" else None
    return [
        OnlineConvolutional(
            layer,
            decay,
            None if index == silent else network.neurons(index),
            bool(network.description.once) and index != silent,
            psi,
        )
        for index, (layer, decay) in enumerate(zip(network, network.decays, strict=True))
    ]


def hidden_units(network: SpikingConvolutional) -> list[int]:
    """Number of units that each hidden layer sends."""
    return [math.prod(layer.out_shape) for layer in list(network)[:-1]]


def zeros(network: SpikingConvolutional) -> list[Gradients]:
    """Of what each layer learns."""
    return [Gradients(layer) for layer in network]


def leave(network: SpikingConvolutional, gradients: list[Gradients]) -> None:
    """Leave in `.grad` of all that the network learns what was added up.

    Parameters
    ----------
    network : SpikingConvolutional
    gradients : list of Gradients
        Of each layer.
    """
    for index, (layer, found) in enumerate(zip(network, gradients, strict=True)):
        if isinstance(layer, StandardisedConvolution):
            with torch.enable_grad():
                acting = layer.kernels()
            learned = (layer.weight, layer.gain)
            layer.weight.grad, layer.gain.grad = torch.autograd.grad(acting, learned, found.weight)
        else:
            layer.weight.grad = found.weight
        if layer.has_bias:
            layer.bias.grad = found.bias
        if index < len(network.decay_logits):
            beta = network.decays[index]
            network.decay_logits[index].grad = found.decay * beta * (1.0 - beta)
