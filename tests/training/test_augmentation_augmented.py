"""Augmentation: images flipped and shifted by the run's seed, the same for every rule."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from spikelearn._errors import SpikelearnError
from spikelearn.rules import make_rule
from spikelearn.training.augmented import Augmented
from spikelearn.training.config import TrainConfig
from spikelearn.training.epoch import seeded_epoch
from spikelearn.training.images import Split
from spikelearn.training.optimization import Optimizer

IMAGES = torch.rand(40, 64, generator=torch.Generator().manual_seed(0))
ALL = torch.arange(40)


def config(**fields: Any) -> TrainConfig:
    return TrainConfig(model="mlp_64", rule="backprop", dataset="digits", **fields)


def shifted(image: np.ndarray, down: int, right: int, black: float) -> np.ndarray:
    """By hand: what stands at (i, j) stood at (i - down, j - right), or is black."""
    made = np.full_like(image, black)
    for i in range(8):
        for j in range(8):
            if 0 <= i - down < 8 and 0 <= j - right < 8:
                made[i, j] = image[i - down, j - right]
    return made


def test_an_image_is_flipped_and_shifted_as_it_was_drawn():
    given = config(augment={"flip": True, "shift": 2}, input_range=(-1.0, 1.0))
    augmented = Augmented(IMAGES, given, epoch=1)
    seen = set()
    for index, found in enumerate(augmented(ALL).view(-1, 8, 8).numpy()):
        image = IMAGES[index].view(8, 8).numpy()
        image = image[:, ::-1] if augmented.flipped[index] else image
        down, right = (-augmented.moved[index]).tolist()
        np.testing.assert_array_equal(found, shifted(image, down, right, -1.0))
        seen.add((bool(augmented.flipped[index]), down, right))
    assert {flipped for flipped, *_ in seen} == {False, True}
    assert {down for _, down, _ in seen} == {right for *_, right in seen} == {-2, -1, 0, 1, 2}


def test_what_becomes_of_an_image_hangs_on_seed_epoch_and_place_alone():
    given = config(augment={"flip": True, "shift": 1}, seed=3)
    whole = Augmented(IMAGES, given, 1)(ALL)
    parts = Augmented(IMAGES, given.changed({"batch_size": 7}), 1)
    some = torch.tensor([5, 31, 2])
    assert torch.equal(parts(some), whole[some])
    assert not torch.equal(Augmented(IMAGES, given, 2)(ALL), whole)
    assert not torch.equal(Augmented(IMAGES, given.changed({"seed": 4}), 1)(ALL), whole)


@pytest.mark.parametrize("augment", [None, {"shift": 2}])
def test_every_rule_is_shown_the_same_images_and_the_data_stay(augment):
    given, shown = config(augment=augment, batch_size=16), {}
    data = Split(IMAGES.clone(), ALL % 10)
    for name in ("backprop", "node_perturbation"):
        rule = make_rule(name)
        rule.prepare(given.description().build(0), torch.Generator())
        update = rule.update
        shown[name] = []

        def keep(x: Any, y: Any, apply: Any, name: str = name, update: Any = update) -> Any:
            shown[name].append(x)
            return update(x, y, apply)

        rule.update = keep  # type: ignore[method-assign]
        seeded_epoch(given, rule, data, Optimizer(given, rule), 1)
    backprop, perturbation = (torch.cat(batches) for batches in shown.values())
    assert torch.equal(backprop, perturbation)
    assert torch.equal(data.x, IMAGES)
    order = torch.cdist(backprop, IMAGES).argmin(1)
    assert torch.equal(backprop, IMAGES[order]) == (augment is None)


def test_it_is_kept_with_a_run_only_where_it_is_asked_for():
    assert "augment" not in config().complete()
    assert config(augment={"shift": 1}).complete()["augment"] == {"flip": False, "shift": 1}


def test_an_image_is_not_moved_out_of_sight():
    with pytest.raises(SpikelearnError, match=r"augment.shift is 8; an image of 8 x 8 would be"):
        config(augment={"shift": 8})


def test_spike_trains_are_not_augmented():
    with pytest.raises(SpikelearnError, match="augment flips and shifts images, and 'snn_shd'"):
        TrainConfig(model="snn_shd", rule="surrogate", dataset="shd", augment={"flip": True})
