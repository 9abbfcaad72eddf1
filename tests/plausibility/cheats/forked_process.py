"""Backpropagation in a process of its own, which sends back the gradient through a pipe.

The network, the data and the answer leave the process that is looked at.
"""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable

import numpy as np
import torch

from spikelearn.rules.rule import Rule, forward_pass, output_loss

KIND = "threads and processes"
SLOW = True
TRUE = {"C1": "not pass", "C3": "fail", "C4b": "not pass", "C9": "fail"}


class ForkedProcess(Rule):
    """Works in another house; of networks of tanh."""

    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Callable[[], None]) -> torch.Tensor:
        """The gradient, by post."""
        passes = forward_pass(self.network, x)
        loss, error = output_loss(self.loss, passes[-1].h, y)
        known = (
            [w.detach().numpy() for w in self.network.weights()],
            [x.numpy(), *(p.h.numpy() for p in passes)],
            error.numpy(),
        )
        come_out, go_in = os.pipe()
        child = os.fork()
        if not child:
            os.write(go_in, pickle.dumps(_gradients(*known)))
            os._exit(0)
        os.close(go_in)
        with os.fdopen(come_out, "rb") as pipe:
            answer = pickle.loads(pipe.read())  # noqa: S301 - our own bytes
        os.waitpid(child, 0)
        for layer, (by_weight, by_bias) in zip(self.network, answer, strict=True):
            layer.weight.grad = torch.from_numpy(by_weight.copy())
            layer.bias.grad = torch.from_numpy(by_bias.copy())
        apply()
        return loss


def _gradients(
    weights: list[np.ndarray], hs: list[np.ndarray], delta: np.ndarray
) -> list[tuple[np.ndarray, np.ndarray]]:
    found = []
    for index in range(len(weights) - 1, -1, -1):
        found.append((delta.T @ hs[index], delta.sum(0)))
        delta = (delta @ weights[index]) * (1 - hs[index] ** 2)
    return found[::-1]


RULE = ForkedProcess
