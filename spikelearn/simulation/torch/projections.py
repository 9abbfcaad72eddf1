"""Projections of the torch backends whose weights stay as they are, and spikes of sources."""

from __future__ import annotations

import warnings

import numpy as np
import torch

from spikelearn.simulation.grid.network import GridNetwork, GridSpikes, Synapses
from spikelearn.simulation.memory import DENSE_BYTES as _DENSE_BYTES

# Share of the source's neurons that spike in a step, below which weights are gathered spike by
# spike: reading them costs more than multiplying them, but a dense product reads them all.
_SPARSE = 0.16


class Source:
    """Spikes of a source, by step."""

    def __init__(
        self, spikes: GridSpikes, grid: GridNetwork, dtype: torch.dtype, device: torch.device
    ) -> None:
        self.n_trials, self.size = grid.n_trials, spikes.size
        self.dtype, self.device = dtype, device
        self.spikes = spikes
        self.first = np.searchsorted(spikes.steps, np.arange(grid.n_steps + 1))

    def rounds(self, step: int) -> list[torch.Tensor]:
        """Who spikes in a step of the one trial, who does so a second time, and so on."""
        here = slice(self.first[step], self.first[step + 1])
        parts = [self.spikes.senders[here]]
        if self.spikes.rounds is not None:
            parts = np.split(parts[0], np.flatnonzero(np.diff(self.spikes.rounds[here])) + 1)
        return [torch.as_tensor(who, dtype=torch.int64, device=self.device) for who in parts]

    def through(self, projection: Projection, first: int, length: int) -> torch.Tensor | None:
        """Summed weights of the spikes of `length` steps, shape (length, trials, target size).

        Steps before the start have none; None where there are none at all.

        Parameters
        ----------
        projection : Projection
        first : int
            Step in which the first of the spikes were sent; negative before the start.
        length : int
            Steps.
        """
        early = max(-first, 0)
        if early >= length:
            return None
        start, stop = self.first[first + early], self.first[first + length]
        if start == stop:
            return None
        rows = (self.spikes.steps[start:stop] - first) * self.n_trials
        rows += self.spikes.trials[start:stop]
        n_rows = length * self.n_trials
        senders = self.spikes.senders[start:stop]
        if projection.dense is not None and rows.size < _SPARSE * n_rows * self.size:
            values = projection.gathered(rows, senders, n_rows)
        else:
            # Set in NumPy, as bytes: torch takes ten times as long to set single entries.
            places = rows * self.size + senders
            if self.spikes.rounds is not None:
                dense = np.bincount(places, minlength=n_rows * self.size)
            else:
                dense = np.zeros(n_rows * self.size, dtype=np.uint8)
                dense[places] = 1
            values = projection.times(
                torch.from_numpy(dense).to(self.device).to(self.dtype).view(n_rows, self.size)
            )
        return values.view(length, self.n_trials, -1)


class Projection:
    """Weights as a dense matrix, or as a sparse one where that would be too large."""

    def __init__(self, synapses: Synapses, dtype: torch.dtype) -> None:
        self.source, self.target = synapses.source, synapses.target
        self.delay, self.channel = synapses.delay_steps, synapses.channel
        c = synapses.connections
        self.dense: torch.Tensor | None = None
        if c.n_source * c.n_target * dtype.itemsize <= _DENSE_BYTES:
            self.dense = torch.as_tensor(c.dense(), dtype=dtype)
        else:
            from scipy.sparse import coo_array

            matrix = coo_array((c.weight, (c.post, c.pre)), (c.n_target, c.n_source)).tocsr()
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", message="Sparse")
                self.sparse = torch.sparse_csr_tensor(
                    torch.as_tensor(matrix.indptr.astype(np.int64)),
                    torch.as_tensor(matrix.indices.astype(np.int64)),
                    torch.as_tensor(matrix.data, dtype=dtype),
                    matrix.shape,
                )

    def times(self, spikes: torch.Tensor) -> torch.Tensor:
        """Summed weights of spikes of shape (any, source size), shape (any, target size)."""
        if self.dense is not None:
            return spikes @ self.dense
        return (self.sparse @ spikes.T).T

    def gathered(self, rows: np.ndarray, senders: np.ndarray, n_rows: int) -> torch.Tensor:
        """The same for spikes given one by one, shape (n_rows, target size).

        Parameters
        ----------
        rows : array of shape (n_spikes,)
            Row of the result that a spike belongs to.
        senders : array of shape (n_spikes,)
        n_rows : int
        """
        assert self.dense is not None  # noqa: S101 - the caller's condition
        if (np.diff(rows) < 0).any():
            order = np.argsort(rows, kind="stable")
            rows, senders = rows[order], senders[order]
        offsets = np.searchsorted(rows, np.arange(n_rows))
        return torch.nn.functional.embedding_bag(
            torch.from_numpy(np.ascontiguousarray(senders)).to(self.dense.device),
            self.dense,
            torch.from_numpy(offsets).to(self.dense.device),
            mode="sum",
        )
