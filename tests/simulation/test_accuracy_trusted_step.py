"""The measure of how large a step a model bears, and the word where a run goes beyond it."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
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
    SpikeSource,
)
from spikelearn.networks.spiking import Projection, SpikingNetwork
from spikelearn.networks.synapses import ExponentialSynapse
from spikelearn.simulation import simulate
from spikelearn.simulation.accuracy import STEPS_MS, accuracy_of, largest_step_ms
from spikelearn.simulation.given import time_step
from spikelearn.simulation.trusted_step import TimeStepWarning, trusted_step, warn_of_step
from spikelearn.stimuli.stimulus import Stimulus

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
    measured = min(largest_step_ms(cell) for cell in PUBLISHED[name])
    # Its input comes on the grid of 2 ms; what spikes between do to axons is below.
    assert measured == (2.0 if name == "hodgkin_huxley" else model.trusted_dt_ms)
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
            with warnings.catch_warnings():
                warnings.simplefilter("error", TimeStepWarning)
                warn_of_step(network, time_step(network))
    assert checked > 10


IZHIKEVICH: dict[str, Any] = {"model": "izhikevich", "size": 1}
FAST: dict[str, tuple[NeuronModel, str, float, float]] = {  # cell, unit, current, trusted step
    "lif": (LIF(size=1, tau_m_ms=2.0, v_threshold_mv=10.0), "mv", 20.0, 0.1),
    "lif_5": (LIF(size=1, tau_m_ms=5.0, v_threshold_mv=10.0), "mv", 20.0, 0.25),
    "refractory": (LIF(size=1, v_threshold_mv=10.0, refractory_ms=2.0), "mv", 47.0, 0.5),
    "qif": (QIF(model="qif", size=1, tau_m_ms=1.0), "mv", 15.0, 0.5),
    "izhikevich_b": (Izhikevich(b_per_ms=20.0, **IZHIKEVICH), "mv_per_ms", 10.0, 0.132),
    "izhikevich_a": (Izhikevich(a_per_ms=1.0, **IZHIKEVICH), "mv_per_ms", 20.0, 0.125),
    "adex": (
        AdEx(model="adex", size=1, capacitance_pf=100.0, v_reset_mv=-47.2), "pa", 1500.0, 0.238
    ),
    "some_of_them": (LIF(size=2, tau_m_ms=np.array([20.0, 5.0]), v_threshold_mv=10.0), "mv", 20.0,
        0.25),
}  # fmt: skip


def spikes_at(cell: NeuronModel, unit: str, current: float, dt_ms: float) -> int:
    network = SpikingNetwork(name="driven", populations={"cells": cell})
    flowing = np.full((1, round(400.0 / dt_ms), 1), current)
    stimulus = Stimulus(**{f"currents_{unit}": {"cells": flowing}})  # type: ignore[arg-type]
    return simulate(network, stimulus, 400.0, dt_ms).n_spikes


@pytest.mark.parametrize("name", FAST)
def test_fast_cells_are_trusted_with_less_and_right_there(name: str) -> None:
    cell, unit, current, expected = FAST[name]
    network = SpikingNetwork(name="fast", populations={"cells": cell})
    trusted, because = trusted_step(network, "cells")
    assert trusted == pytest.approx(expected, abs=1e-3)
    dt_ms = max(dt for dt in (0.1, 0.125, 0.2, 0.25, 0.5) if dt <= expected + 0.003)
    fine = spikes_at(cell, unit, current, 0.01)
    assert fine > 20
    assert abs(spikes_at(cell, unit, current, dt_ms) - fine) <= 1 + fine / 8
    (said,) = resting(cell, 1.0)
    for word in ("'cells'", "1 ms", because.strip(), f"{expected:g} ms"):
        assert word in said


def test_cells_like_the_measured_ones_or_slower_are_trusted_as_their_model() -> None:
    for cells in PUBLISHED.values():
        for cell in cells:
            network = SpikingNetwork(name="published", populations={"cells": cell})
            assert trusted_step(network, "cells") == (cell.trusted_dt_ms, "")
    slow = SpikingNetwork(
        name="slow", populations={"cells": LIF(size=1, tau_m_ms=100.0, v_threshold_mv=1.0)}
    )
    assert trusted_step(slow, "cells") == (1.0, "")


def with_synapses(cell: NeuronModel, *tau_ms: float) -> SpikingNetwork:
    return SpikingNetwork(
        name="driven",
        populations={"in": SpikeSource(model="spike_source", size=1), "cells": cell},
        projections=tuple(
            Projection(
                source="in",
                target="cells",
                synapse=ExponentialSynapse(model="exponential", tau_ms=tau, reversal_mv=reversal),
                weight_ns=100.0,
            )
            for tau, reversal in zip(tau_ms, (0.0, -80.0), strict=False)
        ),
    )


def test_fast_synapses_ask_for_half_their_time_constant() -> None:
    cell = LIF(size=1, **LEAKY)
    assert trusted_step(with_synapses(cell, 5.0), "cells") == (1.0, "")
    trusted, because = trusted_step(with_synapses(cell, 5.0, 0.5), "cells")
    assert trusted == 0.25
    assert "tau_ms 0.5 ms" in because
    with pytest.warns(TimeStepWarning, match=r"'cells'.*tau_ms 0.5 ms, 0.25 ms"):
        warn_of_step(with_synapses(cell, 0.5), 1.0)


def test_axons_are_right_at_their_step_where_spikes_come_at_any_time() -> None:
    axon = PUBLISHED["hodgkin_huxley"][0]
    times = np.sort(np.random.default_rng(1).uniform(0.0, 990.0, (2, 990)))
    driven = with_synapses(axon, 2.0)
    inhibited = with_synapses(axon, 2.0, 5.0).projections[1]
    network = driven.model_copy(
        update={
            "populations": {**driven.populations, "in2": driven.populations["in"]},
            "projections": (
                *driven.projections,
                inhibited.model_copy(update={"source": "in2"}),
            ),
        }
    )
    stimulus = Stimulus(
        spikes={
            name: Stimulus.from_spike_times(name, [row.tolist()]).spikes[name]
            for name, row in zip(("in", "in2"), times, strict=True)
        }
    )
    fine, trusted = (len(simulate(network, stimulus, 1000.0, dt)["cells"]) for dt in (0.01, 1.0))
    assert fine > 20
    assert abs(trusted - fine) <= 1 + fine / 8
    with pytest.warns(TimeStepWarning, match="2 ms is larger"):
        simulate(network, stimulus, 1000.0, 2.0)
