"""Rules as users write them, in files of their own."""

from __future__ import annotations

from pathlib import Path

RULE = '''"""A rule of mine."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from my_factors import FACTOR

from spikelearn.rules.rule import Rule, leave, output_loss


@dataclass
class MyRule(Rule):
    """Gradient descent, as fast as it is told."""

    rate: float

    def update(self, x, y, apply):
        loss, _ = output_loss(self.loss, self.network(x), y)
        parameters = list(self.network.parameters())
        gradients = torch.autograd.grad(loss, parameters)
        leave(parameters, [FACTOR * self.rate * g for g in gradients])
        apply()
        return loss.detach()


class Raises(Rule):
    """It fails in its second update."""

    n = 0

    def update(self, x, y, apply):
        self.n += 1
        loss = self.network(x).sum()
        apply()
        return loss.detach() / (2 - self.n if self.n < 3 else 0) if self.n != 2 else 1 / 0


class ReturnsNothing(Rule):
    """It forgets to return its loss."""

    def update(self, x, y, apply):
        apply()


class Leaves(Rule):
    """It ends the process."""

    def prepare(self, network, generator):
        raise SystemExit("enough")


class CannotBeMade(Rule):
    """It fails when it is made."""

    def __init__(self):
        self.width = [][0]
'''


def write_rule(folder: Path, text: str = RULE, factor: float = 1.0) -> Path:
    """The file of those rules, with its neighbour beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "my_factors.py").write_text(f"FACTOR = {factor}\n")
    path = folder / "my_rule.py"
    path.write_text(text)
    return path


def line_of(text: str, words: str) -> int:
    """The number of the line in which those words stand."""
    return next(n for n, line in enumerate(text.splitlines(), 1) if words in line)
