"""Convolutional STDP against loops over spikes and synapses, closed forms, autograd and engines."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch

from spikelearn._errors import SpikelearnError
from spikelearn.networks.mlp import MLP
from spikelearn.networks.spiking_cnn import SpikingCNN
from spikelearn.rules.convolutional_stdp import (
    ConvolutionalSTDP,
    FirstSpikes,
    inhibited,
    winners,
)
from spikelearn.rules.small_network import descend
from spikelearn.simulation import simulate
from spikelearn.training.spiking_model import shown_images

FIELDS: dict[str, Any] = {
    "name": "small", "input_shape": (1, 9, 8), "channels": (4, 6), "kernel_size": (3, 2),
    "padding": (1, 0), "stride": (1, 1), "pool": ("max 2", 1), "bias": False, "n_classes": 3,
    "input": "latency", "on_off": True, "once": True, "latency_ms": 5.0, "min_intensity": 0.05,
    "tau_m_ms": 1000.0, "tau_readout_ms": 300.0, "duration_ms": 11.0,
}  # fmt: skip
OPTIONS: dict[str, Any] = {
    "threshold": (3.3, 1.6), "winners": (3, 2), "radius": (2, 1)
}  # fmt: skip


def prepared(
    fields: dict[str, Any] | None = None, mean: float = 0.6, sd: float = 0.2, **options: Any
) -> ConvolutionalSTDP:
    """The rule with a network whose weights begin so, in units of the strongest."""
    rule = ConvolutionalSTDP(**OPTIONS | options)
    fields = FIELDS | (fields or {})
    if not {"initial_mean_mv", "norm"} & fields.keys():
        w_max = np.broadcast_to(1.0 / np.array(rule.threshold), len(fields["channels"]))
        start = {"initial_mean_mv": tuple(mean * w_max), "initial_sd_mv": tuple(sd * w_max)}
        fields = start | fields
    network = SpikingCNN(**fields).build(3).double()
    rule.prepare(network, torch.Generator().manual_seed(5))
    rule.begin_epoch(1, 2)  # in which all hidden layers learn
    return rule


def images(n: int = 4, pixels: int = 72) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    return torch.rand(n, pixels, generator=generator, dtype=torch.float64), torch.arange(n) % 3


def changes(rule: ConvolutionalSTDP, x: torch.Tensor, y: torch.Tensor) -> list[np.ndarray]:
    """What an update adds to the hidden layers' weights, for a rate of 1."""
    found: list[np.ndarray] = []

    def keep() -> None:
        for layer in rule.hidden():
            grad = layer.weight.grad
            found.append(np.zeros(layer.weight.shape) if grad is None else -grad.numpy())
            layer.weight.grad = None

    rule.update(x, y, keep)
    return found


# --- One image, event by event.


def spikes_of(
    arrive: dict[tuple[int, int, int], int], weight: np.ndarray, shape: tuple[int, ...], layer: Any,
    n_steps: int, decay: float, theta: float,
) -> list[tuple[int, float, int, int, int]]:  # fmt: skip
    """First spikes of a layer without inhibition: step, potential, map, row, column."""
    found = []
    for k, r, c in np.ndindex(*shape):
        v = 0.0
        for step in range(n_steps):
            v *= decay
            for (channel, row, column), at in arrive.items():
                i, j = (
                    row - r * layer.stride + layer.padding,
                    column - c * layer.stride + layer.padding,
                )
                if at == step and 0 <= i < layer.size and 0 <= j < layer.size:
                    v += weight[k, channel, i, j]
            if v > theta:
                found.append((step, v, k, r, c))
                break
    return found


def told(rule: ConvolutionalSTDP, x: torch.Tensor) -> tuple[list[np.ndarray], int]:
    """The text of the rule's file, in loops: changes, and how many neurons learned in all."""
    network, n_steps = rule.network, rule.network.n_reached
    total = [np.zeros(layer.weight.shape) for layer in rule.hidden()]
    n_learned = 0
    for image in x:
        shown = network.input_spikes(image[None], torch.zeros(0)).numpy()[:, 0]
        shown = shown.reshape(len(shown), *network.description.seen_shape)
        arrive = {tuple(at): int(step) for step, *at in np.argwhere(shown) if step < n_steps}
        for index, layer in enumerate(rule.hidden()):
            weight, w_max = layer.weight.detach().numpy(), rule.w_max[index]
            events = spikes_of(
                arrive, weight, layer.drive_shape, layer, n_steps, network.decays[index], 1.0
            )
            events.sort(key=lambda e: (e[0], -e[1], e[2], e[3], e[4]))
            taken: set[tuple[int, int]] = set()
            fired, learned = [], []
            for step, _, k, r, c in events:
                if (r, c) in taken:
                    continue
                taken.add((r, c))
                fired.append((step, k, r, c))
                near = any(
                    k == other or max(abs(r - row), abs(c - column)) <= rule.radius[index]
                    for _, other, row, column in learned
                )
                if not near and len(learned) < rule.winners[index]:
                    learned.append((step, k, r, c))
            n_learned += len(learned)
            for step, k, r, c in learned:
                for channel, i, j in np.ndindex(*weight.shape[1:]):
                    at = arrive.get(
                        (channel, r * layer.stride + i - layer.padding,
                         c * layer.stride + j - layer.padding), math.inf,
                    )  # fmt: skip
                    a = rule.potentiation if at <= step else -rule.depression
                    w = weight[k, channel, i, j]
                    total[index][k, channel, i, j] += a * w * (w_max - w) / w_max / len(x)
            arrive = {}
            side = 1 if layer.pooling is None else layer.pooling.size
            for step, k, r, c in fired:
                square = (k, r // side, c // side)
                arrive[square] = min(arrive.get(square, n_steps), step)
    return total, n_learned


@pytest.mark.parametrize(
    "fields",
    [{}, {"stride": (2, 1), "on_off": False, "padding": (2, 1), "pool": 1, "tau_m_ms": 6.0}],
)
def test_the_change_is_that_of_the_text_spike_by_spike_and_synapse_by_synapse(
    fields: dict[str, Any],
) -> None:
    rule, (x, y) = prepared(fields), images(3)
    expected, n_learned = told(rule, x)
    found = changes(rule, x, y)
    assert n_learned >= 8
    for here, there in zip(found, expected, strict=True):
        assert (there > 0).any()
        assert (there < 0).any()
        np.testing.assert_allclose(here, there, rtol=1e-10, atol=1e-17)


def test_winners_and_inhibition_go_by_time_then_potential_then_number() -> None:
    generator = torch.Generator().manual_seed(4)
    shape = (5, 4, 6, 5)
    clock = torch.randint(0, 4, shape, generator=generator).double()
    potential = torch.randint(1, 4, shape, generator=generator).double()  # many are equal
    potential = torch.where(clock > 0, potential, 0.0)
    fired = inhibited(FirstSpikes(clock, potential))
    found = winners(fired, 3, 1)
    learned, kept = [], np.zeros(shape)
    for b in range(shape[0]):
        order = sorted(
            (e for e in np.ndindex(*shape[1:]) if clock[(b, *e)] > 0),
            key=lambda e: (-float(clock[(b, *e)]), -float(potential[(b, *e)]), e),
        )
        taken: set[tuple[int, int]] = set()
        mine: list[tuple[int, int, int]] = []
        for k, r, c in order:
            if (r, c) in taken:
                continue
            taken.add((r, c))
            kept[b, k, r, c] = float(clock[b, k, r, c])
            far = all(k != o and max(abs(r - i), abs(c - j)) > 1 for o, i, j in mine)
            if far and len(mine) < 3:
                mine.append((k, r, c))
        learned += [(b, *one) for one in mine]
    np.testing.assert_array_equal(fired.clock.numpy(), kept)
    *who, clocks = (part.tolist() for part in found)
    together = [one for *one, at in zip(*who, clocks, strict=True) if at > 0]
    assert sorted(map(tuple, together)) == sorted(learned)
    assert len(learned) > shape[0]


# --- The course of a weight.


def test_odds_of_weights_grow_by_a_factor_with_every_spike_and_layers_converge() -> None:
    """One neuron that sees three early pixels and a late one, again and again."""
    fields = {"input_shape": (1, 2, 2), "channels": (1,), "kernel_size": 2, "padding": 0,
              "stride": 1, "pool": 1, "on_off": False, "duration_ms": 9.0}  # fmt: skip
    up, down = 0.02, 0.015
    rule = prepared(
        fields, threshold=1.5, mean=0.8, sd=0.0, winners=1, radius=0,
        potentiation=up, depression=down,
    )  # fmt: skip
    x, y = torch.tensor([[1.0, 1.0, 1.0, 0.1]], dtype=torch.float64), torch.tensor([0])
    (layer,) = rule.hidden()
    layer.weight.data.fill_(0.8 * rule.w_max[0])  # which a description has in 32 bits
    step, course, convergence = descend(rule, 1.0), [], []
    while rule.convergence()[0] >= rule.converged and len(course) < 1000:
        convergence.append(float(rule.update(x, y, step)))
        course.append(layer.weight.detach().flatten().numpy() / rule.w_max[0])
    w = np.array(course)
    np.testing.assert_array_equal(w[:, 0], w[:, 1])
    n = 1 + np.arange(len(w))
    odds = np.log(w / (1.0 - w))
    # (w + a w (1 - w)) / (1 - w - a w (1 - w)) = odds (1 + a (1 - w)) / (1 - a w): log rises by a,
    # but for a^2.
    for column, a in ((0, up), (3, -down)):
        expected = math.log(4.0) + n * a
        assert float(np.abs(odds[:, column] - expected).max()) < abs(a) * abs(n[-1] * a)
        exact = [0.8]
        for _ in n:
            exact.append(exact[-1] + a * exact[-1] * (1.0 - exact[-1]))
        np.testing.assert_allclose(w[:, column], exact[1:], rtol=1e-12)
    # From 0.8 to 0.99 and to 0.05 by the formula.
    assert abs(int((w[:, 0] < 0.99).sum()) + 1 - (math.log(99) - math.log(4)) / up) < 3
    assert abs(int((w[:, 3] > 0.05).sum()) + 1 - (math.log(19) + math.log(4)) / down) < 3
    before = np.vstack((np.full((1, 4), 0.8), w))
    np.testing.assert_allclose(convergence, (before * (1 - before)).mean(1)[:-1], rtol=1e-12)
    # What has converged learns no more.
    assert rule.convergence()[0] < rule.converged
    assert not changes(rule, x, y)[0].any()


def test_weights_stay_between_nothing_and_the_strongest_however_large_the_steps() -> None:
    rule, (x, y) = prepared(), images(8)
    step = descend(rule, 500.0)
    for _ in range(20):
        rule.update(x, y, step)
    for layer, w_max in zip(rule.hidden(), rule.w_max, strict=True):
        assert layer.weight.min() >= 0.0
        assert layer.weight.max() <= w_max
        assert (layer.weight == 0.0).any()
        assert (layer.weight == w_max).any()
    # At the bounds nothing changes, and between them all stands still.
    for change, layer in zip(changes(rule, x, y), rule.hidden(), strict=True):
        w = layer.weight.detach().numpy()
        assert not change[(w == 0.0) | (w == w.max())].any()


def test_initial_weights_are_spread_as_they_are_said_to_be() -> None:
    rule = prepared({"channels": (40, 60)}, mean=0.5, sd=0.1, threshold=(3.3, 2.0))
    for layer, threshold in zip(rule.hidden(), (3.3, 2.0), strict=True):
        w = layer.weight.detach() * threshold
        n = w.numel()
        assert abs(float(w.mean()) - 0.5) < 4 * 0.1 / math.sqrt(n)
        assert abs(float(w.std()) - 0.1) < 4 * 0.1 / math.sqrt(n)


def test_an_image_without_contrast_gives_no_spike_and_teaches_nothing() -> None:
    rule = prepared()
    x, y = torch.full((2, 72), 0.7, dtype=torch.float64), torch.tensor([0, 1])
    assert not rule.input_spikes(x).any()
    assert all(not change.any() for change in changes(rule, x, y))
    assert not rule.features(x).any()


# --- Stages, labels and the readout.


def test_layers_learn_one_after_another_and_the_readout_in_the_last_epoch() -> None:
    def stages(unsupervised_epochs: int, n_epochs: int) -> list[tuple[int, ...]]:
        rule = prepared(unsupervised_epochs=unsupervised_epochs)
        found = []
        for epoch in range(1, n_epochs + 1):
            rule.begin_epoch(epoch, n_epochs)
            found.append(rule.learning)
        return found

    assert stages(2, 4) == [(0,), (1,), (), ()]
    assert stages(5, 6) == [(0,), (0,), (1,), (1,), (1,), ()]
    assert stages(4, 2) == [(0, 1), ()]
    assert stages(0, 2) == [(), ()]
    assert stages(3, 1) == [()]


def test_only_layers_whose_turn_it_is_learn_and_labels_move_none_of_them() -> None:
    rule, (x, y) = prepared(unsupervised_epochs=2), images(4)
    for epoch, learns in ((1, (True, False)), (2, (False, True)), (3, (False, False))):
        rule.begin_epoch(epoch, 3)
        found, other = changes(rule, x, y), changes(rule, x, (y + 1) % 3)
        assert tuple(bool(change.any()) for change in found) == learns
        for here, there in zip(found, other, strict=True):
            np.testing.assert_array_equal(here, there)
    assert rule.network.weights[-1].grad is not None


def test_the_readout_descends_the_cross_entropy_of_the_networks_scores() -> None:
    rule, (x, y) = prepared(), images(5)
    rule.begin_epoch(2, 2)
    output = list(rule.network)[-1]
    scores = rule.network.scores(rule.network.encode(x, torch.Generator()))
    loss = torch.nn.functional.cross_entropy(scores, y)
    expected = torch.autograd.grad(loss, (output.weight, output.bias))
    found = rule.update(x, y, lambda: None)
    torch.testing.assert_close(found, loss.detach(), rtol=1e-12, atol=0)
    for parameter, gradient in zip((output.weight, output.bias), expected, strict=True):
        torch.testing.assert_close(parameter.grad, gradient, rtol=1e-9, atol=1e-14)
    torch.testing.assert_close(rule.predict(x), scores.detach(), rtol=1e-12, atol=1e-14)
    # What it receives is how long ago each neuron fired, but for the leak of its potential.
    emitted = rule.network.run(rule.input_spikes(x), [rule.network.n_reached] * 3)[1]
    n = len(emitted)
    left = torch.einsum("t,tb...->b...", torch.arange(n, 0, -1).double(), emitted).flatten(1)
    torch.testing.assert_close(rule.features(x), left / n, rtol=0.02, atol=1e-12)
    assert rule.features(x).std(0).max() > 0


# --- The trained network on the engines.


@pytest.mark.parametrize("backend", ["native", "snntorch"])
@pytest.mark.filterwarnings("ignore::UserWarning")  # of time steps that are long for the neurons
def test_what_it_has_taught_spikes_alike_on_every_engine(backend: str) -> None:
    rule, (x, y) = prepared(threshold=(4.3, 2.6)), images(4)
    x[0, :40] = 0.5  # where nobody has anything to see
    step = descend(rule, 20.0)
    for _ in range(10):
        rule.update(x, y, step)
    rule.begin_epoch(2, 2)
    for _ in range(10):
        rule.update(x, y, step)
    network = rule.network
    duration_ms = network.description.duration_ms
    activity = simulate(
        network.to_spiking_network(), shown_images(network, x), duration_ms, backend=backend,
        record=("output",),
    )  # fmt: skip
    emitted = network.run(rule.input_spikes(x), [network.n_steps - b for b in (1, 3, 4)])
    begins = network.description.begins
    for index, (name, fired) in enumerate(zip(("hidden1", "hidden2"), emitted, strict=False)):
        steps, trials, senders = np.nonzero(fired.detach().flatten(2).numpy())
        expected = set(zip(trials, senders, steps + begins[index], strict=True))
        spikes = activity.populations[name]
        times = np.rint(spikes.times_ms / network.description.dt_ms).astype(int)
        found = set(zip(spikes.trials, spikes.senders, times - times.min(), strict=True))
        assert found == {(b, n, t - min(e[2] for e in expected)) for b, n, t in expected}
        assert 50 < len(found) < fired[0].numel()
    (potential,) = activity.states.values()
    mean = potential[:, -network.n_reached :].mean(1)
    np.testing.assert_allclose(mean, rule.predict(x).numpy(), rtol=1e-9, atol=1e-12)


def test_first_spikes_that_nothing_inhibits_are_those_of_the_network() -> None:
    rule, (x, _) = prepared(threshold=(4.3, 2.6)), images(4)
    x[0, :40] = 0.5
    n = rule.network.n_reached
    left = torch.arange(n, 0, -1).double()
    h, below = rule.input_spikes(x)[:n], rule.input_clock(x)
    for index, layer in enumerate(rule.hidden()):
        fired, h = rule.network.through(index, h, n)
        found = rule.first_spikes(index, below).clock
        assert torch.equal(found, torch.einsum("t,tb...->b...", left, fired))
        assert 0 < int((found > 0).sum()) < found.numel()
        below = layer.send(found)


# --- What it refuses.


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"input": "rate"}, "give the model 'small' input: latency$"),
        ({"once": False, "bias": True}, "once: true, bias: false$"),
        ({"pool": ("average 2", 1)}, "pool: 1, or max$"),
        ({"pool": (2, 1)}, "pool: 1, or max$"),
        ({"norm": ("weights", "none")}, "norm: none$"),
        ({"norm": ("batch", "none")}, "no network with batch normalisation"),
        ({"hidden": (5,), "learn_tau": True}, r"hidden: \[\], learn_tau: false$"),
        ({"dropout": 0.2}, "no network with dropout"),
        ({"readout": "spikes", "tau_readout_ms": None}, "readout: potential$"),
    ],
)
def test_other_networks_are_refused_in_a_sentence(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(SpikelearnError, match=words):
        prepared(fields)


def test_weights_that_begin_beyond_the_bounds_are_refused_with_those_of_the_paper() -> None:
    words = r"between 0 and 0.303 mV .* layer 1 of the model 'small' begin between -.* and .* mV;"
    with pytest.raises(SpikelearnError, match=f"{words} give the model initial_mean_mv: 0.242 and"):
        prepared({"initial_mean_mv": None, "initial_sd_mv": None})
    with pytest.raises(SpikelearnError, match=r"layer 2 of the model 'small' begin between 0\.63"):
        prepared({"initial_mean_mv": (0.2, 0.63), "initial_sd_mv": 0.0})
    paper = {"initial_mean_mv": (0.242, 0.5), "initial_sd_mv": (0.0152, 0.0312)}
    assert prepared(paper).w_max == pytest.approx([1 / 3.3, 1 / 1.6])


def test_options_that_do_not_fit_are_refused() -> None:
    with pytest.raises(SpikelearnError, match="one for each of the 2 hidden layers, found"):
        prepared({"initial_mean_mv": 0.1, "initial_sd_mv": 0.0}, threshold=(1.0, 2.0, 3.0))
    with pytest.raises(SpikelearnError, match="'radius' must be a number at least 0"):
        prepared(radius=(1, -1))
    rate = MLP(name="m", sizes=(4, 3)).build(0)
    with pytest.raises(SpikelearnError, match="trains spiking networks"):
        ConvolutionalSTDP().prepare(rate, torch.Generator())
