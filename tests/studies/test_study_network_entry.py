"""The description of a study: what it says, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from spikelearn._errors import SpikelearnError
from spikelearn._files import write_yaml
from spikelearn.studies.network_entry import NetworkEntry
from spikelearn.studies.study import Study, load_study


def test_a_study_with_a_criterion_that_is_none_is_refused(small_study) -> None:
    with pytest.raises(ValueError, match="there is no criterion C99; did you mean C9"):
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
        SpikelearnError, match=r"no study called 'nosuch', .*; there are demo, learning_r"
    ):
        load_study("nosuch")
    write_yaml(tmp_path / "network.yaml", {"kind": "mlp", "name": "a", "sizes": [2, 2]})
    with pytest.raises(SpikelearnError, match=r"network\.yaml describes no study"):
        load_study(tmp_path / "network.yaml")
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
    assert moved.comparison("rsa") != small_study.comparison("rsa")


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"agreement": ("norse",)}, "one simulator has none to agree with"),
        ({"agreement": ("norse", "genesis")}, "there is no simulator genesis; there are native"),
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


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("methods", ["rsa", "ckaa"], "there is no 'ckaa'; did you mean cka"),
        ("comparator", "spearmann", "did you mean spearman"),
        ("over", "stimulus", "did you mean stimuli"),
        ("methods", ["partial_rs"], "did you mean partial_rsa"),
        ("given", ["category"], "category, is of the method partial_rsa, which is not among"),
        ("seeds", [1, 0, 1], "1 stands twice"),
        ("methods", ["rsa", "rsa"], "rsa stands twice"),
        ("recordings", ["a", "a"], "a stands twice"),
        ("auditory", {"backend": "snntorsh"}, "no simulator 'snntorsh'; did you mean snntorch"),
        ("networks[0].epoch", 3, "did you mean epochs"),
        ("networks[0].seed", 3, "there is no 'seed' in networks"),
        ("networks[0].epochs", "3", "epochs"),
        ("networks[0].options.los", 1, "no option 'los'"),
        ("networks[rule=stdp].epochs", 3, "fits none of its entries; there are backprop"),
    ],
)
def test_a_change_of_a_study_is_checked_with_all_of_it(small_study, path, value, words) -> None:
    with pytest.raises(SpikelearnError, match=words):
        small_study.changed(path, value)


def test_what_partial_rsa_is_given_is_checked_and_decides_its_results_alone(small_study) -> None:
    study = small_study.changed("methods", ["rsa", "partial_rsa"])
    other = study.changed("given", ["mean_luminance", "pixels"])
    assert other.comparison("rsa") == study.comparison("rsa") == small_study.comparison("rsa")
    assert other.comparison("partial_rsa") != study.comparison("partial_rsa")
    assert study.comparison("partial_rsa")["given"] == ("pixels",)
    for path, value, words in (
        ("given", ["pixls"], "there is no 'pixls'; did you mean pixels"),
        ("given", ["pixels", "pixels"], "pixels stands twice"),
        ("given", [], "at least 1"),
        ("comparator", "cosine", "partial_rsa takes the comparators spearman and pearson, not cos"),
    ):
        with pytest.raises(SpikelearnError, match=words):
            study.changed(path, value)


def test_networks_are_chosen_by_what_their_recipes_say() -> None:
    study = load_study("learning_rules").changed("networks[rule=stdp].epochs", 2)
    changed = [entry for entry in study.networks if (entry.model_extra or {}).get("epochs") == 2]
    assert [entry.config(0, None).rule for entry in changed] == ["stdp"]
    assert changed[0].config(0, None).epochs == 2


def test_a_network_of_a_study_takes_no_field_that_its_training_has_not() -> None:
    with pytest.raises(ValueError, match=r"no field 'epoch' of a network.*did you mean epochs"):
        NetworkEntry(family="x", rule="backprop", model="mlp_64", epoch=3)


def test_images_that_are_exchanged_are_counted_anew(tmp_path: Path) -> None:
    path = tmp_path / "mine.npz"
    entry = NetworkEntry(family="x", rule="backprop", model="mlp_64", dataset=str(path))
    counted = []
    for n in (400, 300):
        rng = np.random.default_rng(n)
        np.savez(
            path,
            train_images=rng.integers(0, 256, (n, 8, 8), dtype=np.uint8),
            train_labels=np.arange(n) % 10,
            test_images=rng.integers(0, 256, (20, 8, 8), dtype=np.uint8),
            test_labels=np.arange(20) % 10,
        )
        counted.append(entry.config(0, None, 100).n_train)
    assert counted == [400, 300]


@pytest.mark.parametrize("name", ["../../../elsewhere", "/absolute", "a/b", "..", "x\ny"])
def test_the_name_of_a_study_is_no_path(name: str, small_study) -> None:
    with pytest.raises(SpikelearnError, match="kept in a folder of its name; try "):
        small_study.changed("name", name)


def test_a_list_is_not_called_short_for_what_is_wrong_in_it(tmp_path: Path) -> None:
    path = tmp_path / "broken.yaml"
    path.write_text("name: mine\nnetworks:\n- rule: backprop\n  model: mlp_64\n")
    with pytest.raises(SpikelearnError) as raised:
        load_study(path)
    assert str(raised.value) == f"{path}: field 'networks.0.family': Field required"
