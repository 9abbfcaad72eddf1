"""What a network needs of an engine beyond what every engine has, in the words of its refusal."""

from __future__ import annotations

from spikelearn.simulation.grid.inputs import SEVERAL_SPIKES
from spikelearn.simulation.grid.network import GridNetwork
from spikelearn.simulation.grid.neurons import (
    ADAPTIVE_THRESHOLDS,
    ALPHA_SYNAPSES,
    CONDUCTANCES,
    REWARD_PLASTICITY,
    SEVERAL_KINDS,
    SUBTRACTING_RESETS,
    VOLTAGE_PLASTICITY,
)


def required_features(grid: GridNetwork, precision: str) -> list[str]:
    """What a backend must be able to do to run this.

    Parameters
    ----------
    grid : GridNetwork
    precision : {"float64", "float32"}
    """
    features = ["plasticity"] if grid.plastic else []
    if any(rule.clopath is not None for rule in grid.rules):
        features.append(VOLTAGE_PLASTICITY)
    if any(rule.reward is not None for rule in grid.rules):
        features.append(REWARD_PLASTICITY)
    populations = grid.neurons.values()
    models = {p.model for p in populations if not p.model.leaky}
    features += sorted(model.in_words for model in models)
    if any(p.conducting for p in populations):
        features.append(CONDUCTANCES)
    if any(channel.feeds is not None for p in populations for channel in p.channels):
        features.append(ALPHA_SYNAPSES)
    if any(grid.several_kinds(name) for name in grid.neurons):
        features.append(SEVERAL_KINDS)
    if any(p.subtract for p in populations):
        features.append(SUBTRACTING_RESETS)
    if any(p.theta_init is not None for p in populations):
        features.append(ADAPTIVE_THRESHOLDS)
    if any(source.most > 1 for source in grid.sources.values()):
        features.append(SEVERAL_SPIKES)
    if precision == "float32":
        features.append("32-bit arithmetic")
    return features
