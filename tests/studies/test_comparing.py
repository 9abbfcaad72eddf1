"""Trained networks against a recording: twins, baselines, resolutions, layers, guards."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from small_recording import small_recording

from spikelearn._errors import SpikelearnError
from spikelearn.comparison import pixels, rdm
from spikelearn.stimuli.images import network_images
from spikelearn.studies import comparing
from spikelearn.studies.comparing import at_resolution, baseline_responses, compare
from spikelearn.studies.representation import checked_responses
from spikelearn.training import TrainConfig, train
from spikelearn.training.images import as_input


@pytest.fixture
def recording(monkeypatch):
    made = small_recording()
    monkeypatch.setattr(comparing, "image_recording", lambda name: made)
    return made


@pytest.fixture(scope="module")
def run():
    return train(TrainConfig(model="mlp_64", rule="backprop", dataset="digits", epochs=1))


def test_an_untrained_twin_and_the_baselines_stand_in_the_table(recording, run) -> None:
    table = compare(run, "small", n_bootstrap=10)
    assert set(table.model) == {
        "pixels", "mean_luminance", "gabor_energy", "random_features", "backprop", "untrained",
    }  # fmt: skip
    assert set(table[table.network == "mlp_64"].model) == {"backprop", "untrained"}
    assert set(table.subject) == {"S0", "S1", "S2", "mean"}
    assert (table.resolution == 24).all()


def test_every_resolution_is_a_comparison_of_its_own_with_its_own_baselines(recording, run) -> None:
    table = compare(run, "small", n_bootstrap=0, resolutions=[4, 8])
    assert set(table.resolution) == {4, 8}
    for model in ("pixels", "backprop"):
        part = table[(table.model == model) & (table.subject == "mean")]
        scores = part.groupby("resolution").score.first()
        assert scores[4] != scores[8]


def test_at_the_resolution_of_the_network_nothing_changes(recording, run) -> None:
    images = at_resolution(recording.images, 8)
    assert images.shape == (14, 8, 8)
    np.testing.assert_allclose(
        network_images(images, (1, 8, 8)),
        network_images(recording.images, (1, 8, 8)),
        atol=0.5 / 255 + 1e-6,
    )
    colour = np.repeat(recording.images[..., None], 3, axis=3)
    np.testing.assert_array_equal(at_resolution(colour, 8)[..., 1], images)
    assert at_resolution(colour, None) is colour
    with pytest.raises(SpikelearnError, match="at least 1 x 1"):
        at_resolution(colour, 0)


def test_layers_are_assigned_on_held_out_stimuli(monkeypatch, run) -> None:
    monkeypatch.setattr(comparing, "image_recording", lambda name: small_recording(16))
    table = compare(run, "small", n_bootstrap=5, assign_layers=True)
    for model in ("backprop", "untrained"):
        layers = set(table[table.model == model].layer)
        assert {"best layer", "weighted layers"} < layers
    chosen = table[(table.layer == "best layer") & (table.subject == "mean")]
    assert chosen.flag.str.contains(" in .* of 20 folds").all()


def test_duplicated_images_and_methods_without_responses_are_refused(monkeypatch, run) -> None:
    made = small_recording()
    monkeypatch.setattr(comparing, "image_recording", lambda name: made)
    with pytest.raises(SpikelearnError, match="compares responses"):
        compare(run, "small", method="encoding")
    made.images[3] = made.images[7]
    with pytest.raises(SpikelearnError, match="are the same image"):
        compare(run, "small")


def test_a_rule_whose_responses_depend_on_the_batch_or_on_training_is_caught(run) -> None:
    class Coupled(type(run.rule)):
        def activity(self, x):
            return {name: h - h.mean(0) for name, h in super().activity(x).items()}

    class Training(type(run.rule)):
        def activity(self, x):
            self.network.train()
            return super().activity(x)

    x = as_input(small_recording().images, (1, 8, 8), (0.0, 1.0))
    labels = [f"s{i}" for i in range(14)]
    assert set(checked_responses(run.rule, x, labels, "mine")) >= {"output"}
    for kind, sentence in ((Coupled, "depends on which images"), (Training, "in training mode")):
        rule = kind()
        rule.prepare(run.rule.network, torch.Generator())
        with pytest.raises(SpikelearnError, match=sentence):
            checked_responses(rule, x, labels, "mine")


@pytest.mark.parametrize("batch", [1, 3, 14])
def test_the_size_of_a_batch_changes_nothing(monkeypatch, run, batch) -> None:
    from spikelearn.training import measures

    x = as_input(small_recording().images, (1, 8, 8), (0.0, 1.0))
    labels = [f"s{i}" for i in range(14)]
    whole = checked_responses(run.rule, x, labels, "mine")
    monkeypatch.setattr(measures, "EVALUATION_BATCH", batch)
    for layer, values in checked_responses(run.rule, x, labels, "mine").items():
        np.testing.assert_allclose(values, whole[layer], atol=1e-5)


def test_gabor_energy_finds_the_orientation_of_a_grating_whatever_its_phase() -> None:
    from spikelearn.comparison import gabor_energy

    y, x = np.mgrid[:64, :64]
    gratings = [
        np.cos(2 * np.pi * (x * np.cos(a) + y * np.sin(a)) / 8 + phase)
        for a in np.arange(4) * np.pi / 4
        for phase in (0.0, 1.0)
    ]
    images = np.round(127.5 + 100 * np.stack(gratings)).astype(np.uint8)
    response = gabor_energy(images, [str(i) for i in range(8)], wavelengths=[8.0])
    energy = response.to_numpy().reshape(8, 4, 64)[:, :, 27:29].mean(axis=2)  # in the middle
    np.testing.assert_array_equal(energy.argmax(axis=1), np.repeat(np.arange(4), 2))
    np.testing.assert_allclose(energy[::2], energy[1::2], rtol=0.1, atol=0.05 * energy.max())


def test_baselines_are_of_the_images_as_they_are_shown() -> None:
    made = small_recording()
    found = baseline_responses(made, 6)
    np.testing.assert_array_equal(
        found["pixels", ""], pixels(at_resolution(made.images, 6), made.labels)
    )
    assert rdm(found["mean_luminance", ""]).dissimilarity_measure.startswith("root mean square")
