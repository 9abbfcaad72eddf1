"""Comparison at each moment: a planted course in time is recovered."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import xarray
from rsa_examples import made_up_recording, response
from scipy.spatial.distance import pdist

from spikelearn._errors import SpikelearnError
from spikelearn.comparison import (
    compare_over_time,
    compare_rsa,
    compare_timecourses,
    rdms_over_time,
    time_generalisation,
)

TIMES_MS = (5.0, 15.0, 25.0)


def moving(common: np.ndarray, seed: int = 0) -> xarray.DataArray:
    """Noise, then the representation, then noise."""
    values = np.random.default_rng(seed).normal(size=(*common.shape, 3))
    values[:, :, 1] = common
    labels = [f"s{i}" for i in range(len(common))]
    return xarray.DataArray(
        values,
        dims=("stimulus", "unit", "time"),
        coords={"stimulus": labels, "time": list(TIMES_MS)},
    )


def test_a_model_resembles_a_recording_when_its_representation_does() -> None:
    recording = made_up_recording(20, seed=9)
    common = np.random.default_rng(9).normal(size=(20, 20))
    table = compare_over_time({("m", "h"): moving(common)}, recording, 20)
    assert set(table.layer) == {"h"}
    assert len(table) == 3 * len(compare_rsa({"m": response(common)}, recording, 0))
    mean = table[table.level == "mean"].set_index("time_ms")
    assert mean.score.idxmax() == 15.0
    assert mean.score[15.0] > 0.5
    assert abs(mean.score[5.0]) < 0.2


def test_rdms_over_time_are_scipys() -> None:
    values = moving(np.random.default_rng(1).normal(size=(8, 6)))
    by_bin = rdms_over_time(values)
    for k in range(3):
        np.testing.assert_allclose(
            by_bin[k], pdist(values.to_numpy()[:, :, k], "correlation"), atol=1e-11
        )


def test_moments_generalise_to_those_of_the_same_representation() -> None:
    common = np.random.default_rng(2).normal(size=(20, 12))
    a, b = (rdms_over_time(moving(common, seed)) for seed in (0, 1))
    scores = time_generalisation(a, b)
    assert scores.shape == (3, 3)
    assert scores[1, 1] == pytest.approx(1.0)
    scores[1, 1] = 0
    assert np.abs(scores).max() < 0.3
    with pytest.raises(SpikelearnError, match="190 and 28 pairs"):
        time_generalisation(a, a[:, :28])
    with pytest.raises(SpikelearnError, match="at all times"):
        time_generalisation(np.full((2, 10), np.nan), np.zeros((2, 10)))


def test_a_model_resembles_a_recorded_course_in_time_at_its_moment() -> None:
    common = np.random.default_rng(3).normal(size=(20, 12))
    courses = tuple(
        SimpleNamespace(
            subject=f"S{s}", region="MEG", session="", unit="1 - Pearson r",
            time_ms=np.array(TIMES_MS), dissimilarities=rdms_over_time(moving(common, s)),
        )
        for s in range(2)
    )  # fmt: skip
    labels = tuple(f"s{i}" for i in range(20))
    recording = SimpleNamespace(name="meg", labels=labels, timecourses=courses)
    table = compare_timecourses({"m": response(common)}, recording, 20)
    mean = table[table.level == "mean"].set_index("time_ms")
    assert mean.score[15.0] == pytest.approx(1.0)
    assert (mean.score.drop(15.0).abs() < 0.3).all()
    with pytest.raises(SpikelearnError, match="no course in time"):
        compare_timecourses({"m": response(common)}, made_up_recording(20))


def test_a_response_without_time_is_refused() -> None:
    with pytest.raises(SpikelearnError, match="dimension 'time'"):
        rdms_over_time(response(np.eye(5)))
