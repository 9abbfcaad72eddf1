"""The page: self-contained, escaped, repeatable, and without a trace of what is missing."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pages import EVIL, all_sections

from spikelearn.report import About, write_page

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
def text(tmp_path_factory) -> str:
    return page(tmp_path_factory.mktemp("page"))


def page(folder: Path) -> str:
    return write_page(folder / "report.html", all_sections(), ABOUT).read_text(encoding="utf-8")


def test_the_page_needs_nothing_but_itself(text):
    assert "<script" not in text
    assert "<link" not in text
    assert not re.findall(r'(?:src|href)="(?!data:|#)', text)
    assert "url(" not in text
    assert "@import" not in text


def test_the_same_data_give_the_same_bytes(text, tmp_path):
    assert page(tmp_path) == text


def test_every_part_is_there(text):
    keys = [section.key for section in all_sections()]
    assert keys == [
        "learned", "similarity", "accuracy", "rdms", "spikes", "auditory", "layers",
    ]  # fmt: skip
    assert text.count("<img ") == 9
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
    about = About(EVIL, [EVIL], [EVIL], EVIL, EVIL, {EVIL: EVIL}, [EVIL])
    path = write_page(tmp_path / "report.html", all_sections(EVIL), about)
    text = path.read_text(encoding="utf-8")
    assert "<script" not in text
    assert "&lt;script&gt;" in text


def test_wide_tables_scroll_in_their_own_box(text):
    assert text.count("<table") == text.count('<div class="table"')
    assert ".table { overflow-x: auto" in text
