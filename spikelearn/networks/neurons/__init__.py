"""Neuron models: a file a model, and a line here.

Units stand in the names: mV, ms, nS, pA, pF. Every parameter that may differ between the neurons of
a population is one number, a list with one for each, or {from:, to:, power:}, which spreads them
evenly: neuron i of n has from + (to - from) ((i + 1/2) / n)^power (1 if absent). What a step of
time does to them is in `spikelearn.simulation`.
"""

from spikelearn.networks.neurons.adaptive_lif import AdaptiveLIF
from spikelearn.networks.neurons.adex import AdEx
from spikelearn.networks.neurons.brian2_neurons import Brian2Neurons
from spikelearn.networks.neurons.hodgkin_huxley import HodgkinHuxley
from spikelearn.networks.neurons.izhikevich import Izhikevich
from spikelearn.networks.neurons.lif import LIF
from spikelearn.networks.neurons.neuron_model import NeuronModel
from spikelearn.networks.neurons.qif import QIF
from spikelearn.networks.neurons.spike_source import SpikeSource

__all__ = [
    "LIF", "NEURON_MODELS", "QIF", "AdEx", "AdaptiveLIF", "Brian2Neurons", "HodgkinHuxley",
    "Izhikevich", "NeuronModel", "SpikeSource",
]  # fmt: skip

# What a population's field `model` may say. Everything else follows from the classes: what files
# may hold, what the engines integrate, what they refuse, and what their checks try.
NEURON_MODELS: dict[str, type[NeuronModel]] = {
    "lif": LIF,
    "adaptive_lif": AdaptiveLIF,
    "adex": AdEx,
    "izhikevich": Izhikevich,
    "qif": QIF,
    "hodgkin_huxley": HodgkinHuxley,
    "brian2": Brian2Neurons,
}
