"""Whether processes can share the batches of a training: tried, before anything is trained.

The rule makes two updates of a few samples, once of all and once in two parts, in 64-bit numbers;
what it leaves in `.grad`, and what it keeps beside, must be the same. That is so of most rules; of
the others (which compare the samples of a batch, or count them) it is said, and nothing is trained
that would be wrong.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch

from spikelearn._errors import SpikelearnError
from spikelearn.rules.rule import Rule
from spikelearn.training.checked_runs import weights_of
from spikelearn.training.images import Split
from spikelearn.training.rank_groups import LostRank, in_threads
from spikelearn.training.ranks import Group, Ranks

N_SAMPLES, N_PARTS, N_UPDATES = 5, 2, 2
_RATE = 1e-2
# Of the largest entry of what must be equal. Rounding is below a billionth of it, but where a rule
# divides by small noise; what a rule does otherwise with parts is of the order of one.
TOLERANCE = 1e-6
Tensors = dict[str, torch.Tensor]


@dataclass(frozen=True)
class _Tried:
    """What updates of a rule left, added up, and by how much they changed what it keeps beside."""

    updates: Tensors
    kept: Tensors


def refuse_coupled(rule: Rule, name: str) -> None:
    """Refuse to share the batches of a rule that says that it compares their samples.

    Raises
    ------
    SpikelearnError
    """
    if getattr(getattr(rule, "network", None), "couples_samples", False):  # it may be unprepared
        raise SpikelearnError(
            "the network is normalised by statistics of the batch, so that processes that have a"
            " part of it each would learn something else; train it with ranks 1 (its threads may be"
            " more), or with norm: group"
        )
    if rule.batch_coupled:
        raise SpikelearnError(
            f"the rule '{name}' compares the samples of a batch with one another, so that processes"
            " that have a part of it each would learn something else; train it with ranks 1 (its"
            " threads may be more)"
        )


def kept_beside(make: Callable[[], Rule], data: Split, n_epochs: int, name: str) -> tuple[str, ...]:
    """What updates of the rule move beside the parameters, and processes have to share as well.

    Parameters
    ----------
    make : callable
        Gives the rule, prepared afresh for the same network of 64-bit numbers each time.
    data : Split
        On the processor; the first samples are shown.
    n_epochs : int
        Of the training: rules that learn in stages are tried in the first and in the last.
    name : str
        Of the rule, for the messages.

    Returns
    -------
    tuple of str
        Names, as of `weights_of`.

    Raises
    ------
    SpikelearnError
        If what it learns from a batch is not the mean of what it learns from the parts.
    """
    x = data.x[:N_SAMPLES]
    shown = Split(x.double() if x.is_floating_point() else x, data.y[:N_SAMPLES])
    kept: dict[str, None] = {}
    for epoch in sorted({1, n_epochs}):
        whole = _try(make(), shown, epoch, n_epochs)
        moved = tuple(n for n, change in whole.kept.items() if change.is_floating_point())
        kept |= dict.fromkeys(n for n in moved if whole.kept[n].any())

        def part(group: Group, epoch: int = epoch, moved: tuple[str, ...] = moved) -> _Tried:
            return _try(make(), shown, epoch, n_epochs, group, moved)

        try:
            parts = in_threads(N_PARTS, part)
        except LostRank as error:
            raise SpikelearnError(
                f"the rule '{name}' applies its updates another number of times for other samples,"
                " so that no two processes can share a batch; train it with ranks 1"
            ) from error
        for found in parts:
            for place, wanted in (("updates", whole.updates), ("kept", whole.kept)):
                _compare(getattr(found, place), wanted, name)
    return tuple(kept)


def _try(
    rule: Rule,
    data: Split,
    epoch: int,
    n_epochs: int,
    group: Group | None = None,
    kept: tuple[str, ...] = (),
) -> _Tried:
    rule.begin_epoch(epoch, n_epochs)
    rule.network.train()
    rule.extra.train()
    ranks = None if group is None else Ranks(group, rule, kept)
    state = weights_of(rule)
    moved = {id(p): p for p in rule.parameters() if p.requires_grad}
    memory = {p.data_ptr() for p in moved.values()}
    beside = {n: t.clone() for n, t in state.items() if t.data_ptr() not in memory}
    named = {n: t for n, t in state.items() if n not in beside}
    totals = {n: torch.zeros_like(t) for n, t in named.items()}
    by_memory = {t.data_ptr(): n for n, t in named.items()}

    @torch.no_grad()
    def step() -> None:
        for parameter in moved.values():
            if parameter.grad is not None:
                totals[by_memory[parameter.data_ptr()]] += parameter.grad
                parameter.sub_(parameter.grad, alpha=_RATE)
            parameter.grad = None

    for _ in range(N_UPDATES):
        (rule if ranks is None else ranks).update(data.x, data.y, step)
    after = weights_of(rule)
    return _Tried(totals, {n: after[n] - before for n, before in beside.items()})


def _compare(found: Tensors, wanted: Tensors, name: str) -> None:
    largest = {n: float(t.abs().max()) for n, t in wanted.items() if t.numel()}
    of_all = max(largest.values(), default=0.0)
    for place, scale in largest.items():
        gap = float((found[place] - wanted[place]).abs().max())
        # What adds up to nothing is of the size of the others' rounding.
        if not gap <= TOLERANCE * max(scale, 1e-6 * of_all):
            raise SpikelearnError(
                f"the rule '{name}' learns something else from a batch than the mean of what it"
                f" learns from its parts ({place} differs by {gap:.2g} of {scale:.2g}), so that"
                " processes cannot share its batches; train it with ranks 1 (its threads may be"
                " more)"
            )
