"""Synaptic weights as a matrix."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from spikelearn._errors import SpikelearnError, nearest
from spikelearn.plot.style import drawing
from spikelearn.spikes.activity import Activity

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def weights(given: Any, projection: str | None = None, ax: Axes | None = None) -> Axes:
    """Draw weights as a matrix: a row for each source neuron, a column for each target.

    Parameters
    ----------
    given : Activity, or array of shape (source size, target size)
        The final weights of an activity's plastic projection, or a matrix of weights: an array, a
        tensor, or synapses that read as one.
    projection : str, optional
        Which of an activity's, as "source->target"; the only one, if absent.
    ax : matplotlib Axes, optional
        Where it is drawn; a new figure, if absent.

    Returns
    -------
    Axes

    Raises
    ------
    SpikelearnError
        Where there are no weights, or several and none is named.

    Examples
    --------
    >>> import numpy as np
    >>> import spikelearn as sl
    >>> axis = sl.plot.weights(np.eye(3))
    >>> axis.get_xlabel(), axis.get_ylabel()
    ('target neuron', 'source neuron')
    """
    title, unit = "", ""
    if isinstance(given, Activity):
        title = _projection(given, projection)
        given, unit = given.weights[title], str(given.weight_units.get(title, ""))
    elif projection is not None:
        raise SpikelearnError("projection chooses among those of an activity, found a matrix")
    if hasattr(given, "to_torch"):
        raise SpikelearnError(
            "weights are those of one layer: run.to_torch()[0].weight is the first one's matrix"
        )
    matrix = matrix_of(given, "weights")
    with drawing(ax, 4.6, 3.6) as axis:
        low, high = float(np.nanmin(matrix, initial=0)), float(np.nanmax(matrix, initial=0))
        limit = max(-low, high) or 1.0
        # Inhibition and excitation in two hues about zero.
        scale: Any = {"vmin": 0.0, "vmax": limit, "cmap": "viridis"} if low >= 0 else {
            "vmin": -limit, "vmax": limit, "cmap": "RdBu_r"}  # fmt: skip
        image = axis.imshow(matrix, aspect="auto", interpolation="nearest", **scale)
        axis.set_xlabel("target neuron")
        axis.set_ylabel("source neuron")
        axis.set_title(title)
        bar = axis.get_figure(root=True).colorbar(image, ax=axis)  # type: ignore[union-attr]
        bar.set_label(f"weight ({unit})" if unit else "weight")
    return axis


def matrix_of(given: Any, what: str) -> np.ndarray:
    """What is given, an array or a tensor, as a matrix of numbers.

    Raises
    ------
    SpikelearnError
        Where it is none.
    """
    detached = given.detach().cpu() if hasattr(given, "detach") else given
    try:
        matrix = np.asarray(detached, dtype=np.float64)
    except (TypeError, ValueError):
        raise SpikelearnError(f"{what} are a matrix of numbers, found {given!r:.60}") from None
    if matrix.ndim != 2 or not matrix.size:
        raise SpikelearnError(f"{what} are a matrix of numbers, found shape {matrix.shape}")
    return matrix


def _projection(activity: Activity, name: str | None) -> str:
    there = list(activity.weights)
    if not there:
        raise SpikelearnError(
            "the activity has no weights: those of plastic projections alone are kept"
        )
    if name is None and len(there) > 1:
        raise SpikelearnError(f"there are several projections; name one of {', '.join(there)}")
    if name is not None and name not in there:
        raise SpikelearnError(f"there is no projection '{name}'; {nearest(str(name), there)}")
    return name or there[0]
