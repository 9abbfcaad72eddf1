"""Pictures of sweeps: what is drawn is what the table holds."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from scipy.stats import t

from spikelearn.report.sweep_figures import MOST_COLUMNS, label_with_unit, sweep_figure


def table(axes, populations=("E", "I"), seeds=3, failed=()):
    """A table whose measure is told from its place."""
    rows = []
    for number, values in enumerate(itertools.product(*axes.values(), range(seeds))):
        for index, population in enumerate(populations):
            rate = 100.0 * index + number + 0.5 * values[-1]
            rows.append({"run": number, **dict(zip(axes, values, strict=False)),
                         "seed": values[-1], "population": population, "rate_hz": rate,
                         "failed": "no" if number in failed else ""})  # fmt: skip
    return pd.DataFrame(rows)


def test_lines_are_means_over_seeds_with_their_intervals():
    drawn = table({"x_ms": [1, 2, 5]})
    figure = sweep_figure(drawn, [("x_ms",)], ["rate_hz"])
    (axis,) = [a for a in figure.axes if a.get_visible()]
    assert (axis.get_xlabel(), axis.get_ylabel()) == ("x (ms)", "rate (Hz)")
    assert len(axis.containers) == 2
    for container, population in zip(axis.containers, ("E", "I"), strict=True):
        grouped = drawn[drawn["population"] == population].groupby("x_ms")["rate_hz"]
        line, _, (bars,) = container.lines
        assert np.allclose(line.get_xdata(), [1, 2, 5])
        assert np.allclose(line.get_ydata(), grouped.mean())
        half = t.ppf(0.975, 2) * grouped.std() / np.sqrt(3)
        ends = np.array([segment[:, 1] for segment in bars.get_segments()])
        assert np.allclose(ends[:, 1] - ends[:, 0], 2 * half)


def test_a_heat_map_holds_means_and_leaves_what_failed_open():
    drawn = table({"a": [1, 2], "b": [10, 20, 30]}, seeds=2, failed=(0, 1))
    figure = sweep_figure(drawn, [("a",), ("b",)], ["rate_hz"])
    maps = [a.images[0].get_array() for a in figure.axes if a.images]
    assert len(maps) == 2
    wanted = drawn[drawn["failed"] == ""].groupby(["population", "b", "a"])["rate_hz"].mean()
    for values, population in zip(maps, ("E", "I"), strict=True):
        assert values.shape == (3, 2)
        assert values.mask[0, 0]
        for (b, a), mean in wanted[population].items():
            assert values[[10, 20, 30].index(b), [1, 2].index(a)] == pytest.approx(mean)


def test_further_axes_are_panels_and_what_is_left_out_is_said():
    axes = {"a": [1, 2], "b": [1, 2], "c": list(range(MOST_COLUMNS + 2))}
    figure = sweep_figure(table(axes, ("E",), 1), [("a",), ("b",), ("c",)], ["rate_hz"])
    panels = [a for a in figure.axes if a.images]
    assert len(panels) == MOST_COLUMNS
    assert "2 further panels" in figure.get_suptitle()
    assert "c = 1" in panels[1].get_title(loc="left")


def test_no_axis_and_values_that_are_no_numbers_are_drawn_too():
    words = table({"backend": ["native", "brian2"]})
    figure = sweep_figure(words, [("backend",)], ["rate_hz"])
    assert [x.get_text() for x in figure.axes[0].get_xticklabels()] == ["native", "brian2"]
    assert sweep_figure(table({}), [], ["rate_hz"]).axes
    nothing = sweep_figure(table({"a": [1, 2]}, failed=range(6)), [("a",)], ["rate_hz"])
    assert nothing.axes[0].texts[0].get_text() == "nothing to draw"


def test_an_axis_over_decades_is_logarithmic():
    figure = sweep_figure(table({"rate": [1e-4, 1e-3, 1e-2]}), [("rate",)], ["rate_hz"])
    assert figure.axes[0].get_xscale() == "log"
    even = sweep_figure(table({"rate": [1, 11, 21]}), [("rate",)], ["rate_hz"])
    assert even.axes[0].get_xscale() == "linear"


def test_units_stand_in_brackets_and_names_of_users_stay():
    assert label_with_unit("projections[my_cells->*].weight_mv_per_ms") == (
        "projections[my_cells->*].weight (mV/ms)"
    )
    assert label_with_unit("isi_cv") == "isi cv"
