"""Statistics by stimulus and trial, and the rate at each value of a ladder of stimuli."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

import spikelearn as sl
from spikelearn.spikes import PopulationSpikes, summary
from spikelearn.spikes.summary_by import ladder, of_trials, rate_curve, summary_by

LABELS = ("b", "a", "b", "a")


@pytest.fixture(scope="module")
def activity() -> sl.Activity:
    rng = np.random.default_rng(1)
    made = PopulationSpikes.from_unsorted(
        5, rng.uniform(0, 200, 900), rng.integers(0, 5, 900), rng.integers(0, 4, 900)
    )
    few = PopulationSpikes.from_unsorted(2, [10.0, 150.0], [0, 1], np.array([1, 3]))
    states = {"made.v_mv": rng.random((4, 20, 5))}
    return sl.Activity({"made": made, "few": few}, 200.0, 0.1, 4, LABELS, states)


def test_rows_of_a_stimulus_are_the_summary_of_its_trials(activity: sl.Activity) -> None:
    table = summary_by(activity, "stimulus", 5.0, 20.0, 180.0)
    assert list(table["stimulus"]) == ["b", "b", "a", "a"]  # in the order they were shown
    for label, trials in (("b", [0, 2]), ("a", [1, 3])):
        alone = sl.Activity(
            {
                name: PopulationSpikes.from_unsorted(
                    spikes.size,
                    *(getattr(spikes, one)[np.isin(spikes.trials, trials)]
                      for one in ("times_ms", "senders")),
                    np.searchsorted(trials, spikes.trials[np.isin(spikes.trials, trials)]),
                )
                for name, spikes in activity.populations.items()
            },
            200.0, 0.1, 2, (label, label),
        )  # fmt: skip
        mine = table[table["stimulus"] == label].drop(columns="stimulus").reset_index(drop=True)
        pd.testing.assert_frame_equal(mine, summary(alone, 5.0, 20.0, 180.0))


def test_rows_of_trials_add_up_to_the_whole(activity: sl.Activity) -> None:
    table = summary_by(activity, "trial")
    assert list(table["trial"]) == [0, 0, 1, 1, 2, 2, 3, 3]
    assert list(table["stimulus"]) == [label for label in LABELS for _ in range(2)]
    whole = summary(activity).set_index("population")
    by_population = table.groupby("population")
    assert dict(by_population["n_spikes"].sum()) == dict(whole["n_spikes"])
    np.testing.assert_allclose(by_population["rate_hz"].mean(), whole["rate_hz"].sort_index())
    assert table["fano_factor"].isna().all()
    pd.testing.assert_frame_equal(summary_by(activity), summary(activity))
    with pytest.raises(sl.SpikelearnError, match="by population, stimulus, trial, found 'neuron'"):
        summary_by(activity, "neuron")


def test_trials_are_chosen_in_any_order_with_their_states(activity: sl.Activity) -> None:
    part = of_trials(activity, np.array([3, 1]))
    assert (part.n_trials, tuple(part.labels)) == (2, ("a", "a"))
    for new, old in enumerate((3, 1)):
        for name, spikes in activity.populations.items():
            here, there = part[name].of_trial(new), spikes.of_trial(old)
            np.testing.assert_array_equal(part[name].times_ms[here], spikes.times_ms[there])
            np.testing.assert_array_equal(part[name].senders[here], spikes.senders[there])
        np.testing.assert_array_equal(part.states["made.v_mv"][new],
                                      activity.states["made.v_mv"][old])  # fmt: skip


def labelled(*labels: str) -> sl.Activity:
    """Trial k has 2 k spikes in each of three neurons."""
    trials = np.repeat(np.arange(len(labels)), 6 * np.arange(len(labels)))
    times = np.linspace(0, 499, len(trials))
    spikes = PopulationSpikes.from_unsorted(3, times, np.arange(len(trials)) % 3, trials)
    return sl.Activity({"cells": spikes}, 500.0, 0.1, len(labels), labels)


@pytest.mark.parametrize(
    ("labels", "unit", "values"),
    [
        (("0 pA", "100 pA", "50 pA"), "pA", [0, 100, 50]),
        (("-1.5 mV", "2e-1 mV", "-1.5 mV"), "mV", [-1.5, 0.2, -1.5]),
        (("5 mV/ms", "6 mV/ms"), "mV/ms", [5, 6]),
        (("10Hz", "20 Hz"), "Hz", [10, 20]),
        (("1 µA", "2 µA"), "µA", [1, 2]),
    ],
)
def test_a_number_and_a_unit_are_a_ladder(labels: tuple[str, ...], unit: str, values: list) -> None:
    found = ladder(labelled(*labels))
    assert found is not None
    assert found.unit == unit
    assert list(found.values) == values


@pytest.mark.parametrize(
    "labels",
    [("0", "1", "2"), ("100 pA", "100 pA"), ("100 pA",), ("1 pA", "2 mV"), ("1 pA", "rest"),
     ("100 pA, 5 pA", "200 pA, 6 pA"), ("a 1", "a 2"), ("1_000 pA", "2_000 pA"), ("1", "2 pA")],
)  # fmt: skip
def test_other_labels_are_names(labels: tuple[str, ...]) -> None:
    activity = labelled(*labels)
    assert ladder(activity) is None
    with pytest.raises(sl.SpikelearnError, match="a number and a unit, the same unit in all"):
        rate_curve(activity)


def test_rates_are_means_over_neurons_and_trials_of_a_value() -> None:
    table = rate_curve(labelled("20 pA", "10 pA", "20 pA", "-5 pA"))
    assert list(table["value"]) == [-5, 10, 20]
    assert list(table["n_trials"]) == [1, 1, 2]
    # 2 k spikes a neuron in half a second.
    np.testing.assert_allclose(table["rate_hz"], [12, 4, 4])
    np.testing.assert_allclose(table["sd_hz"], [math.nan, math.nan, math.sqrt(2 * 4**2)])
    half = rate_curve(labelled("1 pA", "2 pA"), 250.0)
    np.testing.assert_allclose(half["rate_hz"], [0, 3 / 3 / 0.25])


def test_the_curve_of_a_leaky_neuron_is_its_closed_form() -> None:
    """T = t_ref + tau ln((R I - (v_reset - v_rest)) / (R I - (v_threshold - v_rest)))."""
    activity = sl.simulate("lif_neuron", "fi_curve", duration_ms=2000)
    table = rate_curve(activity, 500.0)
    driven_mv = table["value"].to_numpy() / 10.0  # pA / nS
    above = driven_mv > 20.0
    interval = 2.0 + 20.0 * np.log((driven_mv[above] - 10.0) / (driven_mv[above] - 20.0))
    assert (table["rate_hz"][~above] == 0).all()
    # A window of 1.5 s counts to within one spike; a time step delays each by at most 0.1 ms.
    np.testing.assert_allclose(table["rate_hz"][above], 1000 / interval, rtol=0.03, atol=1 / 1.5)
