"""One update of a rule with another stimulus, other labels, other noise, biases and weights.

What a signal, or a number that came from out of sight, is moved by is what it may be.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import torch

from spikelearn._seeding import torch_generator
from spikelearn.plausibility.instruments.observer import OperationObserver
from spikelearn.plausibility.instruments.unseen_numbers import UnseenNumbers
from spikelearn.rules.rule import Rule


def variations(update: Any) -> dict[str, Any]:
    """Outcomes of a `RepeatedUpdate`, with reads and arrivals, by what was changed.

    "nothing" is the first.
    """
    changes: dict[str, dict[str, Any]] = {
        "nothing": {},
        "stimulus": {"x": update.x.flip(0) * 0.9 + 0.05},
        "label": {"y": (update.y + 1) % update.n_classes},
        "noise": {"after": _drawing_otherwise(update.seed)},
        "biases": {},
        "weights": {},
    }
    outcomes = {}
    for name, changed in changes.items():
        asked = _on_another_network(update, name) if name in ("biases", "weights") else update
        observer = OperationObserver(keep_reads=True, unseen=UnseenNumbers())
        outcomes[name] = asked.run(observer, **changed)
    return outcomes


def _on_another_network(update: Any, what: str) -> Any:
    """The same update of a network with other biases, or other weights."""
    other = copy.copy(update)

    def network() -> Any:
        made = update.network()
        generator = torch_generator(update.seed, "other", what)
        with torch.no_grad():
            for parameter in made.parameters():
                xi = torch.randn(parameter.shape, generator=generator, dtype=parameter.dtype)
                if parameter.ndim == 1 and what == "biases":
                    parameter.add_(0.3 * xi)
                elif parameter.ndim > 1 and what == "weights":
                    parameter.mul_(torch.exp(0.3 * xi))
        return made

    other.network = network
    return other


def _drawing_otherwise(seed: int) -> Callable[[Rule], None]:
    def draw_otherwise(rule: Rule) -> None:
        rule.generator.set_state(torch_generator(seed, "other noise").get_state())

    return draw_otherwise
