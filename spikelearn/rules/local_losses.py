"""Local losses: every layer has a loss of its own, and no error passes between layers.

Nokland & Eidnes 2019, arXiv:1901.06656. Hidden layer l reads h_(l-1) as it is (no gradient goes
further down) and descends a loss on h_l; the output layer descends the loss of the network.

    pred     cross-entropy of a linear head V_l on h_l
    sim      mean over pairs of samples of (S(P_l h_l) - S(Y))^2, where S(X) holds the cosine
             similarities of the samples' centred features; it compares the samples of a batch
    predsim  (1 - w) pred + w sim, w = 0.99

V_l, P_l are `extra["heads"]`, which learn by the same losses (group "heads"). The error of a head
reaches its layer through the head's own transposed weights: weight transport within the layer.
`feedback: random` is the variant without it: the error of the head returns by a fixed random matrix
(`extra["feedback"]`), and the similarities are those of h_l itself, with no P_l to pass back.

For a convolutional layer pred averages h_l over squares until no more than `decoder_inputs`
features are left; sim takes, as the paper does, the standard deviation of each feature map.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import ClassVar, Literal

import torch
from torch import nn
from torch.nn.functional import adaptive_avg_pool2d, cross_entropy

from spikelearn.networks.layers import Layer, scaled_uniform
from spikelearn.rules.rule import (
    Axis,
    Rule,
    check_option,
    check_range,
    leave,
    one_hot_targets,
)


class LocalPred(Rule):
    """Each hidden layer predicts the class through a head of its own.

    Parameters
    ----------
    feedback : {"transposed", "random"}
        What carries the error from a head to its layer.
    decoder_inputs : int
        Most features that a head reads from a convolutional layer.
    """

    weight_of_sim: ClassVar[float] = 0.0
    output_error: ClassVar[bool] = False  # a hidden layer learns until its own head is right
    claims: ClassVar[dict[str, bool]] = {
        "no weight transport": False,
        "local error": True,
        "single phase": True,
    }

    def __init__(
        self, feedback: Literal["transposed", "random"] = "transposed", decoder_inputs: int = 2048
    ) -> None:
        check_option("feedback", feedback, ("transposed", "random"))
        check_range("decoder_inputs", decoder_inputs, 1)
        self.feedback, self.decoder_inputs = feedback, int(decoder_inputs)
        if feedback == "random":
            self.descends = "output"  # type: ignore[misc]
            self.claims = {**type(self).claims, "no weight transport": True}  # type: ignore[misc]

    def prepare(self, network: nn.Module, generator: torch.Generator) -> None:
        """Draw the heads; they start at zero, where every class is as likely."""
        super().prepare(network, generator)
        *hidden, output = self.network
        n_classes = output.out_shape[0]
        heads, feedback = nn.ModuleList(), nn.ParameterList()
        for layer in hidden:
            head = nn.ModuleDict()
            n_features = math.prod(self._pooled_shape(layer))
            if self.weight_of_sim < 1:
                predictor = nn.Linear(n_features, n_classes)
                nn.init.zeros_(predictor.weight)
                nn.init.zeros_(predictor.bias)
                head["pred"] = predictor
                if self.feedback == "random":
                    drawn = scaled_uniform((n_classes, n_features), 1.0, generator)
                    feedback.append(nn.Parameter(drawn, requires_grad=False))
                else:
                    with torch.no_grad():
                        drawn = scaled_uniform((n_classes, n_features), 1.0, generator)
                        predictor.weight.copy_(drawn)
            if self.weight_of_sim > 0 and self.feedback == "transposed":
                channels = layer.out_shape[0]
                projection = nn.Linear(channels, channels, bias=False)
                with torch.no_grad():
                    projection.weight.copy_(scaled_uniform((channels, channels), 1.0, generator))
                head["sim"] = projection
            heads.append(head)
        self.extra["heads"], self.extra["feedback"] = heads, feedback

    def groups(self) -> dict[str, list[nn.Parameter]]:
        """The network, and "heads"."""
        heads = list(self.extra["heads"].parameters())
        return {"network": list(self.network.parameters()), **({"heads": heads} if heads else {})}

    def unit_axes(self) -> dict[str, tuple[Axis, ...]]:
        """Heads read the units of their layer."""
        axes: dict[str, tuple[Axis, ...]] = {}
        for index in range(len(self.network) - 1):
            axes |= {
                f"heads.{index}.pred.weight": (None, index),
                f"heads.{index}.pred.bias": (None,),
                f"heads.{index}.sim.weight": (None, index),
                f"feedback.{index}": (None, index),
            }
        return axes

    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Callable[[], None]) -> torch.Tensor:
        """Leave every layer's update in `.grad` and apply them once."""
        total = torch.zeros((), dtype=x.dtype, device=x.device)
        below = x
        for index, layer in enumerate(self.network):
            h = layer(below.detach())
            loss = self._loss(index, layer, h, y)
            parameters = [*layer.parameters(), *self._head_parameters(index)]
            leave(parameters, torch.autograd.grad(loss, parameters))
            total = total + loss.detach()
            below = h
        apply()
        return total

    @torch.no_grad()
    def objective(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """The sum of the layers' losses."""
        activities = self.network.activity(x)
        return torch.stack(
            [
                self._loss(index, layer, h, y)
                for index, (layer, h) in enumerate(zip(self.network, activities, strict=True))
            ]
        ).sum()

    def _head_parameters(self, index: int) -> list[nn.Parameter]:
        heads = list(self.extra["heads"].children())
        return list(heads[index].parameters()) if index < len(heads) else []

    def _loss(self, index: int, layer: Layer, h: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        if index == len(self.network) - 1:
            one_hot_targets(y, h.shape[1], h)  # says so where a label is out of range
            return cross_entropy(h, y)
        w = self.weight_of_sim
        loss = torch.zeros((), dtype=h.dtype, device=h.device)
        if w < 1:
            loss = loss + (1 - w) * self._pred(index, layer, h, y)
        if w > 0:
            loss = loss + w * self._sim(index, h, y)
        return loss

    def _pred(self, index: int, layer: Layer, h: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        pooled = h if h.ndim == 2 else adaptive_avg_pool2d(h, self._pooled_shape(layer)[1:])  # type: ignore[arg-type]
        head = list(self.extra["heads"].children())[index]["pred"]  # type: ignore[index]
        features = pooled.flatten(1)
        if self.feedback == "random":
            matrix = list(self.extra["feedback"].parameters())[index]
            return cross_entropy(_fed_back(features, head.weight, matrix) + head.bias, y)
        return cross_entropy(head(features), y)

    def _sim(self, index: int, h: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        n_classes = list(self.network)[-1].out_shape[0]
        if self.feedback == "transposed":
            projection = list(self.extra["heads"].children())[index]["sim"]  # type: ignore[index]
            h = projection(h.movedim(1, -1)).movedim(-1, 1)
        # A feature map stands with how much it varies over the image.
        features = h if h.ndim == 2 else h.flatten(2).std(2)
        labels = one_hot_targets(y, n_classes, h)
        return (similarities(features) - similarities(labels)).square().mean()

    def _pooled_shape(self, layer: Layer) -> tuple[int, ...]:
        shape = layer.out_shape
        while len(shape) == 3 and math.prod(shape) > self.decoder_inputs and max(shape[1:]) > 1:
            shape = (shape[0], (shape[1] + 1) // 2, (shape[2] + 1) // 2)
        return shape


class LocalSim(LocalPred):
    """Each hidden layer makes samples of one class alike, and others unlike.

    Parameters as for `LocalPred`.
    """

    weight_of_sim: ClassVar[float] = 1.0
    batch_coupled: ClassVar[bool] = True


class LocalPredSim(LocalPred):
    """Both losses, weighted as in the paper.

    Parameters as for `LocalPred`.
    """

    weight_of_sim: ClassVar[float] = 0.99
    batch_coupled: ClassVar[bool] = True


def similarities(features: torch.Tensor) -> torch.Tensor:
    """Cosine similarities of samples with centred features, of shape (batch, batch)."""
    centred = features - features.mean(1, keepdim=True)
    # A sample with no features at all is similar to none, and has a finite slope.
    unit = centred / centred.square().sum(1, keepdim=True).add(1e-16).sqrt()
    return unit @ unit.T


class _FedBack(torch.autograd.Function):
    """features @ weight.T, whose error returns by another matrix."""

    @staticmethod
    def forward(ctx, features, weight, matrix):  # type: ignore[no-untyped-def]
        ctx.save_for_backward(features, matrix)
        return features @ weight.T

    @staticmethod
    def backward(ctx, error):  # type: ignore[no-untyped-def]
        features, matrix = ctx.saved_tensors
        return error @ matrix, error.T @ features, None


def _fed_back(features: torch.Tensor, weight: torch.Tensor, matrix: torch.Tensor) -> torch.Tensor:
    return _FedBack.apply(features, weight, matrix)
