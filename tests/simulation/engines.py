"""The engines that the tests run: every one in BACKENDS, by what it has. None is named here."""

from __future__ import annotations

from spikelearn.networks.neurons import NEURON_MODELS
from spikelearn.simulation import BACKENDS
from spikelearn.simulation.features import required_features
from spikelearn.simulation.grid.network import GridNetwork
from spikelearn.simulation.grid.neurons import CONDUCTANCES, USUAL
from spikelearn.simulation.simulate import features_of, load_backend


def having(*features: str) -> list[str]:
    """The engines that have all of these features."""
    return [name for name in BACKENDS if set(features) <= features_of(load_backend(name))]


def lacking(feature: str) -> list[str]:
    """The engines that do not have it."""
    return [name for name in BACKENDS if name not in having(feature)]


def able(grid: GridNetwork) -> list[str]:
    """The engines that have all that a network on the grid needs."""
    return having(*required_features(grid, "float64"))


# Every model of a neuron that is not the user's own, and both kinds of synapses.
MODELS_WITH_SLOPES = {
    name: model.in_words for name, model in NEURON_MODELS.items() if model.slopes is not None
}
EVERY_MODEL = having(*MODELS_WITH_SLOPES.values(), CONDUCTANCES)
# A run on Brian2 costs about a second, whatever is run.
QUICK = [name for name in BACKENDS if name != "brian2"]
# Those that have all that an engine usually has.
COMPLETE = having(*USUAL)
