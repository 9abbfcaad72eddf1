"""Run lessons, and store what they print and draw in them, so that it shows where they are read.

    python docs/store_outputs.py [NAME ...]

All lessons, or those that are named, such as lif_neuron. What differs from run to run and says
nothing (times of execution, versions of the kernel, progress) is not stored, so that a lesson
changes only where its results do.
"""

from __future__ import annotations

import argparse
import base64
import io
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from PIL import Image

from spikelearn._files import shipped_folder, write_text

KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
LANGUAGE = {"name": "python"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="of lessons; all, if left out")
    folder = shipped_folder("notebooks")
    for name in parser.parse_args().names or sorted(path.stem for path in folder.glob("*.ipynb")):
        path = folder / f"{name}.ipynb"
        write_text(path, nbformat.writes(executed(path)) + "\n")
        print(f"{path.name}: {path.stat().st_size / 1000:.0f} kB")


def executed(path: Path) -> Any:
    """The notebook as it is after a run from top to bottom."""
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook,
        startup_timeout=600,
        timeout=None,
        record_timing=False,
        resources={"metadata": {"path": str(path.parent)}},
    )
    client.execute()
    return cleaned(notebook)


def cleaned(notebook: Any) -> Any:
    """A notebook without what differs from run to run: times, versions, what goes to stderr."""
    notebook.metadata = nbformat.NotebookNode(kernelspec=KERNEL, language_info=LANGUAGE)
    for number, cell in enumerate(notebook.cells):
        cell.id = f"cell-{number}"
        if cell.cell_type != "code":
            continue
        cell.metadata.pop("execution", None)
        cell.outputs = [
            one for one in cell.outputs if one.get("name") != "stderr" and not _bar(one)
        ]
        for output in cell.outputs:
            if "image/png" in output.get("data", {}):
                output.data["image/png"] = smaller(output.data["image/png"])
            output.pop("execution_count", None)
            if output.output_type == "execute_result":
                output.execution_count = cell.execution_count
    return notebook


def _bar(output: Any) -> bool:
    """Whether an output is a bar of progress, which only a slow machine shows."""
    return "application/vnd.jupyter.widget-view+json" in output.get("data", {})


def smaller(png: str) -> str:
    """A picture of lines and dots, in base64, with 64 colours: a third of its size."""
    with Image.open(io.BytesIO(base64.b64decode(png))) as picture:
        few = picture.convert("RGB").quantize(64, dither=Image.Dither.NONE)
    written = io.BytesIO()
    few.save(written, "PNG", optimize=True)
    return base64.b64encode(written.getvalue()).decode()


if __name__ == "__main__":
    main()
