"""Tables of spikes as text, and NumPy archives."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from activities import activities, assert_same_rest, assert_same_spikes, small_activity
from hypothesis import HealthCheck, example, given, settings

from spikelearn._errors import SpikelearnError
from spikelearn.spikes import Activity, PopulationSpikes, load, save

SILENT = Activity({"a": PopulationSpikes.from_unsorted(3, [], [], [])}, 10.0, 0.1, 2)

few = settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@few
@given(activities())
@example(small_activity())
@example(SILENT)
def test_a_csv_round_trip_keeps_spikes_bit_for_bit(tmp_path: Path, activity: Activity) -> None:
    spikes_only = dataclasses.replace(activity, states={}, weights={})
    path = save(spikes_only, tmp_path / "run.csv")
    found = load(path)
    assert_same_spikes(found, activity, tolerance_ms=0)
    assert_same_rest(found, spikes_only)


def test_a_csv_file_says_what_it_leaves_out_and_pandas_reads_the_rest(tmp_path: Path) -> None:
    import pandas as pd

    activity = small_activity()
    with pytest.warns(UserWarning, match=r"left out are excitatory.v_mv, inhibitory->excitatory"):
        path = save(activity, tmp_path / "run.csv")
    table = pd.read_csv(path, skiprows=1)
    assert list(table.columns) == ["population", "neuron", "trial", "stimulus", "time_ms"]
    assert len(table) == activity.n_spikes
    for name, spikes in activity.populations.items():
        rows = table[table.population == name]
        np.testing.assert_array_equal(rows.neuron, spikes.senders)
        np.testing.assert_array_equal(rows.trial, spikes.trials)
        np.testing.assert_array_equal(rows.time_ms, spikes.times_ms)
        assert list(rows.stimulus) == [activity.labels[trial] for trial in spikes.trials]


def test_the_npz_file_opens_without_pickle(tmp_path: Path) -> None:
    with np.load(save(small_activity(), tmp_path / "run.npz"), allow_pickle=False) as archive:
        np.testing.assert_array_equal(archive["population_1_times_ms"], [7.3])
        assert all(archive[key].dtype.kind != "O" for key in archive)


def test_an_archive_of_other_arrays_gives_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "run.npz"
    np.savez(path, numbers=np.arange(3))
    with pytest.raises(SpikelearnError, match=r"one column of times, .*none of numbers"):
        load(path)
    np.savez(path, metadata=np.array({"a": 1}, dtype=object))
    with pytest.raises(SpikelearnError, match=r"cannot read .*run\.npz"):
        load(path)


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ('"inhibitory",1,1', '"inhibitory",x,1', "line 8 must hold a known population"),
        ('"inhibitory",1,1', '"unheard",1,1', "line 8 must hold a known population"),
        ('"inhibitory",1,1', '"inhibitory",-1,1', "line 8 must hold a known population"),
        (",7.3\n", ",nan\n", "line 8 must hold a known population"),
        (",7.3\n", ",inf\n", "line 8 must hold a known population"),
        ('"inhibitory",1,1', '"inhibitory",2,1', "line 8 must hold a known population"),
        ('"inhibitory",1,1', '"inhibitory",1,3', "line 8 must hold a known population"),
        (",7.3\n", ",50.5\n", r"spikes outside its trials, which last from 0 to 50\.0 ms"),
        (",7.3\n", ",7.3", "cut short"),
        ("population,neuron", "neuron,population", "second line must be population,neuron"),
        ('"version": 1', '"version": 4', "use a newer spikelearn"),
    ],
)
def test_a_damaged_csv_file_is_told_where(
    tmp_path: Path, old: str, new: str, complaint: str
) -> None:
    activity = dataclasses.replace(
        small_activity(), states={}, weights={}, labels=("one", "two", "three")
    )
    path = save(activity, tmp_path / "run.csv")
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1
    path.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(SpikelearnError, match=complaint):
        load(path)
