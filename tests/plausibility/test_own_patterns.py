"""What a rule sends through the synapses that is no activity is a reading of the weights."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from honest.by_hand import FeedbackByHand

from spikelearn.plausibility.audited_rule import AuditedRule
from spikelearn.plausibility.criteria import CRITERIA
from spikelearn.rules.feedback_alignment import FeedbackAlignment

# What is sent upwards: (fan-in, stimulus, labels) -> rows, and a factor that they are scaled by.
SENT: dict[str, Callable[[int, torch.Tensor, torch.Tensor], torch.Tensor]] = {
    "identity": lambda n, x, y: torch.eye(n, dtype=x.dtype),
    "as large as the stimulus": lambda n, x, y: torch.eye(n, dtype=x.dtype) * x.sum(),
    "beside the stimulus": lambda n, x, y: torch.eye(n, dtype=x.dtype) + 0 * x.sum(),
    "chosen by the label": lambda n, x, y: torch.eye(n, dtype=x.dtype).roll(int(y[0]), 0),
    "known patterns": lambda n, x, y: torch.linalg.qr(
        torch.arange(n * n, dtype=x.dtype).reshape(n, n).sin()
    )[0],
}  # fmt: skip


def reading(sent: str) -> type[FeedbackAlignment]:
    """Backpropagation whose matrices are what comes of patterns that it sends through."""

    class Reading(FeedbackAlignment):
        def update(
            self, x: torch.Tensor, y: torch.Tensor, apply: Callable[[], None]
        ) -> torch.Tensor:
            self.batch = x, y
            return super().update(x, y, apply)

        @torch.no_grad()
        def _feedback(self) -> list[torch.Tensor]:
            found = []
            for layer in list(self.network)[1:]:
                rows = SENT[sent](layer.fan_in, *self.batch)
                found.append((torch.linalg.pinv(rows) @ layer.through(layer.weight, rows)).T)
            return found

    return Reading


@pytest.mark.parametrize("sent", SENT)
def test_weights_that_are_read_through_the_synapses_are_seen(sent: str) -> None:
    finding = CRITERIA["C1"].measure(AuditedRule(reading(sent)))
    assert finding.by_intervention is False
    assert finding.value > 0.1


@pytest.mark.parametrize("sent", ["identity", "chosen by the label", "known patterns"])
def test_a_signal_without_a_sample_s_tag_leaves_the_mark_of_a_backward_read(sent: str) -> None:
    audited = AuditedRule(reading(sent))
    assert "backwards layer 2" in audited.trace.sources("network.layers.0.weight")


@pytest.mark.parametrize("rule", ["weight_mirror", "kolen_pollack", "equilibrium_propagation",
                                  "predictive_coding_nudged", "ottt", FeedbackByHand])  # fmt: skip
def test_activity_noise_and_a_network_at_rest_are_no_patterns(rule: object) -> None:
    assert AuditedRule(rule).update.patterns == {}


def test_a_matrix_that_is_taken_apart_is_followed_without_a_read() -> None:
    class TakenApart(FeedbackAlignment):
        @torch.no_grad()
        def _feedback(self) -> list[torch.Tensor]:
            parts = [torch.linalg.svd(w, full_matrices=False) for w in self.network.weights()[1:]]
            return [(u * s) @ v for u, s, v in parts]

    finding = CRITERIA["C1"].measure(AuditedRule(TakenApart))
    assert finding.verdict == "fail"
    assert "layer 2" in finding.sentence


@pytest.mark.parametrize("rule", ["eprop", "random_feedback_through_time"])
def test_the_stimuli_of_every_update_are_activity(rule: str) -> None:
    finding = CRITERIA["C1"].measure(AuditedRule(rule))
    assert finding.verdict == "pass"


@pytest.mark.parametrize(("rule", "seed"), [("oja", 0), ("oja", 1), ("bcm", 2), ("sanger", 3)])
def test_a_neuron_that_is_active_alone_is_no_pattern_of_the_rule_s(rule: str, seed: int) -> None:
    from spikelearn.plausibility.audited_rule import AuditedRule

    assert AuditedRule(rule, seed).update.patterns == {}
