"""What cannot be true together is said to be a contradiction; what theory allows is not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from cheats import CHEATS
from measured import audited, finding, pair_stdp
from typer.testing import CliRunner

from spikelearn.cli import app
from spikelearn.networks.mlp import MLP
from spikelearn.plausibility import Audit, audit_rule
from spikelearn.plausibility.audited_rule import AuditedRule
from spikelearn.plausibility.coherence import coherent, contradictions
from spikelearn.plausibility.criterion import Finding
from spikelearn.plausibility.instruments.repeated_update import RepeatedUpdate
from spikelearn.rules.feedback_alignment import FeedbackAlignment

# Rules with a cosine of 1, by theory, and what they fail for it; and rules with none.
EXACT = ("backprop", "predictive_coding_zil", "difference_target_propagation", "surrogate")
HONEST = ("feedback_alignment", "kolen_pollack", "weight_mirror", "node_perturbation", "oja",
          "forward_forward", "local_pred", "eprop", "decolle")  # fmt: skip


def found(value: float, met: bool | None, shown: str = "-", sentence: str = "Seen.") -> Finding:
    """A finding in which both instruments say the same."""
    return Finding(value, shown, "-", met, met, sentence)


@pytest.mark.parametrize(
    "name", ["same_random_stream", "weights_from_feedback", "nudged_units", "complex_step"]
)
def test_no_transport_and_yet_the_exact_gradient_is_a_contradiction(name: str) -> None:
    one = finding(CHEATS[name].rule, "C1")
    assert one.verdict == "contradicted"
    assert one.met is None
    assert "backpropagation's gradient (|cosine| 1.000000 or more), from the first batch" in (
        one.contradiction
    )
    assert one.contradiction in one.sentence


def test_random_numbers_that_are_those_of_the_weights_are_told_from_weights_of_another_seed() -> (
    None
):
    same = finding(CHEATS["same_random_stream"].rule, "C1").contradiction
    # By the gradient, and by the two matrices.
    assert same.count("the rule's random numbers are those of the weights") == 3
    assert "extra.feedback.0, which the layers below learn by, correlates" in same
    written = finding(CHEATS["weights_from_feedback"].rule, "C1").contradiction
    assert "the rule's random numbers" not in written


@pytest.mark.parametrize("rule", EXACT)
def test_a_rule_that_needs_the_weights_and_says_so_contradicts_nothing(rule: str) -> None:
    assert finding(rule, "C1").verdict == "fail"
    assert finding(rule, "C1").contradiction == ""


@pytest.mark.parametrize("rule", HONEST)
def test_honest_rules_are_contradicted_by_nothing(rule: str) -> None:
    findings = {key: finding(rule, key) for key in ("C1", "C3", "C4a", "C4c", "C9")}
    assert contradictions(audited(rule), findings) == []
    assert "gradient matches" in audited(rule).shared or not findings["C1"].met


@pytest.mark.parametrize("sizes", [(6, 5, 3), (6, 5, 4, 1), (6, 1, 3), (6, 1, 1, 1)])
def test_networks_in_which_directions_coincide_accuse_nobody(sizes: tuple[int, ...]) -> None:
    """One hidden layer, one output, one unit: less is needed for a cosine of 1, or a sign."""
    rule = AuditedRule(FeedbackAlignment)
    model = MLP(name="narrow", sizes=sizes, activation="tanh")
    rule.update = RepeatedUpdate(FeedbackAlignment, 0, model)
    met = {"C1": found(0.0, True)}
    assert contradictions(rule, met) == []


@pytest.mark.parametrize(
    ("given", "contradicted"),
    [
        ({"C9": found(0.0, True), "C3": found(5.0, False)}, {"C9"}),
        ({"C9": found(0.7, False), "C3": found(0.0, True)}, {"C3"}),
        ({"C9": found(0.7, False), "C3": found(1.0, True)}, set()),
        ({"C9": found(0.7, False), "C4c": found(0.0, True, "none")}, {"C4c"}),
        ({"C3": found(4.0, False), "C4c": found(0.0, True, "one number")}, {"C4c"}),
        ({"C3": found(4.0, False), "C4c": found(0.0, True, "activity")}, set()),
        (
            {"C3": found(4.0, False), "C4c": found(1.0, False, "separate"), "C8": found(1.0, True)},
            {"C8"},
        ),
        (
            {"C3": found(1.0, True), "C4c": found(1.0, False, "separate"), "C8": found(1.0, True)},
            set(),
        ),
        (
            {
                "C3": found(4.0, False),
                "C4c": found(1.0, False, "a teacher of each neuron"),
                "C8": found(1.0, True),
            },
            set(),
        ),
    ],
)
def test_findings_that_exclude_one_another_are_contradictions(
    given: dict[str, Finding], contradicted: set[str]
) -> None:
    checked = coherent(audited("feedback_alignment"), given)
    assert {key for key, one in checked.items() if one.verdict == "contradicted"} == contradicted
    # What is said is what the other criterion found; to ask again adds nothing.
    assert all("Seen." in checked[key].contradiction for key in contradicted)
    assert coherent(audited("feedback_alignment"), checked) == checked


def test_several_draws_of_noise_teach_several_dimensions_by_one_number_each() -> None:
    given = {"C3": found(4.0, False), "C4c": found(0.0, True, "one number")}
    assert contradictions(audited("node_perturbation"), given) == []


def test_findings_of_a_plasticity_are_compared_with_one_another() -> None:
    given = {"C9": found(0.0, True), "C3": found(1.0, True)}
    assert coherent(pair_stdp(), given)["C9"].verdict == "contradicted"


def test_contradictions_are_a_table_and_lines_at_the_command_line(tmp_path: Path) -> None:
    rule = CHEATS["nudged_units"].rule
    shown = audit_rule(rule, criteria=["C1", "C4a", "C9"]).contradictions()
    assert list(shown.columns) == ["rule", "criterion", "title", "sentence"]
    assert list(shown["criterion"]) == ["C1"]
    assert Audit.together({0: []}).contradictions().empty
    from inspect import getsourcefile

    arguments = ["audit", f"{getsourcefile(rule)}:{rule.__name__}", "--criteria", "C1,C9",
                 "--seeds", "0"]  # fmt: skip
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    (line,) = (one for one in result.output.splitlines() if one.startswith("Contradiction: "))
    assert "C1 no weight transport. In layers.0" in line


class Scaled(FeedbackAlignment):
    """Backpropagation whose signals are scaled anew for every sample, by numbers out of sight."""

    weights: Callable[[], list[Any]]

    def _feedback(self) -> list[torch.Tensor]:
        rows = torch.tensor(float(abs(hash(str(self.seen.sum().item()))) % 97 + 1))
        return [
            torch.from_numpy(w.detach().numpy().copy()) * rows.to(w.dtype)
            for w in self.network.weights()[1:]
        ]

    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Callable[[], None]) -> torch.Tensor:
        self.seen = x
        return super().update(x, y, apply)


def test_a_scale_of_its_own_for_every_update_hides_no_gradient() -> None:
    assert [one.criterion for one in contradictions(AuditedRule(Scaled), {"C1": found(0.0, True)})]
