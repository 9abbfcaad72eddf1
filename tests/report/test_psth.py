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


def test_the_axis_says_bins_smoothing_and_time(tmp_path, drawn):
    spikes = PopulationSpikes.from_unsorted(1, [2.5, 7.5], [0, 0])
    activity = Activity({"n": spikes}, 10.0, 0.5)
    axis = drawn(plot_psth, psth_pictures, activity, tmp_path / "p.png", start_ms=2.0).axes[0]
    assert axis.get_xlabel() == "time (ms); spikes counted in bins of 1 ms, not smoothed"
    assert axis.get_xlim() == (2.0, 10.0)
    np.testing.assert_allclose(axis.lines[0].get_xdata(), np.arange(2.5, 10))
    np.testing.assert_allclose(axis.lines[0].get_ydata(), [1000, 0, 0, 0, 0, 1000, 0, 0])
    smooth = drawn(plot_psth, psth_pictures, activity, tmp_path / "p.png", 2.0, 3.0).axes[0]
    expected = "time (ms); spikes counted in bins of 2 ms, smoothed by a Gaussian of 3 ms"
    assert smooth.get_xlabel() == expected


def test_a_fast_rhythm_is_seen(tmp_path, drawn):
    """190 Hz, as a network's fast oscillation has it: volleys of 2 ms and silence between them."""
    generator, period_ms = np.random.default_rng(0), 1000 / 190
    volley = generator.integers(0, 95, 20_000)
    times = volley * period_ms + generator.uniform(0, 2.0, volley.size)
    spikes = PopulationSpikes.from_unsorted(500, times, generator.integers(0, 500, volley.size))
    activity = Activity({"n": spikes}, 500.0, 0.1)
    line = drawn(plot_psth, psth_pictures, activity, tmp_path / "p.png").axes[0].lines[0]
    rates = np.asarray(line.get_ydata())
    assert rates.max() > 150.0
    assert rates.min() == 0.0
    spectrum = np.abs(np.fft.rfft(rates - rates.mean()))
    assert np.fft.rfftfreq(rates.size, 1e-3)[spectrum.argmax()] == 190.0
    flat = drawn(plot_psth, psth_pictures, activity, tmp_path / "p.png", 1.0, 3.0).axes[0].lines[0]
    assert np.std(np.asarray(flat.get_ydata())) < 0.1 * rates.std()
