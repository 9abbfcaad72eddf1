"""The description of a study: what it says, and what is refused."""

from __future__ import annotations

import pytest

from spikelearn._errors import SpikelearnError
from spikelearn._files import write_yaml
from spikelearn.studies.study import NetworkEntry, Study, load_study


def test_a_study_with_a_criterion_that_is_none_is_refused(small_study) -> None:
    with pytest.raises(ValueError, match="there is no criterion C99; they are C1, "):
        Study(**{**small_study.model_dump(), "criteria": ("C99",)})


def test_the_shipped_study_has_every_family_once_a_network_and_trains_as_it_says() -> None:
    study = load_study("learning_rules")
    assert (study.seeds, study.n_train) == ((0, 1, 2), 10_000)
    kinds: dict[str, list[str]] = {}
    for entry in study.networks:
        config = entry.config(1, study.n_train)
        kind = config.description().kind
        kinds.setdefault(kind, []).append(entry.family)
        assert config.seed == 1
        assert config.n_train == 10_000 or config.rule == "stdp"
    assert {"mlp", "cnn", "spiking_mlp", "spiking"} <= set(kinds)
    for families in kinds.values():
        assert len(set(families)) == len(families)
    assert len(kinds["mlp"]) >= 10


def test_studies_that_cannot_be_read_are_refused(tmp_path) -> None:
    with pytest.raises(
        SpikelearnError, match="no study called 'nosuch'; shipped are demo, learning_r"
    ):
        load_study("nosuch")
    for networks, sentence in (
        ([], "networks"),
        ([{"family": "x"}], "either a recipe or a rule"),
        ([{"family": "x", "rule": "magic"}], "no rule called 'magic'"),
        ([{"family": "x", "recipe": "mnist_mlp/backprop", "epoch": 3}], "epoch"),
    ):
        write_yaml(tmp_path / "bad.yaml", {"name": "bad", "networks": networks})
        with pytest.raises(SpikelearnError, match=sentence):
            load_study(tmp_path / "bad.yaml")


def test_updates_become_the_epochs_that_come_nearest_on_as_many_images_as_there_are() -> None:
    entry = NetworkEntry(family="x", rule="backprop", model="mlp_64", dataset="digits")
    # 1437 images are at hand; 20 batches of 64 are the nine tenths that train.
    few = entry.config(0, 20_000, updates=90)
    assert few.n_train < 2000
    per_epoch = -(-round(0.9 * few.n_train) // 64)
    assert few.epochs == round(90 / per_epoch)
    assert entry.config(0, 100, updates=90).n_train == 100
    assert entry.config(0, 100, updates=1).epochs == 2
    by_stdp = NetworkEntry(family="x", rule="stdp", n_train=30).config(0, 100, updates=90)
    assert (by_stdp.n_train, by_stdp.epochs) == (30, 1)


def test_seeds_are_counted_from_another(small_study) -> None:
    moved = small_study.counted_from(5)
    assert (moved.seeds, moved.seed) == ((5, 6), 5)
    assert small_study.counted_from(0) == small_study
    assert moved.digest("r", "rsa") != small_study.digest("r", "rsa")


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"agreement": ("norse",)}, "one simulator has none to agree with"),
        ({"agreement": ("norse", "nest7")}, "there is no simulator nest7; they are native"),
        ({"auditory": {"recordings": "x"}}, "recordings"),
        ({"missing_recordings": "ignore"}, "'refuse' or 'leave_out'"),
    ],
)
def test_parts_that_cannot_be_made_are_refused(small_study, changes, sentence) -> None:
    with pytest.raises(ValueError, match=sentence):
        Study(**{**small_study.model_dump(), **changes})


def test_learning_is_shown_of_each_rule_once(small_study) -> None:
    twice = {
        "learning": True,
        "networks": [{"family": "x", "rule": "backprop", "model": "mlp_64"}] * 2,
    }
    with pytest.raises(ValueError, match="backprop stands here twice"):
        Study(**{**small_study.model_dump(), **twice})
