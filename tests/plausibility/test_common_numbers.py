"""Common random numbers, whoever draws them."""

from __future__ import annotations

import random
from typing import Any

import cheats
import numpy as np
import torch

from spikelearn.plausibility.audited_rule import AuditedRule
from spikelearn.plausibility.criteria import CRITERIA
from spikelearn.plausibility.instruments.common_numbers import common_numbers


def drawn() -> tuple[float, float, float]:
    """One number of each generator."""
    return float(torch.rand(())), float(np.random.rand()), random.random()  # noqa: NPY002, S311


def test_numbers_follow_from_the_seed_and_what_was_there_goes_on() -> None:
    torch.manual_seed(1)
    np.random.seed(1)  # noqa: NPY002
    random.seed(1)
    expected = drawn()
    torch.manual_seed(1)
    np.random.seed(1)  # noqa: NPY002
    random.seed(1)
    with common_numbers(5):
        one = drawn()
    assert drawn() == expected
    with common_numbers(5):
        assert drawn() == one
    with common_numbers(10**23):  # seeds are of any length
        assert drawn() != one


class NoisyFeedback(cheats.HonestFeedbackAlignment):
    """Feedback alignment with noise from whatever generator is at hand."""

    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Any) -> torch.Tensor:
        """The same with noise on the way."""

        def and_noise() -> None:
            for weight in self.network.weights():
                weight.grad += 1e-3 * torch.randn(weight.shape) * float(np.random.rand())  # noqa: NPY002
            apply()

        return super().update(x, y, and_noise)


def test_a_rule_that_draws_from_global_generators_is_not_accused() -> None:
    under_audit = AuditedRule(NoisyFeedback)
    assert under_audit.floor == 0.0
    assert under_audit.finding(CRITERIA["C1"]).verdict == "pass"
