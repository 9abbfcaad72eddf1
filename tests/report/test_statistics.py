"""The bars of the statistics hold every neuron, interval and pair."""

from __future__ import annotations

import numpy as np

from spikelearn import Activity
from spikelearn._spike_arrays import PopulationSpikes
from spikelearn.report import statistics as statistics_pictures
from spikelearn.report.statistics import plot_statistics


def test_cvs_of_few_intervals_give_way_to_the_local_variation(tmp_path, drawn):
    generator = np.random.default_rng(2)
    spikes = PopulationSpikes.from_unsorted(
        30, generator.uniform(0, 1000, 3000), generator.integers(0, 30, 3000)
    )
    activity = Activity({"n": spikes}, 1000.0, 0.1)
    whole = drawn(plot_statistics, statistics_pictures, activity, tmp_path / "p.png").axes[2]
    assert whole.get_xlabel() == "CV of interspike intervals\n(20 and more in a trial)"
    short = drawn(plot_statistics, statistics_pictures, activity, tmp_path / "p.png", stop_ms=100.0)
    assert short.axes[2].get_xlabel() == "local variation CV2\n(no neuron has 20 intervals)"
    n_spikes = activity.between(0.0, 100.0).n_spikes
    assert n_spikes < 400
    assert sum(bar.get_height() for bar in short.axes[0].patches) == 30


def test_the_bars_of_the_statistics_hold_every_neuron_interval_and_pair(tmp_path, drawn):
    generator = np.random.default_rng(1)
    spikes = PopulationSpikes.from_unsorted(
        30, generator.uniform(0, 500, 1500), generator.integers(0, 30, 1500)
    )
    activity = Activity({"n": spikes}, 500.0, 0.1)
    figure = drawn(plot_statistics, statistics_pictures, activity, tmp_path / "p.png")
    held = [sum(bar.get_height() for bar in axis.patches) for axis in figure.axes]
    n_fired = np.unique(spikes.senders).size
    assert held == [30, 1500 - n_fired, 30, 30 * 29 // 2]
    said = [axis.texts[0].get_text().rpartition("(n = ")[2] for axis in figure.axes]
    assert said == ["30)", f"{1500 - n_fired:,})", "30)", "435)"]
