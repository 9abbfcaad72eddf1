"""Forward-forward: two forward passes, one showing the right label, one a wrong one.

Forward-forward, Hinton 2022, arXiv:2212.13345 (and its Matlab code, where the paper is silent)
    x(c)  = the image with label c in it (see `_goodness.py`)
    u_1   = x(c) / rms(x(c)),   u_l = h_(l-1) / rms(h_(l-1)),   h_l = phi(W_l u_l + b_l)
    G_l   = mean over the units of h_l^2                                   goodness
    C_l   = softplus(s (theta - G_l(x(y)))) + softplus(s (G_l(x(c)) - theta)),   c wrong
    s: `slope`. With s the number of units (`slope=None`), s G is the paper's sum of squares; its
    theta is then 1. A smaller slope lets samples on the right side of theta go on teaching, and
    learns faster.
SymBa, Lee & Song 2023, arXiv:2303.08418
    C_l   = softplus(-alpha (G_l(x(y)) - G_l(x(c))))
    Labels are shown as Hinton shows them; the paper's "intrinsic class pattern" is left out.

    dW_l  = -eta dC_l/dW_l with u_l held fixed: no derivative crosses a layer.

Dividing by the root mean square takes the goodness out of what the next layer sees; only the
direction of h is passed on.

Wrong labels (`negatives`) are "random", or "hard" as in the paper: drawn with the probabilities
that a softmax gives them in a third pass, with the neutral label, the mean of all labels. By the
paper, hard ones save two thirds of the epochs. In convolutional networks they did worse than random
ones when this was written (30 against 65 % of MNIST, after five epochs on 5,400 images), presumably
because labels that the softmax rules out are seldom shown, and their goodness is left to itself.

The network's output layer: with `readout="goodness"` the answer is the label that has the highest
goodness, summed over all hidden layers but the first; with "softmax" it is that of the softmax. The
softmax's weights from the last hidden layer are the output layer, and those from the hidden layers
between the first and the last are `extra["readout"]` (group "readout"); they descend the
softmax's own cross-entropy, of which hidden layers learn nothing. With `readout="goodness"` and
random negatives there is no softmax: the output layer is not used and has no gradient.

Peer normalisation (`peer` > 0) adds peer (m_i - mean(m)) to the activity that the gradient at unit
i is made of, in the positive pass and whether or not the unit is active, so that silent units
return. m: running mean of its activity over earlier batches, `extra["peer"]`.

Not local: goodness and root mean square are sums over a layer. The sign of plasticity differs
between the passes, so that every synapse must know which one it is in.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import ClassVar, Literal, cast

import torch
from torch import nn
from torch.nn.functional import cross_entropy, softplus

from spikelearn._errors import SpikelearnError
from spikelearn.rules._goodness import (
    Labels,
    Projection,
    is_rectified,
    leave_neurons,
    leave_synapses,
    mean_square,
    normalised,
    per_sample,
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

Negatives = Literal["random", "hard"]
Readout = Literal["goodness", "softmax"]
MOMENTUM = 0.9  # of the running means of peer normalisation


class Contrastive(Rule):
    """What forward-forward and SymBa share: passes with labels, negatives, readout."""

    claims: ClassVar[dict[str, bool]] = {
        "no weight transport": True,
        "local error": True,
        "single phase": False,
    }
    output_error: ClassVar[bool] = False
    # Each layer descends its own cost with its input held fixed, and so moves the others' inputs.
    descends: ClassVar[Literal["all", "output", "none"]] = "none"

    def __init__(
        self,
        negatives: Negatives,
        readout: Readout,
        label_strength: float | None,
        peer: float,
    ) -> None:
        check_option("negatives", negatives, ("random", "hard"))
        check_option("readout", readout, ("goodness", "softmax"))
        if label_strength is not None:
            check_range("label_strength", label_strength, 0.0)
        check_range("peer", peer, 0.0)
        self.negatives, self.readout = negatives, readout
        self.label_strength, self.peer = label_strength, peer
        self.has_softmax = readout == "softmax" or negatives == "hard"

    def prepare(self, network: nn.Module, generator: torch.Generator) -> None:
        """Make the labels, and what the softmax and peer normalisation need."""
        super().prepare(network, generator)
        *self.hidden, self.output = list(self.network)
        if not self.hidden:
            raise SpikelearnError(
                f"the rule {type(self).__name__} trains hidden layers, and this network has none"
            )
        self.n_classes = self.output.weight.shape[0]
        self.extra["labels"] = Labels(
            self.hidden[0], self.n_classes, self.label_strength, generator
        )
        if self.has_softmax and len(self.hidden) > 2:
            sizes = [math.prod(layer.out_shape) for layer in self.hidden[1:-1]]
            self.extra["readout"] = nn.ParameterList(
                nn.Parameter(torch.zeros(self.n_classes, size)) for size in sizes
            )
        if self.peer:
            self.extra["peer"] = fixed(
                [torch.full((layer.out_shape[0],), 0.5) for layer in self.hidden]
            )

    def groups(self) -> dict[str, list[nn.Parameter]]:
        """ "network", and "readout" where the softmax reads more than one hidden layer."""
        groups = {"network": list(self.network.parameters())}
        if "readout" in self.extra:
            groups["readout"] = list(self.extra["readout"].parameters())
        return groups

    def contrast(
        self, right: torch.Tensor, wrong: torch.Tensor, n_units: int
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Cost of a layer for its goodnesses, and its derivatives by the two; elementwise.

        Parameters
        ----------
        right, wrong : tensor of shape (batch,) or (batch, labels)
            Goodness with the right label in the image, and with a wrong one.
        n_units : int
            Units of the layer, over which goodness is a mean.

        Returns
        -------
        cost, by_right, by_wrong : tensor of the same shape
        """
        raise NotImplementedError

    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Callable[[], None]) -> torch.Tensor:
        """Leave every layer's update in `.grad` and apply once."""
        is_right = one_hot_targets(y, self.n_classes, x).bool()
        labels = cast("Labels", self.extra["labels"])
        first = labels.project(x, self.hidden[0])
        scores = torch.zeros_like(is_right, dtype=x.dtype)
        total = x.new_zeros(())
        if self.has_softmax:
            softmax, total = self._train_softmax(self._features(first, labels), y)
            scores = softmax if self.negatives == "hard" else scores
        z = first.drive(y, self.wrong_labels(scores, is_right))
        for index in range(len(self.hidden)):
            h, goodness, cost = self._train_layer(index, z)
            total = total + cost
            if index + 1 < len(self.hidden):
                z = self.hidden[index + 1].drive(normalised(h, goodness))
        apply()
        return total

    def _train_layer(
        self, index: int, z: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        # z: right labels in the first half of the batch, wrong ones in the second.
        layer, n = self.hidden[index], len(z) // 2
        cut = z.detach().requires_grad_(not is_rectified(layer))
        h = layer.activate(cut)
        active = h.detach()
        goodness = mean_square(active)
        n_units = math.prod(layer.out_shape)
        cost, *slopes = self.contrast(goodness[:n], goodness[n:], n_units)
        unit = 2.0 / (n_units * n)  # dG/dh = 2 h / n_units; a mean over the batch
        delta = active * per_sample(torch.cat(slopes) * unit, active)
        if cut.requires_grad:
            delta = leave_neurons(layer, h, cut, delta)
        if self.peer:
            delta[:n] += unit * self._peer_signal(index, active[:n])
        leave_synapses(layer, z, delta)
        return active, goodness, cost.mean()

    def _peer_signal(self, index: int, h: torch.Tensor) -> torch.Tensor:
        means = cast("nn.ParameterList", self.extra["peer"])[index].data
        signal = self.peer * (means - means.mean())
        means.mul_(MOMENTUM).add_(h.mean([0, *range(2, h.dim())]), alpha=1.0 - MOMENTUM)
        return signal.reshape(-1, *[1] * (h.dim() - 2))

    def wrong_labels(self, scores: torch.Tensor, is_right: torch.Tensor) -> torch.Tensor:
        """A wrong label for every sample, with probabilities proportional to exp(scores).

        Scores plus Gumbel noise are highest for a class with just these probabilities.

        Parameters
        ----------
        scores : tensor of shape (batch, n_classes)
        is_right : tensor of the same shape, bool
            The label that is never drawn.
        """
        uniform = self.draw(scores.shape, ("batch", None), "uniform").clamp_min(1e-30)
        noisy = scores - (-uniform.log()).log()
        return noisy.masked_fill(is_right, -torch.inf).argmax(1)

    @torch.no_grad()
    def _activity(self, z: torch.Tensor) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """Activity and goodness of every hidden layer, from z of the first."""
        for index, layer in enumerate(self.hidden):
            h = layer.activate(z)
            goodness = mean_square(h)
            yield h, goodness
            if index + 1 < len(self.hidden):
                z = self.hidden[index + 1].drive(normalised(h, goodness))

    @torch.no_grad()
    def _features(self, first: Projection, labels: Labels) -> list[torch.Tensor]:
        """Normalised activity of every hidden layer with the neutral label."""
        z = first.drive(labels.neutral(len(first.images)))
        return [normalised(h, goodness) for h, goodness in self._activity(z)]

    def _softmax_scores(self, features: list[torch.Tensor]) -> torch.Tensor:
        scores = self.output.drive(features[-1])
        for weight, feature in zip(self._readout(), features[1:-1], strict=False):
            scores = scores + feature.flatten(1) @ weight.T
        return scores

    def _readout(self) -> list[nn.Parameter]:
        return list(self.extra["readout"].parameters()) if "readout" in self.extra else []

    def _train_softmax(
        self, features: list[torch.Tensor], y: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        scores = self._softmax_scores(features)
        loss = cross_entropy(scores, y)
        parameters = [*self.output.parameters(), *self._readout()]
        leave(parameters, torch.autograd.grad(loss, parameters))
        return scores.detach(), loss.detach()

    @torch.no_grad()
    def goodness(self, x: torch.Tensor) -> torch.Tensor:
        """Goodness of every hidden layer for every label, shape (layers, batch, n_classes)."""
        first = cast("Labels", self.extra["labels"]).project(x, self.hidden[0])
        # A pass for each label: the first layer's sums are shared, and memory stays that of one.
        label = torch.zeros(len(x), dtype=torch.int64, device=x.device)
        by_label = [
            torch.stack([goodness for _, goodness in self._activity(first.drive(label + c))])
            for c in range(self.n_classes)
        ]
        return torch.stack(by_label, 2)

    @torch.no_grad()
    def objective(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """Costs of all layers, summed; a mean over the batch and over all wrong labels."""
        is_right = one_hot_targets(y, self.n_classes, x).bool()
        total = x.new_zeros(())
        for layer, goodness in zip(self.hidden, self.goodness(x), strict=True):
            right = goodness.gather(1, y[:, None])
            n_units = math.prod(layer.out_shape)
            total += self.contrast(right, goodness, n_units)[0][~is_right].mean()
        return total + cross_entropy(self.softmax(x), y) if self.has_softmax else total

    @torch.no_grad()
    def softmax(self, x: torch.Tensor) -> torch.Tensor:
        """Scores of the softmax, which reads a pass with the neutral label."""
        labels = cast("Labels", self.extra["labels"])
        return self._softmax_scores(self._features(labels.project(x, self.hidden[0]), labels))

    @torch.no_grad()
    def predict(self, x: torch.Tensor) -> torch.Tensor:
        """Each label's goodness, summed over all hidden layers but the first (unless it is the
        only one); or the scores of the softmax."""
        if self.readout == "softmax":
            return self.softmax(x)
        goodness = self.goodness(x)
        return goodness[min(1, len(goodness) - 1) :].sum(0)

    @torch.no_grad()
    def activity(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        """Hidden activity with the neutral label; as the output's, the scores of `predict`."""
        labels = cast("Labels", self.extra["labels"])
        z = labels.project(x, self.hidden[0]).drive(labels.neutral(len(x)))
        activities = [*(h for h, _ in self._activity(z)), self.predict(x)]
        return dict(zip(layer_names(len(activities)), activities, strict=True))

    def unit_axes(self) -> dict[str, tuple[Axis, ...]]:
        """Weights of the softmax and means of peers index hidden units; labels index none."""
        axes: dict[str, tuple[Axis, ...]] = {"labels.keep": (None,), "labels.patterns": (None,) * 2}
        for index in range(len(self.hidden)):
            axes[f"peer.{index}"] = (index,)
            axes[f"readout.{index}"] = (None, index + 1)
        return {name: axis for name, axis in axes.items() if name in self.extra.state_dict()}


class ForwardForward(Contrastive):
    r"""Goodness up with the right label in the image, down with a wrong one (Hinton 2022).

    Parameters
    ----------
    theta : float
        Threshold of the goodness, a mean over units.
    slope : float or None
        Of the cost, per unit of goodness; the number of units if None.
    negatives : {"random", "hard"}
    readout : {"goodness", "softmax"}
    label_strength : float or None
        Of the overlay, in units of the input, 1 if None; of the patterns that convolutional
        networks are shown, their share of the image, 0.2 if None.
    peer : float
        Strength of peer normalisation; 0.03 in Hinton's code.

    Notes
    -----
    With :math:`x(c)` the image that shows label c, y the right one and c a wrong one; :math:`u_l`
    is the activity below over its root mean square, :math:`n_l` the number of units:

    .. math::

       h_l = \phi(W_l u_l + b_l), \qquad G_l = \frac{1}{n_l} \sum_i h_{l,i}^2

    .. math::

       C_l &= \log \left( 1 + e^{s (\theta - G_l(x(y)))} \right)
       + \log \left( 1 + e^{s (G_l(x(c)) - \theta)} \right) \\
       \Delta W_l &= -\eta \, \frac{\partial C_l}{\partial W_l} \quad \text{with } u_l \text{ held}

    Paper: Hinton 2022, arXiv:2212.13345.
    """

    def __init__(
        self,
        theta: float = 1.0,
        slope: float | None = 10.0,
        negatives: Negatives = "random",
        readout: Readout = "goodness",
        label_strength: float | None = None,
        peer: float = 0.0,
    ) -> None:
        super().__init__(negatives, readout, label_strength, peer)
        check_range("theta", theta, 0.0)
        if slope is not None:
            check_range("slope", slope, 0.0)
        self.theta, self.slope = theta, slope

    def contrast(
        self, right: torch.Tensor, wrong: torch.Tensor, n_units: int
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """The cost of the right label and that of the wrong one, each against the threshold."""
        slope = float(n_units) if self.slope is None else self.slope
        below, above = slope * (self.theta - right), slope * (wrong - self.theta)
        return (
            softplus(below) + softplus(above),
            -slope * below.sigmoid(),
            slope * above.sigmoid(),
        )


class SymBa(Contrastive):
    r"""Forward-forward on the difference of the goodnesses (Lee & Song 2023).

    There is no threshold.

    Parameters
    ----------
    alpha : float
        Slope of the cost, per unit of goodness.
    negatives, readout, label_strength, peer
        As for `ForwardForward`.

    Notes
    -----
    With the goodness :math:`G_l` and the images :math:`x(c)` of `ForwardForward`:

    .. math::

       C_l &= \log \left( 1 + e^{-\alpha (G_l(x(y)) - G_l(x(c)))} \right) \\
       \Delta W_l &= -\eta \, \frac{\partial C_l}{\partial W_l} \quad \text{with } u_l \text{ held}

    Paper: Lee & Song 2023, arXiv:2303.08418.
    """

    def __init__(
        self,
        alpha: float = 4.0,
        negatives: Negatives = "random",
        readout: Readout = "goodness",
        label_strength: float | None = None,
        peer: float = 0.0,
    ) -> None:
        super().__init__(negatives, readout, label_strength, peer)
        check_range("alpha", alpha, 0.0)
        self.alpha = alpha

    def contrast(
        self, right: torch.Tensor, wrong: torch.Tensor, n_units: int
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """The cost of the pair."""
        lead = self.alpha * (right - wrong)
        slope = self.alpha * (-lead).sigmoid()
        return softplus(-lead), -slope, slope
