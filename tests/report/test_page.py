"""The page: self-contained, escaped, repeatable, and without a trace of what is missing."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pages import EVIL, all_sections

from spikelearn.report import About, Section, write_page

ABOUT = About(
    title="A report",
    summary=["One sentence."],
    gaps=["the brain, because it was away"],
    command="spikelearn demo --seed 0",
    config="seeds:\n- 0\n- 1\n",
    versions={"torch": "2.13"},
    citations=["Somebody 2008"],
)


@pytest.fixture(scope="module")
def sections() -> list[Section | None]:
    return all_sections()


@pytest.fixture(scope="module")
def text(tmp_path_factory, sections) -> str:
    return page(tmp_path_factory.mktemp("page"), sections)


def page(folder: Path, sections: list[Section | None]) -> str:
    return write_page(folder / "report.html", sections, ABOUT).read_text(encoding="utf-8")


def test_the_page_needs_nothing_but_itself(text):
    assert text.count("<script") == 1  # its own
    assert "<link" not in text
    assert not re.findall(r'(?:src|href)="(?!data:|#)', text)
    assert "url(" not in text
    assert "@import" not in text


def test_the_same_data_give_the_same_bytes(text, tmp_path):
    assert page(tmp_path, all_sections()) == text


def test_every_part_is_there(text, sections):
    keys = [section.key for section in sections]
    assert keys == [
        "learned", "similarity", "accuracy", "rdms", "spikes", "auditory", "layers",
    ]  # fmt: skip
    assert text.count("<img ") == 11
    assert re.findall(r'<section id="(\w+)"', text) == [*keys, "run"]
    assert "the brain, because it was away" in text
    assert "seeds:\n- 0\n- 1" in text
    assert "Somebody 2008" in text
    assert not re.search(r'alt="\s*"', text)
    assert ">nan<" not in text


def test_missing_parts_leave_no_trace(tmp_path):
    path = write_page(tmp_path / "report.html", [None, None], About(title="Empty"))
    text = path.read_text(encoding="utf-8")
    assert text.count("<h2>") == 1
    assert "Left out" not in text
    assert "<img" not in text


def test_text_from_users_is_escaped(tmp_path):
    about = About(EVIL, [EVIL, EVIL], [EVIL], [EVIL], EVIL, EVIL, {EVIL: EVIL}, [EVIL])
    path = write_page(tmp_path / "report.html", all_sections(EVIL), about)
    text = path.read_text(encoding="utf-8")
    assert text.count("<script") == 1
    assert "&lt;script&gt;" in text


def test_what_was_found_stands_above_all_else(tmp_path, sections):
    about = About(title="A report", found=["First.", "Second."], summary=["Done."], gaps=["A gap"])
    text = write_page(tmp_path / "report.html", sections, about).read_text(encoding="utf-8")
    order = [text.index(f">{words}<") for words in ("A report", "First.", "Second.", "Done.")]
    assert order == sorted(order)
    assert order[-1] < text.index("A gap") < text.index("<nav")


def test_tables_say_what_their_rows_are_sorted_by(text):
    head = r'<th scope="col" class="number" data-numbers="1" aria-sort="descending">{}</th>'
    assert head.format("score") in text
    assert head.format("test accuracy (%)") in text
    assert '<td class="number" data-value="0.08">0.080</td>' in text
    assert '<th scope="col">layer</th>' in text


def test_a_picture_says_how_wide_it_was_drawn(text):
    widths = [int(width) for width in re.findall(r'style="--drawn: (\d+)px"', text)]
    assert len(widths) == text.count("<img ")
    assert min(widths) > 300
    assert max(widths) < 1000  # a page is as wide


def test_wide_tables_scroll_in_their_own_box(text):
    assert text.count('<table class="sorts"') == text.count('<div class="table" tabindex="0"')
    assert ".table { overflow-x: auto" in text
