"""Figures of an audit: a square for every verdict, in its colour."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from spikelearn.plausibility.audit import Audit
from spikelearn.plausibility.criteria import Finding
from spikelearn.report.plausibility_figures import (
    draw_beside,
    draw_equivalences,
    draw_verdicts,
)

GREEN, RED = b"fill: #009e73", b"fill: #d55e00"


def test_every_verdict_has_a_square_in_its_colour():
    matrix = pd.DataFrame(
        {"C1": ["pass", "fail"], "C9": ["pass", np.nan]}, index=["backprop", "oja"]
    )
    drawn = draw_verdicts(matrix)
    in_legend = 1
    assert drawn.count(GREEN) == 2 + in_legend
    assert drawn.count(RED) == 1 + in_legend
    assert draw_verdicts(matrix) == drawn


@pytest.mark.parametrize(("passed", "hue"), [(True, GREEN), (False, RED)])
def test_a_rule_that_was_run_is_marked_by_its_verdict(passed, hue):
    audit = Audit([("oja", "C9", Finding(0.0, "0", "-", passed, passed, ""), None)])
    measured = pd.DataFrame({"rule": ["oja"], "accuracy (%)": [50.0], "similarity, r, IT": [0.1]})
    drawn = draw_beside(audit, measured, "similarity, r, IT")
    assert drawn.count(hue) == 1
    nowhere = measured.assign(**{"accuracy (%)": np.nan})
    assert hue not in draw_beside(audit, nowhere, "similarity, r, IT")


def test_the_map_has_a_panel_for_every_knob():
    table = pd.DataFrame(
        {"key": ["a", "a", "b"], "rule": "one", "becomes": "other", "knob": "beta",
         "value": [0.1, 0.01, 1.0], "distance": [0.5, 0.0, 1.0]}
    )  # fmt: skip
    assert draw_equivalences(table).count(b'id="axes_') == 2
