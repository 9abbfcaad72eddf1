"""Updates as training runs make them: the other conditions in which interventions are made.

A rule could be honest where numbers have 64 bits, batches are small and nothing has been learned
yet, and do something else where it trains. So interventions are made there too: in 32 bits, on the
network and the digits of the short training runs, in their batches, after some updates that nobody
has watched.
"""

from __future__ import annotations

import torch

from spikelearn._seeding import torch_generator
from spikelearn.plausibility.instruments.in_training import SeveralUpdates
from spikelearn.plausibility.instruments.repeated_update import RepeatedUpdate
from spikelearn.plausibility.short_training import BATCH, N_TRAIN, digits, model_like

# Updates that are looked at, at the beginning of the second epoch.
WATCHED = 2
WARM_UP = N_TRAIN // BATCH
WORDS = f"in 32 bits, in batches of {BATCH} digits, on a wider network, after an epoch"


def as_trained(update: RepeatedUpdate) -> SeveralUpdates:
    """The updates that a training run makes on its way.

    Parameters
    ----------
    update : RepeatedUpdate
        Of the rule, on the small network.
    """
    wide = update.on(model_like(update), torch.float32)
    training, _ = digits()
    generator = torch_generator(update.seed, "audit conditions")
    epochs = [torch.randperm(N_TRAIN, generator=generator).split(BATCH) for _ in range(2)]
    chosen = [*epochs[0], *epochs[1][:WATCHED]]
    batches = [(training.x[rows], training.y[rows]) for rows in chosen]
    return SeveralUpdates(wide, WATCHED, batches, WARM_UP, {WARM_UP: 2}, WORDS)
