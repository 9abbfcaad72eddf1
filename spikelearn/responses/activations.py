"""Activations of rate networks as population responses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from spikelearn._errors import SpikelearnError

if TYPE_CHECKING:
    import xarray


def activation_responses(
    activations: Mapping[str, Any], labels: Sequence[str]
) -> dict[str, xarray.DataArray]:
    """Each layer's activations as a response; maps of a convolutional layer are flattened.

    Parameters
    ----------
    activations : mapping of str to array or torch tensor of shape (n_stimuli, ...)
        By name of the layer.
    labels : sequence of str
        One label for each stimulus.

    Returns
    -------
    dict of str to DataArray of shape (stimulus, unit)
        With the coordinates stimulus, unit and layer.

    Raises
    ------
    SpikelearnError
        If a layer has not one activation per label, or activations that are not finite.
    """
    import xarray

    responses = {}
    for layer, values in activations.items():
        array = _to_numpy(values)
        if array.ndim < 1 or len(array) != len(labels):
            raise SpikelearnError(
                f"layer '{layer}' must have one activation for each of the {len(labels)} stimulus"
                f" labels, found shape {array.shape}"
            )
        if not np.isfinite(array).all():
            raise SpikelearnError(f"layer '{layer}' has activations that are not finite")
        flat = array.reshape(len(array), -1) if array.size else array.reshape(len(array), 0)
        responses[layer] = xarray.DataArray(
            flat,
            dims=("stimulus", "unit"),
            coords={
                "stimulus": [str(label) for label in labels],
                "unit": np.arange(flat.shape[1]),
                "layer": layer,
            },
            name="activation",
            attrs={"units": "dimensionless", "source": f"activations of layer {layer}"},
        )
    return responses


def _to_numpy(values: Any) -> np.ndarray:
    if hasattr(values, "detach"):
        values = values.detach().cpu()
    return np.asarray(values)
