"""Responses and RDMs of a user in arrays of every format."""

from __future__ import annotations

import h5py
import numpy as np
import pandas as pd
import pytest
from scipy.io import savemat

from spikelearn import load_recording
from tests.recordings.examples import random_rdm
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
