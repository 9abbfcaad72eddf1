"""Target propagation: layers get targets, sent down by inverses that learn, instead of errors.

Layer l computes h_l = f_l(h_(l-1)) = phi(W_l h_(l-1) + b_l). Inverses g_l take h_l to h_(l-1):

    g_l(h) = psi(V_l^T h + c_l)      V_l: `extra["inverse"]`, of the shape of W_l

Targets start at the top. With e the error of a sample at the scores,
    `top: gradient`  t_(L-1) = h_(L-1) - beta W_L^T e, as Lee et al. publish DTP. The penultimate
                     layer is reached by backpropagation, through the output's own weights: of
                     that layer the rule transports weights, and only below it do inverses act.
    `top: inverse`   t_L = h_L - beta e, and the penultimate layer gets its target by g_L, as
                     Ernoult et al. publish L-DRL: no forward weight is used on the way down.
and go down by
    TP, Bengio 2014, arXiv:1407.7906           t_(l-1) = g_l(t_l)
    DTP, Lee et al. 2015, arXiv:1412.7525      t_(l-1) = h_(l-1) + g_l(t_l) - g_l(h_l)
Each layer then moves towards its target by its own gradient, the output layer by that of the loss:
    dW_l = -eta d/dW_l |f_l(h_(l-1)) - t_l|^2 / (2 beta)

The inverses learn in phases of their own, `n_feedback` steps a batch, on noise of deviation sigma:
    TP, DTP   |g_l(f_l(h + xi)) - (h + xi)|^2 / 2, a denoising autoencoder;
    L-DRL, Ernoult et al. 2022, arXiv:2201.13415, the local difference reconstruction loss:
              -2 xi . [g_l(f_l(h + xi)) - g_l(f_l(h))] + |g_l(f_l(h) + zeta) - g_l(f_l(h))|^2,
              in units of sigma^2. Its minimum is where the Jacobian of g_l is the transposed one
              of f_l. The inverse is affine here (psi the identity), which makes one Jacobian for
              all samples: V_l^T = <D_l W_l>^T, D_l the slopes of phi.
A fresh inverse sends noise down: during the first `warm_up_batches` updates it alone learns.

For a convolutional layer V_l is a set of kernels, used as a transposed convolution, and c_l has one
value for each channel below. Where a layer pools, its inverse puts activity back in the places that
it was pooled from (of the highest, or shared out), as L-DRL's authors do; where it is residual,
what came one to one goes back one to one.
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


class Inverse(nn.Module):
    """g(h) = psi(V^T h + c), from the activity of a layer to that of the layer below."""

    def __init__(self, layer: Layer, activation: str, generator: torch.Generator) -> None:
        super().__init__()
        self.activation = activation
        # Drawn so that V^T h keeps the scale of h: `fan` values of h reach one unit below.
        fan = layer.weight.shape[0] * math.prod(layer.weight.shape[2:])
        gain = math.sqrt(layer.fan_in / fan)
        self.weight = nn.Parameter(scaled_uniform(layer.weight.shape, gain, generator))
        convolutional = layer.weight.ndim > 2
        shape = (layer.in_shape[0], 1, 1) if convolutional else layer.in_shape
        self.bias = nn.Parameter(torch.zeros(shape))

    def drive(self, layer: Layer, h: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
        """V^T h + c; see `forward`.

        Parameters
        ----------
        layer : Layer
        h : tensor of shape (batch, *out_shape)
        z : tensor of shape (batch, *drive_shape)
        """
        return layer.transpose(self.weight, layer.unpool(h, z)).add_(self.bias)

    def forward(self, layer: Layer, h: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
        """g(h), of shape (batch, *in_shape).

        Parameters
        ----------
        layer : Layer
            Which is inverted.
        h : tensor of shape (batch, *out_shape of the layer)
            Its activity, or near it.
        z : tensor of shape (batch, *drive_shape of the layer)
            Its drive, by which h goes back to the places that were pooled.
        """
        return ACTIVATIONS[self.activation].function(self.drive(layer, h, z))

    def difference(self, p: LayerPass, step: torch.Tensor) -> torch.Tensor:
        """g(h + step) - g(h), h the activity of the layer in its pass."""
        if self.activation == "identity":
            return p.layer.transpose(self.weight, p.layer.unpool(step, p.z))
        moved: torch.Tensor = self(p.layer, p.h + step, p.z) - self(p.layer, p.h, p.z)
        return moved


class Clock(nn.Module):
    """Counts batches, in a buffer, so that a resumed run goes on counting."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("batches", torch.zeros((), dtype=torch.int64))

    def tick(self, warm_up_batches: int) -> bool:
        """Count a batch; whether it belongs to the warm-up."""
        if not warm_up_batches:  # Nothing to count, and no need to wait for a GPU.
            return False
        batches = self.get_buffer("batches")
        batches += 1
        return int(batches) <= warm_up_batches


class DifferenceTargetPropagation(Rule):
    r"""Targets corrected by what the inverse gets wrong (Lee et al. 2015).

    The inverse denoises.

    Parameters
    ----------
    beta : float
        Step of the first target along the error of a sample.
    sigma : float
        Standard deviation of the noise that the inverses learn on.
    n_feedback : int
        Steps of the inverses a batch.
    warm_up_batches : int
        Batches in which the inverses learn alone.
    top : {"gradient", "inverse"}
        How the penultimate layer gets its target.
    inverse_activation : str
        psi.
    loss : {"cross_entropy", "squared_error"}

    Notes
    -----
    With :math:`f_l` what layer l computes and :math:`g_l` an inverse that learns, targets go down
    by

    .. math:: t_{l-1} = h_{l-1} + g_l(t_l) - g_l(h_l)

    and every layer moves towards its own:

    .. math::

       \Delta W_l = -\frac{\eta}{2 \beta} \frac{\partial}{\partial W_l}
       \left| f_l(h_{l-1}) - t_l \right|^2

    The inverse learns to take noise away, down
    :math:`\frac{1}{2} \left| g_l(f_l(h + \xi)) - (h + \xi) \right|^2`.

    Paper: Lee et al. 2015, arXiv:1412.7525.
    """

    difference: ClassVar[bool] = True
    descends: ClassVar[Literal["all", "output", "none"]] = "output"
    claims: ClassVar[dict[str, bool]] = {
        "no weight transport": True,
        "local error": True,
        "single phase": False,
    }

    def __init__(
        self,
        beta: float = 0.1,
        sigma: float = 0.1,
        n_feedback: int = 1,
        warm_up_batches: int = 0,
        top: Literal["gradient", "inverse"] = "gradient",
        inverse_activation: str = "identity",
        loss: Loss = "cross_entropy",
    ) -> None:
        check_option("loss", loss, ("cross_entropy", "squared_error"))
        check_option("top", top, ("gradient", "inverse"))
        check_option("inverse_activation", inverse_activation, tuple(ACTIVATIONS))
        check_range("beta", beta, 1e-12)
        check_range("sigma", sigma, 0.0)
        check_range("n_feedback", n_feedback, 0)
        check_range("warm_up_batches", warm_up_batches, 0)
        self.beta, self.sigma, self.loss = beta, sigma, loss
        self.n_feedback, self.warm_up_batches = int(n_feedback), int(warm_up_batches)
        self.top, self.inverse_activation = top, inverse_activation

    def prepare(self, network: nn.Module, generator: torch.Generator) -> None:
        """Draw the inverses of all layers that a target passes through."""
        super().prepare(network, generator)
        self.extra["inverse"] = nn.ModuleList(
            Inverse(layer, self.inverse_activation, generator) for layer in self._inverted()
        )
        self.extra["clock"] = Clock()

    def _inverted(self) -> list[Layer]:
        """Layers 2 ... L - 1, and L where its target goes down by an inverse."""
        layers = list(self.network)
        return layers[1:] if self.top == "inverse" else layers[1:-1]

    def inverses(self) -> list[Inverse]:
        """One for each inverted layer, from the second up."""
        return list(self.extra["inverse"].children())  # type: ignore[arg-type]

    def groups(self) -> dict[str, list[nn.Parameter]]:
        """The network, and "inverse"."""
        inverse = list(self.extra["inverse"].parameters())
        network = {"network": list(self.network.parameters())}
        return network | ({"inverse": inverse} if inverse else {})

    def unit_axes(self) -> dict[str, tuple[Axis, ...]]:
        """Inverses have the shape of the forward weights."""
        axes: dict[str, tuple[Axis, ...]] = {"clock.batches": ()}
        for index, layer in enumerate(self._inverted()):
            kernel = (None,) * (layer.weight.ndim - 2)
            axes[f"inverse.{index}.weight"] = (index + 1, index, *kernel)
            axes[f"inverse.{index}.bias"] = (index, *(None,) * (len(layer.in_shape) - 1))
        return axes

    @torch.no_grad()
    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Callable[[], None]) -> torch.Tensor:
        """Teach the inverses, `n_feedback` times; then leave the layers' updates and apply them."""
        passes = forward_pass(self.network, x)
        for _ in range(self.n_feedback):
            if self.inverses():
                self.teach_inverses(passes)
                apply()
        loss, error = output_loss(self.loss, passes[-1].h, y)
        if self.extra["clock"].tick(self.warm_up_batches):  # type: ignore[operator]
            return loss
        passes[-1].leave_gradient(error)
        for p, step in zip(passes[:-1], self.steps(passes, error * len(x)), strict=True):
            p.learn_from(step / (-self.beta * len(x)))
        apply()
        return loss

    def steps(self, passes: list[LayerPass], error: torch.Tensor) -> list[torch.Tensor]:
        """t_l - h_l of the hidden layers, first to last; `error` is each sample's at the scores.

        Differences are handed down, rather than targets, so that none is lost in rounding.
        """
        if len(passes) == 1:
            return []
        inverses, output = self.inverses(), passes[-1].layer
        if self.top == "gradient":
            steps = [-self.beta * output.transpose(output.weight, error)]
        else:
            steps = [self._down(inverses[-1], passes, len(passes) - 1, -self.beta * error)]
        for index in range(len(passes) - 2, 0, -1):
            steps.append(self._down(inverses[index - 1], passes, index, steps[-1]))
        return steps[::-1]

    def _down(
        self, inverse: Inverse, passes: list[LayerPass], index: int, step: torch.Tensor
    ) -> torch.Tensor:
        """t - h of the layer below from that of layer `index`."""
        p = passes[index]
        if self.difference:
            return inverse.difference(p, step)
        sent: torch.Tensor = inverse(p.layer, p.h + step, p.z) - passes[index - 1].h
        return sent

    def teach_inverses(self, passes: list[LayerPass]) -> None:
        """Leave the inverses' updates: reconstruct the layer below from a noisy pass."""
        for index, inverse in enumerate(self.inverses(), start=1):
            layer, below = passes[index].layer, passes[index - 1].h
            noisy = self._noise(below, index - 1).add_(below)
            z = layer.drive(noisy)
            self.leave_reconstruction(inverse, LayerPass(layer, noisy, z, layer.activate(z)))

    def leave_reconstruction(self, inverse: Inverse, p: LayerPass) -> None:
        """Leave the gradient of |g(h) - below|^2 / 2 by the inverse's parameters.

        Parameters
        ----------
        inverse : Inverse
            Which learns.
        p : LayerPass
            Of the layer that it inverts.
        """
        layer, wanted, h = p.layer, p.below, p.h
        drive = inverse.drive(layer, h, p.z)
        activation = ACTIVATIONS[inverse.activation]
        rebuilt = activation.function(drive)
        difference = activation.back(rebuilt - wanted, drive, rebuilt)
        # The mean of the batch is taken of the gradients, which are smaller.
        inverse.weight.grad = layer.product(difference, layer.unpool(h, p.z))[0].div_(len(h))
        inverse.bias.grad = difference.sum(0).sum_to_size(inverse.bias.shape) / len(h)

    def _noise(self, like: torch.Tensor, index: int) -> torch.Tensor:
        return self.sigma * self.draw(like.shape, ("batch", index, *(None,) * (like.ndim - 2)))


class TargetPropagation(DifferenceTargetPropagation):
    r"""Targets sent down by inverses (Bengio 2014).

    By the inverses alone, with no correction of what they get wrong.

    Parameters as for `DifferenceTargetPropagation`. What an inverse gets wrong enters the update
    divided by `beta`, so that plain target propagation asks for large steps.

    Notes
    -----
    With :math:`f_l` what layer l computes and :math:`g_l` an inverse that learns, targets go down
    by

    .. math:: t_{l-1} = g_l(t_l)

    and every layer moves towards its own:

    .. math::

       \Delta W_l = -\frac{\eta}{2 \beta} \frac{\partial}{\partial W_l}
       \left| f_l(h_{l-1}) - t_l \right|^2

    The inverse learns to take noise away, down
    :math:`\frac{1}{2} \left| g_l(f_l(h + \xi)) - (h + \xi) \right|^2`.

    Paper: Bengio 2014, arXiv:1407.7906.
    """

    difference: ClassVar[bool] = False
    # Where the output is right, an inverse that is not exact still sends other targets.
    output_error: ClassVar[bool] = False

    def __init__(
        self,
        beta: float = 10.0,
        sigma: float = 0.1,
        n_feedback: int = 1,
        warm_up_batches: int = 0,
        top: Literal["gradient", "inverse"] = "gradient",
        inverse_activation: str = "tanh",
        loss: Loss = "cross_entropy",
    ) -> None:
        super().__init__(beta, sigma, n_feedback, warm_up_batches, top, inverse_activation, loss)


class LocalDifferenceReconstruction(DifferenceTargetPropagation):
    r"""Inverses trained towards the transposed Jacobian (Ernoult et al. 2022).

    DTP whose inverses learn by the local difference reconstruction loss.

    Parameters as for `DifferenceTargetPropagation`; the inverse is affine.

    Notes
    -----
    Targets go down and teach as in difference target propagation,

    .. math:: t_{l-1} = h_{l-1} + g_l(t_l) - g_l(h_l)

    .. math::

       \Delta W_l = -\frac{\eta}{2 \beta} \frac{\partial}{\partial W_l}
       \left| f_l(h_{l-1}) - t_l \right|^2

    but the inverse descends a loss that is lowest where its Jacobian is the transposed one of
    :math:`f_l`:

    .. math::

       -2 \, \xi \cdot \left[ g_l(f_l(h + \xi)) - g_l(f_l(h)) \right]
       + \left| g_l(f_l(h) + \zeta) - g_l(f_l(h)) \right|^2

    Paper: Ernoult et al. 2022, arXiv:2201.13415.
    """

    def __init__(
        self,
        beta: float = 0.1,
        sigma: float = 0.1,
        n_feedback: int = 2,
        warm_up_batches: int = 0,
        top: Literal["gradient", "inverse"] = "inverse",
        loss: Loss = "cross_entropy",
    ) -> None:
        super().__init__(beta, sigma, n_feedback, warm_up_batches, top, "identity", loss)
        check_range("sigma", sigma, 1e-8)

    def teach_inverses(self, passes: list[LayerPass]) -> None:
        """Leave the inverses' updates; the losses are divided by the variance of the noise."""
        for index, inverse in enumerate(self.inverses(), start=1):
            p, below = passes[index], passes[index - 1].h
            layer = p.layer
            xi, zeta = self._noise(below, index - 1), self._noise(p.h, index)
            answer, zeta = (layer.unpool(h, p.z) for h in (layer(below + xi) - p.h, zeta))
            scale = 2 / (self.sigma**2 * len(below))
            # d/dV of -2 xi . V^T answer + |V^T zeta|^2, for an affine inverse.
            reached = layer.transpose(inverse.weight, zeta)
            inverse.weight.grad = scale * (
                layer.product(reached, zeta)[0] - layer.product(xi, answer)[0]
            )
