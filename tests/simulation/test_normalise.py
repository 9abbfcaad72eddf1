"""Weights that are scaled to one sum: who is left out would not have changed."""

from __future__ import annotations

import numpy as np
import pytest

from spikelearn._spike_arrays import PopulationSpikes
from spikelearn.networks.spiking import SpikingNetwork
from spikelearn.simulation import simulate
from spikelearn.simulation.native.compiled import entry
from spikelearn.simulation.native.normalise import normalise, normalise_full
from spikelearn.stimuli.stimulus import Stimulus

N_SOURCE, N_TARGET, TOTAL = 50, 40, 7.8


@entry
def scaled(weight, post, full, sums, settled, unsettled, by_column, w_max):
    if full:
        normalise_full(weight, 7.8, sums, settled, unsettled, by_column, 0.0, w_max)
    else:
        normalise(weight, post, 7.8, sums, 0.0, w_max)


class Layer:
    """Weights that are normalised as the engine does it."""

    def __init__(self, weight: np.ndarray, full: bool = True, by_column: bool = True) -> None:
        self.weight, self.full, self.by_column = weight.copy(), full, by_column
        self.settled = np.zeros(N_TARGET, dtype=bool)

    def normalise(self, w_max: float = 1.0) -> None:
        post = np.tile(np.arange(N_TARGET, dtype=np.uint32), N_SOURCE)
        room = np.zeros(N_TARGET), self.settled, np.zeros(N_TARGET, dtype=np.int64)
        scaled(self.weight.ravel(), post, self.full, *room, self.by_column, w_max)


@pytest.fixture
def weight():
    return np.random.default_rng(2).random((N_SOURCE, N_TARGET))


def by_numpy(weight: np.ndarray, w_max: float) -> np.ndarray:
    sums = np.zeros(N_TARGET)
    for row in weight:
        sums += row
    factor = np.divide(TOTAL, sums, out=np.ones(N_TARGET), where=sums > 0)
    return np.clip(weight * factor, 0.0, w_max)


@pytest.mark.parametrize("w_max", [1.0, 0.2])  # within and at the bound
@pytest.mark.parametrize("kind", ["by_column", "all", "listed"])
def test_weights_are_those_that_scaling_all_of_them_gives(weight, kind, w_max):
    """To the last bit, while now and then the weights of a few neurons change."""
    layer = Layer(weight, full=kind != "listed", by_column=kind == "by_column")
    expected, random, n_left_out = weight.copy(), np.random.default_rng(5), []
    for step in range(60):
        n_left_out.append(int(layer.settled.sum()))
        layer.normalise(w_max)
        expected = by_numpy(expected, w_max)
        np.testing.assert_array_equal(layer.weight, expected)
        if step % 3 == 0:
            changed = random.integers(0, N_TARGET, 2)
            new = random.random((N_SOURCE, 2)) * w_max
            layer.weight[:, changed] = expected[:, changed] = new
            layer.settled[changed] = False
    if kind == "by_column" and w_max == 1.0:
        assert max(n_left_out) > N_TARGET / 2
        assert np.mean(n_left_out) > N_TARGET / 4


def test_who_has_no_weights_stays_without(weight):
    weight[:, 3] = 0.0
    layer = Layer(weight)
    for _ in range(3):
        layer.normalise()
    assert not layer.weight[:, 3].any()
    np.testing.assert_allclose(np.delete(layer.weight, 3, axis=1).sum(0), TOTAL)


RULES = {
    "by targets' spikes": {
        "rule": "diehl_cook_stdp", "variant": "power", "eta_post": 0.05, "x_target": 0.0,
        "mu": 0.0, "tau_pre_ms": 20.0, "pairing": "nearest",
    },
    "by arrivals, too": {"rule": "stdp", "a_plus": 0.02, "a_minus": 0.03},
    "by potentials": {
        "rule": "clopath_stdp", "a_ltp": 1e-4, "a_ltd": 1e-4, "theta_plus_mv": -64.9,
        "theta_minus_mv": -64.99,
    },
}  # fmt: skip


@pytest.mark.parametrize("name", RULES)
def test_a_network_learns_what_it_learns_where_its_synapses_are_listed(name):
    """All pairs, and the same pairs by name: one goes the short way, the other scales all."""
    bounds = {"w_min": 0.0, "w_max": 1.0, "normalise_sum": 8.0, "normalise_every_ms": 10.0}
    first = np.random.default_rng(0).random((30, 25))
    pre, post = np.divmod(np.arange(first.size), 25)
    found = []
    for connectivity, weight in (
        ({"kind": "all_to_all"}, first),
        ({"kind": "pairs", "pre": pre, "post": post}, first.ravel()),
    ):
        network = SpikingNetwork(
            name="layer",
            populations={
                "in": {"model": "spike_source", "size": 30},
                "n": {"model": "lif", "size": 25, "v_threshold_mv": -61.5, "v_rest_mv": -65.0,
                      "v_reset_mv": -65.0, "refractory_ms": 5.0},
            },
            projections=(
                {"source": "in", "target": "n", "weight_mv": weight, "connectivity": connectivity,
                 "delay_ms": 0.0, "plasticity": {**RULES[name], **bounds}},
            ),
            record=("n",),
        )  # fmt: skip
        random = np.random.default_rng(1)
        steps, senders = np.nonzero(random.random((600, 30)) < 0.03)
        spikes = PopulationSpikes.from_unsorted(30, steps * 0.5, senders)
        found.append(simulate(network, Stimulus(spikes={"in": spikes}), 300.0, 0.5, "native"))
    full, listed = found
    assert len(full["n"]) > 50
    np.testing.assert_array_equal(full["n"].times_ms, listed["n"].times_ms)
    np.testing.assert_array_equal(full.weights["in->n"], listed.weights["in->n"].matrix())
    assert np.abs(full.weights["in->n"] - first * 8.0 / first.sum(0)).max() > 1e-3
