"""The page of dissimilarity matrices: a model's beside a brain's, with the ceiling of its score."""

from __future__ import annotations

import html
import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import panel as pn

from spikelearn._counts import counted
from spikelearn._errors import SpikelearnError
from spikelearn.explorer.computing import told
from spikelearn.explorer.layout import PageThread, framed
from spikelearn.explorer.newest import Newest, Superseded, Turn
from spikelearn.explorer.rdm_figures import MatrixFigure, PlaneFigure, ScoreFigure
from spikelearn.explorer.rdms import (
    MEAN,
    OVER,
    Compared,
    RdmSetting,
    compared,
    from_query,
    models,
    recordings,
)
from spikelearn.explorer.taking import Taking

TITLE = "dissimilarity matrices"
_HALF = ":host { flex: 1 1 320px; min-width: 0; }"


class RdmPage:
    """A model, or a layer of it, compared with a region of a brain.

    Parameters
    ----------
    query : str
        Of the address.
    links : mapping of str to str
        The other pages.
    runs : str or Path
        Folder of training runs that can be chosen.
    """

    def __init__(
        self, query: str = "", links: Mapping[str, str] | None = None, runs: str | Path = "runs"
    ) -> None:
        self._on_page = PageThread()
        self._known = models(runs)
        self.setting, notes = from_query(query, self._known)
        self._quiet = True
        self.shown: Compared | None = None
        self.brain, self.model = MatrixFigure("brain"), MatrixFigure("model")
        self.plane, self.scores = PlaneFigure(), ScoreFigure()
        self.notes = pn.pane.HTML("", visible=False, sizing_mode="stretch_width")
        self.line = pn.pane.HTML("comparing&hellip;", sizing_mode="stretch_width", margin=(0, 4))
        self.taking = Taking(ways=("python", "command", "link"))
        self._make_knobs()
        self._say(notes)
        wide: dict[str, Any] = {"sizing_mode": "stretch_width"}
        drawn = [one.figure for one in (self.brain, self.model, self.scores, self.plane)]
        halves = [
            pn.Column(pn.pane.Bokeh(one, **wide), stylesheets=[_HALF], margin=0, **wide)
            for one in drawn
        ]
        self.view = framed(
            TITLE, links or {}, self.notes, self.knobs,
            pn.Column(self.line, pn.FlexBox(*halves, gap="4px 12px", margin=0, **wide), **wide),
            pn.Column(pn.FlexBox(*self.taking.buttons), self.taking.area, **wide),
        )  # fmt: skip
        self._quiet = False
        self._newest: Newest[RdmSetting] = Newest(self._compare)
        self._newest.want(self.setting)

    def _make_knobs(self) -> None:
        from spikelearn.comparison.comparators import COMPARATORS

        wide: dict[str, Any] = {"sizing_mode": "stretch_width", "margin": (2, 4)}
        setting = self.setting
        self.widgets = {
            "model": pn.widgets.Select(
                label="model", options=self._known, value=setting.model, **wide
            ),
            "layer": pn.widgets.Select(label="layer", options=[setting.layer], **wide),
            "recording": pn.widgets.Select(
                label="recording", options=recordings(), value=setting.recording, **wide
            ),
            "region": pn.widgets.Select(label="region", options=[setting.region], **wide),
            "subject": pn.widgets.Select(label="subjects", options={MEAN: ""}, **wide),
            "method": pn.widgets.Select(
                label="method", options=[setting.method], value=setting.method, **wide
            ),
            "comparator": pn.widgets.Select(
                label="comparator of matrices", options=list(COMPARATORS),
                value=setting.comparator, **wide,
            ),
            "over": pn.widgets.Select(
                label="intervals over", options=list(OVER), value=setting.over, **wide
            ),
        }  # fmt: skip
        self.knobs = pn.Column(*self.widgets.values(), sizing_mode="stretch_width", margin=0)
        for name, widget in self.widgets.items():
            widget.param.watch(self._turning(name), "value")

    def _turning(self, name: str) -> Callable[[Any], None]:
        def turned(event: Any) -> None:
            if self._quiet or event.new is None:
                return
            others = {"model": {"layer": ""}, "recording": {"region": "", "subject": ""}}
            self.setting = replace(self.setting, **{name: event.new}, **others.get(name, {}))
            self._say([])
            self._newest.want(self.setting)

        return turned

    def close(self) -> None:
        """End what is compared for this page."""
        self._newest.close()

    def _compare(self, setting: RdmSetting, turn: Turn) -> None:
        """Called on another thread."""
        self._on_page(lambda: self._wait(setting))
        try:
            with told() as warned:
                found = compared(setting, turn.check)
        except Superseded:
            raise
        except SpikelearnError as error:
            said = str(error)
            turn.check()
            self._on_page(lambda: self._fail(said))
        except Exception as error:  # the page lives on, and says what happened
            said = f"this cannot be compared ({type(error).__name__}: {error})"
            turn.check()
            self._on_page(lambda: self._fail(said))
        else:
            turn.check()
            self._on_page(lambda: self._show(found, [*found.notes, *warned]))

    def _wait(self, setting: RdmSetting) -> None:
        if setting == self.setting and self.shown is None:
            self.line.object = "comparing&hellip;"

    def _fail(self, said: str) -> None:
        self.line.object = f"<span style='color:#b00020'>{html.escape(said)}</span>"

    def _show(self, found: Compared, notes: list[str]) -> None:
        asked = self.setting
        if (found.setting.model, found.setting.recording) != (asked.model, asked.recording):
            return  # something else was chosen meanwhile
        self.shown = found
        self.setting = found.setting
        self._follow(found)
        self.brain.show(found.brain, found.groups)
        self.model.show(found.model, found.groups)
        self.plane.show(found)
        self.scores.show(found)
        self.line.object = _words(found)
        self._say(list(dict.fromkeys(notes)))
        self.taking.copies.data = {
            "yaml": [""], "python": [found.setting.python(found.row)],
            "command": [found.setting.command()], "query": [found.setting.address()],
        }  # fmt: skip

    def _follow(self, found: Compared) -> None:
        """Let the knobs offer what can be chosen, and stand as it is shown."""
        self._quiet = True
        try:
            setting = found.setting
            for name, options in (
                ("layer", found.layers), ("region", found.regions), ("method", found.methods),
                ("subject", {MEAN: "", **{one: one for one in found.subjects}}),
            ):  # fmt: skip
                if self.widgets[name].options != options:
                    self.widgets[name].options = options
                self.widgets[name].value = getattr(setting, name)
            self.widgets["layer"].visible = len(found.layers) > 1
            self.widgets["subject"].visible = len(found.subjects) > 1
            self.widgets["comparator"].visible = setting.of_matrices
        finally:
            self._quiet = False

    def _say(self, notes: list[str]) -> None:
        lines = "".join(f"<div>{html.escape(note)}</div>" for note in notes)
        self.notes.object = f"<div style='color:#8a5a00'>{lines}</div>"
        self.notes.visible = bool(notes)


def _words(found: Compared) -> str:
    """The score with its interval and ceiling, in a sentence."""
    row = found.scores[found.scores["layer"] == found.setting.layer].iloc[0]
    who = found.setting.subject or (
        "the published group" if row["level"] == "group" else "the mean over subjects"
    )
    parts = [
        f"<b>{html.escape(found.model.title)}</b> and <b>{html.escape(found.brain.title)}</b>:"
        f" {html.escape(str(row['measure']).replace('_', ' '))} {row['score']:.3f}"
        if math.isfinite(row["score"]) else "<b>no score</b>"
    ]  # fmt: skip
    if math.isfinite(row["ci_lower"]):
        parts.append(f"95 % from {row['ci_lower']:.3f} to {row['ci_upper']:.3f}")
    if math.isfinite(row["ceiling_lower"]):
        parts.append(f"noise ceiling {row['ceiling_lower']:.3f} to {row['ceiling_upper']:.3f}")
    parts.append(f"{html.escape(who)}, {counted(int(row['n_stimuli']), 'stimulus', 'stimuli')}")
    flag = f"<div style='color:#8a5a00'>{html.escape(row['flag'])}</div>" if row["flag"] else ""
    return f"<div style='font-size:13px;line-height:1.4'>{' &middot; '.join(parts)}{flag}</div>"
