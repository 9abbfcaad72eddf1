"""Honest rules, a file a style of writing them: none of them is accused of anything.

Each file has `RULES`: pairs of a class and the true answers by criterion, True where it is met.
"""

from __future__ import annotations

from honest import by_autograd, by_hand, in_numpy, in_torch_func
from spikelearn.rules.rule import Rule

Truth = dict[str, bool]
STYLES: dict[str, list[tuple[type[Rule], Truth]]] = {
    "by autograd": by_autograd.RULES,
    "by hand": by_hand.RULES,
    "in NumPy": in_numpy.RULES,
    "in torch.func": in_torch_func.RULES,
}
