"""Which lessons there are, and what each says of itself at its top.

The first cell of a lesson begins so, and all that lists lessons reads it there:

    # Title

    *Lesson 2 · 45 minutes · after [One neuron](lif_neuron.ipynb) · needs nothing to download*

    ...

    **After this lesson you can**

    - ...
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

from spikelearn._errors import SpikelearnError
from spikelearn._files import shipped_folder

_LINE = re.compile(
    r"^\*Lesson (?P<place>\d+) · (?P<minutes>\d+) minutes · after (?P<after>.+)"
    r" · needs (?P<needs>.+)\*$",
    re.MULTILINE,
)
_AIMS = re.compile(r"^\*\*After this lesson you can\*\*\n\n((?:- .+\n?)+)", re.MULTILINE)
_LINK = re.compile(r"\[[^\]]*\]\((\w+)\.ipynb\)")


@dataclass(frozen=True)
class Lesson:
    """A lesson, by what its first cell says.

    Attributes
    ----------
    name : str
        Of its file.
    path : Path
    title : str
    place : int
        In the course, from 1.
    minutes : int
        That it takes to read and to do the exercises.
    after : tuple of str
        Names of the lessons that come before it.
    needs : str
        What it needs besides the toolkit.
    aims : tuple of str
    n_exercises : int
    """

    name: str
    path: Path
    title: str
    place: int
    minutes: int
    after: tuple[str, ...]
    needs: str
    aims: tuple[str, ...]
    n_exercises: int

    @classmethod
    def read(cls, path: Path) -> Lesson:
        """The lesson of a notebook's file.

        Raises
        ------
        SpikelearnError
            Where its first cell does not begin as it should.
        """
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        head = "".join(cells[0]["source"])
        title, line, aims = re.match(r"# (.+)", head), _LINE.search(head), _AIMS.search(head)
        if title is None or line is None or aims is None:
            raise SpikelearnError(
                f"{path}: the first cell of a lesson has a title, a line like '*Lesson 2 · 45"
                " minutes · after ... · needs ...*' and aims below 'After this lesson you can'"
            )
        return cls(
            path.stem,
            path,
            title[1].strip(),
            int(line["place"]),
            int(line["minutes"]),
            tuple(_LINK.findall(line["after"])),
            line["needs"],
            tuple(aim.removeprefix("- ") for aim in aims[1].strip().splitlines()),
            sum("exercise" in cell["metadata"].get("tags", ()) for cell in cells),
        )


def lesson_files() -> dict[str, Path]:
    """The notebooks that ship with the toolkit, by name."""
    return {path.stem: path for path in sorted(shipped_folder("notebooks").glob("*.ipynb"))}


def all_lessons() -> list[Lesson]:
    """The lessons that ship with the toolkit, in the order of the course.

    Examples
    --------
    >>> import spikelearn as sl
    >>> sl.lessons.all_lessons()[0].name
    'lif_neuron'
    """
    lessons = (Lesson.read(path) for path in lesson_files().values())
    return sorted(lessons, key=lambda lesson: lesson.place)
