"""The loop in which every rule learns: one epoch, batch by batch.

Training runs and the short trainings of the plausibility audit differ in what they do between the
epochs and around an update; those are hooks. Which batches there are, and in what order, is said by
the caller, as is the step that moves the parameters.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from spikelearn.rules.rule import Rule
    from spikelearn.training.images import Split


def train_epoch(
    rule: Rule,
    data: Split,
    batches: Iterable[torch.Tensor],
    step: Callable[[], None],
    epoch: int,
    n_epochs: int,
    before_update: Callable[[int], None] | None = None,
) -> torch.Tensor:
    """Let the rule make an update of each batch in turn.

    Parameters
    ----------
    rule : Rule
        Prepared.
    data : Split
    batches : iterable of int tensors of shape (batch,)
        Places of the examples in the data.
    step : callable
        Moves every parameter that has a `.grad`, and sets these to None; the rule calls it, once an
        update or as often as its dynamics ask.
    epoch, n_epochs : int
        Number of this epoch, the first of which is 1, and of epochs in the run.
    before_update : callable, optional
        Called before each update with the number of updates that were made in the epoch.

    Returns
    -------
    tensor, scalar
        Sum over the examples of the objective, each batch before its update.
    """
    rule.begin_epoch(epoch, n_epochs)
    rule.network.train()
    rule.extra.train()
    total = torch.zeros((), device=data.y.device)
    for done, batch in enumerate(batches):
        if before_update is not None:
            before_update(done)
        loss = rule.update(data.x[batch], data.y[batch], step)
        total += loss.detach() * len(batch)
    return total
