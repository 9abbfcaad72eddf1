"""Matrices of a rule's own that are the forward weights, where nothing has passed between them.

When a rule has just been prepared, every matrix that it holds is laid beside the weights of the
layers above the first, on the network of the training runs: the correlation of their numbers (of
the transposed ones, too). It is a copy where in every draw, of several seeds, the correlation lies
further from 0 than `CHANCE` standard errors (1 / sqrt(numbers)), and changing it changes the
updates of layers below. Feedback may come to point along the weights by learning, also while a rule
is prepared (a mirror phase); where signals went through the synapses by then, only an exact copy
counts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from spikelearn._seeding import torch_generator
from spikelearn.plausibility.gradient_match import (
    CONDITIONS,
    EXACT,
    FOREIGN,
    BesideGradient,
    Remake,
)
from spikelearn.plausibility.instruments.observer import OperationObserver
from spikelearn.plausibility.instruments.repeated_update import RepeatedUpdate, effect

CHANCE = 6.0
N_SEEDS = 3


@dataclass(frozen=True)
class Copy:
    """A matrix of the rule's own that is, or nearly, the weights of a layer.

    Attributes
    ----------
    matrix : str
        Where the rule holds it.
    layer : int
        1 for the first.
    correlation : float
        The one nearest to 0, over draws.
    chance : float
        How far from 0 chance takes it.
    draws : int
    always : bool
        Whether it is so, too, where the weights come from another seed than the rule's.
    """

    matrix: str
    layer: int
    correlation: float
    chance: float
    draws: int
    always: bool


def matrices_of(rule: Any) -> dict[str, torch.Tensor]:
    """Every matrix that a rule holds beside the network, by where it is."""
    found = {f"extra.{k}": v for k, v in rule.extra.state_dict(keep_vars=True).items()}
    held = {k: v for k, v in vars(rule).items() if k not in ("network", "extra", "generator")}
    for name, value in held.items():
        found |= dict(_within(value, name, 3))
    return {k: v.detach() for k, v in found.items() if v.ndim >= 2 and v.is_floating_point()}


def _within(value: Any, name: str, depth: int) -> Iterator[tuple[str, torch.Tensor]]:
    if isinstance(value, torch.Tensor):
        yield name, value
    elif isinstance(value, np.ndarray) and value.dtype.kind == "f":
        yield name, torch.from_numpy(value)
    elif isinstance(value, nn.Module):
        yield from ((f"{name}.{k}", v) for k, v in value.state_dict(keep_vars=True).items())
    elif depth and isinstance(value, dict | list | tuple):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, item in items:
            yield from _within(item, f"{name}.{key}", depth - 1)


def feedback_copies(update: RepeatedUpdate, remake: Remake) -> list[Copy]:
    """Copies of forward weights that a rule holds when it has been prepared.

    Parameters
    ----------
    update : RepeatedUpdate
    remake : callable
        Gives the same of another seed.
    """
    found = _alike(update)
    for further in range(1, N_SEEDS):
        if not found:
            return []
        other = _alike(remake(update.seed + further))
        found = {
            key: min(one, other[key], key=lambda pair: abs(pair[0]))
            for key, one in found.items()
            if key in other and one[0] * other[key][0] > 0
        }
    found = {key: pair for key, pair in found.items() if _teaches(update, *key)}
    foreign = _alike(update, update.seed + FOREIGN) if found else {}
    return [
        Copy(matrix, layer + 1, correlation, chance, N_SEEDS, (matrix, layer) in foreign)
        for (matrix, layer), (correlation, chance) in found.items()
    ]


def _alike(
    update: RepeatedUpdate, weights_seed: int | None = None
) -> dict[tuple[str, int], tuple[float, float]]:
    """(matrix, layer) -> correlation with the layer's weights, and how far chance takes it."""
    observer = OperationObserver(keep_reads=True)
    beside = BesideGradient(update, CONDITIONS[-1], weights_seed, observer)
    reads = sum(read.direction == "forwards" for read in observer.reads)
    weights = list(update.weights(beside.rule.network).values())
    found = {}
    for name, matrix in matrices_of(beside.rule).items():
        for layer, weight in list(enumerate(weights))[1:]:
            for turned in (matrix, matrix.T) if matrix.ndim == 2 else (matrix,):
                if turned.shape != weight.shape or weight.numel() < 2:
                    continue
                correlation = _correlation(turned, weight.detach())
                chance = CHANCE / weight.numel() ** 0.5
                if abs(correlation) > (EXACT if reads else min(chance, EXACT)):
                    found[name, layer] = (correlation, chance)
    return found


def _correlation(one: torch.Tensor, two: torch.Tensor) -> float:
    a, b = (t.flatten().double() - t.double().mean() for t in (one, two))
    size = float(a.norm() * b.norm())
    return float(a @ b) / size if size > 0 else 0.0


def _teaches(update: RepeatedUpdate, matrix: str, layer: int) -> bool:
    """Whether the first update of the layers below changes with a matrix of the rule's own."""
    runs = []
    for changed in (False, True):
        beside = BesideGradient(update, CONDITIONS[-1])
        if changed:
            values = matrices_of(beside.rule)[matrix]
            generator = torch_generator(update.seed, "audit copies", layer)
            noise = torch.randn(values.shape, generator=generator, dtype=values.dtype)
            with torch.no_grad():
                values += noise * values.std()
        beside.step()
        runs.append(beside.updates[0])
    weights = list(update.weights(beside.rule.network).values())[:layer]
    below = {id(w) for w in weights}
    names = [n for n, p in beside.rule.network.named_parameters() if id(p) in below]
    return effect(runs[1], runs[0], [n for n in names if n in runs[0]]) > 0
