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


def test_there_is_a_lesson() -> None:
    assert [path.name for path in NOTEBOOKS]
