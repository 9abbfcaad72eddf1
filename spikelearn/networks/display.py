"""How a spiking network shows itself in a notebook: populations, and what connects them."""

from __future__ import annotations

from html import escape
from typing import Any

from spikelearn._html_tables import html_table


def as_html(network: Any) -> str:
    """A heading, a table of populations and one of projections."""
    populations = [(name, p.model, f"{p.size:,}") for name, p in network.populations.items()]
    projections = [
        (p.name, joined_how(p), p.synapse.model, p.plasticity.rule if p.plasticity else "")
        for p in network.projections
    ]
    tables = html_table(("population", "model", "neurons"), populations)
    if projections:
        heads = ("projection", "connectivity", "synapse", "plasticity")
        tables += html_table(heads, projections)
    return f"<p><b>{escape(network.name)}</b> {escape(network.description)}</p>{tables}"


def joined_how(projection: Any) -> str:
    """The kind of a projection's connectivity, and whom it spares: all_to_all but itself."""
    kind = str(projection.connectivity.kind)
    return f"{kind} but {projection.spares}" if projection.spares else kind
