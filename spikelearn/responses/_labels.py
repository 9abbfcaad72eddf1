"""What the readouts share: averages over the trials of a stimulus, and where a response is from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from spikelearn._errors import SpikelearnError
from spikelearn._names import order_of_names

if TYPE_CHECKING:
    import xarray

    from spikelearn.spikes.activity import Activity


def average_by_label(values: np.ndarray, labels: Sequence[str]) -> tuple[np.ndarray, list[str]]:
    """Averages over the trials (first axis) of the same label, in order of first appearance."""
    names = list(dict.fromkeys(str(label) for label in labels))
    row = {name: i for i, name in enumerate(names)}
    stimulus = np.array([row[str(label)] for label in labels])
    means = np.zeros((len(names), *values.shape[1:]))
    np.add.at(means, stimulus, values)
    n_trials = np.bincount(stimulus, minlength=len(names))
    return means / n_trials.reshape(-1, *[1] * (values.ndim - 1)), names


def name_order(response: xarray.DataArray, dim: str) -> np.ndarray:
    """Places of the stimuli or units in the order of their names; as they are without names.

    What is drawn at random for each of them is drawn in this order, so that it does not depend on
    the order in which they stand.
    """
    if dim not in response.coords:
        return np.arange(response.sizes[dim])
    return np.array(order_of_names(response[dim].to_numpy().tolist()), dtype=int)


def spike_source(activity: Activity, population: str) -> str:
    """Whose spikes they are, and what brought them forth, in words."""
    provenance = activity.provenance
    network = provenance.get("network")
    name = network.get("name") if isinstance(network, Mapping) else None
    of = f" of {name}" if name else ""
    by = f" on {provenance['backend']}" if provenance.get("backend") else ""
    return f"spikes of population {population}{of}{by}"


def check_dims(response: xarray.DataArray, *allowed: tuple[str, ...]) -> None:
    """Refuse an array whose dimensions are none of those allowed, in whatever order.

    Raises
    ------
    SpikelearnError
        Naming both.
    """
    if not any(set(response.dims) == set(dims) for dims in allowed):
        wanted = " or ".join(f"({', '.join(dims)})" for dims in allowed)
        given = ", ".join(str(dim) for dim in response.dims)
        raise SpikelearnError(f"a response with dims {wanted} is needed, found ({given})")


def derived(values: xarray.DataArray, like: xarray.DataArray, **attrs: object) -> xarray.DataArray:
    """`values` with the source of `like`, and what `attrs` says of them."""
    return values.assign_attrs({"source": like.attrs.get("source", "not said"), **attrs})
