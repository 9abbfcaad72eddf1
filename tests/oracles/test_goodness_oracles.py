"""Labels in images and their projection at once, against images with a label made one by one."""

from __future__ import annotations

import pytest
import torch

from spikelearn._errors import SpikelearnError
from spikelearn.networks.layers import Dense
from spikelearn.rules._goodness import Labels, mean_square, normalised
from tests.oracles.forward_forward_by_hand import N_CLASSES, batch, network, prepared, with_label


@pytest.mark.parametrize("kind", ["mlp", "cnn"])
@pytest.mark.parametrize("label", [0, 3, None])
def test_the_drive_of_any_label_is_that_of_the_image_that_shows_it(
    kind: str, label: int | None
) -> None:
    net = network(kind)
    x, _ = batch(net)
    rule = prepared("forward_forward", net, label_strength=0.3)
    labels, first = rule.extra["labels"], next(iter(net))
    image = with_label(rule, x, label)
    seen = image / image.square().mean(1, keepdim=True).sqrt()
    expected = first.through(first.weight, seen, first.bias)
    shown = labels.neutral(len(x)) if label is None else torch.full((len(x),), label)
    drive = labels.project(x, first).drive(shown)
    torch.testing.assert_close(drive, expected, rtol=1e-12, atol=1e-12)


def test_several_labels_at_once_are_one_after_another() -> None:
    net = network()
    x, y = batch(net)
    projection = prepared("forward_forward", net).extra["labels"].project(x, next(iter(net)))
    other = (y + 1) % N_CLASSES
    both = projection.drive(y, other)
    torch.testing.assert_close(both, torch.cat((projection.drive(y), projection.drive(other))))


def test_normalised_activity_has_a_mean_square_of_one_unless_it_is_silent() -> None:
    h = torch.rand(5, 7, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    h[2] = 0.0
    squares = mean_square(normalised(h, mean_square(h)))
    torch.testing.assert_close(squares[[0, 1, 3, 4]], torch.ones(4, dtype=torch.float64))
    assert squares[2] == 0


def test_a_label_needs_an_input_for_each_class() -> None:
    layer = Dense(3, 5, "relu", torch.Generator().manual_seed(0))
    with pytest.raises(SpikelearnError, match="first 4 inputs"):
        Labels(layer, 4, None, torch.Generator())
