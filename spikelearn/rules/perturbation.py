"""Perturbation learning: try noise, and keep what lowered the loss.

C(.) is the loss of a sample, sigma small, xi noise of variance 1.

Weight perturbation, Jabri & Flower 1992, doi:10.1109/72.105429; Cauwenberghs 1993
    dW = -eta (<C(W + sigma Xi)> - <C(W)>) / sigma * Xi
    one noise for the whole batch, and the mean loss of the batch.
Node perturbation, Widrow & Lehr 1990, doi:10.1109/5.58323; Williams 1992, doi:10.1007/BF00992696
    z'_l = z_l + sigma xi_l in every layer, noise of its own for each sample;
    dW_l = -eta < (C' - C) / sigma * xi_l h_(l-1)^T >
    `iterative`: one layer after another is perturbed, at L times the cost and 1/L the variance.
Activity-normalised node perturbation (ANP), Dalm, van Gerven & Ahmad 2023, arXiv:2310.00965
    needs no access to the noise: a_l = z'_l - z_l is the measured change, which in deeper layers
    holds what came from below; a = (a_1 ... a_L) all together, N units in all,
    dW_l = -eta < N (C' - C) a_l / |a|^2 h_(l-1)^T >
Decorrelated node perturbation, the same paper; Ahmad, Schrader & van Gerven 2023
    the input of every layer is decorrelated first: x* = R x,  dR = -epsilon <x* x*^T>_offdiag R,
    and node perturbation learns on x*. R_l is `extra["decorrelation"][l]`, in the group
    "decorrelation"; dR is local to the layer's inputs but not to a synapse.

The expected update is the gradient (of weight and node perturbation as sigma goes to 0); the
variance grows with the number of what is perturbed: narrow networks learn faster.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar, Literal

import torch
from torch import nn
from torch.nn.functional import cross_entropy

from spikelearn.networks.layers import RateNetwork
from spikelearn.rules import _refusals
from spikelearn.rules.rule import (
    Axis,
    LayerPass,
    Loss,
    Rule,
    check_option,
    check_range,
    forward_pass,
    layer_names,
    leave,
    one_hot_targets,
    output_loss,
)

_CLAIMS = {"no weight transport": True, "local error": True, "single phase": False}


def losses_of(loss: Loss, scores: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Loss of every sample, shape (batch,).

    Parameters
    ----------
    loss : {"cross_entropy", "squared_error"}
    scores : tensor of shape (batch, n_classes)
    y : tensor of shape (batch,), int64
        Class of each sample.
    """
    if loss == "cross_entropy":
        return cross_entropy(scores, y, reduction="none")
    return 0.5 * (scores - one_hot_targets(y, scores.shape[1], scores)).square().sum(1)


def weight_axes(index: int, weight: torch.Tensor) -> tuple[Axis, ...]:
    """What the axes of a layer's weight run over."""
    return (index, index - 1 if index else None, *(None,) * (weight.ndim - 2))


class PerturbationRule(Rule):
    refuses: ClassVar[dict[str, str]] = _refusals.PERTURBATION
    # One draw of noise may point uphill in some layer; only the mean descends.
    descends: ClassVar[Literal["all", "output", "none"]] = "none"
    claims: ClassVar[dict[str, bool]] = _CLAIMS

    def __init__(self, loss: Loss, sigma: float, n_directions: int) -> None:
        check_option("loss", loss, ("cross_entropy", "squared_error"))
        check_range("sigma", sigma, 1e-8)
        check_range("n_directions", n_directions, 1)
        self.loss, self.sigma, self.n_directions = loss, sigma, int(n_directions)

    def node_noise(self, index: int, z: torch.Tensor) -> torch.Tensor:
        """Noise of the shape of a layer's z."""
        return self.draw(z.shape, ("batch", index, *(None,) * (z.ndim - 2)))


class WeightPerturbation(PerturbationRule):
    r"""Noise on the weights, rewarded by the loss (Jabri & Flower 1992).

    The loss is the mean of the batch.

    Parameters
    ----------
    sigma : float
        Standard deviation of the noise.
    n_directions : int
        Directions of noise a batch, averaged; each is tried with its opposite.
    noise : {"signs", "normal"}
        1 or -1 for every weight (Spall 1992, doi:10.1109/9.119632), or normal numbers.
    loss : {"cross_entropy", "squared_error"}

    Notes
    -----
    With one noise :math:`\Xi` of variance 1 for the whole batch:

    .. math::

       \Delta W = -\eta \, \frac{\langle C(W + \sigma \Xi) \rangle - \langle C(W) \rangle}{\sigma}
       \, \Xi

    Paper: Jabri & Flower 1992, doi:10.1109/72.105429; Cauwenberghs 1993, A fast stochastic
    error-descent algorithm, NeurIPS 5.
    """

    batch_coupled: ClassVar[bool] = False  # linear in the samples' losses

    def __init__(
        self,
        sigma: float = 1e-3,
        n_directions: int = 1,
        noise: Literal["signs", "normal"] = "signs",
        loss: Loss = "cross_entropy",
    ) -> None:
        super().__init__(loss, sigma, n_directions)
        check_option("noise", noise, ("signs", "normal"))
        self.noise = noise

    @torch.no_grad()
    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Callable[[], None]) -> torch.Tensor:
        """Leave the update in `.grad` and apply it once."""
        clean = forward_pass(self.network, x)
        kind: Literal["sign", "normal"] = "sign" if self.noise == "signs" else "normal"
        totals: list[torch.Tensor] = []
        for _ in range(self.n_directions):
            noise = []
            for index, layer in enumerate(self.network):
                noise.append(self.draw(layer.weight.shape, weight_axes(index, layer.weight), kind))
                if layer.has_bias:
                    noise.append(self.draw(layer.bias.shape, (index,), kind))
            # The first layer's drive is linear in the noise, and its input the same in all passes.
            weights, biases = split_noise(self.network, noise)
            first = clean[0].layer.through(weights[0], x, biases[0])
            losses = [self._loss(clean[0].z, first, noise, s, y) for s in (self.sigma, -self.sigma)]
            slope = (losses[0] - losses[1]) / (2 * self.sigma * self.n_directions)
            update = [direction.mul_(slope) for direction in noise]
            totals = [t.add_(u) for t, u in zip(totals, update, strict=True)] if totals else update
        leave(self.network.parameters(), totals)
        apply()
        return output_loss(self.loss, clean[-1].h, y)[0]

    def _loss(
        self,
        z: torch.Tensor,
        first: torch.Tensor,
        noise: list[torch.Tensor],
        sigma: float,
        y: torch.Tensor,
    ) -> torch.Tensor:
        lowest, *upper = self.network
        h = lowest.activate(torch.add(z, first, alpha=sigma))
        weights, biases = split_noise(self.network, noise)
        for layer, xi, noisy in zip(upper, weights[1:], biases[1:], strict=True):
            weight = torch.add(layer.weight, xi, alpha=sigma)
            bias = None if noisy is None else layer.bias + sigma * noisy
            h = layer.activate(layer.carried(layer.through(weight, h, bias), h))
        return output_loss(self.loss, h, y)[0]


def split_noise(
    network: RateNetwork, noise: list[torch.Tensor]
) -> tuple[list[torch.Tensor], list[torch.Tensor | None]]:
    """Noise of weights, and of biases where a layer has them, from that of all parameters."""
    rest = iter(noise)
    pairs = [(next(rest), next(rest) if layer.has_bias else None) for layer in network]
    return [weight for weight, _ in pairs], [bias for _, bias in pairs]


class NodePerturbation(PerturbationRule):
    r"""Noise on every unit, rewarded by the loss (Widrow & Lehr 1990).

    Noise on its drive, its own for each sample, and the sample's loss.

    Parameters
    ----------
    sigma : float
        Standard deviation of the noise.
    n_directions : int
        Draws of noise a sample, averaged.
    antithetic : bool
        Whether each draw is compared with its opposite, instead of with the clean pass.
    iterative : bool
        Whether layers are perturbed one after another.
    loss : {"cross_entropy", "squared_error"}

    Notes
    -----
    With noise :math:`\xi_l` of variance 1 on the drive of every layer, :math:`z'_l = z_l + \sigma
    \xi_l`, and :math:`C'` the loss with it:

    .. math::

       \Delta W_l = -\eta \left\langle \frac{C' - C}{\sigma} \, \xi_l h_{l-1}^\top \right\rangle

    Paper: Widrow & Lehr 1990, doi:10.1109/5.58323; Williams 1992, doi:10.1007/BF00992696.
    """

    def __init__(
        self,
        sigma: float = 1e-2,
        n_directions: int = 1,
        antithetic: bool = True,
        iterative: bool = False,
        loss: Loss = "cross_entropy",
    ) -> None:
        super().__init__(loss, sigma, n_directions)
        check_option("antithetic", antithetic, (True, False))
        check_option("iterative", iterative, (True, False))
        self.antithetic, self.iterative = antithetic, iterative

    @torch.no_grad()
    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Callable[[], None]) -> torch.Tensor:
        """Leave the update in `.grad` and apply it once."""
        passes = self.clean_pass(x)
        loss = output_loss(self.loss, passes[-1].h, y)[0]
        for p, delta in zip(passes, self.signals(passes, y), strict=True):
            p.leave_gradient(delta.div_(len(x)))
        apply()
        return loss

    def clean_pass(self, x: torch.Tensor) -> list[LayerPass]:
        """The network without noise."""
        return forward_pass(self.network, x)

    def signals(self, passes: list[LayerPass], y: torch.Tensor) -> list[torch.Tensor]:
        """Estimates of every sample's derivative of its loss by each layer's z."""
        totals: dict[int, torch.Tensor] = {}
        clean = losses_of(self.loss, passes[-1].h, y)
        groups = [[i] for i in range(len(passes))] if self.iterative else [range(len(passes))]
        for _ in range(self.n_directions):
            for group in groups:
                noise = [self.node_noise(i, passes[i].z) if i in group else None
                         for i in range(len(passes))]  # fmt: skip
                tried, _ = self._try(passes, y, noise, self.sigma)
                if self.antithetic:
                    slope = (tried - self._try(passes, y, noise, -self.sigma)[0]) / 2
                else:
                    slope = tried - clean
                slope = slope / (self.sigma * self.n_directions)
                for i in group:
                    found = by_sample(slope, noise[i])
                    totals[i] = totals[i].add_(found) if i in totals else found
        return [totals[i] for i in range(len(passes))]

    def _try(
        self,
        passes: list[LayerPass],
        y: torch.Tensor,
        noise: Sequence[torch.Tensor | None],
        sigma: float,
    ) -> tuple[torch.Tensor, list[torch.Tensor]]:
        """Every sample's loss with noise, and the drives with it."""
        drives = []
        h = passes[0].below
        for index, (p, xi) in enumerate(zip(passes, noise, strict=True)):
            # The first layer's drive is that of the clean pass: its input has no noise.
            z = p.z if index == 0 else self.drive(index, h)
            if xi is not None:
                z = torch.add(z, xi, alpha=sigma)
            drives.append(z)
            h = p.layer.activate(z)
        return losses_of(self.loss, h, y), drives

    def drive(self, index: int, h: torch.Tensor) -> torch.Tensor:
        """Drive of a layer from the activity below."""
        return list(self.network)[index].drive(h)


class ActivityNormalisedNodePerturbation(NodePerturbation):
    r"""ANP: the measured change of activity stands for the noise (Dalm et al. 2023).

    Parameters
    ----------
    sigma : float
    n_directions : int
    loss : {"cross_entropy", "squared_error"}

    Notes
    -----
    With :math:`a_l = z'_l - z_l` the measured change of the drive, :math:`a` that of all N units:

    .. math::

       \Delta W_l = -\eta \left\langle N \, (C' - C) \, \frac{a_l}{|a|^2} \, h_{l-1}^\top
       \right\rangle

    Paper: Dalm, van Gerven & Ahmad 2023, arXiv:2310.00965.
    """

    def __init__(
        self, sigma: float = 1e-2, n_directions: int = 1, loss: Loss = "cross_entropy"
    ) -> None:
        super().__init__(sigma, n_directions, False, False, loss)

    def signals(self, passes: list[LayerPass], y: torch.Tensor) -> list[torch.Tensor]:
        """N (C' - C) a_l / |a|^2 for each sample."""
        totals: dict[int, torch.Tensor] = {}
        clean = losses_of(self.loss, passes[-1].h, y)
        n_units = sum(p.z[0].numel() for p in passes)
        for _ in range(self.n_directions):
            noise = [self.node_noise(i, p.z) for i, p in enumerate(passes)]
            tried, drives = self._try(passes, y, noise, self.sigma)
            changes = [z.sub_(p.z) for z, p in zip(drives, passes, strict=True)]
            size = sum(a.flatten(1).square().sum(1) for a in changes)
            weight = n_units * (tried - clean) / (size * self.n_directions)
            for index, a in enumerate(changes):
                found = by_sample(weight, a)
                totals[index] = totals[index].add_(found) if index in totals else found
        return list(totals.values())


class DecorrelatedNodePerturbation(NodePerturbation):
    r"""Node perturbation on decorrelated inputs (Dalm et al. 2023).

    Of every layer; fully connected layers only.

    The matrices R start at the identity. `predict` decorrelates too.

    Parameters
    ----------
    decorrelation_rate : float
        epsilon; the update of R is left in `.grad` times this factor, for a "decorrelation" group
        that learns by sgd at rate 1 (recipes may set others).
    sigma, n_directions, antithetic, iterative, loss
        As for `NodePerturbation`.

    Notes
    -----
    Inputs of every layer are decorrelated by :math:`R_l`, which learns beside the weights:

    .. math::

       h^*_{l-1} &= R_l h_{l-1} \\
       \Delta R_l &= -\epsilon \,
       \langle h^*_{l-1} h^{*\top}_{l-1} \rangle_{\text{off-diagonal}} R_l \\
       \Delta W_l &= -\eta \left\langle \frac{C' - C}{\sigma} \, \xi_l h^{*\top}_{l-1} \right\rangle

    Paper: Dalm, van Gerven & Ahmad 2023, arXiv:2310.00965.
    """

    networks: ClassVar[tuple[str, ...]] = ("mlp",)
    # R averages products over the batch, which is a mean over its samples.
    batch_coupled: ClassVar[bool] = False
    output_error: ClassVar[bool] = True

    def __init__(
        self,
        decorrelation_rate: float = 1.0,
        sigma: float = 1e-2,
        n_directions: int = 1,
        antithetic: bool = True,
        iterative: bool = False,
        loss: Loss = "cross_entropy",
    ) -> None:
        super().__init__(sigma, n_directions, antithetic, iterative, loss)
        check_range("decorrelation_rate", decorrelation_rate, 0.0)
        self.decorrelation_rate = decorrelation_rate

    def prepare(self, network: nn.Module, generator: torch.Generator) -> None:
        """Start every R at the identity."""
        super().prepare(network, generator)
        self.extra["decorrelation"] = nn.ParameterList(
            nn.Parameter(torch.eye(layer.fan_in)) for layer in self.network
        )

    def groups(self) -> dict[str, list[nn.Parameter]]:
        """The network, and "decorrelation"."""
        return {
            "network": list(self.network.parameters()),
            "decorrelation": list(self.extra["decorrelation"].parameters()),
        }

    def unit_axes(self) -> dict[str, tuple[Axis, ...]]:
        """R maps the units of the layer below onto themselves."""
        return {
            f"decorrelation.{i}": (i - 1, i - 1) if i else (None, None)
            for i in range(len(self.network))
        }

    def drive(self, index: int, h: torch.Tensor) -> torch.Tensor:
        """Drive of a layer from the activity below, decorrelated."""
        return list(self.network)[index].drive(self._decorrelated(index, h))

    def _decorrelated(self, index: int, h: torch.Tensor) -> torch.Tensor:
        return h.flatten(1) @ list(self.extra["decorrelation"].parameters())[index].T

    def clean_pass(self, x: torch.Tensor) -> list[LayerPass]:
        """The network without noise; `below` is what each layer reads, decorrelated."""
        passes, h = [], x
        for index, layer in enumerate(self.network):
            read = self._decorrelated(index, h)
            z = layer.drive(read)
            h = layer.activate(z)
            passes.append(LayerPass(layer, read, z, h))
        return passes

    @torch.no_grad()
    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Callable[[], None]) -> torch.Tensor:
        """Leave the update of weights and of R in `.grad` and apply both once."""
        passes = self.clean_pass(x)
        loss = output_loss(self.loss, passes[-1].h, y)[0]
        for p, delta in zip(passes, self.signals(passes, y), strict=True):
            p.leave_gradient(delta / len(x))
        if self.decorrelation_rate:
            for p, matrix in zip(passes, self.extra["decorrelation"].parameters(), strict=True):
                matrix.grad = self.decorrelation_rate * decorrelation(p.below, matrix)
        apply()
        return loss

    @torch.no_grad()
    def objective(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """The loss of the network with its decorrelations."""
        return output_loss(self.loss, self.predict(x), y)[0]

    @torch.no_grad()
    def predict(self, x: torch.Tensor) -> torch.Tensor:
        """Class scores of shape (batch, n_classes)."""
        return self.clean_pass(x)[-1].h

    @torch.no_grad()
    def activity(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        """Activity of every layer, by name."""
        passes = self.clean_pass(x)
        return dict(zip(layer_names(len(passes)), (p.h for p in passes), strict=True))


def decorrelation(inputs: torch.Tensor, matrix: torch.Tensor) -> torch.Tensor:
    """<x* x*^T> without its diagonal, times R: minus the direction of R's learning."""
    products = inputs.T @ inputs / len(inputs)
    products.fill_diagonal_(0.0)
    return products @ matrix


def by_sample(factor: torch.Tensor, values: torch.Tensor | None) -> torch.Tensor:
    assert values is not None  # noqa: S101 - for the type checker
    return factor.reshape(-1, *(1,) * (values.ndim - 1)) * values
