"""What a rule remembers from update to update, past what it is saved with.

A run is saved, and resumed, with the network's parameters, the rule's `extra` and the state of its
random numbers. A rule that is made afresh and given these makes the next update as the one would
that has been there all along; if it does not, it remembers something else: a batch, labels, or
weights.
"""

from __future__ import annotations

import copy

import torch

from spikelearn.plausibility.instruments.common_numbers import common_numbers
from spikelearn.plausibility.instruments.in_training import SeveralUpdates, step_of
from spikelearn.plausibility.instruments.outcome import Outcome
from spikelearn.plausibility.instruments.repeated_update import RepeatedUpdate


def lead_of(update: RepeatedUpdate, longest: int = 3) -> int:
    """How many updates have to go before the one that shows what the rule does.

    One where the rule remembers; or as many as leave the hidden layers as they are, if a later one
    does not.

    Parameters
    ----------
    update : RepeatedUpdate
    longest : int
        Most updates that are waited for.
    """
    outcomes = SeveralUpdates(update, longest + 1, epochs={}).unwatched()
    hidden = update.hidden_parameters()
    learning = [i for i, outcome in enumerate(outcomes) if moves(outcome, hidden)]
    if learning and learning[0] > 0:
        return learning[0]
    return int(bool(learning) and remembers(update))


def moves(outcome: Outcome, names: list[str]) -> bool:
    """Whether an update moves any of the named parameters."""
    return any(name in outcome.updates and bool(outcome.updates[name].any()) for name in names)


def remembers(update: RepeatedUpdate) -> bool:
    """Whether the second update is another one where the rule is made afresh before it."""
    (x, y), (next_x, next_y) = SeveralUpdates(update, 2).batches
    with common_numbers(update.seed):
        rule = update.prepared(None)
        update.made(rule, None, x.clone(), y.clone(), step_of(update, rule))
        network, extra = (copy.deepcopy(m.state_dict()) for m in (rule.network, rule.extra))
        numbers = rule.generator.get_state()
    with common_numbers(update.seed):
        followed = update.made(rule, None, next_x.clone(), next_y.clone()).updates
    fresh = update.prepared(None)
    try:
        fresh.network.load_state_dict(network)
        fresh.extra.load_state_dict(extra)
    except RuntimeError:
        return True  # what it is saved with grows as it learns
    fresh.generator.set_state(numbers)
    with common_numbers(update.seed):
        again = update.made(fresh, None, next_x.clone(), next_y.clone()).updates
    return again.keys() != followed.keys() or any(
        not torch.equal(again[name], tensor) for name, tensor in followed.items()
    )
