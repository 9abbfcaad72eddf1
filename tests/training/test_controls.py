"""What stands beside an accuracy: readouts of the input, and of layers that never learned."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

import spikelearn as sl
from spikelearn._seeding import torch_generator
from spikelearn.comparison.accuracies import CONTROLS
from spikelearn.rules import make_rule
from spikelearn.stimuli.datasets import load_dataset
from spikelearn.training import controls
from spikelearn.training.controls import Controls, controls_of, features, read_linearly
from spikelearn.training.images import Split, split
from spikelearn.training.measures import activity

CONFIG = sl.TrainConfig(model="mlp_64", rule="feedback_alignment", dataset="digits")


def parts(config=CONFIG) -> tuple[Split, Split, Split]:
    return split(load_dataset("digits"), config)


def test_a_linear_readout_is_as_good_as_scikit_learns() -> None:
    training, validation, test = parts()
    own = LogisticRegression(C=1.0, max_iter=2000).fit(training.x, training.y)
    found = read_linearly(training, validation, test, n_classes=10)
    assert found > own.score(test.x, test.y) - 0.03
    # Centred and scaled: whatever black and white become, the readout is as good.
    shifted = [Split(5.0 * part.x - 3.0, part.y) for part in (training, validation, test)]
    assert read_linearly(*shifted, n_classes=10) == pytest.approx(found, abs=0.01)


def test_random_features_are_those_of_the_very_network_before_it_learns() -> None:
    training, validation, test = parts()
    rule = make_rule("untrained")
    rule.prepare(CONFIG.description().build(0), torch_generator(0, "rule", "untrained"))
    hidden = [
        Split(list(activity(rule, p.x).values())[-2], p.y) for p in (training, validation, test)
    ]
    found = controls_of(CONFIG)
    assert found.random_features == read_linearly(*hidden, n_classes=10)
    assert found.linear_readout == read_linearly(training, validation, test, n_classes=10)
    # Other initial weights, other features.
    assert controls_of(CONFIG.changed("seed", 1)) != found
    # Hebbian rules scale what their readout receives; so does their control.
    oja = make_rule("softhebb", transform="triangle")
    oja.prepare(CONFIG.description().build(0), torch_generator(0, "rule", "softhebb"))
    lengths = features(oja, test.x[:5]).norm(dim=1)
    np.testing.assert_allclose(lengths, float(np.sqrt(features(oja, test.x).shape[1])), rtol=1e-5)


def test_a_rule_of_ones_own_has_controls_wherever_its_file_is(tmp_path, monkeypatch) -> None:
    text = "from spikelearn.rules.baselines import Backprop\n\n\nclass Mine(Backprop):\n    pass\n"
    (tmp_path / "controlled_rule.py").write_text(text)
    own = CONFIG.changed("rule", f"{tmp_path / 'controlled_rule.py'}:Mine").changed("n_train", 60)
    monkeypatch.chdir(Path(__file__).parent)
    assert controls_of(own) == controls_of(CONFIG.changed("n_train", 60))


def test_controls_are_named_as_their_columns() -> None:
    assert Controls._fields == CONTROLS


@pytest.mark.parametrize(
    ("rule", "model"),
    [("backprop_through_time", "elman_28"), ("surrogate", "snn_784"),
     ("surrogate", "snn_cnn_28"), ("eventprop", "latency_784"),
     ("reward_stdp", "latency_cnn_28"), ("convolutional_stdp", "snn_cnn_28_stdp")],
)  # fmt: skip
def test_every_kind_of_network_has_features(rule: str, model: str) -> None:
    config = sl.TrainConfig(model=model, rule=rule, dataset="mnist", n_train=20)
    made = make_rule(rule)
    made.prepare(config.description().build(0), torch_generator(0, "rule", rule))
    found = features(made, torch.rand(3, 784, generator=torch_generator(0, "images")))
    assert found is not None
    assert found.shape[0] == 3
    assert (found.std(0) > 0).any()


def test_a_network_without_hidden_layers_has_only_the_readout_of_its_input() -> None:
    config = sl.TrainConfig(
        model="mlp_64", changes={"sizes": [64, 10]}, rule="backprop", dataset="digits", n_train=60
    )
    assert controls_of(config).random_features is None


def test_controls_that_runs_share_are_computed_once(tmp_path, monkeypatch) -> None:
    config = CONFIG.changed("n_train", 60)
    first = controls_of(config, tmp_path)

    def never(*_args, **_kwargs):
        raise AssertionError("computed again")

    monkeypatch.setattr(controls, "read_linearly", never)
    assert controls_of(config, tmp_path) == first
    # Another rule on the same network and examples: the same features, the same control.
    assert controls_of(config.changed("rule", "backprop"), tmp_path) == first
    for other in (config.changed("seed", 1), config.changed("n_train", 80)):
        with pytest.raises(AssertionError, match="computed again"):
            controls_of(other, tmp_path)


def test_a_layer_that_stdp_trains_is_read_by_its_labels_before_it_learned(tmp_path) -> None:
    config = sl.STDPConfig(n_train=20, n_label=40, n_test=20, present_ms=20.0, rest_ms=0.0)
    found = controls_of(config, tmp_path)
    assert 0.0 <= found.random_features <= 1.0
    assert found.linear_readout > 0.3
    untaught = controls_of(config.changed("rule", "homeostasis"), tmp_path)
    assert untaught == found
