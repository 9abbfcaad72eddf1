"""What an audit leaves open is shown with its reasons."""

from __future__ import annotations

from found import every_kind

from spikelearn.report.unsettled import contradictions, unsettled


def test_contradictions_stand_with_what_speaks_against_them() -> None:
    section = contradictions(every_kind().table())
    assert section is not None
    assert "1 finding would be met" in section.lead
    assert section.tables[0].rows[0][-1] == "The cosine is 1.00."


def test_each_open_finding_says_what_would_be_needed_or_what_it_follows_from() -> None:
    section = unsettled(every_kind().table())
    assert section is not None
    assert section.lead.endswith(
        "undecided: 1; cannot be told: 1; follows from the equations: 2."
    ) or ("undecided: 1, cannot be told: 1" in section.lead)
    text = {table.title: " ".join(map(" ".join, table.rows)) for table in section.folded}
    assert "3 pass, 2 fail" in text["Undecided (1)"]
    assert "0.2 to 0.3 (probes)" in text["Undecided (1)"]
    assert "Needed: three times chance." in text["Cannot be told (1)"]
    assert "w = w + e" in text["Follows from the equations (2)"]


def test_where_nothing_is_open_there_is_no_section() -> None:
    table = every_kind().table()
    settled = table[table["verdict"].isin(["pass", "fail"])]
    assert contradictions(settled) is None
    assert unsettled(settled) is None
