"""All pages: what a visitor gets by the address, each with links to the others."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import panel as pn

from spikelearn.explorer.learning_page import TITLE as OF_LEARNING
from spikelearn.explorer.learning_page import LearningPage
from spikelearn.explorer.page import TITLE, Page
from spikelearn.explorer.presets import Open
from spikelearn.explorer.rdm_page import TITLE as OF_MATRICES
from spikelearn.explorer.rdm_page import RdmPage
from spikelearn.explorer.settings import Setting
from spikelearn.explorer.stdp_page import TITLE as OF_PROTOCOLS
from spikelearn.explorer.stdp_page import StdpPage

Make = Callable[[], Any]
PLACES = {TITLE: "", OF_PROTOCOLS: "stdp", OF_LEARNING: "learning", OF_MATRICES: "rdms"}
"""Where pages are, below the first, by their titles."""


def makers(
    known: Mapping[str, Open], setting: Setting, runs: str | Path = "runs"
) -> Callable[[str], dict[str, Make]]:
    """What makes each visitor's page of the address by which it is asked for.

    Parameters
    ----------
    known : mapping of str to callable
        Models by name.
    setting : Setting
        What the page of networks shows where the address does not say it.
    runs : str or Path
        Folder of training runs that can be compared with brains.

    Returns
    -------
    callable
        Of the path of the first page: gives, by their paths, what makes the pages.
    """

    def below(path: str) -> dict[str, Make]:
        at = {
            title: f"{path.rstrip('/')}/{place}".rstrip("/") or "/"
            for title, place in PLACES.items()
        }
        made: dict[str, Callable[[str], Any]] = {
            TITLE: lambda query: Page(known, setting, query, links=at),
            OF_PROTOCOLS: lambda query: StdpPage(query, at),
            OF_LEARNING: lambda query: LearningPage(query, at),
            OF_MATRICES: lambda query: RdmPage(query, at, runs),
        }
        return {at[title]: _visited(make) for title, make in made.items()}

    return below


def _visited(make: Callable[[str], Any]) -> Make:
    """A page for each visit, closed with it."""

    def visit() -> Any:
        location = pn.state.location
        page = make("" if location is None else str(location.search or ""))
        pn.state.on_session_destroyed(lambda context: page.close())
        return page.view

    return visit
