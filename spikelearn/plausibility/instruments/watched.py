"""Whether the update that is looked at is the one that the rule makes when nobody looks.

Instruments see small batches of numbers of 64 bits, in the thread that asks, through an observer of
operations. A rule may find out and behave. So the same update is made elsewhere, with the same
random numbers: without an observer, in a thread of its own, in 32 bits, on the batch shown several
times over, in the network's other mode, on another device where there is one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from spikelearn.plausibility.instruments.common_numbers import common_numbers, reseed
from spikelearn.plausibility.instruments.outcome import Outcome, Updates
from spikelearn.plausibility.instruments.repeated_update import RepeatedUpdate
from spikelearn.rules.rule import Axis, Rule

# Sums in another order round otherwise: 1 - cosine of two updates that count as one. Rounding to 32
# bits may add up over a rule's steps.
SAME, CLOSE = 1e-9, 1e-2
# How often the batch is repeated in the large one.
REPEATS = 8
# How often noise that cannot be given again is drawn anew, to see what it does.
REDRAWN = 3
_Draw = tuple[torch.Tensor, tuple[Axis, ...]]


@dataclass(frozen=True)
class Elsewhere:
    """The update made under another condition.

    Attributes
    ----------
    words : str
        Where: "in a thread of its own".
    distance : float
        1 - cosine with the update that was looked at.
    allowed : float
        What rounding makes of it at most.
    """

    words: str
    distance: float
    allowed: float

    @property
    def differs(self) -> bool:
        """Whether it is another update."""
        return not self.distance <= self.allowed


def elsewhere(update: RepeatedUpdate, base: Outcome, mixes: bool) -> Iterator[Elsewhere]:
    """The update under one condition after another.

    Parameters
    ----------
    update : RepeatedUpdate
    base : Outcome
        Of the update as it was looked at.
    mixes : bool
        Whether samples of a batch are compared with one another, so that a batch that is shown
        several times over is another one.
    """
    drawn: list[_Draw] = []
    alone = unwatched(update, recording(drawn))
    yield Elsewhere("where nothing observes it", distance(alone, base.updates), SAME)
    in_thread = unwatched(update, thread=True)
    yield Elsewhere("in a thread of its own", distance(in_thread, base.updates), SAME)
    if not _depends_on_mode(base.rule):
        resting = unwatched(update, lambda rule: rule.network.eval())
        yield Elsewhere("in evaluation mode", distance(resting, base.updates), SAME)
    close = CLOSE + _own_noise(update, base, drawn)
    if not mixes:
        many = unwatched(update, replaying(drawn, REPEATS), repeats=REPEATS)
        yield Elsewhere(
            f"in a batch of {REPEATS * len(update.y)} samples", distance(many, base.updates), close
        )
    if not update.spikes:  # where a spike more or less is no rounding
        single = update.on(update.model, torch.float32)
        single.lead = update.lead
        yield Elsewhere(
            "in 32 bits", distance(unwatched(single, replaying(drawn)), base.updates), close
        )


def _own_noise(update: RepeatedUpdate, base: Outcome, drawn: list[_Draw]) -> float:
    """By how much the update differs with other noise of the rule's own.

    What a rule draws otherwise than by `draw` (torch's dropout, say) cannot be given to it again in
    another batch or in other numbers: there it is other noise, whoever looks.
    """
    replay = replaying(drawn)

    def drawing(seed: int) -> Callable[[Rule], None]:
        def draw_otherwise(rule: Rule) -> None:
            reseed(seed)
            rule.generator.manual_seed(seed % 2**32)
            replay(rule)

        return draw_otherwise

    largest = 0.0
    for further in range(1, REDRAWN + 1):
        other = unwatched(update, drawing(update.seed + further))
        largest = max(largest, distance(other, base.updates))
        if largest <= SAME:
            return 0.0
    return largest


def unwatched(
    update: RepeatedUpdate,
    after: Callable[[Rule], Any] | None = None,
    repeats: int = 1,
    thread: bool = False,
) -> Updates:
    """The update of a rule that nobody watches.

    Parameters
    ----------
    update : RepeatedUpdate
    after : callable, optional
        Called with the rule when it is prepared.
    repeats : int
        How often the batch is shown in one.
    thread : bool
        Whether the rule is called by a thread that does nothing else.
    """
    with common_numbers(update.seed):
        rule = update.prepared(None)
        if after is not None:
            after(rule)
        if thread:
            called = rule.update
            rule.update = lambda *given: _alone(called, *given)  # type: ignore[method-assign]
        x, y = update.x.repeat(repeats, 1), update.y.repeat(repeats)
        for _ in range(update.lead):
            update.made(rule, None, x, y)
        return update.made(rule, None, x, y).updates


def _alone(called: Callable[..., torch.Tensor], *given: Any) -> torch.Tensor:
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(called, *given).result()


def recording(drawn: list[_Draw]) -> Callable[[Rule], None]:
    """Has what a rule draws written down."""

    def record(rule: Rule) -> None:
        original = rule.draw

        def draw(shape: Sequence[int], axes: Sequence[Axis], kind: Any = "normal") -> torch.Tensor:
            tensor = original(shape, axes, kind)
            drawn.append((tensor.clone(), tuple(axes)))
            return tensor

        rule.draw = draw  # type: ignore[method-assign]

    return record


def replaying(drawn: list[_Draw], repeats: int = 1) -> Callable[[Rule], None]:
    """Has a rule draw what was drawn before, the same for each time that a sample is shown.

    Parameters
    ----------
    drawn : list of (tensor, axes)
    repeats : int
        How often the batch is shown in one.
    """

    def replay(rule: Rule) -> None:
        waiting = list(drawn)
        original = rule.draw

        def draw(shape: Sequence[int], axes: Sequence[Axis], kind: Any = "normal") -> torch.Tensor:
            own = original(shape, axes, kind)
            tensor, known = waiting.pop(0) if waiting else (own, tuple(axes))
            for dimension, axis in enumerate(known):
                if axis == "batch" and tensor.shape[dimension] != own.shape[dimension]:
                    tensor = torch.cat([tensor] * repeats, dimension)
            return tensor.to(own.dtype).clone() if tensor.shape == own.shape else own

        rule.draw = draw  # type: ignore[method-assign]

    return replay


def distance(one: Updates, two: Updates) -> float:
    """1 - cosine of two updates of all parameters; 1 where one of them is nothing.

    Parameters
    ----------
    one, two : dict of tensors
        Updates by parameter.
    """
    names = sorted(one.keys() | two.keys())
    empty = torch.zeros(())
    rows = [
        torch.cat([
            updates.get(n, torch.zeros_like(one.get(n, two.get(n, empty)))).double().flatten()
            for n in names
        ])
        for updates in (one, two)
    ] if names else [empty[None], empty[None]]  # fmt: skip
    lengths = [float(row.norm()) for row in rows]
    if lengths == [0.0, 0.0]:
        return 0.0
    if 0.0 in lengths:
        return 1.0
    a, b = (row / length for row, length in zip(rows, lengths, strict=True))
    # Of nearly equal directions more exact than 1 minus their product.
    return 0.5 * float((a - b).square().sum())


def _depends_on_mode(rule: Rule) -> bool:
    kinds = (nn.modules.batchnorm._BatchNorm, nn.modules.dropout._DropoutNd)
    return any(isinstance(m, kinds) for m in (*rule.network.modules(), *rule.extra.modules()))
