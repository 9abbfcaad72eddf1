"""Partial RSA against regression."""

from __future__ import annotations

import numpy as np
import pytest
from rsa_examples import made_up_recording, response, score
from scipy.spatial.distance import pdist
from scipy.stats import rankdata

from spikelearn._errors import SpikelearnError
from spikelearn.comparison import (
    compare_partial_rsa,
)


def test_partial_correlation_is_that_of_what_the_controls_leave() -> None:
    recording = made_up_recording(16)
    random = np.random.default_rng(0)
    model, first, second = random.normal(size=(3, 16, 9))
    table = compare_partial_rsa(
        {"m": response(model + first)},
        recording,
        {"a": response(first), "b": response(second)},
        60,
    )
    ranks = [rankdata(pdist(v, "correlation")) for v in (first, second)]
    design = np.column_stack([np.ones(120), *ranks])

    def left(vector: np.ndarray) -> np.ndarray:
        y = rankdata(vector)
        return y - design @ np.linalg.lstsq(design, y, rcond=None)[0]

    for region, recorded in recording.groups.items():
        expected = np.corrcoef(
            left(pdist(model + first, "correlation")), left(recorded.dissimilarities)
        )[0, 1]
        assert score(table, region, "group") == pytest.approx(expected, abs=1e-10)
    assert table.flag.eq("given a, b").all()
    assert set(table.method) == {"partial_rsa"}
    assert set(table.measure) == {"spearman given a, b"}
    assert (table.ci_lower < table.ci_upper).all()


def test_a_model_that_is_its_control_has_nothing_left() -> None:
    recording = made_up_recording(12)
    values = response(np.random.default_rng(1).normal(size=(12, 6)))
    table = compare_partial_rsa({"m": values}, recording, {"c": values}, 0)
    assert table.score.isna().all()
    with pytest.raises(SpikelearnError, match="at least one model and one control"):
        compare_partial_rsa({"m": values}, recording, {})
    with pytest.raises(SpikelearnError, match="mapping from names to responses"):
        compare_partial_rsa({"m": values}, recording, values)
    with pytest.raises(SpikelearnError, match="spearman and pearson"):
        compare_partial_rsa({"m": values}, recording, {"c": values}, comparator="cosine")
