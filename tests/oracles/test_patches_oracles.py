"""Patches as samples: convolutional competition, patch by patch, and what is had from kernels."""

from __future__ import annotations

import pytest
import torch
from torch.nn.functional import unfold

from spikelearn._seeding import torch_generator
from spikelearn.networks.cnn import CNN
from spikelearn.rules import make_rule
from spikelearn.rules._patches import by_place, currents, mean_answer, mean_product
from spikelearn.rules.hebbian import Hebbian


def prepared(name: str, **options: object) -> tuple[Hebbian, torch.Tensor]:
    """A rule in its unsupervised stage on a strided and a pooled layer, and images."""
    model = CNN(
        name="c", input_shape=(1, 9, 8), channels=(3, 4), stride=[2, 1], pool=[1, 2], n_classes=4
    )
    rule = make_rule(name, **options)
    rule.prepare(model.build(0).double(), torch_generator(0, "rule"))
    rule.extra.double()
    rule.begin_epoch(1, 2)
    assert isinstance(rule, Hebbian)
    generator = torch.Generator().manual_seed(0)
    return rule, torch.rand(5, 72, generator=generator, dtype=torch.float64)


def patches_of(layer, received: torch.Tensor) -> torch.Tensor:
    found = unfold(received, layer.size, padding=layer.padding, stride=layer.stride)
    return found.transpose(1, 2).flatten(0, 1)


def softhebb_by_hand(w: torch.Tensor, patches: torch.Tensor) -> torch.Tensor:
    change = torch.zeros_like(w)
    for x in patches:
        u = w @ x
        g = -(u / 0.5).softmax(0)
        g[u.argmax()] *= -1
        change += g[:, None] * (x - u[:, None] * w)
    return change / len(patches) * (w.norm(dim=1) - 1).abs().sqrt()[:, None]


def competition_by_hand(w: torch.Tensor, patches: torch.Tensor) -> torch.Tensor:
    change = torch.zeros_like(w)
    for x in patches:
        nearest = (x - w).square().sum(1).argmin()
        change[nearest] += x - w[nearest]
    return change / len(patches)


@pytest.mark.parametrize("transform", ["triangle", "relu"])
@pytest.mark.parametrize(
    ("name", "options", "by_hand"),
    [
        ("softhebb", {"temperature": 0.5, "radius": 2.0}, softhebb_by_hand),
        ("winner_take_all", {}, competition_by_hand),
    ],
)
def test_units_compete_for_every_patch_and_hand_on_the_mean_of_a_square(
    name, options, by_hand, transform
) -> None:
    rule, x = prepared(name, transform=transform, **options)
    rule.update(x, torch.zeros(5, dtype=torch.int64), lambda: None)
    below = x
    activities = rule.hidden_activity(x)
    for layer, h in zip(rule.hidden(), activities, strict=True):
        received = rule.receive(layer, below)
        w, patches = layer.weight.detach().flatten(1), patches_of(layer, received)
        torch.testing.assert_close(-layer.weight.grad.flatten(1), by_hand(w, patches))
        u = patches @ w.T
        fired = (u - u.mean(1, keepdim=True) if transform == "triangle" else u).clamp_min(0)
        places = fired.view(5, *layer.shape.kernel_sides, -1).permute(0, 3, 1, 2)
        expected = torch.nn.functional.avg_pool2d(places, layer.averaged)
        torch.testing.assert_close(h, expected)
        assert h.is_contiguous()
        assert layer.weight.grad.stride() == layer.weight.stride()
        below = h


def test_of_units_that_are_equally_near_the_first_wins() -> None:
    rule, _ = prepared("winner_take_all")
    layer = rule.hidden()[0]
    with torch.no_grad():
        layer.weight.zero_()
        for unit in range(3):
            layer.weight[unit, 0, unit, 0] = 1.0
    black = torch.zeros(2, 72, dtype=torch.float64)
    rule.update(black, torch.zeros(2, dtype=torch.int64), lambda: None)
    moved = layer.weight.grad.flatten(1).abs().sum(1)
    assert moved.nonzero().flatten().tolist() == [0]


def test_the_mean_of_all_units_is_taken_from_the_kernels() -> None:
    rule, _ = prepared("softhebb")
    for layer in rule.hidden():
        images = torch.rand(5, *layer.in_shape, dtype=torch.float64)
        u = currents(layer, images)
        torch.testing.assert_close(
            currents(layer, images, relative=True), u - u.mean(1, keepdim=True)
        )
        g = torch.rand_like(u)
        product = mean_product(layer, images, g)
        of_patches = g.permute(0, 2, 3, 1).flatten(0, 2).T @ patches_of(layer, images)
        torch.testing.assert_close(product.flatten(1), of_patches / (g.numel() / len(product)))
        torch.testing.assert_close(mean_answer(layer, product, g, u), (g * u).mean((0, 2, 3)))


@pytest.mark.parametrize("channels", [1, 3])
def test_units_of_a_place_stand_side_by_side(channels: int) -> None:
    maps = torch.rand(2, channels, 4, 5)
    moved = by_place(maps)
    assert torch.equal(moved, maps)
    answers = torch.nn.functional.conv2d(moved, torch.rand(6, channels, 3, 3), padding=1)
    assert answers.stride(1) == 1
