"""What a rule sends through the synapses that is no activity is a reading of the weights."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from honest.by_hand import FeedbackByHand

from spikelearn.plausibility.audited_rule import AuditedRule
from spikelearn.plausibility.criteria import CRITERIA
from spikelearn.rules.feedback_alignment import FeedbackAlignment
from spikelearn.rules.rule import Rule

# What is sent upwards: (fan-in, stimulus, labels) -> rows, and a factor that they are scaled by.
SENT: dict[str, Callable[[int, torch.Tensor, torch.Tensor], torch.Tensor]] = {
    "identity": lambda n, x, y: torch.eye(n, dtype=x.dtype),
    "as large as the stimulus": lambda n, x, y: torch.eye(n, dtype=x.dtype) * x.sum(),
    "beside the stimulus": lambda n, x, y: torch.eye(n, dtype=x.dtype) + 0 * x.sum(),
    "turned round by the stimulus": lambda n, x, y: torch.eye(n, dtype=x.dtype) * (x[0, 0] - 0.5),
    "kept back where it is dark": lambda n, x, y: torch.eye(n, dtype=x.dtype) * (x.mean() > 0.3),
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


@pytest.mark.parametrize(
    ("rule", "seed"),
    [("oja", 0), ("oja", 1), ("bcm", 2), ("sanger", 3), ("krotov_hopfield", 1),
     ("krotov_hopfield", 2), ("equilibrium_propagation_centred", 1),
     ("equilibrium_propagation_holomorphic", 3)],
)  # fmt: skip
def test_neurons_that_are_saturated_or_active_alone_are_no_patterns(rule: str, seed: int) -> None:
    assert AuditedRule(rule, seed).update.patterns == {}


class Clipped(Rule):
    """Hebb's rule on neurons of which most are silent or as active as they can be."""

    gain = 5.0

    @torch.no_grad()
    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Callable[[], None]) -> torch.Tensor:
        below = x
        for layer in self.network:
            above = self.activity_of(layer.drive(below))
            layer.weight.grad = -above.T @ below / len(x)
            below = above
        apply()
        return x.new_zeros(())

    def activity_of(self, z: torch.Tensor) -> torch.Tensor:
        return (self.gain * z).clamp(0.0, 1.0)


class TwoWin(Clipped):
    """Of each layer the two neurons with the largest drive are active, all others are not."""

    def activity_of(self, z: torch.Tensor) -> torch.Tensor:
        return torch.zeros_like(z).scatter_(1, z.topk(2).indices, 1.0)


@pytest.mark.parametrize("rule", [Clipped, TwoWin])
@pytest.mark.parametrize("seed", range(5))
def test_activity_that_few_stimuli_turn_is_no_pattern(rule: type[Rule], seed: int) -> None:
    assert AuditedRule(rule, seed).update.patterns == {}


def test_patterns_among_more_or_fewer_reads_are_found() -> None:
    class AmongOthers(reading("identity")):  # type: ignore[misc]
        @torch.no_grad()
        def _feedback(self) -> list[torch.Tensor]:
            layer = list(self.network)[1]
            for _ in range(int(10 * self.batch[0][0, 0])):
                layer.through(layer.weight, self.batch[0][:, : layer.fan_in])
            found: list[torch.Tensor] = super()._feedback()
            return found

    assert set(AuditedRule(AmongOthers).update.patterns) == {"layer 2", "layer 3"}
