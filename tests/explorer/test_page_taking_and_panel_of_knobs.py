"""A visitor's page without a browser: what is turned, held and taken along."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import numpy as np
import pytest

import spikelearn as sl

pytest.importorskip("panel", reason="the page needs Panel (the extra `explore`)")

from spikelearn.explorer.computing import Answer
from spikelearn.explorer.page import Page, Side, first_setting
from spikelearn.explorer.settings import HELD, Setting
from spikelearn.explorer.taking import spikes_file

PATIENCE_S = 60.0
TAU = "populations.neuron.tau_m_ms"


class Waiting:
    """A page, and waiting for what it shows."""

    def __init__(self, page: Page) -> None:
        self.page, self.changed = page, threading.Condition()
        show = page._shown

        def shown(*given: object) -> None:
            with self.changed:
                show(*given)  # type: ignore[arg-type]
                self.changed.notify_all()

        settle = page._settled

        def settled(side: Side, answer: Answer) -> None:
            with self.changed:
                settle(side, answer)
                if side is page.live:
                    self.settled = answer.setting
                self.changed.notify_all()

        self.settled: Setting | None = None
        page._shown = shown  # type: ignore[method-assign, assignment]
        page._settled = settled  # type: ignore[method-assign]

    def until(self, true: Callable[[], bool]) -> None:
        with self.changed:
            assert self.changed.wait_for(true, PATIENCE_S)

    def answered(self) -> None:
        page = self.page
        self.until(
            lambda: (
                page.live.answer is not None
                and page.live.answer.setting == page.setting == self.settled
            )
        )


@pytest.fixture
def waiting() -> Iterator[Waiting]:
    made = Waiting(Page(*first_setting("lif_neuron", "step_current")))
    made.page.turn(made.page.setting.turn("populations.neuron.leak_ns", 9.9))
    made.answered()
    yield made
    made.page.close()


def dots(page: Page, side: str = "live") -> np.ndarray:
    return np.array(getattr(page, side).figures.sources["raster"].data["x"])


def test_a_slider_that_is_dragged_changes_what_is_shown(waiting: Waiting) -> None:
    page = waiting.page
    before = dots(page)
    for tau in (19.0, 15.0, 10.0):
        page.knobs._sliders[TAU].value = tau
    waiting.answered()
    assert page.setting.value(TAU) == 10.0
    assert dots(page).size > before.size
    assert f"{TAU}=10.0" in page.taking.copies.data["command"][0]
    assert page.setting.address() == page.taking.copies.data["query"][0]
    assert "Hz" in page.live.line.object


def test_a_tab_is_computed_where_it_is_opened(waiting: Waiting) -> None:
    page = waiting.page
    assert page.looked_at == "potentials"
    assert len(page.live.figures.sources["potentials"].data["xs"]) == 1
    assert page.live.figures.sources["weights"].data["top"] == []
    page._tabs.active = 1
    page.turn(page.setting.turn(TAU, 12.0))
    waiting.answered()
    assert page.live.picture is not None
    assert page.live.picture.parts == ("spectrum",)
    assert page.live.answer is not None
    assert page.live.answer.activity is not None
    assert page.live.answer.activity.states == {}
    page._tabs.active = 0  # potentials were not recorded: it is simulated again

    def has_potentials() -> bool:
        answer = page.live.answer
        return answer is not None and answer.activity is not None and bool(answer.activity.states)

    waiting.until(has_potentials)


def test_what_does_not_fit_together_is_told_and_the_picture_stays(waiting: Waiting) -> None:
    page = waiting.page
    before = dots(page)
    page.knobs._sliders["populations.neuron.v_reset_mv"].value = -49.0
    waiting.answered()
    assert "must lie above v_reset_mv" in page.live.line.object
    assert np.array_equal(dots(page), before)


def test_fields_that_are_emptied_change_nothing(waiting: Waiting) -> None:
    before = waiting.page.setting
    waiting.page.knobs._turned(lambda s: s.turn(TAU, None))  # type: ignore[arg-type]
    assert waiting.page.setting == before


def test_a_is_held_while_b_is_turned_swapped_and_let_go(waiting: Waiting) -> None:
    page = waiting.page
    first = page.setting
    page.hold()
    page.knobs._sliders[TAU].value = 12.0
    waiting.answered()
    assert page.held == first
    assert dots(page).size > dots(page, "beside").size > 0
    assert f"&{first.address(HELD)}" in page.taking.copies.data["query"][0]
    assert len(page._sides) == 2
    second = page.setting
    page.swap()
    waiting.answered()
    assert (page.setting, page.held) == (first, second)
    assert page.knobs._sliders[TAU].value == 20.0
    page.drop()
    assert len(page._sides) == 1
    assert "A." not in page.taking.copies.data["query"][0]


def test_presets_and_models_are_chosen(waiting: Waiting) -> None:
    page = waiting.page
    page.knobs.preset.value = "Izhikevich: chattering"
    waiting.answered()
    assert page.setting.subject.name == "izhikevich_cell"
    assert page.setting.value("populations.cell.c_mv") == -50.0
    assert "Bursts" in page.knobs.about.object
    page.knobs.model.value = "hodgkin_huxley1952"
    waiting.answered()
    assert page.setting.subject.name == "hodgkin_huxley1952"
    assert page.knobs.preset.value == "your setting"
    page.knobs.back.clicks += 1
    assert page.setting.turned == {}


def test_groups_are_filled_when_they_unfold(waiting: Waiting) -> None:
    page = waiting.page
    page.knobs.model.value = "vogels_abbott_cuba"
    waiting.answered()
    assert [len(column) > 0 for column in page.knobs.groups] == [True] + [False] * 6
    page.knobs.groups.active = [0, 1]
    assert len(page.knobs.groups[1]) > 0
    together = "projections[excitatory->*].synapse.tau_ms"
    page.knobs._sliders[together].value = 6.0
    assert page.setting.value("projections[excitatory->inhibitory].synapse.tau_ms") == 6.0


def test_two_pages_do_not_disturb_each_other(waiting: Waiting) -> None:
    other = Waiting(Page(*first_setting("lif_neuron", "step_current")))
    other.page.knobs._sliders[TAU].value = 11.0
    waiting.page.knobs._sliders[TAU].value = 33.0
    other.answered()
    waiting.answered()
    assert (other.page.setting.value(TAU), waiting.page.setting.value(TAU)) == (11.0, 33.0)
    assert dots(other.page).size > dots(waiting.page).size
    other.page.close()


def test_an_address_opens_what_it_says_and_tells_what_it_leaves_out() -> None:
    known, setting = first_setting("lif_neuron", "step_current")
    query = f"?model=lif_neuron&stimulus=fi_curve&{TAU}=15.0&<b>=1&{HELD}model=hodgkin_huxley1952"
    page = Page(known, setting, query)
    assert page.setting.value(TAU) == 15.0
    assert page.setting.subject.stimulus == "fi_curve"
    assert page.held is not None
    assert page.held.subject.name == "hodgkin_huxley1952"
    assert "&lt;b&gt;" in page.notes.object
    assert "<b>" not in page.notes.object
    page.close()


@pytest.mark.parametrize("suffix", [".npz", ".nwb", ".mat", ".csv"])
def test_spikes_are_saved_by_our_writers(waiting: Waiting, suffix: str, tmp_path: object) -> None:
    from pathlib import Path

    answer = waiting.page.live.answer
    assert answer is not None
    assert answer.activity is not None
    name, content = spikes_file(waiting.page.setting, answer.activity, suffix)
    path = Path(str(tmp_path)) / name
    path.write_bytes(content)
    saved = sl.load_activity(path)["neuron"].times_ms
    assert np.allclose(saved, answer.activity["neuron"].times_ms)


def test_the_whole_trial_is_saved_where_a_part_is_shown(waiting: Waiting) -> None:
    setting = waiting.page.setting
    name, content = spikes_file(setting, None, ".csv")
    answer = waiting.page.live.answer
    assert name == "lif_neuron.csv"
    assert answer is not None
    assert spikes_file(setting, answer.activity, ".csv")[1].count(b"\n") == content.count(b"\n")
