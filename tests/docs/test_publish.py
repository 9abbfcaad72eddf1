"""Releases of the site beside each other: a folder each, all of them listed, the newest first."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from publish import publish


@pytest.fixture
def built(tmp_path: Path) -> Path:
    folder = tmp_path / "html"
    (folder / "howto").mkdir(parents=True)
    (folder / "index.html").write_text("new")
    (folder / "howto" / "index.html").write_text("how")
    return folder


def test_versions_lie_beside_each_other_and_are_listed_by_their_numbers(
    tmp_path: Path, built: Path
) -> None:
    site = tmp_path / "public" / "site"
    for version in ("0.9.0", "0.10.0", "0.2.1"):
        there = publish(built, site, "https://example.org/docs/", version)
    assert there == ["0.10.0", "0.9.0", "0.2.1"]
    listed = json.loads((site / "switcher.json").read_text())
    assert listed[0]["url"] == "https://example.org/docs/0.10.0/"
    assert [one["preferred"] for one in listed] == [True, False, False]
    assert (site / "0.9.0" / "howto" / "index.html").read_text() == "how"
    assert "url=0.10.0/index.html" in (site / "index.html").read_text()


def test_a_version_is_published_anew_and_others_stay(tmp_path: Path, built: Path) -> None:
    site = tmp_path / "site"
    publish(built, site, "https://example.org", "1.0")
    publish(built, site, "https://example.org", "1.1")
    (built / "howto" / "index.html").unlink()
    (site / "drafts").mkdir()  # not a version
    assert publish(built, site, "https://example.org", "1.1") == ["1.1", "1.0"]
    assert not (site / "1.1" / "howto" / "index.html").exists()
    assert (site / "1.0" / "howto" / "index.html").exists()


def test_what_is_no_site_is_not_published(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="holds no built site"):
        publish(tmp_path, tmp_path / "site", "https://example.org", "1.0")
    assert not (tmp_path / "site").exists()
