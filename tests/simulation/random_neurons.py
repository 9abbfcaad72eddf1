"""Neurons of every model with parameters drawn at random, for `random_networks`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from spikelearn.networks.neurons import (
    LIF,
    QIF,
    AdaptiveLIF,
    AdEx,
    HodgkinHuxley,
    Izhikevich,
    NeuronModel,
)

# Model -> the unit of a current, and the size of a current or of a weight that makes it spike.
CURRENTS = {
    "lif": ("mv", 25.0),
    "adex": ("pa", 1500.0),
    "izhikevich": ("mv_per_ms", 20.0),
    "hodgkin_huxley": ("pa", 3000.0),
    "qif": ("mv", 25.0),
}

Draw = Callable[[float, float], Any]


def random_neurons(features: Any, size: int, rng: np.random.Generator) -> NeuronModel:
    """A population as the features of a random network ask for it."""
    shape = size if features.per_neuron else None

    def draw(low: float, high: float) -> float | np.ndarray:
        values = rng.uniform(low, high, shape)
        return float(values) if shape is None else values

    return _DRAWN[features.model](features, size, draw)


def _leaky(features: Any, size: int, draw: Draw) -> NeuronModel:
    rest = features.rest_mv
    common = {
        "size": size,
        "tau_m_ms": draw(5.0, 25.0) if features.per_neuron else 10.0,
        "v_rest_mv": rest,
        "v_threshold_mv": rest + draw(8.0, 12.0),
        "v_reset_mv": rest + draw(-4.0, 4.0),
        "v_init_mv": rest + draw(-5.0, 5.0),
        "refractory_ms": features.refractory_steps * features.dt_ms,
        "reset": "subtract" if features.subtract else "to_value",
    }
    if features.conducting:
        common["leak_ns"] = draw(8.0, 12.0)
    if not features.adaptive:
        return LIF(**common)
    return AdaptiveLIF(
        **common,
        model="adaptive_lif",
        threshold_increment_mv=draw(0.5, 3.0),
        tau_threshold_ms=draw(10.0, 50.0),
        threshold_offset_mv=draw(-1.0, 1.0),
    )


def _adex(features: Any, size: int, draw: Draw) -> NeuronModel:
    return AdEx(
        model="adex",
        size=size,
        capacitance_pf=draw(150.0, 300.0),
        a_ns=draw(0.0, 8.0),
        b_pa=draw(0.0, 100.0),
        tau_w_ms=draw(20.0, 150.0),
        v_peak_mv=draw(-20.0, 20.0),
        v_reset_mv=draw(-75.0, -55.0),
        v_init_mv=draw(-75.0, -60.0),
        refractory_ms=features.refractory_steps * features.dt_ms,
    )


def _izhikevich(features: Any, size: int, draw: Draw) -> NeuronModel:
    return Izhikevich(
        model="izhikevich",
        size=size,
        a_per_ms=draw(0.02, 0.1),
        c_mv=draw(-65.0, -50.0),
        d_mv_per_ms=draw(2.0, 8.0),
        v_init_mv=draw(-75.0, -60.0),
        refractory_ms=features.refractory_steps * features.dt_ms,
    )


def _hodgkin_huxley(features: Any, size: int, draw: Draw) -> NeuronModel:
    return HodgkinHuxley(
        model="hodgkin_huxley",
        size=size,
        capacitance_pf=draw(90.0, 110.0),
        sodium_ns=draw(11_000.0, 13_000.0),
        v_init_mv=draw(-75.0, -60.0),
    )


def _qif(features: Any, size: int, draw: Draw) -> NeuronModel:
    return QIF(
        model="qif",
        size=size,
        tau_m_ms=draw(8.0, 20.0),
        v_critical_mv=draw(-55.0, -45.0),
        a_per_mv=draw(0.03, 0.1) if features.subtract else None,
        v_peak_mv=draw(-20.0, 20.0),
        v_reset_mv=draw(-75.0, -60.0),
        v_init_mv=draw(-75.0, -60.0),
        leak_ns=draw(8.0, 12.0) if features.conducting else None,
        refractory_ms=features.refractory_steps * features.dt_ms,
    )


_DRAWN: dict[str, Callable[[Any, int, Draw], NeuronModel]] = {
    "lif": _leaky,
    "adex": _adex,
    "izhikevich": _izhikevich,
    "hodgkin_huxley": _hodgkin_huxley,
    "qif": _qif,
}
