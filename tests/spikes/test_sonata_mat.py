"""SONATA files in the reference reader and of other programs; MATLAB files as MATLAB sees them."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import h5py
import libsonata
import numpy as np
import pytest
from activities import assert_same_spikes, small_activity
from scipy.io import loadmat, savemat

from spikelearn._errors import SpikelearnError
from spikelearn.spikes import Activity, PopulationSpikes, load, save
from spikelearn.spikes.of_others import ReadWarning


def test_the_reference_reader_finds_every_spike(tmp_path: Path) -> None:
    activity = small_activity()
    reader = libsonata.SpikeReader(str(save(activity, tmp_path / "run.h5")))
    assert set(reader.get_population_names()) == set(activity.populations)
    for name, spikes in activity.populations.items():
        population = reader[name]
        found = population.get_dict()
        assert str(population.sorting).endswith("by_time")
        times = spikes.times_ms + spikes.trials * activity.duration_ms
        order = np.argsort(times, kind="stable")
        np.testing.assert_array_equal(found["timestamps"], times[order])
        np.testing.assert_array_equal(found["node_ids"], spikes.senders[order])


def test_files_say_what_the_format_asks_them_to(tmp_path: Path) -> None:
    with h5py.File(save(small_activity(), tmp_path / "run.h5")) as file:
        assert file.attrs["magic"] == 0x0A7A
        assert file.attrs["version"].tolist() == [0, 1]
        for group in file["spikes"].values():
            assert group["timestamps"].attrs["units"] == "ms"
            assert group["node_ids"].dtype == np.uint64
            kinds = h5py.check_enum_dtype(group.attrs.get_id("sorting").dtype)
            assert kinds == {"none": 0, "by_id": 1, "by_time": 2}


@pytest.mark.parametrize("unit", ["ms", "s", None])
def test_a_file_of_another_program_is_read_as_one_trial(tmp_path: Path, unit: str | None) -> None:
    times, senders = np.array([0.5, 2.25, 40.0]), np.array([3, 0, 3])
    with h5py.File(tmp_path / "theirs.h5", "w") as file:
        for name in ("cortex", "thalamus"):
            group = file.create_group(f"spikes/{name}")
            group["timestamps"] = times / (1000.0 if unit == "s" else 1.0)
            group["node_ids"] = senders.astype(np.uint64)
            if unit is not None:
                group["timestamps"].attrs["units"] = unit
    with pytest.warns(ReadWarning, match="how long was recorded"):
        found = load(tmp_path / "theirs.h5")
    assert list(found.populations) == ["cortex", "thalamus"]
    np.testing.assert_allclose(found["cortex"].times_ms, times)
    np.testing.assert_array_equal(found["cortex"].senders, senders)
    assert found["cortex"].size == 4
    assert found.duration_ms == 50.0
    assert_same_spikes(load(save(found, tmp_path / "again.nwb")), found)


def test_a_file_of_another_program_in_an_unknown_unit_is_refused(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "theirs.h5", "w") as file:
        file["spikes/all/timestamps"] = np.array([1.0])
        file["spikes/all/timestamps"].attrs["units"] = "fortnights"
        file["spikes/all/node_ids"] = np.array([0])
    with pytest.raises(SpikelearnError, match="fortnights"):
        load(tmp_path / "theirs.h5")


def test_names_that_hdf5_would_take_for_folders_survive(tmp_path: Path) -> None:
    spikes = PopulationSpikes.from_unsorted(1, [1.0], [0], [0])
    activity = Activity({"V1/L4 50%": spikes, ".": spikes}, 10.0, 0.1)
    found = load(save(activity, tmp_path / "run.h5"))
    assert list(found.populations) == ["V1/L4 50%", "."]


def test_matlab_sees_columns_that_count_from_one(tmp_path: Path) -> None:
    activity = small_activity()
    found = loadmat(save(activity, tmp_path / "run.mat"), squeeze_me=True)["activity"]
    assert found["duration_ms"] == activity.duration_ms
    assert found["n_trials"] == activity.n_trials
    assert list(np.atleast_1d(found["labels"].item())) == list(activity.labels)
    for struct, (name, spikes) in zip(
        np.atleast_1d(found["populations"].item()), activity.populations.items(), strict=True
    ):
        assert struct["name"] == name
        assert struct["size"] == spikes.size
        np.testing.assert_array_equal(np.atleast_1d(struct["times_ms"]), spikes.times_ms)
        np.testing.assert_array_equal(np.atleast_1d(struct["neurons"]), spikes.senders + 1)
        np.testing.assert_array_equal(np.atleast_1d(struct["trials"]), spikes.trials + 1)


def test_another_matlab_file_gives_one_sentence(tmp_path: Path) -> None:
    savemat(tmp_path / "other.mat", {"x": np.arange(3)})
    with pytest.raises(SpikelearnError, match=r"one column of times, .*none of x"):
        load(tmp_path / "other.mat")


def test_text_beyond_ascii_comes_back_from_matlab_files(tmp_path: Path) -> None:
    activity = dataclasses.replace(small_activity(), states={}, weights={})
    labels = tuple(f"Gesicht Nr. {i}, \u00e4ngstlich \U0001f628" for i in range(activity.n_trials))
    activity = dataclasses.replace(activity, labels=labels)
    assert tuple(load(save(activity, tmp_path / "run.mat")).labels) == labels
