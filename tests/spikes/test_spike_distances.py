"""Spike-train distances, against closed forms and the axioms of a metric."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from poisson import activity_of, poisson_trains, silent

from spikelearn._errors import SpikelearnError
from spikelearn.spikes import (
    distances_between_neurons,
    distances_between_trials,
    van_rossum,
    victor_purpura,
)

times = st.floats(0, 100).map(lambda t: round(t, 1))
trains = st.lists(times, max_size=8, unique=True).map(np.sort)


@settings(max_examples=30)
@given(delay_ms=st.floats(0, 100), cost_per_ms=st.floats(0, 10, allow_subnormal=False))
def test_the_victor_purpura_distance_of_single_spikes_is_the_shift_or_two(
    delay_ms: float, cost_per_ms: float
) -> None:
    found = victor_purpura([[10.0]], [[10.0 + delay_ms]], cost_per_ms).item()
    assert found == pytest.approx(min(cost_per_ms * delay_ms, 2.0), abs=1e-6)


@pytest.mark.parametrize("delay_ms", [0.0, 0.5, 3.0, 40.0])
def test_the_van_rossum_distance_of_single_spikes_has_its_closed_form(delay_ms: float) -> None:
    # Normalised by the root of two spikes: sqrt(1 - exp(-delay / tau)).
    activity = activity_of([[[10.0], [10.0 + delay_ms], []]], 100.0)
    table = distances_between_neurons(activity, "a", tau_ms=4.0)
    assert table.loc[0, 1] == pytest.approx(np.sqrt(1 - np.exp(-delay_ms / 4.0)), abs=1e-7)
    np.testing.assert_allclose(table.loc[2], [1.0, 1.0, 0.0])


def _edit_distance(a: np.ndarray, b: np.ndarray, cost_per_ms: float) -> float:
    """The recursion of Victor and Purpura, as they wrote it."""
    g = np.add.outer(np.arange(a.size + 1.0), np.arange(b.size + 1.0))
    for i in range(1, a.size + 1):
        for j in range(1, b.size + 1):
            shift = cost_per_ms * abs(a[i - 1] - b[j - 1])
            g[i, j] = min(g[i - 1, j] + 1, g[i, j - 1] + 1, g[i - 1, j - 1] + shift)
    return float(g[-1, -1])


@settings(max_examples=40)
@given(a=trains, b=trains, cost_per_ms=st.sampled_from([0.0, 0.01, 0.1, 1.0, 1e9]))
def test_victor_purpura_distances_are_the_least_cost_of_editing(
    a: np.ndarray, b: np.ndarray, cost_per_ms: float
) -> None:
    found = victor_purpura([a], [b], cost_per_ms).item()
    assert found == pytest.approx(_edit_distance(a, b, cost_per_ms), abs=1e-6)


@pytest.mark.parametrize("metric", ["van_rossum", "victor_purpura"])
def test_distances_are_symmetric_and_zero_for_identical_trains(metric: str) -> None:
    generator = np.random.default_rng(0)
    row = poisson_trains(generator, 4, 40.0, 300.0)
    activity = activity_of([[*row, row[0]]], 300.0)
    table = distances_between_neurons(activity, "a", metric)
    assert (table.index.name, table.columns.name) == ("neuron", "neuron")
    np.testing.assert_allclose(table, table.T)
    np.testing.assert_allclose(np.diag(table), 0.0, atol=1e-7)
    assert table.loc[0, 4] == pytest.approx(0.0, abs=1e-7)
    assert (table.loc[0, [1, 2, 3]] > 0.1).all()


@pytest.mark.parametrize("metric", ["van_rossum", "victor_purpura"])
def test_distances_between_trials_are_those_of_one_neurons_trains(metric: str) -> None:
    rows = [[[5.0, 20.0], [1.0]], [[], [2.0]], [[6.0], [3.0, 9.0]], [[5.0, 20.0], []]]
    table = distances_between_trials(activity_of(rows, 50.0), "a", 0, metric)
    assert table.index.name == "trial"
    mine = [np.array(row[0]) for row in rows]
    distance, scale = {"van_rossum": (van_rossum, 10.0), "victor_purpura": (victor_purpura, 0.1)}[
        metric
    ]
    np.testing.assert_allclose(table, distance(mine, mine, scale), atol=1e-7)
    assert table.loc[0, 3] == pytest.approx(0.0, abs=1e-7)


def test_neurons_are_taken_evenly_where_there_are_too_many() -> None:
    activity = activity_of([poisson_trains(np.random.default_rng(1), 10, 30.0, 100.0)], 100.0)
    all_of_them = distances_between_neurons(activity, "a", n_neurons=None)
    some = distances_between_neurons(activity, "a", n_neurons=5)
    assert list(some.index) == [0, 2, 4, 6, 8]
    np.testing.assert_allclose(some, all_of_them.loc[some.index, some.index])


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("metric", ["van_rossum", "victor_purpura"])
def test_silent_neurons_are_at_no_distance_from_one_another(metric: str) -> None:
    assert not distances_between_neurons(silent(), "a", metric).to_numpy().any()
    assert distances_between_trials(silent(n_trials=1), "a", 0, metric).shape == (1, 1)
    assert victor_purpura([], [], 0.1).shape == (0, 0)


def test_what_is_not_there_is_refused() -> None:
    with pytest.raises(SpikelearnError, match="there is no trial 2; trials are 0 to 1"):
        distances_between_neurons(silent(), "a", trial=2)
    with pytest.raises(SpikelearnError, match="no neuron 3; neurons are 0 to 2"):
        distances_between_trials(silent(), "a", 3)
    with pytest.raises(SpikelearnError, match="no spike-train distance called 'hamming'"):
        distances_between_neurons(silent(), "a", "hamming")  # type: ignore[arg-type]
    for cost in (-1.0, float("nan"), float("inf")):
        with pytest.raises(SpikelearnError, match="must be finite and at least 0 per ms"):
            victor_purpura([[1.0]], [[2.0]], cost)
