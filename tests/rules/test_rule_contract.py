"""What every learning rule must do, whichever it is."""

from __future__ import annotations

import pytest
import torch

from spikelearn._errors import SpikelearnError
from spikelearn._seeding import torch_generator
from spikelearn.networks.layers import RateNetwork
from spikelearn.networks.mlp import MLP
from spikelearn.networks.spiking_mlp import SpikingClassifier, SpikingMLP
from spikelearn.rules import RULES, make_rule
from spikelearn.rules.rule import Rule

ALL_RATE_RULES = [
    name
    for name, entry in RULES.items()
    if not {"spiking", "spiking_mlp", "spiking_cnn", "latency_mlp", "latency_cnn"}
    & set(entry.networks)
]
# Here the simplest rules are tested with nothing between them and the test; what every rule must
# do is tested on every rule in test_checks.py.
RATE_RULES = ["backprop", "feedback_alignment", "direct_feedback_alignment", "untrained"]
SPIKING_RULES = [name for name, entry in RULES.items() if "spiking_mlp" in entry.networks]
LEARNING = [name for name in RATE_RULES if name != "untrained"]

MODEL = MLP(name="m", sizes=(8, 7, 6, 5))
SPIKING_MODEL = SpikingMLP(name="s", sizes=(8, 7, 6, 5), max_rate_hz=400.0)


def prepared(name: str, seed: int = 0, double: bool = False) -> Rule:
    """A rule on a fresh network of its kind."""
    model = SPIKING_MODEL if "spiking_mlp" in RULES[name].networks else MODEL
    network = model.build(seed)
    rule = make_rule(name)
    if double:
        network.double()
    rule.prepare(network, torch_generator(seed, "rule"))
    if double:
        rule.extra.double()
    return rule


def batch(n: int = 10, seed: int = 1) -> tuple[torch.Tensor, torch.Tensor]:
    """Intensities and classes."""
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(n, 8, generator=generator), torch.randint(5, (n,), generator=generator)


def update_of(rule: Rule, x: torch.Tensor, y: torch.Tensor) -> list[torch.Tensor]:
    """What `update` leaves in `.grad`."""
    rule.update(x, y, lambda: None)
    return [p.grad.clone() for p in rule.network.parameters()]


def weights_of(rule: Rule) -> list[torch.Tensor]:
    return [p.detach().clone() for p in rule.network.parameters()]


def trained(rule: Rule, n_steps: int = 5, rate: float = 0.1) -> list[torch.Tensor]:
    """Weights after a few steps of gradient descent with momentum on different batches."""
    optimiser = torch.optim.SGD(rule.parameters(), lr=rate, momentum=0.9, weight_decay=0.1)
    for step in range(n_steps):
        rule.update(*batch(seed=step), optimiser.step)
    return weights_of(rule)


@pytest.mark.parametrize("name", [*RATE_RULES, *SPIKING_RULES])
def test_apply_is_called_once_after_the_whole_update_is_in_place(name: str) -> None:
    rule, (x, y) = prepared(name), batch()
    before = weights_of(rule)
    seen = []

    def apply() -> None:
        # The rule moves nothing itself: at this point the weights are still the old ones.
        assert all(torch.equal(a, b) for a, b in zip(before, weights_of(rule), strict=True))
        seen.append([p.grad is not None for p in rule.network.parameters()])

    loss = rule.update(x, y, apply)
    if rule.trains:
        assert seen == [[True] * len(before)]
    else:
        assert seen == []
    assert all(torch.equal(a, b) for a, b in zip(before, weights_of(rule), strict=True))
    assert loss.shape == ()
    assert not loss.requires_grad


@pytest.mark.parametrize("name", RATE_RULES)
def test_the_loss_is_the_cross_entropy_of_the_batch_before_the_update(name: str) -> None:
    rule, (x, y) = prepared(name), batch()
    scores = rule.network(x)
    expected = -scores.log_softmax(1)[torch.arange(len(y)), y].mean()
    optimiser = torch.optim.SGD(rule.network.parameters(), lr=1.0)
    torch.testing.assert_close(rule.update(x, y, optimiser.step), expected.detach())


@pytest.mark.parametrize("name", [*LEARNING, "surrogate"])
def test_training_moves_every_layer_and_one_seed_gives_the_same_bits(name: str) -> None:
    before = weights_of(prepared(name))
    first, second = trained(prepared(name)), trained(prepared(name))
    for old, a, b in zip(before, first, second, strict=True):
        assert torch.equal(a, b)
        assert not torch.equal(old, a)
    other = trained(prepared(name, seed=1))
    assert not torch.equal(first[0], other[0])


@pytest.mark.parametrize("name", [*LEARNING, "surrogate"])
def test_a_second_update_does_not_add_to_the_first(name: str) -> None:
    rule, (x, y) = prepared(name), batch()
    update_of(rule, *batch(seed=7))
    again = update_of(rule, x, y)
    fresh = prepared(name)
    if name == "surrogate":
        fresh.generator.set_state(torch_generator(0, "rule").get_state())
        rule.generator.set_state(torch_generator(0, "rule").get_state())
        again = update_of(rule, x, y)
    for a, b in zip(again, update_of(fresh, x, y), strict=True):
        assert torch.equal(a, b)


@pytest.mark.parametrize("name", LEARNING)
def test_a_batchs_update_is_the_mean_of_its_samples_updates(name: str) -> None:
    rule, (x, y) = prepared(name, double=True), batch()
    x = x.double()
    whole = update_of(rule, x, y)
    single = [update_of(rule, x[i : i + 1], y[i : i + 1]) for i in range(len(y))]
    for k, together in enumerate(whole):
        mean = torch.stack([update[k] for update in single]).mean(0)
        torch.testing.assert_close(together, mean, rtol=1e-12, atol=1e-15)


def test_a_spiking_batchs_update_is_the_mean_of_its_samples_updates(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rule, (x, y) = prepared("surrogate"), batch()
    drawn = rule.network.encode(x, torch_generator(0, "fixed"))

    def input_spikes(chosen: torch.Tensor) -> torch.Tensor:
        where = [int((x == row).all(1).nonzero()) for row in chosen]
        return drawn[:, where]

    monkeypatch.setattr(rule, "input_spikes", input_spikes)
    whole = update_of(rule, x, y)
    single = [update_of(rule, x[i : i + 1], y[i : i + 1]) for i in range(len(y))]
    for k, together in enumerate(whole):
        mean = torch.stack([update[k] for update in single]).mean(0)
        torch.testing.assert_close(together, mean, rtol=1e-4, atol=1e-6)
        assert together.abs().max() > 1e-3


@pytest.mark.parametrize("name", LEARNING)
def test_renaming_hidden_units_renames_their_updates(name: str) -> None:
    rule, (x, y) = prepared(name, double=True), batch()
    x = x.double()
    found = update_of(rule, x, y)
    order = [torch.randperm(n, generator=torch.Generator().manual_seed(n)) for n in (7, 6)]
    identity_in, identity_out = torch.arange(8), torch.arange(5)
    rows, columns = [*order, identity_out], [identity_in, *order]
    with torch.no_grad():
        for layer, r, c in zip(rule.network.layers, rows, columns, strict=True):
            layer.weight.copy_(layer.weight[r][:, c])
            layer.bias.copy_(layer.bias[r])
        for index, matrix in enumerate(rule.extra.parameters()):
            # FA: shaped as the forward weights above; DFA: (n_classes, n_l).
            r = rows[index + 1] if name == "feedback_alignment" else identity_out
            matrix.copy_(matrix[r][:, order[index]])
    renamed = update_of(rule, x, y)
    expected = [
        grad
        for layer, (r, c) in enumerate(zip(rows, columns, strict=True))
        for grad in (found[2 * layer][r][:, c], found[2 * layer + 1][r])
    ]
    for a, b in zip(renamed, expected, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-12, atol=1e-15)


def test_renaming_hidden_neurons_renames_the_updates_of_a_spiking_network() -> None:
    rule, (x, y) = prepared("surrogate"), batch()
    state = rule.generator.get_state()
    found = update_of(rule, x, y)
    order = torch.randperm(7, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        rule.network.weights[0].copy_(rule.network.weights[0][order])
        rule.network.weights[1].copy_(rule.network.weights[1][:, order])
    rule.generator.set_state(state)
    renamed = update_of(rule, x, y)
    torch.testing.assert_close(renamed[0], found[0][order], rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(renamed[1], found[1][:, order], rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(renamed[2], found[2], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", LEARNING)
def test_without_an_error_there_is_no_update(name: str) -> None:
    rule, (x, _) = prepared(name), batch()
    with torch.no_grad():
        rule.network.layers[-1].bias[2] = 1000.0  # certain to the last bit, and right
    y = torch.full((len(x),), 2)
    for update in update_of(rule, x, y):
        assert torch.count_nonzero(update) == 0


@pytest.mark.parametrize("name", LEARNING)
def test_saturated_and_silent_units_leave_finite_updates(name: str) -> None:
    rule, (x, y) = prepared(name), batch()
    with torch.no_grad():
        rule.network.layers[0].bias.fill_(-1e6)
        rule.network.layers[1].bias.fill_(1e6)
    for update in update_of(rule, x, y):
        assert torch.isfinite(update).all()


@pytest.mark.parametrize("name", [*LEARNING, "surrogate"])
def test_a_small_step_lowers_the_loss_of_its_own_batch(name: str) -> None:
    # For feedback alignment this holds at least through the output layer, whose update is exact.
    rule, (x, y) = prepared(name), batch(40)
    if name == "surrogate":
        state = rule.generator.get_state()
    optimiser = torch.optim.SGD(
        [list(rule.network.parameters())[-1 if name == "surrogate" else -2]], lr=0.05
    )
    before = rule.update(x, y, optimiser.step)
    if name == "surrogate":
        rule.generator.set_state(state)
    assert rule.update(x, y, lambda: None) < before


MLP_RULES = [name for name in ALL_RATE_RULES if "mlp" in RULES[name].networks]


@pytest.mark.parametrize("names", [MLP_RULES, SPIKING_RULES], ids=["rate", "spiking"])
def test_all_rules_of_a_kind_start_from_the_same_weights(names: list[str]) -> None:
    starts = [weights_of(prepared(name, seed=3)) for name in names]
    for name, start in zip(names[1:], starts[1:], strict=True):
        for a, b in zip(starts[0], start, strict=True):
            if getattr(make_rule(name), "radius", None) is None or a.ndim < 2:
                assert torch.equal(a, b)
            else:  # unsupervised rules choose the length of weight vectors, not their directions
                torch.testing.assert_close(
                    torch.nn.functional.normalize(a), torch.nn.functional.normalize(b)
                )


@pytest.mark.parametrize("name", RATE_RULES)
def test_activity_names_every_layer_and_ends_in_the_scores(name: str) -> None:
    rule, (x, _) = prepared(name), batch()
    activity = rule.activity(x)
    assert list(activity) == ["hidden1", "hidden2", "output"]
    assert [a.shape[1] for a in activity.values()] == [7, 6, 5]
    torch.testing.assert_close(activity["output"], rule.predict(x))
    assert not activity["output"].requires_grad


@pytest.mark.parametrize("name", [*ALL_RATE_RULES, *SPIKING_RULES])
def test_a_rule_refuses_a_network_of_the_other_kind_in_one_sentence(name: str) -> None:
    wrong: RateNetwork | SpikingClassifier
    wrong = MODEL.build(0) if name in SPIKING_RULES else SPIKING_MODEL.build(0)
    with pytest.raises(SpikelearnError) as raised:
        make_rule(name).prepare(wrong, torch_generator(0, "rule"))
    message = str(raised.value)
    assert "\n" not in message
    assert type(wrong).__name__ in message
    assert ("spiking" if name in SPIKING_RULES else "rate") in message
