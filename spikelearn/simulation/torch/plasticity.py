"""Projections of the torch backends whose weights learn: the rules that are made of traces.

They are those numbers of `spikelearn.simulation.grid.plasticity`. An arrival looks at one row of
the matrix of weights, a target's spike at one column; rows, and columns, of a step change together.
"""

from __future__ import annotations

import numpy as np
import torch

from spikelearn.networks.connections import Connections
from spikelearn.simulation.grid.network import Synapses


class PlasticProjection:
    """Weights of a projection that change in every step; the network has one trial.

    They are of shape (copies, n_source, n_target): a pair of neurons may have several synapses.
    Those that do not exist have weight 0, and keep it.
    """

    def __init__(self, synapses: Synapses, dtype: torch.dtype) -> None:
        assert synapses.plasticity is not None  # noqa: S101 - the caller's condition
        self.rule = synapses.plasticity
        self.source, self.target, self.synapses = synapses.source, synapses.target, synapses
        self.delay, self.channel = synapses.delay_steps, synapses.channel
        c = synapses.connections
        copy = _copies(c)
        self.places = copy, c.pre.astype(np.int64), c.post.astype(np.int64)
        shape = (int(copy.max(initial=0)) + 1, c.n_source, c.n_target)
        weight, exists = np.zeros(shape), np.zeros(shape, dtype=bool)
        weight[copy, c.pre, c.post], exists[copy, c.pre, c.post] = c.weight, True
        self.weight = torch.as_tensor(weight, dtype=dtype)
        self.exists = None if exists.all() else torch.as_tensor(exists)
        self.gain = torch.as_tensor(synapses.gain, dtype=dtype)
        # Arrivals and spikes of the targets; those with a 2 are slower or come after another.
        self.x, self.x2 = (torch.zeros(c.n_source, dtype=dtype) for _ in range(2))
        self.y, self.y2 = (torch.zeros(c.n_target, dtype=dtype) for _ in range(2))
        self.end_block()

    def end_block(self) -> None:
        """Keep the weights as they are now, for where the next block is interrupted."""
        self.reached = self.weight.clone()

    def weights(self) -> np.ndarray:
        """Weights at the end of the last block, (n_synapses,), in the order of the connections."""
        copy, pre, post = self.places
        found = self.reached.cpu().numpy().astype(np.float64)[copy, pre, post]
        # In 32 bits a bound is another number than the one that was asked for.
        return np.clip(found, self.rule.w_min, self.rule.w_max)

    def begin(self, step: int) -> None:
        """Start a step: weights are normalised where it is time, and traces decay."""
        rule = self.rule
        every, total = rule.normalise_steps, rule.normalise_sum
        if every is not None and total is not None and step % every == 0:
            sums = self.weight.sum((0, 1))
            scale = torch.where(sums > 0, total / sums, 1.0)
            self.weight = self._within(self.weight * scale, self.exists)
        self.x *= rule.x_decay
        self.x2 *= rule.x2_decay
        self.y *= rule.y_decay
        self.y2 *= rule.y2_decay

    def arrive(self, senders: torch.Tensor) -> torch.Tensor:
        """What spikes of these source neurons bring, of shape (1, n_target); then they learn."""
        rule, w = self.rule, self.weight[:, senders]
        arriving = self.gain * w.sum((0, 1))
        if rule.changes_at_pre:
            constant, pair, triplet = rule.at_pre
            change = constant + (pair + triplet * self.x2[senders])[:, None] * self.y
            if rule.mu_pre:
                change = change * self._share(w - rule.w_min) ** rule.mu_pre
            exists = None if self.exists is None else self.exists[:, senders]
            self.weight[:, senders] = self._within(w + change, exists)
        self._raise(self.x, self.x2, senders)
        return arriving[None]

    def fired(self, targets: torch.Tensor) -> None:
        """What spikes of these target neurons teach."""
        rule = self.rule
        if rule.changes_at_post:
            w = self.weight[:, :, targets]
            first, second = rule.at_post
            factor = first + second * self.y2[targets]
            x = self.x[:, None]
            if rule.beta is not None:
                falls = rule.x_target * torch.exp(-rule.beta * (rule.w_max - w))
                change = factor * (x * torch.exp(-rule.beta * w) - falls)
            else:
                change = factor * (x - rule.x_target)
                if rule.mu_post:
                    change = change * self._share(rule.w_max - w) ** rule.mu_post
            exists = None if self.exists is None else self.exists[:, :, targets]
            self.weight[:, :, targets] = self._within(w + change, exists)
        self._raise(self.y, self.y2, targets)

    def _raise(self, fast: torch.Tensor, slow: torch.Tensor, at: torch.Tensor) -> None:
        for trace in (fast, slow):
            trace[at] = 1.0 if self.rule.nearest else trace[at] + 1.0

    def _share(self, distance: torch.Tensor) -> torch.Tensor:
        return (distance / (self.rule.w_max - self.rule.w_min)).clamp(0.0, 1.0)

    def _within(self, w: torch.Tensor, exists: torch.Tensor | None) -> torch.Tensor:
        w = w.clamp(self.rule.w_min, self.rule.w_max)
        return w if exists is None else torch.where(exists, w, 0.0)


def _copies(c: Connections) -> np.ndarray:
    """Of each synapse, how many before it are between the same two neurons; (n_synapses,)."""
    pair = c.pre.astype(np.int64) * c.n_target + c.post
    order = np.argsort(pair, kind="stable")
    ordered = pair[order]
    rank = np.empty(pair.size, dtype=np.int64)
    rank[order] = np.arange(pair.size) - np.searchsorted(ordered, ordered)
    return rank
