"""Matrices that are the forward weights before anything is learned."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import torch
from cheats import CHEATS
from torch import nn

from spikelearn.plausibility.feedback_copies import Copy, feedback_copies, matrices_of
from spikelearn.plausibility.instruments.repeated_update import RepeatedUpdate
from spikelearn.rules.feedback_alignment import FeedbackAlignment


def copies(rule: Any) -> list[Copy]:
    """What is found of a rule."""
    return feedback_copies(RepeatedUpdate(rule), partial(RepeatedUpdate, rule))


class Near(FeedbackAlignment):
    """Feedback that is half the weights of the start, through NumPy, and half noise."""

    def _draw_feedback(self, generator: torch.Generator) -> list[torch.Tensor]:
        drawn = super()._draw_feedback(generator)
        known = [torch.from_numpy(w.detach().numpy().copy()) for w in self.network.weights()[1:]]
        return [k + d.to(k.dtype) for k, d in zip(known, drawn, strict=True)]


class Anchored(FeedbackAlignment):
    """Keeps the weights of the start for a decay of each synapse to its own."""

    def prepare(self, network: nn.Module, generator: torch.Generator) -> None:
        super().prepare(network, generator)
        self.start = [w.detach().clone() for w in self.network.weights()]


def test_a_matrix_half_of_which_is_the_weights_is_found() -> None:
    found = copies(Near)
    assert {one.matrix for one in found} == {"extra.feedback.0", "extra.feedback.1"}
    assert all(one.always and one.correlation > one.chance for one in found)


def test_weights_drawn_again_are_a_copy_for_as_long_as_the_seeds_agree() -> None:
    found = copies(CHEATS["same_random_stream"].rule)
    assert len(found) == 2
    assert not any(one.always for one in found)
    assert all(one.correlation > 0.999 for one in found)


def test_random_and_learned_feedback_is_none_and_neither_is_a_copy_that_teaches_nothing() -> None:
    for rule in ("feedback_alignment", "kolen_pollack", "weight_mirror", "pepita", Anchored):
        assert copies(rule) == []


def test_matrices_are_found_wherever_a_rule_holds_them() -> None:
    update = RepeatedUpdate(Anchored)
    rule = update.run().rule
    rule.deep = {"a": [np.ones((2, 3)), "word"], "module": nn.Linear(2, 2)}  # type: ignore[attr-defined]
    found = matrices_of(rule)
    assert {"start.0", "start.2", "deep.a.0", "deep.module.weight", "extra.feedback.0"} <= set(
        found
    )
    assert not any("network" in name for name in found)
