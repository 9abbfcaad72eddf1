"""Responses of a user from anyone's NWB file."""

from __future__ import annotations

import datetime

import numpy as np
import pynwb
import pytest

from spikelearn import load_recording
from spikelearn._errors import SpikelearnError
from tests.recordings.examples import random_images, write_images
from tests.recordings.user_examples import LABELS, NAMES, describe, simulated, write_nwb


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


def test_onsets_may_stand_in_another_column_than_the_start_of_the_trial(folder, session) -> None:
    names, starts, trains = session
    onsets = starts + np.random.default_rng(1).uniform(0.1, 0.3, len(starts))
    onsets[names.index("grey")] = np.nan
    for name, times in (("shifted", starts), ("direct", onsets)):
        file = nwb_file()
        for train in trains:
            file.add_unit(spike_times=train)
        file.add_trial_column("image", "what was shown")
        file.add_trial_column("stim_on_time", "when it came on")
        file.add_trial_column("mood", "of the animal")
        for image, start, onset in zip(names, times, onsets, strict=True):
            begins = 0.0 if np.isnan(start) else start
            file.add_trial(
                start_time=begins, stop_time=begins + 1, image=image, stim_on_time=onset, mood="x"
            )
        save(file, folder / f"{name}.nwb")
    entry = {"kind": "nwb", "column": "image", "window_ms": [0, 200], "region": "V1"}
    shifted = {**entry, "file": "shifted.nwb", "onset": "stim_on_time"}
    recording = load_recording(describe(folder, shifted))
    expected = load_recording(describe(folder, {**entry, "file": "direct.nwb"}))
    np.testing.assert_array_equal(recording.responses[0].values, expected.responses[0].values)
    assert any(
        "1 row of the table trials without stim_on_time left out" in n for n in recording.notes
    )
    for column, sentence in (("onset", "which `onset` names; it has"), ("mood", "not hold times")):
        with pytest.raises(SpikelearnError, match=sentence):
            load_recording(describe(folder, {**shifted, "onset": column}))


def test_a_stimulus_that_a_session_never_shows_was_not_observed(folder, session) -> None:
    names, starts, trains = session
    shown = [i for i, name in enumerate(names) if not name.endswith("dog_1.png")]
    write_nwb(folder / "s.nwb", [names[i] for i in shown], starts[shown], trains)
    entry = {"kind": "nwb", "file": "s.nwb", "column": "image", "window_ms": [0, 200]}
    recording = load_recording(describe(folder, {**entry, "region": "V1"}))
    lacking = np.isnan(recording.responses[0].values).all(axis=(1, 2))
    assert [label for label, is_ in zip(LABELS, lacking, strict=True) if is_] == ["dog_1"]
    assert any("1 stimulus was not observed: dog_1" in note for note in recording.notes)
    with pytest.raises(SpikelearnError, match="never shows the stimulus dog_1"):
        load_recording(describe(folder, {**entry, "region": "V1"}, gaps="refuse"))


def test_our_own_nwb_files_are_recordings_too(folder) -> None:
    activity = simulated()
    activity.save(folder / "s.nwb")
    entry = {"kind": "nwb", "file": "s.nwb", "region_column": "population", "window_ms": [0, 200]}
    recorded = load_recording(describe(folder, entry)).responses[0]
    assert recorded.region == "out"
    assert np.nansum(recorded.values) * 0.2 == pytest.approx(len(activity["out"]), abs=3)


def nwb_file() -> pynwb.NWBFile:
    return pynwb.NWBFile("s", "i", datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC))


def save(file: pynwb.NWBFile, path) -> None:
    with pynwb.NWBHDF5IO(str(path), "w") as writer:
        writer.write(file)


def add_electrodes(file: pynwb.NWBFile, places) -> None:
    group = file.create_electrode_group("g", "g", "brain", file.create_device("d"))
    for place in places:
        file.add_electrode(location=place, group=group)


def one_spike_each(starts, more: int = 0) -> np.ndarray:
    """Spikes of a unit that answers to the k-th presentation with k + 1 spikes, and some more."""
    return np.concatenate([s + 0.01 * np.arange(1, k + 2 + more) for k, s in enumerate(starts)])


ENTRY = {"kind": "nwb", "file": "s.nwb", "column": "image", "window_ms": [0, 500]}


def test_tags_of_epochs_are_read_by_name_and_not_by_their_index(folder) -> None:
    file, starts = nwb_file(), np.arange(5.0)
    for start, name in zip(starts, LABELS[::-1], strict=True):
        file.add_epoch(start, start + 0.5, tags=[name])
    file.add_unit(spike_times=one_spike_each(starts))
    save(file, folder / "s.nwb")
    entry = {**ENTRY, "table": "epochs", "column": "tags", "region": "V1"}
    recorded = load_recording(describe(folder, entry)).responses[0]
    assert (recorded.values[:, 0, 0] * 0.5).tolist() == [5, 4, 3, 2, 1]


def test_of_several_tags_the_stimulus_is_taken_and_two_stimuli_are_refused(folder) -> None:
    for tags, sentence in ((["go", "{}"], None), (["{}", "dog_1"], "names two stimuli")):
        file, starts = nwb_file(), np.arange(5.0)
        for start, name in zip(starts, LABELS, strict=True):
            file.add_epoch(start, start + 0.5, tags=[tag.format(name) for tag in tags])
        file.add_unit(spike_times=one_spike_each(starts))
        save(file, folder / "s.nwb")
        entry = {**ENTRY, "table": "epochs", "column": "tags", "region": "V1"}
        if sentence:
            with pytest.raises(SpikelearnError, match=sentence):
                load_recording(describe(folder, entry))
        else:
            recorded = load_recording(describe(folder, entry)).responses[0]
            assert (recorded.values[:, 0, 0] * 0.5).tolist() == [1, 2, 3, 4, 5]


def test_a_unit_without_electrodes_moves_no_other_to_its_region(folder) -> None:
    file, starts = nwb_file(), np.arange(5.0)
    add_electrodes(file, ("V1", "V2", "V4", "IT", "unknown"))
    for number, rows in enumerate(([0], [], [2], [3], [0, 1], [4], [0, 0])):
        file.add_unit(spike_times=one_spike_each(starts, number), electrodes=rows)
    file.add_trial_column("image", "what was shown")
    for start, name in zip(starts, LABELS, strict=True):
        file.add_trial(start_time=start, stop_time=start + 0.5, image=name)
    save(file, folder / "s.nwb")
    recording = load_recording(describe(folder, {**ENTRY, "region_column": "location"}))
    assert {r.region: r.unit_names for r in recording.responses} == {
        "V1": ("0", "6"), "V4": ("2",), "IT": ("3",),
    }  # fmt: skip
    notes = " ".join(recording.notes)
    assert "unit 1 is left out, for no region is given for it" in notes
    assert "unit 4 is left out, for it lies in V1 and V2" in notes
    assert "unit 5 is left out, for no region is given for it" in notes


def observed_file(obs_intervals, n_rounds: int = 4, invalid=()) -> pynwb.NWBFile:
    """Rounds of the five images, a presentation every 6 s; units fire at 10, 20, 30 Hz."""
    file = nwb_file()
    for number, stretches in enumerate(obs_intervals):
        given = {} if stretches is None else {"obs_intervals": np.array(stretches, dtype=float)}
        interval = 0.1 / (number + 1)
        file.add_unit(spike_times=np.arange(0, 30 * n_rounds, interval) + 0.001, **given)
    file.add_trial_column("image", "what was shown")
    for start, name in zip(np.arange(5 * n_rounds) * 6.0, LABELS * n_rounds, strict=True):
        file.add_trial(start_time=start, stop_time=start + 0.5, image=name)
    for begin, end in invalid:
        file.add_invalid_time_interval(start_time=begin, stop_time=end)
    return file


def test_what_a_unit_was_not_observed_in_is_missing_and_not_zero(folder) -> None:
    stretches = [[[0, 60]], [[0, 120]], [[0, 5], [5, 6.2], [60, 120]]]
    save(observed_file(stretches), folder / "s.nwb")
    recording = load_recording(describe(folder, {**ENTRY, "region": "V1"}))
    recorded = recording.responses[0]
    assert np.isnan(recorded.values[:, 2:, 0]).all()
    np.testing.assert_allclose(recorded.values[:, :2, 0], 10.0)
    np.testing.assert_allclose(recorded.values[:, :, 1], 20.0)
    # Of the third unit the first round: one presentation whole, one cut at 6.2 s, three not.
    assert np.isnan(recorded.values[:, 0, 2]).tolist() == [False, True, True, True, True]
    assert np.isnan(recorded.values[:, 1, 2]).all()
    np.testing.assert_allclose(recorded.mean, [[10.0, 20.0, 30.0]] * 5)
    assert any("were not observed and are missing" in note for note in recording.notes)


def test_a_unit_that_never_saw_a_stimulus_is_left_out_by_name(folder) -> None:
    save(observed_file([[[0, 120]], [[0, 20]], [[0, 120]]]), folder / "s.nwb")
    recording = load_recording(describe(folder, {**ENTRY, "region": "V1"}))
    assert recording.responses[0].unit_names == ("0", "2")
    assert any("1 of 3 units are left out; unit 1 was never observed while dog_2" in note
               for note in recording.notes)  # fmt: skip
    save(observed_file([[[0, 20]]]), folder / "s.nwb")
    alone = load_recording(describe(folder, {**ENTRY, "region": "V1"}))
    lacking = np.isnan(alone.responses[0].values).all(axis=(1, 2)).tolist()
    assert lacking == [label == "dog_2" for label in LABELS]
    with pytest.raises(SpikelearnError, match="1 stimulus was not observed: dog_2; `gaps: refuse`"):
        load_recording(describe(folder, {**ENTRY, "region": "V1"}, gaps="refuse"))


def test_invalid_times_are_missing_for_every_unit(folder) -> None:
    save(observed_file([None, None], invalid=[(6.4, 6.5), (30.0, 59.0)]), folder / "s.nwb")
    recording = load_recording(describe(folder, {**ENTRY, "region": "V1"}))
    values = recording.responses[0].values
    assert np.isnan(values[:, 0]).all(axis=1).tolist() == [False, True, False, False, False]
    assert np.isnan(values[:, 1]).all()
    np.testing.assert_allclose(values[:, 2:], np.broadcast_to([10.0, 20.0], (5, 2, 2)))
    assert any("has no obs_intervals" in note for note in recording.notes)


def test_units_have_the_names_of_a_column(folder) -> None:
    for names, sentence in ((["b", "a"], None), (["a", "a"], "two units are called 'a'")):
        file, starts = nwb_file(), np.arange(5.0)
        file.add_unit_column("cell", "its name")
        for number, name in enumerate(names):
            file.add_unit(spike_times=one_spike_each(starts, number), cell=name)
        file.add_trial_column("image", "what was shown")
        for start, label in zip(starts, LABELS, strict=True):
            file.add_trial(start_time=start, stop_time=start + 0.5, image=label)
        save(file, folder / "s.nwb")
        path = describe(folder, {**ENTRY, "region": "V1", "unit_column": "cell"})
        if sentence:
            with pytest.raises(SpikelearnError, match=sentence):
                load_recording(path)
        else:
            assert load_recording(path).responses[0].unit_names == ("b", "a")
    with pytest.raises(SpikelearnError, match="the units have no column 'name'; they have"):
        load_recording(describe(folder, {**ENTRY, "region": "V1", "unit_column": "name"}))


def test_stimuli_that_are_numbers_are_found_by_their_numbers(folder) -> None:
    numbers = ["1.png", "2.png", "3.png", "10.png"]
    write_images(folder / "numbered", numbers, random_images(4))
    file, starts = nwb_file(), np.arange(5.0)
    file.add_unit(spike_times=one_spike_each(starts))
    file.add_trial_column("image", "its number")
    for start, number in zip(starts, (10.0, 3.0, 2.0, np.nan, 1.0), strict=True):
        file.add_trial(start_time=start, stop_time=start + 0.5, image=number)
    save(file, folder / "s.nwb")
    path = describe(folder, {**ENTRY, "region": "V1"}, stimuli={"folder": "numbered"})
    recorded = load_recording(path).responses[0]
    assert (recorded.values[:, 0, 0] * 0.5).tolist() == [5, 3, 2, 1]


def test_ids_are_each_sessions_own_unless_they_are_said_to_be_names(folder) -> None:
    from spikelearn.comparison.neural_responses import neural_responses

    entries = []
    for day in ("mon", "tue"):
        file = nwb_file()
        file.add_trial_column("stimulus", "what was shown")
        for k, label in enumerate(LABELS):
            file.add_trial(start_time=float(k), stop_time=k + 0.5, stimulus=label)
        for number in (0, 2, 5):
            file.add_unit(spike_times=one_spike_each(np.arange(5.0), number), id=number)
        save(file, folder / f"{day}.nwb")
        entries.append(
            {"kind": "nwb", "file": f"{day}.nwb", "region": "V1", "session": day}
            | {"window_ms": [0, 300]}
        )
    (one,) = neural_responses(load_recording(describe(folder, *entries)), "cka")
    assert one.repeats.shape == (5, 1, 6)
    said = [{**entry, "unit_column": "id"} for entry in entries]
    (one,) = neural_responses(load_recording(describe(folder, *said)), "cka")
    assert one.repeats.shape == (5, 2, 3)


def test_an_id_that_two_units_have_is_refused_with_a_way_out(folder) -> None:
    file = nwb_file()
    file.add_trial_column("stimulus", "what was shown")
    for k, label in enumerate(LABELS):
        file.add_trial(start_time=float(k), stop_time=k + 0.5, stimulus=label)
    for number in (3, 3):
        file.add_unit(spike_times=one_spike_each(np.arange(5.0)), id=number)
    save(file, folder / "s.nwb")
    entry = {"kind": "nwb", "file": "s.nwb", "region": "V1", "window_ms": [0, 300]}
    with pytest.raises(SpikelearnError, match=r"s\.nwb: two units have the id 3.*`unit_column`"):
        load_recording(describe(folder, entry))
