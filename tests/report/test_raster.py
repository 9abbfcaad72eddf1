"""Rasters are drawn in the format that is asked for, of a trial that is there."""

from __future__ import annotations

import numpy as np
import pytest

from spikelearn import Activity, SpikelearnError
from spikelearn._spike_arrays import PopulationSpikes
from spikelearn.report import raster as raster_pictures
from spikelearn.report.raster import plot_raster


@pytest.mark.parametrize("suffix", [".png", ".svg", ".pdf"])
def test_a_raster_is_drawn_in_the_format_of_its_suffix(suffix, tmp_path):
    spikes = PopulationSpikes.from_unsorted(900, [1.0, 5.0], [0, 899])
    few = PopulationSpikes.from_unsorted(2, [], [])
    activity = Activity({"many": spikes, "few": few}, 10.0, 1.0)
    path = plot_raster(activity, tmp_path / f"raster{suffix}")
    start = {".png": b"\x89PNG", ".svg": b"<?xml", ".pdf": b"%PDF"}[suffix]
    assert path.read_bytes().startswith(start)


def test_a_part_of_the_trial_is_drawn_at_its_times(tmp_path, drawn):
    spikes = PopulationSpikes.from_unsorted(2, [1.0, 5.0, 8.0], [0, 1, 0])
    activity = Activity({"n": spikes}, 10.0, 1.0)
    figure = drawn(plot_raster, raster_pictures, activity, tmp_path / "r.png", 0, 4.0, 8.0)
    axis = figure.axes[0]
    np.testing.assert_array_equal(axis.lines[0].get_xdata(), [5.0])
    assert axis.get_xlim() == (4.0, 8.0)


def test_a_raster_of_a_trial_that_is_not_there_is_refused(tmp_path):
    activity = Activity({"n": PopulationSpikes.from_unsorted(2, [], [])}, 10.0, 1.0)
    with pytest.raises(SpikelearnError, match="there is no trial 3"):
        plot_raster(activity, tmp_path / "r.png", trial=3)
    with pytest.raises(SpikelearnError, match=r"written as \.png"):
        plot_raster(activity, tmp_path / "r.gif")
