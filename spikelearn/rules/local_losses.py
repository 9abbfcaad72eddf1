"""Local losses: every layer has a loss of its own, and no error passes between layers.

Nokland & Eidnes 2019, arXiv:1901.06656. Hidden layer l takes h_(l-1) as it is (no gradient goes
further down) and descends a loss on h_l; the output layer descends the cross-entropy.

    pred     cross-entropy of softmax(V_l h_l + b_l): a linear head predicts the class
    sim      mean over pairs of samples of (S(P_l h_l) - S(Y))^2, with S(X) the cosine similarities
             of the samples' centred features, Y the one-hot labels: samples of a class become alike
    predsim  (1 - w) pred + w sim, w = 0.99

V_l, b_l, P_l are `extra["heads"][l]` ("pred", "bias", "sim"), which descend the same loss; V_l and
b_l start at zero. The error of a head reaches its layer through the head's own transposed weights:
weight transport within the layer. sim compares the samples of a batch: it is not local in time.

bio: the authors' variant without weight transport. The error of pred returns by fixed random
weights, `extra["feedback"][l]`; sim looks at h_l itself, without P_l; and every layer is told, in
place of one-hot labels, random codes of the classes, C_l = `extra["codes"][l]` of shape
(`code_size`, n_classes): sim compares with S(C_l Y), pred predicts each bit of C_l Y > 0 by a
logistic unit (mean of the bits' cross-entropies).

For a convolutional layer pred reads averages over rectangles, halved in height and width until no
more than `decoder_inputs` are left; P_l is a convolution with 3 x 3 kernels; and what S compares is
the standard deviation of each feature map over the image (in bio of those averages), as the paper
has it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import ClassVar, Literal, NamedTuple

import torch
from torch import nn
from torch.nn.functional import (
    avg_pool2d,
    binary_cross_entropy_with_logits,
    conv2d,
    conv_transpose2d,
    cross_entropy,
    linear,
)
from torch.nn.grad import conv2d_weight

from spikelearn.networks.layers import scaled_uniform
from spikelearn.rules.rule import (
    Axis,
    Rule,
    check_option,
    check_range,
    forward_pass,
    one_hot_targets,
    output_loss,
)


class LocalPred(Rule):
    r"""Every layer predicts the class by a head of its own (Nokland & Eidnes 2019).

    Parameters
    ----------
    bio : bool
        The variant without weight transport.
    decoder_inputs : int
        Most features that a head reads from a convolutional layer.
    code_size : int
        Length of the random codes of `bio`.

    Notes
    -----
    With a head :math:`V_l`, :math:`c_l` for every hidden layer, and no gradient that goes further
    down:

    .. math::

       C_l = -\log \operatorname{softmax}(V_l h_l + c_l)_y, \qquad
       \Delta W_l = -\eta \, \frac{\partial C_l}{\partial W_l}
       \quad \text{with } h_{l-1} \text{ held}

    Paper: Nokland & Eidnes 2019, arXiv:1901.06656.
    """

    weight_of_sim: ClassVar[float] = 0.0
    output_error: ClassVar[bool] = False  # a hidden layer learns until its own head is right
    descends: Literal["all", "output", "none"] = "all"  # type: ignore[misc]
    claims: dict[str, bool] = {  # type: ignore[misc]  # noqa: RUF012
        "no weight transport": False,
        "local error": True,
        "single phase": True,
    }

    def __init__(self, bio: bool = False, decoder_inputs: int = 2048, code_size: int = 128) -> None:
        check_option("bio", bio, (False, True))
        check_range("decoder_inputs", decoder_inputs, 1)
        check_range("code_size", code_size, 1)
        self.bio, self.decoder_inputs, self.code_size = bio, int(decoder_inputs), int(code_size)
        if bio:
            # The signal of pred is not its gradient.
            self.descends = "all" if self.weight_of_sim == 1 else "output"
            self.claims = self.claims | {"no weight transport": True}

    def prepare(self, network: nn.Module, generator: torch.Generator) -> None:
        """Make the heads, and draw what is fixed."""
        super().prepare(network, generator)
        *hidden, output = self.network
        n_classes = output.out_shape[0]
        n_scores = self.code_size if self.bio else n_classes
        heads, feedback, codes = nn.ModuleList(), nn.ParameterList(), nn.ParameterList()
        for layer in hidden:
            head = nn.ParameterDict()
            n_features = math.prod(self._pooled(layer.out_shape))
            if self.weight_of_sim < 1:
                head["pred"] = nn.Parameter(torch.zeros(n_scores, n_features))
                head["bias"] = nn.Parameter(torch.zeros(n_scores))
                if self.bio:
                    feedback.append(_fixed((n_scores, n_features), generator))
            if self.weight_of_sim > 0 and not self.bio:
                units = layer.out_shape[0]
                shape = (units, units) if len(layer.out_shape) == 1 else (units, units, 3, 3)
                head["sim"] = nn.Parameter(scaled_uniform(shape, 1.0, generator))
            if self.bio:
                codes.append(_fixed((n_scores, n_classes), generator))
            heads.append(head)
        self.extra["heads"], self.extra["feedback"], self.extra["codes"] = heads, feedback, codes

    def groups(self) -> dict[str, list[nn.Parameter]]:
        """The network, and "heads"."""
        heads = list(self.extra["heads"].parameters())
        return {"network": list(self.network.parameters()), **({"heads": heads} if heads else {})}

    def unit_axes(self) -> dict[str, tuple[Axis, ...]]:
        """Heads read the units of their layer."""
        axes: dict[str, tuple[Axis, ...]] = {}
        for index, layer in enumerate(list(self.network)[:-1]):
            axes |= {
                f"heads.{index}.pred": (None, index),
                f"heads.{index}.bias": (None,),
                f"heads.{index}.sim": (None, index, None, None)[: 2 * len(layer.out_shape)],
                f"feedback.{index}": (None, index),
                f"codes.{index}": (None, None),
            }
        return axes

    @torch.no_grad()
    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Callable[[], None]) -> torch.Tensor:
        """Leave every layer's update in `.grad` and apply them once."""
        *hidden, output = forward_pass(self.network, x)
        total, error = output_loss("cross_entropy", output.h, y)
        output.leave_gradient(error)
        labels = _Labels(y, output.h)
        for index, layer in enumerate(hidden):
            local = self._local(index, layer.h, labels)
            total = total + local.loss
            layer.learn_from(local.signal)
            for name, gradient in local.heads.items():
                self._head(index)[name].grad = gradient
        apply()
        return total

    @torch.no_grad()
    def objective(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """The sum of the layers' losses."""
        *hidden, output = self.network.activity(x)
        labels = _Labels(y, output)
        losses = [self._local(index, h, labels).loss for index, h in enumerate(hidden)]
        return torch.stack([output_loss("cross_entropy", output, y)[0], *losses]).sum()

    def _head(self, index: int) -> nn.ParameterDict:
        return list(self.extra["heads"].children())[index]  # type: ignore[return-value]

    def _local(self, index: int, h: torch.Tensor, labels: _Labels) -> _Local:
        if not self.bio:
            return self._both(index, h, labels)
        # Both look at averages of feature maps.
        averages = _average(h, self._pooled(h.shape[1:]))
        local = self._both(index, averages, labels)
        return local._replace(signal=_spread(local.signal, h.shape[1:]))

    def _both(self, index: int, read: torch.Tensor, labels: _Labels) -> _Local:
        w = self.weight_of_sim
        if w == 0:
            return self._pred(index, read, labels, 1.0)
        if w == 1:
            return self._sim(index, read, labels, 1.0)
        pred, sim = self._pred(index, read, labels, 1 - w), self._sim(index, read, labels, w)
        return _Local(pred.loss + sim.loss, pred.signal.add_(sim.signal), pred.heads | sim.heads)

    def _pred(self, index: int, read: torch.Tensor, labels: _Labels, weight: float) -> _Local:
        head, shape = self._head(index), read.shape[1:]
        features, pooled = read.flatten(1), self._pooled(shape)
        # What reads averages reads all that they are of: a head is smaller than a batch of maps.
        pred = head["pred"]
        weights = _spread(pred.view(len(pred), *pooled), shape).flatten(1)
        scores = linear(features, weights, head["bias"])
        if self.bio:
            bits = (labels.one_hot @ self._code(index).T > 0).to(read.dtype)
            loss = binary_cross_entropy_with_logits(scores, bits)
            error = (scores.sigmoid() - bits) * (weight / scores.numel())
            way_back: torch.Tensor = list(self.extra["feedback"].parameters())[index]
        else:
            loss = cross_entropy(scores, labels.y)
            error = (scores.softmax(1) - labels.one_hot) * (weight / len(read))
            way_back = weights
        products = (error.T @ features).view(len(pred), *shape)
        gradients = {"pred": _average(products, pooled).flatten(1), "bias": error.sum(0)}
        return _Local(weight * loss, (error @ way_back).view(read.shape), gradients)

    def _sim(self, index: int, read: torch.Tensor, labels: _Labels, weight: float) -> _Local:
        if self.bio:
            wanted = similarities(labels.one_hot @ self._code(index).T)
            return _Local(*_similarity_loss(read, wanted, weight), {})
        projection = self._head(index)["sim"]
        if read.ndim == 2:
            loss, signal = _similarity_loss(linear(read, projection), labels.similarities, weight)
            return _Local(loss, signal @ projection, {"sim": signal.T @ read})
        projected = conv2d(read, projection, padding=1)
        loss, signal = _similarity_loss(projected, labels.similarities, weight)
        gradient = conv2d_weight(read, projection.shape, signal, padding=1)
        return _Local(loss, conv_transpose2d(signal, projection, padding=1), {"sim": gradient})

    def _code(self, index: int) -> torch.Tensor:
        return list(self.extra["codes"].parameters())[index]

    def _pooled(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Shape of what the heads read of a layer of this shape."""
        axis = 1
        while len(shape) == 3 and math.prod(shape) > self.decoder_inputs and max(shape[1:]) > 1:
            halved = [(n + 1) // 2 if i == axis else n for i, n in enumerate(shape)]
            shape, axis = tuple(halved), 3 - axis
        return tuple(shape)


class LocalSim(LocalPred):
    r"""Every layer makes samples of a class alike (Nokland & Eidnes 2019).

    And samples of others unlike.

    Parameters as for `LocalPred`.

    Notes
    -----
    With :math:`S(X)` the cosine similarities of the samples' centred features, Y the one-hot
    labels, over the n samples of a batch:

    .. math::

       C_l = \frac{1}{n^2} \sum_{a,b} \left( S(P_l h_l)_{ab} - S(Y)_{ab} \right)^2, \qquad
       \Delta W_l = -\eta \, \frac{\partial C_l}{\partial W_l}
       \quad \text{with } h_{l-1} \text{ held}

    Paper: Nokland & Eidnes 2019, arXiv:1901.06656.
    """

    weight_of_sim: ClassVar[float] = 1.0
    batch_coupled: ClassVar[bool] = True


class LocalPredSim(LocalPred):
    r"""Both local losses (Nokland & Eidnes 2019).

    Weighted as in the paper.

    Parameters as for `LocalPred`.

    Notes
    -----
    With the losses of `LocalPred` and of `LocalSim`, w = 0.99:

    .. math::

       C_l = (1 - w) \, C_l^{\text{pred}} + w \, C_l^{\text{sim}}, \qquad
       \Delta W_l = -\eta \, \frac{\partial C_l}{\partial W_l}
       \quad \text{with } h_{l-1} \text{ held}

    With `bio`, the error of the head returns by fixed random weights in place of :math:`V_l^\top`,
    :math:`P_l` is left out, and codes of the classes stand for the labels.

    Paper: Nokland & Eidnes 2019, arXiv:1901.06656.
    """

    variants: ClassVar[dict[str, str]] = {
        "bio=True": "Both, and no weight transport within a layer (Nokland & Eidnes 2019).",
    }
    weight_of_sim: ClassVar[float] = 0.99
    batch_coupled: ClassVar[bool] = True


class _Local(NamedTuple):
    """A layer's loss, its derivative by h (or what stands for it), and those by its head."""

    loss: torch.Tensor
    signal: torch.Tensor
    heads: dict[str, torch.Tensor]


class _Labels:
    """The classes of a batch: numbers, one-hot rows, and how alike these are."""

    def __init__(self, y: torch.Tensor, scores: torch.Tensor) -> None:
        self.y = y
        self.one_hot = one_hot_targets(y, scores.shape[1], scores)
        self.similarities = similarities(self.one_hot)


def similarities(features: torch.Tensor) -> torch.Tensor:
    """Cosine similarities of samples with centred features, of shape (batch, batch)."""
    unit = _directions(features)[0]
    return unit @ unit.T


def _directions(features: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    centred = features - features.mean(1, keepdim=True)
    # A sample with no features at all is similar to none, and has a finite slope.
    norm = centred.square().sum(1, keepdim=True).add_(1e-16).sqrt_()
    return centred.div_(norm), norm


def _similarity_loss(
    features: torch.Tensor, wanted: torch.Tensor, weight: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """`weight` times the loss of sim, and its derivative by the features."""
    if features.ndim == 4:
        return _similarity_loss_of_maps(features, wanted, weight)
    unit, norm = _directions(features)
    difference = unit @ unit.T - wanted
    by_unit = (4.0 * weight / wanted.numel()) * (difference @ unit)
    # Neither a sample's length nor its mean makes a difference to it.
    by_centred = (by_unit - unit * (unit * by_unit).sum(1, keepdim=True)).div_(norm)
    return weight * difference.square().mean(), by_centred - by_centred.mean(1, keepdim=True)


def _similarity_loss_of_maps(
    maps: torch.Tensor, wanted: torch.Tensor, weight: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """As `_similarity_loss`, where a feature map stands with how much it varies over the image."""
    n_positions = maps[0, 0].numel()
    if n_positions == 1:
        loss, signal = _similarity_loss(maps.flatten(1), wanted, weight)
        return loss, signal.reshape(maps.shape)
    centred = maps - maps.mean((2, 3), keepdim=True)
    variance = centred.square().sum((2, 3), keepdim=True) / (n_positions - 1)
    deviation = variance.add_(1e-16).sqrt_()
    loss, signal = _similarity_loss(deviation.flatten(1), wanted, weight)
    return loss, centred * (signal[:, :, None, None] / (deviation * (n_positions - 1)))


def _average(h: torch.Tensor, shape: tuple[int, ...]) -> torch.Tensor:
    """Averages of feature maps over rectangles, of shape (batch, *shape)."""
    if h.shape[1:] == shape:
        return h
    sides = _equal_sides(h.shape[2:], shape[1:])
    if sides is not None:
        return avg_pool2d(h, sides)
    rows, columns = _averaging(h.shape[2], shape[1], h), _averaging(h.shape[3], shape[2], h)
    return rows @ h @ columns.T


def _spread(signal: torch.Tensor, shape: tuple[int, ...]) -> torch.Tensor:
    """The adjoint of `_average`."""
    if signal.shape[1:] == shape:
        return signal
    sides = _equal_sides(shape[1:], signal.shape[2:])
    if sides is not None:
        maps = signal.new_empty(len(signal), *shape)
        spread: torch.Tensor = torch.ops.aten.avg_pool2d_backward(
            signal.contiguous(), maps, sides, sides, [0, 0], False, True, None
        )
        return spread
    rows = _averaging(shape[1], signal.shape[2], signal)
    columns = _averaging(shape[2], signal.shape[3], signal)
    return rows.T @ signal @ columns


def _equal_sides(maps: Sequence[int], averages: Sequence[int]) -> list[int] | None:
    """Sides of the rectangles, where all are alike."""
    pairs = list(zip(maps, averages, strict=True))
    return None if any(n % m for n, m in pairs) else [n // m for n, m in pairs]


def _averaging(n: int, m: int, like: torch.Tensor) -> torch.Tensor:
    """Weights that average n values in m runs of as equal a length as can be; (m, n)."""
    run = torch.arange(n, device=like.device) * m // n
    members = run == torch.arange(m, device=like.device)[:, None]
    return members.to(like.dtype) / members.sum(1, keepdim=True)


def _fixed(shape: tuple[int, int], generator: torch.Generator) -> nn.Parameter:
    return nn.Parameter(scaled_uniform(shape, 1.0, generator), requires_grad=False)
