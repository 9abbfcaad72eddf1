"""Formulas as MathML, which browsers draw by themselves: no script, no font, no network.

The LaTeX of a formula stays in it as an annotation. What cannot be converted is a warning, and so
an error of the build.
"""

from __future__ import annotations

import re
from html import escape
from typing import Any

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.util import logging

logger = logging.getLogger(__name__)


def setup(app: Any) -> dict[str, Any]:
    """Make it a renderer of formulas."""
    app.add_html_math_renderer("mathml", (inline, None), (displayed, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def mathml(latex: str, display: str, place: nodes.Node) -> str:
    """A formula in MathML, with its LaTeX.

    Parameters
    ----------
    latex : str
    display : {"inline", "block"}
    place : node
        Where it stands, for the warning.
    """
    try:
        drawn = convert(latex, display=display)
    except Exception as error:  # of whatever kind the library raises
        logger.warning("formula %r: %s", latex, error, location=place)
        return f"<code>{escape(latex)}</code>"
    if "\\" in _text(drawn) or "<mi>&</mi>" in drawn:
        logger.warning("formula %r: not all of it is understood", latex, location=place)
    note = f'<annotation encoding="application/x-tex">{escape(latex)}</annotation>'
    start, end = drawn.index(">") + 1, drawn.rindex("</math>")
    return f"{drawn[:start]}<semantics>{drawn[start:end]}{note}</semantics></math>"


def _text(markup: str) -> str:
    """What is between the tags."""
    return "".join(piece.partition(">")[2] for piece in markup.split("<"))


def inline(self: Any, node: Any) -> None:
    """A formula in a line."""
    self.body.append(mathml(node.astext(), "inline", node))
    raise nodes.SkipNode


def displayed(self: Any, node: Any) -> None:
    """A formula that stands by itself; several lines are aligned at their &."""
    latex = node.astext().strip()
    # A line break outside of \begin ... \end is one between lines of the formula.
    outside = re.sub(r"\\begin\{(\w+)\}.*?\\end\{\1\}", "", latex, flags=re.DOTALL)
    if "\\\\" in outside:
        latex = rf"\begin{{align*}}{latex}\end{{align*}}"
    self.body.append(self.starttag(node, "div", CLASS="math"))
    self.body.append(mathml(latex, "block", node))
    self.body.append("</div>\n")
    raise nodes.SkipNode
