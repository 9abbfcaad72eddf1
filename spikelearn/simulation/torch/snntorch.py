"""Simulation on snnTorch (Eshraghian et al. 2023, doi:10.1109/JPROC.2023.3308088).

The membrane and the threshold are those of `snntorch.Leaky` with `reset_mechanism="none"`; the
reset is ours, because snnTorch's own subtracts one step late, and without its delay differs where
the potential stays above threshold after one subtraction. Called as a whole, `Leaky` would find out
whom to reset all the same, so that its two parts are called one by one.
"""

from __future__ import annotations

from collections.abc import Callable

import torch

from spikelearn.simulation.grid.inputs import SEVERAL_SPIKES
from spikelearn.simulation.grid.network import GridNetwork, Result
from spikelearn.simulation.grid.neurons import ALPHA_SYNAPSES, GridNeurons
from spikelearn.simulation.torch import loop as torch_loop

FEATURES = frozenset({"32-bit arithmetic", ALPHA_SYNAPSES, SEVERAL_SPIKES, "plasticity"})


class _Leaky:
    def __init__(self, neurons: GridNeurons, dtype: torch.dtype, device: torch.device) -> None:
        import snntorch

        known = len(snntorch.SpikingNeuron.instances)
        self.leaky = snntorch.Leaky(
            beta=torch.as_tensor(neurons.beta, dtype=dtype), reset_mechanism="none"
        ).to(device)
        # snnTorch keeps every neuron it makes in a class-wide list, which would hold its memory.
        del snntorch.SpikingNeuron.instances[known:]

    def __call__(
        self, v: torch.Tensor, drive: torch.Tensor, threshold: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        self.leaky.threshold, self.leaky.mem = threshold, v
        v = self.leaky.state_function(drive)
        return self.leaky.fire(v), v


TARGETS = torch_loop.targets("snntorch", FEATURES, _Leaky)


def run(grid: GridNetwork, progress: Callable[[float], None], precision: str) -> Result:
    """Run a network on the grid; see `spikelearn.simulation.simulate`.

    Parameters
    ----------
    grid : GridNetwork
    progress : callable
        Told the fraction that is done, now and then.
    precision : {"float64", "float32"}
    """
    return TARGETS[choose_target(grid)].run(grid, progress, precision)


def choose_target(grid: GridNetwork) -> str:
    """The processor; a GPU has to be asked for."""
    return "cpu"
