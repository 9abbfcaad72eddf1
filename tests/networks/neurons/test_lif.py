"""Leaky integrate-and-fire neurons: units of currents, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from under_current import under_current

from spikelearn.networks.neurons import (
    LIF,
    NeuronModel,
    SpikeSource,
)
from spikelearn.networks.spiking import Projection, SpikingNetwork
from spikelearn.networks.synapses import ExponentialSynapse, Synapse
from spikelearn.simulation import simulate
from spikelearn.stimuli.stimulus import Stimulus

SILENT = 1e6  # a threshold that is never reached, mV


def through(
    cell: NeuronModel, synapse: Synapse, dt: float, ms: float, **weight: float
) -> np.ndarray:
    """Potential of one neuron after a spike at 1 ms."""
    network = SpikingNetwork(
        name="driven",
        populations={"in": SpikeSource(model="spike_source", size=1), "n": cell},
        projections=(Projection(source="in", target="n", synapse=synapse, **weight),),
    )
    stimulus = Stimulus.from_spike_times("in", [[1.0]])
    return simulate(network, stimulus, ms, dt, "native", record=("n",)).states["n.v_mv"][0, :, 0]


def test_currents_in_pa_are_those_in_mv_times_the_leak() -> None:
    synapse = ExponentialSynapse(model="exponential", tau_ms=5.0)
    cell = LIF(size=1, leak_ns=12.5, v_threshold_mv=SILENT)
    in_mv = through(cell, synapse, 0.1, 20.0, weight_mv=4.0)
    np.testing.assert_allclose(through(cell, synapse, 0.1, 20.0, weight_pa=50.0), in_mv, rtol=1e-13)
    a = under_current(cell, 3.0, "mv", 20.0, 0.1).states["n.v_mv"]
    b = under_current(cell, 37.5, "pa", 20.0, 0.1).states["n.v_mv"]
    np.testing.assert_allclose(a, b, rtol=1e-13)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"tau_m_ms": 0.0}, "tau_m_ms must be greater than 0"),
        (
            {"v_reset_mv": 2.0},
            "v_threshold_mv must lie above v_reset_mv, found v_threshold_mv 1 and v_reset_mv 2$",
        ),
        # It speaks of what was given: without a v_reset_mv, v is reset to rest.
        (
            {"v_rest_mv": 20.0, "v_threshold_mv": 15.0},
            "v_threshold_mv must lie above v_rest_mv, to which v is reset where there is no"
            " v_reset_mv, found v_threshold_mv 15 and v_rest_mv 20$",
        ),
        ({"v_threshold_mv": -50.0}, "v_threshold_mv -50 and v_rest_mv 0, its default$"),
        ({"v_rest_mv": [0.0, 1.5]}, "v_threshold_mv 1 and v_rest_mv 1.5 in neuron 1$"),
        (
            {"v_rest_mv": 3.0, "reset": "subtract"},
            "v_threshold_mv must lie above v_rest_mv, by whose distance v is lowered",
        ),
        ({"tau_m_ms": [1.0, 2.0, 3.0]}, "one for each of the 2 neurons, found 3"),
    ],
)
def test_parameters_that_cannot_be_are_refused(changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        LIF(**{"size": 2, "v_threshold_mv": 1.0, **changes})
