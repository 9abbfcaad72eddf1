"""Strides, pooling, normalisation, dropout and residual layers, in each family of rules.

Each family trains them as its theory has it: held to PyTorch's own layers and its automatic
differentiation, to the energy or the cost that it descends, or to the gradient where it equals it.
"""

from __future__ import annotations

from typing import Any

import pytest
import torch
from convolution_parts import (
    FIELDS,
    GIVEN,
    SYNAPTIC,
    assert_same,
    batch,
    gradient,
    network,
    prepared,
    updates,
)
from torch import nn
from torch.nn.functional import cross_entropy, one_hot

from spikelearn._seeding import torch_generator
from spikelearn.networks.cnn import CNN
from spikelearn.networks.to_torch import to_torch
from spikelearn.rules import make_rule
from spikelearn.rules.perturbation import losses_of
from spikelearn.rules.rule import Rule, forward_pass, in_training


@pytest.mark.parametrize("kind", ["strides", "max", "average", "batch", "group", "dense"])
def test_backpropagation_is_that_of_pytorchs_own_layers(kind):
    rule, (x, y) = prepared("backprop", kind), batch()
    module = to_torch(rule.network).train()
    loss = cross_entropy(module(x.view(6, 2, 7, 6)), y)
    expected = torch.autograd.grad(loss, list(module.parameters()))
    found = updates(rule)
    torch.testing.assert_close(list(found.values()), list(expected))
    kept = [t for n, t in rule.network.named_buffers() if "running" in n]
    theirs = [t for n, t in module.named_buffers() if "running" in n]
    torch.testing.assert_close(kept, theirs)


@pytest.mark.parametrize("kind", FIELDS)
@pytest.mark.parametrize("name", ["backprop", "predictive_coding_zil",
                                  "predictive_coding_fixed_prediction"])  # fmt: skip
def test_rules_that_equal_backpropagation_equal_it(name, kind):
    rule = prepared(name, kind)
    expected = gradient(rule)
    assert_same(updates(rule), expected)


@pytest.mark.parametrize("kind", FIELDS)
@pytest.mark.parametrize("name", ["feedback_alignment", "kolen_pollack", "weight_mirror"])
def test_feedback_by_the_forward_weights_is_backpropagation(name, kind):
    options = {"every": 10**9} if name == "weight_mirror" else {}
    rule = prepared(name, kind, **options)
    if name == "weight_mirror":
        rule.extra["clock"].batches += 1  # no phase of noise, which would turn the feedback
    with torch.no_grad():
        for ours, weight in zip(
            rule.extra["feedback"].parameters(), rule.network.weights()[1:], strict=True
        ):
            ours.copy_(weight)
    expected = gradient(rule)
    assert_same(updates(rule), expected)


@pytest.mark.parametrize("kind", ["max", "batch", "all"])
def test_feedback_of_other_weights_passes_the_neurons_as_the_error_does(kind):
    """Against automatic differentiation through layers whose way back is replaced."""
    rule, (x, y) = prepared("feedback_alignment", kind), batch()
    state, found, h = rule.generator.get_state(), {}, x
    with in_training(rule, len(y)):
        cuts = []
        for layer in rule.network:
            below = h.detach()
            z = layer.drive(below).detach().requires_grad_()
            cuts.append((below, z, layer.activate(z)))
            h = cuts[-1][2]
        signal = torch.autograd.grad(cross_entropy(h, y), h, retain_graph=True)[0]
        matrices = [None, *rule.extra["feedback"].parameters()]
        layers = list(rule.network)
        for index in reversed(range(len(layers))):
            layer, (below, z, h) = layers[index], cuts[index]
            neurons = list(layer.norm.parameters()) if layer.norm is not None else []
            delta, *others = torch.autograd.grad(h, [z, *neurons], signal, retain_graph=True)
            synapses = [layer.weight, *([layer.bias] if layer.has_bias else [])]
            by_synapses = torch.autograd.grad(layer.drive(below), synapses, delta)
            every = [*zip(synapses, by_synapses, strict=True), *zip(neurons, others, strict=True)]
            found |= {id(p): g for p, g in every}
            if index:
                given = below.clone().requires_grad_()
                way = layer.carried(layer.through(matrices[index].detach(), given), given)
                signal = torch.autograd.grad(way, given, delta)[0].view_as(cuts[index - 1][2])
    rule.generator.set_state(state)
    expected = {name: found[id(p)] for name, p in rule.network.named_parameters()}
    assert_same(updates(rule), expected)


@pytest.mark.parametrize("kind", FIELDS)
def test_direct_feedback_reaches_the_activity_of_every_layer(kind):
    rule, (x, y) = prepared("direct_feedback_alignment", kind), batch()
    state = rule.generator.get_state()
    with in_training(rule, len(y)):
        total, h = 0.0, x
        error = (rule.network(x).softmax(1) - one_hot(y, 4)).detach() / len(y)
        ways = [*rule.extra["feedback"].parameters(), torch.eye(4, dtype=torch.float64)]
        for layer, way in zip(rule.network, ways, strict=True):
            h = layer(h.detach())
            total = total + (h.flatten(1) * (error @ way)).sum()
    names, parameters = zip(*rule.network.named_parameters(), strict=True)
    expected = dict(zip(names, torch.autograd.grad(total, parameters), strict=True))
    rule.generator.set_state(state)
    assert_same(updates(rule), expected)


@pytest.mark.parametrize("kind", FIELDS)
def test_local_losses_are_descended_layer_by_layer(kind):
    """By automatic differentiation of each layer's loss, nothing of which passes down."""
    rule, (x, y) = prepared("local_predsim", kind), batch()
    *hidden, output = rule.network
    heads = [list(h.parameters()) for h in rule.extra["heads"]]
    with torch.no_grad():
        for parameter in rule.extra["heads"].parameters():
            parameter.add_(0.1)
    state = rule.generator.get_state()
    labels = one_hot(y, 4).double()

    def cosines(features: torch.Tensor) -> torch.Tensor:
        centred = features - features.mean(1, keepdim=True)
        return nn.functional.cosine_similarity(centred[:, None], centred[None], dim=2)

    with in_training(rule, len(y)):
        total, h = 0.0, x
        for layer, head in zip(hidden, rule.extra["heads"], strict=True):
            h = layer(h.detach())
            scores = h.flatten(1) @ head["pred"].T + head["bias"]
            if h.ndim == 4:
                features = nn.functional.conv2d(h, head["sim"], padding=1).flatten(2)
                features = features.std(2) if features.shape[2] > 1 else features.flatten(1)
            else:
                features = h @ head["sim"].T
            similar = (cosines(features) - cosines(labels)).square().mean()
            total = total + 0.01 * cross_entropy(scores, y) + 0.99 * similar
        total = total + cross_entropy(output(h.detach()), y)
    names, parameters = zip(*rule.network.named_parameters(), strict=True)
    expected = dict(zip(names, torch.autograd.grad(total, parameters), strict=True))
    rule.generator.set_state(state)
    assert heads
    assert_same(updates(rule), expected, 1e-7)


@pytest.mark.parametrize("kind", ["strides", "max", "average", "residual"])
def test_target_propagation_by_transposed_weights_is_backpropagation_where_all_is_linear(kind):
    rule = make_rule("difference_target_propagation_ldrl", n_feedback=0)
    net = CNN(**GIVEN | FIELDS[kind] | {"activation": "relu", "bias": True}).build(0).double()
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.abs_()  # so that no unit falls silent, of images without a value below 0
    rule.prepare(net, torch_generator(0, "rule"))
    rule.extra.double()
    with torch.no_grad():
        for inverse, weight in zip(rule.inverses(), net.weights()[1:], strict=True):
            inverse.weight.copy_(weight)
    expected = gradient(rule, abs)
    assert_same(updates(rule, abs), expected)


@pytest.mark.parametrize("kind", FIELDS)
@pytest.mark.parametrize("name", ["difference_target_propagation",
                                  "difference_target_propagation_ldrl"])  # fmt: skip
def test_layers_move_to_their_targets_by_their_own_gradient(name, kind):
    rule, (x, y) = prepared(name, kind, n_feedback=0, beta=0.3), batch()
    state = rule.generator.get_state()
    names, parameters = zip(*rule.network.named_parameters(), strict=True)
    with in_training(rule, len(y)):
        passes = forward_pass(rule.network, x)
        error = passes[-1].h.softmax(1) - one_hot(y, 4)
        with torch.no_grad():
            steps = rule.steps(passes, error)
        total, h = 0.0, x
        for layer, p, step in zip(rule.network, passes, steps, strict=False):
            h = layer(h.detach())
            total = total + (h - (p.h + step)).square().sum() / (2 * 0.3 * len(y))
        total = total + cross_entropy(list(rule.network)[-1](h.detach()), y)
    rule.generator.set_state(state)
    expected = torch.autograd.grad(total, parameters)
    assert_same(updates(rule), dict(zip(names, expected, strict=True)))


@pytest.mark.parametrize("kind", ["strides", "max", "average", "group", "residual", "dropout"])
@pytest.mark.parametrize("name", ["difference_target_propagation",
                                  "difference_target_propagation_ldrl"])  # fmt: skip
def test_inverses_descend_their_losses(name, kind):
    rule, (x, y) = prepared(name, kind, top="inverse"), batch()
    noise: list[torch.Tensor] = []
    with in_training(rule, len(y)):
        passes = forward_pass(rule.network, x)
        draw = rule.draw
        rule.draw = lambda *a: noise.append(draw(*a)) or noise[-1]  # type: ignore[method-assign]
        rule.teach_inverses(passes)
        losses, drawn = [], iter(noise)
        for p, below, inverse in zip(passes[1:], passes, rule.inverses(), strict=False):
            layer, xi = p.layer, 0.1 * next(drawn)

            def g(h: torch.Tensor, z: torch.Tensor, layer=layer, inverse=inverse) -> torch.Tensor:
                way = h
                if layer.pooling is not None:  # each pooled value to its places, as by its slope
                    y_ = (layer.norm or nn.Identity())(z).detach().requires_grad_()
                    way = torch.autograd.grad(layer.pooling(y_), y_, h)[0]
                return layer.transpose(inverse.weight, way) + inverse.bias

            if "ldrl" in name:
                zeta = 0.1 * next(drawn)
                answer = layer(below.h + xi) - p.h
                reached, sent = g(zeta, p.z) - inverse.bias, g(answer, p.z) - inverse.bias
                loss = (-2 * (xi * sent).sum() + reached.square().sum()) / 0.01
            else:
                noisy = below.h + xi
                loss = 0.5 * (g(layer(noisy), layer.drive(noisy)) - noisy).square().sum()
            losses.append(loss / len(y))
    parameters = [inverse.weight for inverse in rule.inverses()]
    expected = torch.autograd.grad(sum(losses), parameters)
    torch.testing.assert_close([p.grad for p in parameters], list(expected))


@pytest.mark.parametrize("kind", FIELDS)
@pytest.mark.parametrize("name", ["forward_forward", "forward_forward_channelwise"])
def test_goodness_is_descended_layer_by_layer(name, kind):
    """By automatic differentiation of each layer's cost, with its input held."""
    options = {"readout": "softmax"} if "channelwise" in name else {}
    rule, (x, y) = prepared(name, kind, **options), batch()
    state = rule.generator.get_state()
    with in_training(rule, len(y)):
        if "channelwise" in name:
            total = channelwise_cost(rule, x, y)
        else:
            uniform = rule.draw((6, 4), ("batch", None), "uniform")
            other = (-(-uniform.log()).log()).masked_fill(one_hot(y, 4).bool(), -torch.inf)
            total = forward_forward_cost(rule, x, y, other.argmax(1))
    rule.generator.set_state(state)
    named = dict(rule.network.named_parameters())
    gradients = torch.autograd.grad(total, list(named.values()), allow_unused=True)
    expected = {n: g for n, g in zip(named, gradients, strict=True) if g is not None}
    assert_same(updates(rule), expected)


def over_rms(h: torch.Tensor) -> torch.Tensor:
    h = h.detach()
    return h / h.flatten(1).square().mean(1).sqrt().view(-1, *(1,) * (h.ndim - 1))


def forward_forward_cost(rule: Any, x: torch.Tensor, y: torch.Tensor, other: torch.Tensor) -> Any:
    labels = rule.extra["labels"]
    shown = [x * labels.keep + labels.patterns[which] for which in (y, other)]
    u, total = over_rms(torch.cat(shown)), 0.0
    for layer in rule.hidden:
        h = layer(u)
        right, wrong = h.flatten(1).square().mean(1).chunk(2)
        cost = nn.functional.softplus(10 * (1 - right)) + nn.functional.softplus(10 * (wrong - 1))
        total, u = total + cost.mean(), over_rms(h)
    return total


def channelwise_cost(rule: Any, x: torch.Tensor, y: torch.Tensor) -> Any:
    u, total = over_rms(x), 0.0
    for layer, shares in zip(rule.hidden, rule.extra["shares"].parameters(), strict=True):
        h = layer(u)
        power = h.square() if h.ndim == 2 else h.square().mean((2, 3))
        total, u = total + cross_entropy(power @ shares.double(), y), over_rms(h)
    return total + cross_entropy(rule.output(u), y)


@pytest.mark.parametrize("kind", SYNAPTIC)
@pytest.mark.parametrize("perturb", ["activities", "weights"])
def test_forward_gradients_are_derivatives_along_what_is_drawn(perturb, kind):
    rule, (x, y) = prepared("forward_gradient", kind, perturb=perturb), batch()
    named = dict(rule.network.named_parameters())
    state = rule.generator.get_state()
    with in_training(rule, len(y)):
        if perturb == "weights":
            noise = {n: rule.draw(p.shape, (None,) * p.ndim) for n, p in named.items()}

            def loss(parameters: dict[str, torch.Tensor]) -> torch.Tensor:
                return cross_entropy(torch.func.functional_call(rule.network, parameters, x), y)

            slope = torch.func.jvp(loss, (named,), (noise,))[1]
            expected = {n: slope * v for n, v in noise.items()}
        else:
            passes = forward_pass(rule.network, x)
            noises = [rule.draw(p.z.shape, ("batch", *(None,) * (p.z.ndim - 1))) for p in passes]
            slope = torch.func.jvp(lambda s: perturbed(rule, x, y, noises, s).sum(0),
                                   (torch.zeros(6, dtype=x.dtype),),
                                   (torch.ones(6, dtype=x.dtype),))[1]  # fmt: skip
            slopes = per_sample_slopes(rule, x, y, noises)
            torch.testing.assert_close(slope, slopes.sum())
            expected = by_products(rule, passes, noises, slopes)
    rule.generator.set_state(state)
    assert_same(updates(rule), expected)


@pytest.mark.parametrize("kind", SYNAPTIC)
def test_node_perturbation_is_the_difference_of_losses_times_the_noise(kind):
    rule, (x, y) = prepared("node_perturbation", kind, sigma=0.1), batch()
    state = rule.generator.get_state()
    with in_training(rule, len(y)):
        passes = forward_pass(rule.network, x)
        noises = [rule.draw(p.z.shape, ("batch", *(None,) * (p.z.ndim - 1))) for p in passes]
        up, down = (
            perturbed(rule, x, y, noises, torch.full((6,), s, dtype=x.dtype)) for s in (0.1, -0.1)
        )
        expected = by_products(rule, passes, noises, (up - down) / 0.2)
    rule.generator.set_state(state)
    assert_same(updates(rule), {n: e.detach() for n, e in expected.items()})


@pytest.mark.parametrize("kind", SYNAPTIC)
def test_weight_perturbation_is_the_difference_of_losses_times_the_noise(kind):
    rule, (x, y) = prepared("weight_perturbation", kind, sigma=0.1), batch()
    named = dict(rule.network.named_parameters())
    state = rule.generator.get_state()
    with torch.no_grad(), in_training(rule, len(y)):
        noise = {n: rule.draw(p.shape, (None,) * p.ndim, "sign") for n, p in named.items()}
        losses = []
        for sigma in (0.1, -0.1):
            moved = {n: p + sigma * noise[n] for n, p in named.items()}
            losses.append(cross_entropy(torch.func.functional_call(rule.network, moved, x), y))
    rule.generator.set_state(state)
    slope = (losses[0] - losses[1]) / 0.2
    assert_same(updates(rule), {n: slope * v for n, v in noise.items()})


def perturbed(
    rule: Rule, x: torch.Tensor, y: torch.Tensor, noises: list[torch.Tensor], sigma: torch.Tensor
) -> torch.Tensor:
    """Each sample's loss with noise on the drive of every layer."""
    h = x
    for layer, noise in zip(rule.network, noises, strict=True):
        z = layer.drive(h)
        h = layer.activate(z + sigma.view(-1, *(1,) * (z.ndim - 1)) * noise)
    return losses_of("cross_entropy", h, y)


def per_sample_slopes(
    rule: Rule, x: torch.Tensor, y: torch.Tensor, noises: list[torch.Tensor]
) -> torch.Tensor:
    sigma = torch.zeros(len(y), dtype=x.dtype, requires_grad=True)
    return torch.autograd.grad(perturbed(rule, x, y, noises, sigma).sum(), sigma)[0]


def by_products(rule: Rule, passes: Any, noises: Any, slopes: torch.Tensor) -> dict[str, Any]:
    """<slope * noise h^T>, by automatic differentiation of the drives."""
    total = 0.0
    for p, noise in zip(passes, noises, strict=True):
        signal = noise * slopes.detach().view(-1, *(1,) * (noise.ndim - 1)) / len(slopes)
        total = total + (p.layer.drive(p.below) * signal).sum()
    named = dict(rule.network.named_parameters())
    return dict(zip(named, torch.autograd.grad(total, list(named.values())), strict=True))


@pytest.mark.parametrize("kind", ["strides", "max", "average", "residual"])
def test_pepita_learns_from_neurons_before_they_are_pooled(kind):
    rule, (x, y) = prepared("pepita", kind, scale=0.5), batch()
    projection = next(rule.extra["projection"].parameters())
    error = (rule.network(x).softmax(1) - one_hot(y, 4)).detach()
    total, h, again = 0.0, x, x + error @ projection.T
    *hidden, output = rule.network
    for layer in hidden:
        z, z_again = layer.drive(h), layer.drive(again.detach())
        signal = (torch.tanh(z) - torch.tanh(z_again)).detach() / len(y)
        total = total + (signal * z_again).sum()
        h, again = layer.activate(z), layer.activate(z_again)
    total = total + cross_entropy(output(again.detach()), y)
    named = dict(rule.network.named_parameters())
    gradients = torch.autograd.grad(total, list(named.values()))
    assert_same(updates(rule), dict(zip(named, gradients, strict=True)))


@pytest.mark.parametrize("kind", ["strides", "max", "average"])
@pytest.mark.parametrize("name", ["softhebb", "winner_take_all"])
def test_every_patch_is_a_sample_of_competitive_rules(name, kind):
    """A layer of kernels learns what a fully connected one learns of its patches."""
    fields = {"radius": 0.9, "unsupervised_epochs": 1}
    rule, (x, _) = prepared(name, kind, **fields), batch()
    layer = next(iter(rule.network))
    found = updates(rule)["layers.0.weight"]
    received = rule.receive(layer, x)
    patches = nn.functional.unfold(received, layer.size, padding=layer.padding, stride=layer.stride)
    u = torch.einsum("ck,bkp->bcp", layer.weight.flatten(1), patches).transpose(1, 2).flatten(0, 1)
    from spikelearn.networks.layers import Dense

    flat = Dense(patches.shape[1], 4, "tanh", torch_generator(0, "weights")).double()
    with torch.no_grad():
        flat.weight.copy_(layer.weight.flatten(1))
        increment = rule.increment(
            flat, patches.transpose(1, 2).flatten(0, 1), u, rule.keep(layer).double()
        )
    torch.testing.assert_close(found, -increment.view_as(layer.weight))


@pytest.mark.parametrize("kind", ["strides", "max", "residual"])
def test_a_mirror_of_linear_neurons_is_the_weights_on_average(kind):
    """The covariance of noise with its answers is W, exactly for noise that is white."""
    from spikelearn.networks.convolution import positions
    from spikelearn.rules.weight_mirror import product

    layer = list(network(kind))[1]
    n = torch.Size(layer.in_shape).numel()
    white = torch.eye(n, dtype=torch.float64).view(n, *layer.in_shape)
    answers = nn.functional.conv2d(white, layer.weight, None, layer.stride, layer.padding)
    mirrored = product(layer, white, answers) / positions(layer)
    torch.testing.assert_close(mirrored, layer.weight.detach())
