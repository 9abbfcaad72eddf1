"""Every format: round trips, and one sentence where a file cannot be written or read."""

from __future__ import annotations

import dataclasses
import re
import time
import warnings
from pathlib import Path

import numpy as np
import pytest
from activities import activities, assert_same_rest, assert_same_spikes, small_activity
from hypothesis import HealthCheck, example, given, settings

from spikelearn import _atomic
from spikelearn._errors import SpikelearnError
from spikelearn.spikes import FORMATS, Activity, PopulationSpikes, files, load, save
from spikelearn.spikes.binning import binned_counts

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


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_spikes_on_the_grid_come_back_bit_for_bit(tmp_path: Path, suffix: str) -> None:
    steps = np.arange(10_000)
    spikes = PopulationSpikes.from_unsorted(2, steps * 0.1, steps % 2, 1)
    activity = Activity({"a": spikes}, 1000.0, 0.1, n_trials=2)
    found = load(save(activity, tmp_path / f"run{suffix}"))["a"]
    for field in ("times_ms", "senders", "trials"):
        np.testing.assert_array_equal(getattr(found, field), getattr(spikes, field))


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_several_spikes_of_a_neuron_at_one_time_come_back_as_many_and_are_counted(
    tmp_path: Path, suffix: str
) -> None:
    steps, senders = [3, 3, 3, 7, 99, 99, 0, 0], [0, 0, 1, 1, 1, 1, 0, 0]
    trials = [0, 0, 0, 0, 0, 0, 1, 1]
    spikes = PopulationSpikes.from_unsorted(2, np.array(steps) * 0.1, senders, trials)
    found = load(save(Activity({"a": spikes}, 10.0, 0.1, n_trials=2), tmp_path / f"run{suffix}"))
    for field in ("times_ms", "senders", "trials"):
        np.testing.assert_array_equal(getattr(found["a"], field), getattr(spikes, field))
    expected = np.zeros((2, 2, 10), dtype=int)
    np.add.at(expected, (trials, senders, np.array(steps) // 10), 1)
    np.testing.assert_array_equal(binned_counts(found["a"], 2, 10.0, 1.0), expected)


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
    for below in ("run.npz", "deeper/still/run.npz"):
        with pytest.raises(SpikelearnError, match=r"cannot write .*file is a file, not a folder"):
            save(SILENT, tmp_path / "file" / below)


def test_the_temporary_file_lies_beside_its_target_under_the_same_suffix(tmp_path: Path) -> None:
    with _atomic.atomic_path(tmp_path / "run.nix") as temporary:
        assert temporary.suffix == ".nix"
        assert temporary.parent.parent == tmp_path
        temporary.touch()
    assert [path.name for path in tmp_path.iterdir()] == ["run.nix"]


@pytest.mark.parametrize("suffix", [".nwb", ".nix", ".h5"])
@pytest.mark.parametrize(("size", "n", "trials"), [(10, 0, 1), (30, 20_000, 3), (5, 100, 300)])
def test_a_file_is_never_larger_than_it_is_said_to_become(
    suffix: str, size: int, n: int, trials: int, tmp_path: Path
) -> None:
    from spikelearn.spikes.files import format_of

    rng = np.random.default_rng(0)
    spikes = PopulationSpikes.from_unsorted(
        size, rng.uniform(0, 100, n), rng.integers(0, size, n), rng.integers(0, trials, n)
    )
    activity = Activity({"out": spikes}, 100.0, 0.1, trials)
    path = save(activity, tmp_path / f"a{suffix}")
    said = format_of(path).file_bytes(activity)  # type: ignore[attr-defined]
    assert path.stat().st_size <= said <= 5 * path.stat().st_size + 4e5


def many(n_populations: int, n_trials: int) -> Activity:
    """Two spikes in each population, and a spike in every trial."""
    rng = np.random.default_rng(0)
    names = [f"population {i}" for i in range(n_populations)]
    each = max(2, n_trials // n_populations)
    populations = {
        name: PopulationSpikes.from_unsorted(
            1 if n_populations > 10 else 3,
            rng.integers(0, 100, each) * 0.1,
            np.zeros(each, dtype=np.int64),
            (np.arange(each) + i * each) % n_trials,
        )
        for i, name in enumerate(names)
    }
    labels = tuple(f"stimulus {i}" for i in range(n_trials))
    return Activity(populations, 10.0, 0.1, n_trials, labels, provenance={"note": "x" * 100_000})


@pytest.mark.slow
@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize(("n_populations", "n_trials"), [(10_000, 2), (2, 10_000)])
def test_ten_thousand_populations_and_trials_are_written_and_read_in_seconds(
    suffix: str, n_populations: int, n_trials: int, tmp_path: Path
) -> None:
    activity = many(n_populations, n_trials)
    started = time.process_time()
    found = load(save(activity, tmp_path / f"many{suffix}"))
    seconds = time.process_time() - started
    assert found.labels == activity.labels
    assert found.provenance == activity.provenance
    assert list(found.populations) == list(activity.populations)
    for name, spikes in activity.populations.items():
        for field in ("times_ms", "senders", "trials"):
            np.testing.assert_array_equal(getattr(found[name], field), getattr(spikes, field))
    assert seconds < 40


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_metadata_of_any_size_is_kept(suffix: str, tmp_path: Path) -> None:
    """Beyond what an attribute of HDF5, or a cell of Python's reader of text, holds."""
    labels = ("a" * 200_000, 'b", {' * 40_000)
    spikes = PopulationSpikes.from_unsorted(1, [1.0, 2.0], [0, 0], [0, 1])
    activity = Activity({"a": spikes}, 10.0, 0.1, 2, labels, provenance={"note": "猫" * 100_000})
    found = load(save(activity, tmp_path / f"a{suffix}"))
    assert found.labels == labels
    assert found.provenance == activity.provenance
    np.testing.assert_array_equal(found["a"].times_ms, [1.0, 2.0])
