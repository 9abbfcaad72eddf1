"""Pictures on the page: Bokeh's figures, made once and filled with new numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
from bokeh.models import (
    ColumnDataSource,
    CustomJSTickFormatter,
    DataRange1d,
    FixedTicker,
    HoverTool,
    LinearColorMapper,
    Range1d,
)
from bokeh.plotting import figure

from spikelearn.explorer.pictures import Picture
from spikelearn.plot.style import COLOURS, dash

_HEIGHTS = {"raster": 340, "rates": 190}
_HEIGHT = 260


class Figures:
    """All figures of one setting.

    Parameters
    ----------
    side : str
        "A" or "B", by which figures are named, as in "raster A".
    """

    def __init__(self, side: str) -> None:
        self.side = side
        self.time = Range1d(start=0, end=1)
        self.sources: dict[str, ColumnDataSource] = {}
        self._rows: list[tuple[str, float, float]] = []
        self.raster = self._figure("raster", "time (ms)", "", x_range=self.time)
        self._dots()
        self.rates = self._figure("rates", "time (ms)", "rate (Hz)", x_range=self.time)
        self._lines(self.rates, "rates")
        self.rates.y_range = DataRange1d(start=0)
        self.potentials = self._figure(
            "potentials", "time (ms)", "membrane potential (mV)", x_range=self.time
        )
        self._lines(self.potentials, "potentials")
        self.spectrum = self._figure(
            "spectrum", "frequency (Hz)", "power density (Hz²/Hz)", y_axis_type="log"
        )
        self._lines(self.spectrum, "spectrum")
        self.weights = self._figure("weights", "weight", "synapses")
        self._bars()
        self.curve = self._figure("curve", "", "rate (Hz)")
        self._lines(self.curve, "curve")
        self.curve.scatter("x", "y", source=self._points("curve points"), color="color", size=7)
        self.curve.y_range = DataRange1d(start=0)

    def _figure(self, name: str, x: str, y: str, **more: Any) -> Any:
        made: Any = figure(
            name=f"{name} {self.side}", height=_HEIGHTS.get(name, _HEIGHT),
            sizing_mode="stretch_width", tools="xwheel_zoom,xpan,box_zoom,reset,save",
            x_axis_label=x, y_axis_label=y, min_width=200, **more,
        )  # fmt: skip
        made.toolbar.logo = None
        made.toolbar.autohide = True
        made.grid.grid_line_alpha = 0.4
        made.title.text_font_size = "12px"
        made.title.text_font_style = "normal"
        made.outline_line_color = None
        return made

    def _points(self, name: str) -> ColumnDataSource:
        source = ColumnDataSource({"x": [], "y": [], "color": []}, name=f"{name} data {self.side}")
        self.sources[name] = source
        return source

    def _dots(self) -> None:
        shades = LinearColorMapper(palette=list(COLOURS), low=-0.5, high=len(COLOURS) - 0.5)
        self.raster.scatter(
            "x", "y", source=self._points("raster"), size=3, line_color=None,
            fill_color={"field": "color", "transform": shades},
        )  # fmt: skip
        self.raster.ygrid.visible = False
        self.raster.yaxis.major_tick_line_color = None
        self.raster.y_range = Range1d(start=0, end=1)

    def _lines(self, made: Any, name: str) -> None:
        source = ColumnDataSource(
            {"xs": [], "ys": [], "color": [], "dash": [], "name": []},
            name=f"{name} data {self.side}",
        )
        self.sources[name] = source
        made.multi_line("xs", "ys", source=source, color="color", line_dash="dash", line_width=1.6)
        made.add_tools(HoverTool(tooltips=[("", "@name")], line_policy="nearest"))

    def _bars(self) -> None:
        source = ColumnDataSource(
            {"left": [], "right": [], "top": [], "color": [], "name": []},
            name=f"weights data {self.side}",
        )
        self.sources["weights"] = source
        self.weights.quad(
            left="left", right="right", top="top", bottom=0, source=source, fill_color="color",
            fill_alpha=0.45, line_color=None,
        )  # fmt: skip
        self.weights.add_tools(HoverTool(tooltips=[("", "@name")]))

    def show(self, picture: Picture, shown_ms: float) -> None:
        """Fill what the picture has.

        Parameters
        ----------
        picture : Picture
        shown_ms : float
            How much of the trial was simulated.
        """
        self.time.update(start=0, end=picture.duration_ms)
        times = [t.astype(np.float32) for t, _ in picture.dots.values()]
        rows = [r.astype(np.float32) for _, r in picture.dots.values()]
        sizes = [t.size for t in times]
        self.sources["raster"].data = {
            "x": np.concatenate([np.zeros(0, np.float32), *times]),
            # The first population stands at the top, as in a description.
            "y": -np.concatenate([np.zeros(0, np.float32), *rows]),
            "color": np.repeat(np.arange(len(sizes), dtype=np.uint8) % len(COLOURS), sizes),
        }
        self._name_rows(picture)
        thinned = f" ({picture.thinned})" if picture.thinned else ""
        first = f": the first {shown_ms:g} ms" if shown_ms < picture.duration_ms else ""
        self.raster.title.text = f"spikes{thinned}{first}"
        self.rates.title.text = f"rates in bins of {picture.bin_ms:g} ms"
        self._fill("rates", picture, picture.rates)
        self.show_parts(picture)

    def show_parts(self, picture: Picture) -> None:
        """Fill what was looked at."""
        if "spectrum" in picture.parts:
            self._fill("spectrum", picture, picture.spectra)
        if "potentials" in picture.parts:
            self._draw("potentials", [
                (name, x, y, *_pen(i)) for i, (name, x, y) in enumerate(picture.potentials)
            ])  # fmt: skip
            self.potentials.title.text = "potentials of some neurons"
        if "curve" in picture.parts:
            self._show_curve(picture)
        if "weights" in picture.parts:
            self._show_weights(picture)

    def _name_rows(self, picture: Picture) -> None:
        """Populations' names beside their rows; these seldom change."""
        if picture.rows == self._rows:
            return
        self._rows = list(picture.rows)
        lowest = -max((high for *_, high in picture.rows), default=1.0)
        self.raster.y_range.update(start=lowest - 0.5, end=1.0)
        middles = {-(low + high) / 2: name for name, low, high in picture.rows}
        self.raster.yaxis.ticker = FixedTicker(ticks=list(middles))
        self.raster.yaxis.formatter = CustomJSTickFormatter(
            args={"names": {f"{at:g}": name for at, name in middles.items()}},
            code="return names[String(tick)] ?? ''",
        )

    def _show_curve(self, picture: Picture) -> None:
        self._fill("curve", picture, picture.curve)
        self.sources["curve points"].data = {
            "x": np.concatenate([np.zeros(0), *(x for x, _ in picture.curve.values())]),
            "y": np.concatenate([np.zeros(0), *(y for _, y in picture.curve.values())]),
            "color": [
                COLOURS[i % len(COLOURS)]
                for i, (name, *_) in enumerate(picture.rows)
                for _ in picture.curve.get(name, [[]])[0]
            ],
        }
        self.curve.xaxis.axis_label = picture.curve_of
        self.curve.visible = bool(picture.curve)

    def _fill(
        self, name: str, picture: Picture, curves: dict[str, tuple[np.ndarray, np.ndarray]]
    ) -> None:
        """Lines of populations, each as its place in the raster says."""
        places = {population: i for i, (population, *_) in enumerate(picture.rows)}
        self._draw(name, [(n, *xy, *_pen(places[n])) for n, xy in curves.items()])

    def _draw(
        self, name: str, lines: list[tuple[str, np.ndarray, np.ndarray, str, list[int]]]
    ) -> None:
        self.sources[name].data = {
            "xs": [x.astype(np.float32) for _, x, *_ in lines],
            "ys": [y.astype(np.float32) for _, _, y, *_ in lines],
            "color": [colour for *_, colour, _ in lines],
            "dash": [lengths for *_, lengths in lines],
            "name": [name for name, *_ in lines],
        }

    def _show_weights(self, picture: Picture) -> None:
        parts: list[tuple[str, float, float, float, str]] = []
        for i, (name, (edges, counts)) in enumerate(picture.weights.items()):
            colour = COLOURS[i % len(COLOURS)]
            for left, right, top in zip(edges[:-1], edges[1:], counts, strict=True):
                parts.append((name, float(left), float(right), float(top), colour))
        self.sources["weights"].data = {
            "name": [p[0] for p in parts],
            "left": [p[1] for p in parts],
            "right": [p[2] for p in parts],
            "top": [p[3] for p in parts],
            "color": [p[4] for p in parts],
        }
        words = list(picture.weights) or ["no weights that differ"]
        self.weights.title.text = "; ".join(words)


def _pen(place: int) -> tuple[str, list[int]]:
    """Colour and dashes of a line: no two of a figure are alike."""
    return COLOURS[place % len(COLOURS)], list(dash(place // len(COLOURS)))
