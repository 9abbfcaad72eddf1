"""The forward-forward rules against independent code, in 64-bit arithmetic."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.functional import cross_entropy, one_hot, softplus

from spikelearn.networks.layers import Dense, RateNetwork
from spikelearn.networks.mlp import MLP
from spikelearn.rules import make_rule
from tests.oracles.forward_forward_by_hand import (
    CHANNELWISE,
    CONTRASTIVE,
    FORWARD_FORWARD,
    N_CLASSES,
    SIZES,
    SYMBA,
    Tensor,
    assert_close,
    batch,
    costs_by_hand,
    goodness_by_hand,
    layers_by_hand,
    network,
    prepared,
    show,
    update_of,
    with_label,
)

# --- The rules once more: images with labels made one by one, layers of torch's own functions,
# --- and automatic differentiation of each layer's cost.


@pytest.mark.parametrize("activation", ["relu", "tanh"])
@pytest.mark.parametrize("kind", ["mlp", "cnn"])
@pytest.mark.parametrize(
    ("name", "options"),
    [
        (FORWARD_FORWARD, {"slope": 3.0, "theta": 0.7}),
        (FORWARD_FORWARD, {"slope": None}),
        (SYMBA, {"alpha": 5.0}),
    ],
)
def test_the_update_is_the_gradient_of_every_layers_own_cost(
    name: str, options: dict[str, Any], kind: str, activation: str
) -> None:
    net = network(kind, activation)
    x, y = batch(net)
    rule = prepared(name, net, label_strength=0.4, **options)
    wrong = (y + 1 + torch.arange(len(y)) % (N_CLASSES - 1)) % N_CLASSES
    show(rule, wrong)
    costs = costs_by_hand(rule, x, y, wrong)
    found = update_of(rule, x, y)
    for layer, cost in enumerate(costs):
        parameters = list(list(net)[layer].parameters())
        expected = torch.autograd.grad(cost, parameters)
        for a, b in zip(found[2 * layer : 2 * layer + 2], expected, strict=True):
            assert_close(a, b)
    assert found[-2:] == [None, None]  # the output layer is not used
    total = float(torch.stack(costs).sum().detach())
    assert float(rule.update(x, y, lambda: None)) == pytest.approx(total, rel=1e-10)


def test_the_paper_s_sum_of_squares_is_a_slope_of_the_number_of_units() -> None:
    rule = prepared(FORWARD_FORWARD, network(), slope=None, theta=1.0)
    right, wrong = torch.tensor([1.3, 0.2]), torch.tensor([0.9, 0.4])
    cost, *_ = rule.contrast(right, wrong, 9)
    paper = softplus(9 - 9 * right) + softplus(9 * wrong - 9)
    torch.testing.assert_close(cost, paper)


def test_the_update_of_two_units_is_that_computed_by_hand() -> None:
    net = RateNetwork(
        [
            Dense(3, 2, "relu", torch.Generator()),
            Dense(2, 2, "identity", torch.Generator()),
        ]
    ).double()
    first = next(iter(net))
    with torch.no_grad():
        first.weight.copy_(torch.tensor([[1.0, -0.5, 0.5], [-1.0, 1.0, 0.25]]))
        first.bias.copy_(torch.tensor([0.1, -0.2], dtype=torch.float64))
    rule = prepared(FORWARD_FORWARD, net, theta=1.0, slope=1.0, label_strength=1.0)
    # Label 0 shows as (1, 0, 2), label 1 as (0, 1, 2); both have mean square 5/3.
    r = math.sqrt(5.0 / 3.0)
    # Right: W (1, 0, 2) = (2, -0.5): unit 1 is silent. Wrong: W (0, 1, 2) = (0.5, 1.5).
    right = 2.0 / r + 0.1
    wrong = (0.5 / r + 0.1, 1.5 / r - 0.2)
    g_right, g_wrong = right**2 / 2, (wrong[0] ** 2 + wrong[1] ** 2) / 2
    up = 1 / (1 + math.exp(g_right - 1.0))  # probability of calling the right label wrong
    down = 1 / (1 + math.exp(1.0 - g_wrong))  # and the wrong one right
    # dC/dz = -up h on the right label and down h on the wrong one, as dG/dh = 2 h / 2.
    by_hand = np.array(
        [
            [-up * right * 1 / r, down * wrong[0] * 1 / r,
             -up * right * 2 / r + down * wrong[0] * 2 / r],
            [0.0, down * wrong[1] * 1 / r, down * wrong[1] * 2 / r],
        ]
    )  # fmt: skip
    weight, bias, *_ = update_of(rule, torch.tensor([[9.0, 9.0, 2.0]]).double(), torch.tensor([0]))
    np.testing.assert_allclose(weight, by_hand, rtol=1e-14)
    np.testing.assert_allclose(bias, [-up * right + down * wrong[0], down * wrong[1]], rtol=1e-14)


@pytest.mark.parametrize("kind", ["mlp", "cnn"])
@pytest.mark.parametrize("name", [*CONTRASTIVE, CHANNELWISE])
def test_the_cost_of_a_layer_has_gradient_exactly_zero_in_every_other(name: str, kind: str) -> None:
    net = network(kind)
    x, y = batch(net)
    n_hidden = len(list(net)) - 1
    for only in range(n_hidden):
        rule = prepared(name, net, readout="goodness")
        if name == CHANNELWISE:
            for layer, shares in enumerate(rule.extra["shares"].parameters()):
                shares.data.mul_(float(layer == only))
        else:
            contrast = rule.contrast
            chosen = math.prod(list(net)[only].out_shape)

            def one_layer(
                a: Tensor, b: Tensor, n: int, contrast: Any = contrast, chosen: int = chosen
            ) -> Any:
                return [part * float(n == chosen) for part in contrast(a, b, n)]

            rule.contrast = one_layer
        found = update_of(rule, x, y)
        for layer in range(n_hidden):
            for part in found[2 * layer : 2 * layer + 2]:
                assert part is not None
                assert bool(part.any()) is (layer == only)


@pytest.mark.parametrize("factor", [1e-4, 0.3, 77.0])
@pytest.mark.parametrize("kind", ["mlp", "cnn"])
@pytest.mark.parametrize("name", [*CONTRASTIVE, CHANNELWISE])
def test_a_layer_does_not_see_how_large_the_activity_below_is(
    name: str, kind: str, factor: float
) -> None:
    net = network(kind)
    x, y = batch(net)
    before = update_of(prepared(name, net), x, y)
    with torch.no_grad():
        for parameter in next(iter(net)).parameters():  # rectified: its activity scales with them
            parameter.mul_(factor)
    after = update_of(prepared(name, net), x, y)
    for a, b in zip(after[2:], before[2:], strict=True):
        if b is None:
            assert a is None
        else:
            assert_close(a, b, 1e-12)
    assert not torch.allclose(after[0], before[0], rtol=0.05)


@pytest.mark.parametrize("kind", ["mlp", "cnn"])
def test_where_both_labels_are_the_same_the_gradient_has_its_closed_form(kind: str) -> None:
    net = network(kind)
    x, y = batch(net)
    rule = prepared(FORWARD_FORWARD, net, theta=0.8, slope=2.0, label_strength=0.4)
    show(rule, y)
    found = update_of(rule, x, y)
    # dC/dG = slope (sigma(slope (G - theta)) - sigma(slope (theta - G))), dG/dh = 2 h / n.
    shown = torch.cat([with_label(rule, x[i : i + 1], int(y[i])) for i in range(len(y))])
    activities = [h.detach() for h in layers_by_hand(net, shown)]
    inputs = [shown, *activities]
    for index, layer in enumerate(list(net)[:-1]):
        h = activities[index]
        goodness = h.square().flatten(1).mean(1)
        slope = 2.0 * (
            torch.sigmoid(2.0 * (goodness - 0.8)) - torch.sigmoid(2.0 * (0.8 - goodness))
        )
        weights = slope * 2 / h[0].numel() / len(y)
        delta = h * weights.reshape(-1, *[1] * (h.dim() - 1))
        below = inputs[index].flatten(1)
        u = below / below.square().mean(1, keepdim=True).sqrt()
        if isinstance(layer, Dense):
            assert_close(found[2 * index], delta.T @ u)
            assert_close(found[2 * index + 1], delta.sum(0))
        else:
            z = layer.through(layer.weight, u, layer.bias)
            expected = torch.autograd.grad(z, [layer.weight, layer.bias], delta)
            assert_close(found[2 * index], expected[0])
            assert_close(found[2 * index + 1], expected[1])


def test_where_both_labels_are_the_same_nothing_is_learned_at_the_threshold() -> None:
    net = network(sizes=(11, 9, 4))
    x, y = batch(net, 1)
    rule = prepared(FORWARD_FORWARD, net)
    show(rule, y)
    rule.theta = float(rule.goodness(x)[0, 0, y[0]])
    weight, bias, *_ = update_of(rule, x, y)
    assert float(weight.abs().max()) < 1e-14
    assert float(bias.abs().max()) < 1e-14
    rule.theta *= 1.01  # and off it something is
    weight, *_ = update_of(rule, x, y)
    assert float(weight.abs().max()) > 1e-5


def test_where_both_labels_are_the_same_symba_learns_nothing() -> None:
    net = network()
    x, y = batch(net)
    rule = prepared(SYMBA, net)
    show(rule, y)
    for part in update_of(rule, x, y)[:-2]:
        assert float(part.abs().max()) < 1e-15


@settings(max_examples=150, deadline=None)
@given(
    labels=st.lists(st.integers(0, 6), min_size=1, max_size=30),
    n_classes=st.integers(2, 7),
    scale=st.sampled_from([0.0, 1.0, 1e3, 1e30]),
    seed=st.integers(0, 2**31),
    dtype=st.sampled_from([torch.float32, torch.float64]),
    extreme=st.sampled_from([None, 0.0, 1.0 - 2.0**-24]),
)
def test_the_wrong_label_is_never_the_right_one(
    labels: list[int], n_classes: int, scale: float, seed: int, dtype: Any, extreme: float | None
) -> None:
    y = torch.tensor(labels) % n_classes
    net = MLP(name="m", sizes=(8, 5, n_classes)).build(0).to(dtype)
    rule = make_rule(FORWARD_FORWARD)
    rule.prepare(net, torch.Generator().manual_seed(seed))
    if extreme is not None:  # the ends of what can be drawn
        rule.draw = lambda shape, axes, kind: torch.full(tuple(shape), extreme, dtype=dtype)
    generator = torch.Generator().manual_seed(seed + 1)
    scores = scale * torch.randn(len(y), n_classes, generator=generator, dtype=dtype)
    # As a softmax that has learned scores: the right label highest of all.
    scores[torch.arange(len(y)), y] += scale
    wrong = rule.wrong_labels(scores, one_hot(y, n_classes).bool())
    assert wrong.dtype == torch.int64
    assert bool((wrong != y).all())
    assert bool(((wrong >= 0) & (wrong < n_classes)).all())


@pytest.mark.parametrize("negatives", ["random", "hard"])
def test_wrong_labels_come_with_the_probabilities_of_the_others(negatives: str) -> None:
    net = network()
    rule = prepared(FORWARD_FORWARD, net, negatives=negatives)
    n, right = 40_000, 2
    scores = torch.tensor([0.5, -1.0, 3.0, 1.2], dtype=torch.float64)
    if negatives == "random":
        scores = torch.zeros_like(scores)
    is_right = one_hot(torch.full((n,), right), N_CLASSES).bool()
    drawn = rule.wrong_labels(scores.expand(n, -1), is_right)
    expected = scores.exp()
    expected[right] = 0.0
    expected /= expected.sum()
    found = torch.bincount(drawn, minlength=N_CLASSES) / n
    # Five standard deviations of a count of n.
    assert float((found - expected).abs().max()) < 5 * 0.5 / math.sqrt(n)
    assert found[right] == 0


@pytest.mark.parametrize("kind", ["mlp", "cnn"])
@pytest.mark.parametrize("name", CONTRASTIVE)
def test_hard_negatives_are_drawn_by_a_softmax_on_a_pass_with_the_neutral_label(
    name: str, kind: str
) -> None:
    net = network(kind)
    x, y = batch(net)
    rule = prepared(name, net, negatives="hard", label_strength=0.4)
    generator = torch.Generator().manual_seed(8)
    for weight in rule.extra["readout"].parameters():
        weight.data = torch.randn(weight.shape, generator=generator, dtype=torch.float64)
    seen = []
    rule.wrong_labels = lambda scores, is_right: (seen.append(scores), (y + 1) % N_CLASSES)[1]
    found = update_of(rule, x, y)
    features = [
        (h.flatten(1) / h.flatten(1).square().mean(1, keepdim=True).sqrt()).detach()
        for h in layers_by_hand(net, with_label(rule, x, None))[:-1]
    ]
    output = list(net)[-1]
    weights = [*rule.extra["readout"].parameters()]
    scores = features[-1] @ output.weight.T + output.bias
    for weight, feature in zip(weights, features[1:-1], strict=True):  # all but the first
        scores = scores + feature @ weight.T
    torch.testing.assert_close(seen[0], scores.detach(), rtol=1e-12, atol=1e-12)
    expected = torch.autograd.grad(cross_entropy(scores, y), [output.weight, output.bias, *weights])
    assert_close(found[-2], expected[0])
    assert_close(found[-1], expected[1])
    for weight, gradient in zip(weights, expected[2:], strict=True):
        assert_close(weight.grad, gradient)
    rule.readout = "softmax"
    torch.testing.assert_close(rule.predict(x), scores.detach(), rtol=1e-12, atol=1e-12)
    hidden = layers_by_hand(net, with_label(rule, x, None))[:-1]
    for a, b in zip(rule.activity(x).values(), [*hidden, scores], strict=True):
        torch.testing.assert_close(a, b.detach(), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", CONTRASTIVE)
def test_the_hidden_layers_learn_nothing_of_the_softmax_but_which_labels_are_shown(
    name: str,
) -> None:
    net = network()
    x, y = batch(net)
    updates = []
    for negatives, readout in [("random", "goodness"), ("random", "softmax"), ("hard", "softmax")]:
        rule = prepared(name, net, negatives=negatives, readout=readout)
        show(rule, (y + 1) % N_CLASSES)
        updates.append(update_of(rule, x, y))
    for one, two, three in zip(*updates, strict=True):
        assert one is None or torch.equal(one, two)
        assert torch.equal(two, three)
    assert updates[0][-1] is None


@pytest.mark.parametrize("kind", ["mlp", "cnn"])
def test_the_answer_is_the_label_of_most_goodness_in_all_hidden_layers_but_the_first(
    kind: str,
) -> None:
    net = network(kind)
    x, _ = batch(net)
    rule = prepared(FORWARD_FORWARD, net, label_strength=0.4)
    expected = torch.stack(
        [
            torch.stack(goodness_by_hand(net, with_label(rule, x, label)))
            for label in range(N_CLASSES)
        ],
        2,
    ).detach()
    torch.testing.assert_close(rule.goodness(x), expected, rtol=1e-12, atol=1e-13)
    torch.testing.assert_close(rule.predict(x), expected[1:].sum(0), rtol=1e-12, atol=1e-13)
    alone = prepared(FORWARD_FORWARD, network(sizes=(11, 9, 4)))
    x = x[:, :11]
    torch.testing.assert_close(alone.predict(x), alone.goodness(x)[0])


@pytest.mark.parametrize("kind", ["mlp", "cnn"])
@pytest.mark.parametrize("name", [*CONTRASTIVE, CHANNELWISE])
def test_a_small_step_lowers_every_layers_cost_while_its_input_is_held(
    name: str, kind: str
) -> None:
    net = network(kind, "tanh")
    x, y = batch(net)
    for chosen in range(len(list(net)) - 1):
        rule = prepared(name, net, readout="goodness")
        if name != CHANNELWISE:
            show(rule, (y + 1) % N_CLASSES)
        below = [p.detach().clone() for p in net.parameters()]

        def step(rule: Any = rule, chosen: int = chosen) -> None:
            for p in list(rule.network)[chosen].parameters():
                p.data -= 1e-4 * p.grad

        def cost(rule: Any = rule, chosen: int = chosen) -> float:
            if name == CHANNELWISE:
                h = list(rule.activity(x).values())[chosen]
                power = h.square().flatten(2).mean(2) if h.dim() > 2 else h.square()
                shares = list(rule.extra["shares"].parameters())[chosen]
                return float(cross_entropy(power @ shares, y))
            g = rule.goodness(x)[chosen]
            right, wrong = g.gather(1, y[:, None]), g.gather(1, (y[:, None] + 1) % N_CLASSES)
            n = math.prod(list(rule.network)[chosen].out_shape)
            return float(rule.contrast(right, wrong, n)[0].mean())

        before = cost()
        rule.update(x, y, step)
        assert cost() < before
        for p, kept in zip(net.parameters(), below, strict=True):
            p.data.copy_(kept)
            p.grad = None


def test_peers_pull_the_positive_pass_towards_the_mean_of_their_layer() -> None:
    net = network()
    x, y = batch(net)
    plain, drawn = prepared(FORWARD_FORWARD, net), prepared(FORWARD_FORWARD, net, peer=0.2)
    means = [torch.rand(n, dtype=torch.float64) for n in SIZES[1:-1]]
    for parameter, mean in zip(drawn.extra["peer"].parameters(), means, strict=True):
        parameter.data.copy_(mean)
    wrong = (y + 1) % N_CLASSES
    show(plain, wrong)
    show(drawn, wrong)
    without, with_peers = update_of(plain, x, y), update_of(drawn, x, y)
    shown = torch.cat([with_label_of(drawn, x, y, i) for i in range(len(y))])
    activities = [h.detach() for h in layers_by_hand(net, shown)]
    for index, mean in enumerate(means):
        # The gradient's own part is 2/n sigma h: peers add to h, also of units that are silent.
        signal = 0.2 * (mean - mean.mean()) * 2 / SIZES[index + 1]
        assert_close(with_peers[2 * index + 1] - without[2 * index + 1], signal)
        u = [shown, *activities][index]
        u = u / u.square().mean(1, keepdim=True).sqrt()
        outer = torch.outer(signal, u.mean(0))
        assert_close(with_peers[2 * index] - without[2 * index], outer)
        moved = 0.9 * mean + 0.1 * activities[index].mean(0)
        torch.testing.assert_close(list(drawn.extra["peer"].parameters())[index].data, moved)


def with_label_of(rule: Any, x: Tensor, y: Tensor, i: int) -> Tensor:
    rule.label_strength = rule.label_strength or 1.0
    return with_label(rule, x[i : i + 1], int(y[i]))


# --- Channel-wise competition.
