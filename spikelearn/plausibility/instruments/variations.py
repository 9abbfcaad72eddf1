"""One update of a rule with another stimulus, other labels, other noise, biases and weights.

What a signal, or a number that came from out of sight, is moved by is what it may be.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

import torch

from spikelearn._seeding import torch_generator
from spikelearn.plausibility.instruments.observer import OperationObserver, WeightRead
from spikelearn.plausibility.instruments.unseen_numbers import UnseenNumbers
from spikelearn.rules.rule import Rule


def another_stimulus(x: torch.Tensor) -> torch.Tensor:
    """Other stimuli than those of a batch, and of other strength."""
    return x.flip(0) * 0.9 + 0.05


def further_stimuli(update: Any) -> Iterator[torch.Tensor]:
    """Stimuli of several kinds in place of the batch of a `RepeatedUpdate`, all within [0, 1].

    Neurons that are saturated, or one of which wins by far, answer many a stimulus alike: that one
    other stimulus does not turn their activity shows nothing. Some of these do; what stays under
    all of them owes nothing to the stimulus.
    """
    generator = torch_generator(update.seed, "audit further stimuli")

    def images() -> torch.Tensor:
        drawn = torch.rand(update.x.shape, generator=generator, dtype=torch.float64)
        return drawn.to(update.x.dtype)

    yield images()
    yield 1.0 - update.x
    yield update.x[:, torch.randperm(update.x.shape[1], generator=generator)]
    yield (images() > 0.5).to(update.x.dtype)  # as strong as can be
    yield images() * (images() > 0.7)  # most pixels dark
    yield 0.2 + 0.2 * images()  # weak
    yield images() ** 3  # of high contrast
    n, n_pixels = update.x.shape
    order = torch.randperm(n_pixels, generator=generator)
    for k in range(3):
        single = order[torch.arange(k * n, (k + 1) * n) % n_pixels]
        yield torch.eye(n_pixels, dtype=update.x.dtype)[single]  # a pixel each


def further_reads(update: Any) -> Iterator[list[WeightRead]]:
    """The reads of an update with each of these stimuli."""
    for x in further_stimuli(update):
        yield update.run(OperationObserver(keep_reads=True), x=x).reads


def variations(update: Any) -> dict[str, Any]:
    """Outcomes of a `RepeatedUpdate`, with reads and arrivals, by what was changed.

    "nothing" is the first.
    """
    changes: dict[str, dict[str, Any]] = {
        "nothing": {},
        "stimulus": {"x": another_stimulus(update.x)},
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
