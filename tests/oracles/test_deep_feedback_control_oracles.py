"""Deep feedback control against Gauss-Newton, backpropagation and its own dynamics, in 64 bits."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from spikelearn.networks.layers import Dense, RateNetwork
from spikelearn.rules.deep_feedback_control import DeepFeedbackControl, jacobians
from spikelearn.rules.rule import LayerPass, forward_pass, output_loss

SIZES = (8, 7, 6, 4)


def network(activation: str = "tanh", sizes: tuple[int, ...] = SIZES) -> RateNetwork:
    """A small network with biases away from zero."""
    generator = torch.Generator().manual_seed(3)
    layers = [
        Dense(n_in, n_out, activation if i < len(sizes) - 2 else "identity", generator)
        for i, (n_in, n_out) in enumerate(itertools.pairwise(sizes))
    ]
    made = RateNetwork(layers).double()
    with torch.no_grad():
        for layer in layers:
            layer.bias += 0.3 * torch.randn(layer.bias.shape, generator=generator)
    return made


def batch(n: int = 5) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(n, SIZES[0], generator=generator, dtype=torch.float64)
    return x, torch.randint(SIZES[-1], (n,), generator=generator)


def prepared(net: RateNetwork, **options: Any) -> DeepFeedbackControl:
    rule = DeepFeedbackControl(**options)
    rule.prepare(net, torch.Generator().manual_seed(2))
    rule.extra.double()
    return rule


def set_feedback(rule: DeepFeedbackControl, matrices: list[torch.Tensor]) -> None:
    with torch.no_grad():
        for q, matrix in zip(rule.extra["feedback"].parameters(), matrices, strict=True):
            q.copy_(matrix)


def state(
    rule: DeepFeedbackControl, x: torch.Tensor, y: torch.Tensor
) -> tuple[list[LayerPass], torch.Tensor]:
    """The pass without control, and each sample's error."""
    passes = forward_pass(rule.network, x)
    return passes, output_loss("cross_entropy", passes[-1].h, y)[1] * len(x)


def update_of(rule: DeepFeedbackControl, x: torch.Tensor, y: torch.Tensor) -> list[torch.Tensor]:
    rule.update(x, y, lambda: None)
    return [p.grad.clone() for p in rule.network.parameters()]


def distance(found: list[torch.Tensor], expected: list[torch.Tensor]) -> float:
    """Relative distance, by norm, of all tensors together."""
    gap = sum(float((a - b).square().sum()) for a, b in zip(found, expected, strict=True))
    return float((gap / sum(float(b.square().sum()) for b in expected)) ** 0.5)


def by_differences(net: RateNetwork, sample: torch.Tensor) -> np.ndarray:
    """dv_L / d(v_1 ... v_L) of one sample by central differences, (n_classes, all units)."""
    layers = list(net)

    @torch.no_grad()
    def scores(shift: torch.Tensor) -> torch.Tensor:
        h, used = sample, 0
        for layer in layers:
            n = layer.out_shape[0]
            h = layer.activate(layer.drive(h) + shift[used : used + n])
            used += n
        return h[0]

    n_units = sum(layer.out_shape[0] for layer in layers)
    columns = []
    for unit in torch.eye(n_units, dtype=torch.float64):
        columns.append((scores(1e-5 * unit) - scores(-1e-5 * unit)) / 2e-5)
    return torch.stack(columns, 1).numpy()


# --- The steady state.


def test_the_jacobians_are_those_of_the_network() -> None:
    net, (x, _) = network(), batch()
    found = torch.cat(jacobians(forward_pass(net, x)), 2).detach().numpy()
    for sample, jacobian in zip(x, found, strict=True):
        np.testing.assert_allclose(jacobian, by_differences(net, sample[None]), atol=1e-9)


@pytest.mark.parametrize("feedback", ["jacobian", "fixed"])
@pytest.mark.parametrize("proportional", [0.0, 0.5])
def test_without_leak_the_controlled_output_reaches_its_target(
    feedback: str, proportional: float
) -> None:
    net, (x, y) = network(), batch()
    rule = prepared(
        net, alpha=0.0, feedback=feedback, proportional=proportional, target_step=0.1,
        dynamics="steps", n_steps=1800, dt=0.2,
    )  # fmt: skip
    passes, error = state(rule, x, y)
    with torch.no_grad():
        values, _, _ = rule.integrate(passes, error)
    target = passes[-1].h - 0.1 * error
    assert float((passes[-1].h - target).norm()) > 0.1
    assert float((values[-1] - target).abs().max()) < 1e-10


def test_with_leak_the_controlled_output_stays_short_of_its_target() -> None:
    net, (x, y) = network(), batch()
    options: dict[str, Any] = {"feedback": "jacobian", "dynamics": "steps", "n_steps": 500}
    gaps = []
    for alpha in (0.1, 1.0):
        rule = prepared(net, alpha=alpha, dt=0.2, **options)
        passes, error = state(rule, x, y)
        with torch.no_grad():
            gaps.append((rule.integrate(passes, error)[0][-1] - passes[-1].h + 0.1 * error).norm())
    assert 0.01 < gaps[0] < gaps[1] < 0.1 * error.norm()


@pytest.mark.parametrize("feedback", ["jacobian", "fixed"])
@pytest.mark.parametrize("compare", ["rates", "voltages"])
@pytest.mark.parametrize("proportional", [0.0, 0.5])
def test_the_closed_form_is_where_the_time_steps_end(
    feedback: str, compare: str, proportional: float
) -> None:
    net, (x, y) = network(), batch()
    gaps = []
    for target_step in (1e-2, 1e-3, 1e-4):
        options: dict[str, Any] = {
            "feedback": feedback, "compare": compare, "proportional": proportional,
            "target_step": target_step,
        }  # fmt: skip
        closed = update_of(prepared(net, **options), x, y)
        rule = prepared(net, **options, dynamics="steps", n_steps=900, dt=0.2)
        gaps.append(distance(update_of(rule, x, y), closed))
    # They part only in the second order of the step.
    assert gaps[0] < 0.05
    assert gaps[1] / gaps[0] == pytest.approx(0.1, rel=0.1)
    assert gaps[2] / gaps[1] == pytest.approx(0.1, rel=0.1)


def test_at_the_steady_state_a_neuron_sees_control_as_voltage_less_forward_input() -> None:
    net, (x, y) = network(), batch()
    rule = prepared(net, feedback="jacobian", dynamics="steps", n_steps=1500, dt=0.2)
    with torch.no_grad():
        passes, error = state(rule, x, y)
        values, reads, controls = rule.integrate(passes, error)
        for layer, v, r, control in zip(net, values, reads, controls, strict=True):
            torch.testing.assert_close(v - layer.drive(r), control, rtol=1e-8, atol=1e-11)
        rates = rule.teaching(passes, error)[1]
        for layer, v, r, found in zip(net, values, reads, rates, strict=True):
            expected = layer.activate(v) - layer.activate(layer.drive(r))
            torch.testing.assert_close(found, expected, rtol=1e-7, atol=1e-11)


def test_the_time_steps_are_the_equations_written_out_by_hand() -> None:
    net, (x, y) = network(), batch()
    options = {
        "alpha": 0.3,
        "proportional": 0.4,
        "target_step": 0.2,
        "dt": 0.05,
        "n_steps": 30,
        "controller_time": 2.0,
    }
    rule = prepared(net, feedback="fixed", dynamics="steps", compare="rates", **options)
    feedback = [q.detach().numpy().T for q in rule.extra["feedback"].parameters()]
    layers = [(layer.weight.detach().numpy(), layer.bias.detach().numpy()) for layer in net]
    total = [np.zeros_like(p) for pair in layers for p in pair]
    for sample, label in zip(x.numpy(), y.numpy(), strict=True):
        v, r = [], sample
        for index, (w, b) in enumerate(layers):
            v.append(w @ r + b)
            r = np.tanh(v[-1]) if index < len(layers) - 1 else v[-1]
        error = np.exp(v[-1]) / np.exp(v[-1]).sum()
        error[label] -= 1
        goal, integral = v[-1] - 0.2 * error, np.zeros_like(error)
        u = integral
        for _ in range(30):
            d = goal - v[-1]
            integral = integral + 0.05 / 2.0 * (d - 0.3 * integral)
            u = integral + 0.4 * d
            below = [sample, *(np.tanh(a) for a in v[:-1])]
            v = [
                a + 0.05 * (-a + w @ r + b + q @ u)
                for a, r, (w, b), q in zip(v, below, layers, feedback, strict=True)
            ]
        below = [sample, *(np.tanh(a) for a in v[:-1])]
        for index, (r, q) in enumerate(zip(below, feedback, strict=True)):
            basal, phi = v[index] - q @ u, np.tanh if index < len(layers) - 1 else np.asarray
            difference = (phi(v[index]) - phi(basal)) / -0.2
            total[2 * index] += np.outer(difference, r) / len(y)
            total[2 * index + 1] += difference / len(y)
    expected = [torch.from_numpy(t) for t in total]
    assert distance(update_of(rule, x, y), expected) < 1e-11


# --- What the update is.


@pytest.mark.parametrize("alpha", [0.0, 0.2])
def test_with_transposed_jacobians_control_is_the_damped_pseudo_inverse(alpha: float) -> None:
    net, (x, y) = network(), batch()
    rule = prepared(net, alpha=alpha, feedback="jacobian", target_step=0.1)
    passes, error = state(rule, x, y)
    with torch.no_grad():
        found = torch.cat(rule.steady_state(passes, error), 1).numpy()
    for sample, e, control in zip(x, error.numpy(), found, strict=True):
        j = by_differences(net, sample[None])
        if alpha:
            inverse = j.T @ np.linalg.inv(j @ j.T + alpha * np.eye(len(e)))
        else:
            inverse = np.linalg.pinv(j)
        np.testing.assert_allclose(control, inverse @ (-0.1 * e), atol=1e-9)


def test_the_update_is_that_control_times_what_the_layer_reads() -> None:
    net, (x, y) = network(), batch()
    rule = prepared(net, alpha=0.2, feedback="jacobian", compare="voltages", target_step=0.1)
    passes, error = state(rule, x, y)
    with torch.no_grad():
        controls = rule.steady_state(passes, error)
    found = update_of(rule, x, y)
    for p, control, weight, bias in zip(passes, controls, found[::2], found[1::2], strict=True):
        scaled = control / (-0.1 * len(x))
        torch.testing.assert_close(weight, scaled.T @ p.below, rtol=1e-12, atol=1e-14)
        torch.testing.assert_close(bias, scaled.sum(0), rtol=1e-12, atol=1e-14)
    # Comparing rates weighs each neuron with its slope.
    rule = prepared(net, alpha=0.2, feedback="jacobian", compare="rates", target_step=0.1)
    for p, control, bias in zip(passes, controls, update_of(rule, x, y)[1::2], strict=True):
        slopes = p.layer.slope(p.z, p.h) if p.layer.activation == "tanh" else 1.0
        torch.testing.assert_close(
            bias, (control * slopes / (-0.1 * len(x))).sum(0), rtol=1e-12, atol=1e-14
        )


def test_any_feedback_in_the_column_space_of_the_jacobian_gives_the_same_control() -> None:
    net, (x, y) = network(), batch(1)
    passes, error = state(prepared(net), x, y)
    generator = torch.Generator().manual_seed(4)
    mixing = torch.eye(4) + 0.3 * torch.randn(4, 4, generator=generator)
    to_output = [j[0].detach() for j in jacobians(passes)]
    expected = np.linalg.pinv(by_differences(net, x)) @ (-0.1 * error[0].numpy())
    rule = prepared(net, alpha=0.0, feedback="fixed")
    # Q_l = J_l^T A; the code keeps Q_l^T.
    set_feedback(rule, [mixing.double().T @ j for j in to_output])
    with torch.no_grad():
        found = torch.cat(rule.steady_state(passes, error), 1)[0].numpy()
        np.testing.assert_allclose(found, expected, atol=1e-9)
        # Feedback outside of it drives the output to the same target at a higher price.
        outside = [j + 0.3 * torch.randn(j.shape, generator=generator).double() for j in to_output]
        set_feedback(rule, outside)
        other = torch.cat(rule.steady_state(passes, error), 1)[0].numpy()
    np.testing.assert_allclose(by_differences(net, x) @ other, -0.1 * error[0].numpy(), atol=1e-9)
    assert np.linalg.norm(other) > 1.01 * np.linalg.norm(expected)


@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_a_controller_that_leaks_strongly_makes_it_backprop(activation: str) -> None:
    net, (x, y) = network(activation), batch()
    loss = output_loss("cross_entropy", net(x), y)[0]
    gradient = list(torch.autograd.grad(loss, list(net.parameters())))
    gaps = []
    for alpha in (1e4, 1e6, 1e8):
        rule = prepared(net, alpha=alpha, feedback="jacobian", compare="voltages")
        gaps.append(distance([alpha * g for g in update_of(rule, x, y)], gradient))
    assert gaps[1] / gaps[0] == pytest.approx(0.01, rel=0.05)
    assert gaps[2] < 1e-6


@pytest.mark.parametrize("compare", ["rates", "voltages"])
def test_the_update_does_not_depend_on_the_size_of_the_target_step(compare: str) -> None:
    net, (x, y) = network(), batch()
    options: dict[str, Any] = {"feedback": "fixed", "compare": compare}
    one, two = (update_of(prepared(net, **options, target_step=s), x, y) for s in (1e-3, 1.0))
    assert distance(one, two) < 1e-12


# --- Feedback that learns.


def learn_feedback(rule: DeepFeedbackControl, x: torch.Tensor, n_steps: int) -> None:
    with torch.no_grad():
        passes = forward_pass(rule.network, x)
        for step in range(n_steps):
            rule.teach_feedback(passes)
            for q in rule.extra["feedback"].parameters():
                if q.grad is not None:
                    q.sub_(q.grad, alpha=0.05 * (1 - step / n_steps))
                    q.grad = None


@pytest.mark.parametrize("activation", ["identity", "tanh"])
def test_feedback_learns_the_mean_jacobian(activation: str) -> None:
    net, (x, _) = network(activation), batch(40)
    rule = prepared(net, sigma=1e-3)
    learn_feedback(rule, x, 800)
    with torch.no_grad():
        wanted = [j.mean(0) for j in jacobians(forward_pass(net, x))]
    found = [q.detach() for q in rule.extra["feedback"].parameters()]
    assert torch.equal(found[-1], torch.eye(4, dtype=torch.float64))
    for q, j in zip(found[:-1], wanted[:-1], strict=True):
        assert nn.functional.cosine_similarity(q.flatten(), j.flatten(), dim=0) > 0.995
        assert float((q - j).norm() / j.norm()) < 0.1


def test_feedback_that_has_learned_makes_a_linear_network_learn_by_gauss_newton() -> None:
    net, (x, y) = network("identity"), batch(40)
    rule = prepared(net, sigma=1e-3)
    before = update_of(rule, x, y)
    learn_feedback(rule, x, 800)
    wanted = update_of(prepared(net, feedback="jacobian"), x, y)
    assert distance(update_of(rule, x, y), wanted) < 0.05
    assert distance(before, wanted) > 0.2


def test_the_noise_moves_no_forward_weight() -> None:
    net, (x, y) = network(), batch()
    rule = prepared(net)
    with_gradient: list[list[str]] = []

    def apply() -> None:
        named = [*rule.network.named_parameters(), *rule.extra.named_parameters()]
        with_gradient.append([name for name, p in named if p.grad is not None])
        for _, p in named:
            p.grad = None

    rule.update(x, y, apply)
    assert with_gradient[0] == ["feedback.0", "feedback.1"]
    assert with_gradient[1] == [name for name, _ in net.named_parameters()]
