"""Stimuli of one kind, as recordings name their categories."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from rsa_examples import made_up_recording, needs_images, response

from spikelearn._errors import SpikelearnError
from spikelearn.comparison import compare_held_out, compare_partial_rsa, compare_rsa, mean_table
from spikelearn.comparison.categories import category_of_stimuli
from spikelearn.recordings import kriegeskorte92


def of_categories(**categories: list[int]) -> SimpleNamespace:
    arrays = {name: np.array(members, dtype=bool) for name, members in categories.items()}
    return SimpleNamespace(name="made up", categories=arrays)


def test_stimuli_of_the_same_categories_are_of_one_kind() -> None:
    recording = of_categories(
        animal=[1, 1, 1, 0, 0, 0], face=[1, 0, 0, 1, 0, 0], rare=[0] * 5 + [1]
    )
    kinds = category_of_stimuli(recording)
    assert len(set(kinds)) == 5
    assert kinds[1] == kinds[2]
    recording.kinds = ("animal", "face")
    assert len(set(category_of_stimuli(recording))) == 4


def test_without_categories_or_with_few_nothing_is_said_over_them() -> None:
    with pytest.raises(SpikelearnError, match="made up has no categories of stimuli"):
        category_of_stimuli(of_categories())
    with pytest.raises(SpikelearnError, match=r"of 2 categories; .* at least 4"):
        category_of_stimuli(of_categories(animal=[1, 1, 0, 0]))
    models = {"m": response(np.random.default_rng(0).normal(size=(9, 5)))}
    with pytest.raises(SpikelearnError, match="no categories"):
        compare_rsa(models, made_up_recording(9), 10, over="categories")


def test_assigned_layers_and_partial_scores_have_intervals_over_categories() -> None:
    recording = made_up_recording(24)
    kind = np.arange(24) % 6
    object.__setattr__(recording, "categories", {str(k): kind == k for k in range(6)})
    random = np.random.default_rng(0)
    layers = {name: response(random.normal(size=(24, 9))) for name in "01"}
    assigned = compare_held_out(layers, recording, 20, over="categories")
    partial = compare_partial_rsa({"m": layers["0"]}, recording, {"c": layers["1"]}, 20,
                                  over="categories")  # fmt: skip
    for table in (assigned, partial):
        assert (table.ci_lower < table.score).all()
        assert (table.score < table.ci_upper).all()


@needs_images
def test_the_92_images_are_of_six_kinds() -> None:
    kinds = category_of_stimuli(kriegeskorte92.load())
    assert sorted(np.bincount(kinds)) == [12, 12, 12, 12, 21, 23]


def test_stimuli_of_no_category_are_told_in_every_row() -> None:
    recording = made_up_recording(24)
    kind = np.arange(24) % 6
    whole = {str(k): kind == k for k in range(6)}
    object.__setattr__(recording, "categories", whole)
    random = np.random.default_rng(0)
    models = {"m": response(random.normal(size=(24, 9)))}
    assert set(mean_table(models, recording, 20, over="categories").flag) == {""}
    categories = {k: v for k, v in whole.items() if k != "5"}
    object.__setattr__(recording, "categories", categories)
    labels = ", ".join(recording.labels[5:18:6])
    said = f"4 stimuli of no category ({labels} and 1 more) are together taken for one more kind"
    tables = [
        compare_rsa(models, recording, 20, over="categories"),
        compare_held_out(
            {"0": models["m"], "1": models["m"] * 2}, recording, 20, over="categories"
        ),
        compare_partial_rsa(models, recording, {"c": models["m"] ** 2}, 20, over="categories"),
        mean_table(models, recording, 20, over="categories"),
    ]
    for table in tables:
        assert table.flag.str.endswith(said).all()
    assert not compare_rsa(models, recording, 20).flag.str.contains("no category").any()
