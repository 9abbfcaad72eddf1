"""Corrections for the number of tests against SciPy and their definition."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import false_discovery_control

from spikelearn.comparison import (
    false_discovery_rate,
    holm,
)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
@settings(max_examples=60, deadline=None)
def test_false_discovery_rates_are_scipys(p) -> None:
    np.testing.assert_allclose(false_discovery_rate(np.array(p)), false_discovery_control(p))


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12), st.floats(0.001, 0.2))
@settings(max_examples=60, deadline=None)
def test_holm_rejects_step_by_step(p, level) -> None:
    rejected = np.zeros(len(p), dtype=bool)
    for step, i in enumerate(np.argsort(p, kind="stable")):
        if p[i] > level / (len(p) - step):
            break
        rejected[i] = True
    corrected = holm(np.array(p))
    clear = np.abs(corrected - level) > 1e-9
    np.testing.assert_array_equal((corrected <= level)[clear], rejected[clear])


def test_corrections_leave_out_what_was_not_tested() -> None:
    p = np.array([0.01, np.nan, 0.04])
    np.testing.assert_allclose(holm(p), [0.02, np.nan, 0.04])
    np.testing.assert_allclose(false_discovery_rate(p), [0.02, np.nan, 0.04])
