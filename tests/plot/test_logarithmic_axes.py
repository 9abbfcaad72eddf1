"""Ticks of logarithmic axes are numbers, in every picture that has one."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
from drawn import axis_of_a_figure

from spikelearn.plot.logarithmic_axes import set_logarithmic
from spikelearn.plot.style import styled
from spikelearn.report.plausibility_figures import draw_equivalences
from spikelearn.report.search_figures import search_figure
from spikelearn.report.sweep_figures import sweep_figure


def labels(axis) -> list[str]:
    axis.get_figure().canvas.draw()
    low, high = sorted(axis.get_view_interval())
    shown = zip(axis.get_majorticklocs(), axis.get_majorticklabels(), strict=True)
    return [text.get_text() for at, text in shown if low <= at <= high and text.get_text()]


@pytest.mark.parametrize(
    ("values", "wanted"), [([1, 8], ["1", "2", "5"]), ([0.01, 1000], ["0.01", "1", "100"])]
)
def test_ticks_are_plain_numbers(values, wanted):
    with styled():
        axes = axis_of_a_figure()
        axes.plot(values, values)
        set_logarithmic(axes.xaxis, *values)
        set_logarithmic(axes.yaxis, *values)
        assert set(wanted) <= set(labels(axes.xaxis))
        assert set(wanted) <= set(labels(axes.yaxis))


def test_no_picture_shows_the_source_of_a_number():
    table = pd.DataFrame(
        [{"w": w, "seed": 0, "rate_hz": w, "failed": ""} for w in (1.0, 3.0, 10.0, 30.0)]
    )
    swept = sweep_figure(table, [("w",)], ["rate_hz"]).axes[0]
    trials = pd.DataFrame({"trial": range(3), "w": [1e-3, 1e-2, 0.1], "rate_hz": 1.0, "best": 1.0})
    searched = search_figure(trials, ["w"], "rate_hz", {}, ["w"]).axes[2]
    for axes, wanted in ((swept, {"1", "2", "5", "10", "20"}), (searched, {"0.001", "0.1"})):
        assert wanted <= set(labels(axes.xaxis))
    equal = {"key": "a", "rule": "r", "becomes": "s", "knob": "k", "value": np.arange(3.0),
             "distance": [1e-14, 1e-6, 1.0]}  # fmt: skip
    drawn = draw_equivalences(pd.DataFrame(equal))
    assert b"mathdefault" not in drawn
    assert re.search(rb"<!-- 1e-\d\d -->", drawn)
