"""The page of a recording, and the notes on recordings on other pages."""

from __future__ import annotations

import numpy as np
import pandas as pd

from spikelearn.comparison.recording_summary import RecordingSummary
from spikelearn.report.recording_page import recording_notes_section, write_recording_page


def test_the_page_shows_all_that_was_read_and_escapes_it(tmp_path) -> None:
    measured = pd.DataFrame(
        [
            {"kind": "responses", "region": "V4", "units": 8, "missing": 0.25},
            {"kind": "RDM", "region": "V1", "units": None, "missing": 0.0},
        ]
    )
    summary = RecordingSummary(
        "mine <b>", "mouse", "Doe (2026)", "CC0", "abc123",
        pd.DataFrame({"number": [1, 2], "stimulus": ["<script>", "dog"]}),
        measured,
        pd.DataFrame({"region": ["V4"], "level": ["mean"], "reliability": [0.875]}),
        ("unit 3 was left out",),
        {"window_ms": [0, 100]},
    )  # fmt: skip
    images = np.arange(2 * 4 * 4, dtype=np.uint8).reshape(2, 4, 4)
    page = write_recording_page(tmp_path / "p.html", summary, images, "spikelearn ...").read_text()
    for words in (
        "mine &lt;b&gt;", "&lt;script&gt;", "0.250", "0.875", "unit 3 was left out", "Doe (2026)",
        "CC0", "abc123", "window_ms", "data:image/png", "as the rows of arrays are read",
    ):  # fmt: skip
        assert words in page
    assert "<script>dog" not in page
    plain = write_recording_page(tmp_path / "q.html", summary, None).read_text()
    assert "data:image/png" not in plain


def test_notes_are_by_recording_and_there_is_no_section_without_one() -> None:
    section = recording_notes_section({"a": ("one", "two"), "b": ()})
    assert section is not None
    assert section.tables[0].rows == (("a", "one"), ("a", "two"))
    assert recording_notes_section({"a": ()}) is None
