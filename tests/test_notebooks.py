"""Every notebook is a lesson that runs from top to bottom, and is shipped as it runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from spikelearn._files import local_data

# Lessons on a recording, which a machine without it and without a network cannot run.
NEEDS = {"brain_comparison": "kriegeskorte92/92_brainRDMs.mat"}
NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
@pytest.mark.filterwarnings("ignore")
def test_a_notebook_runs_from_top_to_bottom(path: Path) -> None:
    import nbformat
    from nbclient import NotebookClient

    needed = NEEDS.get(path.stem)
    if needed is not None and local_data(needed) is None:
        pytest.skip(f"{needed} is neither in SPIKELEARN_DATA nor cached")
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(
        notebook, startup_timeout=600, resources={"metadata": {"path": str(path.parent)}}
    ).execute()
    outputs = [out for cell in notebook.cells for out in cell.get("outputs", [])]
    assert not [out for out in outputs if out.output_type == "error"]
    assert [out for out in outputs if "image/png" in out.get("data", {})]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_a_lesson_is_stored_with_its_outputs_and_is_small(path: Path) -> None:
    """By `python docs/store_outputs.py NAME`."""
    import json

    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code" and "".join(cell["source"])]
    assert [cell["execution_count"] for cell in code] == list(range(1, len(code) + 1))
    outputs = [output for cell in code for output in cell["outputs"]]
    assert [output for output in outputs if "image/png" in output.get("data", {})]
    assert not [output for output in outputs if output["output_type"] == "error"]
    assert path.stat().st_size < 300_000


def test_there_is_a_lesson() -> None:
    assert [path.name for path in NOTEBOOKS]
