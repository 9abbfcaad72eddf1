"""What a rule moves the network's weights by on its own, past what it leaves in `.grad`.

The training loop moves weights by what is in `.grad`. A rule that writes into them by itself learns
all the same, and is looked at all the same. What is put back within an update (a perturbation) is
no move.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import torch
from torch import nn
from torch.utils._python_dispatch import _disable_current_modes

# Rounding of what is put back, relative to the weights, by type of the numbers.
ROUNDING = {torch.float64: 1e-9, torch.float32: 1e-5}


@contextlib.contextmanager
def unobserved() -> Iterator[None]:
    """For what the audit itself computes while it observes."""
    with _disable_current_modes(), torch.no_grad():
        yield


class WeightMoves:
    """Adds up how a network's parameters move, but for the steps of the training loop.

    Parameters
    ----------
    network : Module
        As it is before the update.
    """

    def __init__(self, network: nn.Module) -> None:
        self.parameters = dict(network.named_parameters())
        self.total = {name: torch.zeros_like(p.detach()) for name, p in self.parameters.items()}
        self.after_step()

    def before_step(self) -> None:
        """Count what has moved since the last step; the loop's own step is to follow."""
        for name, parameter in self.parameters.items():
            self.total[name] += parameter.detach() - self.known[name]

    def after_step(self) -> None:
        """Go on from the parameters as they are now."""
        self.known = {name: p.detach().clone() for name, p in self.parameters.items()}

    def found(self) -> dict[str, torch.Tensor]:
        """What was moved, by name in the rule ("network.layers.0.weight"); the update is over."""
        self.before_step()
        return {
            f"network.{name}": change
            for name, change in self.total.items()
            if float(change.norm())
            > ROUNDING.get(change.dtype, 1e-5) * float(self.known[name].norm())
        }
