"""Baselines: what a rule is measured against.

Backpropagation (Rumelhart, Hinton & Williams 1986, doi:10.1038/323533a0), computed by torch's
automatic differentiation:

    delta_L = dC/dz_L,   delta_l = (W_(l+1)^T delta_(l+1)) * phi'(z_l)
    dW_l = -eta delta_l h_(l-1)^T

No learning: every kind of network with its initial weights.

Random features (Rahimi & Recht 2007): hidden layers keep their initial weights, and the output
layer learns. The control for every unsupervised rule: what does its hidden layer add to random
weights of the same width under the same readout? Activity and readout as in `hebbian.py`.

(Backpropagation through time, the baseline of recurrent networks, stands in `through_time.py`, for
it shares its steps with the rules there; that of networks that spike is `surrogate.py`.)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, Literal

import torch

from spikelearn.rules._latency import LatencyRule
from spikelearn.rules._spiking import SpikingRule
from spikelearn.rules.hebbian import Hebbian, Transform
from spikelearn.rules.rule import Loss, Rule, check_option, leave, output_loss


class Backprop(Rule):
    r"""Gradient descent; the baseline.

    Parameters
    ----------
    loss : {"cross_entropy", "squared_error"}

    Notes
    -----
    With :math:`C` the loss, :math:`z_l` the drive of layer l and :math:`h_l = \phi(z_l)` its
    activity:

    .. math::

       \delta_L = \frac{\partial C}{\partial z_L}, \qquad
       \delta_l = \left( W_{l+1}^\top \delta_{l+1} \right) \odot \phi'(z_l), \qquad
       \Delta W_l = -\eta \, \delta_l h_{l-1}^\top

    Paper: Rumelhart, Hinton & Williams 1986, doi:10.1038/323533a0.
    """

    networks: ClassVar[tuple[str, ...]] = ("mlp", "cnn", "residual_mlp")
    claims: ClassVar[dict[str, bool]] = {
        "no weight transport": False,
        "local error": False,
        "single phase": False,
    }

    def __init__(self, loss: Loss = "cross_entropy") -> None:
        check_option("loss", loss, ("cross_entropy", "squared_error"))
        self.loss = loss

    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Callable[[], None]) -> torch.Tensor:
        """Leave the gradient in `.grad` and apply it once."""
        parameters = list(self.network.parameters())
        loss = output_loss(self.loss, self.network(x), y)[0]
        leave(parameters, torch.autograd.grad(loss, parameters))
        apply()
        return loss.detach()


class Untrained(Rule):
    r"""Initial weights; the other baseline.

    Notes
    -----
    .. math:: \Delta W_l = 0
    """

    networks: ClassVar[tuple[str, ...]] = ("mlp", "cnn", "residual_mlp", "elman", "gru")
    trains: ClassVar[bool] = False

    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Callable[[], None]) -> torch.Tensor:
        """The loss of the batch; nothing is updated."""
        return self.objective(x, y)


class UntrainedSpiking(SpikingRule):
    r"""The spiking network with its initial weights.

    Notes
    -----
    .. math:: \Delta W_l = 0
    """

    trains: ClassVar[bool] = False

    def __init__(self) -> None:
        super().__init__()

    @torch.no_grad()
    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Callable[[], None]) -> torch.Tensor:
        """The loss of the batch; nothing is updated."""
        return output_loss("cross_entropy", self.network.scores(self.input_spikes(x)), y)[0]


class UntrainedLatency(LatencyRule):
    r"""The network of spike times with its initial weights.

    Notes
    -----
    .. math:: \Delta W_l = 0
    """

    trains: ClassVar[bool] = False
    descends: ClassVar[Literal["all", "output", "none"]] = "none"

    @torch.no_grad()
    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Callable[[], None]) -> torch.Tensor:
        """The cross-entropy of the batch; nothing is updated."""
        return self.objective(x, y)

    @torch.no_grad()
    def objective(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """The cross-entropy."""
        return output_loss("cross_entropy", self.predict(x), y)[0]


class RandomFeatures(Hebbian):
    r"""Random hidden layers and a readout; the control of the Hebbian rules.

    Parameters
    ----------
    transform, power, radius
        As for `Hebbian`.

    Notes
    -----
    Only the output layer learns, from hidden activity of unit length:

    .. math::

       \Delta W_l = 0 \quad (l < L), \qquad
       \Delta W_L = -\eta \, \frac{\partial C}{\partial z_L}
       \left( \frac{h_{L-1}}{|h_{L-1}|} \right)^{\top}

    Paper: Rahimi & Recht 2007, Random features for large-scale kernel machines, NeurIPS 20.
    """

    networks: ClassVar[tuple[str, ...]] = ("mlp", "cnn")
    output_error: ClassVar[bool] = True
    normalise_input: ClassVar[bool] = True

    def __init__(
        self, transform: Transform = "relu", power: float = 1.0, radius: float | None = None
    ) -> None:
        super().__init__(0, transform, power, radius)
