"""Programs of the gallery: short, with a heading and a few words; they run without a warning."""

from __future__ import annotations

import ast
import warnings
from pathlib import Path

import pytest

GALLERY = Path(__file__).parents[2] / "docs" / "gallery"
PROGRAMS = sorted(GALLERY.glob("*.py"))


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.stem)
def test_a_program_is_short_and_says_what_it_draws(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    heading, line, *words = (ast.get_docstring(tree) or "").splitlines()
    assert line == "=" * len(heading)
    assert len(" ".join(words)) > 60
    assert path.stem.startswith("plot_")  # others are shown and not run
    assert (tree.body[-1].end_lineno or 0) - (tree.body[0].end_lineno or 0) <= 30
    named = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    assert any("spikelearn" in ast.unparse(node) for node in named)


def test_there_are_as_many_as_users_want() -> None:
    assert len(PROGRAMS) >= 10


@pytest.mark.slow
@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.stem)
def test_a_program_draws_something_and_warns_of_nothing(path: Path) -> None:
    from matplotlib import pyplot as plt

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        exec(compile(path.read_text(encoding="utf-8"), str(path), "exec"), {})  # noqa: S102 - ours
    drawn = [plt.figure(number) for number in plt.get_fignums()]
    plt.close("all")
    assert any(axis.has_data() or axis.texts for figure in drawn for axis in figure.axes)
