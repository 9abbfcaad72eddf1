"""Training on the page: played, paused, stepped and begun anew; the run is that of its recipe."""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("panel", reason="the page needs Panel (the extra `explore`)")

import spikelearn as sl
from spikelearn.explorer import trainer
from spikelearn.explorer.learning import LearningSetting, with_rule
from spikelearn.explorer.learning_figures import MOST_FIELDS, mosaic
from spikelearn.explorer.learning_page import LearningPage, rates_around
from spikelearn.explorer.trainer import SIDE, Frame, Trainer
from spikelearn.training.checked_runs import weights_of

PATIENCE_S = 120.0
SMALL = replace(LearningSetting("feedback_alignment"), width=10, epochs=2, seed=1)


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trainer, "FRAME_S", 0.0)


@pytest.fixture
def frames() -> Iterator[tuple[Trainer, Callable[[], Frame]]]:
    found: queue.Queue[Frame] = queue.Queue()
    one = Trainer(found.put)
    yield one, lambda: found.get(timeout=PATIENCE_S)
    one.close()


def test_a_run_waits_until_it_is_stepped_or_played(
    frames: tuple[Trainer, Callable[[], Frame]], tmp_path: Path
) -> None:
    one, following = frames
    one.want(SMALL)
    first = following()
    assert (first.epoch, first.error) == (0, "")
    assert set(first.angles_deg) == {"hidden1", "hidden2", "output"}
    assert first.angles_deg["output"] == pytest.approx(0.0, abs=0.1)  # the output's own gradient
    assert 20.0 < first.angles_deg["hidden1"] < 160.0  # through random feedback
    assert first.fields is not None
    assert first.fields.shape == (10, 64)
    one.step()
    assert following().epoch == 1
    one.play()
    assert following().epoch == 2
    last = following()
    assert last.test_accuracy is not None
    # The same run anywhere else.
    path = tmp_path / "recipe.yaml"
    path.write_text(SMALL.yaml(), encoding="utf-8")
    run = sl.train(path, progress=False)
    assert run.summary["test_accuracy"] == last.test_accuracy
    expected = {name: value.numpy() for name, value in weights_of(run.rule).items()}
    assert expected.keys() == last.weights.keys()
    assert all(np.array_equal(last.weights[name], value) for name, value in expected.items())


def test_a_newer_setting_begins_anew(frames: tuple[Trainer, Callable[[], Frame]]) -> None:
    one, following = frames
    one.want(SMALL)
    assert following().setting == SMALL
    other = replace(SMALL, dataset="two_moons", seed=2)
    one.want(other)
    frame = following()
    assert (frame.setting, frame.epoch) == (other, 0)
    assert frame.plane is not None
    assert frame.plane.shape == (SIDE, SIDE)
    assert frame.points is not None
    assert set(frame.points[1].tolist()) == {0, 1}


def test_what_cannot_be_trained_is_told(frames: tuple[Trainer, Callable[[], Frame]]) -> None:
    one, following = frames
    one.play()
    one.want(replace(with_rule(SMALL, "softhebb"), rate=900.0))
    assert following().epoch == 0
    assert "no longer finite in epoch 1; lower the learning rate" in following().error


def shown(page: LearningPage, letter: str, true: Callable[[Frame], bool]) -> Frame:
    """Wait until a frame is shown of which something is true."""
    arrived: queue.Queue[Frame] = queue.Queue()
    run = page.runs[letter]
    show = run.show

    def showing(frame: Frame) -> None:
        show(frame)
        arrived.put(frame)

    run.show = showing  # type: ignore[method-assign]
    page.begin()
    try:
        while True:
            frame = arrived.get(timeout=PATIENCE_S)
            if frame.setting == run.setting and true(frame):
                return frame
    finally:
        run.show = show  # type: ignore[method-assign]


def test_the_page_shows_both_rules_and_takes_them_along() -> None:
    page = LearningPage("?rule=backprop&width=10&epochs=2&A.rule=feedback_alignment&x=1")
    assert "&#x27;x&#x27; of the address is left out" in page.notes.object
    page.set_playing(True)
    last = shown(page, "A", lambda frame: frame.test_accuracy is not None)
    assert last.setting.rule == "feedback_alignment"
    names = page.curves.sources["accuracy"].data["name"]
    assert "A: feedback alignment" in names
    assert "trained: the weights are those of epoch" in page.runs["A"].line.object
    query = page.taking.copies.data["query"][0]
    assert "rule=backprop" in query
    assert "A.rule=feedback_alignment" in query
    page.exchange()
    assert (page.setting.rule, page.rule.value) == ("feedback_alignment", "feedback_alignment")
    assert "rule: feedback_alignment" in page.taking.copies.data["yaml"][0]
    page.rule_beside.value = "nothing"
    assert page.beside is None
    assert page.curves.sources["accuracy"].data["name"] == [
        name for name in page.curves.sources["accuracy"].data["name"] if name.startswith("B")
    ]
    page.dataset.value = "two_moons"
    assert page.setting.dataset == "two_moons"
    page.rule.value = "forward_forward"
    assert "writes the label" in page.notes.object
    page.close()


@pytest.mark.parametrize(
    ("query", "knob", "value"),
    [
        ("dataset=two_moons&A.rule=feedback_alignment", "rule_beside", "forward_forward"),
        ("dataset=digits&A.rule=forward_forward", "dataset", "two_moons"),
    ],
)
def test_what_makes_no_setting_of_either_is_told_and_turned_back(
    query: str, knob: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LearningPage, "begin", lambda self: None)
    page = LearningPage(f"?rule=backprop&{query}")
    before, link = (page.setting, page.beside), page.taking.copies.data["query"]
    stood = getattr(page, knob).value
    getattr(page, knob).value = value
    assert "writes the label" in page.notes.object
    assert (page.setting, page.beside) == before
    assert getattr(page, knob).value == stood
    assert page.taking.copies.data["query"] == link
    page.rule_beside.value = "nothing"
    assert (page.beside, page.notes.visible) == (None, False)
    page.close()


def test_two_runs_side_by_side_are_those_of_one() -> None:
    """Neither disturbs the other's numbers."""
    results: dict[int, queue.Queue[Frame]] = {seed: queue.Queue() for seed in (1, 2)}
    trainers = {seed: Trainer(results[seed].put) for seed in results}
    for seed, one in trainers.items():
        one.play()
        one.want(replace(SMALL, seed=seed))
    for seed, of_seed in results.items():
        while (frame := of_seed.get(timeout=PATIENCE_S)).test_accuracy is None:
            assert not frame.error
        alone = sl.train(replace(SMALL, seed=seed).config(), progress=False)
        for name, weights in weights_of(alone.rule).items():
            assert np.array_equal(frame.weights[name], weights.numpy())
        trainers[seed].close()


def test_pictures_of_fields_are_the_weights() -> None:
    fields = np.arange(12 * 4, dtype=float).reshape(12, 4)
    tiles = mosaic(fields)
    assert tiles.shape == (2 * 3 - 1, 10 * 3 - 1)
    assert tiles[:2, :2].tolist() == [[0, 1], [2, 3]]
    assert tiles[3:5, 3:5].ravel().tolist() == fields[11].tolist()
    assert np.isnan(tiles[2]).all()
    assert MOST_FIELDS >= 12


def test_a_plane_lies_where_its_points_are() -> None:
    """A picture that is the answer "to the right" has its edge at 0."""
    from spikelearn.explorer.learning_figures import FieldFigure

    setting = replace(SMALL, dataset="two_moons")
    axis = np.linspace(-2, 2, SIDE)
    plane = np.repeat((axis > 0)[None].astype(np.float32), SIDE, axis=0)
    points = np.array([[0.5, 0.0], [-0.5, 0.0]]), np.array([1, 0])
    shown = FieldFigure("B")
    shown.show(Frame(setting, plane=plane, points=points))
    data = shown.source.data
    width = data["dw"][0] / SIDE
    first = int(np.argmax(data["image"][0][0]))
    assert data["x"][0] + first * width == pytest.approx(0.0, abs=1e-9)
    assert shown.points.data["x"].tolist() == [0.5, -0.5]


def test_rates_are_offered_around_the_usual_one() -> None:
    offered = list(rates_around(0.001).values())
    assert min(offered) == pytest.approx(1e-5)
    assert max(offered) == pytest.approx(0.1)
    assert 0.001 in offered
