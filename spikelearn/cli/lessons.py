"""The group of commands on lessons: notebooks that ship with the toolkit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from spikelearn._errors import SpikelearnError, nearest
from spikelearn.cli import _completions as completions
from spikelearn.cli._app import NoSeed, app, plainly
from spikelearn.cli._output import say, wrote
from spikelearn.cli._shipped import add_list, copy_files, print_rows

lessons_app = typer.Typer(
    name="lessons", help="Lessons, as Jupyter notebooks; `lessons` alone lists them."
)
app.add_typer(lessons_app)
EVERY = "all"


def lesson_files() -> dict[str, Path]:
    """The notebooks that ship with the toolkit, by name."""
    from spikelearn._files import shipped_folder

    return {path.stem: path for path in sorted(shipped_folder("notebooks").glob("*.ipynb"))}


def _title(path: Path) -> str:
    """The first heading of a notebook."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    lines = (line for cell in cells for line in "".join(cell["source"]).splitlines())
    return next((line.lstrip("# ") for line in lines if line.startswith("# ")), "")


def _print_lessons() -> None:
    rows = [(name, _title(path)) for name, path in lesson_files().items()]
    print_rows("lessons", rows, ("name", "title"))


add_list(lessons_app, _print_lessons, "lessons")


@lessons_app.command()
@plainly
def copy(
    name: Annotated[
        str,
        typer.Argument(
            help="A lesson, or all.",
            autocompletion=completions.of(lambda: [*lesson_files(), EVERY]),
        ),
    ],
    folder: Annotated[Path, typer.Argument(help="Where to; made, if there is none.")] = Path(),
    seed: NoSeed = 0,
) -> None:
    """Copy a lesson, or all of them, to work with; no file is replaced.

    Example: spikelearn lessons copy lif_neuron
    Example: spikelearn lessons copy all lessons/
    """
    from spikelearn._atomic import make_folder

    files = lesson_files()
    if name != EVERY and name not in files:
        known = (*files, EVERY)
        raise SpikelearnError(f"there is no lesson called '{name}'; {nearest(name, known)}")
    chosen = files if name == EVERY else {name: files[name]}
    make_folder(folder)
    targets = {path: folder / path.name for path in chosen.values()}
    copy_files(targets)
    for target in targets.values():
        wrote("Lesson", target)
    say("They open with Jupyter: `pip install jupyterlab`, then `jupyter lab` in that folder.")
