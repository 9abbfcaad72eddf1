"""Labelled image data sets by name."""

from __future__ import annotations

from spikelearn.stimuli import mnist
from spikelearn.stimuli.images import ImageDataset


def load_dataset(name: str, source: str = "auto") -> ImageDataset:
    """The data set."""
    return mnist.load(source)  # type: ignore[arg-type]


def resolve_source(name: str, source: str) -> str:
    """What auto means on this machine."""
    if source == "auto":
        return "full" if mnist.full_set_at_hand() else "embedded"
    return source
