"""What the online rules of `eligibility.py` carry forwards in time: layers and eligibilities."""

from __future__ import annotations

import torch
from torch import nn

from spikelearn.networks.lif_scan import Neurons
from spikelearn.networks.spiking_mlp import SpikingClassifier
from spikelearn.networks.surrogates import Psi


class OnlineLayer:
    """What the synapses and neurons of a layer hold at one time.

    Attributes
    ----------
    weight : tensor of shape (neurons, inputs)
        Of the inputs from below and, in a recurrent layer, of its own neurons behind them.
    below : tensor of shape (neurons, inputs from below)
        The first part of it.
    trace : tensor of shape (batch, inputs)
        Filtered presynaptic spikes.
    out, slope : tensor of shape (batch, neurons)
        Spikes of the step, or the potential of neurons that do not spike; its surrogate derivative.
    """

    def __init__(
        self,
        below: torch.Tensor,
        recurrent: torch.Tensor | None,
        decay: float,
        neurons: Neurons | None,
        psi: Psi,
        batch: int,
    ) -> None:
        self.below, self.decay, self.neurons, self.psi = below, decay, neurons, psi
        self.recurrent = recurrent is not None
        self.weight = below if recurrent is None else torch.cat((below, recurrent), 1)
        n_out, n_in = self.weight.shape
        self.trace = below.new_zeros(batch, n_in)
        self.v = self.out = self.theta = below.new_zeros(batch, n_out)
        self.slope = below.new_ones(batch, n_out)

    def step(self, below: torch.Tensor) -> torch.Tensor:
        """Integrate, fire and reset; `out` of the step for `below`, the spikes that arrive."""
        arriving = torch.cat((below, self.out), 1) if self.recurrent else below
        self.trace = torch.add(arriving, self.trace, alpha=self.decay)
        v = torch.add(nn.functional.linear(arriving, self.weight), self.v, alpha=self.decay)
        neurons = self.neurons
        if neurons is None:
            self.v = self.out = v
            return v
        adapts = neurons.increment_mv > 0.0
        height = neurons.threshold_mv + self.theta if adapts else neurons.threshold_mv
        distance = v - height
        self.slope = self.psi(distance)
        self.out = (distance > 0).to(v.dtype)
        self.v = v - height * self.out
        if adapts:
            self.theta = neurons.rho * (self.theta + neurons.increment_mv * self.out)
        return self.out

    def at_drive(self, signal: torch.Tensor) -> torch.Tensor:
        """The signal at the neurons' drives from that at their spikes."""
        return signal * self.slope

    def pull(self, delta: torch.Tensor) -> torch.Tensor:
        """The signal at the spikes of the layer below."""
        return delta @ self.below

    def learn(self, delta: torch.Tensor, into: torch.Tensor) -> None:
        """Add what the signal at the drives makes of the traces.

        Parameters
        ----------
        delta : tensor of shape (batch, neurons)
        into : tensor of the shape of `weight`
        """
        into.addmm_(delta.T, self.trace)


class Block:
    """Steps of a layer whose signals have not met their eligibilities yet.

    A synapse holds E and, of an adaptive threshold, y = d theta / dw:

        E[t] = kappa E[t-1] + psi[t] (a[t] - y[t]),
        y[t+1] = rho ((1 - q psi[t]) y[t] + q psi[t] a[t]).

    Both are linear in the traces a, with coefficients that a neuron's synapses share. So after a
    block of K steps that began with E0 and y0,

        sum_t L[t] E[t] = kappa C[0] E0 + H[0] y0 + sum_t F[t] a[t],
        E[K-1] = kappa^K E0 + H'[0] y0 + sum_t F'[t] a[t],   y[K] = N[0] y0 + sum_t G[t] a[t],

    where C[t] is the sum of kappa^(u - t) L[u] over the block's steps u from t on, and for C and
    for C'[t] = kappa^(K-1-t) alike

        H[t] = -C[t] psi[t] + rho (1 - q psi[t]) H[t+1],   F[t] = psi[t] (C[t] + rho q H[t+1]),
        N[t] = rho (1 - q psi[t]) N[t+1], N[K] = 1,        G[t] = rho q psi[t] N[t+1].
    """

    def __init__(self, kappa: float, neurons: Neurons) -> None:
        self.kappa, self.neurons = kappa, neurons
        self.steps: list[tuple[torch.Tensor, torch.Tensor, torch.Tensor]] = []
        self.eligibility: torch.Tensor | None = None  # E, of shape (batch, neurons, inputs)
        self.of_threshold: torch.Tensor | None = None  # y, likewise

    def finish(self, gradient: torch.Tensor, last: bool) -> None:
        """Add the block's part of the update, and go on from its eligibility unless it is last."""
        signals, slopes, traces = (torch.stack(part) for part in zip(*self.steps, strict=True))
        n_steps, self.steps = len(self.steps), []
        for t in range(n_steps - 2, -1, -1):
            signals[t] += self.kappa * signals[t + 1]
        of_traces, of_start = self._coefficients(signals, slopes)
        gradient.addmm_(of_traces.flatten(0, 1).T, traces.flatten(0, 1))
        if self.eligibility is not None:
            gradient.add_(
                torch.einsum("bj,bji->ji", signals[0], self.eligibility), alpha=self.kappa
            )
        if self.of_threshold is not None:
            gradient.add_(torch.einsum("bj,bji->ji", of_start, self.of_threshold))
        if last:  # nothing is held until the next stimulus
            self.eligibility = self.of_threshold = None
        if last or (self.kappa == 0.0 and not self.neurons.increment_mv):
            return
        kept = slopes.new_tensor([self.kappa ** (n_steps - 1 - t) for t in range(n_steps)])
        of_traces, of_start = self._coefficients(kept[:, None, None].expand_as(slopes), slopes)
        before = self.eligibility
        self.eligibility = _carried(of_traces, traces, before, self.kappa**n_steps)
        if self.of_threshold is not None:
            self.eligibility.addcmul_(of_start.unsqueeze(2), self.of_threshold)
        if self.neurons.increment_mv:
            self._carry_threshold(slopes, traces)

    def _coefficients(
        self, signals: torch.Tensor, slopes: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """F, of shape (steps, batch, neurons), and H[0] for C = `signals`."""
        rho, q = self.neurons.rho, self.neurons.increment_mv
        by_trace = signals * slopes
        later = torch.zeros_like(slopes[0])
        if not q:
            return by_trace, later
        for t in range(len(slopes) - 1, -1, -1):
            direct = by_trace[t].clone()
            by_trace[t].addcmul_(slopes[t], later, value=rho * q)
            later = rho * (1.0 - q * slopes[t]) * later - direct
        return by_trace, later

    def _carry_threshold(self, slopes: torch.Tensor, traces: torch.Tensor) -> None:
        rho, q = self.neurons.rho, self.neurons.increment_mv
        of_traces, later = torch.empty_like(slopes), torch.ones_like(slopes[0])
        for t in range(len(slopes) - 1, -1, -1):
            torch.mul(slopes[t], later, out=of_traces[t])
            later = rho * (1.0 - q * slopes[t]) * later
        of_traces *= rho * q
        before = self.of_threshold
        if before is not None:
            before.mul_(later.unsqueeze(2))
        self.of_threshold = _carried(of_traces, traces, before, 1.0)


def _carried(
    of_traces: torch.Tensor, traces: torch.Tensor, before: torch.Tensor | None, kept: float
) -> torch.Tensor:
    """Sum over the steps of their products, and `kept` times `before`, in whose memory it lies.

    Of shape (batch, neurons, inputs): the largest tensors that there are.
    """
    factors = of_traces.permute(1, 2, 0), traces.transpose(0, 1)
    return torch.bmm(*factors) if before is None else before.baddbmm_(*factors, beta=kept)


def layers_of(network: SpikingClassifier, psi: Psi, batch: int) -> list[OnlineLayer]:
    """The layers of a network before the first step.

    Parameters
    ----------
    network : SpikingClassifier
    psi : callable
    batch : int
        Number of samples.
    """
    layers = []
    for index, (weight, decay) in enumerate(zip(network.weights, network.decays, strict=True)):
        recurrent = network.recurrent[index] if index < len(network.recurrent) else None
        layers.append(OnlineLayer(weight, recurrent, decay, network.neurons(index), psi, batch))
    if network.description.readout == "potential":
        layers[-1].neurons = None
    return layers


def hidden_units(network: SpikingClassifier) -> list[int]:
    """Number of neurons of each hidden layer."""
    return list(network.description.sizes[1:-1])


def zeros(network: SpikingClassifier) -> list[torch.Tensor]:
    """Of the shapes of the layers' weights, recurrent ones behind the others."""
    within = [*(len(weight) for weight in network.recurrent)]
    within += [0] * (len(network.weights) - len(within))
    return [
        weight.new_zeros(weight.shape[0], weight.shape[1] + n)
        for weight, n in zip(network.weights, within, strict=True)
    ]


def leave(network: SpikingClassifier, gradients: list[torch.Tensor]) -> None:
    """Leave in `.grad` of all weights what was added up, of the shapes that `zeros` gives."""
    for weight, gradient in zip(network.weights, gradients, strict=True):
        weight.grad = gradient[:, : weight.shape[1]].contiguous()
    for weight, gradient in zip(network.recurrent, gradients, strict=False):
        weight.grad = gradient[:, -len(weight) :].contiguous()
