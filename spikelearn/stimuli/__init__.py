"""What networks are shown: image data sets, encoders, spikes, currents, and protocols of these."""

from spikelearn.stimuli.currents import (
    CurrentArray,
    CurrentProtocol,
    CurrentRecording,
    Noise,
    Ramp,
    Sinusoid,
    Step,
)
from spikelearn.stimuli.datasets import DATASETS, EVENT_DATASETS, load_dataset
from spikelearn.stimuli.drawn_spikes import poisson_spikes
from spikelearn.stimuli.encoders import BernoulliEncoder, DeltaEncoder, LatencyEncoder, RateEncoder
from spikelearn.stimuli.events import EventDataset, EventPart, load_events
from spikelearn.stimuli.given_spikes import SpikeProtocol
from spikelearn.stimuli.image_protocol import ImageProtocol
from spikelearn.stimuli.images import ImageDataset, luminance, network_images, network_input
from spikelearn.stimuli.poisson import (
    PoissonProtocol,
    RateArray,
    RateCourse,
    RateRecording,
    RateSinusoid,
    SourceRate,
)
from spikelearn.stimuli.protocol import CombinedProtocol, load_protocol
from spikelearn.stimuli.stimulus import Stimulus

__all__ = [
    "DATASETS",
    "EVENT_DATASETS",
    "BernoulliEncoder",
    "CombinedProtocol",
    "CurrentArray",
    "CurrentProtocol",
    "CurrentRecording",
    "DeltaEncoder",
    "EventDataset",
    "EventPart",
    "ImageDataset",
    "ImageProtocol",
    "LatencyEncoder",
    "Noise",
    "PoissonProtocol",
    "Ramp",
    "RateArray",
    "RateCourse",
    "RateEncoder",
    "RateRecording",
    "RateSinusoid",
    "Sinusoid",
    "SourceRate",
    "SpikeProtocol",
    "Step",
    "Stimulus",
    "load_dataset",
    "load_events",
    "load_protocol",
    "luminance",
    "network_images",
    "network_input",
    "poisson_spikes",
]
