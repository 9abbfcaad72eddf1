"""How long and at which rate a rule is trained on the digits, before a handicap says anything.

What is compared is a rule with itself, so every run of a rule goes the same course. It is the first
of a few by which the rule learns: chosen by the accuracy on validation images, without a handicap,
and never by that on the test images, on which the runs are compared. A rule that learns too little
on every course says nothing under a handicap: that is said, with the accuracy that it would take.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache
from typing import Any

from spikelearn.plausibility.short_training import EPOCHS, N_TRAIN, RATE, Run, digits
from spikelearn.training.measures import largest_share

# Accuracy that a comparison takes, and at which no longer course is looked for, in units of chance.
LEAST, ENOUGH = 3.0, 4.0


@dataclass(frozen=True)
class Course:
    """How much a rule is shown, and at which rate it learns.

    Attributes
    ----------
    rate : float
        Of Adam.
    n_images, epochs : int
        Images in all, and how often all are shown.
    """

    rate: float = RATE
    n_images: int = N_TRAIN
    epochs: int = EPOCHS

    @property
    def settings(self) -> dict[str, Any]:
        """As `train` takes it."""
        return asdict(self)

    @property
    def n_shown(self) -> int:
        """Images that are shown in all."""
        return self.n_images * self.epochs


COURSES = (Course(), Course(epochs=10), Course(1e-3, epochs=10))


@cache
def chance() -> float:
    """The accuracy of naming the largest class each time, on the test images."""
    return float(largest_share(digits()[1].y))


def least_accuracy() -> float:
    """What a run without a handicap has to reach, for what is left of it to say anything."""
    return LEAST * chance()


def chosen(
    train: Callable[[Course], Run], courses: Sequence[Course] = COURSES, longer: int = 3
) -> tuple[Course, Run]:
    """The first course on which enough is learned; else the one on which most is.

    Where none is enough, the best is also gone longer.

    Parameters
    ----------
    train : callable
        Trains by a course.
    courses : sequence of Course
        The shortest first.
    longer : int
        How many times as long; 1, if the courses are all there are.

    Returns
    -------
    course : Course
    run : Run
        By it.
    """
    tried: list[tuple[Course, Run]] = []

    def teaches(course: Course) -> bool:
        tried.append((course, train(course)))
        return tried[-1][1].validation >= ENOUGH * chance()

    if any(teaches(course) for course in courses):
        return tried[-1]
    best, _ = max(tried, key=lambda one: one[1].validation)
    if longer > 1:
        teaches(replace(best, epochs=longer * best.epochs))
    return max(tried, key=lambda one: one[1].validation)
