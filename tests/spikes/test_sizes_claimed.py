"""A file that claims more neurons, trials or steps than it can have is told, by every reader."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from scipy.io import loadmat, savemat
from typer.testing import CliRunner

from spikelearn._errors import SpikelearnError
from spikelearn.cli import app
from spikelearn.spikes import (
    Activity,
    PopulationSpikes,
    check_disk,
    expected_activity,
    load,
    rates_hz,
)
from spikelearn.spikes.binning import binned_counts

ACTIVITY = Activity(
    {"out": PopulationSpikes.from_unsorted(3, np.array([1.0, 2.0]), np.array([0, 2]))}, 10.0, 0.1,
    states={"out.v_mv": np.zeros((1, 100, 3))},
)  # fmt: skip


def in_npz(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    arrays = dict(np.load(path))
    arrays["metadata"] = np.array(changed(str(arrays["metadata"]), change))
    np.savez(path, **arrays)


def in_csv(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    first, rest = path.read_text().split("\n", 1)
    path.write_text(f"# {changed(first.removeprefix('#'), change)}\n{rest}")


def in_mat(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    content = loadmat(path, struct_as_record=True)["activity"]
    content[0, 0]["metadata"] = changed(str(content[0, 0]["metadata"][0]), change)
    savemat(path, {"activity": content})


def in_sonata(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    with h5py.File(path, "r+") as file:
        text = changed(file["spikelearn/metadata"][()].decode(), change)
        del file["spikelearn/metadata"]
        file["spikelearn/metadata"] = np.bytes_(text.encode())


def in_nwb(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    with h5py.File(path, "r+") as file:
        notes = file["general/notes"]
        notes[()] = changed(notes[()].decode(), change)


def changed(text: str, change: Callable[[dict[str, Any]], None]) -> str:
    meta = json.loads(text)
    change(meta)
    return json.dumps(meta)


FORMS: dict[str, Callable[..., None]] = {
    ".npz": in_npz, ".csv": in_csv, ".mat": in_mat, ".h5": in_sonata, ".nwb": in_nwb,
}  # fmt: skip
CLAIMS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "neurons": lambda meta: meta["populations"].update(out=10**12),
    "beyond_count": lambda meta: meta["populations"].update(out=10**300),
    "a_text": lambda meta: meta["populations"].update(out="many"),
    "a_fraction": lambda meta: meta["populations"].update(out=2.5),
    "fewer": lambda meta: meta["populations"].update(out=-3),
    "a_list": lambda meta: meta.update(populations=[1]),
    "populations": lambda meta: meta.update(populations=10**12),
    "labels": lambda meta: meta.update(labels=10**12),
    "no_labels": lambda meta: meta.update(labels=[]),
    "states": lambda meta: meta["states"].update(
        {"out.v_mv": {"shape": [1, 10**12, 3], "dtype": "float64"}}
    ),
}


@pytest.mark.parametrize("claim", CLAIMS)
@pytest.mark.parametrize("suffix", FORMS)
def test_what_a_file_claims_is_told_in_one_sentence(
    suffix: str, claim: str, tmp_path: Path
) -> None:
    with pytest.warns() if suffix == ".csv" else _nothing():
        path = ACTIVITY.save(tmp_path / f"a{suffix}")
    FORMS[suffix](path, CLAIMS[claim])
    for command in ("stats", "inspect"):
        ended = CliRunner().invoke(app, [command, str(path)])
        assert isinstance(ended.exception, SystemExit | None), ended.exception
        if claim == "states":  # which some formats know without it
            assert ended.exit_code in (0, 1)
            continue
        assert ended.exit_code == 1
        (line,) = ended.output.splitlines()
        assert line.startswith(f"Error: cannot read {path}: ")


def _nothing() -> Any:
    import contextlib

    return contextlib.nullcontext()


def of_others(path: Path) -> Path:
    """Another's file whose last neuron has a number of many digits; there are three spikes."""
    neurons, times = np.array([0, 5, 2**31 - 2]), np.array([1.0, 2.0, 3.0])
    if path.suffix == ".npz":
        np.savez(path, time_ms=times, neuron=neurons)
    elif path.suffix == ".mat":
        savemat(path, {"time_ms": times, "neuron": neurons})
    elif path.suffix == ".csv":
        rows = [f"{n},{t}" for n, t in zip(neurons, times, strict=True)]
        path.write_text("\n".join(["neuron,time_ms", *rows]) + "\n")
    else:
        with h5py.File(path, "w") as file:
            file["spikes/out/timestamps"] = times
            file["spikes/out/node_ids"] = neurons.astype(np.uint64)
    return path


@pytest.mark.parametrize("suffix", [".npz", ".mat", ".csv", ".h5"])
def test_statistics_by_neuron_of_a_population_beyond_the_memory_are_refused(
    suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("spikelearn._room.free_memory", lambda: 4e9)
    path = of_others(tmp_path / f"a{suffix}")
    with pytest.warns():
        activity = load(path)
    (name,) = activity.populations
    assert activity[name].size == 2**31 - 1
    with pytest.raises(SpikelearnError, match=r"for 2,147,483,647 neurons with 3 spikes, but 4\.0"):
        rates_hz(activity, name)
    for arguments in (
        ["stats", path], ["stats", path, "--figure", tmp_path / "f.png"],
        ["stats", path, "--psth", tmp_path / "p.png"], ["export", path, tmp_path / "b.nwb"],
        ["stats", path, "--raster", tmp_path / "r.png"], ["inspect", path],
    ):  # fmt: skip
        ended = CliRunner().invoke(app, [str(argument) for argument in arguments])
        assert isinstance(ended.exception, SystemExit | None), ended.exception
        if arguments[0] == "inspect":
            assert ended.exit_code == 0
            assert "2147483647" in ended.output.replace(",", "")
            continue
        assert ended.exit_code == 1
        assert sum(line.startswith("Error") for line in ended.output.splitlines()) == 1
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_bins_beyond_the_memory_are_refused() -> None:
    spikes = PopulationSpikes.from_unsorted(1000, np.array([1.0]), np.array([0]))
    with pytest.raises(SpikelearnError, match=r"counting spikes in bins would .*10,000,000,000"):
        binned_counts(spikes, 1, 1e9, 0.1)
    with pytest.raises(SpikelearnError, match=r"for 1,000 neurons with 1 spike"):
        spikes.counts(10**12)


def test_an_npz_file_that_unpacks_to_more_than_it_is_is_told(tmp_path: Path) -> None:
    path = ACTIVITY.save(tmp_path / "a.npz")
    header = b"\x93NUMPY\x01\x00" + (118).to_bytes(2, "little")
    header += b"{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,), }".ljust(117)
    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, header + b"\n" if "times_ms" in name else content)
    with pytest.raises(SpikelearnError, match="cannot read"):
        load(path)


def test_expected_files_are_about_as_large_as_they_become(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    n, trials = 200_000, 10
    spikes = PopulationSpikes.from_unsorted(
        500, rng.integers(0, 5000, n) * 0.1, rng.integers(0, 500, n), rng.integers(0, trials, n)
    )
    activity = Activity({"out": spikes}, 500.0, 0.1, trials)
    expected = expected_activity({"out": 500}, {"out": n}, trials, (500.0, 0.1))
    assert expected.n_spikes == n
    from spikelearn.spikes.files import format_of

    for suffix in FORMS:
        path = activity.save(tmp_path / f"a{suffix}")
        told = format_of(path).expected_bytes(expected)
        assert 0.5 * path.stat().st_size < told < 2 * path.stat().st_size, suffix


def test_a_file_that_its_disk_does_not_hold_is_refused_before_it_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("spikelearn._room.free_disk", lambda folder: 1e9)
    large = expected_activity({"out": 10**6}, {"out": 1e12}, 1, (1000.0, 0.1))
    for suffix in (*FORMS, ".nix"):
        with pytest.raises(SpikelearnError, match="about 1,000,000,000,000 spikes of 1,000,000"):
            check_disk(tmp_path / f"a{suffix}", large)
    check_disk(tmp_path / "a.csv", expected_activity({"out": 3}, {}, 1, (1000.0, 0.1)))
