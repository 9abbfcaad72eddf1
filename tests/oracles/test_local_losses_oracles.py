"""Local losses against automatic differentiation of independent code, in 64-bit arithmetic."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from spikelearn.networks.cnn import CNN
from spikelearn.networks.layers import RateNetwork
from spikelearn.networks.mlp import MLP
from spikelearn.rules import make_rule
from spikelearn.rules.local_losses import (
    LocalPred,
    LocalPredSim,
    LocalSim,
    _average,
    _spread,
    similarities,
)
from spikelearn.rules.rule import Rule

MODELS = {
    "mlp": MLP(name="m", sizes=(36, 7, 6, 5), activation="tanh"),
    # The second convolution ends in maps of one pixel.
    "cnn": CNN(
        name="c",
        input_shape=(1, 6, 6),
        channels=(4, 5),
        pool=(2, 3),
        hidden=(6,),
        n_classes=5,
        activation="tanh",
    ),
}
NAMES = ["local_pred", "local_sim", "local_predsim", "local_predsim_bio"]
WEIGHT_OF_SIM = {
    "local_pred": 0.0,
    "local_sim": 1.0,
    "local_predsim": 0.99,
    "local_predsim_bio": 0.99,
}


def network(kind: str, seed: int = 0) -> RateNetwork:
    """A network in 64 bits, with biases away from zero."""
    made = MODELS[kind].build(seed).double()
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for layer in made:
            layer.bias += 0.3 * torch.randn(layer.bias.shape, generator=generator)
    return made


def batch(n: int = 9, seed: int = 1) -> tuple[torch.Tensor, torch.Tensor]:
    """Inputs and classes."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(n, 36, generator=generator, dtype=torch.float64)
    return x, torch.randint(5, (n,), generator=generator)


def prepare(rule: Rule, net: RateNetwork) -> Rule:
    """The rule on `net` in 64 bits, with heads that are not zero."""
    generator = torch.Generator().manual_seed(2)
    rule.prepare(net, generator)
    rule.extra.double()
    with torch.no_grad():
        for parameter in rule.extra["heads"].parameters():
            parameter.copy_(0.5 * torch.randn(parameter.shape, generator=generator))
    return rule


def updates(rule: Rule, x: torch.Tensor, y: torch.Tensor) -> dict[str, torch.Tensor]:
    """What `update` leaves in `.grad`, by name of the parameter."""
    rule.update(x, y, lambda: None)
    named = {
        **dict(rule.network.named_parameters()),
        **dict(rule.extra["heads"].named_parameters()),
    }
    return {name: p.grad.clone() for name, p in named.items()}


def heads(rule: Rule) -> list[nn.ParameterDict]:
    return list(rule.extra["heads"].children())  # type: ignore[arg-type]


def correlation_loss(features: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """sim: cosines of centred features are correlations, which torch has."""
    if features.ndim == 4:
        features = features.flatten(2)
        features = features[..., 0] if features.shape[2] == 1 else features.std(2)
    return F.mse_loss(torch.corrcoef(features), torch.corrcoef(labels))


def loss_of_layer(
    name: str, rule: Rule, index: int, h: torch.Tensor, y: torch.Tensor, feedback: bool = False
) -> torch.Tensor:
    """A hidden layer's loss, written with torch's own functions.

    With `feedback`, one whose derivative by h is the signal of the variant without transport.
    """
    head, w = heads(rule)[index], WEIGHT_OF_SIM[name]
    labels = F.one_hot(y, 5).to(h)
    if name.endswith("bio"):
        labels = labels @ list(rule.extra["codes"].parameters())[index].T
    loss = torch.zeros((), dtype=h.dtype)
    if w < 1:
        features = h.flatten(1)
        scores = features @ head["pred"].T + head["bias"]
        if feedback:
            fixed = list(rule.extra["feedback"].parameters())[index]
            scores = scores.detach() + features @ fixed.T - (features @ fixed.T).detach()
        pred = (
            F.binary_cross_entropy_with_logits(scores, (labels > 0).to(h))
            if name.endswith("bio")
            else F.cross_entropy(scores, y)
        )
        loss = loss + (1 - w) * pred
    if w > 0:
        if "sim" in head:
            h = F.conv2d(h, head["sim"], padding=1) if h.ndim == 4 else h @ head["sim"].T
        loss = loss + w * correlation_loss(h, labels)
    return loss


@pytest.mark.parametrize("kind", MODELS)
@pytest.mark.parametrize("name", NAMES)
def test_every_layer_and_its_head_descend_their_own_loss(name: str, kind: str) -> None:
    net, (x, y) = network(kind), batch()
    rule = prepare(make_rule(name), net)
    found = updates(rule, x, y)
    below, expected, total = x, {}, 0.0
    layers = list(net)
    for index, layer in enumerate(layers):
        h = layer(below)
        if index == len(layers) - 1:
            loss, parameters = F.cross_entropy(h, y), {}
        else:
            loss = loss_of_layer(name, rule, index, h, y)
            parameters = {f"{index}.{k}": p for k, p in heads(rule)[index].items()}
        for key, gradient in zip(
            parameters,
            torch.autograd.grad(loss, list(parameters.values()), retain_graph=True)
            if parameters
            else [],
            strict=True,
        ):
            expected[key] = gradient
        bio = name.endswith("bio") and index < len(layers) - 1
        signalling = loss_of_layer(name, rule, index, h, y, feedback=True) if bio else loss
        own = torch.autograd.grad(signalling, [layer.weight, layer.bias])
        expected |= dict(zip((f"layers.{index}.weight", f"layers.{index}.bias"), own, strict=True))
        total += float(loss.detach())
        below = h.detach()
    assert set(found) == set(expected)
    for key, gradient in expected.items():
        # The loss has flat directions: biases of what is centred afterwards.
        scale = max(float(gradient.abs().max()), 1e-6)
        assert float((found[key] - gradient).abs().max()) < 1e-10 * scale, key
    assert float(rule.update(x, y, lambda: None)) == pytest.approx(total, rel=1e-12)
    assert float(rule.objective(x, y)) == pytest.approx(total, rel=1e-12)


@pytest.mark.parametrize("kind", MODELS)
@pytest.mark.parametrize("name", NAMES)
def test_no_gradient_crosses_layers(name: str, kind: str) -> None:
    net, (x, y) = network(kind), batch()
    rule = prepare(make_rule(name), net)
    found = updates(rule, x, y)
    generator = torch.Generator().manual_seed(5)
    layers = list(net)
    for changed in range(len(layers)):
        kept = [
            {n: t.clone() for n, t in module.state_dict().items()} for module in (net, rule.extra)
        ]
        with torch.no_grad():
            for parameter in layers[changed].parameters():
                parameter.copy_(torch.randn(parameter.shape, generator=generator))
            for parameter in heads(rule)[changed].parameters() if changed < len(layers) - 1 else []:
                parameter.copy_(torch.randn(parameter.shape, generator=generator))
        again = updates(rule, x, y)
        for key, update in found.items():
            index = int(key.split(".")[1 if key.startswith("layers") else 0])
            if index < changed:
                assert torch.equal(again[key], update), key
        assert not torch.equal(again[f"layers.{changed}.weight"], found[f"layers.{changed}.weight"])
        for module, state in zip((net, rule.extra), kept, strict=True):
            module.load_state_dict(state)


def test_with_one_hidden_layer_and_the_output_for_a_head_pred_is_backprop() -> None:
    net = MLP(name="m", sizes=(36, 7, 5)).build(0).double()
    (x, y), rule = batch(), prepare(LocalPred(), net)
    with torch.no_grad():
        heads(rule)[0]["pred"].copy_(list(net)[-1].weight)
        heads(rule)[0]["bias"].copy_(list(net)[-1].bias)
    found = updates(rule, x, y)
    gradients = torch.autograd.grad(F.cross_entropy(net(x), y), list(net.parameters()))
    for name, gradient in zip(dict(net.named_parameters()), gradients, strict=True):
        torch.testing.assert_close(found[name], gradient, rtol=1e-12, atol=1e-15)
    torch.testing.assert_close(found["0.pred"], found["layers.1.weight"], rtol=1e-12, atol=1e-15)
    torch.testing.assert_close(found["0.bias"], found["layers.1.bias"], rtol=1e-12, atol=1e-15)


def test_with_the_heads_weights_as_feedback_bio_descends_its_loss() -> None:
    net, (x, y) = network("mlp"), batch()
    rule = prepare(LocalPred(bio=True), net)
    with torch.no_grad():
        for head, fixed in zip(heads(rule), rule.extra["feedback"].parameters(), strict=True):
            fixed.copy_(head["pred"])
    found = updates(rule, x, y)
    below = x
    for index, layer in enumerate(list(net)[:-1]):
        h = layer(below)
        code = list(rule.extra["codes"].parameters())[index]
        head = heads(rule)[index]
        loss = F.binary_cross_entropy_with_logits(
            F.linear(h, head["pred"], head["bias"]), (code.T[y] > 0).double()
        )
        (expected,) = torch.autograd.grad(loss, layer.weight)
        torch.testing.assert_close(found[f"layers.{index}.weight"], expected, rtol=1e-12, atol=0)
        below = h.detach()


@pytest.mark.parametrize("bio", [False, True])
def test_only_bio_sends_an_error_back_that_does_not_come_by_the_heads_weights(bio: bool) -> None:
    net, (x, y) = network("mlp"), batch()
    rule = prepare(LocalPred(bio=bio), net)
    with torch.no_grad():
        for head in heads(rule):
            head["pred"].zero_()
    silent = [bool(updates(rule, x, y)[f"layers.{i}.weight"].any()) for i in range(2)]
    assert silent == [bio, bio]


def test_codes_of_the_classes_differ_and_are_told_by_bits() -> None:
    rule = prepare(LocalPredSim(bio=True), network("mlp"))
    for code in rule.extra["codes"].parameters():
        bits = code > 0
        assert bits.shape == (128, 5)
        assert len({tuple(column.tolist()) for column in bits.T}) == 5
        assert 0.3 < float(bits.double().mean()) < 0.7


# --- What sim is blind to.


def sim_loss(h: torch.Tensor, y: torch.Tensor) -> float:
    return float(correlation_loss(h, F.one_hot(y, 5).to(h)))


def own_sim_loss(h: torch.Tensor, y: torch.Tensor) -> float:
    one_hot = F.one_hot(y, 5).to(h)
    return float((similarities(h) - similarities(one_hot)).square().mean())


def test_sim_does_not_see_rotations_scales_and_offsets_of_the_features() -> None:
    generator = torch.Generator().manual_seed(0)
    h = torch.randn(9, 7, generator=generator, dtype=torch.float64)
    y = torch.arange(9) % 5
    # A rotation that leaves the mean over features where it is: centred features only turn.
    drawn = torch.randn(7, 7, generator=generator, dtype=torch.float64)
    drawn[:, 0] = 1.0
    basis, _ = torch.linalg.qr(drawn)
    turn, _ = torch.linalg.qr(torch.randn(6, 6, generator=generator, dtype=torch.float64))
    inner = torch.eye(7, dtype=torch.float64)
    inner[1:, 1:] = turn
    rotation = basis @ inner @ basis.T
    plain = own_sim_loss(h, y)
    assert plain == pytest.approx(sim_loss(h, y), rel=1e-12)
    assert (h @ rotation - h).abs().max() > 0.5
    assert own_sim_loss(h @ rotation, y) == pytest.approx(plain, rel=1e-12)
    lengths = torch.rand(9, 1, generator=generator, dtype=torch.float64) + 0.1
    offsets = torch.randn(9, 1, generator=generator, dtype=torch.float64)
    assert own_sim_loss(lengths * h + offsets, y) == pytest.approx(plain, rel=1e-12)
    assert own_sim_loss(h.square(), y) != pytest.approx(plain, rel=1e-3)


@pytest.mark.parametrize("kind", MODELS)
@pytest.mark.parametrize("name", NAMES)
def test_the_order_of_the_samples_makes_no_difference(name: str, kind: str) -> None:
    net, (x, y) = network(kind), batch()
    rule = prepare(make_rule(name), net)
    found = updates(rule, x, y)
    order = torch.randperm(len(y), generator=torch.Generator().manual_seed(0))
    for key, update in updates(rule, x[order], y[order]).items():
        torch.testing.assert_close(update, found[key], rtol=1e-10, atol=1e-14)


def test_sim_learns_nothing_from_one_sample_and_pred_does() -> None:
    net, (x, y) = network("mlp"), batch(1)
    for rule, learns in ((LocalSim(), False), (LocalPred(), True)):
        update = updates(prepare(rule, net), x, y)["layers.0.weight"]
        assert bool(update.abs().max() > 1e-9) == learns


def test_one_sample_more_changes_what_sim_learns_from_the_others() -> None:
    # The batch is no mean of its samples, as `batch_coupled` says; for pred it is.
    net, (x, y) = network("mlp"), batch(2)
    for rule, coupled in ((LocalSim(), True), (LocalPred(), False)):
        prepare(rule, net)
        whole = updates(rule, x, y)["layers.0.weight"]
        parts = [updates(rule, x[i : i + 1], y[i : i + 1])["layers.0.weight"] for i in range(2)]
        same = torch.allclose(whole, torch.stack(parts).mean(0), rtol=1e-9, atol=1e-12)
        assert same != coupled
        assert rule.batch_coupled == coupled


# --- What heads read of feature maps.


@pytest.mark.parametrize(
    ("shape", "inputs", "pooled"),
    [
        ((16, 14, 14), 2048, (16, 7, 14)),
        ((32, 7, 7), 2048, (32, 7, 7)),
        ((32, 32, 32), 2048, (32, 8, 8)),
        ((3, 5, 5), 20, (3, 2, 3)),
        ((64, 4, 4), 10, (64, 1, 1)),
        ((300,), 10, (300,)),
    ],
)
def test_heads_read_no_more_than_they_may(
    shape: tuple[int, ...], inputs: int, pooled: tuple[int, ...]
) -> None:
    assert LocalPred(decoder_inputs=inputs)._pooled(shape) == pooled


def test_averages_are_those_of_equal_rectangles_and_have_their_adjoint() -> None:
    generator = torch.Generator().manual_seed(0)
    maps = torch.randn(2, 3, 6, 8, generator=generator, dtype=torch.float64)
    torch.testing.assert_close(_average(maps, (3, 3, 2)), F.avg_pool2d(maps, (2, 4)))
    odd = torch.randn(2, 3, 5, 7, generator=generator, dtype=torch.float64)
    torch.testing.assert_close(_average(odd, (3, 1, 1)), odd.mean((2, 3), keepdim=True))
    averages = _average(odd, (3, 3, 4))
    # Runs of two, two and one row, and of two, two, two and one column.
    expected = [[odd[0, 0, a : a + 2, b : b + 2].mean() for b in (0, 2, 4, 6)] for a in (0, 2, 4)]
    np.testing.assert_allclose(averages[0, 0], expected, rtol=1e-12)
    signal = torch.randn(averages.shape, generator=generator, dtype=torch.float64)
    there, back = (averages * signal).sum(), (odd * _spread(signal, (3, 5, 7))).sum()
    assert float(there) == pytest.approx(float(back), rel=1e-12)


def test_a_head_that_reads_averages_descends_its_loss() -> None:
    net, (x, y) = network("cnn"), batch()
    rule = prepare(LocalPred(decoder_inputs=20), net)
    found = updates(rule, x, y)
    layer, head = next(iter(net)), heads(rule)[0]
    assert head["pred"].shape == (5, 4 * 2 * 2)
    h = layer(x)
    averages = torch.stack(
        [
            torch.stack([h[:, :, a, b].mean((2, 3)) for b in (slice(0, 2), slice(2, 3))], -1)
            for a in (slice(0, 2), slice(2, 3))
        ],
        -2,
    )
    loss = F.cross_entropy(F.linear(averages.flatten(1), head["pred"], head["bias"]), y)
    expected = torch.autograd.grad(loss, [layer.weight, head["pred"]])
    torch.testing.assert_close(found["layers.0.weight"], expected[0], rtol=1e-10, atol=1e-14)
    torch.testing.assert_close(found["0.pred"], expected[1], rtol=1e-10, atol=1e-14)
