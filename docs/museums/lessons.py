"""The lessons, with their outputs, as they are stored, and what each says of itself in tables."""

from __future__ import annotations

from collections.abc import Sequence

from museums.rst import Pages, contents, heading, page, prose, table
from spikelearn.lessons import Lesson, all_lessons


def write(pages: Pages) -> None:
    """A copy of each notebook, the page that lists them, and the plan of the teacher's page."""
    lessons = all_lessons()
    for lesson in lessons:
        pages.file(f"lessons/{lesson.name}.ipynb", lesson.path)
    pages.text(
        "lessons/index.rst",
        page(
            ".. _lessons:\n",
            heading("Lessons"),
            f"{len(lessons)} notebooks that run from top to bottom, each with aims, questions, and"
            " exercises that say whether an answer is right; here with what they print and draw."
            " They lie in ``notebooks/``, and ``spikelearn lessons copy all`` gives you copies to"
            " work in. How to teach with them: :doc:`/teaching`.\n",
            table(
                ("Lesson", "Minutes", "You can then"),
                [
                    (f":doc:`{one.name}`", str(one.minutes), prose(plain(one.aims)))
                    for one in lessons
                ],
                "25 10 65",
            ),
            contents([one.name for one in lessons]),
        ),
    )
    pages.text("lessons/plan.md", plan(lessons))


def plain(aims: Sequence[str]) -> str:
    """Aims in one line, without what Markdown marks."""
    return " ".join(aims).replace("**", "").replace("*", "").replace("$", "")


def plan(lessons: Sequence[Lesson]) -> str:
    """A table of lessons in Markdown: place, minutes, exercises, what comes before, what it needs.

    Parameters
    ----------
    lessons : sequence of Lesson
        In the order of the course.
    """
    titles = {one.name: one.title for one in lessons}
    rows = ["| | lesson | minutes | exercises | after | needs |", "|---|---|---|---|---|---|"]
    for one in lessons:
        after = ", ".join(link(name, titles[name]) for name in one.after) or "nothing"
        rows.append(
            f"| {one.place} | {link(one.name, one.title)} | {one.minutes} | {one.n_exercises}"
            f" | {after} | {one.needs} |"
        )
    minutes = sum(one.minutes for one in lessons)
    exercises = sum(one.n_exercises for one in lessons)
    total = f"Together {len(lessons)} lessons, {minutes / 60:.0f} hours and {exercises} exercises."
    return "\n".join([*rows, "", total, ""])


def link(name: str, title: str) -> str:
    """A lesson's page, from the teacher's page."""
    return f"[{title}](generated/lessons/{name}.ipynb)"
