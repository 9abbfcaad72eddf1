"""An epoch of a run, in the order of examples that the run's seed gives it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch

from spikelearn._seeding import torch_generator
from spikelearn.training.augmented import Augmented
from spikelearn.training.config import TrainConfig
from spikelearn.training.optimization import Optimizer, train_epoch

if TYPE_CHECKING:
    from spikelearn.rules.rule import Rule
    from spikelearn.training.images import Split
    from spikelearn.training.ranks import Ranks


def seeded_epoch(
    config: TrainConfig,
    rule: Rule,
    data: Split,
    optimizer: Optimizer,
    epoch: int,
    say: Callable[[float, str], None] | None = None,
    ranks: Ranks | None = None,
) -> torch.Tensor:
    """Let the rule make the updates of an epoch.

    Parameters
    ----------
    config : TrainConfig
    rule : Rule
        Prepared.
    data : Split
    optimizer : Optimizer
    epoch : int
        Number of this epoch, the first of which is 1.
    say : callable, optional
        Called before each update with the fraction of the run that is done, and a few words.
    ranks : Ranks, optional
        The processes that share the batches.

    Returns
    -------
    tensor, scalar
        Sum over the examples of the objective, each batch before its update.
    """
    n, size, n_epochs = len(data.y), config.batch_size, config.epochs
    order = torch.randperm(n, generator=torch_generator(config.seed, "batches", epoch))
    batches = order.to(data.y.device).split(size)
    if len(batches[-1]) == 1 and rule.batch_coupled:
        batches = batches[:-1]  # a rule that compares samples learns nothing from one

    def before(n_done: int) -> None:
        done = n_done * size / n
        optimizer.set_progress((epoch - 1 + done) / n_epochs)
        if say is not None:
            say((epoch - 1 + done) / n_epochs, f"epoch {epoch} of {n_epochs}")

    trains = rule if ranks is None else ranks
    shown = None if config.augment is None else Augmented(data.x, config, epoch)
    total = train_epoch(
        trains, data, batches, optimizer.step, epoch, n_epochs, before, shown  # type: ignore[arg-type]
    )  # fmt: skip
    return total if ranks is None else ranks.total(total)
