"""Formulas become MathML that nothing is missing from."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest
from docutils import nodes

import mathml
from museums import rules
from spikelearn.rules import RULES


@pytest.fixture
def warned(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is warned of."""
    found: list[str] = []
    monkeypatch.setattr(
        mathml.logger, "warning", lambda text, *args, **_: found.append(text % args)
    )
    return found


class Writer:
    """As much of Sphinx's as a formula needs."""

    def __init__(self) -> None:
        self.body: list[str] = []

    def starttag(self, node: nodes.Node, name: str, CLASS: str) -> str:
        return f'<{name} class="{CLASS}">'


def displayed(latex: str) -> str:
    writer = Writer()
    with pytest.raises(nodes.SkipNode):
        mathml.displayed(writer, nodes.math_block(latex, latex))
    return "".join(writer.body)


def test_lines_are_aligned_and_cases_are_one_formula(warned: list[str]) -> None:
    two = ElementTree.fromstring(displayed(r"a &= b \\ c &= d"))
    assert len(two.findall(".//{*}mtr")) == 2
    cases = ElementTree.fromstring(
        displayed(r"g = \begin{cases} 1 & x > 0 \\ 0 & x < 0 \end{cases}")
    )
    assert len(cases.findall(".//{*}mtable")) == 1
    assert warned == []


def test_the_latex_stays_in_it(warned: list[str]) -> None:
    root = ElementTree.fromstring(mathml.mathml(r"x < \eta", "inline", nodes.math()))
    (note,) = root.findall(".//{*}annotation")
    assert note.text == r"x < \eta"


@pytest.mark.parametrize("latex", [r"\nosuchthing x", r"a & b"])
def test_what_is_not_understood_is_warned_of(warned: list[str], latex: str) -> None:
    mathml.mathml(latex, "inline", nodes.math())
    assert len(warned) == 1


def test_every_formula_of_the_rules_is_understood(warned: list[str]) -> None:
    formulas = set()
    for entry in RULES.values():
        text = rules.update(entry)
        formulas |= set(re.findall(r":math:`([^`]+)`", text))
        blocks = re.findall(r"^\.\. math::(.*?)(?=^\S|\Z)", text, re.MULTILINE | re.DOTALL)
        formulas |= {block.strip() for block in blocks}
    assert len(formulas) > 100
    for latex in formulas:
        ElementTree.fromstring(displayed(latex))
    assert warned == []
