"""Feedback alignment: the error comes back through weights that are not those of the way forward.

With e = dC/dz_L, the error at the output (softmax minus label for the cross-entropy):

FA, Lillicrap et al. 2016, doi:10.1038/ncomms13276
    delta_L = e,   delta_l = (B_(l+1)^T delta_(l+1)) * phi'(z_l)
    B_(l+1): `extra["feedback"][l]`, fixed, random, of the shape of W_(l+1).
DFA, Nokland 2016, arXiv:1609.01596
    delta_L = e,   delta_l = (B_l^T e) * phi'(z_l)
    B_l: `extra["feedback"][l]`, fixed, random, of shape (n_classes, units of layer l).
Sign-symmetric feedback, Liao, Leibo & Poggio 2016, arXiv:1510.05067; Moskovitz, Litwin-Kumar &
Abbott 2018, arXiv:1812.06488: as FA, with B_(l+1) = M_(l+1) * sign(W_(l+1)) and magnitudes M that
are not those of the way forward:
    uniform (uSF): M is one number, the standard deviation of R;
    fixed (frSF):  M = |R|, R drawn once;
    random (brSF): M = |R|, drawn anew for every batch (independent in pairs, see `_uniform`);
    with R drawn like the weights of FA. The signs of the forward weights are transported; nothing
    else is. M is `extra["feedback"][l]`; for uSF and brSF that one number.

and in all dW_l = -eta delta_l h_(l-1)^T. With B = W this is backpropagation. Feedback that learns
is in `kolen_pollack.py` and `weight_mirror.py`. For a convolutional layer B is a set of kernels
like W, or, in DFA, a matrix from the classes to all of the layer's units.

B has the scale that forward weights start from: FA's that of the weights they stand for, DFA's that
of weights from layer l straight to the classes.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import ClassVar, Literal

import torch
from torch import nn

from spikelearn.networks.activations import ACTIVATIONS
from spikelearn.networks.layers import Layer, scaled_uniform
from spikelearn.rules.rule import (
    Axis,
    LayerPass,
    Loss,
    Rule,
    check_option,
    check_range,
    forward_pass,
    output_loss,
)


class FeedbackAlignment(Rule):
    r"""Errors return through fixed random weights (Lillicrap et al. 2016).

    Parameters
    ----------
    loss : {"cross_entropy", "squared_error"}
    scale : float
        Standard deviation of the feedback weights, in units of that of initial forward weights
        (of the gain of the nonlinearity that the feedback reaches).

    Notes
    -----
    With :math:`e` the error at the output and :math:`B_l` fixed and random, of the shape of
    :math:`W_l`:

    .. math::

       \delta_L = e, \qquad
       \delta_l = \left( B_{l+1}^\top \delta_{l+1} \right) \odot \phi'(z_l), \qquad
       \Delta W_l = -\eta \, \delta_l h_{l-1}^\top

    Paper: Lillicrap et al. 2016, doi:10.1038/ncomms13276.
    """

    descends: ClassVar[Literal["all", "output", "none"]] = "output"
    claims: ClassVar[dict[str, bool]] = {
        "no weight transport": True,
        "local error": False,
        "single phase": False,
    }

    def __init__(self, loss: Loss = "cross_entropy", scale: float = 1.0) -> None:
        check_option("loss", loss, ("cross_entropy", "squared_error"))
        check_range("scale", scale, 0.0)
        self.loss, self.scale = loss, scale

    def prepare(self, network: nn.Module, generator: torch.Generator) -> None:
        """Draw the feedback weights with the scale that the forward weights started from."""
        super().prepare(network, generator)
        drawn = [self.scale * matrix for matrix in self._draw_feedback(generator)]
        self.extra["feedback"] = fixed(drawn)

    def _draw_feedback(self, generator: torch.Generator) -> list[torch.Tensor]:
        return [
            scaled_uniform(layer.weight.shape, gain_below(self, index), generator)
            for index, layer in enumerate(self.network)
            if index
        ]

    def unit_axes(self) -> dict[str, tuple[Axis, ...]]:
        """Feedback has the shape of the forward weights."""
        return {
            f"feedback.{index}": (index + 1, index, *(None,) * (layer.weight.ndim - 2))
            for index, layer in enumerate(list(self.network)[1:])
        }

    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Callable[[], None]) -> torch.Tensor:
        """Leave the update in `.grad` and apply it once."""
        passes = forward_pass(self.network, x)
        loss, error = output_loss(self.loss, passes[-1].h, y)
        self._leave(passes, error)
        apply()
        return loss

    def _feedback(self) -> list[torch.Tensor]:
        """What the error passes through on its way down from layers 2, 3 ... L."""
        return list(self.extra["feedback"].parameters())

    @torch.no_grad()
    def _leave(self, passes: list[LayerPass], error: torch.Tensor) -> list[torch.Tensor]:
        """Leave the updates; returns the signal at z of every layer, first to last."""
        deltas = [passes[-1].learn_from(error)]
        for below, above, matrix in reversed(
            list(zip(passes[:-1], passes[1:], self._feedback(), strict=True))
        ):
            deltas.append(below.learn_from(above.layer.transpose(matrix, deltas[-1])))
        return deltas[::-1]


class DirectFeedbackAlignment(FeedbackAlignment):
    r"""The output error reaches every layer directly (Nokland 2016).

    By fixed random weights.

    Parameters as for `FeedbackAlignment`.

    Notes
    -----
    With :math:`e` the error at the output and :math:`B_l` fixed and random, of shape (classes,
    units of layer l):

    .. math::

       \delta_L = e, \qquad
       \delta_l = \left( B_l^\top e \right) \odot \phi'(z_l), \qquad
       \Delta W_l = -\eta \, \delta_l h_{l-1}^\top

    Paper: Nokland 2016, arXiv:1609.01596.
    """

    def _draw_feedback(self, generator: torch.Generator) -> list[torch.Tensor]:
        *hidden, output = self.network
        n_classes = output.weight.shape[0]
        return [
            scaled_uniform(
                (n_classes, math.prod(layer.out_shape)),
                ACTIVATIONS[layer.activation].gain,
                generator,
            )
            for layer in hidden
        ]

    def unit_axes(self) -> dict[str, tuple[Axis, ...]]:
        """From the classes to the units of a layer."""
        return {f"feedback.{index}": (None, index) for index in range(len(self.network) - 1)}

    @torch.no_grad()
    def _leave(self, passes: list[LayerPass], error: torch.Tensor) -> list[torch.Tensor]:
        output = passes[-1].learn_from(error)
        deltas = []
        for layer, matrix in zip(passes[:-1], self._feedback(), strict=True):
            signal = (output @ matrix).unflatten(1, layer.layer.out_shape)
            deltas.append(layer.learn_from(signal))
        return [*deltas, output]


class SignSymmetric(FeedbackAlignment):
    r"""Feedback with the signs of the forward weights and magnitudes of its own.

    Parameters
    ----------
    magnitude : {"uniform", "fixed", "random"}
        uSF, frSF, brSF; see above.
    loss, scale
        As for `FeedbackAlignment`.

    Notes
    -----
    .. math::

       \delta_l = \left( B_{l+1}^\top \delta_{l+1} \right) \odot \phi'(z_l), \qquad
       B_l = M_l \odot \operatorname{sign}(W_l), \qquad
       \Delta W_l = -\eta \, \delta_l h_{l-1}^\top

    The sizes :math:`M_l` are one number (uniform), :math:`|R_l|` with :math:`R_l` drawn once
    (fixed), or drawn anew for every batch (random).

    Paper: Liao, Leibo & Poggio 2016, arXiv:1510.05067; Moskovitz, Litwin-Kumar & Abbott 2018,
    arXiv:1812.06488.
    """

    variants: ClassVar[dict[str, str]] = {
        "magnitude=uniform": (
            "uSF: feedback has the forward signs and one magnitude (Liao et al. 2016)."
        ),
        "magnitude=fixed": (
            "frSF: the forward signs and fixed random magnitudes (Moskovitz et al. 2018)."
        ),
        "magnitude=random": (
            "brSF: the forward signs and magnitudes drawn for each batch (Moskovitz et al. 2018)."
        ),
    }
    claims: ClassVar[dict[str, bool]] = {
        "no weight transport": False,
        "local error": False,
        "single phase": False,
    }

    def __init__(
        self,
        magnitude: Literal["uniform", "fixed", "random"] = "uniform",
        loss: Loss = "cross_entropy",
        scale: float = 1.0,
    ) -> None:
        super().__init__(loss, scale)
        check_option("magnitude", magnitude, ("uniform", "fixed", "random"))
        self.magnitude = magnitude

    def _draw_feedback(self, generator: torch.Generator) -> list[torch.Tensor]:
        if self.magnitude == "fixed":
            return [matrix.abs() for matrix in super()._draw_feedback(generator)]
        return [
            torch.tensor(gain_below(self, index) / math.sqrt(layer.fan_in))
            for index, layer in enumerate(self.network)
            if index
        ]

    def unit_axes(self) -> dict[str, tuple[Axis, ...]]:
        """Magnitudes have the shape of the forward weights, or none."""
        axes = super().unit_axes()
        return axes if self.magnitude == "fixed" else dict.fromkeys(axes, ())

    @torch.no_grad()
    def _feedback(self) -> list[torch.Tensor]:
        weights = [layer.weight for layer in list(self.network)[1:]]
        sizes = self.extra["feedback"].parameters()
        return [
            torch.copysign(self._magnitude(index, size, weight), weight)
            for index, (size, weight) in enumerate(zip(sizes, weights, strict=True), start=1)
        ]

    def _magnitude(self, index: int, size: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        if self.magnitude == "fixed":
            return size
        if self.magnitude == "uniform":
            return size.expand_as(weight)
        # |R| of a uniform R of that standard deviation.
        return self._uniform(index, weight.shape).mul_(3**0.5 * size)

    def _uniform(self, index: int, shape: torch.Size) -> torch.Tensor:
        """Random numbers in [0, 1) for the weights of layer `index`, independent in pairs.

        (u_i + v_j) mod 1, with one random number for each unit of either side, and for a kernel
        one for each of its rows and columns. Mean and covariance of the signals that come down are
        those of a number for each weight, the drawing of which would take as long as a third of
        the update.
        """
        axes = (index, index - 1, None, None)
        numbers = [
            self.draw((n,), (axis,), "uniform").reshape(n, *(1,) * below)
            for n, axis, below in zip(shape, axes, reversed(range(len(shape))), strict=False)
        ]
        total = numbers[0] + numbers[1]
        for more in numbers[2:]:
            total = total + more
        return total.frac_()


def gain_below(rule: Rule, index: int) -> float:
    """Gain for weights back from layer `index`: that of the nonlinearity they reach."""
    below: Layer = list(rule.network)[index - 1]
    return ACTIVATIONS[below.activation].gain


def fixed(matrices: list[torch.Tensor]) -> nn.ParameterList:
    """Weights that are saved with the rule and moved by nothing."""
    return nn.ParameterList(nn.Parameter(m, requires_grad=False) for m in matrices)
