"""Populations of the torch backends: all of a neuron but the membrane, which a cell does."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import torch

from spikelearn.simulation.grid.network import GridNetwork, GridSpikes
from spikelearn.simulation.grid.neurons import GridNeurons


class Cell(Protocol):
    """The membrane of one population in a backend."""

    def __call__(
        self, v: torch.Tensor, drive: torch.Tensor, threshold: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """One step: decay `v`, add `drive`, compare with `threshold`; all of shape (trials, size).

        Returns which neurons crossed it (0 or 1) and the potential before a reset.
        """


class Population:
    """State of a population, arrays of shape (trials, size)."""

    def __init__(
        self,
        neurons: GridNeurons,
        cell: Cell,
        grid: GridNetwork,
        dtype: torch.dtype,
        n_rows: int,
    ) -> None:
        def tensor(values: np.ndarray) -> torch.Tensor:
            return torch.as_tensor(values, dtype=dtype)

        shape = (grid.n_trials, neurons.size)
        self.neurons, self.cell = neurons, cell
        self.rest = neurons.v_rest
        # Spikes, 0 or 1, of as many steps before the block as the longest delay, and of the block.
        self.emitted = torch.zeros((n_rows, *shape), dtype=dtype)
        self.recorded = neurons.name in grid.record
        self.parts: list[tuple[int, np.ndarray]] = []
        self.traced = neurons.name in grid.record_potential
        self.record_every, self.chosen = grid.record_every, grid.chosen.get(neurons.name)
        self.trace: list[np.ndarray] = []
        self.potentials: list[torch.Tensor] = []
        self.threshold, self.reset = tensor(neurons.threshold), tensor(neurons.reset)
        self.input_gain = tensor(1.0 - neurons.beta)
        self.kappas = [tensor(channel.kappa) for channel in neurons.channels]
        self.v = tensor(neurons.v_init).expand(shape).clone()
        self.currents = [torch.zeros(shape, dtype=dtype) for _ in neurons.channels]
        self.drive: torch.Tensor | None = None
        self.zeros = torch.zeros(shape, dtype=dtype)
        self.held = torch.zeros(shape, dtype=torch.int64) if neurons.refractory_steps > 1 else None
        self.theta: torch.Tensor | None = None
        if neurons.theta_init is not None:
            assert neurons.theta_decay is not None  # noqa: S101 - the three come together
            assert neurons.theta_increment is not None  # noqa: S101
            self.theta = tensor(neurons.theta_init).expand(shape).clone()
            self.theta_decay = tensor(neurons.theta_decay)
            self.theta_increment = tensor(neurons.theta_increment)

    def integrate_currents(self, stimulus: torch.Tensor | None) -> None:
        """Start a step: what the currents add to the potential; then they decay."""
        self.drive = None
        for kappa, current, channel in zip(
            self.kappas, self.currents, self.neurons.channels, strict=True
        ):
            self._add(kappa * current)
            if channel.feeds is not None:
                self.currents[channel.feeds].add_(current, alpha=channel.transfer)
            current.mul_(channel.alpha)
        if stimulus is not None:
            self._add((self.input_gain * stimulus).expand(self.v.shape))

    def deliver(self, channel: int | None, values: torch.Tensor) -> None:
        """Arriving spikes, weighted: into the potential, or into a current."""
        if channel is None:
            self._add(values)
        else:
            self.currents[channel] += values

    def _add(self, values: torch.Tensor) -> None:
        self.drive = values if self.drive is None else self.drive + values

    def fire(self, row: int, step: int) -> None:
        """Finish a step: membrane, threshold, reset.

        Parameters
        ----------
        row : int
            Of `emitted`, where its spikes go.
        step : int
            Of the grid.
        """
        threshold = self.threshold
        if self.theta is not None:
            self.theta *= self.theta_decay
            threshold = threshold + self.theta
        drive = self.zeros if self.drive is None else self.drive
        fired, v = self.cell(self.v, drive, threshold)
        if self.held is not None:
            self.held = (self.held - 1).clamp_(min=0)
            active = self.held == 0
            v = torch.where(active, v, self.v)
            fired = fired * active
        # snnTorch spikes in 32 bits whatever the potential's precision.
        emitted = self.emitted[row].copy_(fired)
        if self.neurons.subtract:
            self.v = torch.addcmul(v, emitted, threshold, value=-1.0)
        else:
            self.v = torch.where(fired.bool(), self.reset, v)
        if self.theta is not None:
            self.theta.addcmul_(emitted, self.theta_increment)
        if self.held is not None:
            self.held.masked_fill_(fired.bool(), self.neurons.refractory_steps)
        if self.traced and step % self.record_every == 0:
            self.potentials.append(self.v if self.chosen is None else self.v[:, self.chosen])

    def end_block(self, first: int, last: int, longest: int) -> None:
        """Keep what is recorded of the steps made, and the spikes that are still on their way.

        Parameters
        ----------
        first, last : int
            The steps made are `first` to `last` - 1.
        longest : int
            The longest delay, in steps.
        """
        block = self.emitted[longest : longest + last - first]
        if self.recorded:
            if block.device.type != "cpu":  # sought there: they are few, and the way here is long
                places = block.flatten().nonzero().squeeze(1).cpu().numpy()
            else:
                places = np.flatnonzero(block.numpy())
            self.parts.append((first, places))
        if self.potentials:
            v = torch.stack(self.potentials).cpu().numpy()
            rest = self.rest
            if self.chosen is not None:
                rest = np.broadcast_to(rest, (self.neurons.size,))[self.chosen]
            self.trace.append(v.astype(np.float64) + rest)
            self.potentials = []
        if longest:
            self.emitted[:longest] = self.emitted[last - first : last - first + longest].clone()

    def spikes(self) -> GridSpikes:
        """What was recorded."""
        n_trials, size = self.v.shape
        nothing = np.zeros(0, dtype=np.int64)
        places = [where + first * n_trials * size for first, where in self.parts]
        steps, rest = np.divmod(np.concatenate([nothing, *places]), n_trials * size)
        trials, senders = np.divmod(rest, size)
        return GridSpikes(size, steps, trials, senders)
