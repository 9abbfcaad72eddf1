"""Spikes beyond the limit of memory lie on disk: the same spikes, in bounded memory."""

from __future__ import annotations

import contextlib
import errno
import gc
import math
import os
import resource
import tempfile
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from random_networks import Features, features, make_case

from spikelearn._errors import SpikelearnError
from spikelearn.networks.spiking import LIF, SpikingNetwork
from spikelearn.simulation import simulate, spike_store
from spikelearn.simulation.memory import Run, expected_spikes, needed_parts
from spikelearn.simulation.native import engine as native
from spikelearn.simulation.native import trial
from spikelearn.simulation.spike_store import DiskFull, SpikeStore, StoredSpikes
from spikelearn.spikes.activity import Activity
from spikelearn.stimuli.stimulus import Stimulus

SMALL_MB = 0.002  # 83 spikes
TRIALS = Stimulus(labels=tuple("abcd"))


def driven(sizes: tuple[int, ...] = (3, 2), **fields: Any) -> SpikingNetwork:
    """Populations without input whose neurons fire every millisecond or so."""
    return SpikingNetwork(
        name="driven",
        populations={
            f"n{i}": LIF(
                size=size, tau_m_ms=[10.0 + j % 7 for j in range(size)], v_rest_mv=20.0,
                v_threshold_mv=2.0, v_reset_mv=0.0,
            )
            for i, size in enumerate(sizes)
        },
        **fields,
    )  # fmt: skip


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder for temporary files, in which nothing may be left."""
    place = tmp_path / "temporary"
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    yield place
    assert list(place.iterdir()) == []


@pytest.fixture
def small_pieces() -> Iterator[None]:
    """Trials put their spikes away often."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(native, "_SPIKES", 1)
        patch.setattr(trial, "_LONGEST_BLOCK", 256)
        yield


def open_files(folder: Path) -> list[str]:
    """What this process holds open in a folder, without names or not."""
    names = []
    for number in os.listdir("/proc/self/fd"):
        try:
            names.append(os.readlink(f"/proc/self/fd/{number}"))
        except OSError:  # the listing's own
            continue
    return [name for name in names if name.startswith(str(folder))]


def on_disk(activity: Activity) -> bool:
    """Whether all arrays of spikes are maps of files; those without spikes need none."""
    arrays = [
        array
        for spikes in activity.populations.values()
        for array in (spikes.times_ms, spikes.senders, spikes.trials)
        if array.size
    ]
    return bool(arrays) and all(isinstance(array, np.memmap) for array in arrays)


def assert_equal(found: Activity, expected: Activity) -> None:
    assert list(found.populations) == list(expected.populations)
    for name, spikes in expected.populations.items():
        for field in ("times_ms", "senders", "trials"):
            got, wanted = getattr(found[name], field), getattr(spikes, field)
            assert got.dtype == wanted.dtype
            np.testing.assert_array_equal(got, wanted)


@pytest.mark.usefixtures("small_pieces")
@settings(max_examples=15)
@given(described=features(everything=True))
def test_random_networks_spike_on_disk_as_in_memory(described: Features) -> None:
    case = make_case(described)

    def run(in_memory_mb: float) -> Activity:
        network = case.network.model_copy(update={"record": tuple(case.network.neurons)})
        duration = case.n_steps * case.dt_ms
        return simulate(
            network, case.stimulus, duration, case.dt_ms, "native", case.seed,
            spikes_in_memory_mb=in_memory_mb,
        )  # fmt: skip

    whole, streamed = run(math.inf), run(0.0)
    assert on_disk(streamed) == (whole.n_spikes > 0)
    assert not on_disk(whole)
    assert_equal(streamed, whole)


@pytest.mark.usefixtures("small_pieces")
def test_trials_that_run_side_by_side_share_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(native, "_n_cores", lambda: 4)
    whole = simulate(driven(), TRIALS, 100.0, 0.1)
    assert 100 < whole["n0"].counts(4)[0].sum() + whole["n1"].counts(4)[0].sum() < 600
    limit = 24e-6 * (whole.n_spikes // 2)  # one trial alone would fit
    streamed = simulate(driven(), TRIALS, 100.0, 0.1, spikes_in_memory_mb=limit)
    assert on_disk(streamed)
    assert_equal(streamed, whole)
    exactly = simulate(driven(), TRIALS, 100.0, 0.1, spikes_in_memory_mb=24e-6 * whole.n_spikes)
    assert not on_disk(exactly)


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="asks Linux which files are open")
def test_the_file_goes_with_the_last_array_that_reads_from_it(folder: Path) -> None:
    activity = simulate(driven(), TRIALS, 50.0, 0.1, spikes_in_memory_mb=0.0)
    gc.collect()
    # A map of each population, and nothing else: what the engine recorded is gone.
    held = open_files(folder)
    assert len(held) == 2
    assert len(set(held)) == 1
    times = activity["n1"].times_ms
    del activity
    gc.collect()
    assert len(open_files(folder)) == 1
    assert times[-1] > 40.0
    del times
    gc.collect()
    assert open_files(folder) == []


def test_arrays_on_disk_cannot_be_written_to() -> None:
    activity = simulate(driven(), None, 50.0, 0.1, spikes_in_memory_mb=0.0)
    with pytest.raises(ValueError, match="read-only"):
        activity["n0"].times_ms[0] = 1.0


def test_memory_stays_bounded_however_long_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(native, "_SPIKES", 4096)
    network = driven((500,))
    simulate(network, None, 1.0, 0.1)  # compiled

    def peak_mb(duration_ms: float, limit_mb: float) -> tuple[float, float]:
        tracemalloc.start()
        activity = simulate(network, None, duration_ms, 0.1, spikes_in_memory_mb=limit_mb)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak / 1e6, activity.n_spikes * 24e-6

    held, size = peak_mb(1000.0, math.inf)
    assert size > 8.0
    assert size < held < 1.5 * size
    short, _ = peak_mb(1000.0, 0.5)
    long, size = peak_mb(4000.0, 0.5)
    assert size > 32.0
    assert short < 3.0
    assert long < 3.0


def test_an_interrupted_run_keeps_what_lies_on_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(native, "_SPIKES", 1000)
    monkeypatch.setattr(native, "_n_cores", lambda: 2)

    def interrupt(fraction: float) -> None:
        if fraction > 0.01:
            raise KeyboardInterrupt

    found = simulate(
        driven(), Stimulus(labels=("a", "b")), 200_000.0, 0.1, progress=interrupt,
        keep_partial=True, spikes_in_memory_mb=SMALL_MB,
    )  # fmt: skip
    assert found.provenance["partial"] == {"asked_duration_ms": 200_000.0, "asked_trials": 2}
    assert found.n_trials < 2 or found.duration_ms < 200_000.0
    assert on_disk(found)
    whole = simulate(driven(), Stimulus(labels=found.labels), found.duration_ms, 0.1)
    assert_equal(found, whole)


def full_after(n_writes: int, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """A disk that takes so many pieces of spikes, and half of the next."""
    write, written = spike_store.write, [0]

    def write_or_fail(file: Any, place: int, values: np.ndarray) -> None:
        if values.dtype == np.int32:  # what the engine records, not the arrays made of it
            written[0] += 1
            if written[0] > n_writes:
                write(file, place, values[: values.size // 2])
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        write(file, place, values)

    monkeypatch.setattr(spike_store, "write", write_or_fail)
    return written


@pytest.mark.usefixtures("small_pieces")
@pytest.mark.parametrize("n_writes", [0, 1, 40])
def test_a_full_disk_ends_the_run_and_what_was_simulated_is_kept(
    n_writes: int, monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    full_after(n_writes, monkeypatch)
    with pytest.warns(UserWarning, match="takes no more spikes") as warned:
        found = simulate(driven(), None, 2000.0, 0.1, keep_partial=True, spikes_in_memory_mb=0.02)
    reason = found.provenance["partial"]["reason"]
    assert str(warned[0].message) == reason
    assert reason.startswith(f"the folder for temporary files, {folder}, takes no more spikes")
    assert "No space left on device" in reason
    assert "TMPDIR" in reason
    assert "\n" not in reason
    assert 50.0 < found.duration_ms < 2000.0
    monkeypatch.undo()
    assert found.n_spikes > 100
    assert_equal(found, simulate(driven(), None, found.duration_ms, 0.1))


@pytest.mark.usefixtures("small_pieces")
def test_of_several_trials_the_disk_leaves_the_complete_ones(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(native, "_n_cores", lambda: 1)
    one = simulate(driven(), None, 100.0, 0.1)
    full_after(0, monkeypatch)
    with pytest.warns(UserWarning, match="takes no more spikes"):
        found = simulate(
            driven(), TRIALS, 100.0, 0.1, keep_partial=True,
            spikes_in_memory_mb=24e-6 * 2.5 * one.n_spikes,
        )  # fmt: skip
    assert found.labels == ("a", "b")
    assert found.duration_ms == 100.0
    monkeypatch.undo()
    assert_equal(found, simulate(driven(), Stimulus(labels=("a", "b")), 100.0, 0.1))


def test_a_full_disk_is_an_error_where_nothing_is_to_be_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    full_after(0, monkeypatch)
    monkeypatch.setattr(native, "_SPIKES", 1)
    with pytest.raises(SpikelearnError, match=r"takes no more spikes .*No space left on device"):
        simulate(driven(), None, 2000.0, 0.1, spikes_in_memory_mb=0.02)


@contextlib.contextmanager
def files_of_at_most(n_bytes: int) -> Iterator[None]:
    """A real limit, of the system: only what was reserved can be given back."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.usefixtures("small_pieces")
@pytest.mark.parametrize("room", [20_000, 100_000])
def test_the_room_for_the_arrays_is_taken_before_the_disk_is_full(room: int) -> None:
    with (
        pytest.warns(UserWarning, match=r"takes no more spikes \(File too large\)"),
        files_of_at_most(room),
    ):
        found = simulate(
            driven(), None, 5000.0, 0.1, keep_partial=True, spikes_in_memory_mb=SMALL_MB
        )
    assert on_disk(found)
    assert_equal(found, simulate(driven(), None, found.duration_ms, 0.1))


@pytest.mark.usefixtures("small_pieces")
def test_a_disk_without_any_room_is_an_error() -> None:
    with (
        pytest.raises(SpikelearnError, match=r"takes no more spikes \(File too large\)"),
        files_of_at_most(0),
    ):
        simulate(driven(), None, 5000.0, 0.1, keep_partial=True, spikes_in_memory_mb=SMALL_MB)


def test_a_missing_folder_for_temporary_files_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", "/nowhere")
    with pytest.raises(SpikelearnError, match="temporary files, /nowhere, takes no more spikes"):
        simulate(driven(), None, 100.0, 0.1, spikes_in_memory_mb=0.0)


def stored(store: SpikeStore, n_trials: int, n_steps: int) -> list[tuple[int, int, int]]:
    spikes = StoredSpikes(store, "n").of(5, np.arange(n_trials), n_steps, 1.0)
    return list(zip(spikes.trials, spikes.times_ms.astype(int), spikes.senders, strict=True))


@pytest.mark.parametrize("n_steps", [100, 2**40])
@pytest.mark.parametrize("limit_mb", [0.0, 24e-6 * 4, math.inf])
def test_a_store_gives_back_what_was_put_in_sorted_and_cut(n_steps: int, limit_mb: float) -> None:
    store = SpikeStore({"m": 0, "n": 10}, 2, n_steps, limit_mb)
    late = n_steps - 5
    store.add(1, np.array([3, 3, 4]), np.array([12, 10, 11]))  # not in order within a step
    store.add(0, np.array([1, 2]), np.array([11, 10]))
    store.add(1, np.array([late, late]), np.array([14, 2]))
    expected = [(0, 1, 1), (0, 2, 0), (1, 3, 0), (1, 3, 2), (1, 4, 1), (1, late, 4)]
    assert stored(store, 2, n_steps) == expected
    assert stored(store, 2, 4) == expected[:4]
    assert stored(store, 1, n_steps) == expected[:2]
    assert len(StoredSpikes(store, "n")) == 6


def test_a_full_store_says_so_once_and_goes_on_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: Any) -> None:
        raise OSError(errno.EDQUOT, "Disk quota exceeded")

    store = SpikeStore({"n": 0}, 1, 100, 0.0, ahead=10)
    store.add(0, np.array([1]), np.array([2]))
    monkeypatch.setattr(spike_store, "_reserve", refuse)
    with pytest.raises(DiskFull, match=r"\(Disk quota exceeded\) after 2 of them"):
        store.add(0, np.array([2]), np.array([3]))
    store.add(0, np.array([4]), np.array([4]))
    assert stored(store, 1, 100) == [(0, 1, 2), (0, 2, 3), (0, 4, 4)]


def free(monkeypatch: pytest.MonkeyPatch, memory_gb: float, disk_gb: float) -> None:
    """Pretend that so much is free."""
    monkeypatch.setattr("spikelearn._room.free_memory", lambda: 1e9 * memory_gb)
    monkeypatch.setattr("spikelearn._room.free_disk", lambda folder: 1e9 * disk_gb)


def sentence_of(run: Callable[[], Any]) -> str:
    with pytest.raises(SpikelearnError) as raised:
        run()
    message = str(raised.value)
    assert "\n" not in message
    return message


def test_spikes_larger_than_the_disk_are_refused_before_the_run(
    monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    network = driven(rates_hz={"n0": 1000.0, "n1": 500.0})
    assert expected_spikes(network, 3, 2000.0) == 3 * 2.0 * (3 * 1000.0 + 2 * 500.0)
    free(monkeypatch, 100.0, 30.0)
    monkeypatch.setattr(native, "run", lambda *args: pytest.fail("it ran"))
    # 4000 spikes a second for 312,500 s: 1.25e9 of 32 bytes.
    said = sentence_of(lambda: simulate(network, None, 312_500_000.0, 0.1))
    assert "'driven' would need about 40.0 GB" in said
    assert f"{folder} for about 1,250,000,000 spikes" in said
    assert "30.0 GB are free" in said
    assert "TMPDIR" in said
    only = network.model_copy(update={"record": ("n1",)})  # a quarter of them
    free(monkeypatch, 100.0, 9.9)
    assert "10.0 GB" in sentence_of(lambda: simulate(only, None, 312_500_000.0, 0.1))


def test_spikes_that_fit_on_the_disk_are_simulated(monkeypatch: pytest.MonkeyPatch) -> None:
    network = driven(rates_hz={"n0": 1000.0, "n1": 500.0})
    free(monkeypatch, 1.0, 2e-5)  # 20 kB: 625 spikes, and 400 are expected
    assert simulate(network, None, 100.0, 0.1, spikes_in_memory_mb=0.0).n_spikes > 100
    free(monkeypatch, 1.0, 1e-5)
    said = sentence_of(lambda: simulate(network, None, 100.0, 0.1, spikes_in_memory_mb=0.0))
    assert "for about 400 spikes" in said
    simulate(network, None, 100.0, 0.1)  # all in memory
    simulate(driven(), None, 100.0, 0.1, spikes_in_memory_mb=0.0)  # nobody knows its rates


def test_spikes_that_memory_must_hold_are_refused_where_it_does_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    network = driven(rates_hz={"n0": 1000.0, "n1": 500.0})
    free(monkeypatch, 3.0, 1000.0)
    said = sentence_of(
        lambda: simulate(network, None, 1e8, 0.1, spikes_in_memory_mb=math.inf)
    )  # 4e8 spikes of 32 bytes
    assert "would need about 12.8 GB of memory, most of it for about 400,000,000 spikes" in said
    parts = needed_parts(Run(network, "native", 1, 10**9, 0.1))
    (spikes,) = (part for part in parts if "by its rates_hz" in part.what)
    assert spikes.n_bytes == pytest.approx(1.333e9, 1e-3)
    assert "400,000,000 spikes" in sentence_of(
        lambda: simulate(network, None, 1e8, 0.1, "snntorch")
    )


@pytest.mark.parametrize("limit", [-1.0, math.nan])
def test_a_limit_below_nothing_is_refused(limit: float) -> None:
    said = sentence_of(lambda: simulate(driven(), None, 10.0, 0.1, spikes_in_memory_mb=limit))
    assert "spikes_in_memory_mb must not be below 0" in said
