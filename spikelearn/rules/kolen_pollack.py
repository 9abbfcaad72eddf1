"""Kolen-Pollack learning: feedback weights become symmetric by taking part in the same learning.

Kolen & Pollack 1994, doi:10.1109/ICNN.1994.374486; Akrout et al. 2019, arXiv:1904.05391. As
feedback alignment, but every synapse of the way back, B_l, sees the same product of pre- and
postsynaptic activity as its counterpart W_l of the way forward, and both decay:

    dW_l = -eta delta_l h_(l-1)^T - lambda W_l
    dB_l = -eta delta_l h_(l-1)^T - lambda B_l

so that W_l - B_l shrinks by (1 - lambda) in every step, whatever is learned. No weight is
transported.

The decay is the optimiser's `weight_decay`, for the group "network" and the group "feedback"
alike: the classical one of sgd (lambda = rate * weight_decay), or the decoupled one of adam. Either
way the difference shrinks exactly, since both optimiser states see the same products; without decay
it stays as it is, and the rule is feedback alignment that drifts.
"""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import nn

from spikelearn.rules.feedback_alignment import FeedbackAlignment
from spikelearn.rules.rule import LayerPass


class KolenPollack(FeedbackAlignment):
    r"""Feedback weights take part in the same learning (Akrout et al. 2019).

    Feedback weights learn by the products that the forward weights learn by.

    Parameters as for `FeedbackAlignment`. The optimiser of the group "feedback" must be that of the
    group "network", decay included: give it no settings of its own.

    Notes
    -----
    As feedback alignment, with feedback weights :math:`B_l` that learn by the same products and
    decay alike:

    .. math::

       \Delta W_l &= -\eta \, \delta_l h_{l-1}^\top - \lambda W_l \\
       \Delta B_l &= -\eta \, \delta_l h_{l-1}^\top - \lambda B_l

    so that :math:`W_l - B_l` shrinks by the factor :math:`1 - \lambda` in every step.

    Paper: Kolen & Pollack 1994, doi:10.1109/ICNN.1994.374486; Akrout et al. 2019,
    arXiv:1904.05391.
    """

    claims: ClassVar[dict[str, bool]] = {
        "no weight transport": True,
        "local error": False,
        "single phase": False,
    }

    def prepare(self, network: nn.Module, generator: torch.Generator) -> None:
        """Draw the feedback weights; they learn."""
        super().prepare(network, generator)
        self.extra["feedback"].requires_grad_(True)

    def groups(self) -> dict[str, list[nn.Parameter]]:
        """The network, and "feedback"."""
        return {
            "network": list(self.network.parameters()),
            "feedback": list(self.extra["feedback"].parameters()),
        }

    @torch.no_grad()
    def _leave(self, passes: list[LayerPass], error: torch.Tensor) -> list[torch.Tensor]:
        deltas = super()._leave(passes, error)
        for matrix, weight in zip(self._feedback(), self.network.weights()[1:], strict=True):
            # The same numbers in memory of their own, as an optimiser may write into a gradient.
            matrix.grad = torch.clone(weight.grad)  # type: ignore[arg-type]
        return deltas
