"""What the code of a user raised, in one sentence that names the line of their file.

Of a traceback only the frames in files of the user's count: those that are neither of the toolkit
nor installed. The innermost tells the line, the outermost which function the toolkit had called.
"""

from __future__ import annotations

import functools
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from spikelearn._errors import SpikelearnError
from spikelearn._imported_files import is_installed, is_toolkits


def raised_by_user(error: BaseException) -> str | None:
    """What a user's code raised and where, in words; None where none of it was running.

    Such as "update raised ZeroDivisionError: division by zero at my_rule.py, line 17".
    """
    if isinstance(error, SyntaxError) and error.filename and _is_users(error.filename):
        return (
            f"{type(error).__name__}: {error.msg} at {_shown(error.filename)}, line {error.lineno}"
        )
    frames = [
        (frame.f_code, line)
        for frame, line in traceback.walk_tb(error.__traceback__)
        if _is_users(frame.f_code.co_filename)
    ]
    if not frames:
        return None
    name = frames[0][0].co_name
    words = f"{_said(error)} at {_shown(frames[-1][0].co_filename)}, line {frames[-1][1]}"
    return words if name == "<module>" else f"{name} raised {words}"


def raised(error: BaseException) -> str:
    """What was raised and where, in words, whoever's code it was."""
    frames = list(traceback.walk_tb(error.__traceback__))
    said = raised_by_user(error)
    if said is not None or not frames:
        return said or _said(error)
    frame, line = frames[-1]
    return f"{_said(error)} at {_shown(frame.f_code.co_filename)}, line {line}"


def told(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function for another process, from which what a user's code raises comes as one sentence.

    Exceptions of a user's own may not be such as another process can be sent.
    """
    return functools.partial(_call, function)


def _call(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    try:
        return function(*args, **kwargs)
    except SpikelearnError:
        raise
    except (Exception, SystemExit) as error:
        said = raised_by_user(error)
        if said is None:
            raise
    # Not while it is handled: it would go along as the context, and may not be sent.
    raise SpikelearnError(said)


def _said(error: BaseException) -> str:
    """The type of an exception, and the first line of what it says."""
    first = next((line.strip() for line in str(error).splitlines() if line.strip()), "")
    return f"{type(error).__name__}: {first}" if first else type(error).__name__


def _is_users(file: str) -> bool:
    if file.startswith("<"):  # made by a library, or a cell
        return file.startswith("<ipython")
    path = Path(file).absolute()
    return not (is_toolkits(path) or is_installed(path))


def _shown(file: str) -> str:
    path = Path(file)
    if not path.is_file():
        return "a cell of the notebook"
    path = path.resolve()
    here = Path.cwd()
    return str(path.relative_to(here) if here in path.parents else path)
