"""Rules written out, with the products of matrices in the many ways that torch has for them."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import torch

from honest._base import FEEDBACK, HEBB, RandomFeedback
from spikelearn.rules.rule import Rule, output_loss

Apply = Callable[[], None]
# Ways to compute W h for a batch of h.
WAYS: dict[str, Callable[[torch.Tensor, torch.Tensor], torch.Tensor]] = {
    "matmul": lambda w, h: h @ w.T,
    "columns": lambda w, h: (w @ h.T).T,
    "linear": lambda w, h: torch.nn.functional.linear(h, w),
    "einsum": lambda w, h: torch.einsum("oi,bi->bo", w, h),
    "tensordot": lambda w, h: torch.tensordot(h, w, dims=([1], [1])),
    "bmm": lambda w, h: torch.bmm(w.expand(len(h), *w.shape), h.unsqueeze(2)).squeeze(2),
    "broadcast": lambda w, h: (w * h.unsqueeze(1)).sum(2),
    "one by one": lambda w, h: torch.stack([w @ row for row in h]),
    "convolution": lambda w, h: torch.nn.functional.conv1d(
        h.unsqueeze(2), w.unsqueeze(2)
    ).squeeze(2),
}  # fmt: skip


class FeedbackByHand(RandomFeedback):
    """Feedback alignment, of networks of tanh."""

    way = "matmul"

    @torch.no_grad()
    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Apply) -> torch.Tensor:
        """Forwards, and back by the matrices."""
        layers, hs = list(self.network), [x]
        for layer in layers:
            z = WAYS[self.way](layer.weight, hs[-1])
            z += layer.bias
            hs.append(layer.activate(z))
        loss, delta = output_loss(self.loss, hs[-1], y)
        for index in reversed(range(len(layers))):
            layers[index].weight.grad = torch.einsum("bo,bi->oi", delta, hs[index])
            layers[index].bias.grad = delta.sum(0)
            if index:
                delta = (delta @ self.back()[index - 1]).mul_(1 - hs[index].square())
        apply()
        return loss


class HebbByHand(Rule):
    """Hebb's rule in the hidden layers, the error at the output."""

    way = "matmul"

    @torch.no_grad()
    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Apply) -> torch.Tensor:
        """Pre times post."""
        layers, hs = list(self.network), [x]
        for layer in layers:
            hs.append(layer.activate(WAYS[self.way](layer.weight, hs[-1]) + layer.bias))
        loss, error = output_loss(self.loss, hs[-1], y)
        for index, (layer, (below, h)) in enumerate(
            zip(layers, itertools.pairwise(hs), strict=True)
        ):
            post = error if index == len(layers) - 1 else -h / len(x)
            layer.weight.grad, layer.bias.grad = post.T @ below, post.sum(0)
        apply()
        return loss


def _ways(rule: type[Rule], ways: list[str]) -> list[type[Rule]]:
    return [type(f"{rule.__name__}{way.title().replace(' ', '')}", (rule,), {"way": way})
            for way in ways]  # fmt: skip


def _told_by_reads(truth: dict[str, bool]) -> dict[str, bool]:
    return {key: truth[key] for key in ("C1", "C2", "C4b")}


RULES = [
    (FeedbackByHand, FEEDBACK),
    *((rule, _told_by_reads(FEEDBACK)) for rule in _ways(FeedbackByHand, list(WAYS)[1:])),
    *((rule, HEBB) for rule in _ways(HebbByHand, ["columns", "broadcast"])),
]
