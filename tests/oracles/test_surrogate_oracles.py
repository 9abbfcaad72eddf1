"""Surrogate gradients against backpropagation through time written out by hand, in 64 bits."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
import torch

from spikelearn._seeding import torch_generator
from spikelearn.networks.spiking_mlp import SURROGATE_SLOPE, SpikingClassifier, SpikingMLP
from spikelearn.rules import make_rule
from spikelearn.simulation import simulate
from spikelearn.spikes.activity import PopulationSpikes
from spikelearn.stimuli.stimulus import Stimulus

DESCRIPTION = SpikingMLP(
    name="small", sizes=(12, 9, 7, 4), tau_m_ms=8.0, max_rate_hz=300.0, duration_ms=25.0
)


def classifier(seed: int = 0, gain: float = 1.5) -> SpikingClassifier:
    """A network whose layers all spike."""
    network = DESCRIPTION.build(seed)
    with torch.no_grad():
        for weight in network.weights:
            weight.mul_(gain)
    return network


def batch(n: int = 6) -> tuple[torch.Tensor, torch.Tensor]:
    """Intensities and classes."""
    generator = torch.Generator().manual_seed(3)
    return torch.rand(n, 12, generator=generator), torch.randint(4, (n,), generator=generator)


def by_hand(
    weights: list[np.ndarray], spikes: np.ndarray, labels: np.ndarray, beta: float, threshold: float
) -> tuple[list[np.ndarray], list[np.ndarray], float]:
    """Spike counts, gradients and loss; `spikes` has shape (steps, batch, pixels).

    Forwards, v_l[t] = beta (v_l[t-1] - threshold s_l[t-1]) + W_l s_(l-1)[t - 1, or t for l = 1].
    Backwards, with g = dC/ds and psi the surrogate: a_l[t] = dC/dv_l[t] = psi g + beta a_l[t+1],
    for the reset carries no gradient.
    """
    n_steps, n_batch, _ = spikes.shape
    depth = len(weights)
    v = [np.zeros((n_batch, w.shape[0])) for w in weights]
    potential = [np.zeros((n_steps, n_batch, w.shape[0])) for w in weights]
    fired = [np.zeros((n_steps, n_batch, w.shape[0])) for w in weights]
    for t in range(n_steps):
        for layer, w in enumerate(weights):
            if layer == 0:
                below = spikes[t]
            else:
                below = fired[layer - 1][t - 1] if t > 0 else np.zeros_like(fired[layer - 1][0])
            v[layer] = beta * v[layer] + below @ w.T
            potential[layer][t] = v[layer]
            fired[layer][t] = v[layer] > threshold
            v[layer] = v[layer] - threshold * fired[layer][t]
    counts = [s.sum(0) for s in fired]
    scores = counts[-1]
    p = np.exp(scores - scores.max(1, keepdims=True))
    p /= p.sum(1, keepdims=True)
    rows = np.arange(n_batch)
    loss = float(-np.log(p[rows, labels]).mean())
    error = p.copy()
    error[rows, labels] -= 1
    error /= n_batch

    gradients = [np.zeros_like(w) for w in weights]
    later = [np.zeros((n_batch, w.shape[0])) for w in weights]  # a_l[t + 1]
    for t in reversed(range(n_steps)):
        now = []
        for layer, w in enumerate(weights):
            # A spike at t meets the weights above at t + 1.
            to_spike = error if layer == depth - 1 else later[layer + 1] @ weights[layer + 1]
            psi = 1.0 / (1.0 + SURROGATE_SLOPE * np.abs(potential[layer][t] - threshold)) ** 2
            now.append(psi * to_spike + beta * later[layer])
            if layer == 0:
                below = spikes[t]
            else:
                below = fired[layer - 1][t - 1] if t > 0 else np.zeros_like(fired[layer - 1][0])
            gradients[layer] += now[layer].T @ below
            assert w.shape == gradients[layer].shape
        later = now
    return counts, gradients, loss


def test_the_update_is_backpropagation_through_time_written_out_by_hand() -> None:
    network, (x, y) = classifier(), batch()
    rule = make_rule("surrogate")
    rule.prepare(network, torch_generator(0, "rule"))
    loss = rule.update(x, y, lambda: None)
    spikes = network.encode(x, torch_generator(0, "rule"))
    counts, gradients, expected = by_hand(
        [w.detach().double().numpy() for w in network.weights],
        spikes.double().numpy(),
        y.numpy(),
        math.exp(-1.0 / 8.0),
        1.0,
    )
    for layer in counts:
        assert layer.sum() > 20, "a silent layer proves nothing"
    for found, layer in zip(network(spikes), counts, strict=True):
        np.testing.assert_array_equal(found.detach().numpy(), layer)
    assert loss.item() == pytest.approx(expected, rel=1e-6)
    for weight, gradient in zip(network.weights, gradients, strict=True):
        scale = np.abs(gradient).max()
        assert scale > 0
        np.testing.assert_allclose(weight.grad.numpy(), gradient, rtol=0, atol=1e-5 * scale)


def test_the_same_holds_in_64_bits() -> None:
    # snnTorch's surrogate hands its gradient on in 32 bits; everything else has all digits.
    network, (x, y) = classifier().double(), batch()
    spikes = network.encode(x.double(), torch_generator(0, "rule"))
    loss = torch.nn.functional.cross_entropy(network(spikes)[-1], y)
    loss.backward()
    _, gradients, expected = by_hand(
        [w.detach().numpy() for w in network.weights],
        spikes.numpy(),
        y.numpy(),
        network.beta,
        1.0,
    )
    assert loss.item() == pytest.approx(expected, rel=1e-12)
    for weight, gradient in zip(network.weights, gradients, strict=True):
        scale = np.abs(gradient).max()
        np.testing.assert_allclose(weight.grad.numpy(), gradient, rtol=0, atol=1e-6 * scale)


def test_one_step_of_one_layer_is_the_update_of_a_rate_unit_with_the_surrogate_as_slope() -> None:
    # T = 1: dC/dW = (softmax - label) psi(v - threshold) s^T.
    description = SpikingMLP(name="one", sizes=(12, 4), duration_ms=1.0, max_rate_hz=500.0)
    network, (x, y) = description.build(1), batch()
    rule = make_rule("surrogate")
    rule.prepare(network, torch_generator(5, "rule"))
    rule.update(x, y, lambda: None)
    s = network.encode(x, torch_generator(5, "rule"))[0].double()
    v = s @ network.weights[0].detach().double().T
    fired = (v > 1.0).double()
    error = fired.softmax(1) - torch.nn.functional.one_hot(y, 4)
    delta = error / (1 + 25.0 * (v - 1.0).abs()) ** 2
    expected = (delta.T @ s / len(y)).numpy()
    np.testing.assert_allclose(network.weights[0].grad.numpy(), expected, atol=1e-7)


RICHER: dict[str, Any] = {"recurrent": True, "threshold_increment_mv": 0.2, "tau_threshold_ms": 30}


@pytest.mark.parametrize(
    ("backend", "sizes", "fields"),
    [
        *itertools.product(
            ["snntorch", "norse", "brian2"], [(12, 4), (12, 9, 4), (12, 9, 7, 4)], [{}]
        ),
        *itertools.product(
            ["snntorch", "norse", "native"], [(12, 9, 7, 4)], [RICHER, {"reset": "zero"}]
        ),
    ],
)
def test_the_exported_network_spikes_as_in_training(
    backend: str, sizes: tuple[int, ...], fields: dict[str, Any]
) -> None:
    description = SpikingMLP(
        name="small", sizes=sizes, tau_m_ms=8.0, max_rate_hz=300.0, duration_ms=25.0, **fields
    )
    network = description.build(2)
    x, _ = batch(8)
    spikes = network.encode(x, torch_generator(9, "images"))
    with torch.no_grad():
        counts = network(spikes)
    steps, trials, senders = spikes.nonzero(as_tuple=True)
    stimulus = Stimulus(
        labels=tuple(str(i) for i in range(8)),
        spikes={
            "input": PopulationSpikes.from_unsorted(
                12, steps.numpy() * 1.0, senders.numpy(), trials.numpy()
            )
        },
    )
    exported = network.to_spiking_network()
    precisions = ["float64"] if backend in ("brian2", "native") else ["float64", "float32"]
    for precision in precisions:
        activity = simulate(exported, stimulus, 25.0, 1.0, backend, precision=precision)
        assert list(activity.populations) == description.populations[1:]
        for name, expected in zip(description.populations[1:], counts, strict=True):
            found = activity[name].counts(8)
            np.testing.assert_array_equal(found, expected.numpy())
            assert found.sum() > 10


@pytest.mark.parametrize("backend", ["snntorch", "norse"])
def test_the_shipped_classifier_spikes_alike_in_training_and_in_simulation(backend: str) -> None:
    from spikelearn.networks import load_model

    description = load_model("snn_784")
    assert isinstance(description, SpikingMLP)
    network = description.build(0)
    x = torch.rand(20, 784, generator=torch.Generator().manual_seed(0))
    spikes = network.encode(x * 0.3, torch_generator(1, "images"))
    with torch.no_grad():
        counts = network(spikes)
    steps, trials, senders = spikes.nonzero(as_tuple=True)
    stimulus = Stimulus(
        labels=tuple(str(i) for i in range(20)),
        spikes={
            "input": PopulationSpikes.from_unsorted(
                784, steps.numpy() * 1.0, senders.numpy(), trials.numpy()
            )
        },
    )
    activity = simulate(
        network.to_spiking_network(), stimulus, 30.0, 1.0, backend, precision="float32"
    )
    np.testing.assert_array_equal(activity["hidden"].counts(20), counts[0].numpy())
    np.testing.assert_array_equal(activity["output"].counts(20), counts[1].numpy())
    assert counts[0].sum() > 1000


def test_input_spikes_are_drawn_at_the_rate_of_the_intensity() -> None:
    network = DESCRIPTION.build(0)
    x = torch.linspace(0, 1, 12).expand(2000, 12)
    spikes = network.encode(x, torch_generator(0, "images"))
    assert spikes.shape == (25, 2000, 12)
    assert set(spikes.unique().tolist()) == {0.0, 1.0}
    p = np.linspace(0, 1, 12) * 0.3
    n = 25 * 2000
    found = spikes.mean((0, 1)).double().numpy()
    assert (np.abs(found - p) <= 5 * np.sqrt(p * (1 - p) / n) + 1e-6).all()
    assert torch.equal(spikes, network.encode(x, torch_generator(0, "images")))


def test_prediction_is_repeatable_and_counts_the_spikes_of_the_output() -> None:
    network, (x, _) = classifier(), batch()
    rule = make_rule("surrogate")
    rule.prepare(network, torch_generator(0, "rule"))
    first = rule.predict(x)
    assert torch.equal(first, rule.predict(x))
    activity = rule.activity(x)
    assert list(activity) == ["hidden1", "hidden2", "output"]
    assert torch.equal(activity["output"], first)
    assert not first.requires_grad


def test_building_classifiers_leaves_no_neurons_behind_in_snntorch() -> None:
    import snntorch

    before = len(snntorch.SpikingNeuron.instances)
    DESCRIPTION.build(0)
    assert len(snntorch.SpikingNeuron.instances) == before
