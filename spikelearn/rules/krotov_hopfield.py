"""Krotov and Hopfield's rule: the strongest unit learns, a runner-up unlearns.

Krotov & Hopfield 2019, doi:10.1073/pnas.1820458116. For an input x, with currents
I_k = sum_j sign(w_kj) |w_kj|^(p-1) x_j, units are ranked; g = 1 for the strongest, -delta for the
one of rank `rank`, 0 for the others:

    dw_k = eta g_k (x - I_k w_k) / max |dW|

summed over the batch and divided by the largest entry of the whole update, so that eta is the
largest change of any synapse in a step. With delta = 0 it is competitive learning, and a winner's
norm sum |w|^p comes to 1. Hidden activity is max(I, 0)^power, read out with unit length.

Ranking compares all units of a layer, and the division all its synapses: not local. Fully connected
layers only; the paper has no convolutional form. Scheme and readout as in `hebbian.py`.
"""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import nn

from spikelearn.networks.layers import Layer
from spikelearn.rules.hebbian import Hebbian, Transform
from spikelearn.rules.rule import check_range


class KrotovHopfield(Hebbian):
    r"""Ranked competition, then a readout (Krotov & Hopfield 2019).

    Parameters
    ----------
    delta : float
        Strength of unlearning.
    rank : int
        Rank, from 2, of the unit that unlearns.
    p : float
        Lebesgue norm of the weights.
    divide : bool
        Whether the update is divided by its largest entry.
    unsupervised_epochs, transform, power, radius
        As for `Hebbian`.

    Notes
    -----
    .. math::

       I_k = \sum_j \operatorname{sign}(w_{kj}) |w_{kj}|^{p-1} x_j, \qquad
       \Delta w_k = \eta \, \frac{g_k \, (x - I_k w_k)}{\max |\Delta W|}

    .. math::

       g_k = \begin{cases} 1 & \text{the strongest current} \\
       -\Delta & \text{that of the rank chosen} \\ 0 & \text{otherwise} \end{cases}

    Paper: Krotov & Hopfield 2019, doi:10.1073/pnas.1820458116.
    """

    batch_coupled: ClassVar[bool] = True  # through the division

    def __init__(
        self,
        delta: float = 0.4,
        rank: int = 2,
        p: float = 2.0,
        divide: bool = True,
        unsupervised_epochs: int = 1,
        transform: Transform = "repu",
        power: float = 4.5,
        radius: float | None = None,
    ) -> None:
        super().__init__(unsupervised_epochs, transform, power, radius)
        check_range("delta", delta, 0.0)
        check_range("rank", rank, 2)
        check_range("p", p, 2.0)
        self.delta, self.rank, self.p, self.divide = delta, int(rank), p, bool(divide)

    def increment(
        self, layer: Layer, x: torch.Tensor, u: torch.Tensor, kept: nn.Module
    ) -> torch.Tensor:
        """g x^T - (g I summed over the batch) W, divided by its largest entry."""
        flat, weight = x.flatten(1), layer.weight
        # At p = 2 the currents are W x.
        current = u if self.p == 2 else flat @ (weight.sign() * weight.abs() ** (self.p - 1)).T
        k = min(self.rank, current.shape[1])
        ranked = current.topk(k, dim=1).indices
        g = torch.zeros_like(current).scatter_(1, ranked[:, :1], 1.0)
        if k > 1 and self.delta:
            g.scatter_(1, ranked[:, k - 1 : k], -self.delta)
        change = (g.T @ flat).addcmul_((g * current).sum(0).unsqueeze(1), weight, value=-1.0)
        if not self.divide:
            return change.div_(len(flat))
        low, high = change.aminmax()
        return change.div_(torch.maximum(-low, high).clamp_min_(1e-30))
