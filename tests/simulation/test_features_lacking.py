"""What an engine lacks is found in the network and refused by name; the others are named."""

from __future__ import annotations

from typing import Any

import pytest
from engines import having, lacking

from spikelearn._errors import UnsupportedFeatureError
from spikelearn.networks.spiking import SpikingNetwork
from spikelearn.simulation import simulate
from spikelearn.simulation.features import required_features
from spikelearn.simulation.grid.network import to_grid
from spikelearn.simulation.grid.neurons import (
    ADAPTIVE_THRESHOLDS,
    ALPHA_SYNAPSES,
    SEVERAL_KINDS,
    SUBTRACTING_RESETS,
    USUAL,
)
from spikelearn.stimuli.stimulus import Stimulus

JUMP, CURRENT = {"model": "delta"}, {"model": "exponential", "tau_ms": 3.0}
ALPHA = {"model": "alpha", "tau_ms": 2.0}
ADAPTIVE = {"model": "adaptive_lif", "threshold_increment_mv": 1.0, "tau_threshold_ms": 9.0}


def network(cell: dict[str, Any], *synapses: dict[str, Any]) -> SpikingNetwork:
    """A population with these synapses onto it."""
    background = [{"target": "n", "rate_hz": 9.0, "weight_mv": 1.0, "synapse": s} for s in synapses]
    lif = {"model": "lif", "size": 2, "v_threshold_mv": 10.0}
    return SpikingNetwork(name="x", populations={"n": {**lif, **cell}}, background=background)


NEEDS: dict[str, tuple[SpikingNetwork, set[str]]] = {
    "nothing": (network({}), set()),
    "one kind": (network({}, CURRENT, {**CURRENT, "tau_ms": 5.0}), set()),
    "jumps alone": (network({}, JUMP), set()),
    "alpha alone": (network({}, ALPHA), {ALPHA_SYNAPSES}),
    "subtracting": (network({"reset": "subtract"}), {SUBTRACTING_RESETS}),
    "adaptive": (network(ADAPTIVE), {ADAPTIVE_THRESHOLDS}),
    "jump and current": (network({}, JUMP, CURRENT), {SEVERAL_KINDS}),
    "jump and alpha": (network({}, JUMP, ALPHA), {SEVERAL_KINDS, ALPHA_SYNAPSES}),
    "current and alpha": (network({}, CURRENT, ALPHA), {SEVERAL_KINDS, ALPHA_SYNAPSES}),
}


@pytest.mark.parametrize("name", NEEDS)
def test_what_a_network_needs_is_found_and_refused_where_it_is_lacking(name: str) -> None:
    net, needed = NEEDS[name]
    grid = to_grid(net, Stimulus(), 1.0, 0.1, 0, ())
    assert set(required_features(grid, "float64")) == needed
    for words in needed:
        for backend in lacking(words) if words in USUAL else ():
            with pytest.raises(UnsupportedFeatureError) as raised:
                simulate(net, None, 1.0, 0.1, backend)
            said = str(raised.value)
            assert "\n" not in said
            assert f"backend '{backend}' has no " in said
    assert simulate(net, None, 1.0, 0.1, "auto").provenance["backend"] == "native"


@pytest.mark.parametrize("words", sorted(USUAL))
def test_who_has_what_one_lacks_is_told(words: str) -> None:
    net = next(net for net, needed in NEEDS.values() if needed == {words})
    for backend in lacking(words):
        with pytest.raises(UnsupportedFeatureError) as raised:
            simulate(net, None, 1.0, 0.1, backend)
        for word in (words, *having(words)):
            assert word in str(raised.value)
