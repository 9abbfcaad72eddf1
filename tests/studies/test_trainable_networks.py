"""A rule that cannot train its network is refused, or left out and told of."""

from __future__ import annotations

import pytest

from spikelearn._errors import SpikelearnError
from spikelearn.studies import study_run
from spikelearn.studies.study import Study, load_study
from spikelearn.studies.trainable_networks import trainable_networks

GOOD = {"family": "backpropagation", "rule": "backprop", "model": "mlp_64", "dataset": "digits"}
OTHER = {"family": "spiking", "rule": "surrogate", "model": "mlp_64", "dataset": "digits"}
GROUPS = GOOD | {"groups": {"nothing": {"learning_rate": 0.1}}}


def study(*networks, **fields) -> Study:
    return Study(name="s", networks=networks, **fields)


def test_what_a_rule_cannot_train_is_left_out_with_its_reason():
    asked = study(OTHER, GOOD, GROUPS, untrainable="leave_out")
    kept, said = trainable_networks(asked)
    assert [entry.family for entry in kept.networks] == ["backpropagation"]
    assert said[0].startswith("spiking, surrogate on mlp_64: the rule 'surrogate' trains models")
    assert "nothing" in said[1]
    with pytest.raises(SpikelearnError, match="no network of the study 's' can be trained"):
        trainable_networks(study(OTHER, untrainable="leave_out"))


def test_a_study_that_does_not_ask_for_that_is_refused():
    with pytest.raises(SpikelearnError, match="trains models of kind"):
        study(OTHER, GOOD)
    same = study(GOOD)
    assert trainable_networks(same) == (same, [])


def test_a_network_may_have_the_first_of_the_seeds_alone(tmp_path):
    asked = study(GOOD, GOOD | {"epochs": 1, "n_seeds": 2}, seeds=(4, 5, 6))
    pieces = study_run._pieces(asked, tmp_path, {})
    assert [(piece.seed, piece.entry.n_seeds) for piece in pieces] == [
        (4, None), (4, 2), (5, None), (5, 2), (6, None),
    ]  # fmt: skip


def one_of(configs, model):
    """The first configuration that trains a model."""
    return next(config for config in configs if config.model == model)


def test_the_big_study_trains_every_family_on_one_network_as_it_says():
    asked = load_study("which_rule")
    assert (len(asked.seeds), asked.n_train) == (5, 20_000)
    configs = [entry.config(0, asked.n_train) for entry in asked.networks]
    assert {config.dataset for config in configs} == {"cifar10"}
    rate = [config for config in configs if config.model.startswith("cnn")]
    assert {tuple(config.input_range) for config in rate} == {(-1.0, 1.0)}
    spiking = [config for config in configs if config.model == "snn_cnn_32"]
    assert {config.rule for config in spiking} == {"surrogate", "ottt", "decolle"}
    assert len({config.description().model_dump_json() for config in spiking}) == 1
    twin, own = spiking[0].description(), one_of(configs, "cnn_32").description()
    assert (twin.channels, twin.input_shape) == (own.channels, own.input_shape)
    one = [config for config in configs if config.model == "cnn_32"]
    assert len({config.rule for config in one}) == len(one) >= 17
    residual = [entry for entry in asked.networks if entry.n_seeds == 3]
    assert {entry.config(0, None).model for entry in residual} == {"cnn_residual_32"}
    assert {q.ask for q in asked.questions} == {
        "learning", "rule", "equal_accuracy", "hierarchy", "resolution", "identity", "variance",
    }  # fmt: skip
