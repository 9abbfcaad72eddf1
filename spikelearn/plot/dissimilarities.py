"""Representational dissimilarity matrices."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from spikelearn._arguments import is_whole
from spikelearn._errors import SpikelearnError
from spikelearn.plot.style import drawing
from spikelearn.plot.weight_matrices import matrix_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.image import AxesImage

Group = tuple[int, int, str]
SCALE = "dissimilarity (percentile)"
_TOLERANCE = 1e-6  # of a symmetric matrix, of its largest entry


def rdm(
    dissimilarities: Any,
    groups: Sequence[Group] = (),
    title: str = "",
    ax: Axes | None = None,
) -> Axes:
    """Draw a dissimilarity matrix, as percentiles of its entries: dark for alike.

    Parameters
    ----------
    dissimilarities : array of shape (n_stimuli, n_stimuli), or vector of its upper triangle
        Or what has them: an RDM of a recording, or of `spikelearn.comparison.rdm`. What is not a
        number is grey.
    groups : sequence of (first, one past the last, name)
        Categories of consecutive stimuli.
    title : str
    ax : matplotlib Axes, optional
        Where it is drawn; a new figure, if absent.

    Returns
    -------
    Axes

    Raises
    ------
    SpikelearnError
        Where there are no dissimilarities, or a group is none.

    Examples
    --------
    >>> import numpy as np
    >>> import spikelearn as sl
    >>> points = np.array([0.0, 1.0, 5.0])
    >>> axis = sl.plot.rdm(abs(points[:, None] - points), title="three points")
    >>> axis.get_title(loc="left")
    'three points'
    """
    ranks = percentiles(_entries(dissimilarities))
    groups = _checked_groups(groups, len(ranks))
    with drawing(ax, 4.2, 3.6) as axis:
        image = rdm_panel(axis, ranks, groups)
        axis.set_title(title)
        label_groups(axis, groups)
        bar = axis.get_figure(root=True).colorbar(image, ax=axis)  # type: ignore[union-attr]
        bar.set_label(SCALE)
    return axis


def _checked_groups(groups: Any, n_stimuli: int) -> list[Group]:
    """The groups of stimuli that are given."""
    wanted = f"a group is (first, one past the last, name) of {n_stimuli} stimuli"
    if isinstance(groups, str | Mapping) or not isinstance(groups, Iterable):
        raise SpikelearnError(f"groups are a sequence; {wanted}, found {groups!r:.60}")
    found = list(groups)
    for group in found:
        parts = tuple(group) if isinstance(group, Sequence) else ()
        if not (
            len(parts) == 3
            and is_whole(parts[0])
            and is_whole(parts[1])
            and 0 <= parts[0] < parts[1] <= n_stimuli
        ):
            raise SpikelearnError(f"{wanted}, found {group!r:.60}")
    return found


def percentiles(dissimilarities: np.ndarray) -> np.ndarray:
    """The square matrix of percentile ranks, 0 to 1, of the entries of an upper triangle.

    NaN where there is no dissimilarity.
    """
    from scipy.spatial.distance import squareform
    from scipy.stats import rankdata

    known = np.isfinite(dissimilarities)
    ranks = np.full(dissimilarities.shape, np.nan)
    ranks[known] = rankdata(dissimilarities[known]) / max(1, known.sum())
    return np.asarray(squareform(ranks, checks=False))


def rdm_panel(axis: Axes, ranks: np.ndarray, groups: Sequence[Group]) -> AxesImage:
    """Draw percentiles, with lines between groups of stimuli.

    Parameters
    ----------
    axis : Axes
    ranks : array of shape (n_stimuli, n_stimuli)
        0 to 1; NaN where undefined.
    groups : sequence of (first, one past the last, name)
    """
    import matplotlib as mpl

    shades = mpl.colormaps["viridis"].with_extremes(bad="#dddddd")
    image = axis.imshow(ranks, cmap=shades, vmin=0, vmax=1, interpolation="nearest")
    axis.set_xticks([])
    axis.set_yticks([])
    for first, last, _ in groups:
        for edge in (first, last):
            if 0 < edge < len(ranks):
                axis.axhline(edge - 0.5, color="white", linewidth=0.5)
                axis.axvline(edge - 0.5, color="white", linewidth=0.5)
    return image


def label_groups(axis: Axes, groups: Sequence[Group]) -> None:
    """Write the names of groups of stimuli beside their rows."""
    middles = [(first + last - 1) / 2 for first, last, _ in groups]
    axis.set_yticks(middles, [str(name).replace(" ", "\n") for *_, name in groups], fontsize=6.5)
    for text in axis.get_yticklabels():
        text.set_parse_math(False)
    axis.tick_params(length=0)


def _entries(given: Any) -> np.ndarray:
    """The upper triangle of what is given."""
    from scipy.spatial.distance import squareform

    if hasattr(given, "get_vectors"):  # of rsatoolbox
        vectors = np.asarray(given.get_vectors(), dtype=np.float64)
        if len(vectors) != 1:
            raise SpikelearnError(f"one RDM is drawn, found {len(vectors)}")
        return vectors[0]
    if isinstance(given, str | Path) or hasattr(given, "rdms"):
        raise SpikelearnError(
            "one RDM is drawn, and a recording has one for each region and subject:"
            " sl.load_recording(NAME).rdms[0] is its first"
        )
    if hasattr(given, "dissimilarities"):  # of a recording
        given = given.dissimilarities
    detached = given.detach().cpu() if hasattr(given, "detach") else given
    if np.ndim(detached) == 1:
        (entries,) = matrix_of([detached], "dissimilarities")
        side = (1 + np.sqrt(1 + 8 * entries.size)) / 2
        if side != int(side):
            raise SpikelearnError(
                f"{entries.size} dissimilarities are the upper triangle of no matrix"
            )
        return np.asarray(entries)
    matrix = matrix_of(detached, "dissimilarities")
    if matrix.shape[0] != matrix.shape[1] or not _is_symmetric(matrix):
        raise SpikelearnError(
            f"dissimilarities are a symmetric matrix, found {matrix.shape[0]} x {matrix.shape[1]}"
            " that is not; sl.comparison.rdm makes one of responses"
        )
    return np.asarray(squareform(matrix, checks=False))


def _is_symmetric(matrix: np.ndarray) -> bool:
    limit = _TOLERANCE * float(np.nanmax(np.abs(matrix), initial=0))
    unknown = np.isnan(matrix) & np.isnan(matrix.T)
    return bool((unknown | (np.abs(matrix - matrix.T) <= limit)).all())
