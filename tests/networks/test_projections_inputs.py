"""Projections and input: one weight in a fitting unit, and synapses as they are described."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from spikelearn._errors import SpikelearnError
from spikelearn.networks.inputs import BackgroundInput, NoiseInput
from spikelearn.networks.neurons import LIF
from spikelearn.networks.projections import Projection, draw_synapses


def drawn(n_source: int, n_target: int, **fields: Any) -> Any:
    return draw_synapses(
        Projection(source="a", target="b", **fields), n_source, n_target, np.random.default_rng(0)
    )


def test_a_matrix_of_weights_is_every_pair_with_its_entry() -> None:
    matrix = np.arange(6.0).reshape(2, 3)
    synapses = drawn(2, 3, weight_mv=matrix)
    assert synapses.full
    again = np.zeros((2, 3))
    again[synapses.pre, synapses.post] = synapses.weight
    np.testing.assert_array_equal(again, matrix)


def test_pairs_keep_their_order_and_weights() -> None:
    pairs = {"kind": "pairs", "pre": [1, 0, 1], "post": [2, 2, 0]}
    synapses = drawn(2, 3, connectivity=pairs, weight_pa=np.array([5.0, 6.0, 7.0]))
    assert synapses.pre.tolist() == [1, 0, 1]
    assert synapses.post.tolist() == [2, 2, 0]
    assert synapses.weight.tolist() == [5.0, 6.0, 7.0]


def test_a_convolution_shares_its_kernel_between_places() -> None:
    shape = {"input_shape": [1, 4, 4], "channels": 1, "kernel_size": 2}
    synapses = drawn(
        16, 9, connectivity={"kind": "convolution", **shape},
        weight_mv={"distribution": "normal", "mean": 0.0, "sd": 1.0},
    )  # fmt: skip
    assert synapses.pre.size == 9 * 4
    assert len(set(synapses.weight.tolist())) == 4


def test_connectivity_that_does_not_fit_is_refused_by_the_projections_name() -> None:
    with pytest.raises(SpikelearnError, match="projection a->b: one-to-one connectivity"):
        drawn(2, 3, connectivity={"kind": "one_to_one"}, weight_mv=1.0)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "one weight is needed"),
        ({"weight_mv": 1.0, "weight_pa": 1.0}, "found weight_mv and weight_pa"),
        ({"weight_ns": -1.0}, "a conductance is not negative"),
        ({"weight_mv": 1.0, "delay_ms": -1.0}, "delay_ms: must be greater than or equal to 0"),
    ],
)
def test_a_projection_has_one_weight_and_no_negative_delay(fields: dict, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Projection(source="a", target="b", **fields)


def test_input_that_does_not_fit_its_target_says_what_would() -> None:
    cells = LIF(size=2, v_threshold_mv=1.0)
    noise = NoiseInput(target="b", unit="pa", sd=1.0, interval_ms=1.0)
    assert noise.mistake(cells) == "unit must be mv, found pa"
    sd = NoiseInput(target="b", unit="mv", sd=[1.0, 2.0, 3.0], interval_ms=1.0)
    assert "one for each of the 2 neurons, found 3" in str(sd.mistake(cells))
    current = {"model": "exponential", "tau_ms": 5.0}
    background = BackgroundInput(target="b", rate_hz=1.0, weight_pa=1.0, synapse=current)
    assert "set its leak_ns" in str(background.mistake(cells))
    with pytest.raises(ValueError, match="stop_ms must lie after start_ms"):
        BackgroundInput(target="b", rate_hz=1.0, weight_mv=1.0, start_ms=5.0, stop_ms=5.0)
