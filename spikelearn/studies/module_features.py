"""Responses of a module's layers, filled batch by batch: in memory, or on the disk where large."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from spikelearn._errors import SpikelearnError
from spikelearn._room import Part, require_disk

MOST_IN_MEMORY = 2**30
"""Bytes of the responses of all layers of a module, beyond which they lie on the disk."""


class FeatureRows:
    """A row of responses for each image and layer.

    Files lie in the folder for temporary files (`TMPDIR`), and are gone when nothing uses them.

    Parameters
    ----------
    name : str
        Of the module, for the errors.
    n_images : int

    Attributes
    ----------
    layers : dict of str to array of shape (n_images, n_units)
    """

    def __init__(self, name: str, n_images: int) -> None:
        self.name, self.n_images = name, n_images
        self.layers: dict[str, np.ndarray] = {}

    def put(self, start: int, found: Mapping[str, np.ndarray]) -> None:
        """Keep the responses to some images, from the one numbered `start` on.

        Parameters
        ----------
        start : int
        found : mapping of str to array of shape (n, n_units)

        Raises
        ------
        SpikelearnError
            If the layers, or their units, are other ones than those of earlier images.
        """
        if not self.layers:
            self._make(found)
        here = {layer: values.shape[1] for layer, values in found.items()}
        known = {layer: values.shape[1] for layer, values in self.layers.items()}
        if here != known:
            differing = next(
                layer for layer in [*known, *here] if here.get(layer) != known.get(layer)
            )
            raise SpikelearnError(
                f"the layer '{differing}' of the module {self.name} has"
                f" {known.get(differing, 'no')} units for some images and"
                f" {here.get(differing, 'none')} for others"
            )
        for layer, values in found.items():
            self.layers[layer][start : start + len(values)] = values

    def _make(self, found: Mapping[str, np.ndarray]) -> None:
        sizes = {
            layer: self.n_images * values.shape[1] * values.itemsize
            for layer, values in found.items()
        }
        on_disk = sum(sizes.values()) > MOST_IN_MEMORY
        if on_disk:
            parts = [
                Part(f"the responses of layer {layer}", size, "name fewer layers")
                for layer, size in sizes.items()
            ]
            require_disk(f"the module {self.name}", parts, Path(tempfile.gettempdir()))
        for layer, values in found.items():
            shape = self.n_images, values.shape[1]
            if on_disk and sizes[layer]:
                with tempfile.TemporaryFile() as file:  # the mapping keeps what it holds
                    self.layers[layer] = np.memmap(file, values.dtype, "w+", shape=shape)
            else:
                self.layers[layer] = np.empty(shape, values.dtype)
