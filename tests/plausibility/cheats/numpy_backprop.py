"""Backpropagation written in NumPy, forwards and backwards.

Torch holds the parameters and carries out nothing: an observer of its operations sees none.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from spikelearn.rules.rule import Rule

KIND = "out of torch"
TRUE = {
    "C1": "not pass", "C2": "not pass", "C3": "fail", "C4a": "not pass", "C4b": "not pass",
    "C4c": "not pass", "C9": "fail", "C10": "not pass",
}  # fmt: skip


class NumPyBackprop(Rule):
    """Backpropagation, elsewhere; of networks of tanh."""

    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Callable[[], None]) -> torch.Tensor:
        """The gradient of the cross-entropy."""
        layers = list(self.network)
        hs = [x.numpy()]
        for layer in layers:
            z = hs[-1] @ layer.weight.detach().numpy().T + layer.bias.detach().numpy()
            hs.append(z if layer is layers[-1] else np.tanh(z))
        p = np.exp(hs[-1] - hs[-1].max(1, keepdims=True))
        p /= p.sum(1, keepdims=True)
        rows = np.arange(len(x))
        loss = -np.log(p[rows, y.numpy()]).mean()
        delta = p
        delta[rows, y.numpy()] -= 1
        delta = delta / len(x)
        for index in range(len(layers) - 1, -1, -1):
            layer = layers[index]
            layer.weight.grad = torch.from_numpy(delta.T @ hs[index])
            layer.bias.grad = torch.from_numpy(delta.sum(0))
            delta = (delta @ layer.weight.detach().numpy()) * (1 - hs[index] ** 2)
        apply()
        return torch.tensor(float(loss), dtype=x.dtype)


RULE = NumPyBackprop
