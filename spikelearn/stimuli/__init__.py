"""What networks are shown: image data sets, encoders from pixels to spikes, protocols."""

from spikelearn.stimuli.datasets import DATASETS, load_dataset
from spikelearn.stimuli.encoders import LatencyEncoder, RateEncoder
from spikelearn.stimuli.images import ImageDataset, luminance, network_images, network_input
from spikelearn.stimuli.poisson import poisson_spikes
from spikelearn.stimuli.protocol import (
    ImageProtocol,
    PoissonProtocol,
    load_protocol,
)
from spikelearn.stimuli.stimulus import Stimulus

__all__ = [
    "DATASETS",
    "ImageDataset",
    "ImageProtocol",
    "LatencyEncoder",
    "PoissonProtocol",
    "RateEncoder",
    "Stimulus",
    "load_dataset",
    "load_protocol",
    "luminance",
    "network_images",
    "network_input",
    "poisson_spikes",
]
