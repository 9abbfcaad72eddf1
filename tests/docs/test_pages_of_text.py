"""Text of users and of docstrings means nothing on a page but code and addresses of papers."""

from __future__ import annotations

from pathlib import Path

from docutils.core import publish_doctree

from museums.benchmarks import tables
from museums.rst import Pages, linked, prose, table


def test_prose_is_itself_but_for_code_and_papers() -> None:
    text = "a *b* |c| d_ \\e `f_*` doi:10.1000/x_y(1)2. arXiv:2212.13345; see `a"
    tree = publish_doctree(prose("a *b* |c| d_ \\e `f_*` and `g`"))
    assert tree.astext() == "a *b* |c| d_ \\e f_* and g"
    assert [node.astext() for node in tree.findall() if node.tagname == "literal"] == ["f_*", "g"]
    links = [n for n in publish_doctree(prose(text)).findall() if n.tagname == "reference"]
    assert [n["refuri"] for n in links] == [
        "https://doi.org/10.1000/x_y(1)2", "https://arxiv.org/abs/2212.13345",
    ]  # fmt: skip


def test_addresses_end_before_the_sentence_does() -> None:
    assert linked("see doi:10.7554/eLife.47314::") == (
        "see `doi:10.7554/eLife.47314 <https://doi.org/10.7554/eLife.47314>`__::"
    )
    assert linked("https://doi.org/10.7554/eLife.47314") == "https://doi.org/10.7554/eLife.47314"


def test_a_table_has_its_cells() -> None:
    tree = publish_doctree(table(("a", ""), [("1", "``2``"), ("", "4")]))
    entries = [node.astext() for node in tree.findall() if node.tagname == "entry"]
    assert entries == ["a", "", "1", "2", "", "4"]


def test_what_has_not_changed_is_left_and_what_is_gone_is_removed(tmp_path: Path) -> None:
    first = Pages(tmp_path)
    first.text("a/one.rst", "1")
    first.text("two.rst", "2")
    before = (tmp_path / "a" / "one.rst").stat().st_mtime_ns
    second = Pages(tmp_path)
    second.text("a/one.rst", "1")
    second.remove_others()
    assert (tmp_path / "a" / "one.rst").stat().st_mtime_ns == before
    assert not (tmp_path / "two.rst").exists()


def test_tables_of_markdown_are_read_by_their_heads(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# T\n\n| a | b |\n|---|---|\n| 1 |  |\n\ntext\n\n| c |\n|:-:|\n| 2 |\n")
    assert tables(page) == (({"a": "1", "b": ""},), ({"c": "2"},))
