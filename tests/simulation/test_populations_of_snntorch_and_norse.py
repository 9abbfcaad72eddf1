"""The torch backends on another device than the processor."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from random_networks import make_case
from test_backends_agree import BRIAN2_CASES, KNIFE_EDGE_MV, assert_equal

from spikelearn._errors import SpikelearnError
from spikelearn.networks import SpikingNetwork
from spikelearn.simulation import check_backend, simulate
from spikelearn.simulation.torch import norse, snntorch
from spikelearn.stimuli.stimulus import Stimulus
from tests.rules.other_device import DEVICES, other_device

TARGETS = {"snntorch": snntorch.TARGETS["cpu"], "norse": norse.TARGETS["cpu"]}
HAS_GPU = torch.cuda.is_available()
needs_gpu = pytest.mark.skipif(not HAS_GPU, reason="there is no GPU")


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("case_name", BRIAN2_CASES)
@pytest.mark.parametrize("name", TARGETS)
def test_all_of_a_simulation_is_on_its_device_and_spikes_as_the_reference(
    name: str, case_name: str, device: torch.device
) -> None:
    case = make_case(BRIAN2_CASES[case_name])
    expected = case.reference()
    assert expected.margin_mv > KNIFE_EDGE_MV
    there = dataclasses.replace(TARGETS[name], device=device.type)
    with other_device(device):
        found = case.run(there)
    assert_equal(found, expected, case)


@pytest.mark.skipif(HAS_GPU, reason="there is a GPU")
@pytest.mark.parametrize("name", TARGETS)
def test_without_a_gpu_one_sentence_says_so(name: str) -> None:
    network = SpikingNetwork.from_yaml("lif_feedforward")
    (source,) = network.sources
    stimulus = Stimulus.from_spike_times(source, [[]] * network.sources[source])
    sentence = f"{name}:cuda needs a GPU .* {name}:cpu runs on"
    with pytest.raises(SpikelearnError, match=sentence):
        simulate(network, stimulus, 5.0, 0.5, f"{name}:cuda")


@needs_gpu
@pytest.mark.parametrize("name", TARGETS)
def test_on_a_gpu_the_semantics_hold(name: str) -> None:
    assert all(result.passed is not False for result in check_backend(f"{name}:cuda"))


@needs_gpu
@pytest.mark.parametrize("name", TARGETS)
def test_a_large_sparse_projection_is_the_same_on_a_gpu(name: str) -> None:
    network = SpikingNetwork(
        name="large",
        populations={
            "in": {"model": "spike_source", "size": 9000},  # type: ignore[dict-item]
            "n": {"model": "lif", "size": 9000, "v_threshold_mv": 1.0},  # type: ignore[dict-item]
        },
        projections=(
            {
                "source": "in", "target": "n", "weight_mv": 0.2,
                "connectivity": {"kind": "fixed_probability", "probability": 0.01},
            },
        ),  # type: ignore[arg-type]
    )  # fmt: skip
    times = np.random.default_rng(0).integers(0, 100, (9000, 3))
    stimulus = Stimulus.from_spike_times("in", [np.unique(t).tolist() for t in times])
    found = [
        simulate(network, stimulus, 100.0, 1.0, backend)["n"]
        for backend in ("native", f"{name}:cuda")
    ]
    assert len(found[0]) > 1000
    np.testing.assert_array_equal(found[0].times_ms, found[1].times_ms)
    np.testing.assert_array_equal(found[0].senders, found[1].senders)
