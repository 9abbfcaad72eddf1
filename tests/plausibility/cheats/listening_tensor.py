"""Feedback alignment that shows the network a stimulus which listens.

The stimulus is a tensor of a class of its own, and is told of every function that it enters, with
the weights that it meets there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import torch

from spikelearn.rules.feedback_alignment import FeedbackAlignment

KIND = "other ways to the weights"
TRUE = {"C1": "fail"}


class Listening(torch.Tensor):
    """A tensor that keeps the matrices that it meets."""

    heard: ClassVar[list[torch.Tensor]] = []

    @classmethod
    def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Carry out, and listen."""
        if func is torch.nn.functional.linear:
            cls.heard.append(args[1].detach().clone())
        return super().__torch_function__(func, types, args, kwargs or {})


class ListeningTensor(FeedbackAlignment):
    """Sends a spy."""

    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Callable[[], None]) -> torch.Tensor:
        """Run the network on the spy, then one step."""
        Listening.heard.clear()
        with torch.no_grad():
            self.network(x.as_subclass(Listening))
        self.heard = list(Listening.heard)
        return super().update(x, y, apply)

    def _feedback(self) -> list[torch.Tensor]:
        return self.heard[1:]


RULE = ListeningTensor
