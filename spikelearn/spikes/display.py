"""How an activity shows itself: in a line where it is printed, as a table in a notebook."""

from __future__ import annotations

from html import escape
from typing import Any

from spikelearn._counts import counted

_MOST = 20  # populations that are listed


def in_a_line(activity: Any) -> str:
    """Trials, duration, spikes and the rate of each population."""
    name = activity.provenance.get("network", {})
    name = name.get("name") if isinstance(name, dict) else None
    of = f" of {name}" if isinstance(name, str) else ""
    return (
        f"<Activity{of}: {_in_words(activity)};"
        f" {', '.join(f'{row[0]} {row[3]} Hz' for row in _rows(activity))}>"
    )


def as_html(activity: Any) -> str:
    """A table: a row a population."""
    head = "".join(f"<th>{name}</th>" for name in ("population", "neurons", "spikes", "Hz"))
    rows = "".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>"
        for row in _rows(activity)
    )
    every = f" every {activity.states_every_ms:g} ms"
    recorded = [escape(name) for name in (*(s + every for s in activity.states), *activity.weights)]
    more = f"<p>recorded besides: {', '.join(recorded)}</p>" if recorded else ""
    words = escape(_in_words(activity))
    return f"<p>{words}</p><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>{more}"


def _in_words(activity: Any) -> str:
    trials = counted(activity.n_trials, "trial")
    return f"{trials} of {activity.duration_ms:g} ms, {counted(activity.n_spikes, 'spike')}"


def _rows(activity: Any) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    seconds = activity.n_trials * activity.duration_ms
    for name, spikes in list(activity.populations.items())[:_MOST]:
        rate = f"{activity.rate_hz(name):.3g}" if spikes.size and seconds > 0 else "no"
        rows.append((name, f"{spikes.size:,}", f"{len(spikes):,}", rate))
    left = len(activity.populations) - len(rows)
    return [*rows, (f"... {left} more", "", "", "")] if left > 0 else rows
