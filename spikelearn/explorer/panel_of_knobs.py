"""The knobs on the page: what is explored, sliders and fields in groups that unfold."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import panel as pn

from spikelearn._errors import SpikelearnError
from spikelearn.explorer.knobs import TOGETHER, Knob
from spikelearn.explorer.presets import Open, presets, stimuli
from spikelearn.explorer.settings import MOST_SEED, NOTHING, Setting, key_of

_OWN = "your setting"
_LONGEST_MS = 2000.0


class KnobPanel:
    """Widgets for a setting; what is turned is told.

    Parameters
    ----------
    known : mapping of str to callable
        Models by name.
    tell : callable
        Takes the setting after each turn.
    """

    def __init__(self, known: Mapping[str, Open], tell: Callable[[Setting], None]) -> None:
        self._known, self._tell = known, tell
        self._quiet = False
        self._sliders: dict[str, Any] = {}
        self._groups: dict[str, list[Knob]] = {}
        self.setting: Setting | None = None
        wide: dict[str, Any] = {"sizing_mode": "stretch_width", "margin": (2, 4)}
        names = [_OWN, *(p.name for p in presets() if p.model in known)]
        self.preset = pn.widgets.Select(label="preset", options=names, **wide)
        self.about = pn.pane.HTML("", sizing_mode="stretch_width", margin=(0, 4))
        self.model = pn.widgets.Select(label="model", options=list(known), **wide)
        self.stimulus = pn.widgets.Select(label="shown", options=[NOTHING, *stimuli()], **wide)
        self.duration = pn.widgets.EditableFloatSlider(
            label="duration (ms)", start=20.0, end=_LONGEST_MS, fixed_start=1.0, step=10.0, **wide
        )
        self.seed = pn.widgets.IntInput(label="seed", start=0, end=MOST_SEED, value=0, **wide)
        self.scale = pn.widgets.EditableFloatSlider(
            label="scale (share of neurons and synapses)", start=0.01, end=1.0, fixed_start=0.001,
            fixed_end=1.0, step=0.01, value=1.0, **wide,
        )  # fmt: skip
        self.back = pn.widgets.Button(label="as described", margin=(6, 4))
        self.groups = pn.Accordion(sizing_mode="stretch_width", margin=(6, 0))
        self.view = pn.Column(
            self.preset, self.about, self.model, self.stimulus, self.duration, self.seed,
            self.scale, self.back, self.groups, sizing_mode="stretch_width", margin=0,
        )  # fmt: skip
        self.preset.param.watch(self._chosen_preset, "value")
        self.model.param.watch(self._chosen_model, "value")
        self.stimulus.param.watch(self._chosen_model, "value")
        for widget, field in (
            (self.duration, "duration_ms"),
            (self.seed, "seed"),
            (self.scale, "scale"),
        ):
            widget.param.watch(self._replacing(field), "value")
        self.back.on_click(lambda event: self._turned(lambda s: replace(s, turned={}), anew=True))
        self.groups.param.watch(lambda event: self._fill(), "active")

    def follow(self, setting: Setting) -> None:
        """Show where the knobs of a setting stand; those of another model are made anew."""
        other = self.setting is None or self.setting.subject != setting.subject
        self.setting = setting
        self._quiet = True
        try:
            if other:
                self._show_subject(setting)
            self.duration.end = max(_LONGEST_MS, setting.duration_ms)
            self.duration.value = setting.duration_ms
            self.seed.value, self.scale.value = setting.seed, setting.scale
            self._show_values()
        finally:
            self._quiet = False

    def settle(self, setting: Setting) -> None:
        """Show the values that fields really took, once nothing is turned any more."""
        if self.setting == setting:
            self.follow(setting)

    def _show_subject(self, setting: Setting) -> None:
        subject = setting.subject
        if subject.name not in self.model.options:
            self.model.options = [*self.model.options, subject.name]
        shown = subject.stimulus or NOTHING
        if shown not in self.stimulus.options:
            self.stimulus.options = [*self.stimulus.options, shown]
        self.model.value, self.stimulus.value = subject.name, shown
        self.scale.visible = _scales(setting)
        self._sliders, self._groups = {}, {}
        for knob in subject.knobs:
            self._groups.setdefault(knob.group, []).append(knob)
        self.groups.active = []
        self.groups[:] = [
            ("all together" if name == TOGETHER else name, pn.Column(sizing_mode="stretch_width"))
            for name in self._groups
        ]
        self.groups.active = [0] if self._groups else []
        self._fill()

    def _fill(self) -> None:
        """Make the sliders of groups that are unfolded."""
        for index in self.groups.active:
            column: Any = self.groups[index]
            if not len(column):
                group = list(self._groups.values())[index]
                column[:] = [self._slider(knob) for knob in group]

    def _slider(self, knob: Knob) -> Any:
        assert self.setting is not None  # noqa: S101 - a setting is shown
        key = key_of(knob)
        slider = slider_of(knob, self.setting.value(key))
        slider.param.watch(lambda event: self._turned(lambda s: s.turn(key, event.new)), "value")
        self._sliders[key] = slider
        return slider

    def _show_values(self) -> None:
        assert self.setting is not None  # noqa: S101 - a setting is shown
        for key, slider in self._sliders.items():
            set_to(slider, self.setting.value(key))

    def _turned(self, change: Callable[[Setting], Setting], anew: bool = False) -> None:
        """Tell the setting after a change; values that make no setting are left alone."""
        if self._quiet or self.setting is None:
            return
        try:
            setting = change(self.setting)
        except (SpikelearnError, OverflowError, TypeError):  # a field that is empty meanwhile
            return
        if anew:
            self.follow(setting)
        self.setting = setting
        if self.preset.value != _OWN:
            self._quiet = True
            self.preset.value, self.about.object = _OWN, ""
            self._quiet = False
        self._tell(setting)

    def _replacing(self, field: str) -> Callable[[Any], None]:
        return lambda event: self._turned(lambda s: replace(s, **{field: event.new}))

    def _chosen_preset(self, event: Any) -> None:
        if self._quiet or event.new == _OWN:
            return
        import html

        preset = next(p for p in presets() if p.name == event.new)
        self.about.object = f"<div style='color:#5c5c5c'>{html.escape(preset.about)}</div>"
        setting = preset.setting(self._known)
        self.follow(setting)
        self._tell(setting)

    def _chosen_model(self, event: Any) -> None:
        if self._quiet or self.setting is None:
            return
        from spikelearn.explorer.computing import small_enough

        shown: str | None = self.stimulus.value
        if event.obj is self.model:
            shown = None  # as fits the other model
        try:
            subject = self._known[self.model.value](shown)
            setting = replace(self.setting, subject=subject, turned={}, scale=1.0)
            setting = replace(setting, scale=small_enough(setting))
        except SpikelearnError:
            return
        self._turned(lambda s: setting, anew=True)


def slider_of(knob: Knob, value: float) -> Any:
    """A slider with a field for a knob."""
    kind = pn.widgets.EditableIntSlider if knob.whole else pn.widgets.EditableFloatSlider
    numbers: dict[str, Any] = {
        "value": value, "start": min(knob.low, value), "end": max(knob.high, value),
        "step": knob.step,
    }  # fmt: skip
    for end, bound in (("fixed_start", knob.least), ("fixed_end", knob.most)):
        if abs(bound) != float("inf"):
            numbers[end] = bound
    number = int if knob.whole else float
    numbers = {name: number(one) for name, one in numbers.items()}
    numbers |= {} if knob.whole else {"format": "0.[00000]"}
    return kind(
        label=knob.label, sizing_mode="stretch_width", margin=(2, 4), tags=[key_of(knob)],
        **numbers,
    )  # fmt: skip


def set_to(slider: Any, value: float) -> None:
    """Move a slider, whose ends give way where the value lies beyond them."""
    if slider.value != value:
        value = type(slider.value)(value)
        slider.param.update(start=min(slider.start, value), end=max(slider.end, value))
        slider.value = value


def _scales(setting: Setting) -> bool:
    """Whether a network can be made smaller."""
    try:
        setting.subject.network.scaled(0.5)
    except SpikelearnError:
        return False
    return True
