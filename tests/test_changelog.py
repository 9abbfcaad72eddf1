"""The changelog, and what else says the version of the toolkit, agree with pyproject.toml."""

from __future__ import annotations

import re
import tomllib
from datetime import date
from pathlib import Path

from spikelearn._keys import OLD_NAMES
from spikelearn._yaml import parse_yaml

ROOT = Path(__file__).parents[1]
CHANGES = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
CITATION = parse_yaml((ROOT / "CITATION.cff").read_text(encoding="utf-8"), "CITATION.cff")
RELEASES = re.findall(r"^## \[(\d+)\.(\d+)\.(\d+)\] - (\d{4}-\d\d-\d\d)$", CHANGES, re.MULTILINE)


def test_the_newest_release_is_the_version_that_is_built_and_cited() -> None:
    *version, day = RELEASES[0]
    assert PROJECT["version"] == ".".join(version) == CITATION["version"]
    assert date.fromisoformat(day) == CITATION["date-released"]


def test_releases_stand_from_the_newest_to_the_oldest_each_with_changes_of_known_kinds() -> None:
    numbers = [tuple(map(int, release[:3])) for release in RELEASES]
    assert numbers == sorted(set(numbers), reverse=True)
    days = [release[3] for release in RELEASES]
    assert days == sorted(days, reverse=True)
    parts = re.split(r"^## \[.*$", CHANGES, flags=re.MULTILINE)[1:]
    assert len(parts) == len(RELEASES)
    kinds = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security", "Renamed"}
    for part in parts:
        assert set(re.findall(r"^### (.*)$", part, re.MULTILINE)) <= kinds
        assert re.search(r"^### ", part, re.MULTILINE)


def test_every_name_that_changed_is_told() -> None:
    renamed = CHANGES.partition("### Renamed")[2].partition("\n## ")[0]
    for names in OLD_NAMES.values():
        for old, new in names.items():
            assert any(f"`{old}`" in row and f"`{new}`" in row for row in renamed.splitlines())


def test_authors_licence_and_keywords_are_those_of_the_citation() -> None:
    assert PROJECT["authors"] == CITATION["authors"]
    assert PROJECT["license"] == CITATION["license"] == "MIT"
    assert PROJECT["keywords"] == CITATION["keywords"]
    assert all((ROOT / file).is_file() for file in PROJECT["license-files"])
