"""Pictures of rates and statistics: every format, and the shortest and emptiest activities."""

from __future__ import annotations

import numpy as np
import pytest

from spikelearn import Activity, SpikelearnError
from spikelearn._spike_arrays import PopulationSpikes
from spikelearn.report.psth import plot_psth
from spikelearn.report.statistics import plot_statistics


@pytest.mark.parametrize("suffix", [".png", ".svg", ".pdf"])
@pytest.mark.parametrize("plot", [plot_psth, plot_statistics])
def test_rates_and_statistics_are_drawn_in_the_format_of_the_suffix(plot, suffix, tmp_path):
    generator = np.random.default_rng(0)
    fires = PopulationSpikes.from_unsorted(
        300, generator.uniform(0, 50.3, 3000), generator.integers(0, 300, 3000),
        generator.integers(0, 4, 3000),
    )  # fmt: skip
    one = PopulationSpikes.from_unsorted(1, [1.0, 5.0, 9.0], [0, 0, 0])
    silent = PopulationSpikes.from_unsorted(2, [], [])
    populations = {"$fires_$": fires, "one": one, "silent": silent}
    activity = Activity(populations, 50.3, 0.1, 4, ("face", "$house^$", "face", ""))
    path = plot(activity, tmp_path / f"picture{suffix}")
    start = {".png": b"\x89PNG", ".svg": b"<?xml", ".pdf": b"%PDF"}[suffix]
    content = path.read_bytes()
    assert content.startswith(start)
    # The same command makes the same file, on any day.
    assert not any(word in content for word in (b"CreationDate", b"<dc:date>", b"ModDate"))


@pytest.mark.parametrize("plot", [plot_psth, plot_statistics])
def test_pictures_of_nothing_and_of_the_shortest_trial_are_drawn(plot, tmp_path):
    silent = PopulationSpikes.from_unsorted(2, [], [])
    once = PopulationSpikes.from_unsorted(2, [0.0, 0.1], [0, 1])
    for populations in ({}, {"silent": silent}, {"once": once}):
        assert plot(Activity(populations, 0.1, 0.1), tmp_path / "p.png").is_file()
    with pytest.raises(SpikelearnError, match=r"written as \.png"):
        plot(Activity({}, 0.1, 0.1), tmp_path / "p.gif")
