"""What networks are shown: image data sets, encoders from pixels to spikes, protocols."""

from spikelearn.stimuli.encoders import LatencyEncoder, RateEncoder
from spikelearn.stimuli.images import ImageDataset, luminance, network_input
from spikelearn.stimuli.poisson import poisson_spikes
from spikelearn.stimuli.protocol import (
    ImageProtocol,
    PoissonProtocol,
    load_dataset,
    load_protocol,
)
from spikelearn.stimuli.stimulus import Stimulus

__all__ = [
    "ImageDataset",
    "ImageProtocol",
    "LatencyEncoder",
    "PoissonProtocol",
    "RateEncoder",
    "Stimulus",
    "load_dataset",
    "load_protocol",
    "luminance",
    "network_input",
    "poisson_spikes",
]
