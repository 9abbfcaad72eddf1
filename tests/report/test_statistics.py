"""The bars of the statistics hold every neuron, interval and pair."""

from __future__ import annotations

import numpy as np

from spikelearn import Activity
from spikelearn._spike_arrays import PopulationSpikes
from spikelearn.report import statistics as statistics_pictures
from spikelearn.report.statistics import plot_statistics


def test_the_bars_of_the_statistics_hold_every_neuron_interval_and_pair(tmp_path, drawn):
    generator = np.random.default_rng(1)
    spikes = PopulationSpikes.from_unsorted(
        30, generator.uniform(0, 500, 900), generator.integers(0, 30, 900)
    )
    activity = Activity({"n": spikes}, 500.0, 0.1)
    figure = drawn(plot_statistics, statistics_pictures, activity, tmp_path / "p.png")
    held = [sum(bar.get_height() for bar in axis.patches) for axis in figure.axes]
    n_fired = np.unique(spikes.senders).size
    assert held == [30, 900 - n_fired, 30, 30 * 29 // 2]
