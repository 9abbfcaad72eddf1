"""Rasters, rates over time and potentials: what the marks and lines are."""

from __future__ import annotations

import numpy as np
import pytest
from drawn import ACTIVITY, LADDER, axis_of_a_figure

import spikelearn as sl
from spikelearn import SpikelearnError
from spikelearn._spike_arrays import PopulationSpikes


def test_marks_are_the_spikes_of_the_trial():
    axis = sl.plot.raster(ACTIVITY["a"], ax=axis_of_a_figure())
    np.testing.assert_array_equal(axis.lines[0].get_xydata(), [[1.0, 0], [2.0, 2]])
    assert axis.get_ylabel() == "a\nneuron"
    assert axis.get_xlim() == (0, 20)
    late = sl.plot.raster(ACTIVITY["a"], 1, 10.0, 15.0, axis_of_a_figure())
    np.testing.assert_array_equal(late.lines[0].get_xydata(), [[12.0, 1]])
    assert late.get_xlim() == (10, 15)


def test_populations_stand_one_above_the_other_the_first_at_the_top():
    axis = sl.plot.raster(ACTIVITY, trial=1, ax=axis_of_a_figure())
    marks = {line.get_color(): line.get_xydata() for line in axis.lines if len(line.get_xdata())}
    names = [text.get_text() for text in axis.get_yticklabels()]
    assert names == ["b", "a"]
    (b,), (a,) = marks["#d55e00"], marks["#0072b2"]
    assert (a[0], b[0]) == (12.0, 5.0)
    assert 0 < b[1] < 1 < a[1] < 4 == axis.get_ylim()[1]


def test_large_populations_are_thinned_and_it_is_said():
    many = PopulationSpikes.from_unsorted(1200, np.ones(1200), np.arange(1200))
    few = PopulationSpikes.from_unsorted(1, [], [])
    activity = sl.Activity({"many": many, "few": few}, 10.0, 1.0)
    alone = sl.plot.raster(activity["many"], ax=axis_of_a_figure())
    assert alone.get_ylabel() == "many\nneuron\n(1 in 3 shown)"
    np.testing.assert_array_equal(alone.lines[0].get_ydata(), np.arange(0, 1200, 3))
    both = sl.plot.raster(activity, ax=axis_of_a_figure())
    assert both.get_yticklabels()[-1].get_text() == "many\n(1 in 3 shown)"
    assert max(len(line.get_xdata()) for line in both.lines) == 400


@pytest.mark.parametrize("trial", [2, -1, "left", None, 0.5])
def test_a_trial_that_is_not_there_is_refused(trial):
    for plot in (sl.plot.raster, sl.plot.states):
        with pytest.raises(SpikelearnError, match=r"trial"):
            plot(ACTIVITY, trial=trial, ax=axis_of_a_figure())


def test_lines_are_the_rates_of_the_population_by_stimulus():
    axis = sl.plot.psth(ACTIVITY["a"], 10, ax=axis_of_a_figure())
    left, right = axis.lines
    np.testing.assert_allclose(left.get_xydata(), [[5, 2e3 / 30], [15, 0]])
    np.testing.assert_allclose(right.get_xydata(), [[5, 0], [15, 1e3 / 30]])
    assert [t.get_text() for t in axis.get_legend().get_texts()] == [
        "stimulus left", "stimulus right"]  # fmt: skip
    np.testing.assert_allclose(ACTIVITY["a"].psth(10)["right"], right.get_ydata())


def test_several_populations_have_a_line_each_the_mean_over_stimuli():
    axis = sl.plot.psth(ACTIVITY, 10, start_ms=10.0, ax=axis_of_a_figure())
    a, b = axis.lines
    np.testing.assert_allclose(a.get_xydata(), [[15, 1e3 / 60]])
    np.testing.assert_allclose(b.get_xydata(), [[15, 0]])
    assert [t.get_text() for t in axis.get_legend().get_texts()] == ["a", "b"]


@pytest.mark.parametrize(
    ("name", "value"),
    [("bin_ms", "5"), ("bin_ms", None), ("sigma_ms", "x"), ("start_ms", "0"), ("stop_ms", [5])],
)
def test_widths_and_times_of_a_histogram_are_numbers(name, value):
    with pytest.raises(SpikelearnError, match=rf"^{name} must be a number, found"):
        sl.plot.psth(ACTIVITY, **{name: value})


def test_lines_are_the_potentials_of_the_neurons():
    axis = sl.plot.states(ACTIVITY, [2, 0], trial=1, start_ms=4.0, ax=axis_of_a_figure())
    two, zero = axis.lines
    np.testing.assert_array_equal(two.get_xdata(), np.arange(4, 20))
    np.testing.assert_array_equal(two.get_ydata(), ACTIVITY.states["a.v_mv"][1, 4:, 2])
    np.testing.assert_array_equal(zero.get_ydata(), ACTIVITY["a"].potential.loc[4:, (1, 0)])
    assert axis.get_title(loc="left") == "a, stimulus right"
    assert axis.get_legend().get_title().get_text() == "neuron (2 of 3)"
    assert len(ACTIVITY["a"].plot_potential(axis_of_a_figure(), neurons=1).lines) == 1


def test_potentials_stand_at_their_own_times_wherever_the_part_begins():
    whole = {
        x: y for x, y in sl.plot.states(ACTIVITY, 1, ax=axis_of_a_figure()).lines[0].get_xydata()
    }
    for start_ms in (4.0, 4.3, 4.5, 4.8):
        (line,) = sl.plot.states(ACTIVITY, 1, start_ms=start_ms, ax=axis_of_a_figure()).lines
        assert len(line.get_xdata()) in (15, 16)
        assert all(whole[x] == y for x, y in line.get_xydata())


@pytest.mark.parametrize("plot", ["raster", "psth", "states", "rate_curve"])
@pytest.mark.parametrize(
    ("start_ms", "stop_ms"),
    [("0", None), (None, None), (float("nan"), None), (-1, None), (True, None), (20, None),
     (0, "5"), (0, 21), (5, 5), (6, 5), (0, float("nan")), ([0], None)],
)  # fmt: skip
def test_parts_that_a_trial_has_not_are_refused(plot, start_ms, stop_ms):
    shown = LADDER if plot == "rate_curve" else ACTIVITY
    with pytest.raises(SpikelearnError, match=r"^st(art|op)_ms"):
        getattr(sl.plot, plot)(shown, start_ms=start_ms, stop_ms=stop_ms, ax=axis_of_a_figure())


@pytest.mark.parametrize(
    ("neurons", "words"),
    [(3, "there is no neuron 3"), ("a", "neurons are numbers"), ([], "at least one"),
     (1.5, "whole number"), ([0, -1], "there is no neuron -1")],
)  # fmt: skip
def test_neurons_that_are_not_there_are_refused(neurons, words):
    with pytest.raises(SpikelearnError, match=words):
        sl.plot.states(ACTIVITY, neurons, ax=axis_of_a_figure())


def test_what_was_not_recorded_is_not_drawn():
    with pytest.raises(SpikelearnError, match=r"simulate with record='NAME' for one of b"):
        sl.plot.states(ACTIVITY["b"], ax=axis_of_a_figure())
    both = {"a.v_mv": np.zeros((1, 3, 1)), "b.v_mv": np.zeros((1, 3, 1))}
    silent = PopulationSpikes.from_unsorted(1, [], [])
    activity = sl.Activity({"a": silent, "b": silent}, 3.0, 1.0, states=both)
    with pytest.raises(SpikelearnError, match=r"one of activity\['a'\], activity\['b'\]"):
        sl.plot.states(activity, ax=axis_of_a_figure())


def test_chosen_neurons_are_called_by_their_numbers():
    spikes = PopulationSpikes.from_unsorted(9, [], [])
    states = {"a.v_mv": np.array([[[1.0, 2.0], [3.0, 4.0]]])}
    some = sl.Activity(
        {"a": spikes}, 2.0, 1.0, states=states, provenance={"recorded_neurons": {"a": [7, 2]}}
    )
    assert some["a"].potential[(0, 2)].tolist() == [2.0, 4.0]
    (line,) = sl.plot.states(some, 7, ax=axis_of_a_figure()).lines
    assert line.get_ydata().tolist() == [1.0, 3.0]
    assert [line.get_label() for line in sl.plot.states(some, ax=axis_of_a_figure()).lines] == [
        "7", "2"]  # fmt: skip
    with pytest.raises(SpikelearnError, match=r"neuron 0 was not recorded; 7, 2"):
        sl.plot.states(some, 0, ax=axis_of_a_figure())
