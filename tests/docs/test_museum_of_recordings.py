"""A page for every recording: what was shown where it is at hand, citation, licence."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

from museums import recordings
from museums.rst import Pages, prose
from spikelearn.recordings import RECORDINGS


@pytest.fixture
def pages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The pages on a machine that has the grasshopper alone."""
    monkeypatch.setattr(recordings, "at_hand", lambda name: name == "grasshopper")
    recordings.write(Pages(tmp_path / "pages"), tmp_path / "pictures")
    return tmp_path / "pages" / "recordings"


def test_each_recording_has_a_page_with_citation_and_licence(pages: Path) -> None:
    assert {path.stem for path in pages.glob("*.rst")} == {*RECORDINGS, "index"}
    for name in RECORDINGS:
        text = (pages / f"{name}.rst").read_text(encoding="utf-8")
        module = importlib.import_module(f"spikelearn.recordings.{name}")
        assert prose(module.CITATION) in text
        assert prose(module.LICENCE) in text


def test_what_is_at_hand_is_shown_and_of_the_rest_it_is_said(pages: Path) -> None:
    shown = (pages / "grasshopper.rst").read_text(encoding="utf-8")
    assert "The 2 stimuli of grasshopper in their order." in shown
    assert "auditory receptor" in shown.partition("What was measured")[2]
    assert (pages / "grasshopper.png").stat().st_size > 5_000
    absent = (pages / "things_fmri.rst").read_text(encoding="utf-8")
    assert "not at hand" in absent
    assert "``spikelearn download things_fmri``" in absent


def test_what_was_made_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pages = Pages(tmp_path / "pages")
    first = recordings.shown(pages, "grasshopper", tmp_path)
    monkeypatch.setattr(recordings, "load", None)
    assert recordings.shown(pages, "grasshopper", tmp_path) == first


def test_subjects_of_one_kind_stand_in_one_row() -> None:
    heads = ["kind", "subject", "session", "stimuli"]
    rows = [["RDM", s, n, "92"] for s in ("BE", "KO") for n in ("1", "2")] + [
        ["group", "", "", "92"]
    ]
    assert recordings.together(heads, rows) == (
        heads,
        [["RDM", "2: BE to KO", "2: 1 to 2", "92"], ["group", "", "", "92"]],
    )
    assert recordings.together(["kind"], [["RDM"], ["RDM"]])[1] == [["RDM"]]
