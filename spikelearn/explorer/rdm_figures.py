"""Pictures of a comparison on the page: both matrices, both in a plane, and the scores."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from bokeh.models import (
    ColumnDataSource,
    CustomJSTickFormatter,
    DataRange1d,
    FactorRange,
    FixedTicker,
    HoverTool,
    LinearColorMapper,
    Range1d,
)
from bokeh.models.annotations import BoxAnnotation, Span, Whisker
from bokeh.palettes import Category20, Viridis256

from spikelearn.explorer.learning_figures import plain_figure
from spikelearn.explorer.rdms import Compared, Matrix
from spikelearn.plot.style import COLOURS

_LONGEST_NAME = 18


class MatrixFigure:
    """A dissimilarity matrix, dark for alike, with lines between categories.

    Parameters
    ----------
    name : str
        By which it is found on the page.
    """

    def __init__(self, name: str) -> None:
        self.figure = plain_figure(
            name,
            "",
            "",
            height=340,
            x_range=Range1d(start=0, end=1),
            y_range=Range1d(start=0, end=1),
        )
        self.figure.grid.visible = False
        self.figure.xaxis.visible = False
        self.figure.yaxis.major_tick_line_color = None
        self.figure.yaxis.minor_tick_line_color = None
        self.figure.yaxis.major_label_text_font_size = "9px"
        self.source = ColumnDataSource({"image": [], "n": []}, name=f"{name} data")
        self.figure.image(
            "image", x=0, y=0, dw="n", dh="n", source=self.source,
            color_mapper=LinearColorMapper(
                palette=Viridis256, low=0.0, high=1.0, nan_color="#dddddd"
            ),
        )  # fmt: skip
        self.edges = ColumnDataSource({"x0": [], "x1": [], "y0": [], "y1": []})
        self.figure.segment(
            "x0", "y0", "x1", "y1", source=self.edges, color="white", line_width=0.6
        )

    def show(self, matrix: Matrix, groups: list[tuple[int, int, str]]) -> None:
        """Draw a matrix, if there is one."""
        n = len(matrix.ranks)
        for axis in (self.figure.x_range, self.figure.y_range):
            axis.update(start=0, end=max(n, 1))
        # The first stimulus stands at the top.
        drawn = [np.ascontiguousarray(matrix.ranks[::-1], np.float32)] if n else []
        self.source.data = {"image": drawn, "n": [n] * len(drawn)}
        cuts = [float(first) for first, _, _ in groups if first]
        self.edges.data = {
            "x0": cuts + [0.0] * len(cuts), "x1": cuts + [float(n)] * len(cuts),
            "y0": [0.0] * len(cuts) + [n - c for c in cuts],
            "y1": [float(n)] * len(cuts) + [n - c for c in cuts],
        }  # fmt: skip
        middles = {n - (first + last) / 2: name for first, last, name in groups}
        self.figure.yaxis.visible = bool(groups)
        self.figure.yaxis.ticker = FixedTicker(ticks=list(middles))
        names = {f"{at:g}": name[:_LONGEST_NAME] for at, name in middles.items()}
        self.figure.yaxis.formatter = CustomJSTickFormatter(
            args={"names": names}, code="return names[String(tick)] ?? ''"
        )
        self.figure.title.text = f"{matrix.title}: {'dark is alike' if n else 'not drawn'}"


class PlaneFigure:
    """The stimuli in a plane, by the brain and by the model, each pair joined."""

    def __init__(self) -> None:
        self.figure = plain_figure("plane", "", "", height=340, match_aspect=True)
        self.figure.axis.visible = False
        self.figure.grid.visible = False
        nothing: dict[str, Any] = {"x": [], "y": [], "color": [], "name": []}
        self.lines = ColumnDataSource({"x0": [], "x1": [], "y0": [], "y1": []})
        self.figure.segment(
            "x0", "y0", "x1", "y1", source=self.lines, color="#a0a0a0", line_alpha=0.5
        )
        self.brain = ColumnDataSource(dict(nothing), name="plane brain")
        self.model = ColumnDataSource(dict(nothing), name="plane model")
        drawn = self.figure.scatter(
            "x", "y", source=self.brain, size=8, fill_color="color", line_color="white",
            legend_label="brain",
        )  # fmt: skip
        hollow = self.figure.scatter(
            "x", "y", source=self.model, size=8, marker="triangle", line_color="color",
            fill_color=None, line_width=1.4, legend_label="model",
        )  # fmt: skip
        self.figure.add_tools(HoverTool(tooltips=[("", "@name")], renderers=[drawn, hollow]))
        self.figure.legend.location = "top_left"
        self.figure.legend.background_fill_alpha = 0.6
        self.figure.legend.label_text_font_size = "11px"
        self.figure.legend.padding, self.figure.legend.spacing = 4, 0

    def show(self, found: Compared) -> None:
        """Draw both; stimuli of one category have one colour."""
        shades = Category20[20]
        kind = np.zeros(len(found.labels), dtype=int)
        for number, (first, last, _) in enumerate(found.groups):
            kind[first:last] = number
        colours = [shades[(2 * k + k // 10) % 20] for k in kind]
        for source, matrix in ((self.brain, found.brain), (self.model, found.model)):
            source.data = {
                "x": matrix.places[:, 0], "y": matrix.places[:, 1], "color": colours,
                "name": found.labels,
            }  # fmt: skip
        (x0, y0), (x1, y1) = found.brain.places.T, found.model.places.T
        self.lines.data = {"x0": x0, "x1": x1, "y0": y0, "y1": y1}
        stresses = ", ".join(
            f"{name} {matrix.stress:.2f}" if math.isfinite(matrix.stress) else f"{name} not shown"
            for name, matrix in (("brain", found.brain), ("model", found.model))
        )
        self.figure.title.text = f"in a plane, far is dissimilar (stress: {stresses})"


class ScoreFigure:
    """Scores of the layers with intervals, subjects as dots, and the band of the noise ceiling."""

    def __init__(self) -> None:
        self.figure = plain_figure(
            "scores", "", "similarity", height=300, x_range=FactorRange(factors=["-"]),
            y_range=DataRange1d(range_padding=0.1),
        )  # fmt: skip
        self.figure.xgrid.visible = False
        self.ceiling = BoxAnnotation(
            bottom=0, top=0, fill_color="#8a8a8a", fill_alpha=0.25, visible=False
        )
        self.figure.add_layout(self.ceiling)
        self.figure.add_layout(Span(location=0, dimension="width", line_color="#a0a0a0"))
        self.subjects = ColumnDataSource({"x": [], "y": [], "name": []}, name="scores of subjects")
        dots = self.figure.scatter(
            "x", "y", source=self.subjects, size=5, color="#5c5c5c", alpha=0.5
        )
        self.means = ColumnDataSource(
            {"x": [], "y": [], "low": [], "high": [], "color": [], "name": []}, name="scores data"
        )
        marks = self.figure.scatter("x", "y", source=self.means, size=10, color="color")
        self.figure.add_layout(
            Whisker(source=self.means, base="x", lower="low", upper="high", line_color="#202020")
        )
        self.edges = ColumnDataSource({"x": [], "y": []})  # that the band is within the axis
        self.figure.scatter("x", "y", source=self.edges, alpha=0)
        self.figure.add_tools(HoverTool(tooltips=[("", "@name")], renderers=[dots, marks]))
        self.figure.xaxis.major_label_orientation = 0.6

    def show(self, found: Compared) -> None:
        """Draw the scores of a region."""
        layers = [layer or "-" for layer in found.layers]
        names = [name if name != "-" else found.model.title for name in layers]
        called = dict(zip(found.layers, names, strict=True))
        self.figure.x_range.factors = names
        scores, single = found.scores, found.by_subject
        chosen = scores["layer"] == found.setting.layer
        low, high = scores["ci_lower"], scores["ci_upper"]
        self.means.data = {
            "x": [called[layer] for layer in scores["layer"]],
            "y": scores["score"].to_numpy(), "low": low.to_numpy(), "high": high.to_numpy(),
            "color": [COLOURS[1] if mine else COLOURS[0] for mine in chosen],
            "name": [
                f"{score:.3f} ({a:.3f} to {b:.3f})"
                for score, a, b in zip(scores["score"], low, high, strict=True)
            ],
        }  # fmt: skip
        self.subjects.data = {
            "x": [called[layer] for layer in single["layer"]],
            "y": single["score"].to_numpy(),
            "name": [
                f"{who}: {s:.3f}" for who, s in zip(single["subject"], single["score"], strict=True)
            ],
        }
        row = scores[chosen].iloc[0]
        bottom, top = float(row["ceiling_lower"]), float(row["ceiling_upper"])
        known = math.isfinite(bottom) and math.isfinite(top)
        self.ceiling.visible = known
        if known:
            self.ceiling.update(bottom=bottom, top=top)
        self.edges.data = {
            "x": [names[0]] * 3, "y": [0.0, *((bottom, top) if known else (0.0, 0.0))],
        }  # fmt: skip
        self.figure.yaxis.axis_label = str(row["measure"]).replace("_", " ")
        ceiling = "grey: noise ceiling" if known else "no noise ceiling"
        self.figure.title.text = f"95 % intervals; small: subjects; {ceiling}"
