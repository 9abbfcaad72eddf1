"""Simulation on Norse (Pehle & Pedersen 2021, doi:10.5281/zenodo.4422025).

The membrane is `norse.torch.functional.lif_box`. Its step is v + dt / tau * (input - v), which
becomes the exact one with `tau_mem_inv = (1 - beta) / dt` and the input divided by (1 - beta).
"""

from __future__ import annotations

from collections.abc import Callable

import torch

from spikelearn.simulation.grid.inputs import SEVERAL_SPIKES
from spikelearn.simulation.grid.network import GridNetwork, Result
from spikelearn.simulation.grid.neurons import ALPHA_SYNAPSES, GridNeurons
from spikelearn.simulation.torch import loop as torch_loop

FEATURES = frozenset({"32-bit arithmetic", ALPHA_SYNAPSES, SEVERAL_SPIKES, "plasticity"})


def _no_reset(
    z: torch.Tensor, v: torch.Tensor, reset: torch.Tensor, threshold: torch.Tensor
) -> torch.Tensor:
    """The reset comes after refractoriness, which Norse's box neuron does not know."""
    return v


class _LIFBox:
    def __init__(self, neurons: GridNeurons, dtype: torch.dtype, device: torch.device) -> None:
        from norse.torch.functional import lif_box

        self.lif_box = lif_box
        self.gain = torch.as_tensor(1.0 - neurons.beta, dtype=dtype, device=device)
        self.zero = torch.zeros((), dtype=dtype, device=device)

    def __call__(
        self, v: torch.Tensor, drive: torch.Tensor, threshold: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        parameters = self.lif_box.LIFBoxParameters(
            tau_mem_inv=self.gain,  # with dt = 1
            v_leak=self.zero,
            v_th=threshold - drive,
            v_reset=self.zero,
            method="heaviside",
            reset_method=_no_reset,
        )
        state = self.lif_box.LIFBoxFeedForwardState(v=v)
        fired, state = self.lif_box.lif_box_feed_forward_step(self.zero, state, parameters, dt=1.0)
        return fired, state.v + drive


TARGETS = torch_loop.targets("norse", FEATURES, _LIFBox)


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
