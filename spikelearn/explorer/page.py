"""One visitor's page: knobs on one side, what the network does on the other."""

from __future__ import annotations

import contextlib
import functools
import html
import math
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import panel as pn

from spikelearn._errors import SpikelearnError
from spikelearn.explorer.computing import Answer, Computer, is_large, small_enough
from spikelearn.explorer.figures import Figures
from spikelearn.explorer.layout import PageThread, framed, running_loop
from spikelearn.explorer.panel_of_knobs import KnobPanel
from spikelearn.explorer.pictures import PARTS, Picture, picture_of
from spikelearn.explorer.presets import Open, models, presets
from spikelearn.explorer.settings import HELD, Setting, from_address, subject_of
from spikelearn.explorer.taking import Taking, spikes_file
from spikelearn.spikes.files import FORMATS

# Two settings stand side by side where there is room for both.
_SIDE = ":host { flex: 1 1 340px; min-width: 0; }"
TITLE = "networks"


class Side:
    """What is seen of one setting, with a line of numbers above it."""

    def __init__(self, letter: str) -> None:
        self.letter = letter
        self.figures = Figures(letter)
        self.line = pn.pane.HTML(
            "simulating&hellip;", sizing_mode="stretch_width", margin=(0, 0, 4, 0)
        )
        self.answer: Answer | None = None
        self.picture: Picture | None = None
        self.main = pn.Column(
            self.line, pn.pane.Bokeh(self.figures.raster, sizing_mode="stretch_width"),
            pn.pane.Bokeh(self.figures.rates, sizing_mode="stretch_width"),
            sizing_mode="stretch_width", margin=0, stylesheets=[_SIDE],
        )  # fmt: skip
        self.more = {
            name: pn.Column(
                pn.pane.Bokeh(getattr(self.figures, name), sizing_mode="stretch_width"),
                stylesheets=[_SIDE],
                sizing_mode="stretch_width",
                margin=0,
            )
            for name in PARTS
        }

    def show(self, answer: Answer, picture: Picture | None) -> None:
        """Show an answer; where it has no picture, why, above the last one."""
        self.answer = answer
        if picture is not None and answer.activity is not None:
            self.picture = picture
            self.figures.show(picture, answer.activity.duration_ms)
        self.line.object = self._words(answer)

    def show_parts(self, answer: Answer, picture: Picture) -> None:
        """Show what is looked at from now on, where this is still the answer."""
        if answer is self.answer:
            self.picture = picture
            self.figures.show_parts(picture)

    def _words(self, answer: Answer) -> str:
        parts = [f"<b>{self.letter}</b>"]
        if answer.error:
            parts.append(f"<span style='color:#b00020'>{html.escape(answer.error)}</span>")
        elif answer.activity is None:
            parts.append("drawing the synapses&hellip;")
        elif self.picture is not None:
            for name, size, rate, cv in self.picture.numbers:
                varied = "" if math.isnan(cv) else f", CV {cv:.2f}"
                parts.append(f"{html.escape(name)} ({size:,}): {rate:.3g} Hz{varied}")
            parts.append(f"<span style='color:#5c5c5c'>{answer.seconds:.2f} s</span>")
            if not answer.whole:
                shown = (
                    f"first {answer.activity.duration_ms:g} of {answer.setting.duration_ms:g} ms"
                )
                parts.append(f"<i>{shown}; the whole follows when you pause</i>")
            elif answer.setting.scale < 1:
                parts.append(f"<i>at {answer.setting.scale:.3g} of its size</i>")
        said = " &middot; ".join(parts)
        notes = "".join(
            f"<div style='color:#8a5a00'>{html.escape(note)}</div>" for note in answer.notes
        )
        return f"<div style='font-size:13px;line-height:1.35'>{said}{notes}</div>"


class Page:
    """A page: a setting that is turned (B), perhaps one that is held (A), and what they do.

    Parameters
    ----------
    known : mapping of str to callable
        Models by name, as of `presets.models`.
    setting : Setting
        What is shown first.
    query : str
        Of the address, which may say another.
    in_notebook : bool
        Whether it stands in a notebook.
    links : mapping of str to str, optional
        The other pages.
    """

    def __init__(
        self,
        known: Mapping[str, Open],
        setting: Setting,
        query: str = "",
        in_notebook: bool = False,
        links: Mapping[str, str] | None = None,
    ) -> None:
        self.known = dict(known)
        self.setting, notes = from_address(query, self.known, setting)
        self.held: Setting | None = None
        if f"{HELD}model=" in query:
            self.held, more = from_address(query, self.known, setting, HELD)
            notes += more
        self._on_page = PageThread(in_notebook, self._tell_notebook)
        self.live, self.beside = Side("B"), Side("A")
        self.taking = Taking(in_notebook)
        self.knobs = KnobPanel(self.known, self.turn)
        self.notes = pn.pane.HTML("", visible=False, sizing_mode="stretch_width")
        self._say(notes)
        self.view = self._laid_out(links or {})
        self._computers = {
            side.letter: Computer(functools.partial(self._deliver, side), self._is_traced)
            for side in (self.live, self.beside)
        }
        self.knobs.follow(self.setting)
        self._show_sides()
        self._computers["B"].want(self.setting)
        if self.held is not None:
            self._computers["A"].want(self.held)

    def _laid_out(self, links: Mapping[str, str]) -> Any:
        self._sides = pn.FlexBox(gap="4px 12px", sizing_mode="stretch_width", margin=0)
        self._tabs = pn.Tabs(dynamic=True, sizing_mode="stretch_width")
        for name in PARTS:
            words = "rate curve" if name == "curve" else name
            both = pn.FlexBox(gap="4px 12px", sizing_mode="stretch_width", margin=0)
            self._tabs.append((words, both))
        self._tabs.active = PARTS.index("spectrum") if is_large(self.setting) else 0
        self._tabs.param.watch(lambda event: self._look(), "active")
        self._hold = pn.widgets.Button(label="hold as A", color="primary")
        self._hold.on_click(lambda event: self.hold())
        self._swap = pn.widgets.Button(label="swap A and B")
        self._swap.on_click(lambda event: self.swap())
        self._drop = pn.widgets.Button(label="let A go")
        self._drop.on_click(lambda event: self.drop())
        self._format = pn.widgets.Select(options=list(FORMATS), value=".npz", width=90)
        self._save = pn.widgets.Button(label="save spikes")
        self._save.on_click(lambda event: self._save_spikes())
        more = pn.Column(
            pn.FlexBox(self._hold, self._swap, self._drop), self._tabs,
            pn.FlexBox(*self.taking.buttons, self._save, self._format), self.taking.area,
            sizing_mode="stretch_width",
        )  # fmt: skip
        return framed(TITLE, links, self.notes, self.knobs.view, self._sides, more)

    def turn(self, setting: Setting) -> None:
        """Show another setting in place of B."""
        if setting == self.setting:
            return
        if setting.subject is not self.setting.subject:
            self.knobs.follow(setting)
        self.setting = setting
        self._computers["B"].want(setting)

    def hold(self) -> None:
        """Keep B as it is, as A, and turn on."""
        self.held = self.setting
        answer, picture = self.live.answer, self.live.picture
        if answer is not None and picture is not None and answer.setting == self.setting:
            self.beside.show(answer, picture)
        if answer is None or answer.setting != self.setting or not answer.whole:
            self._computers["A"].want(self.held)
        self._show_sides()

    def swap(self) -> None:
        """Turn on from A, and hold B."""
        if self.held is None:
            return
        held, self.held = self.held, self.setting
        self.setting = held
        self.knobs.follow(held)
        self._computers["A"].want(self.held)
        self._computers["B"].want(self.setting)
        self._show_sides()

    def drop(self) -> None:
        """Show B alone."""
        self.held = None
        self._show_sides()

    def close(self) -> None:
        """End what is simulated for this page."""
        for computer in self._computers.values():
            computer.close()

    def _show_sides(self) -> None:
        """A where it is held; what is taken along follows."""
        sides = [self.live] if self.held is None else [self.beside, self.live]
        self._sides[:] = [side.main for side in sides]
        tab: Any
        for tab, name in zip(self._tabs, PARTS, strict=True):
            tab[:] = [side.more[name] for side in sides]
        self._swap.visible = self._drop.visible = self.held is not None
        self.taking.follow(self.setting, self.held)

    def _say(self, notes: list[str]) -> None:
        lines = "".join(f"<div>{html.escape(note)}</div>" for note in notes)
        self.notes.object = f"<div style='color:#8a5a00'>{lines}</div>"
        self.notes.visible = bool(notes)

    def _deliver(self, side: Side, answer: Answer) -> None:
        """Called on a computer's thread: pictures are made here, shown on the page's own."""
        picture = picture_of(answer, [self.looked_at]) if answer.activity is not None else None
        self._on_page(lambda: self._shown(side, answer, picture))
        # The picture is on its way before anything that is not seen.
        self._on_page(lambda: self._settled(side, answer))

    def _is_traced(self) -> bool:
        return self.looked_at == "potentials"

    @property
    def looked_at(self) -> str:
        """The tab that is open."""
        return PARTS[int(self._tabs.active)]

    def _look(self) -> None:
        """Compute what the tab that was opened shows."""
        for side in (self.live, self.beside):
            answer, picture = side.answer, side.picture
            if answer is None or answer.activity is None or picture is None:
                continue
            if self._is_traced() and not answer.activity.states:
                wanted = self.setting if side is self.live else self.held
                self._computers[side.letter].want(wanted or answer.setting)
            elif self.looked_at not in picture.parts:
                self._beside_the_page(functools.partial(self._look_at, side, answer))

    def _look_at(self, side: Side, answer: Answer) -> None:
        picture = picture_of(answer, [self.looked_at])
        self._on_page(lambda: side.show_parts(answer, picture))

    @staticmethod
    def _beside_the_page(work: Callable[[], None]) -> None:
        threading.Thread(target=work, name="explorer", daemon=True).start()

    def _shown(self, side: Side, answer: Answer, picture: Picture | None) -> None:
        wanted = self.setting if side is self.live else self.held
        if answer.setting.subject != (wanted and wanted.subject):
            return  # of a model that is no longer shown
        side.show(answer, picture)
        if picture is not None and self.looked_at not in picture.parts:
            self._look()  # another tab was opened meanwhile

    def _settled(self, side: Side, answer: Answer) -> None:
        """Once nothing is turned any more: what fields really took, and what is taken along."""
        if side is self.live and answer.setting == self.setting:
            self.knobs.settle(self.setting)
            with contextlib.suppress(SpikelearnError):
                self.taking.follow(self.setting, self.held)

    def _save_spikes(self) -> None:
        setting, answer, suffix = self.setting, self.live.answer, self._format.value
        activity = answer.activity if answer is not None and answer.setting == setting else None

        def work() -> None:
            try:
                name, content = spikes_file(setting, activity, suffix)
            except (SpikelearnError, OSError) as error:
                said = str(error)
                self._on_page(lambda: self._say([said]))
            else:
                self._on_page(lambda: self.taking.send(name, content))

        self._beside_the_page(work)

    def _tell_notebook(self) -> None:
        panes = [
            pane
            for side in (self.live, self.beside)
            for column in (side.main, *side.more.values())
            for pane in column
            if isinstance(pane, pn.pane.Bokeh) and pane._models
        ]
        if panes:
            pn.io.push_notebook(*panes)


def first_setting(model: Any, stimulus: str | None = None) -> tuple[dict[str, Open], Setting]:
    """All models, that of a user among them, and the setting a page opens with.

    Parameters
    ----------
    model : SpikingNetwork, str, Path or mapping
        A model's name, a file, fields, or a network.
    stimulus : str, optional
        What it is shown.

    Raises
    ------
    SpikelearnError
        Where there is no such model or stimulus, or they do not fit.
    """
    known = dict(models())
    if isinstance(model, str) and model in known:
        subject = known[model](stimulus)
    else:
        subject = subject_of(model, stimulus)
        given = subject

        @functools.cache
        def opened(other: str | None) -> Any:
            return given if other in (None, given.stimulus) else subject_of(model, other)

        known[subject.name] = opened
    setting = Setting(subject)
    for preset in presets():
        if (preset.model, preset.stimulus) == (
            subject.name,
            subject.stimulus,
        ) and not preset.values:
            setting = replace(setting, duration_ms=preset.duration_ms)
    setting = replace(setting, scale=small_enough(setting))
    return known, setting


def in_notebook(model: Any, stimulus: str | None) -> Any:
    """What a notebook shows; see `spikelearn.explore`."""
    known, setting = first_setting(model, stimulus)
    if running_loop() is not None:
        pn.extension()
    page = Page(known, setting, in_notebook=True)
    page.view._page = page  # lives as long as what shows it
    return page.view
