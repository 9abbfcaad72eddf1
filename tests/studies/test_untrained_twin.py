"""The untrained twin of a run."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from spikelearn.studies.representation import show
from spikelearn.studies.untrained_twin import named_members, untrained_twin, with_twin
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


def test_a_network_left_untrained_by_its_own_rule_is_the_twin_of_the_others(run) -> None:
    never = replace(run, config={**run.config, "rule": "untrained_spiking"})
    ((name, member),) = named_members(never, "net (n_train 5)", "net")
    assert name == ("untrained", "net", 0)
    assert member.rule is never.rule
    names = [name for name, _ in named_members(run, "net (n_train 5)", "net")]
    assert names == [("backprop", "net (n_train 5)", 0), ("untrained", "net", 0)]
