"""The page of protocols: a plasticity's knobs, and what pairs of spikes do to its synapse."""

from __future__ import annotations

import html
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlencode

import numpy as np
import panel as pn
from bokeh.models import ColumnDataSource, HoverTool
from bokeh.models.annotations import Span
from bokeh.plotting import figure

from spikelearn._counts import counted
from spikelearn._description import Description
from spikelearn._errors import SpikelearnError, nearest
from spikelearn.explorer.knobs import Knob, knobs_of_part
from spikelearn.explorer.layout import PageThread, framed
from spikelearn.explorer.newest import Newest, Turn
from spikelearn.explorer.panel_of_knobs import set_to, slider_of
from spikelearn.explorer.presets import plasticities
from spikelearn.explorer.protocols import DT_MS, Measured, PairProtocol, measured
from spikelearn.explorer.taking import Taking
from spikelearn.plot.style import COLOURS

TITLE = "protocols of pairs"
_ORDER = "preset"
Wish = tuple[Description, PairProtocol, str]
"""A plasticity, a protocol, and the preset that the plasticity began as."""


class StdpPage:
    """What a protocol does to a weight, as one turns the plasticity and the protocol.

    Parameters
    ----------
    query : str
        Of the address: `preset`, and numbers by their names.
    links : mapping of str to str
        The other pages.
    """

    def __init__(self, query: str = "", links: dict[str, str] | None = None) -> None:
        self._on_page = PageThread()
        self._quiet = False
        names = list(plasticities())
        self.preset = pn.widgets.Select(
            label="plasticity", options=names, sizing_mode="stretch_width", margin=(2, 4)
        )
        self.about = pn.pane.HTML("", sizing_mode="stretch_width", margin=(0, 4))
        self.line = pn.pane.HTML("", sizing_mode="stretch_width", margin=(0, 4))
        self.column = pn.Column(sizing_mode="stretch_width", margin=0)
        self.taking = Taking(ways=("yaml", "python", "link"))
        self._sliders: dict[str, Any] = {}
        self.shown: Measured | None = None
        self._draw()
        self._newest: Newest[Wish] = Newest(self._measure)
        given = dict(parse_qsl(query.lstrip("?")))
        if given.get(_ORDER) in names:
            self.preset.value = given[_ORDER]
        self._begin()
        self._take_up({key: text for key, text in given.items() if key != _ORDER})
        self.preset.param.watch(lambda event: self._begin(), "value")
        self.view = framed(
            TITLE, links or {}, self.line,
            pn.Column(self.preset, self.about, self.column, sizing_mode="stretch_width"),
            pn.Column(*self.panes, sizing_mode="stretch_width"),
            pn.Column(
                pn.FlexBox(*self.taking.buttons), self.taking.area, sizing_mode="stretch_width"
            ),
        )  # fmt: skip

    def close(self) -> None:
        """End what is measured for this page."""
        self._newest.close()

    def _begin(self) -> None:
        """Take up the plasticity that is chosen."""
        preset = plasticities()[self.preset.value]
        self.about.object = f"<div style='color:#5c5c5c'>{html.escape(preset.about)}</div>"
        self.rule: Description = preset.rule
        self.protocol = PairProtocol()
        knobs = [(k, "rule") for k in knobs_of_part(self.rule, "rule", DT_MS)]
        knobs += [(k, "protocol") for k in knobs_of_part(self.protocol, "protocol", DT_MS)]
        self._sliders = {k.path: slider_of(k, k.value) for k, _ in knobs}
        for knob, of in knobs:
            self._sliders[knob.path].param.watch(self._turning(knob, of), "value")
        self.column[:] = [self._sliders[k.path] for k, of in knobs if of == "protocol"] + [
            self._sliders[k.path] for k, of in knobs if of == "rule"
        ]
        self._want()

    def _take_up(self, given: dict[str, str]) -> None:
        """Numbers of the address, where the schema allows them; what is left out is told."""
        notes = []
        for key, text in given.items():
            try:
                if key not in self._sliders:
                    raise SpikelearnError(f"there is no such knob; {nearest(key, self._sliders)}")
                of = self.protocol if key in PairProtocol.model_fields else self.rule
                value = getattr(of.changed(key, float(text[:30])), key)
            except (SpikelearnError, ValueError) as error:
                notes.append(f"'{key:.60}' of the address is left out: {error}")
            else:
                set_to(self._sliders[key], value)
        self._say(notes)

    def _turning(self, knob: Knob, of: str) -> Callable[[Any], None]:
        def turned(event: Any) -> None:
            try:
                setattr(self, of, getattr(self, of).changed(knob.path, knob.fitting(event.new)))
            except SpikelearnError as error:
                self._say([str(error)])
                return
            self._say([])
            self._want()

        return turned

    def _say(self, notes: list[str]) -> None:
        said = "".join(f"<div>{html.escape(note)}</div>" for note in notes)
        self.line.object = f"<div style='color:#b00020'>{said}</div>"

    def _want(self) -> None:
        self._newest.want((self.rule, self.protocol, str(self.preset.value)))

    def _measure(self, wish: Wish, turn: Turn) -> None:
        """Called on another thread."""
        try:
            found = measured(*wish[:2])
        except SpikelearnError as error:
            said = str(error)
            turn.check()
            self._on_page(lambda: self._say([said]))
            return
        turn.check()
        self._on_page(lambda: self._show(found, wish))

    def _draw(self) -> None:
        self.sources = {
            name: ColumnDataSource({"x": [], "y": []}, name=f"{name} data")
            for name in ("window", "course", "rates", "rates reversed")
        }
        self.figures = {
            "window": _figure("window", "post minus pre (ms)", "change of the weight"),
            "course": _figure("course", "pairs", "weight"),
            "rates": _figure("rates", "pairs a second (Hz)", "change of the weight"),
        }
        for name, where, colour in (
            ("window", "window", 0), ("course", "course", 0), ("rates", "rates", 0),
            ("rates reversed", "rates", 1),
        ):  # fmt: skip
            drawn = self.figures[where]
            words = {"rates": "as set", "rates reversed": "the other spike first"}.get(name)
            legend = {"legend_label": words} if words else {}
            paint = {"source": self.sources[name], "color": COLOURS[colour]}
            drawn.line("x", "y", line_width=1.6, **paint, **legend)
            drawn.scatter("x", "y", size=5, **paint)
        self.figures["rates"].legend.location = "top_left"
        self.figures["rates"].legend.background_fill_alpha = 0.6
        self.panes = [
            pn.pane.Bokeh(drawn, sizing_mode="stretch_width") for drawn in self.figures.values()
        ]

    def _show(self, found: Measured, wish: Wish) -> None:
        rule, protocol, preset = wish
        if preset != self.preset.value:
            return  # another plasticity was chosen meanwhile
        self.shown = found
        for name, x, y in (
            ("window", found.lags_ms, found.by_lag),
            ("course", found.pairs, found.by_pair),
            ("rates", found.rates_hz, found.by_rate),
            ("rates reversed", found.rates_hz, found.by_rate_reversed),
        ):
            self.sources[name].data = {"x": np.asarray(x, float), "y": np.asarray(y, float)}
        n, hz, lag = protocol.n_pairs, protocol.pair_rate_hz, protocol.lag_ms
        self.figures["window"].title.text = f"by {counted(n, 'pair')}, {hz:g} a second"
        self.figures["course"].title.text = f"{lag:g} ms from pre to post, {hz:g} a second"
        self.figures["rates"].title.text = f"by {counted(n, 'pair')}, {lag:g} and {-lag:g} ms"
        self._offer(rule, protocol)

    def _offer(self, rule: Description, protocol: PairProtocol) -> None:
        """What is copied: the plasticity as a projection's field, and the address."""
        import yaml

        from spikelearn.explorer.presets import plasticities

        fields = rule.model_dump(exclude_none=True)
        first = plasticities()[self.preset.value].rule
        changed = {
            name: value
            for of, begun in ((rule, first), (protocol, PairProtocol()))
            for name, value in dict(of).items()
            if value != getattr(begun, name)
        }
        python = (
            f"import spikelearn as sl\n\nrule = sl.networks.{type(rule).__name__}(**{fields!r})\n"
        )
        self.taking.copies.data = {
            "yaml": [yaml.safe_dump({"plasticity": fields}, sort_keys=False)],
            "python": [python],
            "command": [""],
            "query": [urlencode({_ORDER: self.preset.value, **changed})],
        }


def _figure(name: str, x: str, y: str) -> Any:
    drawn: Any = figure(
        name=name, height=240, sizing_mode="stretch_width", min_width=200, x_axis_label=x,
        y_axis_label=y, tools="xwheel_zoom,box_zoom,reset,save",
    )  # fmt: skip
    drawn.toolbar.logo = None
    drawn.toolbar.autohide = True
    drawn.outline_line_color = None
    drawn.title.text_font_size = "12px"
    drawn.title.text_font_style = "normal"
    drawn.add_tools(HoverTool(tooltips=[("", "@x, @y")]))
    if name != "course":
        drawn.add_layout(Span(location=0, dimension="width", line_color="#a0a0a0"))
    return drawn
