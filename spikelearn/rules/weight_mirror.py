"""Weight mirrors: feedback weights learn from noise to mirror the forward weights.

Akrout et al. 2019, arXiv:1904.05391. As feedback alignment; but between the steps of learning
there are mirror phases, in which layer l-1 fires zero-mean noise xi of variance sigma^2, layer l
answers, and the synapses of the way back correlate the two:

    y = phi(W_l xi + b_l),   dB_l = eta_m (y - <y>) xi^T - lambda B_l

with <y> the mean over the batch, as the forward bias and the nonlinearity give y a mean. The
correlation is sigma^2 <phi'> W_l on average: B_l comes to point along W_l with no weight
transported. The step back is a phase of its own, apart from the processing of stimuli.

The fixed point of the two terms is sigma^2 <phi'> eta_m / lambda times W_l. Here the correlation is
divided by sigma^2 and by the measured mean slope, so that the update is B_l - gain * C_l, and a
`gain` of 1 mirrors W_l itself. Kernels are mirrored before their layer's pooling.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, Literal

import torch
from torch import nn

from spikelearn.rules.feedback_alignment import FeedbackAlignment
from spikelearn.rules.hebbian import currents, mean_product
from spikelearn.rules.rule import Loss, check_range, forward_pass, output_loss


class WeightMirror(FeedbackAlignment):
    """Feedback weights learn in mirror phases.

    Parameters
    ----------
    loss, scale
        As for `FeedbackAlignment`.
    sigma : float
        Standard deviation of the noise in a mirror phase.
    n_noise : int
        Noise samples in a mirror phase.
    every : int
        Batches between two mirror phases.
    gain : float
        Norm of the mirrored weights, in units of the forward weights'.
    """

    batch_coupled: ClassVar[bool] = True  # the noise samples of a mirror phase share their mean
    descends: ClassVar[Literal["all", "output", "none"]] = "output"

    def __init__(
        self,
        loss: Loss = "cross_entropy",
        scale: float = 1.0,
        sigma: float = 0.1,
        n_noise: int = 64,
        every: int = 1,
        gain: float = 1.0,
    ) -> None:
        super().__init__(loss, scale)
        check_range("sigma", sigma, 1e-6)
        check_range("n_noise", n_noise, 2)
        check_range("every", every, 1)
        check_range("gain", gain, 0.0)
        self.sigma, self.n_noise, self.every, self.gain = sigma, int(n_noise), int(every), gain

    def prepare(self, network: nn.Module, generator: torch.Generator) -> None:
        """Draw the feedback weights; they learn."""
        super().prepare(network, generator)
        self.extra["feedback"].requires_grad_(True)
        clock = nn.Module()
        clock.register_buffer("batches", torch.zeros((), dtype=torch.int64))
        self.extra["clock"] = clock

    def groups(self) -> dict[str, list[nn.Parameter]]:
        """The network, and "feedback"."""
        return {
            "network": list(self.network.parameters()),
            "feedback": list(self.extra["feedback"].parameters()),
        }

    def unit_axes(self):  # type: ignore[no-untyped-def]
        """As in feedback alignment."""
        return {**super().unit_axes(), "clock.batches": ()}

    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Callable[[], None]) -> torch.Tensor:
        """A mirror phase, if it is time for one; then a step of feedback alignment."""
        batches = self.extra["clock"].get_buffer("batches")
        if int(batches) % self.every == 0:
            self.mirror()
            apply()
        batches += 1
        passes = forward_pass(self.network, x)
        loss, error = output_loss(self.loss, passes[-1].h, y)
        self._leave(passes, error)
        apply()
        return loss

    @torch.no_grad()
    def mirror(self) -> None:
        """Leave in `.grad` of the feedback weights what a mirror phase teaches them."""
        matrices = list(self.extra["feedback"].parameters())
        for index, (layer, matrix) in enumerate(
            zip(list(self.network)[1:], matrices, strict=True), start=1
        ):
            shape = (self.n_noise, *layer.in_shape)
            xi = self.sigma * self.draw(shape, (None, index - 1, *(None,) * (len(shape) - 2)))
            # Before any pooling, which would blur one synapse's echo into its neighbours'.
            u = currents(layer, xi)
            u = u + layer.bias.view(-1, *(1,) * (u.ndim - 2))
            y = layer.activate(u)
            slope = layer.slope(u, y).mean().clamp_min(1e-3)
            seen = mean_product(layer, torch.ones_like(xi[:1]), torch.ones_like(u[:1]))
            correlation = mean_product(layer, xi, y - y.mean(0)) / (self.sigma**2 * slope * seen)
            matrix.grad = matrix - self.gain * correlation
