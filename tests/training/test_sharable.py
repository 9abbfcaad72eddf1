"""Rules whose batches no two processes can share are found before anything is trained."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import pytest
import torch
from shared_updates import COUPLED, kept, small
from torch import nn

from spikelearn._errors import SpikelearnError
from spikelearn.networks.mlp import MLP
from spikelearn.rules import RULES
from spikelearn.rules.feedback_alignment import FeedbackAlignment
from spikelearn.rules.rule import Rule
from spikelearn.rules.small_network import SmallNetwork

Apply = Callable[[], None]


@pytest.mark.parametrize("name", sorted(COUPLED - {"local_predsim", "reward_stdp_hidden"}))
def test_rules_that_compare_or_count_the_samples_of_a_batch_are_refused(name: str) -> None:
    with pytest.raises(SpikelearnError, match=f"the rule '{name}' .*train it with ranks 1") as told:
        kept(small(name, RULES[name].networks[0], {}))
    assert "\n" not in str(told.value)


class _Own(FeedbackAlignment):
    """A user's rule, which does one thing more than feedback alignment."""

    networks: ClassVar[tuple[str, ...]] = ("mlp",)

    def prepare(self, network: nn.Module, generator: torch.Generator) -> None:
        super().prepare(network, generator)
        self.extra["mine"] = nn.ParameterList([nn.Parameter(torch.zeros(12), requires_grad=False)])

    @property
    def mine(self) -> torch.Tensor:
        return next(self.extra["mine"].parameters())


class _NormalisesOverTheBatch(_Own):
    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Apply) -> torch.Tensor:
        return super().update((x - x.mean(0)) / x.std(0), y, apply)


class _DrawsBesideDraw(_Own):
    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Apply) -> torch.Tensor:
        return super().update(x + torch.rand(x.shape, generator=self.generator), y, apply)


class _Remembers(_Own):
    seen: torch.Tensor | None = None

    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Apply) -> torch.Tensor:
        before, self.seen = self.seen, x.mean(0)
        return super().update(x if before is None else x - before, y, apply)


class _CountsSamples(_Own):
    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Apply) -> torch.Tensor:
        self.mine.add_(len(x))
        return super().update(x, y, apply)


class _AppliesAsOftenAsItLikes(_Own):
    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Apply) -> torch.Tensor:
        loss = super().update(x, y, apply)
        for _ in range(int((x[:, 0] > x[0, 0]).sum())):
            super().update(x, y, apply)
        return loss


class _FollowsTheMean(_Own):
    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Apply) -> torch.Tensor:
        loss = super().update(x - self.mine, y, apply)
        self.mine.add_(x.mean(0) - self.mine, alpha=0.2)
        return loss


@pytest.mark.parametrize(
    "rule",
    [_NormalisesOverTheBatch, _DrawsBesideDraw, _Remembers, _CountsSamples,
     _AppliesAsOftenAsItLikes],
)  # fmt: skip
def test_rules_of_ones_own_that_say_nothing_of_it_are_found_out(rule: type[Rule]) -> None:
    with pytest.raises(SpikelearnError, match=f"the rule '{rule.__name__}'.*ranks 1"):
        kept(SmallNetwork(rule, None, 0))


def test_what_moves_by_a_mean_over_the_batch_is_shared_by_its_name() -> None:
    assert kept(SmallNetwork(_FollowsTheMean, None, 0)) == ("extra.mine.0",)
    assert kept(SmallNetwork(_Own, None, 0)) == ()


def test_updates_that_come_to_nothing_are_no_difference() -> None:
    # Behind a silent layer all is rounding, or nothing at all.
    model = MLP(name="m", sizes=(12, 1, 5), activation="relu")
    assert kept(SmallNetwork("backprop", model, 3)) == ()
