"""What a network makes of images: the same whatever they are shown with."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from small_recording import small_recording

from spikelearn._errors import SpikelearnError
from spikelearn.studies.representation import checked_responses
from spikelearn.training.images import as_input


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
