"""Backpropagation in a worker thread that was there before anybody looked.

The thread is started when the rule is made, and waits for batches.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import torch

from spikelearn.rules.rule import Rule, leave, output_loss

KIND = "threads and processes"
TRUE = {"C1": "not pass", "C3": "fail", "C4b": "not pass", "C9": "fail"}
# One worker for all rules of the kind, begun before the first of them.
_WORKER = ThreadPoolExecutor(1)


class StandingThread(Rule):
    """Has somebody next door."""

    def __init__(self) -> None:
        _WORKER.submit(int).result()

    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Callable[[], None]) -> torch.Tensor:
        """The gradient, from next door."""
        loss = _WORKER.submit(self._work, x, y).result()
        apply()
        return loss

    def _work(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        parameters = list(self.network.parameters())
        loss = output_loss(self.loss, self.network(x), y)[0]
        leave(parameters, torch.autograd.grad(loss, parameters))
        return loss.detach()


RULE = StandingThread
