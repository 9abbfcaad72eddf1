"""`check_rule`: every shipped rule passes it, and a rule that lacks a property is caught."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import pytest
import torch

from spikelearn._checks import Fails
from spikelearn._errors import SpikelearnError
from spikelearn.networks.cnn import CNN
from spikelearn.networks.latency_cnn import LatencyCNN
from spikelearn.networks.mlp import MLP
from spikelearn.networks.recurrent import Recurrent
from spikelearn.networks.residual_mlp import ResidualMLP
from spikelearn.networks.spiking_cnn import SpikingCNN
from spikelearn.networks.spiking_mlp import SpikingMLP
from spikelearn.rules import RULES
from spikelearn.rules.baselines import Backprop
from spikelearn.rules.checks import (
    PROPERTIES,
    RuleCheckError,
    batch_is_the_mean_of_its_samples,
    check_rule,
    describe_properties,
)
from spikelearn.rules.feedback_alignment import FeedbackAlignment
from spikelearn.rules.rule import Axis, Rule, forward_pass, output_loss
from spikelearn.rules.small_network import SmallNetwork, compare, update_of

MODELS: dict[str, Any] = {
    "mlp": None,  # check_rule's own
    "cnn": CNN(
        name="c",
        input_shape=(1, 6, 6),
        channels=(5, 5),
        pool=(2, 1),
        n_classes=5,
        activation="tanh",
    ),
    "residual_mlp": ResidualMLP(name="r", n_inputs=12, width=6, depth=3, n_classes=5),
    "elman": Recurrent(kind="elman", name="e", n_steps=4, row=3, hidden=6, n_classes=5, leak=0.5),
    "gru": Recurrent(kind="gru", name="g", n_steps=4, row=3, hidden=6, n_classes=5),
    "spiking_mlp": None,
    "spiking_cnn": SpikingCNN(
        name="s",
        input_shape=(1, 6, 6),
        channels=(5, 5),
        pool=("max 2", 1),
        norm=("weights", "none"),
        residual=(False, True),
        dropout=0.2,
        learn_tau=True,
        n_classes=5,
        v_threshold_mv=0.4,
    ),
    "latency_mlp": None,
    "latency_cnn": LatencyCNN(
        name="l",
        input_shape=(1, 6, 6),
        channels=(5, 5),
        kernel_size=3,
        pool=(1, 2),
        n_classes=5,
        weight_mean=8.0,
        dt_ms=1.0,
    ),
}


def model_of(name: str, kind: str) -> Any:
    """What the rule is tested on; `check_rule`'s own where its theory asks for more than a kind."""
    return None if kind == "spiking_cnn" and RULES[name].rule_class.asks else MODELS[kind]


CASES = [
    (name, kind)
    for name, entry in RULES.items()
    if not entry.simulated
    for kind in entry.networks
    if kind in MODELS
]


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_every_rule_has_every_property_on_every_network_it_trains(name: str, kind: str) -> None:
    results = check_rule(name, model_of(name, kind))
    assert [r.property for r in results] == list(PROPERTIES)
    assert sum(r.passed is True for r in results) >= 4


@pytest.mark.parametrize("name", ["backprop", "feedback_alignment", "forward_forward"])
def test_rules_have_them_on_normalised_layers_that_are_fully_connected(name: str) -> None:
    model = MLP(name="m", sizes=(12, 7, 6, 5), activation="tanh", norm="batch")
    results = {r.property: r.passed for r in check_rule(name, model)}
    assert results["hidden_units_are_exchangeable"] is True
    assert results["batch_is_the_mean_of_its_samples"] is None


# One network has it all; what a rule's theory has no place for is left out of it for that rule.
PARTS: dict[str, dict[str, Any]] = {
    "group normalisation": {"norm": ["none", "group 2"]},
    "batch normalisation": {"norm": ["batch", "group 2"]},
    "pooling": {"pool": ["max 3 stride 2", 1]},
    "dropout": {"dropout": [0.2, 0.2]},
    "residual layers": {"residual": [False, True]},
}


@pytest.mark.slow  # half a minute: every property on a further network
@pytest.mark.parametrize("name", [name for name, kind in CASES if kind == "cnn"])
def test_every_rule_has_every_property_with_all_parts_that_it_trains(name: str) -> None:
    refused = RULES[name].rule_class.refuses
    fields: dict[str, Any] = {"bias": [False, True], "stride": [1, 2]}
    for part, given in PARTS.items():
        fields |= given if part not in refused else {}
    if name == "equilibrium_propagation_holomorphic":  # of complex states none is the highest
        fields |= {"pool": ["average 3 stride 2", 1]}
    model = CNN(
        **{"name": "c", "input_shape": (1, 7, 6), "channels": (6, 6), "pool": 1, "n_classes": 5,
           "activation": "tanh"} | fields
    )  # fmt: skip
    results = check_rule(name, model)
    assert sum(r.passed is True for r in results) >= 4


@pytest.mark.parametrize("name", ["surrogate", "eprop_spiking", "ottt", "decolle"])
def test_rules_have_them_on_recurrent_layers_whose_thresholds_adapt(name: str) -> None:
    model = SpikingMLP(
        name="s", sizes=(12, 7, 6, 5), max_rate_hz=1000.0, duration_ms=10.0, readout="potential",
        recurrent=True, threshold_increment_mv=0.1, tau_threshold_ms=20.0,
    )  # fmt: skip
    assert sum(r.passed is True for r in check_rule(name, model)) >= 8


@pytest.mark.parametrize(
    "name",
    ["coupled_learning", "equilibrium_propagation", "equilibrium_propagation_centred"],
)
def test_rounding_is_no_fault_where_a_layer_is_saturated(name: str) -> None:
    model = CNN(
        name="c", input_shape=(1, 6, 6), channels=(6, 6), pool=("max 2", "max 2"), n_classes=5,
        activation="hard_sigmoid",
    )  # fmt: skip
    small: Any = SmallNetwork(name, model, 1)
    update = update_of(small.fresh(), small.x, small.y)
    assert update["network.layers.1.weight"].abs().max() < 1e-14  # nothing is learned there
    assert update["network.layers.2.weight"].abs().max() > 0.1
    batch_is_the_mean_of_its_samples(small)


def test_a_difference_is_rounding_beside_the_largest_update_alone() -> None:
    expected = {"one": torch.tensor([1.0, 2.0]), "other": torch.tensor([0.0, 1e-16])}
    expected = {name: tensor.double() for name, tensor in expected.items()}
    compare({**expected, "other": expected["other"] + 4e-16}, expected, "differs")
    with pytest.raises(Fails, match=r"differs .*other"):
        compare({**expected, "other": expected["other"] + 1e-12}, expected, "differs")
    alone = {"other": expected["other"]}  # beside nothing, it is as large as what is expected
    with pytest.raises(Fails, match="differs"):
        compare({"other": expected["other"] + 4e-16}, alone, "differs")
    compare({"other": expected["other"] * (1 + 1e-10)}, alone, "differs")


@pytest.mark.parametrize("label", [-1, 5])
@pytest.mark.parametrize(("name", "kind"), CASES)
def test_every_rule_refuses_a_label_that_is_no_class(name: str, kind: str, label: int) -> None:
    small: Any = SmallNetwork(name, model_of(name, kind), 0)
    rule, y = small.fresh(), small.y.clone()
    rule.begin_epoch(2, 2)  # rules that learn in two stages read labels in the second
    y[3] = label
    with pytest.raises(SpikelearnError, match=f"label {label} is out of range") as raised:
        rule.update(small.x, y, lambda: None)
    assert "\n" not in str(raised.value)


# --- Rules with one fault each.


class MovesWeights(Backprop):
    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Callable[[], None]) -> torch.Tensor:
        loss = super().update(x, y, apply)
        with torch.no_grad():
            self.network.weights()[0].mul_(0.999)
        return loss


class TurnsItsMemory(Backprop):
    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Callable[[], None]) -> torch.Tensor:
        loss = super().update(x, y, lambda: None)
        for weight in self.network.weights():
            assert weight.grad is not None
            weight.grad = weight.grad.T.contiguous().T
        apply()
        return loss


class DrawsGlobally(Backprop):
    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Callable[[], None]) -> torch.Tensor:
        return super().update(x + 1e-3 * torch.randn_like(x), y, apply)


class NeverApplies(Backprop):
    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Callable[[], None]) -> torch.Tensor:
        return super().update(x, y, lambda: None)


class LeavesNothing(Rule):
    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Callable[[], None]) -> torch.Tensor:
        apply()
        return self.objective(x, y)


class KeepsHiddenState(Backprop):
    count = 0

    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Callable[[], None]) -> torch.Tensor:
        self.count += 1
        return super().update(x / self.count, y, apply)


class DecaysWithoutError(Backprop):
    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Callable[[], None]) -> torch.Tensor:
        def decay() -> None:
            for weight in self.network.weights():
                weight.grad = weight.grad + 0.1 * weight.detach()
            apply()

        return super().update(x, y, decay)


class FavoursTheFirstUnit(Backprop):
    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Callable[[], None]) -> torch.Tensor:
        def favour() -> None:
            self.network.weights()[0].grad[0] *= 2
            apply()

        return super().update(x, y, favour)


class SumsTheBatch(Backprop):
    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Callable[[], None]) -> torch.Tensor:
        def scale() -> None:
            for parameter in self.network.parameters():
                parameter.grad = parameter.grad * len(x)
            apply()

        return super().update(x, y, scale)


class DividesByActivity(Backprop):
    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Callable[[], None]) -> torch.Tensor:
        def divide() -> None:
            hidden = forward_pass(self.network, x)[0].h
            weight = self.network.weights()[0]
            weight.grad = weight.grad / (1 - hidden.square()).mean(0)[:, None]
            apply()

        return super().update(x, y, divide)


class Climbs(Backprop):
    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Callable[[], None]) -> torch.Tensor:
        def climb() -> None:
            for parameter in self.network.parameters():
                parameter.grad = -parameter.grad
            apply()

        return super().update(x, y, climb)


class SaysNothingOfItsAxes(FeedbackAlignment):
    def unit_axes(self) -> dict[str, tuple[Axis, ...]]:
        return {}


class ForgetsAParameter(Backprop):
    def groups(self) -> dict[str, list[torch.nn.Parameter]]:
        return {"network": self.network.weights()}


class NoiseWithoutReplay(Backprop):
    """Draws through `draw`, but a number of values that depends on the batch's content."""

    trains: ClassVar[bool] = True

    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Callable[[], None]) -> torch.Tensor:
        chosen = int((y == 0).sum())
        self.draw((1 + chosen,), ("batch",))
        return super().update(x, y, apply)


FAULTS = {
    MovesWeights: "keeps_the_contract",
    TurnsItsMemory: "keeps_the_contract",
    DrawsGlobally: "keeps_the_contract",
    NeverApplies: "keeps_the_contract",
    ForgetsAParameter: "keeps_the_contract",
    LeavesNothing: "updates_something",
    KeepsHiddenState: "keeps_its_state_where_it_is_saved",
    DecaysWithoutError: "zero_error_zero_update",
    FavoursTheFirstUnit: "hidden_units_are_exchangeable",
    SaysNothingOfItsAxes: "hidden_units_are_exchangeable",
    SumsTheBatch: "batch_is_the_mean_of_its_samples",
    NoiseWithoutReplay: "batch_is_the_mean_of_its_samples",
    DividesByActivity: "finite_for_dead_and_saturated_units",
    Climbs: "a_step_lowers_its_objective",
}


@pytest.mark.parametrize("rule", FAULTS, ids=lambda rule: rule.__name__)
def test_a_rule_with_a_fault_is_caught_by_the_property_that_it_lacks(rule: type[Rule]) -> None:
    failed = [r.property for r in check_rule(rule, raise_on_failure=False) if r.passed is False]
    assert FAULTS[rule] in failed
    with pytest.raises(RuleCheckError, match=rule.__name__) as raised:
        check_rule(rule)
    assert "\n" not in str(raised.value)


def test_a_seed_that_changes_from_run_to_run_is_caught() -> None:
    runs = iter(range(1000))

    class Drifts(Backprop):
        def __init__(self) -> None:
            super().__init__()
            self.run = next(runs)

        def update(
            self, x: torch.Tensor, y: torch.Tensor, apply: Callable[[], None]
        ) -> torch.Tensor:
            return super().update(x + 1e-6 * self.run, y, apply)

    failed = [r.property for r in check_rule(Drifts, raise_on_failure=False) if r.passed is False]
    assert "same_seed_same_bits" in failed


def test_what_is_no_rule_is_refused_in_one_sentence() -> None:
    with pytest.raises(SpikelearnError, match="derived from"):
        check_rule(lambda: 3)  # type: ignore[arg-type, return-value]


def test_every_property_says_what_it_is() -> None:
    assert all(text.endswith(".") for text in describe_properties().values())


def test_the_objective_of_a_rule_is_its_loss_before_the_update() -> None:
    network = CNN(name="c", input_shape=(1, 6, 6), channels=(5,), pool=(2,), n_classes=5).build(0)
    rule = Backprop("squared_error")
    rule.prepare(network, torch.Generator())
    x, y = torch.rand(4, 36), torch.arange(4)
    loss = rule.update(x, y, lambda: None)
    assert torch.equal(loss, rule.objective(x, y))
    expected = output_loss("squared_error", network(x), y)[0]
    torch.testing.assert_close(loss, expected.detach())
