"""Lists of spike times in cells of neurons and trials, as MATLAB keeps them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import savemat

from spikelearn._errors import SpikelearnError
from spikelearn.spikes import Activity, load
from spikelearn.spikes.of_others import ReadWarning
from spikelearn.spikes.spike_cells import flattened

# Spikes of three neurons in two trials, of which the last neuron has none.
TRAINS = [[[5.5], [1.0, 9.0]], [[], [7.25]], [[], []]]


def table() -> np.ndarray:
    cells = np.empty((3, 2), dtype=object)
    for i, row in enumerate(TRAINS):
        for j, train in enumerate(row):
            cells[i, j] = np.array(train)
    return cells


def nested(by_trial: np.ndarray) -> np.ndarray:
    """A list of lists: of each trial the cells of its neurons."""
    outer = np.empty(len(by_trial), dtype=object)
    for i, row in enumerate(by_trial):
        outer[i] = row
    return outer


def read(path: Path, content: dict[str, Any], **given: Any) -> Activity:
    savemat(path / "a.mat", content)
    with pytest.warns(ReadWarning):
        return load(path / "a.mat", unit="ms", **given)


@pytest.mark.parametrize(
    ("spikes", "given"),
    [
        (table(), {"trials": "columns"}),
        (table().T, {"trials": "rows"}),
        (table(), {"neurons": 3}),
        (table().T, {"neurons": "3"}),
        (nested(table().T), {"trials": "rows"}),
        (nested(table()), {"trials": "columns"}),
    ],
)
def test_cells_of_neurons_and_trials_are_read(
    spikes: np.ndarray, given: dict[str, Any], tmp_path: Path
) -> None:
    activity = read(tmp_path, {"spikes": spikes, "depth": 3.0}, **given)
    units = activity["units"]
    assert (units.size, activity.n_trials, activity.labels) == (3, 2, ("0", "1"))
    found = [[units.trains(trial)[neuron].tolist() for trial in range(2)] for neuron in range(3)]
    assert found == TRAINS
    notes = activity.provenance["notes"]
    assert any("are trials: 2 of 3 neurons" in note for note in notes)
    assert "left out: depth" in notes


def test_what_was_shown_is_an_array_of_as_many_as_there_are_trials(tmp_path: Path) -> None:
    names = np.array(["face", "house"], dtype=object)
    content = {"spikes": table(), "shown": names, "angle": np.array([0.0, 90.0])}
    assert read(tmp_path, content, trials="columns", label="shown").labels == ("face", "house")
    assert read(tmp_path, content, trials="columns", label="angle").labels == ("0", "90")
    with pytest.raises(SpikelearnError, match="3 trials, but 2 shown"):
        load(tmp_path / "a.mat", unit="ms", trials="rows", label="shown")


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({}, "cells spikes have 3 x 2 places, and it is not said which are neurons; say whether"),
        ({"neurons": 5}, "it is not said which are neurons"),
        ({"trials": "lines"}, "trials are rows or columns, found 'lines'"),
        ({"trials": "rows", "neurons": 3}, "there are 2 neurons, and not 3"),
        ({"trials": "rows", "populations": "spikes"}, "take no populations"),
        ({"trials": "rows", "label": "shwn"}, "no column 'shwn'"),
    ],
)
def test_what_leaves_a_doubt_is_refused_with_it(
    given: dict[str, Any], sentence: str, tmp_path: Path
) -> None:
    savemat(tmp_path / "a.mat", {"spikes": table()})
    with pytest.raises(SpikelearnError, match=sentence):
        load(tmp_path / "a.mat", unit="ms", **given)


def test_more_than_two_sides_and_lists_of_unequal_length_are_no_such_table(tmp_path: Path) -> None:
    cells = np.empty((2, 2, 2), dtype=object)
    cells[:] = [[[np.array([1.0])] * 2] * 2] * 2
    savemat(tmp_path / "a.mat", {"spikes": cells})
    with pytest.raises(SpikelearnError, match=r"2 x 2 x 2 places; lists of times for each neuron"):
        load(tmp_path / "a.mat", unit="ms", trials="rows")
    uneven = nested(table().T)
    uneven[0] = uneven[0][:2]
    assert flattened(uneven) is uneven
