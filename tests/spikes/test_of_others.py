"""Spike files of simulators and laboratories: SONATA of every layout, and what is said of them."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from spikelearn._errors import SpikelearnError
from spikelearn.spikes import load, save
from spikelearn.spikes.of_others import ReadWarning, grid

FOREIGN = Path(os.environ.get("SPIKELEARN_DATA", "nowhere")) / "foreign"
NAMES = ("s300_in", "s300_out", "c9_exc", "iclamp_out", "intfire_lgn", "intfire_out", "pt_in",
         "tut", "libs", "py_old", "py_one")  # fmt: skip


ID, T = "spikes__a__node_ids", "spikes__a__timestamps"


def read(path: Path, **given: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ReadWarning)
        return load(path, **given)


def sonata(path: Path, **content: Any) -> Path:
    with h5py.File(path, "w") as file:
        for name, values in content.items():
            file[name.replace("__", "/")] = values
    return path


@pytest.mark.skipif(not FOREIGN.is_dir(), reason="needs the files of others in SPIKELEARN_DATA")
@pytest.mark.parametrize("name", NAMES)
def test_published_sonata_files_hold_what_hdf5_shows(name: str) -> None:
    path = FOREIGN / f"{name}.h5"
    activity = read(path)
    with h5py.File(path) as file:
        group = file["spikes"]
        theirs = {"spikes": group} if "timestamps" in group else dict(group)
        assert set(activity.populations) == set(theirs)
        for population, spikes in activity.populations.items():
            here = theirs[population]
            ids = here["gids" if "gids" in here else "node_ids"][:]
            rows = sorted(zip(here["timestamps"][:], ids, strict=True))
            ours = sorted(zip(spikes.times_ms, spikes.senders, strict=True))
            np.testing.assert_allclose(np.array(ours), np.array(rows))
    assert activity.duration_ms > max(
        s.times_ms.max(initial=0) for s in activity.populations.values()
    )
    assert activity.duration_ms % 10 == 0


def test_the_layout_before_the_first_version_calls_neurons_gids(tmp_path: Path) -> None:
    path = sonata(tmp_path / "a.h5", spikes__gids=[1, 0], spikes__timestamps=[2.0, 5.0])
    with pytest.warns(ReadWarning, match="no unit, and are taken for ms"):
        activity = load(path)
    assert activity["spikes"].size == 2
    assert activity.duration_ms == 10.0
    assert read(path, unit="s").duration_ms == 5010.0
    assert read(path, duration_ms=1000.0).duration_ms == 1000.0


@pytest.mark.parametrize(
    ("content", "given", "sentence"),
    [
        ({ID: [0], T: [-1.0]}, {}, "a spike at -1 ms"),
        ({ID: [], T: []}, {}, "no spikes, and says no dur"),
        ({ID: [0], T: [np.nan]}, {}, "no number"),
        ({ID: [0, 1], T: [1.0]}, {}, "1 timestamps, but 2"),
        ({ID: [-1], T: [1.0]}, {}, "the neuron -1"),
        ({"spikes__a__ids": [1], T: [1.0]}, {}, "lacks its .* it has ids"),
        ({ID: [0], T: [9.0]}, {"duration_ms": 5.0}, "after"),
        ({ID: [0], T: [9.0]}, {"duration_ms": 0.0}, "large"),
        ({ID: [0], T: [9.0]}, {"trials": "x"}, "of .nwb"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_says_why(
    content: dict[str, Any], given: dict[str, Any], sentence: str, tmp_path: Path
) -> None:
    with pytest.raises(SpikelearnError, match=sentence):
        read(sonata(tmp_path / "a.h5", **content), **given)


def test_a_file_without_spikes_is_read_with_its_duration(tmp_path: Path) -> None:
    path = sonata(tmp_path / "a.h5", spikes__a__node_ids=[], spikes__a__timestamps=[])
    activity = read(path, duration_ms=100.0)
    assert (activity.n_spikes, activity.duration_ms) == (0, 100.0)


def test_what_is_said_of_a_file_of_our_own_is_refused(tmp_path: Path) -> None:
    theirs = sonata(tmp_path / "a.h5", spikes__a__node_ids=[0], spikes__a__timestamps=[9.0])
    activity = read(theirs)
    for suffix in (".h5", ".npz", ".mat", ".csv", ".nwb"):
        path = save(activity, tmp_path / f"ours{suffix}")
        assert load(path).n_spikes == 1  # without a word: it is all there
        with pytest.raises(SpikelearnError, match="duration_ms is given, but this file of spikel"):
            load(path, duration_ms=50.0)


def test_thousands_of_trials_and_populations_fit_into_a_file(tmp_path: Path) -> None:
    """What describes them outgrows what an attribute of HDF5 holds."""
    from spikelearn.spikes.activity import Activity, PopulationSpikes

    one = np.zeros(1, dtype=np.int64)
    many = Activity(
        {f"population {i}": PopulationSpikes.from_unsorted(1, one + 1.0, one, one)
         for i in range(500)},
        10.0, 0.1, 10_000, tuple(f"stimulus {i}" for i in range(10_000)),
    )  # fmt: skip
    found = load(save(many, tmp_path / "many.h5"))
    assert found.labels == many.labels
    assert list(found.populations) == list(many.populations)


def test_the_grid_is_what_all_times_are_multiples_of_or_the_usual_one() -> None:
    assert grid([np.array([0.5, 2.25, 40.0])]) == 0.1
    assert grid([np.array([0.5, 1.0]), np.array([4.0, 7.5])]) == 0.5
    assert grid([np.array([533.0, 537.2, 547.6, 547.7])]) == pytest.approx(0.1)
    assert grid([]) == 0.1
