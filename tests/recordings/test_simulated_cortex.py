"""The simulated recording: what its model says is found in it, at the noise ceiling."""

from __future__ import annotations

import numpy as np
import pytest
import xarray

from spikelearn import recordings
from spikelearn.comparison import category_model, compare_rsa
from spikelearn.recordings.simulated_cortex import IT, N_SUBJECTS, V1, gabor_energies


def as_model(values, labels):
    return xarray.DataArray(values, dims=("stimulus", "unit"), coords={"stimulus": list(labels)})


@pytest.fixture(scope="module")
def recording():
    return recordings.load("simulated_cortex")


def test_it_says_that_it_is_no_brain(recording):
    assert recordings.at_hand("simulated_cortex")
    assert recording.regions == (V1, IT)
    assert "simulated" in recording.species
    assert "not of a brain" in recording.notes[0]
    assert recording.images.shape == (60, 8, 8)
    assert {r.subject for r in recording.rdms} == {f"subject {k + 1}" for k in range(N_SUBJECTS)}
    assert all(members.sum() == 6 for members in recording.categories.values())


def test_it_is_the_same_each_time(recording):
    again = recordings.load("simulated_cortex")
    for one, other in zip(recording.responses, again.responses, strict=True):
        assert np.array_equal(one.values, other.values)


def test_the_models_that_made_it_reach_the_ceiling(recording):
    models = {
        "energies": as_model(gabor_energies(recording.images), recording.labels),
        "category": category_model(np.arange(60) // 6, recording.labels),
    }
    table = compare_rsa(models, recording, n_bootstrap=0)
    means = table[table["level"] == "mean"].set_index(["model", "region"])
    for model, region in (("energies", V1), ("category", IT)):
        row = means.loc[(model, region)]
        assert row["ceiling_lower"] <= row["score"] <= row["ceiling_upper"]
    assert means.loc[("energies", V1), "score"] > means.loc[("category", V1), "score"] + 0.1
    assert means.loc[("category", IT), "score"] > means.loc[("energies", IT), "score"] + 0.1
