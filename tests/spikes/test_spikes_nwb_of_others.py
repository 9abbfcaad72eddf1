"""NWB files as the format says: optional columns are optional, and nothing is dropped unsaid."""

from __future__ import annotations

import datetime
import os
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pynwb
import pytest

from spikelearn._errors import SpikelearnError
from spikelearn.spikes import load
from spikelearn.spikes.of_others import ReadWarning

FOREIGN = Path(os.environ.get("SPIKELEARN_DATA", "nowhere")) / "foreign"


def written(path: Path, fill: Callable[[pynwb.NWBFile], None]) -> Path:
    file = pynwb.NWBFile(
        session_description="theirs",
        identifier="x",
        session_start_time=datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC),
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fill(file)
        with pynwb.NWBHDF5IO(str(path), "w") as io:
            io.write(file)
    return path


def read(path: Path, **given: Any) -> tuple[Any, str]:
    """The activity, and what was said of reading it."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        activity = load(path, **given)
    assert {w.category for w in caught} <= {ReadWarning}
    return activity, " ".join(str(w.message) for w in caught)


def test_spike_times_alone_are_enough(tmp_path: Path) -> None:
    path = written(tmp_path / "a.nwb", lambda f: f.add_unit(spike_times=[0.1, 0.2]))
    activity, said = read(path)
    np.testing.assert_allclose(activity["units"].times_ms, [100.0, 200.0])
    assert (activity["units"].size, activity.duration_ms) == (1, 210.0)
    assert "does not say how long was recorded; taken are 210 ms" in said
    activity, said = read(path, duration_ms=500.0)
    assert activity.duration_ms == 500.0
    assert said == ""
    with pytest.raises(SpikelearnError, match=r"spike comes at 200 ms, after the 150 ms"):
        load(path, duration_ms=150.0)


def test_several_observation_intervals_are_read_and_gaps_are_said(tmp_path: Path) -> None:
    def fill(f: pynwb.NWBFile) -> None:
        f.add_unit(spike_times=[0.1, 2.5], obs_intervals=[[0, 1], [2, 3]])
        f.add_unit(spike_times=[1.5], obs_intervals=[[0, 3]])

    activity, said = read(written(tmp_path / "a.nwb", fill))
    assert activity.duration_ms == 3000.0
    assert "1 of 2 units were not observed throughout every trial (by unit, in how many" in said
    np.testing.assert_allclose(np.sort(activity["units"].times_ms), [100.0, 1500.0, 2500.0])


def test_a_session_that_goes_on_behind_its_intervals_ends_behind_its_last_spike(tmp_path) -> None:
    def fill(f: pynwb.NWBFile) -> None:
        f.add_unit(spike_times=[0.1, 2.503])
        f.add_trial(start_time=0.0, stop_time=1.0)

    activity, said = read(written(tmp_path / "a.nwb", fill))
    assert activity.duration_ms == 2510.0
    assert "taken are 2510 ms, for the last spike comes at 2503 ms" in said


def trials(f: pynwb.NWBFile) -> None:
    f.add_unit_column("region", "where")
    for spikes, region in (([0.15, 1.2, 2.05], "V1"), ([1.3], "V2"), ([2.3, 9.0], "V1")):
        f.add_unit(spike_times=spikes, region=region)
    f.add_trial_column("stim_on_time", "when")
    f.add_trial_column("image", "what")
    for i, image in enumerate(("cat", "dog", "cat")):
        f.add_trial(start_time=float(i), stop_time=i + 0.9, stim_on_time=i + 0.1, image=image)
    f.add_trial(start_time=5.0, stop_time=5.9, stim_on_time=np.nan, image="none")


def test_a_table_of_trials_becomes_trials_where_it_is_named(tmp_path: Path) -> None:
    path = written(tmp_path / "a.nwb", trials)
    whole, said = read(path)
    assert (whole.n_trials, whole.labels) == (1, ("session",))
    assert "not read as trials: trials (4 rows)" in said
    assert "region could name theirs" in said
    activity, said = read(
        path, trials="trials", onset="stim_on_time", label="image", populations="region"
    )
    assert activity.labels == ("cat", "dog", "cat")
    assert activity.duration_ms == pytest.approx(800.0)
    assert "1 row of trials without stim_on_time" in said
    assert "2 of 6 spikes lie in no trial" in said  # at 2.05, before the onset, and at 9
    v1, v2 = activity["V1"], activity["V2"]
    assert (v1.size, v2.size) == (2, 1)
    rows = sorted(zip(v1.trials, v1.senders, v1.times_ms.round(6), strict=True))
    assert rows == [(0, 0, 50.0), (1, 0, 100.0), (2, 1, 200.0)]
    np.testing.assert_allclose(v2.times_ms, [200.0])
    assert list(v2.trials) == [1]


def test_trials_of_other_lengths_are_cut_to_the_shortest_or_to_what_is_given(
    tmp_path: Path,
) -> None:
    def fill(f: pynwb.NWBFile) -> None:
        f.add_unit(spike_times=[0.5, 1.95])
        f.add_epoch(0.0, 1.0, ["one", "two"])
        f.add_epoch(1.0, 3.0, ["three"])

    path = written(tmp_path / "a.nwb", fill)
    activity, said = read(path, trials="epochs", label="tags")
    assert activity.labels == ("one, two", "three")
    assert activity.duration_ms == 1000.0
    assert "epochs last 1000 to 2000 ms; read are the first 1000 ms" in said
    activity, said = read(path, trials="epochs", duration_ms=900.0)
    assert activity.duration_ms == 900.0
    assert "1 of 2 spikes lie in no trial" in said


def test_populations_may_be_where_the_electrodes_are(tmp_path: Path) -> None:
    def fill(f: pynwb.NWBFile) -> None:
        device = f.create_device("probe")
        for place in ("CA1", "CA3"):
            group = f.create_electrode_group(place, "d", place, device)
            f.add_electrode(location=place, group=group)
        for electrodes in ([0], [1], [0]):
            f.add_unit(spike_times=[0.1], electrodes=electrodes)

    activity, _ = read(written(tmp_path / "a.nwb", fill), populations="electrodes")
    assert {n: p.size for n, p in activity.populations.items()} == {"CA1": 2, "CA3": 1}


def test_spikes_of_overlapping_trials_and_of_none_are_both_said(tmp_path: Path) -> None:
    def fill(f: pynwb.NWBFile) -> None:
        f.add_unit(spike_times=[0.2, 0.7, 5.0])
        f.add_trial(start_time=0.0, stop_time=1.0)
        f.add_trial(start_time=0.5, stop_time=np.nan)

    activity, said = read(written(tmp_path / "a.nwb", fill), trials="trials", duration_ms=1000.0)
    assert "1 of 3 spikes lie in no trial" in said
    assert "1 of 3 spikes lie in trials that overlap, and stand in each of them" in said
    assert sorted(activity["units"].times_ms.round(6)) == [200.0, 200.0, 700.0]


@pytest.mark.parametrize(
    ("fill", "given", "sentence"),
    [
        (lambda f: None, {}, "no table of units, and so no spike trains"),
        (lambda f: f.add_unit(id=1), {}, "its units have no spike_times"),
        (trials, {"trials": "trial"}, "no table of intervals 'trial'; did you mean trials"),
        (trials, {"trials": "trials", "onset": "stim_on"}, "its table trials has no column"),
        (trials, {"trials": "trials", "label": "imag"}, "did you mean image"),
        (trials, {"populations": "regio"}, "did you mean region"),
        (trials, {"onset": "stim_on_time"}, "onset is of trials; name their table"),
        (trials, {"unit": "s"}, "unit says nothing of a .nwb file; it does of .h5, .npz, .mat"),
    ],
)
def test_what_is_not_there_is_said_in_one_sentence(
    fill: Callable[[Any], None], given: dict[str, Any], sentence: str, tmp_path: Path
) -> None:
    path = written(tmp_path / "a.nwb", fill)
    with pytest.raises(SpikelearnError, match=sentence):
        load(path, **given)


def test_what_is_left_out_is_named(tmp_path: Path) -> None:
    def fill(f: pynwb.NWBFile) -> None:
        f.add_unit_column("quality", "q")
        f.add_unit(spike_times=[0.1], quality=3.0)
        series = pynwb.TimeSeries(name="lfp", data=[1.0], unit="V", rate=1.0)
        f.add_acquisition(series)
        f.create_processing_module("behavior", "b")

    _, said = read(written(tmp_path / "a.nwb", fill))
    assert "columns quality of the units; acquisition (lfp); processing (behavior)" in said


def test_a_session_that_begins_before_zero_is_counted_from_its_first_spike(tmp_path: Path) -> None:
    path = written(tmp_path / "a.nwb", lambda f: f.add_unit(spike_times=[-0.5, 0.2]))
    activity, said = read(path)
    np.testing.assert_allclose(activity["units"].times_ms, [0.0, 700.0])
    assert "the first spike comes at -500 ms" in said


def test_a_session_is_counted_from_where_units_are_observed(tmp_path: Path) -> None:
    def fill(f: pynwb.NWBFile) -> None:
        f.add_unit(spike_times=[100.5, 101.0], obs_intervals=[[100.0, 102.0]])
        f.add_unit(spike_times=[101.75], obs_intervals=[[100.0, 102.0]])

    activity, said = read(written(tmp_path / "a.nwb", fill))
    assert activity.duration_ms == pytest.approx(2000.0)
    np.testing.assert_allclose(activity["units"].times_ms, [500.0, 1000.0, 1750.0])
    assert "units are observed from 100000 ms on; times are counted from there" in said
    assert "not observed" not in said


def test_times_in_any_order_and_what_pads_them_are_read(tmp_path: Path) -> None:
    def fill(f: pynwb.NWBFile) -> None:
        f.add_unit(spike_times=[0.3, 0.1, np.nan, 0.2, np.inf])
        f.add_unit(spike_times=[])

    activity, said = read(written(tmp_path / "a.nwb", fill))
    np.testing.assert_allclose(activity["units"].times_ms, [100.0, 200.0, 300.0])
    assert activity["units"].size == 2
    assert "2 spike times are no numbers, and are left out" in said


def test_the_resolution_is_the_grid(tmp_path: Path) -> None:
    def fill(f: pynwb.NWBFile) -> None:
        f.units = pynwb.misc.Units(name="units", description="sorted", resolution=0.0005)
        f.add_unit(spike_times=[0.1])

    assert read(written(tmp_path / "a.nwb", fill))[0].dt_ms == pytest.approx(0.5)


def test_trials_that_never_end_say_no_length_of_the_session(tmp_path: Path) -> None:
    def fill(f: pynwb.NWBFile) -> None:
        f.add_unit(spike_times=[0.1])
        f.add_trial(start_time=0.0, stop_time=np.nan)

    path = written(tmp_path / "a.nwb", fill)
    assert read(path)[0].duration_ms == 110.0
    with pytest.raises(SpikelearnError, match="give duration_ms"):
        load(path, trials="trials")
    assert read(path, trials="trials", duration_ms=150.0)[0].n_spikes == 1


def test_units_of_processed_data_are_read_where_there_are_no_others(tmp_path: Path) -> None:
    def fill(f: pynwb.NWBFile) -> None:
        units = pynwb.misc.Units(name="sorted", description="d")
        units.add_unit(spike_times=[0.1, 0.2])
        f.create_processing_module("ecephys", "e").add(units)

    activity, said = read(written(tmp_path / "a.nwb", fill))
    assert activity.n_spikes == 2
    assert "the units are those of ecephys/sorted" in said


def test_electrode_groups_and_several_electrodes_of_a_unit_name_populations(
    tmp_path: Path,
) -> None:
    def fill(f: pynwb.NWBFile) -> None:
        device = f.create_device("probe")
        groups = []
        for shank, place in enumerate(("CA1", "CA3")):
            groups.append(f.create_electrode_group(f"shank {shank}", "d", place, device))
            f.add_electrode(location=place, group=groups[-1])
        for electrodes, group in (([0, 1], 0), ([1], 1), ([0], 0)):
            f.add_unit(spike_times=[0.1], electrodes=electrodes, electrode_group=groups[group])

    path = written(tmp_path / "a.nwb", fill)
    sizes = {n: p.size for n, p in read(path, populations="electrode_group")[0].populations.items()}
    assert sizes == {"shank 0": 2, "shank 1": 1}
    sizes = {n: p.size for n, p in read(path, populations="electrodes")[0].populations.items()}
    assert sizes == {"CA1 and CA3": 1, "CA3": 1, "CA1": 1}


@pytest.mark.skipif(not FOREIGN.is_dir(), reason="needs the files of others in SPIKELEARN_DATA")
def test_a_published_file_holds_what_hdf5_shows() -> None:
    path = FOREIGN / "A8604-211122.nwb"
    activity, said = read(path, trials="epochs", label="tags")
    with h5py.File(path) as file:
        times = 1000 * file["units/spike_times"][:]
        ends = file["units/spike_times_index"][:]
        tag = file["intervals/epochs/tags"][0].decode()
        start, stop = (1000 * file[f"intervals/epochs/{n}_time"][0] for n in ("start", "stop"))
    trains = np.split(times, ends[:-1])
    assert activity.labels == (tag,)
    assert activity.duration_ms == pytest.approx(stop - start)
    for neuron, train in enumerate(trains):
        inside = train[(train >= start) & (train < stop)] - start
        ours = activity["units"].times_ms[activity["units"].senders == neuron]
        np.testing.assert_allclose(np.sort(ours), np.sort(inside))
    assert "left out" in said
