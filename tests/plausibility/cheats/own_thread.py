"""Backpropagation in a thread that is started for each update.

An observer of operations watches the thread that it was switched on in.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

import torch

from spikelearn.rules.rule import Rule, leave, output_loss

KIND = "threads and processes"
TRUE = {"C1": "fail", "C3": "fail", "C4b": "fail", "C9": "fail"}


class OwnThread(Rule):
    """Works next door."""

    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Callable[[], None]) -> torch.Tensor:
        """The gradient, from next door."""
        answers: list[torch.Tensor] = []

        def work() -> None:
            parameters = list(self.network.parameters())
            loss = output_loss(self.loss, self.network(x), y)[0]
            leave(parameters, torch.autograd.grad(loss, parameters))
            answers.append(loss.detach())

        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        apply()
        return answers[0]


RULE = OwnThread
