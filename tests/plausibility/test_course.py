"""A rule's course is chosen on validation images, the first by which it learns."""

from __future__ import annotations

import pytest
import torch
from measured import audited

from spikelearn.plausibility.course import COURSES, ENOUGH, Course, chance, chosen, least_accuracy
from spikelearn.plausibility.handicaps import one_by_one, run_of
from spikelearn.plausibility.short_training import Run, digits


def run(validation: float, right: float) -> Run:
    return Run(None, torch.rand(100) < right, validation, 0.0, 1.0)  # type: ignore[arg-type]


def test_chance_is_the_share_of_the_largest_class() -> None:
    y = digits()[1].y
    assert chance() == max(float((y == label).double().mean()) for label in range(10))
    assert least_accuracy() == 3 * chance()


@pytest.mark.parametrize(
    ("validations", "place", "n_tried"),
    [
        ((0.5, 0.9, 0.9, 0.9), 0, 1),
        ((0.1, 0.2, 0.45, 0.9), 2, 3),
        ((0.1, 0.3, 0.2, 0.39), 3, 4),  # the second, three times as long
        ((0.1, 0.3, 0.2, 0.2), 1, 4),
    ],
)
def test_it_is_the_first_that_teaches_enough_else_that_which_teaches_most(
    validations: tuple[float, ...], place: int, n_tried: int
) -> None:
    courses = (*COURSES, Course(epochs=30))
    known = dict(zip(courses, validations, strict=True))
    tried: list[Course] = []

    def train(course: Course) -> Run:
        tried.append(course)
        # The test images say the opposite, and are not asked.
        return run(known[course], 1 - known[course])

    course, best = chosen(train)
    assert course == courses[place]
    assert best.validation == validations[place]
    assert tried == list(courses[:n_tried])


def test_of_courses_that_are_all_there_are_none_is_gone_longer() -> None:
    course, _ = chosen(lambda course: run(0.2, 0.2), (Course(),), longer=1)
    assert course == Course()


def test_all_runs_of_a_rule_go_one_course_and_the_free_one_is_made_once() -> None:
    rule = audited("feedback_alignment")
    free = run_of(rule)
    assert run_of(rule) is free
    assert rule.shared["course"][0] == Course()
    course, whole, single = one_by_one(rule)
    assert single is not None
    assert whole.validation >= ENOUGH * chance()
    assert course.n_shown <= Course().n_shown
