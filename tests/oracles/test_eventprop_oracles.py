"""EventProp against closed forms, finite differences, and spike times found by bisection."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch

from spikelearn._errors import SpikelearnError
from spikelearn.networks import spike_times
from spikelearn.networks.latency_mlp import LatencyClassifier, LatencyMLP
from spikelearn.networks.mlp import MLP
from spikelearn.rules.eventprop import EventProp
from spikelearn.simulation import simulate
from spikelearn.spikes.activity import PopulationSpikes
from spikelearn.stimuli.stimulus import Stimulus
from tests.oracles.latency_by_kernels import by_kernels

TAU_MS = 10.0
Tensors = list[torch.Tensor]


def network(sizes: tuple[int, ...], seed: int = 1, **fields: Any) -> LatencyClassifier:
    settings = {"weight_mean": 8.0, "weight_sd": 8.0} | fields
    return LatencyMLP(name="small", sizes=sizes, **settings).build(seed).double()


def prepared(net: LatencyClassifier, **options: Any) -> EventProp:
    rule = EventProp(**({"min_slope": 0.0, "silent_after": 10**6} | options))
    rule.prepare(net, torch.Generator())
    rule.extra.double()
    return rule


def data(n_inputs: int, n: int = 6, n_classes: int = 5) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(3)
    x = torch.rand(n, n_inputs, generator=generator, dtype=torch.float64)
    return x, torch.arange(n) % n_classes


def update_of(rule: EventProp, x: torch.Tensor, y: torch.Tensor) -> Tensors:
    found: Tensors = []
    rule.update(x, y, lambda: found.extend(p.grad.clone() for p in rule.network.weights))
    return found


def counts(net: LatencyClassifier, x: torch.Tensor) -> Tensors:
    return [
        spike_times.counts(layer.spikes, (len(x), layer.state.a.shape[2]), x) for layer in net(x)
    ]


# --- Closed forms: one input spike of weight w at t0 makes V = w (r - r^2), r = exp(-(t-t0)/tau_m).


def one_synapse(weights: list[float], **fields: Any) -> tuple[LatencyClassifier, torch.Tensor]:
    net = network((1, len(weights)), readout="first_spike", **fields)
    with torch.no_grad():
        net.weights[0].copy_(torch.tensor(weights, dtype=torch.float64).unsqueeze(1))
    return net, torch.tensor([[0.7]], dtype=torch.float64)  # which spikes at 3 ms


def test_one_spike_through_one_synapse_comes_when_the_formula_says() -> None:
    net, x = one_synapse([4.5, 9.0, 3.99])
    (layer,) = net(x)
    (first,) = layer.spikes
    assert first.neuron.tolist() == [0, 1]  # 4 mV would only touch the threshold
    for u, w in zip(first.u.tolist(), (4.5, 9.0), strict=True):
        r = (1.0 + math.sqrt(1.0 - 4.0 / w)) / 2.0
        assert -TAU_MS * math.log(u) == pytest.approx(3.0 - TAU_MS * math.log(r), rel=1e-13)


def test_the_gradient_of_one_spike_through_one_synapse_is_the_formulas() -> None:
    net, x = one_synapse([4.5, 9.0])
    rule = prepared(net, softness_ms=2.0)
    (found,) = update_of(rule, x, torch.tensor([0]))
    t_ms, by_w = [], []
    for w in (4.5, 9.0):
        r = (1.0 + math.sqrt(1.0 - 4.0 / w)) / 2.0
        t_ms.append(3.0 - TAU_MS * math.log(r))
        by_w.append(-TAU_MS / r / (w * w * (2.0 * r - 1.0)))
    p = torch.tensor(t_ms, dtype=torch.float64).div(-2.0).softmax(0).tolist()
    # dC/dt = (label - softmax) / softness
    expected = [(1.0 - p[0]) / 2.0 * by_w[0], -p[1] / 2.0 * by_w[1]]
    np.testing.assert_allclose(found.flatten().tolist(), expected, rtol=1e-12)


def test_a_neuron_fires_again_after_its_reset_and_no_more_than_it_may() -> None:
    # After a reset at u_s, V = w (u - u^2) - theta u / u_s, until the current is spent.
    w = 30.0
    expected, a = [], w
    while a * a > 4.0 * w:
        expected.append((a + math.sqrt(a * a - 4.0 * w)) / (2.0 * w))
        a -= 1.0 / expected[-1]
    assert len(expected) > 4
    for allowed in (2, 100):
        net = network((1, 1, 1), max_spikes=allowed)
        with torch.no_grad():
            net.weights[0].fill_(w)
        spikes = net(torch.ones(1, 1, dtype=torch.float64))[0].spikes
        found = [part.u.item() for part in spikes]
        np.testing.assert_allclose(found, expected[:allowed], rtol=1e-12)


def test_the_highest_potential_of_one_input_is_a_quarter_of_its_weight() -> None:
    net = network((1, 2), readout="potential")
    with torch.no_grad():
        net.weights[0].copy_(torch.tensor([[3.0], [-2.0]]))
    rule, x = prepared(net), torch.ones(1, 1, dtype=torch.float64)
    np.testing.assert_allclose(rule.predict(x).tolist(), [[0.75, 0.0]], rtol=1e-14)
    (found,) = update_of(rule, x, torch.tensor([0]))
    p = math.exp(0.0) / (math.exp(0.75) + 1.0)
    np.testing.assert_allclose(found.flatten().tolist(), [-0.25 * p, 0.0], rtol=1e-13)


# --- Finite differences.


@pytest.mark.parametrize("readout", ["potential", "first_spike"])
@pytest.mark.parametrize("sizes", [(20, 5), (20, 15, 5), (20, 14, 12, 5)])
def test_the_gradient_is_that_of_finite_differences_while_no_spike_comes_or_goes(
    sizes: tuple[int, ...], readout: str
) -> None:
    net = network(sizes, readout=readout)
    rule, (x, y) = prepared(net), data(20)
    before = counts(net, x)
    for layer in before[:-1]:
        assert layer.max() >= 3, "resets are part of what is tested"
    step = 1e-6
    for weight, gradient in zip(net.weights, update_of(rule, x, y), strict=True):
        flat, checked = weight.data.view(-1), 0
        for i in range(0, weight.numel(), 5):
            old, losses, same = flat[i].item(), [], True
            for sign in (1.0, -1.0):
                flat[i] = old + sign * step
                losses.append(rule.objective(x, y).item())
                same &= all(map(torch.equal, counts(net, x), before))
            flat[i] = old
            assert same, "a spike came or went"
            slope = (losses[0] - losses[1]) / (2.0 * step)
            assert abs(slope - gradient.reshape(-1)[i].item()) < 1e-8
            checked += 1
        assert checked >= 10
        assert gradient.abs().max() > 1e-2


# --- An implementation of its own.


@pytest.mark.parametrize("readout", ["potential", "first_spike"])
def test_the_gradient_is_that_of_kernels_bisection_and_automatic_differentiation(
    readout: str,
) -> None:
    net = network((7, 5, 4, 3), readout=readout, weight_mean=14.0, duration_ms=20.0)
    x, y = data(7, n=3, n_classes=3)
    expected, n_spikes = by_kernels(net, x, y)
    assert n_spikes == sum(int(part.sum()) for part in counts(net, x)[:-1]) > 30
    for a, b in zip(update_of(prepared(net), x, y), expected, strict=True):
        assert b.norm() > 1e-3, "nothing to be compared"
        assert float((a - b).norm() / b.norm()) < 1e-9


# --- The adjoint equations, integrated.


def test_the_adjoint_variables_solve_the_papers_equations() -> None:
    # One hidden neuron: lambda_I at its inputs is dC/dw; integrate backwards from its spikes.
    net = network((9, 1, 2), readout="first_spike", weight_mean=30.0, max_spikes=3)
    with torch.no_grad():
        net.weights[1].copy_(torch.tensor([[6.0], [4.0]]))
    x, y = data(9, n=1)
    rule = prepared(net)
    found = update_of(rule, x, y)[0][0]
    layers = net(x)
    spikes = [(float(net.time_ms(part.u)[0]), float(part.u[0])) for part in layers[0].spikes]
    assert len(spikes) == 3
    # dC/dt of the hidden spikes, by finite differences of what the output makes of their times.
    by_time = []
    scale = [-1.0, 1.0]
    for index in range(len(spikes)):
        losses = []
        for sign in scale:
            times = [t + sign * 1e-5 * (i == index) for i, (t, _) in enumerate(spikes)]
            u = torch.tensor([[math.exp(-t / TAU_MS) for t in times]], dtype=torch.float64)
            slots = torch.arange(3)
            volley = spike_times.Volley(u, net.u_end, torch.zeros(3, dtype=torch.int64), slots)
            state = spike_times.potential(volley, net.weights[1].detach())
            first = spike_times.fire(state, 1.0, 1)[0]
            assert len(first.u) == 2
            losses.append(
                torch.nn.functional.cross_entropy(-net.time_ms(first.u)[None], y[:1]).item()
            )
        by_time.append((losses[1] - losses[0]) / 2e-5)
    # Forwards: slopes at the spikes, by Euler's steps so small that they are exact to 1e-4.
    dt, v, current, slopes = 1e-4, 0.0, 0.0, []
    inputs = {
        round((1.0 - p) * 10.0 / 0.5) * 0.5: 0.0 for p in x[0].tolist() if p >= 0.1
    }  # fmt: skip
    for j, p in enumerate(x[0].tolist()):
        if p >= 0.1:
            inputs[round((1.0 - p) * 20.0) * 0.5] += net.weights[0][0, j].item()
    arrivals = {round(t / dt): w for t, w in inputs.items()}
    fired = [round(t / dt) for t, _ in spikes]
    for step in range(round(30.0 / dt)):
        current += arrivals.get(step, 0.0)
        if step in fired:
            slopes.append((-v + current) / TAU_MS)
            v = 0.0
        v, current = v + dt * (current - v) / TAU_MS, current - dt * current / (TAU_MS / 2.0)
    # Backwards.
    lambda_v = lambda_i = 0.0
    at: dict[int, float] = {}
    for step in range(round(30.0 / dt), -1, -1):
        if step in fired:
            k = fired.index(step)
            before, after = slopes[k], slopes[k] + 1.0 / TAU_MS
            lambda_v = (after / before) * lambda_v - by_time[k] / before
        if step in arrivals:
            at[step] = lambda_i
        lambda_i += dt * (lambda_v / TAU_MS - lambda_i / (TAU_MS / 2.0))
        lambda_v -= dt * lambda_v / TAU_MS
    for j, p in enumerate(x[0].tolist()):
        expected = at[round(round((1.0 - p) * 20.0) * 0.5 / dt)] if p >= 0.1 else 0.0
        assert found[j].item() == pytest.approx(expected, rel=2e-3, abs=1e-9)
    assert found.abs().max() > 1e-3


# --- Our own engine in small steps.


def test_exported_it_spikes_when_it_should_up_to_the_time_step() -> None:
    net = network((20, 12, 9, 5), readout="first_spike", weight_mean=10.0, max_spikes=100)
    x, _ = data(20, n=3)
    volley = net.encode(x)
    sample, slot = volley.slot // volley.u.shape[1], volley.slot % volley.u.shape[1]
    given = PopulationSpikes.from_unsorted(
        20, slot.numpy() * 0.5, volley.source.numpy(), sample.numpy()
    )
    stimulus = Stimulus(labels=("a", "b", "c"), spikes={"input": given})
    exported = net.to_spiking_network()
    activity = simulate(exported, stimulus, 30.0, 0.002, "native")
    layers = net(x)
    for depth, name in enumerate(("hidden1", "hidden2"), start=1):
        expected = counts(net, x)[depth - 1].numpy()
        np.testing.assert_array_equal(activity[name].counts(3), expected)
        assert expected.sum() > 20
        parts = layers[depth - 1].spikes
        exact = [torch.cat([getattr(p, k) for p in parts]) for k in ("sample", "neuron", "u")]
        order = np.lexsort((-exact[2].numpy(), exact[1], exact[0]))
        found = activity[name]
        theirs = np.lexsort((found.times_ms, found.senders, found.trials))
        late = found.times_ms[theirs] - net.time_ms(exact[2]).numpy()[order]
        # A spike that comes a step late can move later ones, at shallow crossings, by many steps.
        assert 0.0 < np.median(late) < 0.01 * depth
        assert np.quantile(np.abs(late), 0.9) < 0.04 * depth


# --- What EventProp does not see.


def test_a_hidden_neuron_that_never_fires_has_no_gradient_until_its_weights_are_raised() -> None:
    net = network((20, 6, 5), weight_mean=30.0)
    with torch.no_grad():
        net.weights[0][2] = -1.0
    x, y = data(20)
    assert counts(net, x)[0].any(0).tolist() == [True, True, False, True, True, True]
    rule = prepared(net, silent_after=12, bump=0.05)
    for _ in range(2):  # 12 samples
        assert not update_of(rule, x, y)[0][2].any()
    third = update_of(rule, x, y)[0]
    assert (third[2] == -0.05).all()
    others = [0, 1, 3, 4, 5]
    unbumped = update_of(prepared(net), x, y)[0]
    torch.testing.assert_close(third[others], unbumped[others], rtol=0, atol=0)

    def descend() -> None:
        with torch.no_grad():
            for weight in net.weights:
                weight.sub_(weight.grad)
                weight.grad = None

    for _ in range(200):
        if counts(net, x)[0][:, 2].any():
            break
        rule.update(x, y, descend)
    else:
        pytest.fail("it stayed silent")
    rule.update(x, y, lambda: None)
    assert next(rule.extra["samples_since_spike"].parameters())[2] == 0


def test_an_output_neuron_that_never_fires_learns_to_fire() -> None:
    net = network((20, 12, 3), readout="first_spike", weight_sd=4.0)
    with torch.no_grad():
        net.weights[1].fill_(0.01)
    x, y = data(20, n_classes=3)
    rule = prepared(net)
    assert not counts(net, x)[-1].any()
    optimizer = torch.optim.Adam(net.weights, lr=0.05)
    for _ in range(150):
        rule.update(x, y, optimizer.step)
    assert counts(net, x)[-1].any(1).all()
    assert torch.equal(rule.predict(x).argmax(1), y)


def test_a_silent_network_gives_zero_scores_and_no_gradient() -> None:
    net = network((20, 6, 5))
    with torch.no_grad():
        net.weights[0].fill_(-1.0)
    rule, (x, y) = prepared(net), data(20)
    assert not rule.predict(x).any()
    assert not any(gradient.any() for gradient in update_of(rule, x, y))
    dark = torch.zeros_like(x)
    assert not rule.predict(dark).any()
    assert not any(gradient.any() for gradient in update_of(rule, dark, y))


def test_a_spike_that_hardly_comes_moves_no_further_than_allowed() -> None:
    net, x = one_synapse([4.0 + 1e-9, 9.0])
    free = update_of(prepared(net), x, torch.tensor([0]))[0]
    held = update_of(prepared(net, min_slope=0.1), x, torch.tensor([0]))[0]
    assert free[0].abs() > 1e3
    assert held[0].abs() < 1e2
    assert torch.equal(held[1], free[1])


# --- The input, the precision, and what is refused.


def test_bright_pixels_spike_early_and_dark_ones_not_at_all() -> None:
    net = network((4, 2), latency_ms=8.0, dt_ms=0.25, min_intensity=0.2)
    volley = net.encode(torch.tensor([[1.0, 0.19, 0.2, 0.61], [0.0, 0.0, 0.5, 0.5]]).double())
    assert volley.source.tolist() == [0, 3, 2, 2, 3]
    times = net.time_ms(volley.u.flatten()[volley.slot])
    np.testing.assert_allclose(times.tolist(), [0.0, 3.0, 6.5, 4.0, 4.0], atol=1e-12)


def test_32_bits_are_enough() -> None:
    x, y = data(784, n=8)
    model = LatencyMLP(name="m", sizes=(784, 60, 10), weight_sd=(8.0, 4.0))
    double, single = model.build(0).double(), model.build(0)
    assert all(map(torch.equal, counts(double, x), (c.double() for c in counts(single, x.float()))))
    exact = update_of(prepared(double), x, y)
    rule = EventProp(min_slope=0.0)
    rule.prepare(single, torch.Generator())
    for a, b in zip(update_of(rule, x.float(), y), exact, strict=True):
        assert float((a - b).norm() / b.norm()) < 1e-3


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"latency_ms": 30.0}, "latency_ms must be shorter"),
        ({"duration_ms": 300.0}, "20 times tau_m_ms"),
        ({"weight_sd": (1.0,)}, "one a layer"),
        ({"sizes": (3, 0)}, "at least one neuron"),
    ],
)
def test_a_description_that_cannot_be_is_refused(fields: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        LatencyMLP(**({"name": "m", "sizes": (3, 4, 2)} | fields))


def test_networks_of_other_kinds_are_refused_in_one_sentence() -> None:
    with pytest.raises(SpikelearnError, match="latency_mlp") as raised:
        EventProp().prepare(MLP(name="m", sizes=(4, 3)).build(0), torch.Generator())
    assert "\n" not in str(raised.value)
