"""The engines that the tests run: every one in BACKENDS, by what it has. None is named here."""

from __future__ import annotations

from spikelearn.simulation import BACKENDS
from spikelearn.simulation.grid.neurons import CONDUCTANCES, MODEL_FEATURES, OWN_EQUATIONS
from spikelearn.simulation.simulate import load_backend


def having(*features: str) -> list[str]:
    """The engines that have all of these features."""
    return [name for name in BACKENDS if set(features) <= load_backend(name).FEATURES]


def lacking(feature: str) -> list[str]:
    """The engines that do not have it."""
    return [name for name in BACKENDS if name not in having(feature)]


# Every model of a neuron that is not the user's own, and both kinds of synapses.
EVERY_MODEL = having(*(set(MODEL_FEATURES.values()) - {OWN_EQUATIONS}), CONDUCTANCES)
# A run on Brian2 costs about a second, whatever is run.
QUICK = [name for name in BACKENDS if name != "brian2"]
