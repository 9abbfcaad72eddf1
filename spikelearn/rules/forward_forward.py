"""Forward-forward: two forward passes, one with the right label in the input, one with a wrong one.

Forward-forward, Hinton 2022, arXiv:2212.13345 (where the paper is silent, the author's Matlab code)
    x(c)  = the image with label c in it (`forward_forward_labels`)
    u_l   = h_(l-1) / rms(h_(l-1)),   h_l = phi(W_l u_l + b_l)       the layers' inputs, `normalised`
    G_l   = mean over the units of h_l^2                             goodness
    C_l   = softplus(s (theta - G_l(x(y)))) + softplus(s (G_l(x(c)) - theta)),   c wrong
    s = 1 for `goodness="mean"`; s = number of units for "sum", the paper's sum of squares.
SymBa, Lee & Song 2023, arXiv:2303.08418
    C_l   = softplus(-alpha (G_l(x(y)) - G_l(x(c))))
    Its "intrinsic class patterns" are left out: labels are shown as Hinton shows them.

    dW_l  = -eta dC_l/dW_l,   u_l held fixed: no derivative crosses a layer.

Dividing by the root mean square takes the goodness out of what the next layer sees; its direction
is all that is passed on.

Wrong labels (`negatives`): "random", or "hard" as in the paper: drawn with the probabilities that
a softmax gives them, which reads a pass with the neutral label, the mean of all labels.

What becomes of the network's output layer: with `readout="goodness"` and random negatives it is
not used and receives no gradient; the class with the highest goodness, summed over all hidden
layers but the first, is the answer. With `readout="softmax"`, or with hard negatives, it is that
softmax's weights from the last hidden layer, trained by its cross-entropy; weights from the hidden
layers between the first and the last are `extra["readout"]`. Nothing of the softmax reaches the
hidden layers but the choice of negatives.

Peer normalisation (`peer` > 0) adds peer (m_i - mean(m)) to the signal at unit i in the positive
pass, m a running mean of its activity (`extra["peer"]`, over earlier batches), whether or not the
unit is active, so that dead units return.

What is not local: the goodness and the division by the root mean square sum over a layer's units;
weight changes have opposite signs in the two passes, so that every synapse must know which it is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, Literal

import torch
from torch import nn
from torch.nn.functional import cross_entropy, one_hot, softplus

from spikelearn._errors import SpikelearnError
from spikelearn.networks.layers import Layer
from spikelearn.rules.feedback_alignment import fixed
from spikelearn.rules.forward_forward_labels import Labels, mean_square, normalised
from spikelearn.rules.rule import Axis, Rule, check_option, check_range, layer_names, leave

Negatives = Literal["random", "hard", "goodness"]
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
        label_strength: float,
        peer: float,
    ) -> None:
        check_option("negatives", negatives, ("random", "hard", "goodness"))
        check_option("readout", readout, ("goodness", "softmax"))
        check_range("label_strength", label_strength, 0.0)
        check_range("peer", peer, 0.0)
        self.negatives, self.readout = negatives, readout
        self.label_strength, self.peer = label_strength, peer
        self.reads = readout == "softmax" or negatives == "hard"

    def prepare(self, network: nn.Module, generator: torch.Generator) -> None:
        """Make the labels, and what the readout and peer normalisation need."""
        super().prepare(network, generator)
        *self.hidden, self.output = list(self.network)
        if not self.hidden:
            raise SpikelearnError(
                f"the rule {type(self).__name__} trains hidden layers, and this network has none"
            )
        self.n_classes = self.output.weight.shape[0]
        self.extra["labels"] = Labels(self.hidden[0], self.n_classes, self.label_strength)
        if self.reads and len(self.hidden) > 2:
            sizes = [layer.out_shape for layer in self.hidden[1:-1]]
            self.extra["readout"] = nn.ParameterList(
                nn.Parameter(torch.zeros(self.n_classes, int(torch.Size(size).numel())))
                for size in sizes
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
        self, positive: torch.Tensor, negative: torch.Tensor, n_units: int
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Cost of a layer for its goodnesses, and its derivatives by the two; elementwise."""
        raise NotImplementedError

    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Callable[[], None]) -> torch.Tensor:
        """Leave every layer's update in `.grad` and apply once."""
        labels: Labels = self.extra["labels"]
        first = labels.project(x, self.hidden[0])
        total = torch.zeros((), dtype=x.dtype, device=x.device)
        scores = torch.zeros(len(y), self.n_classes, dtype=x.dtype, device=x.device)
        if self.reads:
            features = self._features(first.drive(labels.neutral(len(y))))
            scores, loss = self._train_readout(features, y)
            total += loss
        elif self.negatives == "goodness":
            with torch.no_grad():
                layer = self.hidden[0]
                g = []
                for c in range(self.n_classes):
                    h = layer.activate(first.drive(torch.full_like(y, c)))
                    g.append(mean_square(h))
                scores = torch.stack(g, 1) * getattr(self, "sharp", 1.0) * h[0].numel()
        wrong = self.wrong_labels(y, scores if self.negatives != "random" else None)
        z = first.drive(torch.cat((y, wrong)))
        for index, layer in enumerate(self.hidden):
            if index:
                z = layer.drive(normalised(h, goodness))
            h, goodness, cost = self._train_layer(index, layer, z, len(y))
            total += cost
        apply()
        return total

    def _train_layer(
        self, index: int, layer: Layer, z: torch.Tensor, n: int
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        cut = z.detach().requires_grad_()
        h = layer.activate(cut)
        active = h.detach()
        goodness = mean_square(active)
        n_units = active[0].numel()
        cost, *slopes = self.contrast(goodness[:n], goodness[n:], n_units)
        per_unit = torch.cat(slopes) * (2.0 / (n_units * n))
        delta = active * per_unit.reshape(-1, *[1] * (active.dim() - 1))
        if layer.activation != "relu":  # of which phi phi' is phi
            delta = torch.autograd.grad(h, cut, delta)[0]
        if self.peer:
            delta[:n] += self._peer_signal(index, active[:n]) * (2.0 / (n_units * n))
        parameters = list(layer.parameters())
        leave(parameters, torch.autograd.grad(z, parameters, delta))
        return active, goodness, cost.mean()

    def _peer_signal(self, index: int, h: torch.Tensor) -> torch.Tensor:
        means = self.extra["peer"][index].data
        signal = self.peer * (means - means.mean())
        axes = [0, *range(2, h.dim())]
        means.mul_(MOMENTUM).add_(h.mean(axes), alpha=1.0 - MOMENTUM)
        return signal.reshape(-1, *[1] * (h.dim() - 2))

    def wrong_labels(self, y: torch.Tensor, scores: torch.Tensor | None) -> torch.Tensor:
        """Labels other than `y`: uniform, or with the probabilities softmax(scores) of the others.

        Scores plus Gumbel noise are highest for a class with just these probabilities.
        """
        u = self.draw((len(y), self.n_classes), ("batch", None), "uniform").clamp_min(1e-30)
        noise = -(-u.log()).log()
        scores = noise if scores is None else scores + noise
        return scores.masked_fill(one_hot(y, self.n_classes).bool(), -torch.inf).argmax(1)

    @torch.no_grad()
    def _features(self, z: torch.Tensor) -> list[torch.Tensor]:
        """Normalised activity of every hidden layer, from z of the first."""
        features = []
        for index, layer in enumerate(self.hidden):
            h = layer.activate(layer.drive(features[-1]) if index else z)
            features.append(normalised(h, mean_square(h)))
        return features

    def _readout_scores(self, features: list[torch.Tensor]) -> torch.Tensor:
        scores = self.output.drive(features[-1])
        if "readout" in self.extra:
            for weight, feature in zip(self.extra["readout"], features[1:-1], strict=True):
                scores = scores + feature.flatten(1) @ weight.T
        return scores

    def _train_readout(
        self, features: list[torch.Tensor], y: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        scores = self._readout_scores(features)
        loss = cross_entropy(scores, y)
        parameters = list(self.output.parameters())
        parameters += self.groups().get("readout", [])
        leave(parameters, torch.autograd.grad(loss, parameters))
        return scores.detach(), loss.detach()

    @torch.no_grad()
    def goodness_by_class(self, x: torch.Tensor) -> torch.Tensor:
        """Goodness of every hidden layer for every label, shape (layers, batch, n_classes)."""
        first = self.extra["labels"].project(x, self.hidden[0])
        # One pass a class: memory stays that of one, and the first layer's sums are shared.
        found = []
        for label in range(self.n_classes):
            z = first.drive(torch.full((len(x),), label, device=x.device))
            for index, layer in enumerate(self.hidden):
                h = layer.activate(layer.drive(normalised(h, goodness)) if index else z)
                goodness = mean_square(h)
                found.append(goodness)
        return torch.stack(found).unflatten(0, (self.n_classes, -1)).permute(1, 2, 0)

    @torch.no_grad()
    def objective(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """Costs of all layers, summed; a mean over the batch and over all wrong labels."""
        wrong = one_hot(y, self.n_classes) == 0
        total = torch.zeros((), dtype=x.dtype, device=x.device)
        for layer, goodness in zip(self.hidden, self.goodness_by_class(x), strict=True):
            right = goodness.gather(1, y[:, None])
            n_units = int(torch.Size(layer.out_shape).numel())
            total += self.contrast(right, goodness, n_units)[0][wrong].mean()
        if self.reads:
            total += cross_entropy(self._neutral_scores(x), y)
        return total

    def _neutral_scores(self, x: torch.Tensor) -> torch.Tensor:
        labels: Labels = self.extra["labels"]
        z = labels.project(x, self.hidden[0]).drive(labels.neutral(len(x)))
        return self._readout_scores(self._features(z))

    @torch.no_grad()
    def predict(self, x: torch.Tensor) -> torch.Tensor:
        """Summed goodness of all hidden layers but the first for each label; or the softmax's
        scores."""
        if self.readout == "softmax":
            return self._neutral_scores(x)
        goodness = self.goodness_by_class(x)
        return goodness[min(1, len(goodness) - 1) :].sum(0)

    @torch.no_grad()
    def activity(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        """Hidden activity with the neutral label; the scores of `predict` as the output's."""
        labels: Labels = self.extra["labels"]
        z = labels.project(x, self.hidden[0]).drive(labels.neutral(len(x)))
        activities = []
        for index, layer in enumerate(self.hidden):
            h = layer.activate(layer.drive(normalised(h, mean_square(h))) if index else z)
            activities.append(h)
        activities.append(self.predict(x))
        return dict(zip(layer_names(len(activities)), activities, strict=True))

    def unit_axes(self) -> dict[str, tuple[Axis, ...]]:
        """Readout weights index a hidden layer's units, and so do the means of peers."""
        axes: dict[str, tuple[Axis, ...]] = {"labels.keep": (None,), "labels.patterns": (None,) * 2}
        for index in range(len(self.hidden)):
            axes[f"peer.{index}"] = (index,)
            axes[f"readout.{index}"] = (None, index + 1)
        return {name: axis for name, axis in axes.items() if name in self.extra.state_dict()}


class ForwardForward(Contrastive):
    """Hinton's forward-forward.

    Parameters
    ----------
    theta : float
        Threshold of the goodness, a mean over units.
    goodness : {"mean", "sum"}
        Whether costs take the mean or the sum over units.
    negatives : {"random", "hard"}
    readout : {"goodness", "softmax"}
    label_strength : float
        Height of a label in the image: of a pixel of the overlay, of the mixture of a wave.
    peer : float
        Strength of peer normalisation; 0.03 in Hinton's code.
    """

    def __init__(
        self,
        theta: float = 1.0,
        goodness: Literal["mean", "sum"] = "sum",
        negatives: Negatives = "hard",
        readout: Readout = "goodness",
        label_strength: float = 1.0,
        peer: float = 0.0,
        slope: float | None = None,
        sharp: float = 1.0,
    ) -> None:
        super().__init__(negatives, readout, label_strength, peer)
        check_option("goodness", goodness, ("mean", "sum"))
        check_range("theta", theta, 0.0)
        self.theta, self.goodness = theta, goodness
        self.slope = slope
        self.sharp = sharp

    def contrast(
        self, positive: torch.Tensor, negative: torch.Tensor, n_units: int
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """The two costs of a sample, right label and wrong."""
        slope = float(n_units) if self.goodness == "sum" else 1.0
        if self.slope: slope = self.slope
        above, below = slope * (negative - self.theta), slope * (self.theta - positive)
        cost = softplus(below) + softplus(above)
        return cost, -slope * below.sigmoid(), slope * above.sigmoid()


class SymBa(Contrastive):
    """Forward-forward on the difference of the goodnesses: no threshold.

    Parameters
    ----------
    alpha : float
        Slope of the cost.
    negatives, readout, label_strength, peer
        As for `ForwardForward`.
    """

    def __init__(
        self,
        alpha: float = 4.0,
        negatives: Negatives = "hard",
        readout: Readout = "goodness",
        label_strength: float = 1.0,
        peer: float = 0.0,
        sharp: float = 1.0,
    ) -> None:
        super().__init__(negatives, readout, label_strength, peer)
        check_range("alpha", alpha, 0.0)
        self.alpha = alpha
        self.sharp = sharp

    def contrast(
        self, positive: torch.Tensor, negative: torch.Tensor, n_units: int
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """The cost of the pair."""
        lead = self.alpha * (positive - negative)
        slope = self.alpha * (-lead).sigmoid()
        return softplus(-lead), -slope, slope
