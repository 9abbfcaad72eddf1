"""Responses and RDMs of a user in arrays of every format."""

from __future__ import annotations

import h5py
import numpy as np
import pandas as pd
import pytest
import xarray
from scipy.io import savemat

from spikelearn import load_recording
from spikelearn._errors import SpikelearnError
from tests.recordings.examples import random_images, random_rdm, write_images
from tests.recordings.user_examples import LABELS, NAMES, describe, random_responses


def write_in(folder, form: str, array: np.ndarray) -> dict:
    if form == "npy":
        np.save(folder / "a.npy", array)
        return {"file": "a.npy"}
    if form == "npz":
        np.savez(folder / "a.npz", it=array, other=np.zeros(2))
        return {"file": "a.npz", "key": "it"}
    if form == "mat":
        savemat(folder / "a.mat", {"it": array})
        return {"file": "a.mat"}
    if form == "mat73":
        with h5py.File(folder / "a.mat", "w") as file:
            file["it"] = array.T
        return {"file": "a.mat", "key": "it"}
    np.savetxt(folder / "a.tsv", array, delimiter="\t")
    return {"file": "a.tsv"}


@pytest.mark.parametrize("form", ["npy", "npz", "mat", "mat73", "tsv"])
def test_every_format_gives_the_same_numbers(folder, form) -> None:
    values = random_responses()[:, 0]
    where = write_in(folder, form, values)
    path = describe(folder, {"kind": "responses", "region": "IT", **where})
    np.testing.assert_allclose(load_recording(path).responses[0].values[:, 0], values)


def test_dims_can_be_in_another_order(folder) -> None:
    values = random_responses()
    np.save(folder / "a.npy", values.transpose(2, 1, 0))
    path = describe(
        folder,
        {
            "kind": "responses",
            "file": "a.npy",
            "region": "IT",
            "dims": ["unit", "repeat", "stimulus"],
        },
    )
    np.testing.assert_array_equal(load_recording(path).responses[0].values, values)


def test_an_rdm_may_be_a_triangle_or_similarities(folder) -> None:
    rdm = random_rdm(5, 2)
    np.save(folder / "t.npy", rdm[np.triu_indices(5, k=1)])
    savemat(folder / "s.mat", {"similarity": 1 - rdm})
    path = describe(
        folder,
        {"kind": "rdm", "file": "t.npy", "region": "IT"},
        {"kind": "rdm", "file": "s.mat", "region": "V1", "measure": "similarity"},
    )
    for recorded in load_recording(path).rdms:
        np.testing.assert_allclose(recorded.matrix, rdm, atol=1e-12)


def test_tables_with_names_are_brought_into_the_order_of_the_images(folder) -> None:
    shuffled = [3, 0, 4, 2, 1]
    rdm, values = random_rdm(5, 3), random_responses()[:, 0]
    names = [NAMES[i] for i in shuffled]
    pd.DataFrame(rdm[np.ix_(shuffled, shuffled)], names, names).to_csv(folder / "rdm.csv")
    pd.DataFrame(values[shuffled], [LABELS[i] for i in shuffled]).to_csv(folder / "r.csv")
    chosen = pd.DataFrame({"cat": [0, 1, 0, 1, 1]}, names)
    chosen.to_csv(folder / "categories.csv")
    path = describe(
        folder,
        {"kind": "rdm", "file": "rdm.csv", "region": "IT"},
        {"kind": "responses", "file": "r.csv", "region": "V1"},
        categories="categories.csv",
    )
    recording = load_recording(path)
    np.testing.assert_allclose(recording.rdms[1].matrix, rdm, atol=1e-12)
    np.testing.assert_allclose(recording.responses[0].values[:, 0], values)
    assert recording.categories["cat"].tolist() == [True, True, True, False, False]


def unpadded(folder, n: int = 12) -> list[str]:
    """Images that are called im1 to im12."""
    names = [f"im{i}" for i in range(1, n + 1)]
    write_images(folder / "unpadded", [f"{name}.png" for name in names], random_images(n))
    return names


@pytest.mark.parametrize("kind", ["responses", "rdm", "triangle"])
def test_an_order_that_may_be_read_in_two_ways_is_refused_or_chosen(folder, kind) -> None:
    names = unpadded(folder)
    by_code = sorted(names)
    array = random_responses().reshape(12, 5) if kind == "responses" else random_rdm(12, 4)
    np.save(folder / "a.npy", array[np.triu_indices(12, 1)] if kind == "triangle" else array)
    entry = {"kind": kind.replace("triangle", "rdm"), "file": "a.npy", "region": "IT"}
    with pytest.raises(SpikelearnError) as refused:
        load_recording(describe(folder, entry, stimuli={"folder": "unpadded"}))
    assert "im1.png, im2.png" in str(refused.value)
    assert "im1.png, im10.png" in str(refused.value)
    assert "order: natural" in str(refused.value)
    assert "order: sorted" in str(refused.value)
    for order, expected in (("natural", names), ("sorted", by_code)):
        stimuli = {"folder": "unpadded", "order": order}
        recording = load_recording(describe(folder, entry, stimuli=stimuli))
        assert list(recording.labels) == expected
        if kind == "responses":
            np.testing.assert_array_equal(recording.responses[0].values[:, 0], array)
        else:
            np.testing.assert_allclose(recording.rdms[0].matrix, array)
        assert any("names no stimuli: its rows are taken for" in n for n in recording.notes)


def test_an_order_that_is_certain_needs_no_word_of_the_user(folder) -> None:
    padded = [f"im{i:02d}.png" for i in range(1, 13)]
    write_images(folder / "padded", padded, random_images(12))
    np.save(folder / "a.npy", random_responses().reshape(12, 5))
    entry = {"kind": "responses", "file": "a.npy", "region": "IT"}
    load_recording(describe(folder, entry, stimuli={"folder": "padded"}))
    for names in (["a.png", "B.png", "c.png"], ["a.png", "a-1.png", "b.png"]):
        write_images(folder / names[1], names, random_images(3))
        np.save(folder / "a.npy", random_responses()[:3, 0])
        with pytest.raises(SpikelearnError, match="may be in the order"):
            load_recording(describe(folder, entry, stimuli={"folder": names[1]}))


@pytest.mark.parametrize(
    ("shape", "sentence"),
    [
        ((5, 9, 4), "4 repeats of 9 units of 5 stimuli, or as .*, 9 repeats of 4 units"),
        (
            (5, 4, 4),
            "say dims: .stimulus, .* or .stimulus, .*",
        ),
        ((5, 5), "read as .stimulus, unit., 5 units of 5 stimuli, or as .unit, stimulus"),
        ((5, 3, 5), "3 repeats of 5 units of 5 stimuli, or as .*, 3 repeats of 5 units of 5"),
        ((9, 5, 2), "read as .unit, stimulus, repeat., 2 repeats of 9 units of 5 stimuli, or as"),
        ((9, 2, 5), "read as .unit, repeat, stimulus., 2 repeats of 9 units of 5 stimuli, or as"),
        ((9, 5), "say dims: .unit, stimulus. if these are the stimuli"),
    ],
)
def test_axes_that_may_be_read_in_two_ways_are_refused(folder, shape, sentence) -> None:
    array = np.random.default_rng(0).normal(size=shape)
    np.save(folder / "a.npy", array)
    entry = {"kind": "responses", "file": "a.npy", "region": "IT"}
    with pytest.raises(SpikelearnError, match=sentence):
        load_recording(describe(folder, entry))
    if shape[0] != 9 or len(shape) == 2:
        dims = ["stimulus", "unit", "repeat"] if len(shape) == 3 else ["unit", "stimulus"]
        expected = array.transpose(0, 2, 1) if len(shape) == 3 else array.T[:, None]
    else:
        dims = ["unit", "stimulus", "repeat"] if shape[1] == 5 else ["unit", "repeat", "stimulus"]
        expected = array.transpose([dims.index(dim) for dim in ("stimulus", "repeat", "unit")])
    recorded = load_recording(describe(folder, {**entry, "dims": dims})).responses[0]
    np.testing.assert_array_equal(recorded.values, expected)


@pytest.mark.parametrize("form", ["npz", "mat", "text"])
def test_arrays_can_name_their_rows_and_units(folder, form) -> None:
    values, order = random_responses(), [3, 0, 4, 2, 1]
    stimuli, units = [NAMES[i] for i in order], ["d", "b", "a", "c"]
    entry = {"kind": "responses", "region": "IT", "stimulus_names": "shown", "unit_names": "cells"}
    if form == "npz":
        np.savez(folder / "a.npz", it=values[order], shown=np.array(stimuli), cells=np.array(units))
        entry["file"] = "a.npz"
    elif form == "mat":
        cells = np.array(stimuli, dtype=object)
        savemat(folder / "a.mat", {"it": values[order], "shown": cells, "cells": units})
        entry["file"] = "a.mat"
    else:
        np.save(folder / "a.npy", values[order])
        (folder / "shown").write_text("\n".join(stimuli))
        (folder / "cells").write_text("\n".join(units) + "\n")
        entry["file"] = "a.npy"
    recording = load_recording(describe(folder, entry, stimuli={"folder": "images"}))
    np.testing.assert_array_equal(recording.responses[0].values, values)
    assert recording.responses[0].unit_names == tuple(units)
    assert recording.notes == ()
    for change, sentence in (
        ({"unit_names": "no"}, "there are no names 'no'"),
        ({"unit_names": "shown"}, "gives 5 names, but .* needs 4"),
    ):
        with pytest.raises(SpikelearnError, match=sentence):
            load_recording(describe(folder, {**entry, **change}, stimuli={"folder": "images"}))


def test_a_labelled_array_is_read_by_its_names_and_dims(folder) -> None:
    values, order = random_responses(), [3, 0, 4, 2, 1]
    labelled = xarray.DataArray(
        values[order].transpose(2, 0, 1),
        dims=("unit", "stimulus", "repeat"),
        coords={"stimulus": [LABELS[i] for i in order], "unit": list("abcd")},
        name="response",
    )
    labelled.to_netcdf(folder / "a.nc", engine="h5netcdf")
    entry = {"kind": "responses", "file": "a.nc", "region": "IT"}
    recording = load_recording(describe(folder, entry, stimuli={"folder": "images"}))
    np.testing.assert_array_equal(recording.responses[0].values, values)
    assert recording.responses[0].unit_names == tuple("abcd")
    labelled.rename(repeat="trial").to_netcdf(folder / "a.nc", engine="h5netcdf")
    with pytest.raises(SpikelearnError, match="must have the dims stimulus and unit"):
        load_recording(describe(folder, entry))


def test_units_with_one_name_and_units_without_responses(folder) -> None:
    values = random_responses()
    values[1, :, 2] = np.nan
    np.save(folder / "a.npy", values)
    (folder / "cells").write_text("a\nb\nc\nd")
    entry = {"kind": "responses", "file": "a.npy", "region": "IT", "unit_names": "cells"}
    recording = load_recording(describe(folder, entry))
    assert recording.responses[0].unit_names == ("a", "b", "d")
    assert any("unit c was never observed while cat_2 was shown" in n for n in recording.notes)
    (folder / "cells").write_text("a\nb\na\nd")
    with pytest.raises(SpikelearnError, match="two units are called 'a'"):
        load_recording(describe(folder, entry))


def test_two_days_of_other_neurons_are_not_averaged_unit_by_unit(folder) -> None:
    from spikelearn.comparison.neural_responses import neural_responses

    np.save(folder / "mon.npy", random_responses(0))
    np.save(folder / "tue.npy", random_responses(1))
    entries = [
        {"kind": "responses", "file": f"{day}.npy", "region": "IT", "session": day}
        for day in ("mon", "tue")
    ]
    recording = load_recording(describe(folder, *entries))
    (one,) = neural_responses(recording, "cka")
    assert one.repeats.shape == (5, 3, 8)
    assert any("numbered, not named" in note for note in recording.notes)
    for day, cells in (("mon", "abcd"), ("tue", "dcab")):
        (folder / f"{day}.txt").write_text("\n".join(cells))
    named = [{**entry, "unit_names": f"{entry['session']}.txt"} for entry in entries]
    recording = load_recording(describe(folder, *named))
    (one,) = neural_responses(recording, "cka")
    assert one.repeats.shape == (5, 6, 4)
    np.testing.assert_array_equal(one.repeats[:, 3:], random_responses(1)[:, :, [2, 3, 1, 0]])
    assert any("the same 4 units" in note for note in recording.notes)


def test_lists_of_the_order_name_each_image_once(folder) -> None:
    write_images(folder / "images", ["cat_1.bmp"], random_images(6)[5:])
    np.save(folder / "a.npy", random_responses()[:3, 0])
    entry = {"kind": "responses", "file": "a.npy", "region": "IT"}
    for lines, sentence in (
        (["dog_1", "dog_2", "dog_1"], "names dog_1 twice"),
        (["cat_1", "dog_1", "dog_2"], r"cat_1, which may be cat_1\.bmp and cat_1\.png"),
    ):
        (folder / "order.txt").write_text("\n".join(lines))
        with pytest.raises(SpikelearnError, match=sentence):
            load_recording(
                describe(folder, entry, stimuli={"folder": "images", "order": "order.txt"})
            )
    (folder / "order.txt").write_text("cat_1.bmp\ndog_1\ndog_2")
    recording = load_recording(
        describe(folder, entry, stimuli={"folder": "images", "order": "order.txt"})
    )
    assert any("3 images of" in note and "are left out" in note for note in recording.notes)


def test_units_that_are_only_numbered_stay_so_when_one_is_left_out(folder) -> None:
    from spikelearn.comparison.neural_responses import neural_responses

    entries = []
    for seed, day in enumerate(("mon", "tue")):
        values = random_responses(seed)
        values[1, :, 1] = np.nan
        np.save(folder / f"{day}.npy", values)
        entries.append({"kind": "responses", "file": f"{day}.npy", "region": "IT", "session": day})
    recording = load_recording(describe(folder, *entries))
    assert recording.responses[0].unit_names == ("0", "2", "3")
    (one,) = neural_responses(recording, "cka")
    assert one.repeats.shape == (5, 3, 6)
    assert any("numbered, not named" in note for note in recording.notes)


def test_a_reading_by_sizes_alone_is_said_or_refused(folder) -> None:
    entry = {"kind": "responses", "file": "a.npy", "region": "IT"}
    np.save(folder / "a.npy", random_responses())
    recording = load_recording(describe(folder, entry))
    assert any("3 repeats of 4 units" in n and "say dims" in n for n in recording.notes)
    said = {**entry, "dims": ["stimulus", "repeat", "unit"]}
    assert not any("by its sizes" in n for n in load_recording(describe(folder, said)).notes)
    np.save(folder / "a.npy", random_responses(0, 50, 1))
    with pytest.raises(SpikelearnError, match="can be read as"):
        load_recording(describe(folder, entry))


def test_a_stimulus_to_which_all_units_respond_alike_is_said_and_read(folder) -> None:
    from spikelearn.comparison import compare_rsa, pixels
    from spikelearn.comparison.recording_summary import recording_summary

    values = random_responses()[:, 0]
    np.save(folder / "v1.npy", values)
    values[2] = 0.0
    np.save(folder / "it.npy", values)
    entries = [
        {"kind": "responses", "file": f"{region}.npy", "region": region} for region in ("it", "v1")
    ]
    for chosen in (entries, entries[:1]):
        recording = load_recording(describe(folder, *chosen))
        assert any("all units respond alike to cat_10" in note for note in recording.notes)
        assert [r.region for r in recording.rdms] == [e["region"] for e in chosen]
        recording_summary(recording)
        models = {"pixels": pixels(recording.images, recording.labels)}
        table = compare_rsa(models, recording, 0).set_index(["region", "level"])
        assert table.loc[("it", "mean"), "n_stimuli"] == 4
        assert "1 stimulus left out" in table.loc[("it", "mean"), "flag"]
        assert "cat_10" in table.loc[("it", "mean"), "flag"]
        part = compare_rsa(models, recording.select(np.array([0, 1, 3, 4])), 0)
        expected = part.set_index(["region", "level"]).loc[("it", "mean"), "score"]
        assert table.loc[("it", "mean"), "score"] == pytest.approx(expected, abs=1e-12)
        if len(chosen) == 2:
            assert table.loc[("v1", "mean"), "n_stimuli"] == 5


def test_repeats_of_other_stimuli_each_are_said(folder) -> None:
    values = random_responses(n_repeats=4, n_units=6)
    values[:3, 2:] = np.nan
    values[3:, :2] = np.nan
    np.save(folder / "a.npy", values)
    entry = {"kind": "responses", "file": "a.npy", "region": "IT"}
    recording = load_recording(describe(folder, entry))
    assert any("2 groups that have no stimulus in common" in note for note in recording.notes)
