"""The page of learning rules: what they make of a small network, epoch after epoch."""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import panel as pn

from spikelearn._errors import SpikelearnError
from spikelearn.explorer.layout import PageThread, framed
from spikelearn.explorer.learning import (
    BESIDE,
    DATA,
    MOST_EPOCHS,
    MOST_SEED,
    MOST_WIDTH,
    LearningSetting,
    from_query,
    label_of,
    needs_of,
    rules,
    usual_rate,
    with_rule,
)
from spikelearn.explorer.learning_figures import CurveFigures, FieldFigure
from spikelearn.explorer.taking import Taking
from spikelearn.explorer.trainer import Frame, Trainer
from spikelearn.rules import RULES

TITLE = "learning rules"
NOTHING = "nothing"
_SIDE = ":host { flex: 1 1 320px; min-width: 0; }"


class RunShown:
    """One rule on the page: its knobs, its trainer, and what is seen of it.

    Parameters
    ----------
    letter : str
        "A" or "B".
    curves : CurveFigures
        That all rules share.
    on_page : PageThread
    ended : callable
        Called when the run is trained, or cannot be.
    """

    def __init__(
        self, letter: str, curves: CurveFigures, on_page: PageThread, ended: Callable[[], None]
    ) -> None:
        self.letter, self.curves, self._on_page = letter, curves, on_page
        self._ended, self.over = ended, False
        self.frames: list[Frame] = []
        self.setting: LearningSetting | None = None
        self.trainer = Trainer(self._deliver)
        self.line = pn.pane.HTML("", sizing_mode="stretch_width", margin=(0, 4))
        self.field = FieldFigure(letter)
        self.view = pn.Column(
            self.line, pn.pane.Bokeh(self.field.figure, sizing_mode="stretch_width"),
            sizing_mode="stretch_width", margin=0, stylesheets=[_SIDE],
        )  # fmt: skip

    def want(self, setting: LearningSetting) -> None:
        """Begin this run."""
        self.setting, self.frames, self.over = setting, [], False
        self._say("preparing&hellip;")
        self.trainer.want(setting)

    def leave(self) -> None:
        """Show no run here."""
        self.trainer.play(False)
        self.setting, self.frames = None, []
        self.curves.clear(self.letter)

    def _deliver(self, frame: Frame) -> None:
        self._on_page(lambda: self.show(frame))

    def show(self, frame: Frame) -> None:
        """Show a frame, unless another run was begun meanwhile."""
        if frame.setting != self.setting:
            return
        if frame.error:
            self._say(f"<span style='color:#b00020'>{html.escape(frame.error)}</span>")
            self._end()
            return
        if frame.test_accuracy is None:
            self.frames.append(frame)
        self.curves.show(self.letter, label_of(frame.setting.rule), self.frames)
        self.field.show(frame)
        self._say(self._words(frame))
        if frame.test_accuracy is not None:
            self._end()

    def _end(self) -> None:
        self.over = True
        self._ended()

    def _words(self, frame: Frame) -> str:
        if frame.test_accuracy is None:
            at = "before training" if not frame.epoch else f"epoch {frame.epoch}"
            parts = [f"{at} of {frame.setting.epochs}", f"right {frame.accuracy:.1%}"]
        else:
            parts = [
                f"trained: the weights are those of epoch {frame.epoch}, the best on validation"
                f" examples ({frame.accuracy:.1%})",
                f"right for {frame.test_accuracy:.1%} of the test examples",
            ]
        notes = "".join(
            f"<div style='color:#8a5a00'>{html.escape(note)}</div>" for note in frame.notes
        )
        return " &middot; ".join(parts) + notes

    def _say(self, said: str) -> None:
        assert self.setting is not None  # noqa: S101 - something is shown
        name = html.escape(label_of(self.setting.rule))
        colour = self.curves.colours[self.letter]
        self.line.object = (
            f"<div style='font-size:13px;line-height:1.35'><b style='color:{colour}'>"
            f"{self.letter}: {name}</b> &middot; {said}</div>"
        )


def about(rule: str) -> str:
    """What a rule is, what it needs, and its paper, as HTML."""
    entry = RULES[rule]
    parts = [f"{entry.description}.", needs_of(entry), entry.paper and f"{entry.paper}."]
    said = " ".join(html.escape(part) for part in parts if part)
    return f"<div style='color:#5c5c5c;font-size:12.5px;line-height:1.35'>{said}</div>"


def rates_around(rate: float) -> dict[str, float]:
    """Learning rates to choose from, eight a decade around one, by how they are written."""
    found = [float(f"{rate * 10 ** (k / 8):.3g}") for k in range(-16, 17)]
    return {f"{one:.3g}": one for one in sorted({*found, rate})}


class LearningPage:
    """Rules that train a small network: B, and A beside it where one is chosen.

    Parameters
    ----------
    query : str
        Of the address.
    links : mapping of str to str
        The other pages.
    """

    def __init__(self, query: str = "", links: Mapping[str, str] | None = None) -> None:
        self._on_page = PageThread()
        self._quiet = True
        self.setting, self.beside, notes = from_query(query)
        self.curves = CurveFigures()
        self.runs = {
            letter: RunShown(letter, self.curves, self._on_page, self._stop_if_over)
            for letter in "BA"
        }
        self.taking = Taking()
        self.notes = pn.pane.HTML("", visible=False, sizing_mode="stretch_width")
        self._say(notes)
        self._make_knobs()
        self.playing = False
        self.play = pn.widgets.Button(label="play", color="primary")
        self.play.on_click(lambda event: self.play_or_pause())
        self.step = pn.widgets.Button(label="step: one epoch")
        self.step.on_click(lambda event: self.make_step())
        self.reset = pn.widgets.Button(label="reset")
        self.reset.on_click(lambda event: self.begin())
        self.swap = pn.widgets.Button(label="swap A and B")
        self.swap.on_click(lambda event: self.exchange())
        self._sides = pn.FlexBox(gap="4px 12px", sizing_mode="stretch_width", margin=0)
        wide: dict[str, Any] = {"sizing_mode": "stretch_width"}
        self.view = framed(
            TITLE, links or {}, self.notes, self.knobs,
            pn.Column(
                pn.FlexBox(self.play, self.step, self.reset, self.swap),
                pn.FlexBox(
                    *(
                        pn.Column(
                            pn.pane.Bokeh(one, **wide), stylesheets=[_SIDE], margin=0, **wide
                        )
                        for one in (self.curves.accuracy, self.curves.angles)
                    ),
                    gap="4px 12px", margin=0, **wide,
                ),
                self._sides, **wide,
            ),
            pn.Column(pn.FlexBox(*self.taking.buttons), self.taking.area, **wide),
        )  # fmt: skip
        self._quiet = False
        self._follow()
        self.begin()

    def _make_knobs(self) -> None:
        wide: dict[str, Any] = {"sizing_mode": "stretch_width", "margin": (2, 4)}
        names = {label_of(name): name for name in rules()}
        self.rule = pn.widgets.Select(label="rule (B)", options=names, **wide)
        self.rate = pn.widgets.DiscreteSlider(label="learning rate (B)", options=[1.0], **wide)
        self.about = pn.pane.HTML("", sizing_mode="stretch_width", margin=(0, 4))
        self.rule_beside = pn.widgets.Select(
            label="beside it (A)", options={NOTHING: NOTHING, **names}, **wide
        )
        self.rate_beside = pn.widgets.DiscreteSlider(
            label="learning rate (A)", options=[1.0], **wide
        )
        self.about_beside = pn.pane.HTML("", sizing_mode="stretch_width", margin=(0, 4))
        self.dataset = pn.widgets.Select(label="data set", options=list(DATA), **wide)
        self.about_data = pn.pane.HTML("", sizing_mode="stretch_width", margin=(0, 4))
        self.width = pn.widgets.IntSlider(
            label="units of each hidden layer", start=10, end=MOST_WIDTH, step=10, **wide
        )
        self.epochs = pn.widgets.IntSlider(label="epochs", start=2, end=MOST_EPOCHS, **wide)
        self.seed = pn.widgets.IntInput(label="seed", start=0, end=MOST_SEED, **wide)
        self.knobs = pn.Column(
            self.rule, self.about, self.rate, self.rule_beside, self.about_beside,
            self.rate_beside, self.dataset, self.about_data, self.width, self.epochs, self.seed,
            sizing_mode="stretch_width", margin=0,
        )  # fmt: skip
        self.rule.param.watch(lambda e: self._turned(lambda s: with_rule(s, e.new)), "value")
        self.rule_beside.param.watch(lambda e: self._turned_beside(e.new), "value")
        self.rate.param.watch(
            lambda e: self._turned(lambda s: replace(s, rate=float(e.new))), "value_throttled"
        )
        self.rate_beside.param.watch(self._turned_rate_beside, "value_throttled")
        for widget, name, event in (
            (self.dataset, "dataset", "value"), (self.width, "width", "value_throttled"),
            (self.epochs, "epochs", "value_throttled"), (self.seed, "seed", "value"),
        ):  # fmt: skip
            widget.param.watch(self._replacing(name), event)

    def _replacing(self, name: str) -> Callable[[Any], None]:
        return lambda event: self._turned(lambda s: replace(s, **{name: event.new}))

    def _turned(self, change: Callable[[LearningSetting], LearningSetting]) -> None:
        """A turn of what is B's, or of both."""

        def both() -> tuple[LearningSetting, LearningSetting | None]:
            setting, beside = change(self.setting), self.beside
            if beside is not None:
                beside = replace(setting, rule=beside.rule, rate=beside.rate)
            return setting, beside

        self._take(both)

    def _turned_beside(self, rule: str) -> None:
        self._take(
            lambda: (self.setting, None if rule == NOTHING else with_rule(self.setting, rule))
        )

    def _turned_rate_beside(self, event: Any) -> None:
        beside = self.beside
        if beside is not None:
            self._take(lambda: (self.setting, replace(beside, rate=float(event.new))))

    def _take(self, both: Callable[[], tuple[LearningSetting, LearningSetting | None]]) -> None:
        """Begin anew after a turn; what makes no setting of A or B is told, and turned back."""
        if self._quiet:
            return
        try:
            self.setting, self.beside = both()
        except SpikelearnError as error:
            self._follow()
            self._say([str(error)])
            return
        self._begin_anew()

    def _begin_anew(self) -> None:
        self._say([])
        self._follow()
        self.begin()

    def exchange(self) -> None:
        """Take A for B, and B for A."""
        if self.beside is not None:
            self.setting, self.beside = self.beside, self.setting
            self._begin_anew()

    def begin(self) -> None:
        """Show both runs before training; they go on if the page plays."""
        for letter, setting in (("B", self.setting), ("A", self.beside)):
            if setting is not None:
                self.runs[letter].trainer.play(self.playing)
                self.runs[letter].want(setting)
            else:
                self.runs[letter].leave()

    def play_or_pause(self) -> None:
        """Play, from the beginning where all is trained; or hold."""
        over = all(run.over for run in self._present())
        self.set_playing(not self.playing)
        if over and self.playing:
            self.begin()

    def _stop_if_over(self) -> None:
        if self.playing and all(run.over for run in self._present()):
            self.set_playing(False)

    def set_playing(self, playing: bool) -> None:
        """Play both runs, or hold them."""
        self.playing = playing
        self.play.label = "pause" if playing else "play"
        for run in self._present():
            run.trainer.play(playing)

    def make_step(self) -> None:
        """Let both runs make one epoch."""
        self.set_playing(False)
        for run in self._present():
            run.trainer.step()

    def close(self) -> None:
        """End what is trained for this page."""
        for run in self.runs.values():
            run.trainer.close()

    def _present(self) -> list[RunShown]:
        return [run for run in self.runs.values() if run.setting is not None]

    def _follow(self) -> None:
        """Let knobs, sides and what is taken along stand as the settings do."""
        self._quiet = True
        try:
            setting = self.setting
            self.rule.value, self.dataset.value = setting.rule, setting.dataset
            self.width.start = min(10, setting.width)
            self.width.value, self.epochs.value = setting.width, setting.epochs
            self.seed.value = setting.seed
            self.about.object = about(setting.rule)
            said = html.escape(DATA[setting.dataset].about)
            self.about_data.object = f"<div style='color:#5c5c5c;font-size:12.5px'>{said}</div>"
            _set_rate(self.rate, setting)
            self.rule_beside.value = NOTHING if self.beside is None else self.beside.rule
            self.rate_beside.visible = self.about_beside.visible = self.beside is not None
            self.swap.visible = self.beside is not None
            if self.beside is not None:
                self.about_beside.object = about(self.beside.rule)
                _set_rate(self.rate_beside, self.beside)
        finally:
            self._quiet = False
        sides = "B" if self.beside is None else "AB"
        self._sides[:] = [self.runs[letter].view for letter in sides]
        query = self.setting.address()
        if self.beside is not None:
            query += f"&{self.beside.address(BESIDE)}"
        self.taking.copies.data = {
            "yaml": [self.setting.yaml()], "python": [self.setting.python()],
            "command": [self.setting.command()], "query": [query],
        }  # fmt: skip

    def _say(self, notes: list[str]) -> None:
        lines = "".join(f"<div>{html.escape(note)}</div>" for note in notes)
        self.notes.object = f"<div style='color:#8a5a00'>{lines}</div>"
        self.notes.visible = bool(notes)


def _set_rate(slider: Any, setting: LearningSetting) -> None:
    """A slider of learning rates around the rule's usual one, at the setting's."""
    options = rates_around(usual_rate(setting.rule))
    options[f"{setting.rate:.3g}"] = setting.rate
    slider.param.update(
        options=dict(sorted(options.items(), key=lambda item: item[1])), value=setting.rate
    )
