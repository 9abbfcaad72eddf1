"""Winner-take-all: the unit nearest to the input moves to it.

Rumelhart & Zipser 1985, doi:10.1207/s15516709cog0901_5; in each hidden layer

    dw = eta (x - w) for the unit nearest to the input, 0 for the others.

A `conscience` (DeSieno 1988) handicaps units in proportion to how much more than their share they
have won. Activity and readout as in `hebbian.py`. What is not local: the nearest unit is found by
comparing all units of the layer.
"""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import nn

from spikelearn.networks.layers import Layer
from spikelearn.rules._patches import by_unit, lengths, mean_product, unit_mean, with_decay
from spikelearn.rules.hebbian import Hebbian, Transform
from spikelearn.rules.rule import Axis, check_range


class WinnerTakeAll(Hebbian):
    r"""Hard competition, then a readout (Rumelhart & Zipser 1985).

    The nearest unit moves to the input. MLP and CNN (each patch has a winner).

    Parameters
    ----------
    conscience : float
        Handicap, in squared distance, of a unit that wins always; 0 for none.
    unsupervised_epochs, transform, power, radius
        As for `Hebbian`.

    Notes
    -----
    .. math::

       \Delta w_k = \begin{cases} \eta \, (x - w_k) & k = \operatorname{argmin}_j |x - w_j| \\
       0 & \text{otherwise} \end{cases}

    A `conscience` handicaps units that have won more than their share.

    Paper: Rumelhart & Zipser 1985, doi:10.1207/s15516709cog0901_5.
    """

    networks: ClassVar[tuple[str, ...]] = ("mlp", "cnn")
    normalise_input: ClassVar[bool] = True
    compares: ClassVar[bool] = True

    def __init__(
        self,
        conscience: float = 0.0,
        unsupervised_epochs: int = 1,
        transform: Transform = "triangle",
        power: float = 1.0,
        radius: float | None = 1.0,
    ) -> None:
        super().__init__(unsupervised_epochs, transform, power, radius)
        check_range("conscience", conscience, 0.0)
        self.conscience = conscience

    def keep(self, layer: Layer) -> nn.Module:
        """How often each unit has won, lately."""
        kept = nn.Module()
        n = layer.out_shape[0]
        kept.register_buffer("wins", torch.full((n,), 1.0 / n))
        return kept

    def unit_axes(self) -> dict[str, tuple[Axis, ...]]:
        """A frequency for each unit."""
        return {f"kept.{i}.wins": (i,) for i in range(len(self.hidden()))}

    def increment(
        self, layer: Layer, x: torch.Tensor, u: torch.Tensor, kept: nn.Module
    ) -> torch.Tensor:
        """<g (x - w)>, g = 1 for the winner."""
        wins = kept.get_buffer("wins")
        # |x - w|^2 = |x|^2 - 2 u + |w|^2, and |x|^2 is the same for all units.
        handicap = 0.5 * lengths(layer.weight).square()
        handicap = handicap + self.conscience * (wins - 1 / len(wins))
        nearness = u.sub_(by_unit(handicap, u[0]))
        winner = nearness.max(1, keepdim=True).indices  # of equals the first; faster than argmax
        g = nearness.zero_().scatter_(1, winner, 1.0)
        share = unit_mean(g)
        wins += 0.05 * (share - wins)
        return with_decay(mean_product(layer, x, g), layer.weight, share)
