"""Surrogate gradients: backpropagation through time in a spiking network.

Neftci, Mostafa & Zenke 2019, doi:10.1109/MSP.2019.2931595. The forward pass spikes; the backward
pass replaces the derivative of the step at threshold by psi, by default that of a fast sigmoid of
slope k = 25,

    S = Theta(v - v_threshold),   dS/dv := psi(v - v_threshold) = 1 / (1 + k |v - v_threshold|)^2,

(others: `spikelearn.networks.surrogates`) and the reset carries no gradient. Layers may be
recurrent and have adaptive thresholds, through both of which the gradient goes; or convolutional,
with pooling, normalisation and time constants that learn (`spikelearn.networks.spiking_cnn`).
Neurons are our own, with the way back written out (`spikelearn.networks.lif_scan`), snnTorch's or
Norse's, with the same spikes and the same gradients. The score of a class is the spike count of its
output neuron, or its mean potential where the readout does not spike.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, Literal

import torch

from spikelearn.networks.library_membranes import LIBRARIES
from spikelearn.networks.surrogates import SURROGATE_SLOPE
from spikelearn.rules._spiking import SpikingRule
from spikelearn.rules.rule import check_option, leave, output_loss


class Surrogate(SpikingRule):
    r"""Backpropagation through time with surrogate gradients (Neftci et al. 2019).

    Gradient descent on the cross-entropy of the scores.

    Parameters
    ----------
    surrogate : str
        Derivative of the step at threshold: a name of `spikelearn.networks.surrogates`.
    slope : float
        Its slope k, in 1/mV.
    backend : {"native", "snntorch", "norse"}
        Whose neurons are trained.

    Notes
    -----
    The forward pass spikes; on the way back the derivative of the step is that of a fast sigmoid of
    slope k:

    .. math::

       S[t] = \Theta(v[t] - v_{\text{threshold}}), \qquad
       \frac{\partial S}{\partial v} := \frac{1}{(1 + k |v - v_{\text{threshold}}|)^2}

    .. math::

       \Delta W_l = -\eta \, \frac{\partial C}{\partial W_l} \quad \text{through all time steps}

    Paper: Neftci, Mostafa & Zenke 2019, doi:10.1109/MSP.2019.2931595.
    """

    # Spikes do not depend smoothly on the weights; potentials depend so on the output layer's.
    descends: ClassVar[Literal["all", "output", "none"]] = "output"
    claims: ClassVar[dict[str, bool]] = {
        "no weight transport": False,
        "local error": False,
        "single phase": False,
        "spiking communication": True,
    }

    def __init__(
        self,
        surrogate: str = "fast_sigmoid",
        slope: float = SURROGATE_SLOPE,
        backend: Literal["native", "snntorch", "norse"] = "native",
    ) -> None:
        super().__init__(surrogate, slope)
        check_option("backend", backend, ("native", *LIBRARIES))
        self.backend = backend

    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Callable[[], None]) -> torch.Tensor:
        """Leave the surrogate gradient in `.grad` and apply it once."""
        scores = self.network.scores(self.input_spikes(x), self.psi, self.backend)
        loss = output_loss("cross_entropy", scores, y)[0]
        leave(self.parameters(), torch.autograd.grad(loss, self.parameters()))
        apply()
        return loss.detach()
