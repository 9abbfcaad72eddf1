"""EventProp: exact gradients of spiking networks, from spike times.

Wunderlich & Pehle 2021, doi:10.1038/s41598-021-91786-z. In the network of
`spikelearn.networks.latency_mlp` spike times depend smoothly on the weights as long as no spike
comes or goes, and so does the loss C. Its gradient needs the adjoint variables

    lambda_V(t) = dC / dV(t),   lambda_I(t) = dC / dI(t)

of each neuron, which run backwards in time,

    tau_m d lambda_V / dt = lambda_V,   tau_s d lambda_I / dt = lambda_I - (tau_s / tau_m) lambda_V,

and jump where the neuron spikes. With g = dC / dt_s what the loss and the layer above make of the
time of a spike, and V' the slope of the potential there, before and after the reset,

    lambda_V before = (V' after / V' before) lambda_V after - g / V' before.

(The paper's variables are ours over -tau_m and -tau_s.) For an input spike at t_i through weight w,

    dC / dw = lambda_I(t_i),   dC / dt_i = w (lambda_I / tau_s - lambda_V / tau_m)(t_i),

the second, summed over the neurons that it reaches, is the g of the layer below. With tau_m = 2
tau_s and the clock u = exp(-t / tau_m) all of this is in closed form: between two events the
potential is V = A u - B u^2 (see `spikelearn.networks.spike_times`) and

    lambda_V = P / u,   lambda_I = P / u + Q / u^2,   where P = dC / dA, Q = dC / dB,

with P and Q constant but for jumps at the neuron's own spikes, so that the way back is sums over
later spikes. At a spike with f = -dV/du > 0,

    dC/du_s = -tau_m g / u_s + theta P_after / u_s^2,
    P_before = P_after + (u_s / f) dC/du_s,   Q_before = Q_after - (u_s^2 / f) dC/du_s.

In the code P and Q are `p` and `q`, f is `Spikes.fall`, A and B are those of `Potential`.

Losses. `readout: potential` (as the paper's for MNIST): cross-entropy of the highest potentials of
output neurons that do not fire. `readout: first_spike` (as the paper's for Yin-Yang): cross-entropy
of -t_k / `softness_ms` for the first spikes t_k; an output neuron that does not fire scores as if
it did at the end, less `silence` times what its highest potential lacks of the threshold, so that
silent outputs learn to fire.

Blindness. The gradient says how spikes move, not that a spike would appear or vanish; hidden
neurons that never fire have none at all, and stay silent. Wunderlich & Pehle raise the weights of
silent neurons; here a hidden neuron that was silent for the last `silent_after` samples has its
weights' gradient lowered by `bump`, until it fires. This, and no gradient, is what revives it.
A spike at a grazing maximum (f near 0) moves without bound: 1 / f is held below 1 / `min_slope`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import torch
from torch import nn

from spikelearn.networks import spike_times
from spikelearn.networks.latency_mlp import FirstSpikes, LatencyClassifier, LatencyLayer
from spikelearn.rules._latency import LatencyRule
from spikelearn.rules.rule import Axis, check_range, leave, output_loss


class EventProp(LatencyRule):
    r"""Exact gradients of spike times, by adjoint variables (Wunderlich & Pehle 2021).

    Gradient descent on the cross-entropy of latencies or of highest potentials.

    Parameters
    ----------
    softness_ms : float
        Of the cross-entropy of spike times: by how much earlier a spike must be for e times the
        odds.
    silence : float
        Weight of the potential that a silent output neuron lacks.
    silent_after : int
        After how many samples without a spike a hidden neuron's weights are raised.
    bump : float
        By how much the gradient of its weights is lowered then; 0: it stays silent.
    min_slope : float
        Least -dV/du at a spike, in units of the threshold, that the backward pass divides by.

    Notes
    -----
    Adjoint variables run backwards in time between spikes,

    .. math::

       \tau_m \dot \lambda_V = \lambda_V, \qquad
       \tau_s \dot \lambda_I = \lambda_I - \frac{\tau_s}{\tau_m} \lambda_V

    and jump at a neuron's own spikes, where :math:`g = \partial C / \partial t_s` and
    :math:`\dot V^-`, :math:`\dot V^+` are the slopes before and after the reset:

    .. math::

       \lambda_V^- = \frac{\dot V^+}{\dot V^-} \lambda_V^+ - \frac{g}{\dot V^-}, \qquad
       \Delta w = -\eta \sum_{i} \lambda_I(t_i)

    over the spikes :math:`t_i` that arrive at the synapse.

    Paper: Wunderlich & Pehle 2021, doi:10.1038/s41598-021-91786-z.
    """

    networks: ClassVar[tuple[str, ...]] = ("latency_mlp",)
    asks: ClassVar[dict[str, object]] = {"readout": "potential"}
    network: LatencyClassifier
    claims: ClassVar[dict[str, bool]] = {
        "no weight transport": False,
        "local error": False,
        "single phase": False,
        "online in time": False,
        "spiking communication": True,
    }

    def __init__(
        self,
        softness_ms: float = 1.0,
        silence: float = 1.0,
        silent_after: int = 1000,
        bump: float = 0.01,
        min_slope: float = 1e-3,
    ) -> None:
        check_range("softness_ms", softness_ms, 1e-6)
        check_range("silence", silence, 0.0)
        check_range("silent_after", silent_after, 1)
        check_range("bump", bump, 0.0)
        check_range("min_slope", min_slope, 0.0)
        self.softness_ms, self.silence = softness_ms, silence
        self.silent_after, self.bump, self.min_slope = int(silent_after), bump, min_slope

    def prepare(self, network: nn.Module, generator: torch.Generator) -> None:
        """Keep the network, and count for each hidden neuron the samples since its last spike.

        Raises
        ------
        SpikelearnError
            If the network is none of spike times, or a convolutional one.
        """
        super().prepare(network, generator)
        weights = list(self.network.weights)[:-1]
        self.extra["samples_since_spike"] = nn.ParameterList(
            nn.Parameter(weight.new_zeros(len(weight)), requires_grad=False) for weight in weights
        )

    def unit_axes(self) -> dict[str, tuple[Axis, ...]]:
        """One count for each hidden neuron."""
        return {f"samples_since_spike.{i}": (i,) for i in range(len(self.network.weights) - 1)}

    @torch.no_grad()
    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Callable[[], None]) -> torch.Tensor:
        """Leave the gradient in `.grad` and apply it once."""
        layers = self.network(x)
        loss, error = output_loss("cross_entropy", self._scores(layers[-1]), y)
        gradients = self.gradients(layers, error)
        self._raise_silent(layers, gradients)
        leave(self.network.weights, gradients)
        apply()
        return loss

    def _raise_silent(self, layers: list[LatencyLayer], gradients: list[torch.Tensor]) -> None:
        since = self.extra["samples_since_spike"].parameters()
        for layer, count, gradient in zip(layers[:-1], since, gradients[:-1], strict=True):
            gradient[count >= self.silent_after] -= self.bump
            batch = len(layer.state.volley.u)
            fired = spike_times.counts(layer.spikes[:1], (batch, len(count)), count).any(0)
            count.add_(batch).masked_fill_(fired, 0.0)

    def _scores(self, output: LatencyLayer) -> torch.Tensor:
        """Scores of shape (batch, n_classes), from the output layer of a forward pass."""
        assert output.peak is not None  # noqa: S101 - for the type checker
        highest = output.peak.v
        first = spike_times.first(output.spikes, (len(highest), highest.shape[1]), highest)
        return self._scored(first, highest)

    def scores(self, spikes: FirstSpikes) -> torch.Tensor:
        """Scores of shape (batch, n_classes): potentials in mV, or latencies, negative."""
        return self._scored(spikes.output, spikes.highest_mv)

    def _scored(self, first: torch.Tensor, highest_mv: torch.Tensor) -> torch.Tensor:
        if self.network.description.readout == "potential":
            return highest_mv
        return self.network.scores(first, highest_mv, self.softness_ms, self.silence)

    def gradients(self, layers: list[LatencyLayer], error: torch.Tensor) -> list[torch.Tensor]:
        """The gradient by each layer's weights, from that by the scores, (batch, n_classes)."""
        by_weights: list[torch.Tensor] = []
        by_clock = self._output_spikes(layers[-1], error)
        for index in range(len(layers) - 1, -1, -1):
            layer, weight = layers[index], self.network.weights[index]
            p, q = (torch.zeros_like(layer.state.a) for _ in range(2))
            by_slot = torch.zeros_like(layer.state.volley.u)
            if index == len(layers) - 1:
                self._output_peaks(layer, error, p, q, by_slot)
            self._own_spikes(layer.spikes, by_clock, p, q)
            # What happens in an interval depends on the input of that slot and of those before.
            p, q = (spike_times.running_sum(part, backwards=True) for part in (p, q))
            volley = layer.state.volley
            inverse = volley.u.reciprocal().unsqueeze(2)
            signal = (q * inverse + p) * inverse  # lambda_I
            by_weights.insert(0, volley.products(signal, weight.shape[1]))
            if index:
                moved = (2.0 * signal - p * inverse) * layer.state.drive
                by_slot -= moved.sum(2) / volley.u
                by_clock = by_slot.flatten()[layers[index - 1].place]
        return by_weights

    def _output_spikes(self, output: LatencyLayer, error: torch.Tensor) -> torch.Tensor:
        """dC/du of the output's spikes: t = -tau_m log u."""
        by_spike = [error.new_zeros(0)]
        for first in output.spikes:
            by_time = -error[first.sample, first.neuron] / self.softness_ms
            by_spike.append(-self.network.description.tau_m_ms / first.u * by_time)
        return torch.cat(by_spike)

    def _output_peaks(
        self,
        output: LatencyLayer,
        error: torch.Tensor,
        p: torch.Tensor,
        q: torch.Tensor,
        by_slot: torch.Tensor,
    ) -> None:
        """What the highest potentials of the output depend on: V = A u - B u^2 there."""
        d, peak = self.network.description, output.peak
        assert peak is not None  # noqa: S101 - for the type checker
        by_v = error * (peak.v > 0.0)
        if d.readout == "first_spike":
            by_v = by_v * self.silence / d.v_threshold_mv
            for first in output.spikes:
                by_v[first.sample, first.neuron] = 0.0
        where = peak.slot.unsqueeze(1)
        p.scatter_add_(1, where, (by_v * peak.u).unsqueeze(1))
        q.scatter_add_(1, where, (-by_v * peak.u.square()).unsqueeze(1))
        # At a kink the time is that of the next input, and moves with it.
        a, b = (part.gather(1, where).squeeze(1) for part in (output.state.a, output.state.b))
        by_time = torch.where(peak.kink, by_v * (a - 2.0 * b * peak.u), 0.0)
        follows = peak.slot + 1
        n_slots = by_slot.shape[1]
        by_slot.scatter_add_(
            1, follows.clamp_max(n_slots - 1), torch.where(follows < n_slots, by_time, 0.0)
        )

    def _own_spikes(
        self,
        spikes: list[spike_times.Spikes],
        by_clock: torch.Tensor,
        p: torch.Tensor,
        q: torch.Tensor,
    ) -> None:
        """Jumps of P and Q at a layer's spikes, last to first, from dC/du as others see it."""
        theta = self.network.description.v_threshold_mv
        later = p.new_zeros(p.shape[0], p.shape[2])
        parts = by_clock.split([len(part.u) for part in spikes]) if spikes else ()
        for part, by_u in zip(reversed(spikes), reversed(parts), strict=True):
            total = by_u + theta * later[part.sample, part.neuron] / part.u.square()
            fall = part.fall.clamp_min(max(self.min_slope * theta, 1e-30))
            by_a = total * part.u / fall
            later[part.sample, part.neuron] += by_a
            # A neuron is in each part once at most, so that no two write to one place.
            p[part.sample, part.slot, part.neuron] += by_a
            q[part.sample, part.slot, part.neuron] -= by_a * part.u

    @torch.no_grad()
    def objective(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """The cross-entropy."""
        return output_loss("cross_entropy", self.predict(x), y)[0]
