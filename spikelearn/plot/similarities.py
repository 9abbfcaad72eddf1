"""Scores of similarity to brains: a row for every layer, beside the noise ceiling."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from spikelearn._errors import SpikelearnError, nearest
from spikelearn.comparison.intervals import generalises
from spikelearn.comparison.tables import read_first, with_level
from spikelearn.plot.names import BASELINES, label, rank
from spikelearn.plot.style import drawing, styled

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

Places = dict[tuple[str, str, str], tuple[float, float]]

# What is read together: scores by one method with one region, beside one noise ceiling.
PANEL = ["recording", "region", "method", "measure"]
ROW = [*PANEL, "subject", "level", "model", "network", "layer", "resolution"]
INTERVAL = ["ci_lower", "ci_upper"]
CEILING = ["ceiling_lower", "ceiling_upper"]
# From light to dark: the first layer to the last.
_BLUES = ((0.55, 0.75, 0.93), (0.0, 0.2, 0.42))
_GREYS = ((0.72, 0.72, 0.72), (0.2, 0.2, 0.2))
_ROW, _LAYER = 0.6, 0.36  # heights of what stands around a row's layers, and of a layer
_INCH = 0.2  # per height

_READ = (
    "Squares: trained; diamonds: untrained and baselines. Light to dark: first to last layer.\n"
    "Thin: 95 % interval {meant};\nthick: lowest to highest seed; yellow: noise ceiling."
)
_READ_SUBJECTS = " Dots: single subjects."


@dataclass(frozen=True)
class Rows:
    """Where the rows of a picture are.

    Attributes
    ----------
    places : mapping of (model, network, layer) to (place, depth)
        Depth from 0, the first layer, to 1.
    names, headings : list of (place, text)
        Of rules and baselines, and of networks.
    end : float
        Below the last row.
    """

    places: Places
    names: list[tuple[float, str]]
    headings: list[tuple[float, str]]
    end: float

    @property
    def inches(self) -> float:
        """Their height in a figure."""
        return _INCH * self.end


def similarity(
    table: pd.DataFrame, region: str | None = None, ax: Axes | None = None
) -> Axes | np.ndarray:
    """Draw what `compare` found: a row for every layer and baseline, beside the noise ceiling.

    Parameters
    ----------
    table : DataFrame
        Of `compare`. Marks are means over seeds; their intervals are means, too.
    region : str, optional
        Of the brain; each has a panel of its own, if absent.
    ax : matplotlib Axes, or several, optional
        Where it is drawn, one for each panel; a new figure, if absent.

    Returns
    -------
    Axes, or array of Axes where there are several panels

    Raises
    ------
    SpikelearnError
        Where it is no such table, there is no such region, or there are not as many axes as panels.

    Examples
    --------
    >>> import pandas as pd
    >>> import spikelearn as sl
    >>> table = pd.DataFrame({
    ...     "recording": "mine", "region": "V1", "method": "rsa", "measure": "spearman",
    ...     "subject": "", "level": "mean", "model": ["pixels", "backprop"], "network": ["", "mlp"],
    ...     "layer": ["", "hidden1"], "seed": 0, "resolution": 8, "score": [0.1, 0.2],
    ...     "ci_lower": [0.0, 0.1], "ci_upper": [0.2, 0.3], "ceiling_lower": 0.3,
    ...     "ceiling_upper": 0.4, "n_stimuli": 12,
    ... })
    >>> sl.plot.similarity(table, "V1").get_xlabel()
    'similarity'
    """
    scores, subjects = means_over_seeds(table), of_subjects(table)
    regions = list(dict.fromkeys(scores["region"]))
    if region is not None:
        if region not in regions:
            raise SpikelearnError(f"there is no region '{region}'; {nearest(str(region), regions)}")
        scores = scores[scores["region"] == region]
    parts = [part for _, part in scores.groupby(PANEL, sort=False)]
    if not parts:
        raise SpikelearnError("there is nothing to draw: the table has no scores")
    rows = rows_of(scores)
    axes = _axes(ax, parts, rows)
    for at, (one, part) in enumerate(zip(axes, parts, strict=True)):
        with drawing(one) as axis:
            similarity_panel(axis, part, rows.places, subjects)
            line_above_networks(axis, rows)
            if at == 0 or ax is not None:
                name_rows(axis, rows)
    if ax is None:
        with styled():
            words = how_to_read(scores, subjects)
            axes[0].figure.supxlabel(words, fontsize=7, x=0.02, ha="left")
    return axes[0] if len(axes) == 1 else axes


def _axes(ax: Any, parts: list[pd.DataFrame], rows: Rows) -> np.ndarray:
    """An axis for each panel."""
    if ax is None:
        from matplotlib import pyplot as plt

        with styled():
            return plt.subplots(
                1, len(parts), figsize=(3.4 + 2.2 * len(parts), rows.inches + 1.6),
                layout="constrained", squeeze=False, sharey=True,
            )[1][0]  # fmt: skip
    axes = np.empty(np.size(ax), dtype=object)
    axes[:] = np.ravel(np.asarray(ax, dtype=object))
    if len(axes) != len(parts):
        panels = "; ".join(" ".join(map(str, part.iloc[0][PANEL])) for part in parts)
        raise SpikelearnError(
            f"{len(parts)} panels are drawn into as many axes, found {len(axes)}; choose a region,"
            f" or give one for each of {panels}"
        )
    return axes


def means_over_seeds(table: pd.DataFrame) -> pd.DataFrame:
    """Of the rows that are read first the means over seeds, with the lowest and highest score.

    Raises
    ------
    SpikelearnError
        Where it is no table of scores.
    """
    needed = [*ROW, "score", "seed", *INTERVAL, *CEILING, "n_stimuli"]
    missing = [c for c in needed if c not in getattr(table, "columns", ())]
    if missing:
        raise SpikelearnError(
            "what is drawn is a table of `compare` as a whole; this one has no"
            f" {', '.join(missing)}"
        )
    if "interval_over" not in table:  # earlier versions knew of stimuli alone
        table = table.assign(interval_over="stimuli")
    grouped = read_first(table).groupby(ROW, sort=False, dropna=False)
    scores = grouped.agg(
        score=("score", "mean"), score_min=("score", "min"), score_max=("score", "max"),
        **{name: (name, "mean") for name in (*INTERVAL, *CEILING)},
        interval_over=("interval_over", "first"), n_stimuli=("n_stimuli", "min"),
    ).reset_index()  # fmt: skip
    family = np.where(scores["model"].isin(BASELINES), "baseline", "")
    return scores.assign(family=family, dataset="")


def of_subjects(table: pd.DataFrame) -> pd.DataFrame:
    """Scores of single subjects, means over seeds; none where they are not read by a mean.

    Parameters
    ----------
    table : DataFrame
        Of `compare` as a whole.
    """
    table = with_level(table)
    single = table[(table["level"] == "subject") & table["score"].notna()]
    means = table.loc[table["level"] == "mean", PANEL].drop_duplicates()
    single = single.merge(means, on=PANEL)
    return single.groupby(ROW, sort=False, dropna=False)["score"].mean().reset_index()


def in_panel(table: pd.DataFrame, part: pd.DataFrame) -> pd.DataFrame:
    """The rows of a table that are of the panel of some others.

    Parameters
    ----------
    table : DataFrame
    part : DataFrame
        Of one recording, region and method.
    """
    first = part.iloc[0]
    return table[(table[PANEL] == first[PANEL]).all(axis="columns")]


def ceiling_of(part: pd.DataFrame) -> tuple[float, float]:
    """The noise ceiling of a panel: that of its rows with the most stimuli; NaN where none is."""
    whole = part.dropna(subset=CEILING, how="all")
    if whole.empty:
        return np.nan, np.nan
    row = whole.sort_values("n_stimuli", ascending=False, kind="stable").iloc[0]
    return float(row["ceiling_lower"]), float(row["ceiling_upper"])


def meaning_of_intervals(scores: pd.DataFrame) -> str:
    """What the intervals are for, as in "for other stimuli of the same kinds"."""
    stored = "interval_over" in scores and len(scores)  # earlier versions knew of stimuli alone
    return generalises(scores["interval_over"] if stored else ["stimuli"])


def how_to_read(scores: pd.DataFrame, subjects: pd.DataFrame | None = None) -> str:
    """What the marks of the picture are."""
    dots = subjects is not None and len(subjects)
    return _READ.format(meant=meaning_of_intervals(scores)) + _READ_SUBJECTS * bool(dots)


def panel_title(part: pd.DataFrame) -> str:
    """Recording, region and method of a panel; words of several parts in lines of their own."""
    first = part.iloc[0]
    return f"{first['recording']}\n{first['region']}\n{first['method']}"


def similarity_panel(
    axis: Axes, part: pd.DataFrame, places: Places, subjects: pd.DataFrame | None = None
) -> None:
    """Draw the scores of one recording, region and method, beside their noise ceiling.

    Parameters
    ----------
    axis : Axes
    part : DataFrame
        A row for each layer, see `means_over_seeds`.
    places : mapping of (model, network, layer) to (place, depth)
        Of `rows_of`.
    subjects : DataFrame, optional
        Of `of_subjects`, of any panels: a dot for each subject beside the mean.
    """
    low, high = ceiling_of(part)
    if np.isfinite(low):
        axis.axvspan(low, high, color="#f0e442", alpha=0.45, linewidth=0)
    axis.axvline(0, color="black", linewidth=0.6)
    if subjects is not None and len(subjects):
        its = in_panel(subjects, part)
        names = zip(its["model"], its["network"], its["layer"], strict=True)
        at = [places[name][0] for name in names]
        axis.scatter(its["score"], at, s=5, color="#d55e00", alpha=0.55, linewidth=0, zorder=2.5)
    for row in cast(Any, part.itertuples()):
        place, depth = places[row.model, row.network, row.layer]
        hollow = row.family == "baseline"
        first, last = (np.array(hue) for hue in (_GREYS if hollow else _BLUES))
        hue = tuple(first + depth * (last - first))
        axis.plot([row.ci_lower, row.ci_upper], [place, place], color=hue, linewidth=0.9)
        axis.plot([row.score_min, row.score_max], [place, place], color=hue, linewidth=2.6)
        axis.plot(
            row.score, place, "D" if hollow else "s", color=hue, markersize=3.2,
            markerfacecolor="white" if hollow else hue,
        )  # fmt: skip
    axis.set_title(panel_title(part), fontsize=9)
    axis.grid(axis="x", linewidth=0.3)
    axis.set_xlabel("similarity", fontsize=8)
    axis.tick_params(axis="x", labelsize=7.5)
    axis.tick_params(axis="y", length=0)


def name_rows(axis: Axes, rows: Rows) -> None:
    """Write the names of networks and rules beside their rows, networks with a line above."""
    ticks = [*((place, name, "normal") for place, name in rows.names),
             *((place, name, "bold") for place, name in rows.headings)]  # fmt: skip
    axis.set_yticks([place for place, _, _ in ticks], [name for _, name, _ in ticks], fontsize=7)
    for text, (_, _, weight) in zip(axis.get_yticklabels(), ticks, strict=True):
        text.set_fontweight(weight)
        text.set_parse_math(False)
    axis.set_ylim(rows.end, -_ROW)


def line_above_networks(axis: Axes, rows: Rows) -> None:
    """Part networks of different kinds by lines."""
    for start, _ in rows.headings:
        axis.axhline(start - _ROW / 2, color="#bbbbbb", linewidth=0.5)


def rows_of(scores: pd.DataFrame) -> Rows:
    """A row for every layer, networks of one kind together, the untrained one first."""
    layers: dict[tuple[str, str], list[str]] = {}
    named = scores[scores["dataset"] != ""]  # an untrained twin is of none
    datasets = dict(zip(named["network"], named["dataset"], strict=True))
    for model, network, layer in zip(
        scores["model"], scores["network"], scores["layer"], strict=True
    ):
        of_network = layers.setdefault((network, model), [])
        if layer not in of_network:
            of_network.append(layer)
    images = [key for key in layers if not key[0]]
    # What was trained from the same weights is side by side.
    order = sorted(images, key=lambda key: rank(key[1]))
    for network in sorted({network for network, _ in layers if network}):
        own = [key for key in layers if key[0] == network]
        order += sorted(own, key=lambda key: (key[1] != "untrained", rank(key[1])))
    places: Places = {}
    names: list[tuple[float, str]] = []
    headings: list[tuple[float, str]] = []
    at, before = 0.0, ""
    for network, model in order:
        if network != before:
            at += _ROW / 2
            headings.append((at, ", ".join(filter(None, (network, datasets.get(network, ""))))))
            at += 1.4 * _ROW
            before = network
        own_layers = layers[network, model]
        for i, layer in enumerate(own_layers):
            depth = i / (len(own_layers) - 1) if len(own_layers) > 1 else 0.6
            places[model, network, layer] = (at + i * _LAYER, depth)
        names.append((at + (len(own_layers) - 1) * _LAYER / 2, label(model)))
        at += (len(own_layers) - 1) * _LAYER + _ROW
    return Rows(places, names, headings, at)
