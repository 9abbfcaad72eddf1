"""Synapses between the states of energy-based rules, with the pooling that stands between them.

A state is one value for each term s . z of the energy. Where a layer averages its activity, the
next layer's synapses read the averages: both are affine, and so are the two together. Where it
takes the highest, it is the highest drive that makes a state, as phi of the highest is the highest
phi: z = max of W s + b (Laborieux et al. 2021, doi:10.3389/fnins.2021.633674), the way back of
which goes to the places that are highest at present.
"""

from __future__ import annotations

import torch

from spikelearn.networks.layers import Layer


class StateSynapses:
    """The synapses of a layer, which read the states of the layer below; real or complex.

    Parameters
    ----------
    layer : Layer
    below : Layer or None
        None of the layer that reads the input.
    """

    def __init__(self, layer: Layer, below: Layer | None) -> None:
        self.layer = layer
        pool = layer.pooling
        self.highest = pool if pool is not None and pool.kind == "max" else None
        pool = None if below is None else below.pooling
        self.averages = pool if pool is not None and pool.kind == "average" else None
        # The states below that were read last, the drive before it is pooled, and the places.
        self._last: tuple[torch.Tensor, torch.Tensor, torch.Tensor] | None = None

    def state_shape(self) -> tuple[int, ...]:
        """Shape of the layer's states, without the batch."""
        return self.layer.drive_shape if self.highest is None else self.layer.out_shape

    def pool(self, below: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
        """The drive of the states, from that of all positions, which `below` brings.

        Parameters
        ----------
        below : tensor of shape (batch, ...)
        z : tensor of shape (batch, *drive_shape)
        """
        if self.highest is None:
            return z
        values, places = self.highest.highest(z)
        self._last = (below, z, places)
        return values

    def drive(self, below: torch.Tensor) -> torch.Tensor:
        """z of the states, from the states below."""
        return self.pool(below, of_layer(self.layer, self._read(below)))

    def transpose(self, s: torch.Tensor, below: torch.Tensor) -> torch.Tensor:
        """The transposed derivative of `drive` at the states below, applied to s.

        Parameters
        ----------
        s : tensor of shape (batch, *state_shape)
        below : tensor of shape (batch, *state_shape of the layer below)
        """
        s = self._unpooled(s, below)
        weight, averages = self.layer.weight, self.averages
        if s.is_complex():
            parts = [self.layer.transpose(weight, part) for part in (s.real, s.imag)]
            if averages is not None:
                parts = [averages.back(part, below.real) for part in parts]
            return torch.complex(*parts)
        signal = self.layer.transpose(weight, s)
        return signal if averages is None else averages.back(signal, below)

    def product(
        self, below: torch.Tensor, signal: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Derivatives of `signal . drive(below)` by weight and bias; of complex ones the real part.

        Parameters
        ----------
        below : tensor of shape (batch, *state_shape of the layer below), real or complex
        signal : tensor of shape (batch, *state_shape), real or complex
            At the layer's drive; without conjugation.
        """
        signal, read = self._unpooled(signal, below), self._read(below)
        if not signal.is_complex():
            return self.layer.product(read, signal)
        weight, bias = self.layer.product(read.real, signal.real)
        return weight - self.layer.product(read.imag, signal.imag)[0], bias

    def at_bottom(self, s: torch.Tensor) -> torch.Tensor:
        """A signal at the drive of the states put where it belongs, where the input was read."""
        if self.highest is None:
            return s
        assert self._last is not None  # noqa: S101 - for the type checker
        return self._unpooled(s, self._last[0])

    def _read(self, below: torch.Tensor) -> torch.Tensor:
        if self.averages is None:
            return below
        if below.is_complex():
            return torch.complex(self.averages(below.real), self.averages(below.imag))
        return self.averages(below)

    def _unpooled(self, s: torch.Tensor, below: torch.Tensor) -> torch.Tensor:
        if self.highest is None:
            return s
        if self._last is None or self._last[0] is not below:
            self.drive(below)
        assert self._last is not None  # noqa: S101 - for the type checker
        _, z, places = self._last
        return self.highest.to_places(s, z, places)


def of_layer(layer: Layer, s: torch.Tensor) -> torch.Tensor:
    """`layer.drive` of real or complex states: complex products as pairs of real ones."""
    if not s.is_complex():
        return layer.drive(s)
    imaginary = layer.carried(layer.through(layer.weight, s.imag), s.imag)
    return torch.complex(layer.drive(s.real), imaginary)
