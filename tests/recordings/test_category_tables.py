"""Categories of a user's stimuli: flags, labels, and where they are used."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from spikelearn import load_recording
from spikelearn._errors import SpikelearnError
from tests.recordings.examples import random_images, write_images
from tests.recordings.user_examples import LABELS, describe, random_responses

ENTRY = {"kind": "responses", "file": "r.npy", "region": "IT"}
KINDS = ["cat", "cat", "cat", "dog", "dog"]


def read(folder, table: pd.DataFrame):
    np.save(folder / "r.npy", random_responses())
    table.to_csv(folder / "c.csv")
    return load_recording(describe(folder, ENTRY, categories="c.csv")).categories


def members(categories) -> dict[str, list[int]]:
    return {name: np.flatnonzero(its).tolist() for name, its in categories.items()}


def test_labels_are_categories_of_their_names(folder) -> None:
    order = [3, 0, 4, 2, 1]
    table = pd.DataFrame({"kind": [KINDS[i] for i in order]}, [LABELS[i] for i in order])
    assert members(read(folder, table)) == {"cat": [0, 1, 2], "dog": [3, 4]}


def test_flags_and_labels_may_stand_side_by_side_and_labels_may_be_missing(folder) -> None:
    table = pd.DataFrame(
        {"tame": [1, 0, 1, 0, 1], "kind": KINDS, "size": ["small", "", "small", "large", "large"]},
        LABELS,
    )
    assert members(read(folder, table)) == {
        "tame": [0, 2, 4],
        "cat": [0, 1, 2],
        "dog": [3, 4],
        "small": [0, 2],
        "large": [3, 4],
    }


def test_stimuli_without_a_label_are_told(folder) -> None:
    np.save(folder / "r.npy", random_responses())
    pd.DataFrame({"kind": ["cat", "", "cat", "dog", ""]}, LABELS).to_csv(folder / "c.csv")
    notes = load_recording(describe(folder, ENTRY, categories="c.csv")).notes
    said = "2 stimuli have no label in the column 'kind' and are in none of its categories: "
    assert any(f"{said}{LABELS[1]}, {LABELS[4]}" in note for note in notes)


def test_a_label_of_two_columns_is_told_by_its_column(folder) -> None:
    table = pd.DataFrame({"left": KINDS, "right": KINDS[::-1]}, LABELS)
    assert list(read(folder, table)) == ["left: cat", "left: dog", "right: dog", "right: cat"]


def test_columns_that_are_no_categories_are_refused(folder) -> None:
    for table, sentence in (
        (pd.DataFrame({"x": LABELS}, LABELS), "another label for each stimulus"),
        (pd.DataFrame({"x": [1, 2, 3, 1, 2]}, LABELS), "must hold 0 and 1 only, or labels"),
        (pd.DataFrame({"x": KINDS[:4]}, LABELS[:4]), "lacks the stimulus dog_2"),
    ):
        with pytest.raises(SpikelearnError, match=sentence):
            read(folder, table)


def test_a_recordings_own_categories_make_a_model_and_intervals_over_them(tmp_path) -> None:
    """A brain that sees categories and little else is best explained by them."""
    from spikelearn.comparison.methods import compare_by
    from spikelearn.studies.image_baselines import baseline_responses

    kinds = np.repeat(["face", "hand", "house", "tool", "word"], 4)
    names = [f"{kind}_{i}.png" for kind in np.unique(kinds) for i in range(4)]
    write_images(tmp_path / "images", names, random_images(20))
    random = np.random.default_rng(1)
    patterns = dict(zip(np.unique(kinds), random.normal(size=(5, 1, 30)), strict=True))
    values = np.stack([patterns[kind] for kind in kinds]) + 0.1 * random.normal(size=(20, 1, 30))
    np.save(tmp_path / "r.npy", values)
    pd.DataFrame({"kind": kinds}, names).to_csv(tmp_path / "c.csv")
    path = describe(
        tmp_path, ENTRY, categories="c.csv", stimuli={"folder": "images", "order": "natural"}
    )
    recording = load_recording(path)
    models = baseline_responses(recording)
    assert ("category", "kinds") in models
    for method in ("rsa", "cka"):
        table = compare_by(method, models, recording, 50, over="categories")
        means = table[table["level"] == "mean"].set_index("model")
        assert means["score"].idxmax() == "category"
        assert means.loc["category", "score"] > 0.6
        assert np.isfinite(means.loc["pixels", ["ci_lower", "ci_upper"]].astype(float)).all()
