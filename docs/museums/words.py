"""Docstrings that stand on a page as they are: there is one text, and it is the code's."""

from __future__ import annotations

import inspect

import spikelearn.simulation
from museums.rst import Pages
from spikelearn.recordings import user_recording


def write(pages: Pages) -> None:
    """Pieces that other pages include."""
    semantics = inspect.getdoc(spikelearn.simulation) or ""
    _, _, semantics = semantics.partition("Semantics\n---------\n")
    pages.text("words/semantics.md", as_rst("## The order of events", semantics))
    says = inspect.getdoc(user_recording) or ""
    pages.text("words/user_recording.md", f"```text\n{says.partition(chr(10))[2].strip()}\n```\n")


def as_rst(title: str, text: str) -> str:
    """A piece of Markdown whose text is reStructuredText."""
    return f"{title}\n\n```{{eval-rst}}\n{text.strip()}\n```\n"
