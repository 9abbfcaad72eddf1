"""Local losses: options, refusals, what is saved, and that they learn."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from small_networks import (
    LEARNT,
    SMALL,
    accuracy_on_digits,
    assert_option_refused,
    assert_recurrent_refused,
    assert_shapes_of_layers,
    prepared,
)

from spikelearn._errors import SpikelearnError
from spikelearn.rules.local_losses import LocalPred, LocalSim
from spikelearn.training.config import TrainConfig
from spikelearn.training.loop import check_batches
from tests.rules.small_networks import family

NAMES = family(LocalPred)


@pytest.mark.parametrize(
    ("name", "options", "sentence"),
    [
        (
            "local_pred",
            {"decoder_inputs": 0},
            "option 'decoder_inputs' must be a number at least 1",
        ),
        ("local_predsim_bio", {"code_size": 0}, "option 'code_size' must be a number at least 1"),
        ("local_predsim_bio", {"bio": False}, "has no option 'bio'"),
    ],
)
def test_an_option_that_cannot_be_is_refused_in_one_sentence(
    name: str, options: dict[str, Any], sentence: str
) -> None:
    assert_option_refused(name, options, sentence)


def test_bio_is_yes_or_no() -> None:
    with pytest.raises(SpikelearnError, match="option 'bio' must be one of False, True"):
        LocalPred(bio="maybe")  # type: ignore[arg-type]


def test_what_bio_claims_is_its_own() -> None:
    assert LocalPred(bio=True).claims["no weight transport"]
    assert not LocalPred().claims["no weight transport"]
    assert (LocalPred().descends, LocalPred(bio=True).descends) == ("all", "output")
    assert LocalSim(bio=True).descends == "all"


@pytest.mark.parametrize("name", NAMES)
def test_a_recurrent_network_is_refused_in_one_sentence(name: str) -> None:
    assert_recurrent_refused(name)


@pytest.mark.parametrize("name", NAMES)
def test_a_label_out_of_range_is_refused_in_one_sentence(name: str) -> None:
    with pytest.raises(SpikelearnError, match="label 10 is out of range"):
        prepared(name).update(torch.rand(2, 64), torch.tensor([0, 10]), lambda: None)


def test_batches_of_one_are_refused_where_samples_are_compared() -> None:
    for name in NAMES:
        config = TrainConfig(model="mlp_784", rule=name, batch_size=1)
        if name == "local_pred":
            check_batches(prepared(name), config)
        else:
            with pytest.raises(SpikelearnError, match="batch_size of at least 2"):
                check_batches(prepared(name), config)


@pytest.mark.parametrize("kind", SMALL)
@pytest.mark.parametrize("name", NAMES)
def test_scores_and_activity_have_the_shapes_of_the_layers(name: str, kind: str) -> None:
    assert_shapes_of_layers(prepared(name, kind))


@pytest.mark.parametrize("name", NAMES)
def test_heads_are_a_group_and_what_is_fixed_is_saved(name: str) -> None:
    rule = prepared(name, "cnn")
    groups, saved = rule.groups(), rule.extra.state_dict()
    moved = {id(p) for p in groups["heads"]}
    fixed = [
        key for key, p in rule.extra.named_parameters() if id(p) not in moved or not p.requires_grad
    ]
    if name == "local_predsim_bio":
        assert sorted(fixed) == ["codes.0", "codes.1", "feedback.0", "feedback.1"]
    else:
        assert fixed == []
    shapes = {key: tuple(tensor.shape) for key, tensor in saved.items()}
    if name in ("local_sim", "local_predsim"):
        assert shapes["heads.0.sim"] == (8, 8, 3, 3)
    if name in ("local_pred", "local_predsim"):
        assert shapes["heads.0.pred"] == (10, 8 * 16)


@pytest.mark.parametrize("kind", SMALL)
@pytest.mark.parametrize("name", NAMES)
def test_it_learns_to_read_digits(name: str, kind: str) -> None:
    groups = {"heads": {"learning_rate": 1e-2}}
    assert accuracy_on_digits(prepared(name, kind), name, groups=groups) > LEARNT[kind]
