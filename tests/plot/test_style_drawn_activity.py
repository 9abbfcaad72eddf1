"""What every picture has in common: into which axis it is drawn, and of what."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pytest
from drawn import ACTIVITY, LADDER, MATRIX, SCORES, axis_of_a_figure

import spikelearn as sl
from spikelearn import SpikelearnError
from spikelearn.plot.drawn_activity import activity_of, whole_number
from spikelearn.plot.style import COLOURS, dash, drawing, pens, pens_of, styled

DRAWN = {
    "learning_curve": lambda **settings: sl.plot.learning_curve(SCORES["epochs"], **settings),
    "psth": lambda **settings: sl.plot.psth(ACTIVITY, **settings),
    "raster": lambda **settings: sl.plot.raster(ACTIVITY, **settings),
    "rate_curve": lambda **settings: sl.plot.rate_curve(LADDER, **settings),
    "rdm": lambda **settings: sl.plot.rdm(MATRIX, **settings),
    "similarity": lambda **settings: sl.plot.similarity(SCORES["similarity"], "V1", **settings),
    "states": lambda **settings: sl.plot.states(ACTIVITY, **settings),
    "stdp_window": lambda **settings: sl.plot.stdp_window(
        {"a_plus": 0.01, "a_minus": 0.01}, **settings
    ),
    "weights": lambda **settings: sl.plot.weights(MATRIX, **settings),
}


@pytest.mark.parametrize("name", sl.plot.__all__)
def test_every_picture_is_drawn_into_the_axis_that_is_given_and_needs_no_pyplot(name, monkeypatch):
    def opened(*_, **__):
        raise AssertionError("a figure of pyplot was opened")

    monkeypatch.setattr("matplotlib.pyplot.figure", opened)
    axis = axis_of_a_figure()
    before = dict(mpl.rcParams)
    assert DRAWN[name](ax=axis) is axis
    assert axis.has_data()
    assert not axis.spines["top"].get_visible()
    assert dict(mpl.rcParams) == before
    axis.figure.canvas.draw()


@pytest.mark.parametrize("name", sl.plot.__all__)
def test_without_an_axis_a_figure_is_opened_and_what_is_none_is_refused(name, monkeypatch):
    made = []

    def subplots(*_, **__):
        made.append(axis_of_a_figure())
        grid = np.empty((1, 1), dtype=object)
        grid[0, 0] = made[0]
        return made[0].figure, grid if name == "similarity" else made[0]

    monkeypatch.setattr("matplotlib.pyplot.subplots", subplots)
    assert DRAWN[name]() is made[0]
    with pytest.raises(SpikelearnError, match=r"ax is one axis of matplotlib"):
        DRAWN[name](ax="here")


def test_texts_of_users_are_never_mathematics():
    axis = axis_of_a_figure()
    for side in ("left", "center"):
        axis.set_title("", loc=side)
    with drawing(axis):
        axis.set_title("$a_1$")
        axis.set_xlabel("$x$")
    assert axis.get_title(loc="left") == "$a_1$"
    with styled():
        assert mpl.rcParams["text.parse_math"] is False
        assert mpl.rcParams["axes.spines.top"] is False
    assert not axis.xaxis.label.get_parse_math()
    assert not axis._left_title.get_parse_math()


def test_the_colours_are_those_of_reports():
    assert len(set(COLOURS)) == 6


def test_a_file_of_spikes_and_a_population_are_drawn_too(tmp_path):
    path = ACTIVITY.save(tmp_path / "spikes.npz")
    assert activity_of(path) == activity_of(str(path)) == ACTIVITY
    assert list(activity_of(ACTIVITY["b"])) == ["b"]
    for given in (3, None, ACTIVITY.populations["a"]):
        with pytest.raises(SpikelearnError, match=r"what is drawn is an activity"):
            sl.plot.raster(given)
    with pytest.raises(SpikelearnError, match=r"nothing to draw"):
        sl.plot.psth(sl.Activity({}, 10.0, 1.0))


def test_numbers_are_whole_and_there():
    assert whole_number("trial", np.int64(1), 2) == 1
    with pytest.raises(SpikelearnError, match=r"^there is no neuron 2; neurons are 0 to 1$"):
        whole_number("neuron", 2, 2)
    with pytest.raises(SpikelearnError, match=r"^trial is a whole number, found 'x'$"):
        whole_number("trial", "x", 2)


@pytest.mark.parametrize("turned_on", [True, False])
def test_what_the_first_figure_of_a_notebook_turns_on_stays_on(turned_on, monkeypatch):
    monkeypatch.setitem(mpl.rcParams, "interactive", not turned_on)
    monkeypatch.setitem(mpl.rcParams, "font.size", 7.0)
    with styled():
        mpl.interactive(turned_on)
    assert mpl.is_interactive() is turned_on
    assert mpl.rcParams["font.size"] == 7.0

    def fails():
        with styled():
            mpl.interactive(not turned_on)
            raise ValueError("drawn")

    with pytest.raises(ValueError, match="drawn"):
        fails()
    assert mpl.is_interactive() is not turned_on


def test_no_two_lines_of_a_picture_are_alike() -> None:
    drawn = pens_of(40)
    assert len({(pen["color"], str(pen["linestyle"])) for pen in drawn}) == 40
    assert [pen["color"] for pen in drawn[: len(COLOURS)]] == list(COLOURS)
    assert {pen["linestyle"] for pen in drawn[: len(COLOURS)]} == {"solid"}
    assert len({dash(k) for k in range(30)}) == 30
    # Rules that share a colour are told apart, the first of them is as it always was.
    same = pens(["red", "blue", "red"])
    assert same[0] == {"color": "red", "linestyle": "solid"}
    assert same[2]["linestyle"] != "solid"
    assert same[1]["linestyle"] == "solid"


def test_lines_of_many_potentials_are_told_apart() -> None:
    import spikelearn as sl

    network = sl.load_model("lif_neuron").changed("populations.neuron.size", 8)
    activity = sl.simulate(network, "step_current", 20.0, record="neuron")
    axis = sl.plot.states(activity, neurons=list(range(8)))
    found = {(line.get_color(), str(line._unscaled_dash_pattern)) for line in axis.get_lines()}
    assert len(found) == 8
