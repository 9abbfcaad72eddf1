"""The map of equivalences: turning one rule into another by one knob.

Each experiment turns the knob of a rule and reads the distance of its update from another rule's,
|dW - dW'| / |dW'| over the hidden layers, on one small network and batch.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from spikelearn.networks.activations import ACTIVATIONS
from spikelearn.plausibility.instruments.repeated_update import Outcome, RepeatedUpdate, effect
from spikelearn.rules.rule import Rule

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Equivalence:
    """One experiment: `knob` turns rule `turned` into rule `into`.

    Attributes
    ----------
    values : tuple of float
        Of the knob, towards the value at which the two are one.
    slope : float or None
        Order at which the distance goes with the knob, as theory says; None where it says none.
    """

    key: str
    turned: str
    into: str
    knob: str
    values: tuple[float, ...]
    measure: Callable[[float, int], float]
    slope: float | None = None
    exact: bool = False


def _hidden(update: RepeatedUpdate, outcome: Outcome, other: Outcome) -> float:
    return effect(outcome.updates, other.updates, update.hidden_names())


def _alignment(share: float, seed: int) -> float:
    """Feedback matrices on the way from random to the forward weights."""
    update = RepeatedUpdate("feedback_alignment", seed)

    def after(rule: Rule) -> None:
        feedback = list(rule.extra["feedback"].parameters())
        with torch.no_grad():
            for matrix, weight in zip(feedback, rule.network.weights()[1:], strict=True):
                matrix.copy_((1 - share) * weight + share * matrix)

    return _hidden(update, update.run(after=after), RepeatedUpdate("backprop", seed).run())


def _nudged(name: str, **settings: Any) -> Callable[[float, int], float]:
    def measure(beta: float, seed: int) -> float:
        update = RepeatedUpdate(name, seed, beta=beta, **settings)
        loss = update.make().loss
        return _hidden(update, update.run(), RepeatedUpdate("backprop", seed, loss=loss).run())

    return measure


def _energy(estimate: str) -> Callable[[float, int], float]:
    """Against the same estimate at a nudge so small that only rounding is left."""

    def measure(beta: float, seed: int) -> float:
        settings = {"free_steps": 200, "nudged_steps": 200, "estimate": estimate}
        rule = "equilibrium_propagation"
        update = RepeatedUpdate(_energy_rule(rule, beta, settings), seed)
        least = RepeatedUpdate(_energy_rule(rule, 1e-4, settings | {"estimate": "centred"}), seed)
        return _hidden(update, update.run(), least.run())

    return measure


def _energy_rule(name: str, beta: float, settings: dict[str, Any]) -> Callable[[], Rule]:
    from spikelearn.rules.energy_based import EquilibriumPropagation

    return lambda: EquilibriumPropagation(beta=beta, **settings)


def _targets(share: float, seed: int) -> float:
    """Inverses on the way to the transposed Jacobian, of one sample, for which it is one matrix."""
    settings: dict[str, Any] = {"top": "inverse", "n_feedback": 0, "beta": 1e-6}
    update = RepeatedUpdate("difference_target_propagation", seed, **settings)

    def after(rule: Rule) -> None:
        below = update.x[:1]
        layers = list(rule.network)
        with torch.no_grad():
            slopes = []
            for layer in layers:
                z = layer.drive(below)
                below = layer.activate(z)
                slopes.append(ACTIVATIONS[layer.activation].slope(z, below))
            inverses: Any = rule.extra["inverse"].children()
            for inverse, layer, slope in zip(inverses, layers[1:], slopes[1:], strict=True):
                jacobian = slope.T * layer.weight
                inverse.weight.copy_((1 - share) * jacobian + share * inverse.weight)

    turned = update.run(x=update.x[:1], y=update.y[:1], after=after)
    other = RepeatedUpdate("backprop", seed)
    return _hidden(update, turned, other.run(x=update.x[:1], y=update.y[:1]))


def _late(steps: float, seed: int) -> float:
    """Z-IL whose layers learn a number of steps after the error has arrived."""
    from spikelearn.rules.predictive_coding import Relaxation, ZeroDivergenceInferenceLearning
    from spikelearn.rules.rule import forward_pass, output_loss

    class Disturbed(ZeroDivergenceInferenceLearning):
        @torch.no_grad()
        def update(self, x: torch.Tensor, y: torch.Tensor, apply: Any) -> torch.Tensor:
            passes = forward_pass(self.network, x)
            state = Relaxation(passes, y, self.loss)
            last = len(passes) - 1
            gradients = {}
            for step in range(last + 1 + int(steps)):
                if step:
                    state.move(1.0)
                    state.predict()
                index = last - (step - int(steps))
                if step >= steps and index >= 0:
                    gradients[index] = state.update(index, 1 / len(x))
            self.leave([gradients[i] for i in range(last + 1)])
            apply()
            return output_loss(self.loss, passes[-1].h, y)[0]

    update = RepeatedUpdate(Disturbed, seed)
    return _hidden(update, update.run(), RepeatedUpdate("backprop", seed).run())


_SHARES = (1.0, 0.3, 0.1, 0.03, 0.01, 0.0)
_BETAS = (0.3, 0.1, 0.03, 0.01)
EQUIVALENCES: dict[str, Equivalence] = {
    e.key: e
    for e in (
        Equivalence(
            "fa", "feedback alignment", "backpropagation", "random share of the feedback weights",
            _SHARES, _alignment, 1.0, True,
        ),
        Equivalence(
            "pc", "nudged predictive coding", "backpropagation", "nudge beta", _BETAS,
            _nudged("predictive_coding_nudged", n_steps=800, rate=0.1), 1.0,
        ),
        Equivalence(
            "pc_centred", "centred predictive coding", "backpropagation", "nudge beta", _BETAS,
            _nudged("predictive_coding_centred", n_steps=800, rate=0.1), 2.0,
        ),
        Equivalence(
            "ep", "equilibrium propagation", "its gradient (beta to 0)", "nudge beta", _BETAS,
            _energy("one_sided"), 1.0,
        ),
        Equivalence(
            "ep_centred", "centred equilibrium propagation", "its gradient (beta to 0)",
            "nudge beta", _BETAS[1:], _energy("centred"), 2.0,
        ),
        Equivalence(
            "dtp", "difference target propagation", "backpropagation",
            "random share of the inverses", _SHARES, _targets, 1.0, True,
        ),
        Equivalence(
            "zil", "Z-IL", "backpropagation", "steps by which learning is late", (3, 2, 1, 0),
            _late, None, True,
        ),
    )
}  # fmt: skip


def map_of_equivalences(seed: int = 0) -> pd.DataFrame:
    """All experiments: columns key, rule, becomes, knob, value, distance."""
    import pandas as pd

    rows = [
        {"key": e.key, "rule": e.turned, "becomes": e.into, "knob": e.knob, "value": float(value),
         "distance": e.measure(float(value), seed)}
        for e in EQUIVALENCES.values()
        for value in e.values
    ]  # fmt: skip
    return pd.DataFrame(rows)
