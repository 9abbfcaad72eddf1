"""What a handicap leaves of accuracy, and when that cannot be told."""

from __future__ import annotations

from collections.abc import Callable

import cheats
import pytest
import torch
from measured import audited, finding

from spikelearn.plausibility.accuracy_left import accuracy_left, enough, too_little
from spikelearn.plausibility.short_training import Run
from spikelearn.rules.rule import Rule, output_loss


def run(right: torch.Tensor) -> Run:
    return Run(None, right, 0.0, 0.0, 1.0)  # type: ignore[arg-type]


def first(n: int) -> Run:
    return run(torch.arange(360) < n)


@pytest.mark.parametrize(
    ("left", "verdict"), [(200, "fail"), (272, "undecided"), (298, "pass"), (330, "pass")]
)
def test_the_interval_over_test_images_is_laid_beside_the_least_ratio(
    left: int, verdict: str
) -> None:
    found = accuracy_left(first(300), {"late": first(left)}, 0.9, "time", "Said.", "in time")
    assert found.verdict == verdict
    assert found.value == pytest.approx(left / 300)
    assert found.lower <= found.value <= found.upper
    assert found.interval_of == "test images"
    assert f"{found.lower:.2f} to {found.upper:.2f}" in found.sentence


def test_the_worst_of_what_is_judged_counts_and_others_do_not() -> None:
    judged = {"noise": first(290), "6 bits": first(280)}
    found = accuracy_left(first(300), judged, 0.5, "-", "", "exact", {"4 bits": first(9)})
    assert found.value == pytest.approx(280 / 300)
    assert [p.place for p in found.probes] == ["exact", "noise", "6 bits", "4 bits"]


def test_below_three_times_chance_nothing_is_told_and_it_says_what_it_would_take() -> None:
    assert enough(first(108))
    assert not enough(first(107))
    found = too_little(first(107), "Too little.", "time")
    assert found.verdict == "cannot be told"
    assert "at least 0.30 without a handicap, 3 times chance (0.10" in found.sentence
    assert "found 0.30" in found.sentence


class Noise(Rule):
    """Moves every weight at random: it ends at chance."""

    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Callable[[], None]) -> torch.Tensor:
        for parameter in self.network.parameters():
            drawn = torch.randn(parameter.shape, generator=self.generator)
            parameter.grad = drawn.to(parameter.dtype)
        apply()
        loss, _ = output_loss(self.loss, self.network(x), y)
        return loss.detach()


LOSS_CLIMBER = cheats.CHEATS["loss_climber"].rule
WHERE = [(LOSS_CLIMBER, key) for key in ("C6", "C7", "C11", "C12", "C13")]


@pytest.mark.parametrize(("rule", "key"), [*WHERE, (Noise, "C6"), (Noise, "C11")])
def test_a_rule_that_learns_nothing_passes_nothing_that_is_judged_by_accuracy(
    rule: type[Rule], key: str
) -> None:
    found = finding(rule, key)
    if not audited(rule).learns_below:
        assert found.verdict == "does not apply"
        return
    assert found.verdict in ("cannot be told", "does not apply"), found.sentence
    assert found.met is None
    if found.verdict == "cannot be told":
        assert "0.30" in found.needed
