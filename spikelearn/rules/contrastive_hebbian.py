"""Contrastive Hebbian and coupled learning: the output held against states that are free.

Energy-based rules as `energy_based.py` describes them, with its notation: s^0 rests in E, s^c in E
with the output s_L held; E is the energy of `_energy.py`.

Contrastive Hebbian learning, Movellan 1991, doi:10.1016/B978-1-4832-1448-1.50007-X; Xie & Seung
2003, doi:10.1162/089976603762552988 (gamma = `feedback`, and gamma^(l - L) on the update of layer l
from the energy's scale); s^c rests with s_L held at y:
    dW = -eta (dE/dW(s^c) - dE/dW(s^0)),   which descends E(s^c) - E(s^0)
Coupled learning, Stern et al. 2021, doi:10.1103/PhysRevX.11.021045; s^c rests with s_L held at
s^0_L + eta_c (y - s^0_L), eta_c = `nudge`:
    dW = -(eta / eta_c) (dE/dW(s^c) - dE/dW(s^0));   with eta_c = 1 contrastive Hebbian learning
"""

from __future__ import annotations

import torch

from spikelearn.rules._energy import Energy, States
from spikelearn.rules.energy_based import Activation, EnergyBased, Order, Start, repeated
from spikelearn.rules.rule import check_range, one_hot_targets, output_loss


class ContrastiveHebbian(EnergyBased):
    r"""States with the label at the output against free states (Movellan 1991).

    Notes
    -----
    With :math:`s^0` the states at rest and :math:`s^c` those with the output held at the label:

    .. math::

       \Delta W_l = -\eta \left( \frac{\partial E}{\partial W_l}(s^c)
       - \frac{\partial E}{\partial W_l}(s^0) \right)
       = \eta \, \gamma^{l - L} \left( s^c_l s^{c\top}_{l-1} - s^0_l s^{0\top}_{l-1} \right)

    Paper: Movellan 1991, doi:10.1016/B978-1-4832-1448-1.50007-X; Xie & Seung 2003,
    doi:10.1162/089976603762552988.
    """

    @torch.no_grad()
    def objective(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """The energy that holding the output at the label costs, E(s^c) - E(s^0)."""
        energy = self.energy(x)
        free = energy.relax(energy.start(), self.free_steps)
        target = one_hot_targets(y, free[-1].shape[1], free[-1])
        return mean_contrast(*clamped_phase(energy, free, target, self.nudged_steps))

    def _leave(
        self, energy: Energy, free: States, x: torch.Tensor, y: torch.Tensor
    ) -> torch.Tensor:
        target = one_hot_targets(y, free[-1].shape[1], free[-1])
        both, states = clamped_phase(energy, free, target, self.nudged_steps)
        self._leave_contrast(energy, x, states, signs(states))
        return mean_contrast(both, states)


class CoupledLearning(EnergyBased):
    r"""States with the output held nearer to the label against free states (Stern et al. 2021).

    Parameters
    ----------
    nudge : float
        eta_c: which part of the way to the label.
    free_steps, nudged_steps, activation, feedback, step, order, start
        As for `EnergyBased`.

    Notes
    -----
    With :math:`s^0` the states at rest and :math:`s^c` those with the output held a little nearer
    to the label, at :math:`s^0_L + \eta_c (y - s^0_L)`:

    .. math::

       \Delta W = -\frac{\eta}{\eta_c} \left( \frac{\partial E}{\partial W}(s^c)
       - \frac{\partial E}{\partial W}(s^0) \right)

    Paper: Stern et al. 2021, doi:10.1103/PhysRevX.11.021045.
    """

    def __init__(
        self,
        nudge: float = 0.1,
        free_steps: int = 20,
        nudged_steps: int = 8,
        activation: Activation = "own",
        feedback: float = 1.0,
        step: float = 1.0,
        order: Order = "alternating",
        start: Start = "forward",
    ) -> None:
        super().__init__(free_steps, nudged_steps, activation, feedback, step, order, start)
        check_range("nudge", nudge, 1e-6, 1.0)
        self.nudge = float(nudge)

    def _leave(
        self, energy: Energy, free: States, x: torch.Tensor, y: torch.Tensor
    ) -> torch.Tensor:
        target = one_hot_targets(y, free[-1].shape[1], free[-1])
        held = torch.lerp(free[-1], target, self.nudge)
        _, states = clamped_phase(energy, free, held, self.nudged_steps)
        self._leave_contrast(energy, x, states, signs(states) / self.nudge)
        return output_loss(self.loss, free[-1], y)[0]


def clamped_phase(
    energy: Energy, free: States, held: torch.Tensor, n_steps: int
) -> tuple[Energy, States]:
    """Relax with the output held at `held` in a first copy of the batch, and free in a second.

    Parameters
    ----------
    energy : Energy
        Of the batch.
    free : list of tensor of shape (batch, *out_shape)
        States at the end of the free phase, from which both copies go on.
    held : tensor of shape (batch, n_classes)
        Where the output is held.
    n_steps : int
        Steps of relaxation.

    Returns
    -------
    energy : Energy
        Of the two copies.
    states : list of tensor of shape (2 * batch, *out_shape)
    """
    n = len(held)
    both, states = energy.repeated(2), repeated(free, 2)
    states[-1] = torch.cat((held, free[-1]))
    return both, both.relax(states, n_steps, lambda a, s: torch.cat((held, a[n:])))


def mean_contrast(both: Energy, states: States) -> torch.Tensor:
    """Mean over the batch of the energy of the first copy minus that of the second."""
    held, free = both.of(states).chunk(2)
    return (held - free).mean()


def signs(states: States) -> torch.Tensor:
    """1 for the samples of the first copy, -1 for those of the second."""
    ones = torch.ones_like(states[-1][:, 0])
    ones[len(ones) // 2 :] = -1.0
    return ones
