"""The lessons, with their outputs, as they are stored."""

from __future__ import annotations

from museums.rst import Pages, contents, heading, page
from spikelearn._files import shipped_folder

FOLDER = shipped_folder("notebooks")


def write(pages: Pages) -> None:
    """A copy of each notebook, and the page that lists them."""
    names = sorted(path.stem for path in FOLDER.glob("*.ipynb"))
    for name in names:
        pages.file(f"lessons/{name}.ipynb", FOLDER / f"{name}.ipynb")
    pages.text(
        "lessons/index.rst",
        page(
            ".. _lessons:\n",
            heading("Lessons"),
            "Notebooks that run from top to bottom; here with what they print and draw. They lie in"
            " ``notebooks/``, and ``spikelearn lessons copy all`` gives you copies to work in.\n",
            contents(names, shown=True),
        ),
    )
