"""A session of the Allen Brain Observatory in an NWB file of its layout, made here."""

from __future__ import annotations

import datetime

import numpy as np
import pynwb
import pytest
from pynwb.epoch import TimeIntervals

from spikelearn._errors import DataUnavailableError, SpikelearnError
from spikelearn.recordings import allen_neuropixels, at_hand, load
from tests.recordings.examples import random_images, write_images

N_REPEATS = 3


def write_session(path, frames, regions, n_units: int = 30, **columns) -> dict:
    """Units that spike at random while scenes (and, at -1, a grey screen) are shown for 250 ms."""
    draw = np.random.default_rng(5)
    start = datetime.datetime(2019, 1, 1, tzinfo=datetime.UTC)
    file = pynwb.NWBFile("session", str(path.stem), start)
    device = file.create_device("probe")
    group = file.create_electrode_group("probeA", "probe", "brain", device)
    file.add_electrode_column("valid_data", "whether it is")
    for channel in range(len(regions)):
        file.add_electrode(
            id=850_000_000 + channel, x=0.0, y=0.0, z=0.0, location=regions[channel], group=group,
            valid_data=True,
        )  # fmt: skip
    starts = np.arange(len(frames)) * 0.25025 + 10.0
    quality = {
        "isi_violations": draw.uniform(0, 0.4, n_units),
        "amplitude_cutoff": draw.uniform(0, 0.09, n_units),
        "presence_ratio": np.full(n_units, 0.99),
        "quality": ["good"] * n_units,
    } | columns
    for name in ("peak_channel_id", *quality):
        file.add_unit_column(name, name)
    trains = [np.sort(draw.uniform(0, starts[-1] + 2, 400)) for _ in range(n_units)]
    for unit, train in enumerate(trains):
        file.add_unit(
            id=950_000_000 + unit, spike_times=train,
            peak_channel_id=850_000_000 + unit % len(regions),
            **{name: values[unit] for name, values in quality.items()},
        )  # fmt: skip
    table = TimeIntervals(name="natural_scenes_presentations", description="scenes")
    table.add_column("frame", "number of the scene")
    for begin, frame in zip(starts, frames, strict=True):
        table.add_row(start_time=begin, stop_time=begin + 0.25, frame=float(frame))
    file.add_time_intervals(table)
    path.parent.mkdir(parents=True, exist_ok=True)
    with pynwb.NWBHDF5IO(str(path), "w") as writer:
        writer.write(file)
    return {"trains": trains, "starts": starts, "frames": np.asarray(frames)}


def shuffled_frames(n_scenes: int) -> np.ndarray:
    order = np.random.default_rng(0).permutation(np.repeat(np.arange(-1, n_scenes), N_REPEATS))
    return order.astype(int)


def test_a_session_gives_each_regions_rates_under_each_scene(data) -> None:
    folder = data / "allen_neuropixels"
    session = write_session(
        folder / "session_715093703.nwb", shuffled_frames(118), ["VISp", "VISl", "VISp"]
    )
    scenes = random_images(118, colour=False)
    names = [f"natural_scene_{i}.tiff" for i in range(118)]
    write_images(folder / "natural_scene_templates", names, scenes)
    assert at_hand("allen_neuropixels")
    recording = load("allen_neuropixels")
    np.testing.assert_array_equal(recording.images, scenes)
    assert recording.labels[117] == "scene 117"
    assert [(r.region, r.n_units) for r in recording.responses] == [
        ("mouse VISl", 10), ("mouse VISp", 20),
    ]  # fmt: skip
    v1 = recording.responses[1]
    assert v1.unit_names[:3] == ("950000000", "950000002", "950000003")
    assert v1.values.shape == (118, N_REPEATS, 20)
    for scene in (0, 61, 117):
        for repeat, begin in enumerate(session["starts"][session["frames"] == scene]):
            train = session["trains"][2]
            spikes = np.count_nonzero((train >= begin) & (train < begin + 0.25))
            assert v1.values[scene, repeat, 1] == pytest.approx(spikes / 0.25)
    course = recording.timecourses[1]
    assert course.region == "mouse VISp"
    assert course.time_ms.tolist() == [12.5 + 25 * k for k in range(10)]
    # Spikes of the third bin, counted one by one.
    members = [unit for unit in range(30) if unit % 3 != 1]
    patterns = np.zeros((118, 20))
    for scene in range(118):
        for begin in session["starts"][session["frames"] == scene]:
            for column, unit in enumerate(members):
                train = session["trains"][unit] - begin
                patterns[scene, column] += np.count_nonzero((train >= 0.05) & (train < 0.075))
    with np.errstate(divide="ignore", invalid="ignore"):
        expected = 1 - np.corrcoef(patterns)
    np.testing.assert_allclose(
        course.dissimilarities[2], expected[np.triu_indices(118, k=1)], atol=1e-9
    )


def test_bad_units_and_small_regions_are_left_out(tmp_path) -> None:
    path = tmp_path / "session_1.nwb"
    violations, presence = np.full(30, 0.1), np.full(30, 0.99)
    violations[0], presence[2] = 0.6, 0.5
    quality = ["good"] * 29 + ["noise"]
    write_session(
        path, shuffled_frames(4), ["VISp", "VISl"], isi_violations=violations,
        presence_ratio=presence, quality=quality,
    )  # fmt: skip
    v1, lateral = allen_neuropixels.read_session(path, "1", 4)[0][::-1]
    assert v1.n_units == 13
    assert lateral.n_units == 14
    write_session(path, shuffled_frames(4), ["VISp", "VISp", "VISp", "LGd", "None"], n_units=20)
    by_region, _ = allen_neuropixels.read_session(path, "1", 4)
    assert [r.region for r in by_region] == ["mouse VISp"]


def test_sessions_that_lack_something_are_refused(tmp_path) -> None:
    path = tmp_path / "session_1.nwb"
    write_session(path, shuffled_frames(4), ["VISp"])
    with pytest.raises(SpikelearnError, match="scene 4 was not shown"):
        allen_neuropixels.read_session(path, "1", 5)
    with pytest.raises(SpikelearnError, match="there is no scene 3 among 3"):
        allen_neuropixels.read_session(path, "1", 3)
    write_session(path, shuffled_frames(4), ["VISp"], n_units=5)
    with pytest.raises(SpikelearnError, match="no region with at least 10"):
        allen_neuropixels.read_session(path, "1", 4)
    path.write_bytes(b"no HDF5")
    with pytest.raises(SpikelearnError, match="not a complete NWB file"):
        allen_neuropixels.read_session(path, "1", 4)


def test_a_session_is_a_number_and_is_asked_of_the_institutes_server(no_data, monkeypatch) -> None:
    import pooch

    asked = []

    def note(url, known_hash, **others):
        asked.append((url, known_hash))
        raise OSError("no route to host")

    monkeypatch.setattr(pooch, "retrieve", note)
    with pytest.raises(SpikelearnError, match="is a number, found 'first'"):
        load("allen_neuropixels:first")
    with pytest.raises(DataUnavailableError, match="session_42"):
        load("allen_neuropixels:42")
    assert asked == [
        (
            "https://allen-brain-observatory.s3.amazonaws.com/visual-coding-neuropixels/"
            "ecephys-cache/session_42/session_42.nwb",
            None,
        )
    ]
