"""One training in several processes (ranks): each takes a part of every batch, all make one update.

A rule leaves its update in `.grad`, and that of a batch is the mean of those of its samples, unless
the rule says that it is `batch_coupled`. So the mean of the parts' updates, each by its share of
the samples, is the update of the batch; every process moves its weights by it, and they stay the
same in all. What a rule draws is drawn for the whole batch in every process, each of which takes
what is of its samples: the same numbers as in one process. What a rule keeps beside the parameters
(running means of what it sees) moves by the mean of what it moved by in the parts.

What comes out is that of one process but for rounding, as sums are made in another order. Rules of
which that is not so are found by `sharable.py` before anything is trained.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import torch
from torch import nn

from spikelearn._errors import SpikelearnError
from spikelearn.training.checked_runs import weights_of

if TYPE_CHECKING:
    from spikelearn.rules.rule import Axis, Rule

_ROUND = 1024  # updates are counted up to here: a number that 32 bits hold exactly in every sum


class Group(Protocol):
    """Several that add up what each of them gives.

    Attributes
    ----------
    rank : int
        Which of them this one is, from 0.
    number : int
        How many they are.
    """

    rank: int
    number: int

    def add_up(self, tensor: torch.Tensor) -> None:
        """Write the sum over all of them into `tensor`, with the same bits for each."""


class Ranks:
    """One of the processes of a training, which stands for the rule in a loop over batches.

    Parameters
    ----------
    group : Group
    rule : Rule
        Prepared; its noise is drawn by batch from now on, until `release`.
    kept : sequence of str
        Names, as `weights_of` gives them, of what updates move beside the parameters.
    """

    def __init__(self, group: Group, rule: Rule, kept: Sequence[str] = ()) -> None:
        self.group, self.rule, self.kept = group, rule, tuple(kept)
        self._parameters = [p for p in rule.parameters() if p.requires_grad]
        n = sum(p.numel() for p in self._parameters)
        like = next(rule.network.parameters())
        # Updates, which of them there are, and the number of the update.
        self._flat = like.new_zeros(n + len(self._parameters) + 1).detach()
        self._n_updates = 0
        self._part = slice(0)
        self._n = 0  # samples of the batch that is shared; 0 where none is
        self._draw_all = rule.draw
        rule.draw = self._draw  # type: ignore[method-assign]

    def release(self) -> None:
        """Leave the rule as it was before."""
        self.rule.__dict__.pop("draw", None)

    @property
    def network(self) -> nn.Module:
        """That of the rule."""
        return self.rule.network

    @property
    def extra(self) -> nn.Module:
        """What the rule needs beyond the network."""
        return self.rule.extra

    def begin_epoch(self, epoch: int, n_epochs: int) -> None:
        """Tell the rule that an epoch begins."""
        self.rule.begin_epoch(epoch, n_epochs)

    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Callable[[], None]) -> torch.Tensor:
        """Have this process make its part of the update of a batch, as a rule makes all of it.

        Parameters
        ----------
        x : tensor of shape (batch, n_inputs)
            The whole batch.
        y : tensor of shape (batch,), int64
        apply : callable
            Moves every parameter that has a `.grad`.

        Returns
        -------
        tensor, scalar
            What this part adds to the objective of the batch.
        """
        number, rank, n = self.group.number, self.group.rank, len(y)
        if n < number:  # too few for each to have one: all do the whole, and the same
            return self._checked(self.rule.update(x, y, apply)) / number
        self._part = slice(rank * n // number, (rank + 1) * n // number)
        self._n = n
        share = (self._part.stop - self._part.start) / n

        def move() -> None:
            self._mean_update(share)
            apply()

        before = self._kept_now()
        try:
            loss = self._checked(self.rule.update(x[self._part], y[self._part], move))
        finally:
            self._n = 0
        self._mean_kept(before, share)
        return loss * share

    def _checked(self, loss: Any) -> torch.Tensor:
        if not isinstance(loss, torch.Tensor) or loss.numel() != 1:
            raise SpikelearnError(
                f"update of {self._name()} must return the batch's loss as a scalar tensor, and"
                f" returned {type(loss).__name__}"
            )
        return loss.detach()

    def total(self, value: torch.Tensor) -> torch.Tensor:
        """The sum over all processes of a scalar."""
        summed = value.detach().double().reshape(1).clone()
        self.group.add_up(summed)
        return summed[0].to(value.dtype)

    @torch.no_grad()
    def _mean_update(self, share: float) -> None:
        """Put the update of the whole batch in the place of that of this part."""
        flat, n = self._flat, len(self._parameters)
        flags = flat[-n - 1 : -1]
        pieces = flat[: -n - 1].split([p.numel() for p in self._parameters])
        self._n_updates += 1
        flat[-1] = self._n_updates % _ROUND
        for i, (parameter, piece) in enumerate(zip(self._parameters, pieces, strict=True)):
            flags[i] = float(parameter.grad is not None)
            if parameter.grad is None:
                piece.zero_()
            else:
                torch.mul(parameter.grad.reshape(-1), share, out=piece)
        self.group.add_up(flat)
        if float(flat[-1]) != self.group.number * (self._n_updates % _ROUND):
            raise SpikelearnError(
                f"{self._name()} applies its updates another number of times for other samples, so"
                " that no two processes can share a batch; train it with ranks 1"
            )
        given = flags.tolist()
        for parameter, piece, there in zip(self._parameters, pieces, given, strict=True):
            parameter.grad = piece.view_as(parameter) if there else None

    def _kept_now(self) -> dict[str, torch.Tensor]:
        if not self.kept:
            return {}
        state = weights_of(self.rule)
        return {name: state[name].clone() for name in self.kept}

    @torch.no_grad()
    def _mean_kept(self, before: dict[str, torch.Tensor], share: float) -> None:
        """Move what the rule keeps by the mean of what the parts moved it by."""
        if not before:
            return
        state = weights_of(self.rule)
        changes = torch.cat([(state[k] - before[k]).flatten() for k in before]).mul_(share)
        self.group.add_up(changes)
        parts = changes.split([tensor.numel() for tensor in before.values()])
        for (name, tensor), change in zip(before.items(), parts, strict=True):
            state[name].copy_(tensor + change.view_as(tensor))

    def _draw(self, shape: Sequence[int], axes: Sequence[Axis], kind: Any = "normal") -> Any:
        """What `Rule.draw` gives for the samples of this part, of what it gives for the batch."""
        if not self._n or "batch" not in axes:
            return self._draw_all(shape, axes, kind)
        part, whole = self._part, list(shape)
        for dimension, axis in enumerate(axes):
            if axis == "batch":
                if whole[dimension] != part.stop - part.start:
                    raise SpikelearnError(
                        f"{self._name()} draws noise for {whole[dimension]} samples where it has"
                        f" {part.stop - part.start}; an axis that is called batch must have one"
                        " place for each"
                    )
                whole[dimension] = self._n
        drawn = self._draw_all(whole, axes, kind)
        for dimension, axis in enumerate(axes):
            if axis == "batch":
                drawn = drawn.narrow(dimension, part.start, part.stop - part.start)
        return drawn.contiguous()

    def _name(self) -> str:
        return f"the rule {type(self.rule).__name__}"


def digest(rule: Rule, generator: torch.Generator) -> str:
    """A digest of the weights, of what the rule keeps, and of what it will draw."""
    found = hashlib.blake2b(digest_size=16)
    for name, tensor in weights_of(rule).items():
        found.update(name.encode())
        found.update(tensor.detach().contiguous().flatten().view(torch.uint8).numpy().tobytes())
    found.update(generator.get_state().numpy().tobytes())
    return found.hexdigest()
