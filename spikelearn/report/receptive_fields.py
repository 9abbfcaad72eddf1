"""Receptive fields as a picture file: the weights onto each neuron, laid out as the image."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from spikelearn._counts import counted
from spikelearn._errors import SpikelearnError
from spikelearn.plot.style import styled
from spikelearn.report.pictures import check_plot_path, write_picture

MAX_FIELDS = 400  # drawn; more would be too small to see


@styled()
def save_receptive_fields(
    weights: np.ndarray, path: str | Path, labels: np.ndarray | None = None, unit: str = ""
) -> Path:
    """Draw the weights onto the neurons of a layer, one small image each, in the order of labels.

    Parameters
    ----------
    weights : array of shape (n_inputs, n_neurons)
        From a square image; the neurons are thinned out evenly beyond `MAX_FIELDS`.
    path : str or path
    labels : int array of shape (n_neurons,), optional
        Class of each neuron, below 0 for none; neurons of a class are drawn together.
    unit : str
        Of the weights, as in mV; the scale beside the picture says it.

    Raises
    ------
    SpikelearnError
        If the suffix is not one of a picture, or the inputs are no square.
    """
    check_plot_path(path)
    n_inputs, n_neurons = weights.shape
    side = math.isqrt(n_inputs)
    if side * side != n_inputs:
        raise SpikelearnError(
            f"receptive fields are drawn of square images; {n_inputs} inputs are no square"
        )
    from matplotlib.figure import Figure

    order = np.arange(n_neurons) if labels is None else np.argsort(labels, kind="stable")
    step = -(-n_neurons // MAX_FIELDS)
    order = order[::step]
    columns = math.ceil(math.sqrt(order.size))
    rows = -(-order.size // columns)
    cell = side + 1  # a line between neighbours
    sheet = np.full((rows * cell - 1, columns * cell - 1), np.nan)
    for place, neuron in enumerate(order):
        top, left = (place // columns) * cell, (place % columns) * cell
        field = weights[:, neuron].reshape(side, side)
        sheet[top : top + side, left : left + side] = field
    figure = Figure(figsize=(8.0, 8.0 * rows / columns + 0.6), layout="constrained")
    axis = figure.subplots()
    shown = axis.imshow(sheet, cmap="gray_r", vmin=0.0, interpolation="nearest")
    axis.set_axis_off()
    what = (
        f"{order.size} of {counted(n_neurons, 'neuron')}"
        if step > 1
        else counted(n_neurons, "neuron")
    )
    if labels is not None:
        what += ", by the class that they answer"
    axis.set_title(f"weights onto {what}", fontsize=10)
    figure.colorbar(shown, ax=axis, shrink=0.5, label=f"weight ({unit})" if unit else "weight")
    return write_picture(figure, path)
