"""Tables of texts in a notebook."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

_MOST = 30  # rows
_LONGEST = 400  # characters of a cell


def html_table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table whose texts are escaped; of many rows the first, and how many more there are."""
    head = "".join(f"<th>{escape(name)}</th>" for name in heads)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(_short(cell))}</td>" for cell in row) + "</tr>"
        for row in rows[:_MOST]
    )
    left = len(rows) - _MOST
    more = f"<tr><td colspan='{len(heads)}'>... {left} more</td></tr>" if left > 0 else ""
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}{more}</tbody></table>"


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."
