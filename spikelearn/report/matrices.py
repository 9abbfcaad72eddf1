"""Dissimilarity matrices of brains and networks side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from spikelearn.plot.dissimilarities import SCALE, label_groups, rdm_panel
from spikelearn.plot.names import label
from spikelearn.plot.style import styled
from spikelearn.report.page import Section, png_of, png_picture
from spikelearn.report.pictures import panels


def matrices(
    rdms: Mapping[str, np.ndarray], groups: Sequence[tuple[int, int, str]] = ()
) -> Section | None:
    """The matrices; None where there is none.

    Parameters
    ----------
    rdms : mapping of str to array of shape (n_stimuli, n_stimuli)
        Percentile ranks of dissimilarities, 0 to 1, by name of the brain or, as "rule · layer", of
        the network; NaN where undefined.
    groups : sequence of (first, one past the last, name)
        Categories of consecutive stimuli.
    """
    if not rdms:
        return None
    n_stimuli = len(next(iter(rdms.values())))
    names = ", ".join(dict.fromkeys(name for *_, name in groups))
    ordered = f" They are ordered by category: {names}." if names else ""
    return Section(
        "rdms",
        "The dissimilarity matrices",
        f"Each matrix says how differently a brain or network answers each pair of the {n_stimuli}"
        f" stimuli, dark for alike.{ordered}",
        [
            png_picture(
                matrices_figure(rdms, groups),
                f"Representational dissimilarity matrices: {', '.join(rdms)}.",
                "Dissimilarities as percentiles within each matrix; grey where a network was silent"
                " and has none. Networks: last hidden layer, first seed.",
            )
        ],
    )


@styled()
def matrices_figure(
    rdms: Mapping[str, np.ndarray], groups: Sequence[tuple[int, int, str]], columns: int = 4
) -> bytes:
    """The matrices side by side on one colour scale, categories bracketed along the edges, as PNG.

    Parameters
    ----------
    rdms, groups
        As of `matrices`.
    columns : int
        Matrices beside each other.
    """
    n_rows = -(-len(rdms) // columns)
    figure, axes = panels(1.95 * columns + 0.4, 2.15 * n_rows, nrows=n_rows, ncols=columns)
    image = None
    for axis, (name, matrix) in zip(axes.flat, rdms.items(), strict=False):
        image = rdm_panel(axis, matrix, groups)
        model, _, layer = name.partition(" · ")
        axis.set_title(f"{label(model)}\n{layer}" if layer else label(model), fontsize=8)
    for axis in axes.flat[len(rdms) :]:
        axis.set_axis_off()
    for axis in axes[:, 0]:
        label_groups(axis, groups)
    if image is not None:
        bar = figure.colorbar(image, ax=axes, location="bottom", shrink=0.35, aspect=30, pad=0.01)
        bar.set_label(SCALE, fontsize=8)
        bar.ax.tick_params(labelsize=7)
    return png_of(figure)
