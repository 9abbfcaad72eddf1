"""Perturbation learning in recurrent networks: noise at every unit and step.

Noise on every p_t, q_t and output; the change of the loss times the noise stands for the signal
there (Widrow & Lehr 1990, doi:10.1109/5.58323). The notation, and how signals become an update, are
those of `through_time.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, Literal

import torch
from torch import nn

from spikelearn.networks.recurrent import Unrolled
from spikelearn.rules.rule import Axis, Loss, check_range, one_hot_targets, output_loss
from spikelearn.rules.through_time import ThroughTimeRule


class NodePerturbationThroughTime(ThroughTimeRule):
    r"""Noise at every unit and step, rewarded by the change of the loss.

    Parameters
    ----------
    sigma : float
        Standard deviation of the noise.
    n_directions : int
        Pairs of noise and its opposite, averaged.
    loss : {"cross_entropy", "squared_error"}

    Notes
    -----
    With noise :math:`\xi_t` of variance 1 on the drive of every unit at every step, and
    :math:`C^\pm` the loss with it and with its opposite:

    .. math::

       \Delta W = -\eta \left\langle \frac{C^+ - C^-}{2 \sigma} \sum_t \xi_t x_t^\top \right\rangle,
       \qquad
       \Delta U = -\eta \left\langle \frac{C^+ - C^-}{2 \sigma} \sum_t \xi'_t h_{t-1}^\top
       \right\rangle

    Paper: Widrow & Lehr 1990, doi:10.1109/5.58323.
    """

    # One draw of noise may point uphill; only their mean descends.
    descends: ClassVar[Literal["all", "output", "none"]] = "none"
    claims: ClassVar[dict[str, bool]] = {
        "no weight transport": True,
        "local error": True,
        "single phase": False,
        "online in time": True,
    }

    def __init__(
        self, sigma: float = 1e-2, n_directions: int = 1, loss: Loss = "cross_entropy"
    ) -> None:
        super().__init__(loss)
        check_range("sigma", sigma, 1e-8)
        check_range("n_directions", n_directions, 1)
        self.sigma, self.n_directions = sigma, int(n_directions)

    @torch.no_grad()
    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Callable[[], None]) -> torch.Tensor:
        """Leave the update in `.grad` and apply it once."""
        cell, output = self.network.cell, self.network.output
        clean = self.network.unroll(x)
        loss = output_loss(self.loss, output(clean.h[:, -1]), y)[0]
        batch, n_steps = clean.h.shape[:2]
        units = cell.blocks * cell.hidden
        by_p, by_q = (x.new_zeros(batch, n_steps, units) for _ in range(2))
        by_output = x.new_zeros(batch, output.weight.shape[0])
        for _ in range(self.n_directions):
            axes: tuple[Axis, ...] = ("batch", None, None)
            noise = [self.draw((batch, n_steps, units), axes) for _ in range(2)]
            at_output = self.draw(by_output.shape, ("batch", None))
            with_noise, against = self._losses(clean, y, noise, at_output)
            change = (with_noise - against) / (2 * self.sigma * self.n_directions * batch)
            by_p.addcmul_(change[:, None, None], noise[0])
            by_q.addcmul_(change[:, None, None], noise[1])
            by_output.addcmul_(change[:, None], at_output)
        output.weight.grad, output.bias.grad = output.product(clean.h[:, -1], by_output)
        self.leave_products(clean, by_p, by_q)
        apply()
        return loss

    def _losses(
        self, clean: Unrolled, y: torch.Tensor, noise: list[torch.Tensor], at_output: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Losses of every sample of the batch with the noise, and with its opposite, as one."""
        ps = map(self._either_way, noise[0].unbind(1), clean.p.unbind(1))
        qs = map(self._either_way, noise[1].unbind(1))
        for _, h in self.network.steps(ps, qs):
            last = h
        scores = self.network.output(last) + self._either_way(at_output)
        if self.loss == "cross_entropy":
            losses = nn.functional.cross_entropy(scores, y.repeat(2), reduction="none")
        else:
            target = one_hot_targets(y.repeat(2), scores.shape[1], scores)
            losses = 0.5 * (scores - target).square().sum(1)
        with_noise, against = losses.chunk(2)
        return with_noise, against

    def _either_way(self, noise: torch.Tensor, around: torch.Tensor | float = 0.0) -> torch.Tensor:
        """The noise, and its opposite, around a value; the two one after the other."""
        return torch.cat([around + self.sigma * noise, around - self.sigma * noise])
