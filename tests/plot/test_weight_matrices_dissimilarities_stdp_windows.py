"""Weights, dissimilarity matrices and STDP windows, as they are drawn."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from drawn import ACTIVITY, MATRIX, axis_of_a_figure

import spikelearn as sl
from spikelearn import SpikelearnError
from spikelearn.plot.dissimilarities import percentiles


def test_weights_are_drawn_as_they_are_with_their_unit():
    given = {"in->out": np.array([[0.5, 1.5]])}
    activity = sl.Activity({}, 1.0, 1.0, weights=given, weight_units={"in->out": "pA"})
    axis = sl.plot.weights(activity, ax=axis_of_a_figure())
    np.testing.assert_array_equal(axis.images[0].get_array(), given["in->out"])
    assert axis.get_title(loc="left") == "in->out"
    assert axis.figure.axes[1].get_ylabel() == "weight (pA)"
    two = sl.Activity({}, 1.0, 1.0, weights={**given, "b->out": np.ones((1, 2))})
    with pytest.raises(SpikelearnError, match=r"several projections; name one of in->out, b->out"):
        sl.plot.weights(two)
    again = sl.plot.weights(torch.ones(2, 3, requires_grad=True), ax=axis_of_a_figure())
    assert again.images[0].get_array().shape == (2, 3)
    with pytest.raises(
        SpikelearnError, match=r"there is no projection 'input'; did you mean in->out"
    ):
        sl.plot.weights(activity, "input")


def test_inhibition_and_excitation_are_parted_at_zero():
    image = sl.plot.weights([[-1.0, 2.0]], ax=axis_of_a_figure()).images[0]
    assert image.get_clim() == (-2, 2)
    assert sl.plot.weights([[0.5, 2.0]], ax=axis_of_a_figure()).images[0].get_clim() == (0, 2)


@pytest.mark.parametrize("given", ["weights.npy", 3, [1.0, 2.0], None, [[]], [[1, 2], [3]]])
def test_what_are_no_weights_are_refused(given):
    with pytest.raises(SpikelearnError, match=r"weights are a matrix of numbers, found"):
        sl.plot.weights(given)
    with pytest.raises(SpikelearnError, match=r"the activity has no weights"):
        sl.plot.weights(ACTIVITY)


def test_of_a_run_the_first_layers_weights_are_named():
    run = sl.train("mlp_64", rule="untrained", dataset="digits", epochs=1, n_train=50)
    with pytest.raises(SpikelearnError, match=r"run.to_torch\(\)\[0\].weight") as refused:
        sl.plot.weights(run)
    assert "\n" not in str(refused.value)
    assert sl.plot.weights(run.to_torch()[0].weight).images[0].get_array().shape == (64, 64)


def test_an_rdm_is_drawn_as_percentiles_whatever_it_is_given_as():
    ranks = np.array([[0, 1, 3], [1, 0, 2], [3, 2, 0]]) / 3
    import xarray

    response = xarray.DataArray(
        np.array([[0.0, 1], [1, 0], [1, 3]]), dims=["stimulus", "unit"],
        coords={"stimulus": ["a", "b", "c"]},
    )  # fmt: skip
    for given in (MATRIX, torch.tensor(MATRIX), [1.0, 4.0, 3.0]):
        image = sl.plot.rdm(given, ax=axis_of_a_figure()).images[0]
        np.testing.assert_allclose(image.get_array(), ranks)
    made = sl.comparison.rdm(response, "euclidean")
    image = sl.plot.rdm(made, ax=axis_of_a_figure()).images[0]
    np.testing.assert_allclose(image.get_array(), percentiles(made.get_vectors()[0]))


def test_categories_stand_beside_their_rows_and_what_is_unknown_is_grey():
    gaps = MATRIX.copy()
    gaps[0, 1] = gaps[1, 0] = np.nan
    axis = sl.plot.rdm(gaps, [(0, 2, "$animal$"), (2, 3, "tool")], ax=axis_of_a_figure())
    assert [text.get_text() for text in axis.get_yticklabels()] == ["$animal$", "tool"]
    assert not axis.get_yticklabels()[0].get_parse_math()
    assert np.ma.getmaskarray(axis.images[0].get_array())[0, 1]
    with pytest.raises(SpikelearnError, match=r"a group is .* of 3 stimuli, found \(0, 9, 'x'\)"):
        sl.plot.rdm(MATRIX, [(0, 9, "x")])


@pytest.mark.parametrize(
    ("given", "words"),
    [(np.ones((3, 2)), "symmetric matrix, found 3 x 2"), (np.arange(4.0).reshape(2, 2), "2 x 2"),
     ([1.0, 2.0], "upper triangle of no matrix"), ("x", "one RDM is drawn"),
     (sl.load_recording("grasshopper"), "matrix of numbers"), (None, "matrix of numbers")],
)  # fmt: skip
def test_what_is_no_rdm_is_refused(given, words):
    with pytest.raises(SpikelearnError, match=words):
        sl.plot.rdm(given)


def test_the_window_is_that_of_the_rule():
    rule = sl.networks.PairSTDP(a_plus=0.02, a_minus=0.01, tau_plus_ms=10, tau_minus_ms=20)
    after, before = sl.plot.stdp_window(rule, axis_of_a_figure()).lines[:2]
    later, earlier = np.asarray(after.get_xdata()), np.asarray(before.get_xdata())
    np.testing.assert_allclose(after.get_ydata(), 0.02 * np.exp(-later / 10))
    np.testing.assert_allclose(before.get_ydata(), -0.01 * np.exp(earlier / 20))
    assert later[0] == 0
    assert -1e-6 < earlier[-1] < 0
    same = sl.plot.stdp_window(dict(rule), axis_of_a_figure()).lines[0]
    np.testing.assert_array_equal(same.get_ydata(), after.get_ydata())


@pytest.mark.parametrize(
    ("given", "words"),
    [("brunel2000", "no plastic projection"), ("diehl_cook2015", "has diehl_cook_stdp"),
     ("nothing", "nothing"), (3, "network is"), ({"a_plus": "x"}, "a_plus"), ({}, "a_plus")],
)  # fmt: skip
def test_other_rules_and_what_is_none_have_no_window(given, words):
    with pytest.raises(SpikelearnError, match=words):
        sl.plot.stdp_window(given)


@pytest.mark.parametrize(
    "groups",
    [[3], 5, [("a", 1, 2)], [(0, "b", "c")], [(0, 2)], [(0, 9, "all")], "abc", [{0, 1, 2}]],
)
def test_groups_of_stimuli_that_are_none_are_refused(groups):
    points = np.array([0.0, 1.0, 5.0])
    with pytest.raises(SpikelearnError, match=r"a group is \(first, one past the last, name\)"):
        sl.plot.rdm(abs(points[:, None] - points), groups=groups)
