"""Few units in place of many: the same dissimilarities, the same CKA, the same scores."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import xarray
from response_examples import Response
from rsa_examples import response

from spikelearn.comparison import compare_responses, linear_cka, rdm
from spikelearn.comparison.compact_patterns import compact


def patterns() -> xarray.DataArray:
    random = np.random.default_rng(0)
    values = np.maximum(random.normal(size=(9, 4000)), 0).astype(np.float32)
    values[3], values[5], values[7] = 0.0, 2.5, values[6]  # silent; constant; twice the same
    return response(values, [f"s{i}" for i in range(9)])


def test_dissimilarities_are_the_same_and_what_has_none_has_none():
    whole = patterns()
    small = compact(whole)
    assert small.shape == (9, 10)
    expected, found = (rdm(one).get_vectors()[0] for one in (whole, small))
    np.testing.assert_allclose(found, expected, atol=1e-9)
    assert np.isnan(found).sum() == 8 + 7
    assert found[-1 - 2] == pytest.approx(0, abs=1e-9)  # stimuli 6 and 7
    np.testing.assert_array_equal(small[5], 2.5)
    assert not small[3].any()


def test_cka_is_the_same():
    whole = patterns()
    other = np.random.default_rng(1).normal(size=(9, 6))
    small = compact(whole, "cka")
    assert small.shape == (9, 9)
    assert linear_cka(small.to_numpy(), other) == pytest.approx(
        linear_cka(whole.to_numpy(), other), abs=1e-7
    )


def test_ridge_is_the_same():
    random = np.random.default_rng(2)
    x = random.normal(size=(40, 300))
    y = x[:, :5] + random.normal(size=(40, 5))
    labels = [f"s{i:02}" for i in range(40)]
    recording = SimpleNamespace(
        name="cells", labels=labels, n_stimuli=40, categories={},
        responses=(Response("S", "V4", np.stack([y, y + random.normal(size=y.shape)], axis=1)),),
    )  # fmt: skip
    whole = response(x, labels)
    models = {"whole": whole, "small": compact(whole, "encoding")}
    assert models["small"].shape == (40, 40)
    table = compare_responses(models, recording, 0, method="encoding")
    scores = table[table.level == "mean"].score.to_numpy()
    assert scores[0] == pytest.approx(scores[1], abs=1e-5)
    assert scores[0] > 0.1


def test_what_needs_its_units_or_another_dissimilarity_stays():
    whole = patterns()
    assert compact(whole, "procrustes") is whole
    assert compact(whole[:, :8]).shape == (9, 8)
    euclidean = whole.assign_attrs(rdm_method="euclidean")
    assert compact(euclidean) is euclidean
