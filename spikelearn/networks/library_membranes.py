"""The layer of `lif_scan.py` on snnTorch's and on Norse's neurons, step by step.

The membrane is the library's, as in the simulation backends of the same names; threshold and reset
are ours, because the libraries' own differ from one another (see `spikelearn.simulation`), and the
way back is automatic differentiation, with the reset detached.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.nn.functional import linear

from spikelearn._errors import SpikelearnError
from spikelearn.networks.lif_scan import Neurons
from spikelearn.networks.surrogates import Psi

Membrane = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


class _Spike(torch.autograd.Function):
    """The step at threshold, with the surrogate on the way back.

    snnTorch's own spikes and hands its gradient on in 32 bits, whatever it is given.
    """

    @staticmethod
    def forward(ctx: Any, distance: torch.Tensor, psi: Psi) -> torch.Tensor:
        ctx.save_for_backward(distance)
        ctx.psi = psi
        return torch.gt(distance, 0.0, out=torch.empty_like(distance))

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> Any:
        (distance,) = ctx.saved_tensors
        return gradients[0] * ctx.psi(distance), None


def _snntorch(neurons: Neurons, like: torch.Tensor) -> Membrane:
    import snntorch

    known = len(snntorch.SpikingNeuron.instances)
    leaky = snntorch.Leaky(
        beta=like.new_tensor(neurons.beta), reset_mechanism="none", threshold=neurons.threshold_mv
    )
    # snnTorch keeps every neuron it makes in a class-wide list, which would hold its memory.
    del snntorch.SpikingNeuron.instances[known:]

    def step(v: torch.Tensor, drive: torch.Tensor) -> torch.Tensor:
        # Called as a whole, `Leaky` would find out whom to reset all the same.
        leaky.mem = v
        potential: torch.Tensor = leaky.state_function(drive)
        return potential

    return step


def _norse(neurons: Neurons, like: torch.Tensor) -> Membrane:
    from norse.torch.functional import lif_box

    gain = like.new_tensor(1.0 - neurons.beta)
    parameters = lif_box.LIFBoxParameters(
        tau_mem_inv=gain,  # with dt = 1
        v_leak=like.new_zeros(()),
        v_th=like.new_tensor(torch.inf),
        v_reset=like.new_zeros(()),
        method="heaviside",
        reset_method=_no_reset,
    )

    def step(v: torch.Tensor, drive: torch.Tensor) -> torch.Tensor:
        state = lif_box.LIFBoxFeedForwardState(v=v)
        _, state = lif_box.lif_box_feed_forward_step(drive / gain, state, parameters, dt=1.0)
        potential: torch.Tensor = state.v
        return potential

    return step


def _no_reset(
    z: torch.Tensor, v: torch.Tensor, reset: torch.Tensor, threshold: torch.Tensor
) -> torch.Tensor:
    return v


LIBRARIES: dict[str, Callable[[Neurons, torch.Tensor], Membrane]] = {
    "snntorch": _snntorch,
    "norse": _norse,
}


def stepwise(
    library: str,
    drives: torch.Tensor,
    neurons: Neurons,
    psi: Psi,
    recurrent: torch.Tensor | None = None,
) -> torch.Tensor:
    """What `lif_scan.scan` gives, on the neurons of a library; one of `LIBRARIES`.

    Parameters
    ----------
    library : str
        One of `LIBRARIES`.
    drives : tensor of shape (steps, batch, neurons)
        Input of each step in mV.
    neurons : Neurons
        Their constants.
    psi : callable
        The surrogate derivative of a spike.
    recurrent : tensor of shape (neurons, neurons), optional
        Weights to and from, in mV.

    Raises
    ------
    SpikelearnError
        If there is no such library.
    """
    if library not in LIBRARIES:
        raise SpikelearnError(
            f"spiking networks are trained on native, {' or '.join(LIBRARIES)}, found '{library}'"
        )
    step = LIBRARIES[library](neurons, drives)
    v = theta = torch.zeros_like(drives[0])
    height: float | torch.Tensor = neurons.threshold_mv
    emitted: list[torch.Tensor] = []
    for outside in drives.unbind():  # to index them would make the way back several times slower
        drive = outside
        if recurrent is not None and emitted:
            drive = outside + linear(emitted[-1], recurrent)
        v = step(v, drive)
        fired = _Spike.apply(v - height, psi)
        kept = fired.detach()
        if neurons.zero:
            v = v * (1.0 - kept)
        elif isinstance(height, torch.Tensor):
            v = v - height.detach() * kept
        else:
            v = torch.sub(v, kept, alpha=height)
        if neurons.increment_mv:
            theta = neurons.rho * (theta + neurons.increment_mv * fired)
            height = neurons.threshold_mv + theta
        emitted.append(fired)
    return torch.stack(emitted)
