"""Brian2 in this process: on Cython it spikes and learns as on NumPy."""

from __future__ import annotations

import os

import numpy as np
import pytest
from random_networks import make_case
from test_backends_agree import BRIAN2_CASES, BRIAN2_MODELS, spikes_of
from test_plasticity import RULES, plastic_case

from spikelearn._errors import SpikelearnError
from spikelearn.networks.spiking import LIF, SpikingNetwork
from spikelearn.simulation import check_backend, simulate
from spikelearn.simulation.brian2.session import compiler
from spikelearn.simulation.checks import PROPERTIES

needs_compiler = pytest.mark.skipif(
    compiler() is None or os.name == "nt", reason="needs c++, g++ or clang++"
)


@pytest.mark.slow
@needs_compiler
# Cython compiles each piece of code for seconds: what differs most from one another.
@pytest.mark.parametrize(
    "name", ["refractory_and_currents", "adaptive_with_background", "conductances"]
)
def test_cython_spikes_as_numpy(name: str) -> None:
    case = make_case({**BRIAN2_CASES, **BRIAN2_MODELS}[name])
    compiled, expected = (case.run(f"brian2:{target}") for target in ("cython", "numpy"))
    assert spikes_of(compiled) == spikes_of(expected)
    # Only exponentials may be rounded differently.
    tolerance_mv = 1e-9 if name == "conductances" else 0.0
    for key, state in expected.states.items():
        np.testing.assert_allclose(compiled.states[key], state, rtol=0, atol=tolerance_mv)


@pytest.mark.slow
@needs_compiler
@pytest.mark.parametrize("rule", RULES)
def test_cython_learns_as_numpy(rule: str) -> None:
    case = plastic_case(rule, seed=1, normalised=True)
    compiled, expected = (case.run(f"brian2:{target}") for target in ("cython", "numpy"))
    assert spikes_of(compiled) == spikes_of(expected)
    learnt = expected.weights["in->n"]
    np.testing.assert_allclose(compiled.weights["in->n"], learnt, rtol=0, atol=1e-10)


@pytest.mark.slow
@needs_compiler
@pytest.mark.parametrize("name", PROPERTIES)
def test_cython_keeps_to_the_semantics(name: str) -> None:
    assert [r.passed for r in check_backend("brian2:cython", properties=[name])] == [True]


def test_without_a_compiler_cython_is_refused_in_a_sentence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("spikelearn.simulation.brian2.in_process.compiler", lambda: None)
    network = SpikingNetwork(name="n", populations={"n": LIF(size=1, v_threshold_mv=1.0)})
    with pytest.raises(SpikelearnError, match="cython target needs a C\\+\\+ compiler"):
        simulate(network, None, 10.0, 0.1, "brian2:cython")
