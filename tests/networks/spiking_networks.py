"""A spiking network that uses every field, and equality field by field."""

from __future__ import annotations

import numpy as np

from spikelearn.networks.plasticity import PairSTDP
from spikelearn.networks.spiking import (
    LIF,
    AdaptiveLIF,
    BackgroundInput,
    ExponentialSynapse,
    Projection,
    SpikeSource,
    SpikingNetwork,
)


def everything() -> SpikingNetwork:
    """A network that uses every field."""
    rng = np.random.default_rng(0)
    return SpikingNetwork(
        name="everything",
        description="All fields: ünïcode, 'quotes', and a colon.",
        reference="nobody 2000",
        populations={
            "in": SpikeSource(model="spike_source", size=3),
            "a": LIF(
                size=2,
                tau_m_ms=np.array([10.0, 20.0]),
                v_rest_mv=-70.0,
                v_threshold_mv=np.array([-50.0, -1 / 3]),
                v_reset_mv=-65.0,
                v_init_mv=-60.0,
                refractory_ms=2.0,
            ),
            "b": AdaptiveLIF(
                model="adaptive_lif",
                size=2,
                v_threshold_mv=1.0,
                threshold_increment_mv=0.1,
                tau_threshold_ms=np.array([1e7, 50.0]),
                reset="subtract",
            ),
        },
        projections=(
            Projection(
                source="in",
                target="b",
                weight_mv=rng.normal(0.3, 0.1, (3, 2)),
                delay_ms=0.5,
                plasticity=PairSTDP(a_plus=0.1, a_minus=0.2, normalise_sum=3.0),
            ),
            Projection(
                source="a",
                target="b",
                connectivity={"kind": "fixed_in_degree", "in_degree": 1},
                weight_mv={"distribution": "normal", "mean": 1.0, "sd": 0.5},
            ),
            Projection(
                source="b",
                target="b",
                connectivity={"kind": "all_to_all", "allow_self": False},
                weight_mv=rng.normal(size=(2, 2)),
                synapse=ExponentialSynapse(model="exponential", tau_ms=5.0),
            ),
            Projection(
                source="in",
                target="a",
                connectivity={"kind": "fixed_probability", "probability": 0.5},
                weight_mv=1.5,
            ),
        ),
        background=(BackgroundInput(target="a", rate_hz=100.0, weight_mv=0.1),),
        record=("a", "in"),
    )


def assert_equal(a: SpikingNetwork, b: SpikingNetwork) -> None:
    """Field by field, arrays bit by bit."""
    assert a.model_dump() == b.model_dump()
    for p, q in zip(a.projections, b.projections, strict=True):
        assert isinstance(p.weight_mv, np.ndarray) == isinstance(q.weight_mv, np.ndarray)
        if isinstance(p.weight_mv, np.ndarray):
            np.testing.assert_array_equal(p.weight_mv, q.weight_mv)
