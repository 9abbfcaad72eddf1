"""What all pages share: their frame, the links between them, and their own thread."""

from __future__ import annotations

import asyncio
import contextlib
import html
import threading
from collections.abc import Callable, Mapping
from typing import Any

import panel as pn

_GRID = """
:host { display: grid !important; gap: 4px 18px; align-items: start;
  grid-template-columns: minmax(300px, 360px) minmax(0, 1fr);
  grid-template-areas: "head head" "knobs main" "knobs more"; grid-template-rows: auto auto 1fr;
  max-width: 1500px; margin: 0 auto; padding: 0 12px; box-sizing: border-box; }
@media (max-width: 760px) { :host { padding: 0 6px; grid-template-columns: minmax(0, 1fr);
  grid-template-areas: "head" "main" "knobs" "more"; grid-template-rows: auto; } }
"""
_HEADING = """
h1 { font-size: 20px; margin: 6px 0; display: inline-block }
nav { display: inline-block; margin-left: 18px; font-size: 13px }
nav a, nav b { margin-right: 12px }
"""


def framed(
    title: str, links: Mapping[str, str], notes: Any, knobs: Any, main: Any, more: Any
) -> Any:
    """A page: a heading with links, notes, knobs on one side, and two parts on the other.

    On a narrow screen the first part stands above the knobs.

    Parameters
    ----------
    title : str
        Of the page.
    links : mapping of str to str
        Where the pages are, by their titles.
    notes, knobs, main, more : panel objects
    """
    others = "".join(
        f"<b>{html.escape(name)}</b>" if name == title
        else f"<a href='{html.escape(where)}'>{html.escape(name)}</a>"
        for name, where in links.items()
    )  # fmt: skip
    heading = pn.pane.HTML(
        f"<h1>spikelearn explore</h1><nav>{others}</nav>", stylesheets=[_HEADING]
    )
    wide: dict[str, Any] = {"sizing_mode": "stretch_width"}
    return pn.Column(
        pn.Column(heading, notes, stylesheets=_area("head"), **wide),
        pn.Column(main, stylesheets=_area("main"), **wide),
        pn.Column(knobs, stylesheets=_area("knobs"), **wide),
        pn.Column(more, stylesheets=_area("more"), **wide),
        stylesheets=[_GRID], margin=0, **wide,
    )  # fmt: skip


def _area(name: str) -> list[str]:
    return [f":host {{ grid-area: {name}; min-width: 0; margin: 0; width: auto; }}"]


class PageThread:
    """Lets other threads change a page: on the server's, the notebook's, or with a lock.

    Parameters
    ----------
    in_notebook : bool
        Whether it stands in a notebook.
    after : callable, optional
        Called after each change in a notebook, which has to be told of it.
    """

    def __init__(self, in_notebook: bool = False, after: Callable[[], None] = lambda: None) -> None:
        self._doc = None if in_notebook else pn.state.curdoc
        self._loop = running_loop()
        self._after = after
        self._lock = threading.RLock()

    def __call__(self, act: Callable[[], None]) -> None:
        """Do it as soon as the page can."""
        if self._loop is None:
            with self._lock:
                act()
            return
        with contextlib.suppress(RuntimeError):  # where the loop has ended
            self._loop.call_soon_threadsafe(self._do, act)

    def _do(self, act: Callable[[], None]) -> None:
        """On the loop: which document is at work is one thing for all threads."""
        if self._doc is None:
            act()
            self._after()
        elif self._doc.session_context is not None and not self._doc.session_context.destroyed:
            self._doc.add_next_tick_callback(act)


def running_loop() -> asyncio.AbstractEventLoop | None:
    """The loop that runs this, as in a notebook; None without one."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
