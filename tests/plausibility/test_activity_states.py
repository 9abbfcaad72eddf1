"""The states that a network goes through in one update."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from cheats import CHEATS
from measured import audited, finding
from torch.nn.functional import cross_entropy

from spikelearn.plausibility.criteria import CRITERIA
from spikelearn.rules.rule import Rule, forward_pass, output_loss

Apply = Callable[[], None]
STIMULUS = (True, False, False)


class Perturbed(Rule):
    """Weight perturbation with one pattern of signs for ever, up and down."""

    n_patterns = 1

    @torch.no_grad()
    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Apply) -> torch.Tensor:
        loss = output_loss(self.loss, self.network(x), y)[0]
        parameters = list(self.network.parameters())
        totals = [torch.zeros_like(p) for p in parameters]
        for number in range(self.n_patterns):
            patterns = self._patterns(parameters, number)
            up, down = (self._with(patterns, size, x, y) for size in (1e-3, -1e-3))
            for total, pattern in zip(totals, patterns, strict=True):
                total.add_((up - down) / 2e-3 * pattern)
        for parameter, total in zip(parameters, totals, strict=True):
            parameter.grad = total
        apply()
        return loss

    def _patterns(self, parameters: list[torch.Tensor], number: int) -> list[torch.Tensor]:
        generator = torch.Generator().manual_seed(number)
        return [torch.randn(p.shape, generator=generator, dtype=p.dtype).sign() for p in parameters]

    def _with(
        self, patterns: list[torch.Tensor], size: float, x: torch.Tensor, y: torch.Tensor
    ) -> torch.Tensor:
        names = [name for name, _ in self.network.named_parameters()]
        values = self.network.parameters()
        tried = {n: p + size * d for n, p, d in zip(names, values, patterns, strict=True)}
        return cross_entropy(torch.func.functional_call(self.network, tried, (x,)), y)


class Blockwise(Perturbed):
    """Many patterns, each of them in a part of the weights: blocks one after another."""

    n_patterns = 12

    def _patterns(self, parameters: list[torch.Tensor], number: int) -> list[torch.Tensor]:
        patterns = super()._patterns(parameters, number)
        return [
            p * (torch.arange(p.numel()).reshape(p.shape) % self.n_patterns == number)
            for p in patterns
        ]


class SideBySide(Rule):
    """All hidden units of the first layer nudged at once, each in a copy of the batch."""

    @torch.no_grad()
    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Apply) -> torch.Tensor:
        passes = forward_pass(self.network, x)
        loss, error = output_loss(self.loss, passes[-1].h, y)
        n = passes[0].z.shape[1]
        nudged = passes[0].z.repeat(n, 1, 1)
        nudged += 1e-5 * torch.eye(n, dtype=x.dtype)[:, None]
        h = passes[0].layer.activate(nudged.flatten(0, 1))
        for layer in list(self.network)[1:]:
            h = layer(h)
        tried = cross_entropy(h, y.repeat(n), reduction="none").view(n, len(x))
        clean = cross_entropy(passes[-1].h, y, reduction="none")
        passes[0].leave_gradient((tried - clean).T / (1e-5 * len(x)))
        passes[-1].leave_gradient(error)
        apply()
        return loss


class Settling(Rule):
    """Hebb's rule on leaky units that take thirty steps to come to rest, without any feedback."""

    @torch.no_grad()
    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Apply) -> torch.Tensor:
        layers = list(self.network)
        drive = layers[0].drive(x)
        states = [torch.zeros(len(x), layer.bias.numel(), dtype=x.dtype) for layer in layers]
        for _ in range(30):
            heard = [drive, *(a.drive(h) for a, h in zip(layers[1:], states[:-1], strict=True))]
            states = [s + 0.2 * (a.activate(z) - s)
                      for s, a, z in zip(states, layers, heard, strict=True)]  # fmt: skip
        for layer, below, h in zip(layers, [x, *states[:-1]], states, strict=True):
            layer.weight.grad = -h.T @ below / len(x)
        apply()
        return x.new_zeros(())


class Saturated(Rule):
    """Labels as activity, which only pixels as bright as can be add to."""

    @torch.no_grad()
    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Apply) -> torch.Tensor:
        layer = list(self.network)[1]
        taught = torch.eye(layer.fan_in, dtype=x.dtype)[y]
        sent = taught + (x[:, : layer.fan_in] > 0.9999)
        layer.weight.grad = -layer.drive(sent).T @ sent
        apply()
        return x.new_zeros(())


def test_activity_that_one_other_stimulus_does_not_move_is_moved_by_another() -> None:
    assert audited(Saturated).states.drives == {(True, True, False)}


@pytest.mark.parametrize(
    ("rule", "states", "tried"),
    [(CHEATS["nudged_units"].rule, 27, 0), (CHEATS["fixed_sign_patterns"].rule, 33, 0),
     (CHEATS["complex_step"].rule, 14, 0), (Perturbed, 3, 6), (Blockwise, 25, 72)],
)  # fmt: skip
def test_what_the_same_stimulus_is_passed_in_again_is_another_state(
    rule: type[Rule], states: int, tried: int
) -> None:
    seen = audited(rule).states
    assert seen.copies == {STIMULUS: states}
    assert seen.tried_weights == tried
    one = CRITERIA["C4a"].measure(audited(rule))
    assert one.verdict == "fail"
    assert f"({states} states)" in one.sentence
    assert one.value == max(states, 1 + tried)


def test_states_side_by_side_in_one_product_are_as_many() -> None:
    assert audited(SideBySide).states.copies == {STIMULUS: 7}  # as many as units are nudged
    assert finding(SideBySide, "C4a").verdict == "fail"


def test_settling_is_one_state_however_many_steps_it_takes() -> None:
    assert audited(Settling).states.copies == {}
    assert CRITERIA["C4a"].measure(audited(Settling)).verdict == "pass"


@pytest.mark.parametrize(
    "rule", ["predictive_coding", "equilibrium_propagation", "weight_perturbation", "pepita"]
)
def test_noise_and_settling_of_shipped_rules_are_a_state_each(rule: str) -> None:
    seen = audited(rule).states
    assert seen.copies == {}
    assert seen.tried_weights == 0
    assert len(seen.drives) == 2


def test_many_numbers_one_a_state_are_a_separate_channel_and_one_for_all_is_not() -> None:
    for rule in (CHEATS["nudged_units"].rule, Blockwise, SideBySide):
        one = finding(rule, "C4c")
        assert (one.verdict, one.shown) == ("fail", "separate")
    assert "Of each of 27 states" in finding(CHEATS["nudged_units"].rule, "C4c").sentence
    # The loss with a pattern and with its opposite is one number, whatever the pattern is.
    assert finding("weight_perturbation", "C4c").shown == "one number"


def test_where_no_activity_is_seen_nothing_is_said_of_it() -> None:
    rule = CHEATS["weights_follow_feedback"].rule
    for key in ("C4a", "C4c"):
        one = finding(rule, key)
        assert one.verdict == "cannot be told"
        assert one.needed
