"""Every notebook is a lesson that runs from top to bottom, with and without answers, and is shipped
as it runs.

An exercise is a cell with three dots, whose last line is its check; the solution and wrong answers
stand in the folded cell after it. A lesson is run with the dots, which the check takes for no
answer yet; with the solution, which it has to accept; and with each wrong answer, which it has to
refuse.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from spikelearn._files import local_data
from spikelearn.lessons import Lesson, all_lessons, lesson_files

# Lessons on a recording, which a machine without it and without a network cannot run.
NEEDS = {"brain_comparison": "kriegeskorte92/92_brainRDMs.mat"}
PATHS = list(lesson_files().values())
DRAWS = re.compile(r"plt\.subplots\(|sl\.plot\.\w+\(")
PYTHON = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="session")
def kernel() -> Iterator[Any]:
    """One kernel for all lessons that this process runs: to start one costs as much as a lesson."""
    from jupyter_client.manager import KernelManager

    manager = KernelManager(kernel_name="python3")
    manager.start_kernel(cwd=str(PATHS[0].parent))
    yield manager
    manager.shutdown_kernel(now=True)


def tagged(cells: list[Any], tag: str) -> list[Any]:
    """The cells that have a tag."""
    return [cell for cell in cells if tag in cell["metadata"].get("tags", [])]


def call_of(exercise: Any) -> str:
    """The check of an exercise: the last line of its cell."""
    last = ast.parse("".join(exercise["source"])).body[-1]
    assert isinstance(last, ast.Expr)
    assert ast.unparse(last).startswith("sl.lessons.check(")
    return ast.unparse(last)


def with_answers(cells: list[Any]) -> list[Any]:
    """The cells of a lesson, and after each exercise what its check has to say."""
    from nbformat.v4 import new_code_cell

    run = [new_code_cell("%reset -f")]
    call = ""
    for cell in cells:
        run.append(cell)
        if "exercise" in cell.metadata.get("tags", []):
            call = call_of(cell)
            run.append(new_code_cell(f"assert {call}.right is None, 'dots are no answer'"))
        if "solution" in cell.metadata.get("tags", []):
            solution = "\n".join(PYTHON.findall(cell.source))
            run.append(new_code_cell(f"{solution}\nverdict = {call}\nassert verdict, verdict"))
            for wrong in cell.metadata["wrong"]:
                said = "assert verdict.right is False, verdict"
                run.append(new_code_cell(f"{wrong}\nverdict = {call}\n{said}"))
    return run


@pytest.mark.parametrize("path", PATHS, ids=lambda p: p.stem)
@pytest.mark.filterwarnings("ignore")
def test_a_lesson_runs_with_its_solutions_which_checks_accept_and_refuses_wrong_answers(
    path: Path, kernel: Any
) -> None:
    import nbformat
    from nbclient import NotebookClient

    needed = NEEDS.get(path.stem)
    if needed is not None and local_data(needed) is None:
        pytest.skip(f"{needed} is neither in SPIKELEARN_DATA nor cached")
    notebook = nbformat.read(path, as_version=4)
    own = notebook.cells
    notebook.cells = with_answers(own)
    client = NotebookClient(notebook, km=kernel, startup_timeout=600)
    try:
        client.execute()
    finally:
        if client.kc is not None:
            client.kc.stop_channels()
    outputs = [out for cell in own for out in cell.get("outputs", [])]
    assert [out for out in outputs if "image/png" in out.get("data", {})]


@pytest.mark.parametrize("path", PATHS, ids=lambda p: p.stem)
def test_a_lesson_is_stored_with_its_outputs_and_is_small(path: Path) -> None:
    """By `python docs/store_outputs.py NAME`."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code" and "".join(cell["source"])]
    assert [cell["execution_count"] for cell in code] == list(range(1, len(code) + 1))
    outputs = [output for cell in code for output in cell["outputs"]]
    assert [output for output in outputs if "image/png" in output.get("data", {})]
    assert not [output for output in outputs if output["output_type"] == "error"]
    drawn = [cell for cell in code if DRAWS.search("".join(cell["source"]))]
    assert [c["source"] for c in drawn if not any("image/png" in o.get("data", {})
                                                  for o in c["outputs"])] == []  # fmt: skip
    assert path.stat().st_size < 300_000


@pytest.mark.parametrize("path", PATHS, ids=lambda p: p.stem)
def test_a_lesson_asks_before_it_answers_and_has_exercises_with_hints_and_solutions(
    path: Path,
) -> None:
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    texts = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown"]
    assert sum(text.count("**Before you go on:**") for text in texts) >= 2
    assert any(re.search(r"^import spikelearn as sl$", "".join(c["source"]), re.M) for c in cells)
    exercises = tagged(cells, "exercise")
    numbers = [ast.literal_eval(ast.parse(call_of(e)).body[0].value.args[1]) for e in exercises]  # type: ignore[attr-defined]
    assert numbers == list(range(1, len(exercises) + 1))
    assert len(exercises) >= 2
    for number, exercise in zip(numbers, exercises, strict=True):
        at = cells.index(exercise)
        asked, solution = cells[at - 1], cells[at + 1]
        assert f"### Exercise {number}: " in "".join(asked["source"])
        assert "<summary>Hint</summary>" in "".join(asked["source"])
        assert call_of(exercise).startswith(f"sl.lessons.check('{path.stem}', {number}, ")
        assert "..." in "".join(exercise["source"])
        assert tagged([solution], "solution")
        assert "".join(solution["source"]).startswith("<details><summary>Solution</summary>\n\n")
        assert PYTHON.search("".join(solution["source"]))
        assert solution["metadata"]["wrong"]


@pytest.mark.parametrize("path", PATHS, ids=lambda p: p.stem)
def test_what_is_folded_is_folded_in_jupyter_and_on_the_site(path: Path) -> None:
    """Between tags of HTML text is read as Markdown only if blank lines surround it."""
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        text = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            assert text.count("<details>") == text.count("</details>")
            assert len(re.findall(r"</summary>\n\n", text)) == text.count("</summary>")
            assert len(re.findall(r"\n\n *</details>(?=\n\n|$)", text)) == text.count("</details>")


def test_lessons_are_a_course_in_which_each_comes_after_what_it_needs() -> None:
    lessons = all_lessons()
    assert [one.place for one in lessons] == list(range(1, len(PATHS) + 1))
    places = {one.name: one.place for one in lessons}
    for one in lessons:
        assert all(places[name] < one.place for name in one.after)
        assert 15 <= one.minutes <= 120
        assert len(one.aims) >= 3
        assert one.n_exercises >= 2


@pytest.mark.parametrize(
    ("old", "new"),
    [("*Lesson 1", "*Lesson one"), ("- ", "+ "), (" · needs ", " · "), ("# ", "")],
)
def test_a_lesson_without_its_head_is_refused_in_a_sentence(
    old: str, new: str, tmp_path: Path
) -> None:
    from spikelearn import SpikelearnError

    head = (
        "# One\n\n*Lesson 1 · 20 minutes · after [two](two.ipynb) · needs nothing*\n\nText.\n\n"
        "**After this lesson you can**\n\n- do\n- say\n\nMore."
    )
    path = tmp_path / "one.ipynb"
    exercise = {"source": "", "metadata": {"tags": ["exercise"]}}

    def write(text: str) -> None:
        cells = [{"source": text.splitlines(keepends=True), "metadata": {}}, exercise]
        path.write_text(json.dumps({"cells": cells}), encoding="utf-8")

    write(head)
    expected = Lesson("one", path, "One", 1, 20, ("two",), "nothing", ("do", "say"), 1)
    assert Lesson.read(path) == expected
    write(head.replace(old, new))
    with pytest.raises(SpikelearnError, match=r"one.ipynb: the first cell of a lesson has"):
        Lesson.read(path)
