"""Synapses onto a population that are alike share a channel, which all hand down by its number."""

from __future__ import annotations

from typing import Any

import pytest

from spikelearn.networks.spiking import SpikingNetwork
from spikelearn.networks.synapses import AlphaSynapse, DeltaSynapse, ExponentialSynapse
from spikelearn.simulation.grid.network import channels_onto, to_grid
from spikelearn.stimuli.stimulus import Stimulus

FAST: Any = ExponentialSynapse(model="exponential", tau_ms=2.0)
SLOW: Any = ExponentialSynapse(model="exponential", tau_ms=20.0)
ROUND: Any = AlphaSynapse(model="alpha", tau_ms=5.0)
DELTA: Any = DeltaSynapse()


def network(synapses: list[Any], background: list[Any]) -> SpikingNetwork:
    """Populations a and b; projections from a onto b, and background onto b; one onto a."""
    onto_b = [
        {"source": "a", "target": "b", "synapse": synapse, "weight_mv": 1.0} for synapse in synapses
    ]
    populations: Any = {name: {"model": "lif", "size": 2, "v_threshold_mv": 1.0} for name in "ab"}
    return SpikingNetwork(
        name="x",
        populations=populations,
        projections=(*onto_b, {"source": "b", "target": "a", "synapse": SLOW, "weight_mv": 1.0}),  # type: ignore[arg-type]
        background=tuple(
            {"target": "b", "rate_hz": 1.0, "weight_mv": 1.0, "synapse": synapse}  # type: ignore[misc]
            for synapse in background
        ),
    )


@pytest.mark.parametrize(
    ("synapses", "background", "expected"),
    [
        ([FAST, SLOW, FAST], [SLOW], {FAST: 0, SLOW: 1}),
        # Spikes jump the second of an alpha synapse's two.
        ([ROUND, FAST], [], {ROUND: 1, FAST: 2}),
        ([FAST, DELTA, ROUND], [SLOW, DELTA], {FAST: 0, DELTA: None, ROUND: 2, SLOW: 3}),
        ([], [DELTA], {DELTA: None}),
    ],
)
def test_channels_are_numbered_in_the_order_of_the_description(
    synapses: list[Any], background: list[Any], expected: dict[Any, int | None]
) -> None:
    net = network(synapses, background)
    channels = channels_onto(net)
    assert channels["b"] == expected
    assert list(channels["b"]) == list(expected)
    assert channels["a"] == {SLOW: 0}
    grid = to_grid(net, Stimulus(), 1.0, 0.1, 0, ())
    handed_down = [item.channel for item in (*grid.synapses[: len(synapses)], *grid.background)]
    assert handed_down == [expected[synapse] for synapse in (*synapses, *background)]
    for synapse, channel in expected.items():
        if channel is not None:
            assert grid.neurons["b"].channels[channel].tau_ms == synapse.tau_ms
        if synapse == ROUND:
            assert grid.neurons["b"].channels[channel].feeds == channel - 1  # type: ignore[operator]
