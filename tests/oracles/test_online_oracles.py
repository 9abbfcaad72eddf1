"""Eligibilities in blocks of time steps, against their recursion synapse by synapse."""

from __future__ import annotations

import pytest
import torch

from spikelearn.networks.lif_scan import Neurons
from spikelearn.rules._online import Block

BATCH, N_OUT, N_IN = 2, 3, 4


def by_recursion(
    steps: list[tuple[torch.Tensor, torch.Tensor, torch.Tensor]], kappa: float, neurons: Neurons
) -> torch.Tensor:
    """sum_t L[t] E[t], with E and y held at every synapse of every sample."""
    total = torch.zeros(N_OUT, N_IN, dtype=torch.float64)
    for b in range(BATCH):
        for j in range(N_OUT):
            for i in range(N_IN):
                e = y = 0.0
                for signal, slope, trace in steps:
                    psi, a = float(slope[b, j]), float(trace[b, i])
                    e = kappa * e + psi * (a - y)
                    total[j, i] += float(signal[b, j]) * e
                    q = neurons.increment_mv
                    y = neurons.rho * ((1.0 - q * psi) * y + q * psi * a)
    return total


@pytest.mark.parametrize("increment_mv", [0.0, 1.7])
@pytest.mark.parametrize("kappa", [0.0, 0.8])
@pytest.mark.parametrize("blocks", [(7,), (3, 4), (1, 1, 5), (1,) * 7])
def test_blocks_of_any_length_add_up_to_the_recursion(
    blocks: tuple[int, ...], kappa: float, increment_mv: float
) -> None:
    neurons = Neurons(beta=0.9, threshold_mv=1.0, rho=0.7, increment_mv=increment_mv)
    generator = torch.Generator().manual_seed(0)
    sizes = (N_OUT, N_OUT, N_IN)
    steps = [
        tuple(torch.rand(BATCH, n, generator=generator, dtype=torch.float64) for n in sizes)
        for _ in range(sum(blocks))
    ]
    block, gradient = Block(kappa, neurons), torch.zeros(N_OUT, N_IN, dtype=torch.float64)
    waiting = iter(steps)
    for index, length in enumerate(blocks):
        block.steps += [next(waiting) for _ in range(length)]  # type: ignore[misc]
        block.finish(gradient, index == len(blocks) - 1)
    torch.testing.assert_close(gradient, by_recursion(steps, kappa, neurons))  # type: ignore[arg-type]
