"""The lessons' pages: each has its own; minutes and aims stand in lists, and links lead there."""

from __future__ import annotations

import re
from pathlib import Path

from docutils.core import publish_doctree

from museums import lessons
from museums.rst import prose
from spikelearn.lessons import all_lessons

DOCS = Path(__file__).parents[2] / "docs"


def test_every_lesson_has_its_page_its_minutes_and_its_aims(written: Path) -> None:
    index = (written / "lessons" / "index.rst").read_text(encoding="utf-8")
    for lesson in all_lessons():
        assert (written / "lessons" / lesson.path.name).read_bytes() == lesson.path.read_bytes()
        assert f":doc:`{lesson.name}`" in index
        assert f"     - {lesson.minutes}\n" in index
        for aim in lesson.aims:
            assert prose(lessons.plain([aim])) in index


def test_the_teachers_plan_is_what_the_lessons_say(written: Path) -> None:
    plan = (written / "lessons" / "plan.md").read_text(encoding="utf-8")
    rows = [line for line in plan.splitlines() if re.match(r"\| \d", line)]
    assert len(rows) == len(all_lessons())
    for row, lesson in zip(rows, all_lessons(), strict=True):
        cells = [cell.strip() for cell in row.strip("|").split("|")]
        assert cells[0] == str(lesson.place)
        assert cells[2:4] == [str(lesson.minutes), str(lesson.n_exercises)]
        assert cells[5] == lesson.needs
        linked = re.findall(r"\(generated/lessons/(\w+)\.ipynb\)", row)
        assert linked == [lesson.name, *lesson.after]
    assert "generated/lessons/plan.md" in (DOCS / "teaching.md").read_text(encoding="utf-8")


def test_aims_are_words_without_marks() -> None:
    text = lessons.plain(["tell **type I** from *type II*;", "find $g$."])
    assert text == "tell type I from type II; find g."
    assert publish_doctree(prose(text)).astext() == text
