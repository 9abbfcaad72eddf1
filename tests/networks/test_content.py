"""Networks are told apart by what they consist of."""

from __future__ import annotations

import json

import numpy as np
import pytest

from spikelearn.networks import load_model
from spikelearn.networks.content import content, difference
from spikelearn.networks.spiking import SpikingNetwork

WEIGHTS = np.arange(6.0).reshape(2, 3)


def described(**changes) -> SpikingNetwork:
    given = {
        "name": "two",
        "populations": {
            "in": {"model": "spike_source", "size": 2},
            "out": {"model": "lif", "size": 3, "v_threshold_mv": 5.0, "tau_m_ms": 20.0},
        },
        "projections": [{"source": "in", "target": "out", "weight_mv": WEIGHTS, "delay_ms": 1.0}],
        "background": [{"target": "out", "rate_hz": 100.0, "weight_mv": 0.5}],
    }
    return SpikingNetwork.model_validate(given | changes)


def through_a_file(network: SpikingNetwork) -> dict:
    """What a file of spikes holds of it."""
    return json.loads(json.dumps(content(network)))


@pytest.mark.parametrize(
    "name", ["brunel2000", "izhikevich2003", "vogels_abbott_coba", "diehl_cook2015"]
)
def test_a_network_is_what_its_file_says(name) -> None:
    network = load_model(name)
    assert difference(content(network), network) is None
    assert difference(through_a_file(network), load_model(name)) is None


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"populations": {"in": {"model": "spike_source", "size": 2},
                             "out": {"model": "lif", "size": 3, "v_threshold_mv": 5.0,
                                     "tau_m_ms": 21.0}}},
            "populations.out.tau_m_ms is 20.0 there and 21.0 here",
        ),
        (
            {"populations": {"in": {"model": "spike_source", "size": 2},
                             "out": {"model": "qif", "size": 3}}},
            "populations.out.model is 'lif' there and 'qif' here",
        ),
        (
            {"projections": [{"source": "in", "target": "out", "weight_mv": WEIGHTS + 1e-9,
                              "delay_ms": 1.0}]},
            "projections[in->out].weight_mv is 'array of shape (2, 3), SHA-256",
        ),
        (
            {"projections": [{"source": "in", "target": "out", "weight_mv": WEIGHTS}]},
            "projections[in->out].delay_ms is 1.0 there and absent here",
        ),
        ({"projections": []}, "projections[in->out] is there and not here"),
        (
            {"background": [{"target": "out", "rate_hz": 200.0, "weight_mv": 0.5}]},
            "background[out].rate_hz is 100.0 there and 200.0 here",
        ),
        (
            {"noise": [{"target": "out", "unit": "mv", "sd": 1.0, "interval_ms": 1.0}]},
            "noise[out] is here and not there",
        ),
    ],
)  # fmt: skip
def test_what_differs_is_named(changes, sentence) -> None:
    found = difference(through_a_file(described()), described(**changes))
    assert found is not None
    assert found.startswith(sentence)


def test_names_and_what_is_recorded_do_not_matter() -> None:
    recorded = through_a_file(described())
    same = described(name="other", description="x", record=("in",), dt_ms=0.5)
    assert difference(recorded, same) is None


def test_files_that_say_only_an_arrays_shape_are_read() -> None:
    recorded = through_a_file(described())
    (projection,) = recorded["projections"]
    projection["weight_mv"] = "array of shape (2, 3)"
    assert difference(recorded, described()) is None
    projection["weight_mv"] = "array of shape (3, 2)"
    assert "array of shape (3, 2)" in str(difference(recorded, described()))
