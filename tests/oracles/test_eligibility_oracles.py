"""Rules that learn forwards in time, against backpropagation through time with named paths cut."""

from __future__ import annotations

import gc
from typing import Any

import pytest
import torch

from spikelearn._errors import SpikelearnError
from spikelearn._seeding import torch_generator
from spikelearn.networks.spiking_mlp import SpikingClassifier, SpikingMLP, surrogate_slope
from spikelearn.rules.eligibility import OTTT, Decolle, EPropSpiking
from spikelearn.rules.rule import output_loss
from spikelearn.rules.surrogate import Surrogate

BATCH = 4
Tensors = list[torch.Tensor]


class _Spike(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, distance: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(distance)
        return (distance > 0).to(distance.dtype)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> torch.Tensor:
        return gradients[0] * surrogate_slope(ctx.saved_tensors[0])


def network(hidden: tuple[int, ...] = (7,), **fields: Any) -> SpikingClassifier:
    settings = {"duration_ms": 14.0, "max_rate_hz": 1000.0, "v_threshold_mv": 0.6} | fields
    model = SpikingMLP(name="small", sizes=(9, *hidden, 5), **settings)
    return model.build(1).double()


def prepared(rule: Any, net: SpikingClassifier) -> Any:
    rule.prepare(net, torch_generator(0, "rule"))
    rule.extra.double()
    return rule


def data() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(3)
    x = torch.rand(BATCH, 9, generator=generator, dtype=torch.float64)
    return x, torch.tensor([0, 3, 4, 1])


def update_of(rule: Any, monkeypatch: pytest.MonkeyPatch) -> tuple[Tensors, torch.Tensor]:
    """The update that the rule leaves, and the input spikes of it, (steps, batch, inputs)."""
    x, y = data()
    generator = torch.Generator().manual_seed(5)
    drawn: Tensors = []

    def draw(shape: Any, axes: Any, kind: str = "normal") -> torch.Tensor:
        assert kind == "uniform"
        drawn.append(torch.rand(*shape, generator=generator, dtype=torch.float64))
        return drawn[-1]

    monkeypatch.setattr(rule, "draw", draw)
    found: Tensors = []
    rule.update(x, y, lambda: found.extend(p.grad.clone() for p in rule.network.parameters()))
    return found, rule.network.input_spikes(x, torch.stack(drawn))


def by_autograd(
    net: SpikingClassifier, spikes: torch.Tensor, cut: str = "nothing", readouts: Any = None
) -> Tensors:
    """The gradient of the mean loss of the steps, by unrolling; recurrent weights' at the end.

    v = W a - r, with a the filtered spikes from below and r what resets have taken. `cut`: of a
    layer's spikes the "past" loses its way into a, or "all" of them do, and with either, their way
    into thresholds; the weights keep theirs. Spikes that come back to their own layer have none,
    unless it is "not even recurrent" ones that are cut.
    """
    y = data()[1]
    weights = [w.detach().clone().requires_grad_() for w in net.weights]
    recurrent = [w.detach().clone().requires_grad_() for w in net.recurrent]
    decays, threshold = net.decays, net.description.v_threshold_mv
    thetas: list[Any] = [0.0] * len(weights)
    emitted = [torch.zeros(BATCH, len(w), dtype=torch.float64) for w in weights]
    silent = net.description.readout == "potential"
    traces: list[Any] = [0.0] * len(weights)
    taken: list[Any] = [0.0] * len(weights)
    total = torch.zeros((), dtype=torch.float64)
    for t in range(len(spikes)):
        s = spikes[t]
        for index, below in enumerate(weights):
            weight = below
            if cut == "all":
                s = s.detach()
            past = traces[index]
            if cut in ("past", "all") and t:
                past = past.detach()
            if index < len(recurrent):
                own = emitted[index]
                s = torch.cat((s, own if cut == "not even recurrent" else own.detach()), 1)
                weight = torch.cat((weight, recurrent[index]), 1)
            traces[index] = decays[index] * past + s
            v = traces[index] @ weight.T - taken[index]
            if index == len(weights) - 1 and silent:
                s = v
                continue
            theta, neurons = thetas[index], net.neurons(index)
            s = emitted[index] = _Spike.apply(v - threshold - theta)
            height = threshold + (theta.detach() if neurons.increment_mv and t else theta)
            taken[index] = decays[index] * (taken[index] + height * s.detach())
            raised = theta + neurons.increment_mv * s
            thetas[index] = neurons.rho * (raised.detach() if cut in ("past", "all") else raised)
            if readouts is not None and index < len(weights) - 1:
                total = total + output_loss("cross_entropy", s @ readouts[index].T, y)[0]
        total = total + output_loss("cross_entropy", s, y)[0]
    assert float(spikes.mean()) > 0.1
    return list(torch.autograd.grad(total / len(spikes), [*weights, *recurrent]))


def assert_close(found: Tensors, expected: Tensors, tolerance: float = 1e-12) -> None:
    for a, b in zip(found, expected, strict=True):
        assert b.norm() > 1e-7, "nothing to be compared"
        assert float((a - b).norm() / b.norm()) < tolerance


READOUTS = [
    {"readout": "potential"},
    {"readout": "potential", "tau_readout_ms": 3.0},
    {"readout": "potential", "tau_readout_ms": 0.0},
    {"readout": "spikes"},
]


@pytest.mark.parametrize("fields", READOUTS)
@pytest.mark.parametrize("block_steps", [1, 4, 32])
def test_symmetric_eprop_with_one_hidden_layer_is_backpropagation_through_time(
    fields: dict[str, Any], block_steps: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    net = network(**fields)
    rule = prepared(EPropSpiking("symmetric", block_steps=block_steps), net)
    found, spikes = update_of(rule, monkeypatch)
    assert_close(found, by_autograd(net, spikes))


# Thresholds that adapt, neurons of a layer that excite one another, and both.
RICHER = [
    {"threshold_increment_mv": 0.3, "tau_threshold_ms": 8.0},
    {"recurrent": True},
    {"threshold_increment_mv": 0.3, "tau_threshold_ms": 8.0, "recurrent": True},
]


@pytest.mark.parametrize("fields", RICHER)
@pytest.mark.parametrize("block_steps", [1, 4, 32])
def test_eprop_with_adaptive_thresholds_is_bptt_but_for_spikes_that_come_back_to_their_layer(
    fields: dict[str, Any], block_steps: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    net = network(readout="potential", tau_readout_ms=5.0, **fields)
    rule = prepared(EPropSpiking("symmetric", block_steps=block_steps), net)
    found, spikes = update_of(rule, monkeypatch)
    assert len(found) == (3 if "recurrent" in fields else 2)
    assert_close(found, by_autograd(net, spikes))
    whole = by_autograd(net, spikes, cut="not even recurrent")
    gap = float((whole[0] - found[0]).norm() / whole[0].norm())
    assert gap > 1e-3 if "recurrent" in fields else gap < 1e-12
    cosine = torch.nn.functional.cosine_similarity(found[0].flatten(), whole[0].flatten(), dim=0)
    assert cosine > 0.9
    if "threshold_increment_mv" in fields:
        fixed = by_autograd(net, spikes, cut="past")
        assert float((fixed[0] - found[0]).norm() / found[0].norm()) > 1e-2  # the term is one


@pytest.mark.parametrize("fields", RICHER)
@pytest.mark.parametrize(("make", "cut"), [(OTTT, "past"), (Decolle, "all")])
def test_ottt_and_decolle_leave_out_what_spikes_do_to_thresholds_and_to_their_own_layer(
    make: Any, cut: str, fields: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    net = network(hidden=(7, 6), readout="potential", **fields)
    rule = prepared(make(), net)
    found, spikes = update_of(rule, monkeypatch)
    readouts = list(rule.extra["readouts"].parameters()) if make is Decolle else None
    assert_close(found, by_autograd(net, spikes, cut=cut, readouts=readouts))


@pytest.mark.parametrize("feedback", ["random", "symmetric", "adaptive"])
def test_eprop_claims_no_weight_transport_unless_its_feedback_is_symmetric(feedback: Any) -> None:
    assert EPropSpiking(feedback).claims["no weight transport"] == (feedback != "symmetric")


@pytest.mark.parametrize("make", [EPropSpiking, OTTT, Decolle])
def test_a_reset_to_zero_is_refused_by_rules_whose_traces_it_would_break(make: Any) -> None:
    net = SpikingMLP(name="m", sizes=(9, 7, 5), reset="zero").build(0)
    with pytest.raises(SpikelearnError, match="reset: subtract"):
        make().prepare(net, torch_generator(0, "rule"))


@pytest.mark.parametrize("feedback", ["random", "symmetric", "adaptive"])
@pytest.mark.parametrize("block_steps", [1, 3, 32])
def test_eprop_is_its_formula_synapse_by_synapse(
    feedback: Any, block_steps: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    net = network(hidden=(7, 6), readout="potential", tau_readout_ms=5.0)
    rule = prepared(EPropSpiking(feedback, block_steps=block_steps), net)
    found, spikes = update_of(rule, monkeypatch)
    y, kappa = data()[1], net.decays[-1]
    matrices = rule.from_output()
    if feedback == "symmetric":
        torch.testing.assert_close(matrices[0], net.weights[2] @ net.weights[1])
    expected = [torch.zeros_like(w) for w in net.weights]
    v = [torch.zeros(BATCH, len(w), dtype=torch.float64) for w in net.weights]
    traces: list[Any] = [0.0, 0.0, 0.0]
    eligibilities: list[Any] = [0.0, 0.0]
    with torch.no_grad():
        for t in range(len(spikes)):
            s = spikes[t]
            for i, weight in enumerate(net.weights):
                traces[i] = net.decays[i] * traces[i] + s
                v[i] = net.decays[i] * v[i] + s @ weight.T
                if i < 2:
                    distance = v[i] - 0.6
                    s = (distance > 0).double()
                    v[i] = v[i] - 0.6 * s
                    each = surrogate_slope(distance)[:, :, None] * traces[i][:, None, :]
                    eligibilities[i] = kappa * eligibilities[i] + each
            error = output_loss("cross_entropy", v[2], y)[1] / len(spikes)
            expected[2] += error.T @ traces[2]
            for i in range(2):
                expected[i] += ((error @ matrices[i])[:, :, None] * eligibilities[i]).sum(0)
    assert_close(found, expected)


def test_random_feedback_that_is_the_output_weights_is_symmetric(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    net = network(readout="potential")
    symmetric, _ = update_of(prepared(EPropSpiking("symmetric"), net), monkeypatch)
    rule = prepared(EPropSpiking("random"), net)
    other, _ = update_of(rule, monkeypatch)
    assert float((other[0] - symmetric[0]).norm()) > 1e-3
    with torch.no_grad():
        next(rule.extra["feedback"].parameters()).copy_(net.weights[1])
    same, _ = update_of(rule, monkeypatch)
    assert_close(same, symmetric, 1e-15)


def test_adaptive_feedback_learns_by_the_products_of_the_output_weights(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # So that with one rate of learning and of decay, B - W falls off by the decay alone.
    net = network(readout="potential")
    rule = prepared(EPropSpiking("adaptive"), net)
    update_of(rule, monkeypatch)
    (matrix,) = rule.extra["feedback"].parameters()
    torch.testing.assert_close(matrix.grad, net.weights[1].grad, rtol=0, atol=0)


@pytest.mark.parametrize("readout", [{"readout": "potential", "tau_readout_ms": 0.0}])
def test_ottt_with_one_hidden_layer_and_a_readout_without_memory_is_bptt(
    readout: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    net = network(**readout)
    found, spikes = update_of(prepared(OTTT(), net), monkeypatch)
    assert_close(found, by_autograd(net, spikes))


@pytest.mark.parametrize("fields", READOUTS)
def test_ottt_is_backpropagation_with_the_past_of_spikes_detached(
    fields: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    net = network(hidden=(7, 6, 5), **fields)
    found, spikes = update_of(prepared(OTTT(), net), monkeypatch)
    assert_close(found, by_autograd(net, spikes, cut="past"))
    if fields.get("tau_readout_ms") != 0.0:
        whole = by_autograd(net, spikes)
        assert float((whole[0] - found[0]).norm() / whole[0].norm()) > 1e-3  # the cut is one


@pytest.mark.parametrize("fields", READOUTS)
def test_decolle_is_backpropagation_with_each_layers_input_detached(
    fields: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    net = network(hidden=(7, 6), **fields)
    rule = prepared(Decolle(), net)
    found, spikes = update_of(rule, monkeypatch)
    readouts = list(rule.extra["readouts"].parameters())
    assert_close(found, by_autograd(net, spikes, cut="all", readouts=readouts))


@pytest.mark.parametrize("rule", [EPropSpiking("symmetric"), OTTT()])
def test_of_a_single_step_the_update_is_that_of_a_network_with_psi_for_a_slope(
    rule: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    net = network(readout="potential", duration_ms=2.0)  # two layers: one step reaches the output
    found, spikes = update_of(prepared(rule, net), monkeypatch)
    assert len(spikes) == 1
    x = spikes[0]
    with torch.no_grad():
        z = x @ net.weights[0].T
        h = (z > 0.6).double()
        error = output_loss("cross_entropy", h @ net.weights[1].T, data()[1])[1]
        delta = (error @ net.weights[1]) * surrogate_slope(z - 0.6)
    assert_close(found, [delta.T @ x, error.T @ h])


@pytest.mark.parametrize("make", [lambda: EPropSpiking(block_steps=4), OTTT, Decolle])
def test_online_updates_add_up_to_the_whole_where_the_weights_stand_still(
    make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    net = network(hidden=(7, 6), readout="potential")
    whole, _ = update_of(prepared(make(), net), monkeypatch)
    rule = make()
    online = prepared(type(rule)(online=True), net)
    pieces, spikes = update_of(online, monkeypatch)
    assert len(pieces) == 3 * len(spikes)
    assert_close([sum(pieces[i::3]) for i in range(3)], whole)  # type: ignore[misc]


def peak_bytes(rule: Any, duration_ms: float, **fields: Any) -> int:
    """The most that torch held at one time during an update."""
    from torch.profiler import ProfilerActivity, profile

    net = network(hidden=(40,), readout="potential", duration_ms=duration_ms, **fields)
    prepared(rule, net)
    x, y = data()
    rule.generator = torch_generator(0, "spikes")
    rule.update(x, y, lambda: None)
    gc.collect()  # what other tests left would be given back within the measurement
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as found:
        rule.update(x, y, lambda: None)
    level = peak = 0
    for event in found.profiler.kineto_results.events():  # type: ignore[union-attr]
        if event.name() == "[memory]":
            level += event.nbytes()
            peak = max(peak, level)
    return peak


@pytest.mark.parametrize("make", [lambda: EPropSpiking(block_steps=8), OTTT, Decolle])
@pytest.mark.parametrize("fields", [{}, RICHER[-1]])
def test_memory_does_not_grow_with_the_number_of_time_steps(
    make: Any, fields: dict[str, Any]
) -> None:
    few, many = (peak_bytes(make(), duration, **fields) for duration in (20.0, 200.0))
    assert few > 10_000
    assert many < 1.1 * few


def test_that_of_backpropagation_through_time_does() -> None:
    few, many = (peak_bytes(Surrogate(), duration) for duration in (20.0, 200.0))
    assert many > 7.0 * few
