"""The check of the built site finds dead links, what needs a network, and what search lacks."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import check_site

PAGES = {
    "index.html": '<a href="a/b.html#here">x</a> <a href="https://doi.org">x</a><img src="a.png">',
    "a/b.html": '<h1 id="here"></h1> <a href="../index.html">x</a> <a href="#here">x</a>',
    "a.png": "",
}


@pytest.fixture
def site(tmp_path: Path) -> Path:
    for name, text in PAGES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def faults(site: Path) -> list[str]:
    return list(check_site.dead_links(site, check_site.read(site)))


def test_a_whole_site_has_no_fault(site: Path) -> None:
    assert faults(site) == []


@pytest.mark.parametrize(
    ("link", "said"),
    [
        ('<a href="c.html">', "c.html leads nowhere"),
        ('<a href="index.html#there">', "names a place that is not on that page"),
        ('<a href="#there">', "names a place"),
        ('<script src="https://cdn.example/x.js"></script>', "needs a network"),
        ('<link href="//cdn.example/x.css">', "needs a network"),
        ('<img src="b.png">', "b.png leads nowhere"),
    ],
)
def test_each_fault_is_found(site: Path, link: str, said: str) -> None:
    (site / "index.html").write_text(PAGES["index.html"] + link)
    (fault,) = faults(site)
    assert said in fault


def test_search_asks_the_index_for_every_word(site: Path) -> None:
    index = {
        "docnames": ["one", "two", "three"],
        "terms": {"feedback": [0, 1], "align": 1},
        "titleterms": {"align": [2]},
    }
    (site / "searchindex.js").write_text(f"Search.setIndex({json.dumps(index)})")
    assert check_site.found(site, "feedback alignment") == {"two"}
    assert check_site.found(site, "Feedback") == {"one", "two"}
    assert check_site.found(site, "nothing") == set()
    assert len(list(check_site.not_found(site))) == len(check_site.SEARCHES)
