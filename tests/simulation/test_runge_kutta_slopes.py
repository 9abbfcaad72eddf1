"""A step of the native engine's stepper: the classic one of fourth order, of any model's slopes."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pytest

from spikelearn.networks.neurons import NEURON_MODELS
from spikelearn.networks.spiking import SpikingNetwork
from spikelearn.simulation import simulate

STEPPED = [name for name, model in NEURON_MODELS.items() if callable(model.slopes)]
DT_MS, N_STEPS = 0.02, 5  # short enough for one step of Hodgkin-Huxley neurons


def by_hand(cell: Any, n_steps: int) -> list[float]:
    """The potential after each step, from the model's slopes as plain Python."""
    start = np.array(float(cell.init_mv))
    variables = {name: float(value) for name, value in cell.grid_variables(start).items()}
    given = {name: float(value) for name, value in cell.grid_parameters().items()}
    given |= {"drive": 0.0, "conductance": 0.0}
    names = inspect.signature(cell.slopes).parameters

    def slopes(y: np.ndarray) -> np.ndarray:
        values = given | dict(zip(("v", *variables), y.tolist(), strict=True))
        return np.array(cell.slopes(**{name: values[name] for name in names}))

    y, found = np.array([float(start), *variables.values()]), []
    for _ in range(n_steps):
        k1 = slopes(y)
        k2 = slopes(y + DT_MS / 2 * k1)
        k3 = slopes(y + DT_MS / 2 * k2)
        k4 = slopes(y + DT_MS * k3)
        y = y + DT_MS / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        found.append(float(y[0]))
    return found


@pytest.mark.parametrize("name", STEPPED)
def test_a_step_of_every_model_is_runge_kuttas_of_its_slopes(name: str) -> None:
    model = NEURON_MODELS[name]
    rest = float(model(model=name, size=1).init_mv)
    cell = model(model=name, size=1, v_init_mv=rest + 3.0)
    network = SpikingNetwork(name="alone", populations={"n": cell})
    activity = simulate(network, None, N_STEPS * DT_MS, DT_MS, "native", record=("n",))
    v = activity.states["n.v_mv"][0, :, 0]
    assert abs(v[-1] - v[0]) > 1e-4
    np.testing.assert_allclose(v, by_hand(cell, N_STEPS), rtol=1e-12)
