"""What a network makes of images: the same whatever they are shown with."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from small_recording import small_recording

from spikelearn._errors import SpikelearnError
from spikelearn.studies.representation import checked_responses, show
from spikelearn.training.config import TrainConfig
from spikelearn.training.images import as_input
from spikelearn.training.loop import train


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


@pytest.mark.parametrize("kind", ["rates", "spikes"])
def test_each_image_sees_the_same_network_and_noise_in_any_order(kind, run, tmp_path) -> None:
    if kind == "spikes":
        config = TrainConfig(
            model="snn_784", rule="untrained_spiking", dataset="mnist", epochs=1, n_train=20
        )
        run = train(config, runs=tmp_path)
    recording = small_recording(12 if kind == "rates" else 5)
    order = np.random.default_rng(3).permutation(recording.n_stimuli)
    labels = list(recording.labels)
    first = show(run, recording.images, labels)
    again = show(run, recording.images[order], [labels[i] for i in order])
    for layer, values in first.responses.items():
        assert again.responses[layer]["stimulus"].values.tolist() == [labels[i] for i in order]
        same = again.responses[layer].sel(stimulus=labels)
        np.testing.assert_array_equal(values.values, same.values)
