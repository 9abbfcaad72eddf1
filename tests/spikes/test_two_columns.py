"""A column of times and one of neurons: text, archives and MATLAB files of anybody."""

from __future__ import annotations

import csv
import io
import warnings
from pathlib import Path
from typing import Any

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
        ("time_ms,neuron\n5,0\nx,3\n", {}, "no number"),
        ("time_ms,neuron\n5,0\n7\n", {}, "line 3 must hold a time and a neuron, found 7"),
        ("time_ms,neuron\n5,0.5\n", {}, "no whole numbers"),
        ("time_ms,time,neuron\n5,5,0\n", {}, "time_ms and time could be it"),
        ("time_ms,time_ms,neuron\n5,6,0\n", {}, "two of its columns are called 'time_ms'"),
        ("time_ms,neuron\nnan,0\n", {}, "a time that is no number"),
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
