"""The code of the documentation, which is no part of the package, and its pages written once."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
if str(DOCS) not in sys.path:
    sys.path.insert(0, str(DOCS))


@pytest.fixture(scope="session")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the pages of rules, lessons and the reference."""
    from museums import lessons, reference, rules, words
    from museums.rst import Pages

    pages = Pages(tmp_path_factory.mktemp("generated"))
    for museum in (rules, lessons, reference, words):
        museum.write(pages)
    return pages.folder
