"""What can be asked of one population, and all spikes as a table of pandas."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest

import spikelearn as sl
from spikelearn import SpikelearnError
from spikelearn._spike_arrays import PopulationSpikes

SPIKES = PopulationSpikes.from_unsorted(2, [3.0, 1.0, 8.0], [1, 0, 1], [0, 0, 1])
ACTIVITY = sl.Activity(
    {"a": SPIKES, "silent": PopulationSpikes.from_unsorted(4, [], [])}, 10.0, 1.0, 2, ("x", "y"),
    states={"a.v_mv": np.arange(40.0).reshape(2, 10, 2)},
)  # fmt: skip


def test_a_population_is_its_spikes_and_more():
    a = ACTIVITY["a"]
    assert isinstance(a, PopulationSpikes)
    assert a == SPIKES == a
    assert a != ACTIVITY["silent"]
    assert repr(a) == "<PopulationSpikes: 3 spikes of 2 neurons>"
    assert "<table>" in a._repr_html_()
    assert "silent" not in a._repr_html_()
    assert pickle.loads(pickle.dumps(a)) == a  # noqa: S301 - our own
    with pytest.raises(TypeError, match="unhashable"):
        hash(a)
    assert list(ACTIVITY) == ["a", "silent"]
    assert "a" in ACTIVITY
    assert "b" not in ACTIVITY


def test_spikes_are_a_row_each():
    table = ACTIVITY["a"].spikes
    assert table.to_dict("list") == {
        "time_ms": [1.0, 3.0, 8.0], "neuron": [0, 1, 1], "trial": [0, 0, 1]}  # fmt: skip
    assert ACTIVITY["silent"].spikes.empty


def test_rates_are_means_over_neurons_and_trials():
    assert ACTIVITY["a"].rate() == pytest.approx(3 / (2 * 2 * 0.01))
    assert ACTIVITY["a"].rate(5.0) == pytest.approx(1 / (2 * 2 * 0.005))
    assert ACTIVITY["silent"].rate() == 0


def test_rates_over_time_have_a_column_a_stimulus():
    table = ACTIVITY["a"].psth(bin_ms=5)
    assert table.index.tolist() == [2.5, 7.5]
    assert table["x"].tolist() == [200.0, 0.0]
    assert table["y"].tolist() == [0.0, 100.0]
    expected = sl.responses.psth(ACTIVITY, "a", 5, population_mean=True)
    np.testing.assert_array_equal(table.to_numpy().T, expected.values)
    for wrong in ("5", None):
        with pytest.raises(SpikelearnError, match=r"bin_ms must be a number"):
            ACTIVITY["a"].psth(wrong)
    with pytest.raises(SpikelearnError, match=r"whole number of bins"):
        ACTIVITY["a"].psth(3)


def test_potentials_are_by_time_trial_and_neuron():
    table = ACTIVITY["a"].potential
    assert table.loc[4.0, (1, 0)] == ACTIVITY.states["a.v_mv"][1, 4, 0]
    assert table.shape == (10, 4)
    with pytest.raises(SpikelearnError, match=r"simulate with record='silent'"):
        _ = ACTIVITY["silent"].potential


@pytest.mark.parametrize("name", ["b", 3, None, ("a",)])
def test_a_population_that_is_not_there_is_refused(name):
    with pytest.raises(SpikelearnError, match=r"no population called .* was recorded; there are"):
        ACTIVITY[name]


def test_alone_it_keeps_what_was_recorded_of_it():
    alone = ACTIVITY["a"].alone()
    assert list(alone.populations) == ["a"]
    assert list(alone.states) == ["a.v_mv"]
    assert ACTIVITY["silent"].alone().states == {}


def test_all_spikes_are_one_table_as_in_a_csv_file(tmp_path):
    table = ACTIVITY.to_pandas()
    plain = sl.Activity(ACTIVITY.populations, 10.0, 1.0, 2, ("x", "y"))
    read = pd.read_csv(plain.save(tmp_path / "s.csv"), skiprows=1)
    assert list(table) == list(read)
    pd.testing.assert_frame_equal(table.astype(read.dtypes), read)
    assert sl.Activity({}, 10.0, 1.0).to_pandas().empty
