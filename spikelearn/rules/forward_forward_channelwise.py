"""Channel-wise competitive forward-forward: classes compete for channels; no negative data.

CwC, Papachristodoulou, Kyrkou, Timotheou & Theocharides 2024, doi:10.1609/aaai.v38i13.29369
    u_1  = x / rms(x),   u_l = h_(l-1) / rms(h_(l-1)),   h_l = phi(W_l u_l + b_l)
    G_lk = mean of h_l^2 over the channels of class k and all positions
    C_l  = -log softmax_k(s G_lk) at the label       s: `slope`, 1 in the paper
    `extra["shares"]`: for each layer, the share of every channel in the goodness of every class.
    dW_l = -eta dC_l/dW_l with u_l held fixed: no derivative crosses a layer.

Channels are dealt out to the classes in order and as evenly as they go: of n, channel i belongs to
class floor(i n_classes / n). In fully connected layers the units take the place of channels. The
input shows no label, so that one pass is all there is, in learning and after.

The network's output layer: with `readout="softmax"`, the paper's softmax predictor, it is a softmax
on u_L, the normalised last hidden layer, trained by its own cross-entropy, which no hidden layer
learns from. With "goodness", the paper's global-averaging predictor, the class with the
highest goodness in the last hidden layer is the answer; the output layer is not used and has no
gradient.

What the networks here lack of the paper's: convolutions in separate groups of channels. Batch
normalisation they may have (`norm: batch` of the network); without it the division by the root
mean square stands in for it.

Not local: the softmax over classes and the root mean square are sums over a layer. Every layer is
told the label.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import ClassVar, Literal

import torch
from torch import nn
from torch.nn.functional import cross_entropy, one_hot

from spikelearn._errors import SpikelearnError
from spikelearn.rules._goodness import (
    is_rectified,
    leave_neurons,
    leave_synapses,
    mean_square,
    normalised,
)
from spikelearn.rules.feedback_alignment import fixed
from spikelearn.rules.rule import (
    Axis,
    Rule,
    check_option,
    check_range,
    layer_names,
    leave,
    one_hot_targets,
)


class ChannelwiseForwardForward(Rule):
    r"""Classes compete for channels, without negative data (Papachristodoulou et al. 2024).

    Goodness of the label's own channels up, of the other classes' channels down.

    Parameters
    ----------
    slope : float
        Of the softmax over classes, per unit of goodness.
    readout : {"softmax", "goodness"}

    Notes
    -----
    With :math:`u_l` the activity below over its root mean square, and :math:`S_k` the channels of
    class k at all positions:

    .. math::

       h_l = \phi(W_l u_l + b_l), \qquad
       G_{l,k} = \frac{1}{|S_k|} \sum_{i \in S_k} h_{l,i}^2

    .. math::

       C_l &= -\log \frac{e^{s G_{l,y}}}{\sum_k e^{s G_{l,k}}} \\
       \Delta W_l &= -\eta \, \frac{\partial C_l}{\partial W_l} \quad \text{with } u_l \text{ held}

    Paper: Papachristodoulou et al. 2024, doi:10.1609/aaai.v38i13.29369.
    """

    networks: ClassVar[tuple[str, ...]] = ("cnn", "mlp")
    claims: ClassVar[dict[str, bool]] = {
        "no weight transport": True,
        "local error": True,
        "single phase": True,
    }
    output_error: ClassVar[bool] = False
    exchangeable_units: ClassVar[bool] = False
    # Each layer descends its own cost with its input held fixed, and so moves the others' inputs.
    descends: ClassVar[Literal["all", "output", "none"]] = "none"

    def __init__(
        self, slope: float = 1.0, readout: Literal["softmax", "goodness"] = "softmax"
    ) -> None:
        check_range("slope", slope, 0.0)
        check_option("readout", readout, ("softmax", "goodness"))
        self.slope, self.readout = slope, readout

    def prepare(self, network: nn.Module, generator: torch.Generator) -> None:
        """Deal out the channels; refuse networks in which a class would have none."""
        super().prepare(network, generator)
        *self.hidden, self.output = list(self.network)
        self.n_classes = self.output.weight.shape[0]
        least = min((layer.out_shape[0] for layer in self.hidden), default=0)
        if least < self.n_classes:
            raise SpikelearnError(
                f"the rule {type(self).__name__} deals out hidden units or channels to the"
                f" {self.n_classes} classes, and this network has a layer with {least}"
            )
        self.extra["shares"] = fixed([self._dealt(layer.out_shape[0]) for layer in self.hidden])

    def _dealt(self, n: int) -> torch.Tensor:
        """Share of every channel in its class' goodness, shape (n, n_classes)."""
        members = one_hot(torch.arange(n) * self.n_classes // n, self.n_classes)
        return members.to(self.output.weight.dtype) / members.sum(0)

    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Callable[[], None]) -> torch.Tensor:
        """Leave every layer's update in `.grad` and apply once."""
        target = one_hot_targets(y, self.n_classes, x)
        total = x.new_zeros(())
        u = normalised(x, mean_square(x))
        for layer, shares in zip(self.hidden, self._shares(), strict=True):
            z = layer.drive(u)
            cut = z.detach().requires_grad_(not is_rectified(layer))
            h = layer.activate(cut)
            active = h.detach()
            power = by_channel(active)
            log_p = (self.slope * power @ shares).log_softmax(1)
            total -= (log_p * target).sum() / len(y)
            # dG_k/dh_i = 2 h_i / (channels of class k * positions)
            unit = 2.0 * self.slope / (len(y) * math.prod(layer.out_shape[1:]))
            signal = unit * (log_p.exp() - target) @ shares.T
            delta = active * signal.reshape(*signal.shape, *[1] * (active.dim() - 2))
            if cut.requires_grad:
                delta = leave_neurons(layer, h, cut, delta)
            leave_synapses(layer, z, delta)
            u = normalised(active, power.mean(1))
        if self.readout == "softmax":
            cost = cross_entropy(self.output.drive(u), y)
            parameters = list(self.output.parameters())
            leave(parameters, torch.autograd.grad(cost, parameters))
            total += cost.detach()
        apply()
        return total

    def _shares(self) -> list[torch.Tensor]:
        return [shares.data for shares in self.extra["shares"].parameters()]

    @torch.no_grad()
    def _activity(self, x: torch.Tensor) -> Iterator[torch.Tensor]:
        u = normalised(x, mean_square(x))
        for layer in self.hidden:
            h = layer.activate(layer.drive(u))
            yield h
            u = normalised(h, mean_square(h))

    def _scores(self, h: torch.Tensor) -> torch.Tensor:
        """Class scores from the activity of the last hidden layer."""
        if self.readout == "softmax":
            return self.output.drive(normalised(h, mean_square(h)))
        return self.slope * by_channel(h) @ self._shares()[-1]

    @torch.no_grad()
    def objective(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """Costs of all layers, summed; a mean over the batch."""
        total = x.new_zeros(())
        for shares, h in zip(self._shares(), self._activity(x), strict=True):
            total += cross_entropy(self.slope * by_channel(h) @ shares, y)
        return total + cross_entropy(self._scores(h), y) if self.readout == "softmax" else total

    @torch.no_grad()
    def predict(self, x: torch.Tensor) -> torch.Tensor:
        """Scores of the softmax, or goodness by class of the last hidden layer."""
        *_, h = self._activity(x)
        return self._scores(h)

    @torch.no_grad()
    def activity(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        """Activity of the hidden layers; as the output's, the scores of `predict`."""
        activities = list(self._activity(x))
        activities.append(self._scores(activities[-1]))
        return dict(zip(layer_names(len(activities)), activities, strict=True))

    def unit_axes(self) -> dict[str, tuple[Axis, ...]]:
        """Shares index channels."""
        return {f"shares.{index}": (index, None) for index in range(len(self.hidden))}


def by_channel(h: torch.Tensor) -> torch.Tensor:
    """Mean square over positions, shape (batch, channels)."""
    return h.square().flatten(2).mean(2) if h.dim() > 2 else h.square()
