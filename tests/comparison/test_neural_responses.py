"""Recorded responses as the methods read them."""

from __future__ import annotations

import numpy as np
import pytest
import xarray
from response_examples import Response, ResponseRecording, recorded_responses
from rsa_examples import made_up_recording, response

from spikelearn._errors import SpikelearnError
from spikelearn.comparison import (
    compare_by,
    compare_responses,
)
from spikelearn.comparison.neural_responses import neural_responses
from spikelearn.comparison.response_methods import RESPONSE_METHODS


@pytest.mark.parametrize("method", RESPONSE_METHODS)
def test_a_recording_of_rdms_says_that_there_are_no_responses(method) -> None:
    models = {"m": response(np.random.default_rng(0).normal(size=(30, 5)))}
    with pytest.raises(SpikelearnError, match=f"as RDMs, and {method} compares responses"):
        compare_by(method, models, made_up_recording(30))


def test_repeats_that_are_missing_change_little() -> None:
    recording, features = recorded_responses()
    whole = compare_responses({"m": response(features)}, recording, 0, method="encoding")
    values = np.array(recording.responses[0].values)
    values[::3, 3, ::2] = np.nan
    gaps = ResponseRecording(
        recording.name, recording.labels, (Response("S0", "V4", values), recording.responses[1])
    )
    table = compare_responses({"m": response(features)}, gaps, 0, method="encoding")
    np.testing.assert_allclose(table.score, whole.score, atol=0.05)
    assert table.ceiling_upper.notna().all()


def test_labelled_responses_are_read_by_their_labels() -> None:
    random = np.random.default_rng(0)
    values = random.normal(size=(6, 2, 3))
    labels = tuple("fbadec")
    labelled = xarray.DataArray(
        values,
        dims=("stimulus", "repeat", "unit"),
        coords={"stimulus": list(labels), "unit": ["z", "x", "y"]},
    )
    shuffled = labelled.isel(stimulus=random.permutation(6)).transpose("unit", "stimulus", "repeat")
    (one,) = neural_responses(
        ResponseRecording("mine", labels, (Response("S", "V4", shuffled),)), "cka"
    )
    assert one.unit_names == ("x", "y", "z")
    np.testing.assert_array_equal(one.repeats, values[:, :, [1, 2, 0]])
    other = labelled.assign_coords(stimulus=list("fbadeX"))
    with pytest.raises(SpikelearnError, match="named after other stimuli"):
        neural_responses(ResponseRecording("mine", labels, (Response("S", "V4", other),)), "cka")


def test_stimuli_that_are_called_by_numbers_are_found_by_them() -> None:
    random = np.random.default_rng(0)
    values, order = random.normal(size=(12, 2, 3)), random.permutation(12)
    labels = tuple(map(str, range(12)))
    shuffled = xarray.DataArray(
        values[order],
        dims=("stimulus", "repeat", "unit"),
        coords={"stimulus": [labels[i] for i in order]},
    )
    (one,) = neural_responses(
        ResponseRecording("mine", labels, (Response("S", "V4", shuffled),)), "cka"
    )
    np.testing.assert_array_equal(one.repeats, values)
    names = tuple(f"im{i}" for i in range(12))
    with pytest.raises(SpikelearnError, match="named after other stimuli"):
        neural_responses(ResponseRecording("mine", names, (Response("S", "V4", shuffled),)), "cka")
