"""Recurrent networks of rates and their descriptions: Elman's, and one with gates.

An input is a sequence of rows: an image is read row by row. The recurrent layer reads the row and
its own activity at the step before; the output layer reads the last activity.

    Elman 1990, doi:10.1207/s15516709cog1402_1; leak as in Murray 2019, doi:10.7554/eLife.43299
        h_t = (1 - a) h_(t-1) + a phi(z_t),   z_t = W x_t + b + U h_(t-1)
    gated (GRU), Cho et al. 2014, arXiv:1406.1078, with the reset gate behind U as in cuDNN
        u = sigma(p_u + q_u),  r = sigma(p_r + q_r),  n = tanh(p_n + r q_n)
        h_t = (1 - u) h_(t-1) + u n,   p = W x_t + b,  q = U h_(t-1)

W and U are the columns of one matrix, `weight` of shape (blocks * hidden, inputs + hidden), blocks
being 1 or 3 (u, r, n).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

import torch
from pydantic import Field
from torch import nn

from spikelearn._description import Description
from spikelearn._seeding import torch_generator
from spikelearn.networks.activations import ACTIVATIONS
from spikelearn.networks.layers import Dense, Layer, RateNetwork, scaled_uniform
from spikelearn.networks.mlp import ImageShape


class Recurrent(Description):
    """Description of a recurrent network; `build` makes the network.

    It reads `n_steps` rows of `row` inputs each, that is images of shape (1, n_steps, row).
    """

    kind: Literal["elman", "gru"]
    name: str = Field(min_length=1)
    description: str = ""
    reference: str = ""
    n_steps: int = Field(ge=1)
    row: int = Field(ge=1, description="inputs at a step")
    hidden: int = Field(ge=1)
    n_classes: int = Field(default=10, ge=2)
    leak: float = Field(
        default=1.0, gt=0, le=1, description="a of the Elman network: time step over time constant"
    )

    @property
    def n_inputs(self) -> int:
        """Number of inputs of a whole sequence."""
        return self.n_steps * self.row

    @property
    def image_shape(self) -> ImageShape:
        """Images it takes, (channels, height, width)."""
        return 1, self.n_steps, self.row

    def build(self, seed: int) -> RecurrentNetwork:
        """The network with its initial weights, which depend on `seed` alone."""
        generator = torch_generator(seed, "weights")
        cell = (
            ElmanCell(self.row, self.hidden, self.leak, generator)
            if self.kind == "elman"
            else GatedCell(self.row, self.hidden, generator)
        )
        output = Dense(self.hidden, self.n_classes, "identity", generator)
        return RecurrentNetwork(cell, output, self.kind)


@dataclass(frozen=True)
class Partials:
    """Direct derivatives of h_t, unit by unit, each of shape (..., units of its block).

    h_t changes by keep * dh_(t-1) + sum over blocks of (by_p * dp + by_q * dq): what passes from
    one unit to another passes through q alone.
    """

    keep: torch.Tensor
    by_p: torch.Tensor
    by_q: torch.Tensor


class Cell(Layer):
    """A recurrent layer. A time step is `step`, from p = W x + b and q = U h, both of shape
    (..., blocks * hidden)."""

    blocks: int

    def __init__(self, row: int, hidden: int, gain: float, generator: torch.Generator) -> None:
        super().__init__()
        self.row, self.hidden = row, hidden
        self.in_shape, self.out_shape, self.fan_in = (row,), (hidden,), row + hidden
        # Each block of W by its own fan-in; U orthogonal, which neither swells nor dies in time.
        rows = self.blocks * hidden
        inputs = scaled_uniform((rows, row), gain, generator)
        recurrent = [
            torch.linalg.qr(torch.randn(hidden, hidden, generator=generator))[0]
            for _ in range(self.blocks)
        ]
        self.weight = nn.Parameter(torch.cat([inputs, torch.cat(recurrent)], 1))
        self.bias = nn.Parameter(torch.zeros(rows))

    def from_input(self, x: torch.Tensor) -> torch.Tensor:
        """p = W x + b."""
        return nn.functional.linear(x, self.weight[:, : self.row], self.bias)

    def from_state(self, h: torch.Tensor) -> torch.Tensor:
        """q = U h."""
        return nn.functional.linear(h, self.weight[:, self.row :])

    def step(self, p: torch.Tensor, q: torch.Tensor, h: torch.Tensor) -> torch.Tensor:
        """h_t from p, q and h_(t-1).

        Parameters
        ----------
        p, q : tensors of shape (batch, drives)
            What input and recurrent synapses bring.
        h : tensor of shape (batch, units)
            The state before.
        """
        raise NotImplementedError

    def partials(self, p: torch.Tensor, q: torch.Tensor, h: torch.Tensor) -> Partials:
        """The direct derivatives of a step.

        Parameters
        ----------
        p, q : tensors of shape (batch, drives)
            What input and recurrent synapses bring.
        h : tensor of shape (batch, units)
            The state before.
        """
        raise NotImplementedError


class ElmanCell(Cell):
    """h_t = (1 - a) h_(t-1) + a tanh(p + q)."""

    blocks = 1

    def __init__(self, row: int, hidden: int, leak: float, generator: torch.Generator) -> None:
        super().__init__(row, hidden, ACTIVATIONS["tanh"].gain, generator)
        self.activation, self.leak = "tanh", leak

    def step(self, p: torch.Tensor, q: torch.Tensor, h: torch.Tensor) -> torch.Tensor:
        """One time step."""
        return (1 - self.leak) * h + self.leak * torch.tanh(p + q)

    def partials(self, p: torch.Tensor, q: torch.Tensor, h: torch.Tensor) -> Partials:
        """The direct derivatives of a step."""
        slope = self.leak * (1 - torch.tanh(p + q).square())
        return Partials(torch.full_like(h, 1 - self.leak), slope, slope)


class GatedCell(Cell):
    """h_t = (1 - u) h_(t-1) + u n, with an update gate u and a reset gate r within n."""

    blocks = 3

    def __init__(self, row: int, hidden: int, generator: torch.Generator) -> None:
        super().__init__(row, hidden, 1.0, generator)
        self.activation = "tanh"

    def step(self, p: torch.Tensor, q: torch.Tensor, h: torch.Tensor) -> torch.Tensor:
        """One time step."""
        u, _, n = self._gates(p, q)
        return (1 - u) * h + u * n

    def partials(self, p: torch.Tensor, q: torch.Tensor, h: torch.Tensor) -> Partials:
        """The direct derivatives of a step."""
        u, r, n = self._gates(p, q)
        by_u = (n - h) * u * (1 - u)
        by_n = u * (1 - n * n)
        by_r = by_n * q.chunk(3, -1)[2] * r * (1 - r)
        return Partials(
            1 - u, torch.cat([by_u, by_r, by_n], -1), torch.cat([by_u, by_r, by_n * r], -1)
        )

    def _gates(self, p: torch.Tensor, q: torch.Tensor) -> tuple[torch.Tensor, ...]:
        (p_u, p_r, p_n), (q_u, q_r, q_n) = p.chunk(3, -1), q.chunk(3, -1)
        u, r = torch.sigmoid(p_u + q_u), torch.sigmoid(p_r + q_r)
        return u, r, torch.tanh(p_n + r * q_n)


@dataclass(frozen=True)
class Unrolled:
    """A pass through a sequence: all of shape (batch, steps, ...); `before` is h_(t-1)."""

    x: torch.Tensor
    p: torch.Tensor
    q: torch.Tensor
    before: torch.Tensor
    h: torch.Tensor


class RecurrentNetwork(RateNetwork):
    """A recurrent layer and a linear output layer that reads its last activity."""

    def __init__(self, cell: Cell, output: Dense, kind: str) -> None:
        super().__init__([cell, output], kind)

    @property
    def cell(self) -> Cell:
        """The recurrent layer."""
        cell = self.layers[0]
        assert isinstance(cell, Cell)  # noqa: S101 - for the type checker
        return cell

    @property
    def output(self) -> Dense:
        """The output layer."""
        output = self.layers[1]
        assert isinstance(output, Dense)  # noqa: S101 - for the type checker
        return output

    def unroll(self, x: torch.Tensor) -> Unrolled:
        """Read sequences, flat or of shape (batch, steps, row)."""
        rows = x.reshape(len(x), -1, self.cell.row)
        p = self.cell.from_input(rows)
        qs, states = [], [p.new_zeros(len(p), self.cell.hidden)]
        for q, h in self.steps(p.unbind(1)):
            qs.append(q)
            states.append(h)
        return Unrolled(
            rows, p, torch.stack(qs, 1), torch.stack(states[:-1], 1), torch.stack(states[1:], 1)
        )

    def steps(
        self, ps: Iterable[torch.Tensor], noise: Iterable[torch.Tensor] | None = None
    ) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """q and h at every step, from p at every step, (batch, blocks * hidden).

        `noise`: added to q, of the shapes of p.
        """
        added = None if noise is None else iter(noise)
        h: torch.Tensor | None = None
        for p in ps:
            h = p.new_zeros(len(p), self.cell.hidden) if h is None else h
            q = self.cell.from_state(h)
            if added is not None:
                q = q + next(added)
            h = self.cell.step(p, q, h)
            yield q, h

    def activity(self, x: torch.Tensor) -> list[torch.Tensor]:
        """The last activity of the recurrent layer, (batch, hidden), and the class scores."""
        h = self.unroll(x).h[:, -1]
        return [h, self.output(h)]
