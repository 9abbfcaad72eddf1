"""Pictures of a run on the page: accuracy, alignment, and what the first layer looks for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from bokeh.models import ColumnDataSource, HoverTool, LinearColorMapper, Range1d
from bokeh.models.annotations import Span
from bokeh.palettes import diverging_palette
from bokeh.plotting import figure

from spikelearn.explorer.learning import DATA
from spikelearn.explorer.trainer import Frame
from spikelearn.plot.style import COLOURS, dash

MOST_FIELDS = 40
_COLUMNS = 10
_DIVERGING = diverging_palette(
    tuple(f"#{k:02x}{k:02x}ff" for k in range(256)),
    tuple(f"#ff{k:02x}{k:02x}" for k in range(256)),
    255,
)


def plain_figure(name: str, x: str, y: str, height: int = 230, **more: Any) -> Any:
    """A figure as all pages have it.

    Parameters
    ----------
    name : str
        By which it is found on the page.
    x, y : str
        Labels of the axes.
    height : int
        In pixels.
    """
    made: Any = figure(
        name=name, height=height, sizing_mode="stretch_width", min_width=200, x_axis_label=x,
        y_axis_label=y, tools="xwheel_zoom,box_zoom,reset,save", **more,
    )  # fmt: skip
    made.toolbar.logo = None
    made.toolbar.autohide = True
    made.outline_line_color = None
    made.grid.grid_line_alpha = 0.4
    made.title.text_font_size = "12px"
    made.title.text_font_style = "normal"
    return made


class CurveFigures:
    """Accuracy and alignment of all runs over their epochs: a colour a run, a dash a layer."""

    def __init__(self) -> None:
        self.colours = {"B": COLOURS[0], "A": COLOURS[1]}
        self.accuracy = plain_figure(
            "accuracy", "epoch", "right (share)", y_range=Range1d(start=0, end=1.02)
        )
        self.accuracy.title.text = "validation examples that are right"
        self.angles = plain_figure(
            "angles", "epoch", "angle (degrees)", y_range=Range1d(start=0, end=182)
        )
        self.angles.title.text = "angle to backpropagation's gradient; 90: unrelated"
        self.angles.yaxis.ticker = [0, 30, 60, 90, 120, 150, 180]
        self.angles.add_layout(
            Span(location=90, dimension="width", line_color="#a0a0a0", line_width=1)
        )
        self._rows: dict[str, dict[str, list[dict[str, Any]]]] = {"accuracy": {}, "angles": {}}
        self.sources = {}
        for name, drawn in (("accuracy", self.accuracy), ("angles", self.angles)):
            source = ColumnDataSource(
                {"xs": [], "ys": [], "color": [], "dash": [], "name": []}, name=f"{name} data"
            )
            drawn.multi_line(
                "xs", "ys", source=source, color="color", line_dash="dash", line_width=1.8,
                legend_field="name",
            )  # fmt: skip
            drawn.add_tools(HoverTool(tooltips=[("", "@name")], line_policy="nearest"))
            drawn.legend.location = "bottom_right" if name == "accuracy" else "top_right"
            drawn.legend.ncols = 1 if name == "accuracy" else 2
            drawn.legend.background_fill_alpha = 0.6
            drawn.legend.label_text_font_size = "11px"
            drawn.legend.padding, drawn.legend.spacing = 4, 0
            self.sources[name] = source

    def show(self, letter: str, called: str, frames: Sequence[Frame]) -> None:
        """Draw a run as far as it is.

        Parameters
        ----------
        letter : str
            Of the run.
        called : str
            Its rule.
        frames : sequence of Frame
        """
        epochs = np.array([frame.epoch for frame in frames], float)
        right = np.array([frame.accuracy for frame in frames])
        self._put("accuracy", letter, [(f"{letter}: {called}", epochs, right)])
        layers = list(frames[-1].angles_deg) if frames else []
        by_layer = [
            (f"{letter}: {layer}", epochs,
             np.array([f.angles_deg.get(layer, np.nan) for f in frames]))
            for layer in layers
        ]  # fmt: skip
        self._put("angles", letter, by_layer)

    def clear(self, letter: str) -> None:
        """Draw a run no longer."""
        for name in self.sources:
            self._put(name, letter, [])

    def _put(self, name: str, letter: str, lines: list[tuple[str, np.ndarray, np.ndarray]]) -> None:
        self._rows[name][letter] = [
            {"xs": x, "ys": y, "color": self.colours[letter], "dash": list(dash(i)),
             "name": called}
            for i, (called, x, y) in enumerate(lines)
        ]  # fmt: skip
        rows = [row for side in ("B", "A") for row in self._rows[name].get(side, [])]
        self.sources[name].data = {
            column: [row[column] for row in rows] for column in self.sources[name].column_names
        }


class FieldFigure:
    """What the first layer looks for, unit by unit; or what is answered over a plane.

    Parameters
    ----------
    letter : str
        Of the run.
    """

    def __init__(self, letter: str) -> None:
        self.figure = plain_figure(
            f"fields {letter}",
            "",
            "",
            height=300,
            x_range=Range1d(start=0, end=1),
            y_range=Range1d(start=0, end=1),
        )
        self.figure.grid.visible = False
        self.mapper = LinearColorMapper(
            palette=_DIVERGING, low=-1.0, high=1.0, nan_color="rgba(255,255,255,0)"
        )
        self.source = ColumnDataSource(
            {"image": [], "x": [], "y": [], "dw": [], "dh": []}, name=f"fields data {letter}"
        )
        self.figure.image(
            "image", "x", "y", "dw", "dh", source=self.source, color_mapper=self.mapper
        )
        self.points = ColumnDataSource({"x": [], "y": [], "color": []}, name=f"points {letter}")
        self.figure.scatter(
            "x", "y", source=self.points, color="color", size=4, line_color="white", line_width=0.5
        )

    def show(self, frame: Frame) -> None:
        """Draw what a frame has."""
        if frame.plane is not None and frame.points is not None:
            self._show_plane(frame.plane, DATA[frame.setting.dataset].input_range, *frame.points)
        elif frame.fields is not None:
            self._show_fields(frame.fields)

    def _show_plane(
        self,
        plane: np.ndarray,
        limits: tuple[float, float],
        at: np.ndarray,
        classes: np.ndarray,
    ) -> None:
        # The points are the middles of the picture's cells.
        low, high = limits
        half = 0.5 * (high - low) / (len(plane) - 1)
        wide = high - low + 2 * half
        self.mapper.update(low=-0.4, high=1.4)  # pale, for there are points in it
        self._image(plane, (low - half, low - half, wide, wide), axes=True)
        if len(self.points.data["x"]) != len(at):
            shades = np.array(["#1f3fbf", "#bf1f1f"])
            self.points.data = {"x": at[:, 0], "y": at[:, 1], "color": shades[classes]}
        self.figure.title.text = "what is answered over the plane, and the training points"

    def _show_fields(self, fields: np.ndarray) -> None:
        shown = fields[:MOST_FIELDS]
        tiles = mosaic(shown)
        most = float(np.abs(shown).max()) or 1.0
        self.mapper.update(low=-most, high=most)
        height, width = tiles.shape
        self._image(tiles[::-1], (0.0, 0.0, float(width), float(height)), axes=False)
        self.points.data = {"x": [], "y": [], "color": []}
        of = "" if len(shown) == len(fields) else f" {len(shown)} of {len(fields)} units,"
        self.figure.title.text = (
            f"weights of the first layer:{of} blue below 0, red above, up to {most:.2g}"
        )

    def _image(
        self, values: np.ndarray, where: tuple[float, float, float, float], axes: bool
    ) -> None:
        x, y, dw, dh = where
        self.figure.axis.visible = axes
        self.figure.x_range.update(start=x, end=x + dw)
        self.figure.y_range.update(start=y, end=y + dh)
        self.source.data = {
            "image": [np.ascontiguousarray(values, np.float32)],
            "x": [x], "y": [y], "dw": [dw], "dh": [dh],
        }  # fmt: skip


def mosaic(fields: np.ndarray) -> np.ndarray:
    """Square pictures of the inputs' weights side by side, with empty lines between them.

    Parameters
    ----------
    fields : array of shape (units, side * side)
    """
    n, side = len(fields), round(fields.shape[1] ** 0.5)
    n_rows = -(-n // _COLUMNS)
    columns = min(n, _COLUMNS)
    tiles = np.full((n_rows * (side + 1) - 1, columns * (side + 1) - 1), np.nan, np.float32)
    for index, weights in enumerate(fields):
        row, column = (number * (side + 1) for number in divmod(index, _COLUMNS))
        tiles[row : row + side, column : column + side] = weights.reshape(side, side)
    return tiles
