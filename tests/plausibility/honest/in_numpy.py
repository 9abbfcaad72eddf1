"""Rules written in NumPy: torch holds the parameters, and is told the updates."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from honest._base import FEEDBACK, HEBB, RandomFeedback
from spikelearn.rules.rule import Rule

Apply = Callable[[], None]


def _passed(rule: Rule, x: np.ndarray) -> list[np.ndarray]:
    """Activity of every layer of a network of tanh, from the input on."""
    hs, layers = [x], list(rule.network)
    for layer in layers:
        z = hs[-1] @ layer.weight.detach().numpy().T + layer.bias.detach().numpy()
        hs.append(z if layer is layers[-1] else np.tanh(z))
    return hs


def _error(scores: np.ndarray, y: np.ndarray) -> tuple[torch.Tensor, np.ndarray]:
    """Cross-entropy, and its derivative by the scores."""
    p = np.exp(scores - scores.max(1, keepdims=True))
    p /= p.sum(1, keepdims=True)
    rows = np.arange(len(y))
    loss = torch.tensor(-np.log(p[rows, y]).mean())
    p[rows, y] -= 1
    return loss, p / len(y)


class FeedbackInNumPy(RandomFeedback):
    """Feedback alignment, of networks of tanh."""

    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Apply) -> torch.Tensor:
        """Forwards, and back by the matrices."""
        hs = _passed(self, x.numpy())
        loss, delta = _error(hs[-1], y.numpy())
        for index, layer in reversed(list(enumerate(self.network))):
            layer.weight.grad = torch.from_numpy(delta.T @ hs[index])
            layer.bias.grad = torch.from_numpy(delta.sum(0))
            if index:
                delta = (delta @ self.back()[index - 1].numpy()) * (1 - hs[index] ** 2)
        apply()
        return loss


class HebbInNumPy(Rule):
    """Hebb's rule in the hidden layers, the error at the output."""

    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Apply) -> torch.Tensor:
        """Pre times post."""
        hs = _passed(self, x.numpy())
        loss, error = _error(hs[-1], y.numpy())
        for index, layer in enumerate(self.network):
            post = error if index == len(self.network) - 1 else -hs[index + 1] / len(x)
            layer.weight.grad = torch.from_numpy(post.T @ hs[index])
            layer.bias.grad = torch.from_numpy(post.sum(0))
        apply()
        return loss


RULES = [(FeedbackInNumPy, FEEDBACK), (HebbInNumPy, HEBB)]
