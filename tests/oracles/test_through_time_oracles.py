"""Rules for recurrent networks against automatic differentiation, in 64-bit arithmetic."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from spikelearn._errors import SpikelearnError
from spikelearn.networks.recurrent import Recurrent
from spikelearn.rules import make_rule
from spikelearn.rules.small_network import record, replay
from tests.oracles.recurrent_networks import (
    KINDS,
    LOSSES,
    RECURRENT_RULES,
    Gradients,
    assert_close,
    batch,
    by_hand,
    cosine,
    gradient,
    loss_of,
    network,
    prepared,
    update_of,
)


def test_the_gated_network_is_torchs_own() -> None:
    net = network("gru")
    theirs = torch.nn.GRU(3, 6, batch_first=True, dtype=torch.float64)
    order = [1, 0, 2]  # torch stacks reset, update, new; and its update gate keeps the old state
    w = net.cell.weight.detach().unflatten(0, (3, 6))[order].flatten(0, 1)
    b = net.cell.bias.detach().unflatten(0, (3, 6))[order].flatten(0, 1)
    w[6:12], b[6:12] = -w[6:12], -b[6:12]
    theirs.load_state_dict(
        {
            "weight_ih_l0": w[:, :3],
            "weight_hh_l0": w[:, 3:],
            "bias_ih_l0": b,
            "bias_hh_l0": torch.zeros(18),
        }
    )
    x = batch()[0]
    torch.testing.assert_close(net.unroll(x).h, theirs(x.reshape(7, 5, 3))[0])


def test_the_elman_network_without_leak_is_torchs_own() -> None:
    net = Recurrent(kind="elman", name="m", n_steps=5, row=3, hidden=6).build(0).double()
    theirs = torch.nn.RNN(3, 6, batch_first=True, dtype=torch.float64)
    weight = net.cell.weight.detach()
    theirs.load_state_dict(
        {
            "weight_ih_l0": weight[:, :3],
            "weight_hh_l0": weight[:, 3:],
            "bias_ih_l0": net.cell.bias.detach(),
            "bias_hh_l0": torch.zeros(6),
        }
    )
    x = batch()[0]
    torch.testing.assert_close(net.unroll(x).h, theirs(x.reshape(7, 5, 3))[0])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("loss", LOSSES)
def test_backpropagation_through_time_is_the_gradient(kind: str, loss: str) -> None:
    net, (x, y) = network(kind), batch()
    rule = prepared("backprop_through_time", net, loss=loss)
    assert_close(update_of(rule, x, y), gradient(net, x, y, loss))


@pytest.mark.parametrize("kind", KINDS)
def test_random_feedback_with_the_forward_weights_is_backpropagation_through_time(
    kind: str,
) -> None:
    net, (x, y) = network(kind), batch()
    rule = prepared("random_feedback_through_time", net)
    drawn = update_of(rule, x, y)
    with torch.no_grad():
        from_output, from_state = rule.extra["feedback"].parameters()
        from_output.copy_(net.output.weight)
        from_state.copy_(net.cell.weight[:, 3:])
    expected = update_of(prepared("backprop_through_time", net), x, y)
    found = update_of(rule, x, y)
    assert all(torch.equal(a, b) for a, b in zip(found, expected, strict=True))
    assert all(torch.equal(a, b) for a, b in zip(drawn[2:], expected[2:], strict=True))
    assert abs(cosine(drawn[0], expected[0])) < 0.9


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("feedback", ["random", "symmetric"])
def test_traces_carried_forwards_add_up_to_the_update_from_stored_activity(
    kind: str, feedback: str
) -> None:
    net, (x, y) = network(kind), batch()
    stored = update_of(prepared("eprop", net, feedback=feedback), x, y)
    assert_close(update_of(prepared("eprop", net, feedback=feedback, traces=True), x, y), stored)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("loss", LOSSES)
def test_eprop_is_the_gradient_that_does_not_pass_between_units(kind: str, loss: str) -> None:
    net, (x, y) = network(kind), batch()
    rule = prepared("eprop", net, feedback="symmetric", loss=loss)
    cut = torch.autograd.grad(
        loss_of(net, x, y, loss, cut_between_units=True), list(net.parameters())
    )
    assert_close(update_of(rule, x, y), list(cut))
    full = gradient(net, x, y, loss)
    assert 0.3 < cosine(cut[0], full[0]) < 0.9999


@pytest.mark.parametrize("kind", KINDS)
def test_eprop_over_one_step_is_backpropagation(kind: str) -> None:
    net, (x, y) = network(kind, n_steps=1), batch(n_steps=1)
    rule = prepared("eprop", net, feedback="symmetric")
    # Of one step, U sees a silent past: its gradient is zero.
    found, expected = update_of(rule, x, y), gradient(net, x, y, "cross_entropy")
    assert_close([found[0][:, :3], *found[1:]], [expected[0][:, :3], *expected[1:]])
    assert not found[0][:, 3:].any()


@pytest.mark.parametrize("kind", KINDS)
def test_eprop_with_random_feedback_does_not_read_the_output_weights(kind: str) -> None:
    net, (x, y) = network(kind), batch()
    rule = prepared("eprop", net)
    error = torch.randn(7, 4, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    with torch.no_grad():
        run = net.unroll(x)
        rule._leave(run, error, y)
        before = net.cell.weight.grad.clone()
        net.output.weight.mul_(-3)
        rule._leave(run, error, y)
    assert torch.equal(before, net.cell.weight.grad)


@pytest.mark.parametrize("kind", KINDS)
def test_predictive_coding_with_fixed_predictions_relaxes_to_the_gradient(kind: str) -> None:
    net, (x, y) = network(kind), batch()
    truth = gradient(net, x, y, "cross_entropy")
    exact = prepared("predictive_coding_through_time", net, n_steps=5)
    assert_close(update_of(exact, x, y), truth)
    slow = prepared("predictive_coding_through_time", net, n_steps=300, rate=0.2)
    assert_close(update_of(slow, x, y), truth, 1e-10)


@pytest.mark.parametrize("kind", KINDS)
def test_before_the_error_arrives_early_steps_learn_nothing(kind: str) -> None:
    net, (x, y) = network(kind), batch()
    early = x.clone().reshape(7, 5, 3)
    early[:, 3:] = 0  # only the first three steps have an input
    rule = prepared("predictive_coding_through_time", net, n_steps=2)
    update = update_of(rule, early.flatten(1), y)[0]
    assert not update[:, :3].any()
    rule = prepared("predictive_coding_through_time", net, n_steps=3)
    assert update_of(rule, early.flatten(1), y)[0][:, :3].any()


@pytest.mark.parametrize("kind", KINDS)
def test_free_predictive_coding_descends_its_energy_to_a_stationary_point(kind: str) -> None:
    net, (x, y) = network(kind), batch()
    rule = prepared(
        "predictive_coding_through_time", net, n_steps=2000, rate=0.1, predictions="free"
    )
    found = update_of(rule, x, y)
    # The same minimum by automatic differentiation of the energy.
    with torch.no_grad():
        states = net.unroll(x).h
    states.requires_grad_()

    def energy() -> torch.Tensor:
        before = torch.cat([torch.zeros_like(states[:, :1]), states[:, :-1]], 1)
        rows = x.reshape(7, 5, 3)
        predicted = torch.stack(
            [by_hand(net.cell, rows[:, t], before[:, t], before[:, t]) for t in range(5)], 1
        )
        scores = states[:, -1] @ net.output.weight.T + net.output.bias
        free = 0.5 * (states - predicted).square().sum()
        return free + torch.nn.functional.cross_entropy(scores, y)

    descent = torch.optim.LBFGS([states], max_iter=500, tolerance_grad=1e-12, tolerance_change=0)

    def closure() -> torch.Tensor:
        descent.zero_grad()
        value = energy()
        value.backward()
        return value

    descent.step(closure)
    expected = torch.autograd.grad(energy(), net.cell.weight)[0]
    torch.testing.assert_close(found[0], expected, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n_guesses", [None, 1, 3, 9])
def test_local_losses_are_the_gradient_that_does_not_pass_between_steps(
    kind: str, n_guesses: int | None
) -> None:
    net, (x, y) = network(kind), batch()
    guessing = min(n_guesses or 5, 5)
    total, h = torch.zeros(()), torch.zeros(7, 6, dtype=torch.float64)
    for step, row in enumerate(x.reshape(7, 5, 3).unbind(1)):
        past = h.detach()
        h = by_hand(net.cell, row, past, past)
        if step >= 5 - guessing:
            loss = torch.nn.functional.cross_entropy(net.output(h), y)
            total = total + loss / guessing
    expected = torch.autograd.grad(total, list(net.parameters()))
    rule = prepared("local_losses_through_time", net, n_guesses=n_guesses)
    assert_close(update_of(rule, x, y), list(expected))


@pytest.mark.parametrize("kind", KINDS)
def test_local_losses_can_guess_the_row_that_comes_next(kind: str) -> None:
    model = Recurrent(kind=kind, name="m", n_steps=5, row=3, hidden=6, n_classes=3, leak=0.4)
    net = model.build(0).double()
    symbols = torch.randint(3, (7, 6), generator=torch.Generator().manual_seed(1))
    x = torch.nn.functional.one_hot(symbols[:, :5], 3).double()
    total, h = torch.zeros(()), torch.zeros(7, 6, dtype=torch.float64)
    for step in range(5):
        past = h.detach()
        h = by_hand(net.cell, x[:, step], past, past)
        total = total + torch.nn.functional.cross_entropy(net.output(h), symbols[:, step + 1]) / 5
    expected = torch.autograd.grad(total, list(net.parameters()))
    rule = prepared("local_losses_through_time", net, targets="next_row")
    assert_close(update_of(rule, x.flatten(1), symbols[:, 5]), list(expected))
    with pytest.raises(SpikelearnError, match="rows of 3 and has 4 classes; use targets label"):
        prepared("local_losses_through_time", network(kind), targets="next_row")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", RECURRENT_RULES)
def test_relabelling_the_hidden_units_relabels_the_update(name: str, kind: str) -> None:
    net, twin = network(kind), network(kind)
    order = torch.tensor([3, 0, 5, 1, 4, 2])
    rows = torch.cat([order + 6 * block for block in range(net.cell.blocks)])
    columns = torch.cat([torch.arange(3), 3 + order])

    def relabelled(tensors: Gradients) -> Gradients:
        weight, bias, output, output_bias = tensors
        return [weight[rows][:, columns], bias[rows], output[:, order], output_bias]

    rule, other = prepared(name, net), prepared(name, twin)
    drawn = record(rule)
    with torch.no_grad():
        for old, new in zip(twin.parameters(), relabelled(list(net.parameters())), strict=True):
            old.copy_(new)
        # Feedback from the output, and through time.
        for old, new in zip(other.extra.parameters(), rule.extra.parameters(), strict=True):
            old.copy_(new[:, order] if len(new) == 4 else new[rows][:, order])
    x, y = batch()
    found = relabelled(update_of(rule, x, y))
    replay(other, [(d[..., rows] if d.shape[-1] == len(rows) else d, axes) for d, axes in drawn])
    assert_close(update_of(other, x, y), found)


@pytest.mark.parametrize(
    ("name", "options", "sentence"),
    [
        ("local_losses_through_time", {"n_guesses": 0}, "'n_guesses' must be a number at least 1"),
        ("local_losses_through_time", {"targets": "word"}, "'targets' must be one of label, next"),
        ("eprop", {"feedback": "learned"}, "'feedback' must be one of symmetric, random"),
        ("eprop", {"traces": 2}, "'traces' must be one of True, False"),
        ("random_feedback_through_time", {"scale": -1.0}, "'scale' must be a number at least 0"),
        ("node_perturbation_through_time", {"sigma": 0.0}, "'sigma' must be a number at least"),
        ("node_perturbation_through_time", {"n_directions": 0}, "'n_directions' must be a number"),
        ("predictive_coding_through_time", {"rate": 2.0}, "'rate' must be a number from 0 to 1"),
        ("predictive_coding_through_time", {"predictions": "no"}, "'predictions' must be one of"),
        ("backprop_through_time", {"loss": "hinge"}, "'loss' must be one of cross_entropy"),
    ],
)
def test_options_that_cannot_be_are_refused_in_one_sentence(
    name: str, options: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(SpikelearnError, match=sentence) as raised:
        make_rule(name, **options)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("kind", KINDS)
def test_the_direct_derivatives_are_those_of_a_step(kind: str) -> None:
    cell = network(kind).cell
    generator = torch.Generator().manual_seed(2)
    size = cell.blocks * cell.hidden
    p, q = (torch.randn(9, size, generator=generator, dtype=torch.float64) for _ in range(2))
    h = torch.randn(9, cell.hidden, generator=generator, dtype=torch.float64)
    for tensor in (p, q, h):
        tensor.requires_grad_()
    ones = torch.ones(9, cell.hidden, dtype=torch.float64)
    # Every unit's step depends on its own p, q and h alone: summing them hides nothing.
    expected = torch.autograd.grad(cell.step(p, q, h), [h, p, q], ones)
    found = cell.partials(p, q, h)
    for a, b in zip((found.keep, found.by_p, found.by_q), expected, strict=True):
        torch.testing.assert_close(a, b)
