"""Networks of spike times: what their descriptions refuse, and what input they see."""

from __future__ import annotations

import math

import pytest
import torch

from spikelearn.networks import LatencyCNN, LatencyMLP


def test_a_pixel_spikes_the_earlier_the_brighter_it_is() -> None:
    description = LatencyMLP(name="l", sizes=(3, 4, 2), latency_ms=10.0, dt_ms=0.5)
    clock = description.input_clock(torch.tensor([[1.0, 0.5, 0.05]], dtype=torch.float64))
    assert clock[0, 0] == 1.0
    assert clock[0, 1].item() == pytest.approx(math.exp(-5.0 / description.tau_m_ms))
    assert clock[0, 2] == 0.0  # fainter than min_intensity


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"latency_ms": 30.0, "duration_ms": 30.0}, "latency_ms must be shorter than duration_ms"),
        ({"duration_ms": 1e4}, "20 times tau_m_ms at most"),
        ({"weight_mean": (1.0, 2.0, 3.0)}, "one number, or one a layer"),
    ],
)
def test_settings_that_do_not_fit_together_are_refused(fields: dict, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        LatencyMLP(name="l", sizes=(3, 4, 2), **fields)


def test_maps_shrink_by_kernel_stride_and_pooling() -> None:
    description = LatencyCNN(
        name="c", input_shape=(1, 28, 28), channels=(4, 6), kernel_size=5, pool=(2, 2)
    )
    assert description.shapes == [(1, 28, 28), (4, 12, 12), (6, 4, 4)]
    assert description.fans_in == (25, 100, 96)
    by_layer = description.changed({"kernel_size": [5, 14], "padding": [2, 0], "pool": [2, 1]})
    assert by_layer.shapes == [(1, 28, 28), (4, 14, 14), (6, 1, 1)]
    assert by_layer.fans_in == (25, 784, 6)
    with pytest.raises(ValueError, match="make an image of 28 x 28 vanish"):
        LatencyCNN(name="c", input_shape=(1, 28, 28), channels=(4,), kernel_size=5, pool=(25,))


def test_the_score_of_an_output_neuron_is_how_early_it_fires() -> None:
    description = LatencyMLP(name="l", sizes=(3, 4, 2))
    network = description.build(0)
    output = torch.tensor([[math.exp(-0.5), 0.0]])  # after half a time constant, and never
    highest = torch.tensor([[2.0, 0.5]])
    early, never = network.scores(output, highest)[0].tolist()
    assert early == pytest.approx(-0.5 * description.tau_m_ms, rel=1e-5)
    assert never == pytest.approx(-description.duration_ms - 0.5, rel=1e-5)
