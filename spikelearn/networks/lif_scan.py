"""A layer of LIF neurons through all time steps at once, forwards and backwards.

    v[t] = beta r[t-1] + I[t] + U s[t-1]                    U: recurrent weights, if there are any
    s[t] = 1 where x[t] = v[t] - (v_threshold + theta[t]) > 0
    theta[t] = rho (theta[t-1] + q s[t-1])                  adaptive threshold, where q > 0
    r[t] = v[t] - (v_threshold + theta[t]) s[t], or 0 where s[t] = 1     `subtract` or `zero`

Backwards, with g[t] = dC/ds[t] from above, a surrogate psi for ds/dx, and no gradient through the
reset:

    d[t] = psi(x[t]) (g[t] + U^T a[t+1] + rho q h[t+1])     dC/dx
    a[t] = d[t] + beta (1 - s[t], for `zero`) a[t+1]        dC/dv, which is dC/dI
    h[t] = rho h[t+1] - d[t]                                dC/dtheta
    dC/dU = sum_t a[t+1] s[t]^T
    dC/dbeta = sum_t a[t] r[t-1]            where the time constant is learned, too

One autograd node for the whole sequence: a step costs a few operations on memory that is already
there, where a graph of steps allocates and keeps all of its parts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from spikelearn.networks.surrogates import Psi


@dataclass(frozen=True)
class Neurons:
    """What the neurons of a layer have in common.

    Attributes
    ----------
    beta : float
        What is left of the potential after a time step.
    threshold_mv : float
    rho, increment_mv : float
        What is left of an adaptive threshold's excess after a step, and by how much a spike raises
        it; 0: it does not adapt.
    zero : bool
        Whether a spike resets the potential to 0, rather than lowering it by the threshold.
    """

    beta: float
    threshold_mv: float
    rho: float = 0.0
    increment_mv: float = 0.0
    zero: bool = False


def scan(
    drives: torch.Tensor,
    neurons: Neurons,
    psi: Psi,
    recurrent: torch.Tensor | None = None,
    beta: torch.Tensor | None = None,
) -> torch.Tensor:
    """Spikes, 0 or 1, of the shape of `drives`, (steps, batch, neurons), in mV.

    `recurrent` has shape (neurons, neurons), to and from.

    Parameters
    ----------
    drives : tensor of shape (steps, batch, neurons), or (steps, batch, channels, height, width)
        Input of each step in mV.
    neurons : Neurons
        Their constants.
    psi : callable
        The surrogate derivative of a spike.
    recurrent : tensor of shape (neurons, neurons), optional
        Weights to and from, in mV.
    beta : tensor, scalar, optional
        `neurons.beta`, where it learns; in layers that are not recurrent and do not adapt.
    """
    spikes: torch.Tensor = _Scan.apply(drives, recurrent, beta, neurons, psi)
    return spikes


class _Scan(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        drives: torch.Tensor,
        recurrent: torch.Tensor | None,
        beta: torch.Tensor | None,
        neurons: Neurons,
        psi: Psi,
    ) -> torch.Tensor:
        distances, spikes = _step_by_step(drives), _step_by_step(drives)
        v = torch.zeros_like(drives[0])
        theta = torch.zeros_like(v) if neurons.increment_mv else None
        steps = zip(drives.unbind(), distances.unbind(), spikes.unbind(), strict=True)
        before: torch.Tensor | None = None
        for drive, distance, fired in steps:
            v.mul_(neurons.beta).add_(drive)
            if recurrent is not None and before is not None:
                v.addmm_(before, recurrent.T)
            torch.sub(v, neurons.threshold_mv, out=distance)
            if theta is not None:
                distance.sub_(theta)
            torch.gt(distance, 0.0, out=fired)
            if neurons.zero:
                v.masked_fill_(distance > 0.0, 0.0)
            else:
                v.sub_(fired, alpha=neurons.threshold_mv)
                if theta is not None:
                    v.addcmul_(fired, theta, value=-1.0)
            if theta is not None:
                theta.add_(fired, alpha=neurons.increment_mv).mul_(neurons.rho)
            before = fired
        ctx.neurons, ctx.psi, ctx.recurrent = neurons, psi, recurrent is not None
        kept = [distances]
        if recurrent is not None or neurons.zero:
            kept.append(spikes)
        ctx.save_for_backward(*kept, *([] if recurrent is None else [recurrent]))
        return spikes

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> Any:
        neurons: Neurons = ctx.neurons
        distances, *kept = ctx.saved_tensors
        recurrent = kept.pop() if ctx.recurrent else None
        spikes = kept[0] if kept else None
        slopes = ctx.psi(distances)
        adapts = neurons.increment_mv > 0.0
        if recurrent is None and not adapts:
            gradient = slopes.mul_(gradients[0])
            parts = gradient.unbind()
            for t in range(len(parts) - 2, -1, -1):
                if neurons.zero:
                    assert spikes is not None  # noqa: S101 - for the type checker
                    parts[t].addcmul_(parts[t + 1], 1.0 - spikes[t], value=neurons.beta)
                else:
                    parts[t].add_(parts[t + 1], alpha=neurons.beta)
            by_beta = _by_beta(gradient, distances, neurons) if ctx.needs_input_grad[2] else None
            return gradient, None, by_beta, None, None
        gradient = torch.empty_like(distances)
        later = torch.zeros_like(distances[0])  # a[t + 1]
        excess = torch.zeros_like(later)  # h[t + 1]
        for t in range(len(distances) - 1, -1, -1):
            signal = gradients[0][t].clone()
            if recurrent is not None:
                signal.addmm_(later, recurrent)
            if adapts:
                signal.add_(excess, alpha=neurons.rho * neurons.increment_mv)
            signal.mul_(slopes[t])
            if adapts:
                excess.mul_(neurons.rho).sub_(signal)
            if neurons.zero:
                assert spikes is not None  # noqa: S101
                later = later * (1.0 - spikes[t])
            later = torch.add(signal, later, alpha=neurons.beta, out=gradient[t])
        by_recurrent = None
        if recurrent is not None:
            assert spikes is not None  # noqa: S101
            by_recurrent = gradient[1:].flatten(0, 1).T @ spikes[:-1].flatten(0, 1)
        return gradient, by_recurrent, None, None, None


def _step_by_step(drives: torch.Tensor) -> torch.Tensor:
    """Memory of the shape of `drives`; also where one step stands for all of them there."""
    if drives.stride(0):
        return torch.empty_like(drives)
    return torch.empty_strided(
        drives.shape,
        (drives[0].numel(), *drives[0].stride()),
        dtype=drives.dtype,
        device=drives.device,
    )


def _by_beta(by_potential: torch.Tensor, distances: torch.Tensor, neurons: Neurons) -> torch.Tensor:
    """Sum over the steps of a[t] r[t - 1]."""
    total = by_potential.new_zeros(())
    for now, before in zip(by_potential[1:], distances[:-1], strict=True):
        silent = before <= 0.0
        if neurons.zero:
            left = (before + neurons.threshold_mv) * silent
        else:
            left = before.add(silent, alpha=neurons.threshold_mv)
        total += torch.dot(now.flatten(), left.flatten())
    return total


def mean_potential_weights(decay: float, n_steps: int, like: torch.Tensor) -> torch.Tensor:
    """What an input in each step adds to the mean over the steps of a leaky integrator's potential.

    (1 - decay^(n - t)) / (1 - decay) / n, of shape (steps,).

    Parameters
    ----------
    decay : float
        Of the potential in a step.
    n_steps : int
    like : tensor
        Whose type and device the weights have.
    """
    left = decay ** torch.arange(n_steps, 0, -1, dtype=torch.float64)
    return ((1.0 - left) / ((1.0 - decay) * n_steps)).to(like)
