"""A column of times and one of neurons: text, archives and MATLAB files of anybody."""

from __future__ import annotations

import csv
import gzip
import io
import warnings
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from scipy.io import savemat

import spikelearn as sl
from spikelearn._errors import SpikelearnError
from spikelearn.spikes import load
from spikelearn.spikes.of_others import ReadWarning

TIMES, NEURONS = np.array([5.5, 7.25, 9.0]), np.array([0, 3, 1])


def read(path: Path, **given: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ReadWarning)
        return load(path, **given)


@pytest.mark.parametrize(
    ("text", "given"),
    [
        ("time,neuron\n5.5,0\n7.25,3\n9,1\n", {"unit": "ms"}),
        ("\ufefftime_ms;neuron;name\n5.5;0;a\n7.25;3;b\n9;1;c\n", {}),
        ("# theirs\n5.5 0\n7.25 3\n9 1\n", {"unit": "ms"}),
        ("0\t5.5\n3\t7.25\n1\t9.0\n", {"unit": "ms"}),
        ("t (s),cell\n0.0055,0\n0.00725,3\n0.009,1\n", {}),
        ('"Spike_Times_s","unit"\r\n0.0055,0\r\n0.00725,3\r\n\r\n0.009,1\r\n', {}),
        ("gid,timestamp\n0,5500\n3,7250\n1,9000", {"unit": "us"}),
        (";time_ms;neuron\n0;5,5;0\n1;7,25;3\n2;9;1\n", {}),
        ("# time_s neuron\n0.0055 0\n0.00725 3\n0.009 1\n", {}),
        ("i,t/ms\n0,5.5\n3,7.25\n1,9\n", {}),
        ("x,time_ms,y\n0,5.5,0\n3,7.25,1\n1,9,2\n", {"ids": "x"}),
    ],
)
def test_text_of_two_columns_is_read(text: str, given: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "theirs.csv"
    path.write_bytes(text.encode())
    activity = read(path, **given)
    np.testing.assert_allclose(activity["units"].times_ms, TIMES)
    np.testing.assert_array_equal(activity["units"].senders, NEURONS)
    assert (activity["units"].size, activity.duration_ms) == (4, 10.0)


@pytest.mark.parametrize(
    ("text", "given", "sentence"),
    [
        ("time,neuron\n5.5,0\n", {}, "whose unit is not said; say unit ms, s or us"),
        ("time,neuron\n5.5,0\n", {"unit": "h"}, "times in 'h'"),
        ("0,5\n3,7\n", {"unit": "ms"}, "cannot be told apart, for both hold whole numbers"),
        ("0.5,5.5\n", {"unit": "ms"}, "none holds whole numbers"),
        ("", {}, "no line of a spike"),
        (
            "time_ms,neuron\n5,0\nx,3\n",
            {},
            "line 3 has no number in the column 'time_ms', found 'x'",
        ),
        (
            "time_ms,neuron\n5,0\nNaN,3\n6,1\n-inf,2\n",
            {},
            "line 3 has no number in the column 'time_ms', found 'NaN', and 1 more such lines",
        ),
        (
            "time_ms,neuron\n5,0\n6,nan\n",
            {},
            "line 3 has no number in the column 'neuron', found 'nan'",
        ),
        ("time_ms,neuron\n5,0\n,3\n", {}, "line 3 has no number in the column 'time_ms', found ''"),
        ("time_ms,neuron\n5,0\n7\n", {}, "line 3 has 1 cells where others have 2, found 7"),
        ("1,2,3\n", {"unit": "ms"}, "its 3 columns have no names; say which are those of times"),
        ("time_ms,neuron\n5,0\n", {"times": "tim_ms"}, "no column 'tim_ms'; did you mean time_ms"),
        ("time_ms,neuron\n5,9\n", {"neurons": 5}, "spikes of neuron 9, but 5 neurons were given"),
        ("time_ms,neuron\n5,9\n", {"neurons": "E=50"}, "no population 'E'; there are units"),
        ("time_ms,neuron\n5,9\n", {"neurons": "-1"}, "must be whole numbers, found '-1'"),
        ("time_ms,neuron,x\n5,9,a\n", {"label": "x"}, "label is of trials; name their column"),
        ("time_ms,neuron\n5,0.5\n", {}, "no whole numbers"),
        ("time_ms,time,neuron\n5,5,0\n", {}, "time_ms and time could be it .choose by times, --t"),
        ("time_ms,time_ms,neuron\n5,6,0\n", {}, "two of its columns are called 'time_ms'"),
        (
            "time_ms,neuron\nnan,0\n",
            {},
            "line 2 has no number in the column 'time_ms', found 'nan'",
        ),
    ],
)
def test_text_that_leaves_a_doubt_is_refused_with_it(
    text: str, given: dict[str, Any], sentence: str, tmp_path: Path
) -> None:
    path = tmp_path / "theirs.csv"
    path.write_text(text)
    with pytest.raises(SpikelearnError, match=sentence):
        read(path, **given)


@pytest.mark.parametrize("suffix", [".npz", ".mat"])
@pytest.mark.parametrize(
    "arrays",
    [
        {"spike_times": TIMES, "senders": NEURONS},
        {"x": np.column_stack([NEURONS, TIMES])},
        {"x": np.stack([TIMES, NEURONS])},
        {"Times": TIMES, "ids": NEURONS, "rate": np.array(3.0)},
        {"times": TIMES[:, None], "senders": NEURONS[None, :], "lfp": np.zeros((2, 3))},
    ],
)
def test_archives_of_two_arrays_or_one_of_two_columns_are_read(
    suffix: str, arrays: dict[str, np.ndarray], tmp_path: Path
) -> None:
    path = tmp_path / f"theirs{suffix}"
    if suffix == ".npz":
        np.savez(path, **arrays)
    else:
        savemat(path, arrays)
    activity = read(path, unit="ms", duration_ms=20.0)
    np.testing.assert_allclose(activity["units"].times_ms, TIMES)
    np.testing.assert_array_equal(activity["units"].senders, NEURONS)
    assert activity.duration_ms == 20.0


def test_what_is_taken_and_left_out_is_said(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("t_ms,cell,depth\n5.5,0,1\n")
    with pytest.warns(ReadWarning) as caught:
        load(tmp_path / "a.csv")
    said = str(caught[0].message)
    for part in ("left out: depth", "how long was recorded", "up to the last that spikes: 1 of"):
        assert part in said


@pytest.mark.parametrize("way", ["byte-order mark", "first line in quotation marks"])
def test_our_own_text_that_a_spreadsheet_saved_again_is_still_ours(
    way: str, tmp_path: Path
) -> None:
    activity = sl.simulate(sl.load_model("izhikevich2003"), duration_ms=30)
    first, _, rest = activity.save(tmp_path / "a.csv").read_text().partition("\n")
    if way != "byte-order mark":
        row = io.StringIO()
        csv.writer(row).writerow([first, "", "", "", ""])
        first = row.getvalue().strip()
    (tmp_path / "b.csv").write_text(f"{first}\n{rest}", encoding="utf-8-sig")
    found = load(tmp_path / "b.csv")
    assert found.n_spikes == activity.n_spikes
    assert found.duration_ms == 30.0


def test_trials_labels_and_populations_are_read_where_their_columns_are_named(
    tmp_path: Path,
) -> None:
    path = tmp_path / "a.csv"
    path.write_text(
        "time_ms,neuron,trial,image,area\n"
        "1,0,1,cat,E\n2,81,1,cat,I\n3,79,2,dog,E\n4,80,4,cat,I\n5,3,4,cat,E\n"
    )
    whole = read(path)
    assert (whole.n_trials, list(whole.populations)) == (1, ["units"])
    with pytest.warns(ReadWarning, match=r"left out: trial, image, area \(trial may be that of"):
        load(path)
    activity = read(path, trials="trial", label="image", populations="area", neurons="E=90,I=20")
    assert activity.labels == ("cat", "dog", "3", "cat")  # nothing is known of the third
    assert {name: s.size for name, s in activity.populations.items()} == {"E": 90, "I": 20}
    assert activity["E"].counts(4)[:, [0, 3, 79]].tolist() == [[1, 0, 0], [0, 0, 1], [0, 0, 0],
                                                               [0, 1, 0]]  # fmt: skip
    # Neurons that are numbered through are counted from the first of their population.
    assert list(activity["I"].senders) == [1, 0]
    path.write_text("time_ms,neuron,trial,image\n1,0,1,cat\n2,0,1,dog\n")
    with pytest.raises(SpikelearnError, match="trial 1 has two labels, 'cat' and 'dog'"):
        read(path, trials="trial", label="image")


def test_neurons_that_have_names_are_numbered_in_their_order(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("time_ms,unit\n3,n10\n1,n2\n2,n10\n")
    with pytest.warns(ReadWarning, match="numbered in the order of their names, n2, n10"):
        activity = load(tmp_path / "a.csv")
    assert activity["units"].counts(1).tolist() == [[1, 2]]
    assert activity.provenance["neuron_names"] == ["n2", "n10"]


def test_files_that_simulators_write_as_text_are_read(tmp_path: Path) -> None:
    """What NEST writes (`.dat`, before its third version `.gdf`), and packed tables."""
    (tmp_path / "a.dat").write_text(
        "# NEST version: 3.6\n# RecordingBackendASCII version: 2\nsender\ttime_ms\n3\t5.5\n1\t9.0\n"
    )
    (tmp_path / "a.gdf").write_text("3\t5.5\t\n1\t9.0\t\n")
    with gzip.open(tmp_path / "a.csv.gz", "wt") as file:
        file.write("time_ms,neuron\n5.5,3\n9,1\n")
    np.save(tmp_path / "a.npy", np.array([[5.5, 3], [9.0, 1]]))
    for name in ("a.dat", "a.gdf", "a.csv.gz", "a.npy"):
        given = {} if name in ("a.dat", "a.csv.gz") else {"unit": "ms"}
        activity = read(tmp_path / name, **given)
        np.testing.assert_array_equal(activity["units"].times_ms, [5.5, 9.0])
        np.testing.assert_array_equal(activity["units"].senders, [3, 1])


def test_records_cells_and_structs_are_read(tmp_path: Path) -> None:
    records = np.array([(5.5, 0), (7.25, 3)], dtype=[("time_ms", "f8"), ("neuron", "i4")])
    np.savez(tmp_path / "a.npz", spikes=records)
    savemat(tmp_path / "b.mat", {"data": {"time_ms": TIMES[:2], "neuron": NEURONS[:2]}})
    cells = np.empty(4, dtype=object)
    cells[:] = [np.array([5.5]), np.empty(0), np.empty(0), np.array([7.25])]
    savemat(tmp_path / "c.mat", {"spikes": cells})
    units = np.empty(4, dtype=[("times", object), ("depth", object), ("label", object)])
    units[:] = [(cell, 1.0 + i, "good") for i, cell in enumerate(cells)]
    savemat(tmp_path / "e.mat", {"units": units})
    for name, given in (("a.npz", {}), ("b.mat", {}), ("c.mat", {"unit": "ms"}),
                        ("e.mat", {"unit": "ms"})):  # fmt: skip
        activity = read(tmp_path / name, **given)
        np.testing.assert_array_equal(activity["units"].times_ms, TIMES[:2])
        np.testing.assert_array_equal(activity["units"].senders, NEURONS[:2])


def test_objects_of_python_are_refused_with_the_reason(tmp_path: Path) -> None:
    ragged = np.array([np.arange(2.0), np.arange(3.0)], dtype=object)
    np.savez(tmp_path / "a.npz", times=ragged)
    np.savez(tmp_path / "b.npz", metadata=ragged)
    # As pynapple writes a group of units: the spikes are numbers.
    np.savez(tmp_path / "c.npz", t=TIMES, index=NEURONS, region=ragged)
    with pytest.warns(ReadWarning, match="left out: region holds objects of Python"):
        assert load(tmp_path / "c.npz", unit="s").n_spikes == 3
    for name in ("a.npz", "b.npz"):
        with pytest.raises(SpikelearnError, match="holds objects of Python, which could run any c"):
            load(tmp_path / name)


@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_our_own_text_parted_anew_by_a_spreadsheet_is_still_ours(mark: str, tmp_path: Path) -> None:
    """Opened and saved: every comma of the first line parted it, and decimals may get commas."""
    activity = sl.simulate(sl.load_model("izhikevich2003"), duration_ms=30)
    with activity.save(tmp_path / "a.csv").open(newline="") as file:
        rows = [line.rstrip("\n").split(",") for line in file]
    header = rows[0] if mark == "," else [",".join(rows[0])]
    with (tmp_path / "b.csv").open("w", newline="", encoding="utf-16") as file:
        writer = csv.writer(file, delimiter=mark)
        writer.writerow(header + [""] * 3)
        for row in rows[1:]:
            plain = [cell.strip('"') for cell in row]
            writer.writerow([*plain[:4], plain[4] if mark == "," else plain[4].replace(".", ",")])
    found = load(tmp_path / "b.csv")
    for name, spikes in activity.populations.items():
        np.testing.assert_array_equal(found[name].times_ms, spikes.times_ms)
        np.testing.assert_array_equal(found[name].senders, spikes.senders)


def test_what_only_matlab_reads_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from scipy.io.matlab import MatlabOpaque

    from spikelearn.spikes import mat

    table = np.zeros((1,), dtype=[("s0", "O")]).view(MatlabOpaque)
    monkeypatch.setattr(mat, "load_mat", lambda *args, **kwargs: {"spikes": table})
    (tmp_path / "a.mat").write_bytes(b"MATLAB 5.0")
    with pytest.raises(SpikelearnError, match="spikes is a table or object, which MATLAB alone"):
        load(tmp_path / "a.mat")


def test_a_unit_that_contradicts_the_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("time_ms,neuron\n5,0\n7,1\n")
    with pytest.warns(ReadWarning, match="'time_ms' are taken for s, as given, though it says ms"):
        found = load(tmp_path / "a.csv", unit="s", duration_ms=8000.0, neurons=2)
    assert found["units"].times_ms.tolist() == [5000.0, 7000.0]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        load(tmp_path / "a.csv", unit="msec", duration_ms=8.0, neurons=2)
    with h5py.File(tmp_path / "b.h5", "w") as file:
        file["spikes/V1/timestamps"], file["spikes/V1/node_ids"] = [0.5], [0]
        file["spikes/V1/timestamps"].attrs["units"] = "seconds"
    with pytest.warns(ReadWarning, match="'V1' are taken for ms, as given, though it says seconds"):
        assert load(tmp_path / "b.h5", unit="ms")["V1"].times_ms.tolist() == [0.5]


def test_a_misspelt_word_gets_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("time_ms,neuron\n5,0\n")
    with pytest.raises(SpikelearnError, match="did you mean duration_ms"):
        load(tmp_path / "a.csv", duration_m=3.0)


def test_the_names_of_spike_sorters_are_known(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", spike_times=[0.001, 0.002], spike_clusters=[4, 0])
    found = load(tmp_path / "a.npz", unit="s", duration_ms=5.0, neurons=5)
    assert found["units"].senders.tolist() == [4, 0]


def test_times_beyond_any_clock_are_refused_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("neuron,time\n1,4611686018427387904\n")
    with pytest.raises(SpikelearnError, match="are the times in the unit that was said"):
        load(tmp_path / "a.csv", unit="s")
