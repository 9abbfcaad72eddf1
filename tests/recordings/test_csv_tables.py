"""Tables of numbers: what is a name, what counts rows, and what is a unit."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from spikelearn import load_recording
from spikelearn._errors import SpikelearnError
from spikelearn.recordings._csv_tables import read_csv_table
from spikelearn.recordings._shown import ShownStimuli
from tests.recordings.examples import random_images, random_rdm, write_images
from tests.recordings.user_examples import LABELS, NAMES, describe, random_responses

VALUES = random_responses()[:, 0]
ENTRY = {"kind": "responses", "file": "r.csv", "region": "IT"}


def read(folder, **changes):
    return load_recording(describe(folder, {**ENTRY, **changes}))


@pytest.mark.parametrize("heading", [True, False])
def test_plain_numbers_are_all_responses(folder, heading) -> None:
    pd.DataFrame(VALUES, columns=list("abcd")).to_csv(folder / "r.csv", index=False, header=heading)
    recorded = read(folder).responses[0]
    np.testing.assert_allclose(recorded.values[:, 0], VALUES)
    assert recorded.unit_names == (tuple("abcd") if heading else ("0", "1", "2", "3"))


def test_a_heading_that_counts_the_columns_is_no_stimulus(folder) -> None:
    pd.DataFrame(VALUES).to_csv(folder / "r.csv", index=False)
    np.testing.assert_allclose(read(folder).responses[0].values[:, 0], VALUES)


def test_the_column_in_which_pandas_counts_rows_is_no_unit(folder) -> None:
    pd.DataFrame(VALUES, columns=list("abcd")).to_csv(folder / "r.csv")
    recording = read(folder)
    np.testing.assert_allclose(recording.responses[0].values[:, 0], VALUES)
    assert recording.responses[0].unit_names == tuple("abcd")
    assert any("the first column counts the rows and is left out" in n for n in recording.notes)


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("heading", [True, False])
def test_a_column_that_may_count_rows_or_be_a_unit_is_refused_or_said(
    folder, first, heading
) -> None:
    table = pd.DataFrame(VALUES, columns=list("abcd"))
    table.insert(0, "number", np.arange(5) + first)
    table.to_csv(folder / "r.csv", index=False, header=heading)
    with pytest.raises(SpikelearnError, match="say `index: true` or `index: false`"):
        read(folder)
    np.testing.assert_allclose(read(folder, index=True).responses[0].values[:, 0], VALUES)
    dims = ["stimulus", "unit"]
    with_unit = read(folder, index=False, dims=dims).responses[0].values[:, 0]
    np.testing.assert_allclose(with_unit, table.to_numpy())


def test_names_without_a_heading_are_names(folder) -> None:
    order = [3, 0, 4, 2, 1]
    pd.DataFrame(VALUES[order], [NAMES[i] for i in order]).to_csv(folder / "r.csv", header=False)
    np.testing.assert_allclose(read(folder).responses[0].values[:, 0], VALUES)


def test_stimuli_that_are_called_by_numbers_are_found_by_them(folder) -> None:
    names = ["01", "02", "03", "10"]
    write_images(folder / "numbered", [f"{name}.png" for name in names], random_images(4))
    for written in (["10", "3", "1", "2"], ["10.0", "3.0", "1.0", "2.0"], ["10", "03", "01", "02"]):
        order = [3, 2, 0, 1]
        table = pd.DataFrame(VALUES[:4][order], columns=list("abcd"))
        table.insert(0, "stimulus", written)
        table.to_csv(folder / "r.csv", index=False)
        path = describe(folder, ENTRY, stimuli={"folder": "numbered"})
        np.testing.assert_allclose(load_recording(path).responses[0].values[:, 0], VALUES[:4])


def test_rows_that_repeat_a_stimulus_or_name_others_are_refused(folder) -> None:
    for rows, sentence in (
        ([*LABELS, "cat_1"], "names cat_1 twice"),
        ([*LABELS[:4], "horse"], "such as horse, and lacks the stimulus dog_2"),
        (LABELS[:2], "lacks the stimulus cat_10"),
        ([*LABELS, "horse"], "names other stimuli too, such as horse"),
    ):
        values = np.random.default_rng(0).normal(size=(len(rows), 3))
        pd.DataFrame(values, rows, columns=list("abc")).to_csv(folder / "r.csv")
        with pytest.raises(SpikelearnError, match=sentence):
            read(folder)


def test_names_in_other_letters_are_taken_and_said(folder) -> None:
    rows = ["Cat 1", "CAT_2", "cat_10", "dog-1", "dog_2"]
    pd.DataFrame(VALUES, rows, columns=list("abcd")).to_csv(folder / "r.csv")
    recording = read(folder)
    np.testing.assert_allclose(recording.responses[0].values[:, 0], VALUES)
    assert any("is taken and 2 more so" in note for note in recording.notes)


def test_empty_cells_are_missing_and_not_zero(folder) -> None:
    stimuli = ShownStimuli(("a", "b"))
    (folder / "t.csv").write_text("name,u,v\na,1,\nb,NaN,2\n")
    table = read_csv_table(folder / "t.csv", stimuli)
    np.testing.assert_array_equal(table.values, [[1, np.nan], [np.nan, 2]])
    assert (table.rows, table.columns) == (("a", "b"), ("u", "v"))
    (folder / "t.csv").write_text("name,u\na,1\nb,x\n")
    with pytest.raises(SpikelearnError, match="could not convert"):
        read_csv_table(folder / "t.csv", stimuli)


def test_a_matrix_may_name_its_rows_and_columns_in_different_orders(folder) -> None:
    rdm = random_rdm(5, 3)
    down, across = [3, 0, 4, 2, 1], [1, 4, 0, 3, 2]
    table = pd.DataFrame(
        rdm[np.ix_(down, across)], [LABELS[i] for i in down], [LABELS[i] for i in across]
    )
    table.to_csv(folder / "rdm.csv")
    entry = {"kind": "rdm", "file": "rdm.csv", "region": "IT"}
    np.testing.assert_allclose(load_recording(describe(folder, entry)).rdms[0].matrix, rdm)
    pd.DataFrame(rdm[np.ix_(down, down)], columns=[LABELS[i] for i in down]).to_csv(
        folder / "rdm.csv", index=False
    )
    np.testing.assert_allclose(load_recording(describe(folder, entry)).rdms[0].matrix, rdm)


def test_categories_are_found_by_name(folder) -> None:
    np.save(folder / "r.npy", VALUES)
    entry = {"kind": "responses", "file": "r.npy", "region": "IT"}
    order = [3, 0, 4, 2, 1]
    member = np.array([1, 1, 1, 0, 0])
    pd.DataFrame({"cat": member[order]}, [NAMES[i] for i in order]).to_csv(folder / "c.csv")
    recording = load_recording(describe(folder, entry, categories="c.csv"))
    assert recording.categories["cat"].tolist() == member.astype(bool).tolist()
    pd.DataFrame({"cat": member.astype(bool)}, LABELS).to_csv(folder / "c.csv")
    recording = load_recording(describe(folder, entry, categories="c.csv"))
    assert recording.categories["cat"].tolist() == member.astype(bool).tolist()
    pd.DataFrame({"cat": member[:4]}, LABELS[:4]).to_csv(folder / "c.csv")
    with pytest.raises(SpikelearnError, match="lacks the stimulus dog_2"):
        load_recording(describe(folder, entry, categories="c.csv"))


SHUFFLED = [3, 0, 4, 2, 1]


@pytest.mark.parametrize("first", [0, 1])
def test_shuffled_numbers_are_stimuli_and_never_count_rows(folder, first) -> None:
    table = pd.DataFrame(VALUES[SHUFFLED], columns=list("abcd"))
    table.insert(0, "", [i + first for i in SHUFFLED])
    table.to_csv(folder / "r.csv", index=False)
    with pytest.raises(SpikelearnError, match="numbers of the stimuli, or of the presentations"):
        read(folder)
    recording = read(folder, index=True)
    np.testing.assert_allclose(recording.responses[0].values[:, 0], VALUES)
    assert any(f"{first} is taken for cat_1" in note for note in recording.notes)
    table.rename(columns={"": "image_id"}).to_csv(folder / "r.csv", index=False)
    np.testing.assert_allclose(read(folder).responses[0].values[:, 0], VALUES)


def test_a_number_that_may_mean_two_stimuli_is_refused() -> None:
    stimuli = ShownStimuli(("im2", "im1", "im3"))
    with pytest.raises(SpikelearnError, match="1 may be the stimulus im1, by its name, or im2"):
        stimuli.called_by_number(["3", "1", "2"], "t.csv")
    assert stimuli.called_by_number(["2", "0", "1"], "t.csv") == ("im3", "im2", "im1")
    with pytest.raises(SpikelearnError, match="in doubt"):
        ShownStimuli(("a", "b"), doubt="in doubt").called_by_number(["1", "0"], "t.csv")


def test_categories_and_matrices_of_shuffled_numbers_are_put_in_order(folder) -> None:
    np.save(folder / "r.npy", VALUES)
    member = np.array([1, 1, 1, 0, 0])
    pd.DataFrame({"cat": member[SHUFFLED]}, SHUFFLED).to_csv(folder / "c.csv")
    entry = {"kind": "responses", "file": "r.npy", "region": "IT"}
    recording = load_recording(describe(folder, entry, categories="c.csv"))
    assert recording.categories["cat"].tolist() == member.astype(bool).tolist()
    rdm = random_rdm(5, 3)
    entry = {"kind": "rdm", "file": "rdm.csv", "region": "IT"}
    table = pd.DataFrame(rdm[np.ix_(SHUFFLED, SHUFFLED)], SHUFFLED, SHUFFLED)
    for index in (True, False):
        table.to_csv(folder / "rdm.csv", index=index)
        np.testing.assert_allclose(load_recording(describe(folder, entry)).rdms[0].matrix, rdm)
    for index in (True, False):
        pd.DataFrame(rdm).to_csv(folder / "rdm.csv", index=index)
        np.testing.assert_allclose(load_recording(describe(folder, entry)).rdms[0].matrix, rdm)


@pytest.mark.parametrize(
    ("heading", "cells"),
    [
        ("trial", range(5)),
        ("order", [4, 2, 5, 1, 3]),
        ("", [7, 7, 1, 2, 3]),
        ("Unnamed: 5", [0.5, 2, 3, 1, 1]),
        ("x", range(1, 6)),
    ],
)
def test_further_columns_that_number_the_rows_are_no_units(folder, heading, cells) -> None:
    table = pd.DataFrame(VALUES, LABELS, columns=list("abcd"))
    for place in (0, 4):
        its = table.copy()
        its.insert(place, heading, list(cells))
        its.to_csv(folder / "r.csv", index_label="stimulus")
        recording = read(folder)
        assert recording.responses[0].unit_names == tuple("abcd")
        np.testing.assert_allclose(recording.responses[0].values[:, 0], VALUES)
        assert any("and is left out" in note for note in recording.notes)


def test_tables_of_spreadsheets_that_write_decimal_commas_are_read(folder) -> None:
    table = pd.DataFrame(VALUES, LABELS, columns=list("abcd"))
    table.to_csv(
        folder / "r.csv", index_label="stimulus", sep=";", decimal=",", encoding="utf-8-sig"
    )
    recording = read(folder)
    np.testing.assert_allclose(recording.responses[0].values[:, 0], VALUES)
    assert any("commas are read as decimal points" in note for note in recording.notes)
    # A semicolon in a name parts nothing.
    table.set_axis(["a;1", "b", "c", "d"], axis=1).to_csv(folder / "r.csv", index_label="stimulus")
    assert read(folder).responses[0].unit_names == ("a;1", "b", "c", "d")
    (folder / "r.csv").write_text("stimulus,a\n" + "".join(f"{x},1,2\n" for x in LABELS))
    with pytest.raises(SpikelearnError, match="Expected 2 fields in line 2, saw 3"):
        read(folder)
