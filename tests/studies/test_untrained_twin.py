"""The untrained twin of a run."""

from __future__ import annotations

import numpy as np

from spikelearn.studies.representation import show
from spikelearn.studies.untrained_twin import untrained_twin, with_twin
from spikelearn.training import TrainConfig, train


def test_a_network_that_was_never_trained_is_its_own_twin(run) -> None:
    members = with_twin(run)
    assert [member.config["rule"] for member in members] == ["backprop", "untrained"]
    never = train(TrainConfig(model="mlp_64", rule="untrained", dataset="digits", epochs=1))
    assert with_twin(never) == [never]
    images = np.random.default_rng(0).integers(0, 256, (5, 8, 8), dtype=np.uint8)
    labels = list("abcde")
    own, twin = (show(one, images, labels).responses for one in (never, untrained_twin(run)))
    for layer in own:
        np.testing.assert_array_equal(own[layer], twin[layer])
