"""The lines of a PSTH are mean rates."""

from __future__ import annotations

import numpy as np

from spikelearn import Activity
from spikelearn._spike_arrays import PopulationSpikes
from spikelearn.report import psth as psth_pictures
from spikelearn.report.psth import plot_psth


def test_the_lines_of_the_psth_are_the_mean_rates_of_the_stimuli(tmp_path, drawn):
    spikes = PopulationSpikes.from_unsorted(2, [2.5, 2.5, 7.5], [0, 1, 0], [0, 0, 1])
    activity = Activity({"n": spikes}, 10.0, 0.5, 3, ("a", "b", "a"))
    figure = drawn(plot_psth, psth_pictures, activity, tmp_path / "p.png", bin_ms=5.0, sigma_ms=0)
    a, b = figure.axes[0].lines
    # Two neurons and two trials of a share two spikes in 5 ms; one trial of b has one spike.
    np.testing.assert_allclose(a.get_ydata(), [100.0, 0.0])
    np.testing.assert_allclose(b.get_ydata(), [0.0, 100.0])
    np.testing.assert_allclose(a.get_xdata(), [2.5, 7.5])


def test_many_stimuli_are_thinned_and_their_mean_is_that_of_all(tmp_path, drawn):
    n_stimuli = 100
    spikes = PopulationSpikes.from_unsorted(
        1, np.full(n_stimuli, 0.5), np.zeros(n_stimuli), np.arange(n_stimuli)
    )
    labels = [str(i) for i in range(n_stimuli)]
    activity = Activity({"n": spikes}, 2.0, 0.5, n_stimuli, labels)
    figure = drawn(plot_psth, psth_pictures, activity, tmp_path / "p.png", sigma_ms=0)
    *thin, mean = figure.axes[0].lines
    assert len(thin) == 34
    np.testing.assert_allclose(mean.get_ydata(), [1000.0, 0.0])
    texts = [text.get_text() for text in figure.legends[0].get_texts()]
    assert texts == ["one stimulus (of 100, 1 in 3 shown)", "mean over stimuli"]
