"""The rate against what stimuli differ in, as a picture."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

import spikelearn as sl
from spikelearn.plot import rate_curve
from spikelearn.report.rate_curve import plot_rate_curve
from spikelearn.spikes import PopulationSpikes


def activity(*labels: str) -> sl.Activity:
    """Trial k has k spikes of the one cell and none of the silent ones."""
    trials = np.repeat(np.arange(len(labels)), np.arange(len(labels)))
    cell = PopulationSpikes.from_unsorted(1, np.linspace(1, 90, len(trials)), 0 * trials, trials)
    silent = PopulationSpikes.from_unsorted(2, [], [])
    return sl.Activity({"cell": cell, "silent": silent}, 100.0, 0.1, len(labels), labels)


def test_points_are_values_and_rates() -> None:
    axis = Figure().subplots()
    rate_curve(activity("0 pA", "200 pA", "100 pA"), ax=axis)
    lines = {bars.get_label(): bars.lines[0] for bars in axis.containers}
    assert list(lines) == ["cell", "silent"]
    assert list(lines["cell"].get_xdata()) == [0, 100, 200]
    assert list(lines["cell"].get_ydata()) == [0, 20, 10]
    assert list(lines["silent"].get_ydata()) == [0, 0, 0]
    assert axis.get_xlabel() == "current (pA)"
    assert axis.get_ylabel() == "firing rate (Hz)"
    assert not any(bars.has_yerr for bars in axis.containers)
    assert axis.get_legend() is not None
    axis = Figure().subplots()
    rate_curve(activity("5 mV", "5 mV", "6 mV"), 10.0, 60.0, axis)
    assert "s.d. over trials" in axis.get_ylabel()
    assert axis.get_xlabel() == "stimulus (mV)"
    assert axis.get_title(loc="left") or axis.get_title() == "spikes from 10 to 60 ms of each trial"


def test_pictures_are_written_in_each_format_or_refused(tmp_path: Path) -> None:
    for suffix in (".png", ".svg"):
        path = plot_rate_curve(activity("0 pA", "1 pA"), tmp_path / f"c{suffix}")
        assert path.stat().st_size
    for bad, words in ((activity("0", "1"), "a number and a unit"),):
        with pytest.raises(sl.SpikelearnError, match=words):
            plot_rate_curve(bad, tmp_path / "d.png")
    with pytest.raises(sl.SpikelearnError, match="a picture is written as"):
        plot_rate_curve(activity("0 pA", "1 pA"), tmp_path / "c.gif")
    assert {path.name for path in tmp_path.iterdir()} == {"c.png", "c.svg"}
