"""The measure of how large a step a model bears, and the word where a run goes beyond it."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any, ClassVar

import pytest

from spikelearn import load_model
from spikelearn._errors import SpikelearnError
from spikelearn.networks.neurons import (
    LIF,
    NEURON_MODELS,
    QIF,
    AdaptiveLIF,
    AdEx,
    HodgkinHuxley,
    Izhikevich,
    NeuronModel,
)
from spikelearn.networks.spiking import SpikingNetwork
from spikelearn.simulation import simulate
from spikelearn.simulation.accuracy import STEPS_MS, accuracy_of, largest_step_ms
from spikelearn.simulation.trusted_step import TimeStepWarning

LEAKY: dict[str, Any] = {"v_rest_mv": -70.0, "v_threshold_mv": -55.0, "leak_ns": 10.0}
PUBLISHED: dict[str, list[NeuronModel]] = {
    "lif": [LIF(size=1, **LEAKY)],
    "adaptive_lif": [
        AdaptiveLIF(
            model="adaptive_lif", size=1, threshold_increment_mv=1.0, tau_threshold_ms=50.0, **LEAKY
        )
    ],
    "adex": [
        AdEx(model="adex", size=1),
        AdEx(model="adex", size=1, v_reset_mv=-47.2),  # bursts
    ],
    "izhikevich": [
        Izhikevich(model="izhikevich", size=1),
        Izhikevich(model="izhikevich", size=1, a_per_ms=0.1, d_mv_per_ms=2.0),  # fast-spiking
        Izhikevich(model="izhikevich", size=1, c_mv=-50.0, d_mv_per_ms=2.0, v_init_mv=-70.0),
    ],
    "qif": [QIF(model="qif", size=1, leak_ns=10.0)],
    "hodgkin_huxley": [HodgkinHuxley(model="hodgkin_huxley", size=1)],
}


def resting(model: NeuronModel, dt_ms: float, own_dt_ms: float | None = None) -> list[str]:
    """The warnings of a run."""
    network = SpikingNetwork(name="resting", populations={"cells": model}, dt_ms=own_dt_ms)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        simulate(network, None, 4.0, dt_ms)
    return [str(w.message) for w in caught if issubclass(w.category, TimeStepWarning)]


@pytest.mark.parametrize("name", PUBLISHED)
def test_what_a_model_says_is_what_is_measured_of_its_published_cells(name: str) -> None:
    model = NEURON_MODELS[name]
    assert model.trusted_dt_ms == min(largest_step_ms(cell) for cell in PUBLISHED[name])
    assert f"{model.trusted_dt_ms:g} ms" in " ".join((model.__doc__ or "").split())


def test_every_model_of_ours_is_measured() -> None:
    assert set(PUBLISHED) == {name for name, model in NEURON_MODELS.items() if model.in_files}


def test_the_table_shows_each_input_at_each_step() -> None:
    table = accuracy_of(Izhikevich(model="izhikevich", size=1), steps_ms=(0.5, 2.0))
    assert len(table) == 2 * 8  # it has no conductances
    assert not table.duplicated(["dt_ms", "input"]).any()
    below = table[table["input"] == "below threshold"]
    assert (below["spikes"] == 0).all()
    assert (below["v_error_mv"] < 0.1).all()
    assert (table.loc[table["input"] == "strong", "spikes_fine"] > 5).all()


def test_a_cell_that_cannot_be_measured_is_refused() -> None:
    with pytest.raises(SpikelearnError, match="accuracy is measured of one neuron, found 2"):
        accuracy_of(QIF(model="qif", size=2))
    with pytest.raises(SpikelearnError, match=r"no constant current up to .* makes a neuron of"):
        accuracy_of(LIF(size=1, v_threshold_mv=1e12))


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_step_beyond_what_is_trusted_is_said_once_with_what_would_be_right(name: str) -> None:
    cell = PUBLISHED[name][0]
    trusted = NEURON_MODELS[name].trusted_dt_ms
    assert trusted in STEPS_MS
    assert not resting(cell, trusted)
    (said,) = resting(cell, 2.0 * trusted)
    for word in ("'cells'", f"{2 * trusted:g} ms", f"{trusted:g} ms", cell.model):
        assert word in said


def test_leaky_networks_that_name_their_step_are_made_for_it() -> None:
    assert not resting(PUBLISHED["lif"][0], 2.0, own_dt_ms=2.0)
    assert resting(PUBLISHED["lif"][0], 4.0, own_dt_ms=2.0)
    assert resting(PUBLISHED["izhikevich"][0], 2.0, own_dt_ms=2.0)


def test_a_model_that_says_nothing_is_said_to() -> None:
    class Untold(Izhikevich):
        """The same, without a word on its step."""

        trusted_dt_ms: ClassVar[float | None] = None

    (said,) = resting(Untold(model="izhikevich", size=1), 0.1)
    assert "how large a time step neurons of model izhikevich bear is not known" in said
    assert "largest_step_ms" in said


def test_shipped_networks_run_at_steps_that_are_trusted() -> None:
    models = Path(__file__).parents[2] / "models"
    checked = 0
    for file in sorted(models.glob("*.yaml")):
        if "kind: spiking\n" in file.read_text(encoding="utf-8"):
            network = load_model(file.stem)
            assert isinstance(network, SpikingNetwork)
            for population in network.neurons.values():
                assert population.trusted_dt_ms is not None
                assert (network.dt_ms or 0.1) <= population.trusted_dt_ms
                checked += 1
    assert checked > 10
