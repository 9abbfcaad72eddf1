"""`check`: whether the answer to an exercise is right, and if not, a hint."""

from __future__ import annotations

import html
import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from spikelearn._arguments import is_whole
from spikelearn._errors import SpikelearnError, nearest
from spikelearn.lessons.answers import Hint, NotAnswered, is_open
from spikelearn.lessons.notebooks import lesson_files

_LONGEST = 200  # letters of an error that an answer has raised


@dataclass(frozen=True)
class Verdict:
    """What a check says: true where the answer is right.

    Attributes
    ----------
    right : bool or None
        None, where there is no answer yet.
    text : str
        Why it is right, or a hint.
    """

    right: bool | None
    text: str

    def __bool__(self) -> bool:
        return self.right is True

    @property
    def _word(self) -> str:
        return {True: "Right.", False: "Not yet.", None: "No answer yet."}[self.right]

    def __repr__(self) -> str:
        return f"{self._word} {self.text}"

    def _repr_html_(self) -> str:
        colour = {True: "#009e73", False: "#d55e00", None: "#888888"}[self.right]
        return (
            f'<div style="border-left:4px solid {colour};padding:2px 10px">'
            f"<b>{self._word}</b> {html.escape(self.text)}</div>"
        )


def check(lesson: str, exercise: int, answer: Any) -> Verdict:
    """Whether the answer to an exercise of a lesson is right, and if not, a hint.

    Parameters
    ----------
    lesson : str
        The lesson's name, such as "lif_neuron".
    exercise : int
        Its number there.
    answer : number, sequence, array, Series, text or function
        As the exercise asks for it. Numbers may be text with their unit ("200 pA") or have one
        (`quantities`, pint, Brian2); without one they are in the unit that is asked for.

    Returns
    -------
    Verdict
        True where the answer is right. It shows itself as a sentence.

    Raises
    ------
    SpikelearnError
        Where there is no such lesson or exercise; never because of the answer.

    Examples
    --------
    >>> import spikelearn as sl
    >>> sl.lessons.check("lif_neuron", 1, ...)
    No answer yet. Put yours in place of the three dots, and run the cell again.
    """
    checks = _checks(lesson)
    if not is_whole(exercise) or exercise not in checks:
        raise SpikelearnError(
            f"there is no exercise {exercise!r:.40} in the lesson {lesson}; there are"
            f" {', '.join(map(str, checks))}"
        )
    try:
        if is_open(answer):
            raise NotAnswered
        return Verdict(True, checks[exercise](answer))
    except NotAnswered:
        return Verdict(None, "Put yours in place of the three dots, and run the cell again.")
    except Hint as hint:
        return Verdict(False, str(hint))
    except Exception as error:  # an answer may do anything; a student gets no traceback of a check
        said = f"{type(error).__name__}: {error}".splitlines()[0][:_LONGEST]
        return Verdict(False, f"The answer could not be tried: {said}.")


def _checks(lesson: str) -> dict[int, Callable[[Any], str]]:
    """The checks of a lesson by the number of the exercise."""
    names = lesson_files()
    if not isinstance(lesson, str) or lesson not in names:
        raise SpikelearnError(f"there is no lesson {lesson!r:.60}; {nearest(str(lesson), names)}")
    checks: dict[int, Callable[[Any], str]] = importlib.import_module(
        f"spikelearn.lessons.{lesson}"
    ).CHECKS
    return checks
