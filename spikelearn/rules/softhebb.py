"""SoftHebb: soft competition, by which units come to share out what the input is made of.

Moraitis, Toichkin, Journe, Chua & Guo 2022, arXiv:2107.05747; Journe, Garcia Rodriguez, Guo &
Moraitis 2023, arXiv:2209.11883. With x the input of unit length and u = W x,

    p = softmax(u / temperature),   dw_k = eta g_k (x - u_k w_k)

where g = p, or, `anti_hebbian` (the deep version), g = p for the unit with the largest u and -p for
the others. Every |w_k| comes to 1, from either side where g_k u_k > 0. `adaptive_rate` multiplies
eta by | |w_k| - 1 |^0.5 for each unit: units far from convergence learn fast, others come to rest.

Scheme, readout and `transform` as in `hebbian.py`. MLP and CNN: in a convolutional layer every
patch is a sample. The softmax compares all units of the layer: not local to a synapse.
"""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import nn

from spikelearn.networks.layers import Layer
from spikelearn.rules._patches import by_unit, lengths, mean_answer, mean_product, with_decay
from spikelearn.rules.hebbian import Hebbian, Transform
from spikelearn.rules.rule import check_option, check_range


class SoftHebb(Hebbian):
    r"""Soft competition, then a readout (Moraitis et al. 2022).

    Parameters
    ----------
    temperature : float
        Of the softmax; to 0, the hardest competition.
    anti_hebbian : bool
        Whether all but the winner learn with the opposite sign.
    adaptive_rate : bool
        Whether a unit's rate follows its distance from unit length.
    unsupervised_epochs, transform, power, radius
        As for `Hebbian`.

    Notes
    -----
    With :math:`x` the input of unit length, :math:`u = W x` and temperature :math:`T`:

    .. math::

       p_k = \frac{e^{u_k / T}}{\sum_j e^{u_j / T}}, \qquad
       \Delta w_k = \eta \, g_k \, (x - u_k w_k), \qquad g_k = p_k

    With `anti_hebbian` only the strongest unit keeps :math:`g_k = p_k`, and the others have
    :math:`g_k = -p_k`.

    Paper: Moraitis et al. 2022, arXiv:2107.05747; Journe et al. 2023, arXiv:2209.11883.
    """

    networks: ClassVar[tuple[str, ...]] = ("mlp", "cnn")
    normalise_input: ClassVar[bool] = True
    compares: ClassVar[bool] = True

    def __init__(
        self,
        temperature: float = 1 / 12,
        anti_hebbian: bool = True,
        adaptive_rate: bool = True,
        unsupervised_epochs: int = 1,
        transform: Transform = "triangle",
        power: float = 1.0,
        radius: float | None = 5.0,
    ) -> None:
        super().__init__(unsupervised_epochs, transform, power, radius)
        check_range("temperature", temperature, 1e-9)
        check_option("anti_hebbian", anti_hebbian, (True, False))
        check_option("adaptive_rate", adaptive_rate, (True, False))
        self.temperature, self.anti_hebbian = temperature, anti_hebbian
        self.adaptive_rate = adaptive_rate

    def increment(
        self, layer: Layer, x: torch.Tensor, u: torch.Tensor, kept: nn.Module
    ) -> torch.Tensor:
        """<g x^T> - <g u> W, with a rate for each unit."""
        if self.anti_hebbian:
            winner = u.max(1, keepdim=True).indices  # of equals the first
        # Maps are written over, of which `mean_answer` asks nothing more.
        g = u.div_(self.temperature) if u.ndim > 2 else u / self.temperature
        # e^-60 stands for less: processors are slow with denormal numbers.
        g.sub_(g.amax(1, keepdim=True)).clamp_min_(-60.0).exp_()
        g.div_(g.sum(1, keepdim=True))
        if self.anti_hebbian:
            won = g.gather(1, winner)
            g.neg_().scatter_(1, winner, won)
        product = mean_product(layer, x, g)
        decay = mean_answer(layer, product, g, u)
        change = with_decay(product, layer.weight, decay)
        if self.adaptive_rate:
            rates = (lengths(layer.weight) - 1).abs().sqrt()
            change.mul_(by_unit(rates, change))
        return change
