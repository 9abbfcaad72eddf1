"""Reward-modulated STDP against the formula, synapse by synapse; its network, the engines."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch

from spikelearn._errors import SpikelearnError
from spikelearn.networks.latency_cnn import LatencyCNN
from spikelearn.networks.latency_mlp import LatencyMLP, LatencyNetwork
from spikelearn.networks.mlp import MLP
from spikelearn.rules import make_rule
from spikelearn.rules.reward_stdp import RewardSTDP
from spikelearn.simulation import simulate
from spikelearn.stimuli.stimulus import Stimulus

N_CLASSES = 4


def mlp(**fields: Any) -> LatencyNetwork:
    settings = {"weight_mean": 10.0, "weight_sd": (12.0, 9.0), "readout": "first_spike"} | fields
    model = LatencyMLP(name="small", sizes=(9, 12, N_CLASSES), max_spikes=1, **settings)
    return model.build(10).double()


def cnn(**fields: Any) -> LatencyNetwork:
    settings = {
        "input_shape": (2, 8, 8), "channels": (5, 4), "kernel_size": 3, "pool": (2, 1),
        "dt_ms": 0.5, "weight_mean": (9.0, 12.0, 10.0), "weight_sd": (9.0, 9.0, 6.0),
    } | fields  # fmt: skip
    return LatencyCNN(name="small", n_classes=N_CLASSES, **settings).build(2).double()


def cnn_by_layer(**fields: Any) -> LatencyNetwork:
    """Kernels of two sizes, pixels around the image, and a layer that is fully connected."""
    return cnn(**{"kernel_size": (3, 4), "padding": (1, 0), "pool": (2, 1)} | fields)


NETWORKS = {"mlp": mlp, "cnn": cnn, "cnn_by_layer": cnn_by_layer}


def prepared(network: LatencyNetwork, **options: Any) -> RewardSTDP:
    rule = RewardSTDP(**options)
    rule.prepare(network, torch.Generator().manual_seed(5))
    rule.extra.double()
    return rule


def data(network: LatencyNetwork, n: int = 8) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(3)
    x = torch.rand(n, network.description.n_inputs, generator=generator, dtype=torch.float64)
    return x, torch.arange(n) % N_CLASSES


def change_of(rule: RewardSTDP, x: torch.Tensor, y: torch.Tensor) -> list[torch.Tensor]:
    found: list[torch.Tensor] = []

    def keep() -> None:
        found.extend(
            torch.zeros_like(w) if w.grad is None else -w.grad for w in rule.network.weights
        )

    rule.update(x, y, keep)
    return found


def told(rule: RewardSTDP, x: torch.Tensor, y: torch.Tensor) -> np.ndarray:
    """The formula of the docstring, in loops over samples, neurons and synapses."""
    spikes = rule.network.first_spikes(x)
    weight, w_max = rule.network.weights[-1].detach(), rule.w_max[-1]
    missed = float(rule.extra["answers"]["missed"])  # type: ignore[index]
    found = np.zeros(weight.shape)
    for sample, label in enumerate(y.tolist()):
        times = [-math.log(u) if u > 0 else math.inf for u in spikes.output[sample].tolist()]
        learns: list[tuple[int, float]] = []
        if rule.teacher == "reward":
            winner = int(np.argmin(times))
            if times[winner] < math.inf:
                learns = [(winner, missed if winner == label else missed - 1.0)]
        else:
            others = [k for k in range(len(times)) if k != label]
            rival = min(others, key=lambda k: times[k])
            margin = rule.margin_ms / rule.network.description.tau_m_ms
            if times[label] + margin > times[rival] or times[label] == math.inf:
                end = rule.network.description.duration_ms / rule.network.description.tau_m_ms
                times[label] = min(times[label], end)
                learns = [(label, 1.0), (rival, -1.0)]
        for neuron, signal in learns:
            if times[neuron] == math.inf:
                continue
            for synapse in range(weight.shape[1]):
                u = float(spikes.arrive[-1][sample, synapse])
                early = u > 0 and -math.log(u) <= times[neuron]
                e = 1.0 if early else -rule.depression
                w = float(weight[neuron, synapse])
                found[neuron, synapse] += signal * e * (w + w_max) * (w_max - w) / w_max / len(x)
    return found


@pytest.mark.parametrize("kind", NETWORKS)
@pytest.mark.parametrize("teacher", ["reward", "label"])
def test_the_change_is_that_of_the_formula(kind: str, teacher: str) -> None:
    network = NETWORKS[kind]()
    rule = prepared(network, teacher=teacher, depression=0.3, margin_ms=1.0)
    x, y = data(network)
    expected = told(rule, x, y)
    *hidden, output = change_of(rule, x, y)
    np.testing.assert_allclose(output.numpy(), expected, rtol=1e-12, atol=1e-15)
    assert all(not change.any() for change in hidden)
    rows = np.abs(expected).sum(1)
    assert (rows > 0).sum() >= 2  # praised and blamed ones
    assert (expected > 0).any()
    assert (expected < 0).any()


def test_reward_reversed_is_the_change_reversed() -> None:
    """With the two fractions equal: the winner's change only turns its sign with the answer."""
    network = mlp()
    x, _ = data(network, 1)
    rule = prepared(network, adaptive=False)
    winner = int(network.first_spikes(x).output.argmax())
    right = change_of(rule, x, torch.tensor([winner]))[-1]
    wrong = change_of(rule, x, torch.tensor([(winner + 1) % N_CLASSES]))[-1]
    assert right[winner].abs().max() > 0
    torch.testing.assert_close(wrong, -right, rtol=0, atol=0)
    assert not right[[k for k in range(N_CLASSES) if k != winner]].any()


def test_praise_fades_as_answers_are_right() -> None:
    network = mlp()
    x, y = data(network, 1)
    y[:] = int(network.first_spikes(x).output.argmax())
    rule = prepared(network, memory=10.0)
    sizes, missed = [], []
    for _ in range(40):
        missed.append(float(rule.extra["answers"]["missed"]))  # type: ignore[index]
        sizes.append(float(change_of(rule, x, y)[-1].norm()))
    np.testing.assert_allclose(missed, 0.75 * 0.9 ** np.arange(40), rtol=1e-12)
    np.testing.assert_allclose(np.array(sizes) / sizes[0], 0.9 ** np.arange(40), rtol=1e-12)


def test_where_no_output_neuron_fires_nobody_learns_but_by_a_teacher_who_names_one() -> None:
    network = mlp()
    with torch.no_grad():
        network.weights[-1].fill_(-0.1)
    changes = change_of(prepared(network), *data(network))
    assert not any(change.any() for change in changes)
    rule = prepared(network, teacher="label", depression=0.3)
    x, y = data(network)
    output = change_of(rule, x, y)[-1]
    np.testing.assert_allclose(output.numpy(), told(rule, x, y), rtol=1e-12, atol=1e-15)
    arrived = network.first_spikes(x).arrive[-1] > 0
    for label in range(N_CLASSES):  # inputs that came are strengthened, the others weakened
        sign = torch.where(arrived[y == label], 1.0, -0.3).sum(0).sign()
        assert torch.equal(output[label].sign(), sign.to(output.dtype))


def test_weights_stay_within_their_bounds() -> None:
    network = mlp()
    rule = prepared(network, teacher="label", depression=1.0)
    x, y = data(network, 40)

    @torch.no_grad()
    def step() -> None:
        for weight in network.weights:
            if weight.grad is not None:
                weight.sub_(weight.grad, alpha=500.0)
                weight.grad = None

    for _ in range(30):
        rule.update(x, y, step)
        assert float(network.weights[-1].detach().abs().max()) <= rule.w_max[-1]
    assert float(network.weights[-1].detach().abs().max()) > 0.9 * rule.w_max[-1]


@pytest.mark.parametrize("kind", NETWORKS)
def test_hidden_winners_learn_without_a_label(kind: str) -> None:
    """Told neuron by neuron: kernels learn at the place that fired first."""
    network = NETWORKS[kind]()
    rule = prepared(network, unsupervised_epochs=1, winners=3, depression=0.2)
    rule.begin_epoch(1, 2)
    x, y = data(network, 3)
    spikes = network.first_spikes(x)
    changes = change_of(rule, x, y)
    assert all(torch.equal(a, b) for a, b in zip(changes, change_of(rule, x, 3 - y), strict=True))
    assert not changes[-1].any()
    for index, change in enumerate(changes[:-1]):
        weight, w_max = network.weights[index].flatten(1), rule.w_max[index]
        expected = np.zeros(weight.shape)
        for sample in range(len(x)):
            rows = spikes.maps[index][sample]
            order = sorted(range(len(rows)), key=lambda r: -float(rows[r].max()))[:3]
            for row in order:
                u, place = (float(part) for part in rows[row].max(0))
                if u == 0:
                    continue
                seen = _inputs(network, index, spikes.arrive[index][sample], int(place))
                e = np.where(seen >= u, 1.0, -0.2)
                w = weight[row].detach().numpy()
                expected[row] += e * (w + w_max) * (w_max - w) / w_max / len(x)
        assert np.abs(expected).max() > 0
        np.testing.assert_allclose(change.flatten(1).numpy(), expected, rtol=1e-12, atol=1e-15)
    rule.begin_epoch(2, 2)
    assert change_of(rule, x, y)[-1].any()


@pytest.mark.parametrize("kind", NETWORKS)
def test_the_same_reward_reaches_hidden_winners(kind: str) -> None:
    """What STDP alone would do, sample by sample, times one number for all synapses."""
    network = NETWORKS[kind]()
    rule, alone = (prepared(network, hidden="reward"), prepared(network, unsupervised_epochs=1))
    alone.begin_epoch(1, 2)
    x, y = data(network)
    answers = network.first_spikes(x).output.argmax(1)
    rewards = torch.where(answers == y, 0.75, -0.25)
    assert 0 < int((rewards > 0).sum()) < len(x)
    changes = change_of(rule, x, y)[:-1]
    expected = [torch.zeros_like(change) for change in changes]
    for sample, reward in enumerate(rewards):
        single = change_of(alone, x[sample : sample + 1], y[sample : sample + 1])
        for total, change in zip(expected, single[:-1], strict=True):
            total.add_(change, alpha=float(reward) / len(x))
    for change, total in zip(changes, expected, strict=True):
        torch.testing.assert_close(change, total, rtol=1e-12, atol=1e-15)


def _inputs(network: LatencyNetwork, index: int, below: torch.Tensor, place: int) -> np.ndarray:
    """The clocks that a neuron sees, by the indices of its inputs."""
    d = network.description
    if isinstance(d, LatencyMLP):
        return below.numpy()
    channels, rows, columns = d.shapes[index]
    size, stride, padding = d.kernels[index]
    image = below.view(channels, rows, columns).numpy()
    image = np.pad(image, [(0, 0), (padding, padding), (padding, padding)])
    row, column = divmod(place, (columns + 2 * padding - size) // stride + 1)
    row, column = row * stride, column * stride
    return image[:, row : row + size, column : column + size].ravel()


@pytest.mark.parametrize("shape", ["one stride", "two strides", "by layer"])
def test_the_convolutional_network_has_the_engines_spikes(shape: str) -> None:
    network = {
        "one stride": cnn,
        "two strides": lambda: cnn(stride=2, pool=(1, 1)),
        "by layer": cnn_by_layer,
    }[shape]()
    d = network.description
    x, _ = data(network, 6)
    spikes = network.first_spikes(x)
    exported = network.to_spiking_network()
    compared = 0
    for sample in range(len(x)):
        arrive = network.time_ms(spikes.arrive[0][sample])
        times = [[t] if t < math.inf else [] for t in arrive.tolist()]
        stimulus = Stimulus.from_spike_times("input", times)
        activity = simulate(exported, stimulus, d.duration_ms, d.dt_ms, "native", 0)
        for index, name in enumerate(("hidden1", "hidden2")):
            clock = spikes.maps[index][sample].flatten()
            expected = network.time_ms(clock).numpy()
            found = np.full(len(clock), np.inf)
            found[activity[name].senders] = activity[name].times_ms
            np.testing.assert_allclose(found, expected, rtol=0, atol=1e-9)
            compared += int(np.isfinite(found).sum())
        found = np.full(N_CLASSES, np.inf)
        found[activity["output"].senders] = activity["output"].times_ms
        exact = network.time_ms(spikes.output[sample]).numpy()
        fires = np.isfinite(found)
        # A neuron that is above threshold between two time steps only is seen here alone.
        assert (np.isfinite(exact) >= fires).all()
        behind = found[fires] - exact[fires]
        assert (behind > 0).all()
        assert (behind <= d.dt_ms + 1e-9).mean() > 0.7
    assert compared > 100


def test_samples_do_not_depend_on_how_many_are_held_together() -> None:
    network = cnn()
    x, _ = data(network, 70)
    whole, alone = network.first_spikes(x), network.first_spikes(x[60:61])
    for field in ("arrive", "counts", "maps"):
        for one, other in zip(getattr(whole, field), getattr(alone, field), strict=True):
            torch.testing.assert_close(one[60:61], other, rtol=1e-12, atol=0)
    torch.testing.assert_close(whole.output[60:61], alone.output, rtol=1e-12, atol=0)


@pytest.mark.parametrize("teacher", ["reward", "label"])
def test_it_learns_which_of_four_patterns_it_sees(teacher: str) -> None:
    network = mlp(weight_mean=(10.0, 20.0), weight_sd=(8.0, 1.0))
    rule = prepared(network, teacher=teacher, memory=100.0, margin_ms=0.1, depression=0.3)
    generator = torch.Generator().manual_seed(1)
    patterns = (torch.rand(N_CLASSES, 9, generator=generator) > 0.5).double()
    y = torch.arange(40) % N_CLASSES
    x = (patterns[y] + 0.1 * torch.rand(40, 9, generator=generator)).clamp(0, 1)
    before = float(rule.objective(x, y))

    @torch.no_grad()
    def step() -> None:
        network.weights[-1].sub_(network.weights[-1].grad, alpha=0.1)
        network.weights[-1].grad = None

    for _ in range(600):
        rule.update(x, y, step)
    assert before >= 0.5
    assert float(rule.objective(x, y)) <= 0.05


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"teacher": "none"}, "option 'teacher' must be one of reward, label"),
        ({"depression": -1.0}, "option 'depression' must be a number at least 0"),
        ({"dropout": 1.0}, "option 'dropout' must be a number from 0 to 0.99"),
        ({"bound": 0.5}, "option 'bound' must be a number at least 1"),
    ],
)
def test_options_out_of_range_are_refused(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(SpikelearnError, match=sentence):
        make_rule("reward_stdp", **options)


def test_networks_without_output_spikes_are_refused_in_one_sentence() -> None:
    with pytest.raises(SpikelearnError, match="give the model 'small' readout: first_spike"):
        prepared(mlp(readout="potential"))
    with pytest.raises(SpikelearnError, match="latency_mlp, latency_cnn") as raised:
        RewardSTDP().prepare(MLP(name="m", sizes=(4, 3)).build(0), torch.Generator())
    assert "\n" not in str(raised.value)


def test_a_rule_for_the_other_kind_is_refused_by_its_kind() -> None:
    with pytest.raises(SpikelearnError, match=r"\(kind: latency_mlp\), not latency_cnn"):
        make_rule("eventprop").prepare(cnn(), torch.Generator())


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"kernel_size": 9}, "vanish"),
        ({"kernel_size": (3, 9)}, "vanish"),
        ({"kernel_size": (3,)}, r"each of the 2 convolutional layers, found \[3\]"),
        ({"stride": 0}, r"a number of at least 1, or one for each .* found \[0, 0\]"),
        ({"padding": (0, -1)}, r"a number of at least 0, or one for each .* found \[0, -1\]"),
        ({"pool": (2,)}, "give a number of at least 1 for each of the 2"),
        ({"weight_sd": (1.0,)}, "one a layer"),
        ({"duration_ms": 5.0}, "latency_ms must be shorter"),
        ({"duration_ms": 30.2}, "duration_ms must be a multiple of dt_ms"),
    ],
)
def test_convolutional_networks_that_cannot_be_are_refused(
    fields: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(ValueError, match=sentence):
        cnn(**fields)
