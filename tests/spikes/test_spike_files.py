"""Every format: round trips, and one sentence where a file cannot be written or read."""

from __future__ import annotations

import dataclasses
import re
import warnings
from pathlib import Path

import numpy as np
import pytest
from activities import activities, assert_same_rest, assert_same_spikes, small_activity
from hypothesis import HealthCheck, example, given, settings

from spikelearn import _files
from spikelearn._errors import SpikelearnError
from spikelearn.spikes import FORMATS, Activity, PopulationSpikes, files, load, save
from spikelearn.spikes.metadata import digest

SUFFIXES = list(FORMATS)
COMPLETE = [s for s in SUFFIXES if files.format_of(Path(f"_{s}")).COMPLETE]
SILENT = Activity({"a": PopulationSpikes.from_unsorted(3, [], [], [])}, 10.0, 0.1, 2)

few = settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.mark.parametrize("suffix", COMPLETE)
@few
@given(activities())
@example(small_activity())
@example(SILENT)
@example(dataclasses.replace(SILENT, n_trials=1, labels=("",)))
def test_a_round_trip_keeps_everything(tmp_path: Path, suffix: str, activity: Activity) -> None:
    path = tmp_path / f"run{suffix}"
    assert save(activity, path) == path
    found = load(path)
    assert_same_spikes(found, activity)
    assert_same_rest(found, activity)


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


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_spikes_on_the_grid_come_back_bit_for_bit(tmp_path: Path, suffix: str) -> None:
    steps = np.arange(10_000)
    spikes = PopulationSpikes.from_unsorted(2, steps * 0.1, steps % 2, 1)
    activity = Activity({"a": spikes}, 1000.0, 0.1, n_trials=2)
    found = load(save(activity, tmp_path / f"run{suffix}"))["a"]
    for field in ("times_ms", "senders", "trials"):
        np.testing.assert_array_equal(getattr(found, field), getattr(spikes, field))


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_saving_prints_and_warns_nothing(
    tmp_path: Path, suffix: str, capfd: pytest.CaptureFixture[str]
) -> None:
    activity = dataclasses.replace(small_activity(), states={}, weights={})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        activity.save(tmp_path / f"run{suffix}")
        Activity.load(tmp_path / f"run{suffix}")
    assert capfd.readouterr() == ("", "")


def test_an_upper_case_suffix_and_missing_folders_are_fine(tmp_path: Path) -> None:
    for suffix in SUFFIXES:
        path = tmp_path / "a" / suffix[1:] / f"run{suffix.upper()}"
        activity = dataclasses.replace(small_activity(), states={}, weights={})
        assert_same_spikes(load(save(activity, path)), activity)


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


@pytest.mark.parametrize("path", ["run", "run.hdf", "run.nwb.gz", ".nwb"])
def test_an_unknown_suffix_is_named_with_those_that_are_known(tmp_path: Path, path: str) -> None:
    known = re.escape(f"suffixes are {', '.join(FORMATS)}")
    with pytest.raises(SpikelearnError, match=known):
        save(small_activity(), tmp_path / path)
    with pytest.raises(SpikelearnError, match=known):
        load(tmp_path / path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_missing_file_is_named(tmp_path: Path, suffix: str) -> None:
    with pytest.raises(SpikelearnError, match=f"there is no file .*nothing{suffix}"):
        load(tmp_path / f"nothing{suffix}")


def _one_sentence(error: pytest.ExceptionInfo[SpikelearnError], path: Path) -> None:
    message = str(error.value)
    assert message.startswith(f"cannot read {path}: ")
    assert "\n" not in message


@pytest.mark.filterwarnings("error")  # nor is a half-made reader left behind
@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("content", [b"", b"not what the suffix says\n", b"\x89HDF\r\n\x1a\n"])
def test_a_file_of_something_else_gives_one_sentence(
    tmp_path: Path, suffix: str, content: bytes
) -> None:
    path = tmp_path / f"run{suffix}"
    path.write_bytes(content)
    with pytest.raises(SpikelearnError) as error:
        load(path)
    _one_sentence(error, path)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("kept", [0.3, 0.9, 0.9999])
def test_a_file_cut_short_gives_one_sentence(tmp_path: Path, suffix: str, kept: float) -> None:
    activity = dataclasses.replace(small_activity(), states={}, weights={})
    path = save(activity, tmp_path / f"run{suffix}")
    whole = path.read_bytes()
    path.write_bytes(whole[: min(int(len(whole) * kept), len(whole) - 1)])
    with pytest.raises(SpikelearnError) as error:
        load(path)
    _one_sentence(error, path)


@pytest.mark.parametrize("suffix", [".nwb", ".nix", ".h5"])
def test_another_hdf5_file_gives_one_sentence(tmp_path: Path, suffix: str) -> None:
    import h5py

    path = tmp_path / f"run{suffix}"
    with h5py.File(path, "w") as file:
        file["numbers"] = np.arange(3)
    with pytest.raises(SpikelearnError) as error:
        load(path)
    _one_sentence(error, path)


def test_an_archive_of_other_arrays_gives_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "run.npz"
    np.savez(path, numbers=np.arange(3))
    with pytest.raises(SpikelearnError, match="it holds no spikelearn activity"):
        load(path)
    np.savez(path, metadata=np.array({"a": 1}, dtype=object))
    with pytest.raises(SpikelearnError, match=r"cannot read .*run\.npz"):
        load(path)


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ('"inhibitory",1,1', '"inhibitory",x,1', "line 8 must hold a known population"),
        ('"inhibitory",1,1', '"unheard",1,1', "line 8 must hold a known population"),
        ('"inhibitory",1,1', '"inhibitory",2,1', "senders must lie in 0 to 1"),
        ('"inhibitory",1,1', '"inhibitory",1,3', "spikes in trials that are not among the 3"),
        (",7.3\n", ",50.5\n", r"spikes outside its trials, which last from 0 to 50\.0 ms"),
        (",7.3\n", ",7.3", "cut short"),
        ("population,neuron", "neuron,population", "second line must be population,neuron"),
        ('"version": 1', '"version": 2', "use a newer spikelearn"),
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


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("failure", [KeyboardInterrupt, OSError("disk full")])
def test_an_interrupted_write_leaves_the_earlier_file_and_nothing_else(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    suffix: str,
    failure: BaseException | type[BaseException],
) -> None:
    module = files.format_of(Path(f"x{suffix}"))
    write = module.save

    def write_and_fail(activity: Activity, path: Path) -> None:
        write(activity, path)
        assert path.is_file()
        raise failure

    activity = dataclasses.replace(small_activity(), states={}, weights={})
    earlier = save(activity, tmp_path / f"earlier{suffix}")
    content = earlier.read_bytes()
    monkeypatch.setattr(module, "save", write_and_fail)
    for path in (earlier, tmp_path / f"later{suffix}"):
        with pytest.raises((KeyboardInterrupt, SpikelearnError)):
            save(SILENT, path)
    assert list(tmp_path.iterdir()) == [earlier]
    assert earlier.read_bytes() == content


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "folder.npz").mkdir()
    with pytest.raises(SpikelearnError, match="there is a folder of that name"):
        save(SILENT, tmp_path / "folder.npz")
    (tmp_path / "file").write_text("")
    with pytest.raises(SpikelearnError, match=r"cannot write .*Not a directory|File exists"):
        save(SILENT, tmp_path / "file" / "run.npz")


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"labels": ("a", "b\0")}, "stimulus label .* characters that files cannot hold"),
        ({"labels": ("a", "\ud800")}, "stimulus label .* characters that files cannot hold"),
        ({"labels": ("a", 3)}, "a stimulus label must be text, found 3"),
        ({"duration_ms": float("nan")}, "duration_ms must be finite and greater than 0"),
        ({"dt_ms": 0.0}, "dt_ms must be finite and greater than 0"),
        ({"n_trials": 0, "labels": ()}, "at least 1 trial, found 0"),
        ({"provenance": {"network": object()}}, "provenance must be plain YAML values"),
        ({"states": {"a.v_mv": np.zeros((3, 1, 3))}}, r"state 'a.v_mv' must have shape \(2, "),
        ({"weights": {"a->a": np.zeros(3)}}, "weights 'a->a' must have shape"),
    ],
)
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_what_no_file_could_hold_is_refused_before_writing(
    tmp_path: Path, suffix: str, change: dict[str, object], complaint: str
) -> None:
    activity = dataclasses.replace(SILENT, **change)  # type: ignore[arg-type]
    with pytest.raises(SpikelearnError, match=complaint):
        save(activity, tmp_path / f"run{suffix}")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("time_ms", "sender", "trial", "complaint"),
    [
        (10.1, 0, 0, "outside its trials"),
        (-0.1, 0, 0, "outside its trials"),
        (float("nan"), 0, 0, "outside its trials"),
        (1.0, 3, 0, "not among its 3 neurons"),
        (1.0, 0, 2, "not among the 2 trials"),
    ],
)
def test_spikes_that_lie_nowhere_are_refused(
    tmp_path: Path, time_ms: float, sender: int, trial: int, complaint: str
) -> None:
    spikes = PopulationSpikes(3, np.array([time_ms]), np.array([sender]), np.array([trial]))
    with pytest.raises(SpikelearnError, match=f"population 'a' has spikes .*{complaint}"):
        save(Activity({"a": spikes}, 10.0, 0.1, 2), tmp_path / "run.npz")


def test_the_digest_depends_on_content_and_not_on_the_moment() -> None:
    activity = small_activity()
    later = {**activity.provenance, "created": "2027-01-01T00:00:00+00:00"}
    assert digest(dataclasses.replace(activity, provenance=later)) == digest(activity)
    for change in (
        {"provenance": {**activity.provenance, "seed": 8}},
        {"labels": ("a", "b", "c")},
        {"states": {}},
        {"populations": {**activity.populations, "inhibitory": SILENT["a"]}},
    ):
        assert digest(dataclasses.replace(activity, **change)) != digest(activity)


def test_the_temporary_file_lies_beside_its_target_under_the_same_suffix(tmp_path: Path) -> None:
    with _files.atomic_path(tmp_path / "run.nix") as temporary:
        assert temporary.suffix == ".nix"
        assert temporary.parent.parent == tmp_path
        temporary.touch()
    assert [path.name for path in tmp_path.iterdir()] == ["run.nix"]
