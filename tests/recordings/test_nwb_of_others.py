"""Responses of a user from anyone's NWB file."""

from __future__ import annotations

import numpy as np
import pytest

from spikelearn import load_recording
from tests.recordings.user_examples import NAMES, describe, simulated, write_nwb


@pytest.fixture
def session():
    """What was shown when (a grey screen too), and the spikes of three units."""
    draw = np.random.default_rng(4)
    names = [*draw.permutation([f"stimuli/{name}" for name in NAMES] * 2), "grey"]
    starts = 1.0 + 0.6 * np.arange(len(names))
    return names, starts, [np.sort(draw.uniform(0, 9, 120)) for _ in range(3)]


@pytest.mark.parametrize("column", ["area", "location"])
def test_an_nwb_file_gives_rates_in_the_window_of_each_trial(folder, session, column) -> None:
    names, starts, trains = session
    write_nwb(folder / "s.nwb", names, starts, trains)
    entry = {"kind": "nwb", "file": "s.nwb", "column": "image", "window_ms": [50, 250]}
    recording = load_recording(describe(folder, {**entry, "region_column": column}))
    v1, v2 = recording.responses
    assert (v1.region, v1.n_units, v2.region, v2.n_units) == ("V1", 2, "V2", 1)
    for number, name in enumerate(NAMES):
        shown = [s for n, s in zip(names, starts, strict=True) if n == f"stimuli/{name}"]
        for repeat, start in enumerate(shown):
            for unit, train in enumerate((trains[0], trains[2])):
                inside = (train >= start + 0.05) & (train < start + 0.25)
                assert v1.values[number, repeat, unit] == pytest.approx(inside.sum() / 0.2)
    whole = load_recording(describe(folder, {**entry, "region": "visual cortex"}))
    assert whole.responses[0].n_units == 3


def test_our_own_nwb_files_are_recordings_too(folder) -> None:
    activity = simulated()
    activity.save(folder / "s.nwb")
    entry = {"kind": "nwb", "file": "s.nwb", "region_column": "population", "window_ms": [0, 200]}
    recorded = load_recording(describe(folder, entry)).responses[0]
    assert recorded.region == "out"
    assert np.nansum(recorded.values) * 0.2 == pytest.approx(len(activity["out"]), abs=3)
