"""What brains and networks make of the stimuli: dissimilarity matrices, and points in a plane."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence

import numpy as np

from spikelearn.comparison.multidimensional_scaling import (
    Scaled,
    aligned,
    multidimensional_scaling,
)
from spikelearn.plot.dissimilarities import SCALE, Group, label_groups, rdm_panel
from spikelearn.plot.names import label
from spikelearn.plot.style import COLOURS, say_nothing_to_draw, styled
from spikelearn.report.page import Section, png_of, png_picture, svg_of, svg_picture
from spikelearn.report.page_tables import as_table
from spikelearn.report.pictures import panels

MOST_MATRICES = 24  # on a page
MOST_POINTS = 300  # of a plane; of more stimuli, as many are taken evenly
_BESIDE = 4


def matrices(rdms: Mapping[str, np.ndarray], groups: Sequence[Group] = ()) -> Section | None:
    """The matrices, and the planes they make; None where there is none.

    Parameters
    ----------
    rdms : mapping of str to array of shape (n_stimuli, n_stimuli)
        Percentile ranks of dissimilarities, 0 to 1, by name of the brain or, as "rule · layer", of
        the network; NaN where undefined. A brain's stands first.
    groups : sequence of (first, one past the last, name)
        Categories of consecutive stimuli.
    """
    if not rdms:
        return None
    shown = dict(list(rdms.items())[:MOST_MATRICES])
    n_stimuli = len(next(iter(shown.values())))
    names = ", ".join(dict.fromkeys(str(name) for *_, name in groups))
    ordered = f" They are ordered by category: {names}." if names else ""
    left_out = len(rdms) - len(shown)
    section = Section(
        "rdms",
        "The dissimilarity matrices",
        f"Each matrix says how differently a brain or network answers each pair of the {n_stimuli}"
        f" stimuli, dark for alike, all in one order and on one scale.{ordered}"
        + f" {left_out} further networks are not shown."
        * bool(left_out),
        [
            png_picture(
                matrices_figure(shown, groups),
                f"Representational dissimilarity matrices: {', '.join(shown)}.",
                "Dissimilarities as percentiles within each matrix; grey where a network was silent"
                " and has none. Networks: last hidden layer, first seed.",
            )
        ],
    )
    planes = planes_of(shown)
    if any(plane is not None for plane in planes.values()):
        _add_planes(section, planes, groups, n_stimuli)
    return section


def planes_of(rdms: Mapping[str, np.ndarray]) -> dict[str, Scaled | None]:
    """The plane of each matrix, turned, mirrored and scaled to match the first that there is.

    Parameters
    ----------
    rdms : mapping of str to array of shape (n_stimuli, n_stimuli)
    """
    planes: dict[str, Scaled | None] = {}
    first: Scaled | None = None
    for name, matrix in rdms.items():
        chosen = in_plane(len(matrix))
        found = multidimensional_scaling(matrix[np.ix_(chosen, chosen)])
        if found is not None and first is not None:
            found = Scaled(aligned(found.points, first.points), found.stress)
        first = first or found
        planes[name] = found
    return planes


def in_plane(n_stimuli: int) -> np.ndarray:
    """Which stimuli are drawn as points: all, or so many evenly.

    Parameters
    ----------
    n_stimuli : int
    """
    n = min(n_stimuli, MOST_POINTS)
    return np.unique(np.linspace(0, n_stimuli - 1, n).round().astype(int))


def _add_planes(
    section: Section,
    planes: Mapping[str, Scaled | None],
    groups: Sequence[Group],
    n_stimuli: int,
) -> None:
    import pandas as pd

    reference = next(name for name, plane in planes.items() if plane is not None)
    few = f"; {MOST_POINTS} of the {n_stimuli} stimuli, taken evenly" * (n_stimuli > MOST_POINTS)
    section.pictures.append(
        svg_picture(
            planes_figure(planes, groups, n_stimuli),
            f"Stimuli as points in a plane, a panel for each of: {', '.join(planes)}.",
            "A point a stimulus: the nearer, the more alike they are answered (metric"
            f" multidimensional scaling of the percentiles, best of four starts, seed 0{few})."
            f" Each plane is turned, mirrored and scaled as a whole to match that of"
            f" {label(reference)}; directions mean nothing. Stress: how much a plane cannot hold,"
            " the root of squared errors over squared distances; 0 is none, and above 0.2 distances"
            " are rough.",
        )
    )
    rows = [
        {
            "of": _named(name).replace("\n", ", "),
            "stress": "–" if plane is None else f"{plane.stress:.3f}",
            "stimuli": 0 if plane is None else int(plane.known.sum()),
        }
        for name, plane in planes.items()
    ]
    section.folded.append(
        as_table(
            pd.DataFrame(rows), "Stress of each plane", "Stimuli that have a point are counted."
        )
    )


def _named(name: str) -> str:
    """A rule over its layer."""
    model, _, layer = name.partition(" · ")
    return "\n".join([textwrap.fill(label(model), 24), *filter(None, [layer])])


@styled()
def matrices_figure(
    rdms: Mapping[str, np.ndarray], groups: Sequence[Group], columns: int = _BESIDE
) -> bytes:
    """The matrices side by side on one colour scale, categories bracketed along the edges, as PNG.

    Parameters
    ----------
    rdms, groups
        As of `matrices`.
    columns : int
        Matrices beside each other.
    """
    columns = min(columns, len(rdms))
    n_rows = -(-len(rdms) // columns)
    figure, axes = panels(1.95 * columns + 0.6, 2.15 * n_rows + 0.4, nrows=n_rows, ncols=columns)
    image = None
    for axis, (name, matrix) in zip(axes.flat, rdms.items(), strict=False):
        image = rdm_panel(axis, matrix, groups)
        axis.set_title(_named(name), fontsize=8)
    for axis in axes.flat[len(rdms) :]:
        axis.set_axis_off()
    for axis in axes[:, 0]:
        label_groups(axis, groups)
    if image is not None:
        bar = figure.colorbar(image, ax=axes, location="bottom", shrink=0.5, aspect=30, pad=0.01)
        bar.set_label(SCALE, fontsize=8)
        bar.ax.tick_params(labelsize=7)
    return png_of(figure)


@styled()
def planes_figure(
    planes: Mapping[str, Scaled | None], groups: Sequence[Group], n_stimuli: int
) -> bytes:
    """Stimuli as points, a panel for each brain or network, coloured by category, as SVG.

    Parameters
    ----------
    planes : mapping of str to Scaled or None
        Of `planes_of`.
    groups : sequence of (first, one past the last, name)
    n_stimuli : int
        Also those that have no points.
    """
    from matplotlib.lines import Line2D

    columns = min(_BESIDE, len(planes))
    n_rows = -(-len(planes) // columns)
    named = list(dict.fromkeys(str(name) for *_, name in groups))
    hues = {name: COLOURS[k % len(COLOURS)] for k, name in enumerate(named)}
    shapes = {name: "os^D"[k // len(COLOURS) % 4] for k, name in enumerate(named)}
    of_stimulus = np.full(n_stimuli, "", dtype=object)
    for first, last, name in groups:
        of_stimulus[first:last] = str(name)
    drawn = of_stimulus[in_plane(n_stimuli)]
    figure, axes = panels(1.95 * columns + 0.6, 2.15 * n_rows + 0.4, nrows=n_rows, ncols=columns)
    for axis in axes.flat:
        axis.set_axis_off()
    for axis, (name, plane) in zip(axes.flat, planes.items(), strict=False):
        axis.set_title(_named(name), fontsize=8)
        if plane is None:
            say_nothing_to_draw(axis, "silent, or\nall alike")
            continue
        for group in ("", *named):
            x, y = plane.points[(drawn == group) & plane.known].T
            axis.plot(x, y, shapes.get(group, "o"), color=hues.get(group, "#8a8a8a"),
                      markersize=3.2, alpha=0.8, markeredgewidth=0)  # fmt: skip
        axis.set_aspect("equal", adjustable="datalim")
        axis.text(0.5, 0, f"stress {plane.stress:.2f}", transform=axis.transAxes, fontsize=7,
                  ha="center", va="top", color="#5c5c5c")  # fmt: skip
    if named:
        handles = [
            Line2D([], [], linestyle="", marker=shapes[name], color=hues[name], label=name)
            for name in named
        ]
        figure.legend(handles=handles, loc="outside lower center", ncols=4, fontsize=8)
    return svg_of(figure)
