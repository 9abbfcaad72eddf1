"""The group of commands on lessons: notebooks that ship with the toolkit."""

from __future__ import annotations

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
OPENED = (
    "They open with JupyterLab: `jupyter lab` in their folder. In a copy of the repository"
    " `pip install -c constraints.txt -e '.[lessons]'` installs it, and `make lessons` does both."
)


def _files() -> dict[str, Path]:
    from spikelearn.lessons import lesson_files

    return lesson_files()


def _print_lessons() -> None:
    from spikelearn.lessons import all_lessons

    lessons = all_lessons()
    rows = [(one.name, f"{one.minutes} min", one.title) for one in lessons]
    whole = [
        {
            "name": one.name, "title": one.title, "place": one.place, "minutes": one.minutes,
            "after": list(one.after), "needs": one.needs, "aims": list(one.aims),
            "exercises": one.n_exercises,
        }
        for one in lessons
    ]  # fmt: skip
    print_rows("lessons", rows, ("name", "minutes", "title"), whole)
    say(f"`spikelearn lessons copy all` copies them, to work with. {OPENED}")


add_list(lessons_app, _print_lessons, "lessons")


@lessons_app.command()
@plainly
def copy(
    name: Annotated[
        str,
        typer.Argument(
            help="A lesson, or all.",
            autocompletion=completions.of(lambda: [*_files(), EVERY]),
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

    files = _files()
    if name != EVERY and name not in files:
        known = (*files, EVERY)
        raise SpikelearnError(f"there is no lesson called '{name}'; {nearest(name, known)}")
    chosen = files if name == EVERY else {name: files[name]}
    make_folder(folder)
    targets = {path: folder / path.name for path in chosen.values()}
    copy_files(targets)
    for target in targets.values():
        wrote("Lesson", target)
    say(OPENED)
