"""What commands print: results on the output, remarks and errors beside it, or one JSON document.

An output that takes no more, as on a full disk, ends a command, with the status that it ends with
already, as where it was interrupted.

With --quiet remarks and progress bars are left out; results and errors stay. With --json the
output is one document and nothing else: what a command `give`s, the files that it `wrote`, its
`note`s, its error. It is printed at the end; a server prints it as soon as it serves
(`answer_now`). Lines that are printed plainly stand in it under "said", so that none is lost.
Also where the words of a command are wrong, the document says so: its name, and the error.
"""

from __future__ import annotations

import contextlib
import io
import json
import math
import sys
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import typer

from spikelearn._progress import without_progress

_is_quiet = False
_document: dict[str, Any] | None = None  # of the command that answers in JSON now
_printed = io.StringIO()  # what is printed plainly meanwhile
_output: Any = None  # where the document is printed


@contextlib.contextmanager
def answering(command: str, quiet: bool, as_json: bool) -> Iterator[None]:
    """Within the block a command speaks as it was asked to; then the document is printed, if any.

    Parameters
    ----------
    command : str
        Its name, such as "runs list".
    quiet, as_json : bool
        Whether --quiet and --json were given.

    Raises
    ------
    typer.Exit
        Where the output takes no more, as on a full disk, which one sentence says.
    """
    global _is_quiet, _document, _output, _printed
    before, output = (_is_quiet, _document, _output, _printed), sys.stdout
    _is_quiet, _document = quiet, {"command": command} if as_json else None
    _output, _printed = output, io.StringIO()
    ended, status = False, 0
    try:
        with contextlib.ExitStack() as stack:
            if quiet:
                stack.enter_context(without_progress())
                stack.enter_context(_no_warnings())
            if as_json:
                stack.enter_context(contextlib.redirect_stdout(_printed))
            yield
        ended = True
    except typer.Exit as leaving:
        status = leaving.exit_code
        raise
    finally:
        text = None if _document is None else _in_json()
        _is_quiet, _document, _output, _printed = before
        # Why a command without a document failed, maybe for this very output, is told already.
        with _told_if_not_taken(ended or text is not None, status or 1):
            if text is not None:
                print(text, file=output)
            if output is not None:
                output.flush()


def answer_now() -> None:
    """Print the document of a command that goes on, as a server does; it says nothing after it."""
    global _document
    if _document is not None:
        text, _document = _in_json(), None
        with _told_if_not_taken(True, 1):
            print(text, file=_output, flush=True)


def _in_json() -> str:
    """The document of the command that answers now."""
    lines = _printed.getvalue().splitlines()
    return json.dumps(
        plain({**(_document or {}), **({"said": lines} if lines else {})}), indent=2,
        ensure_ascii=False,
    )  # fmt: skip


@contextlib.contextmanager
def _told_if_not_taken(tell: bool, status: int) -> Iterator[None]:
    """One sentence where the output takes no more; none where its reader has seen enough."""
    try:
        yield
    except OSError as error:
        sys.stdout = None
        if tell and not isinstance(error, BrokenPipeError):
            tell_error(f"Error: the output cannot be written: {error.strerror or error}")
        raise typer.Exit(status) from None


def print_wrong_words(command: str, sentence: str) -> None:
    """The document of a command whose words are wrong; the error stream is told by the parser."""
    with contextlib.suppress(typer.Exit), answering(command, quiet=False, as_json=True):
        give("error", sentence)  # whoever reads it or not, the words stay wrong


@contextlib.contextmanager
def _no_warnings() -> Iterator[None]:
    """Warnings of libraries are not shown; those of ours come by `note`."""
    with warnings.catch_warnings():
        warnings.showwarning = lambda *args, **kwargs: None
        yield


def in_document() -> bool:
    """Whether what is found becomes a JSON document."""
    return _document is not None


def give(name: str, value: Any) -> None:
    """Put a result into the document, where there is to be one; see `plain` for what may be."""
    if _document is not None:
        _document[name] = value


def print_line(text: str) -> None:
    """A line on the output that says in words what is given to the document, too."""
    if _document is None:
        print(text)


def wrote(kind: str, path: Path | str) -> None:
    """Say where a file is that was written."""
    print_line(f"{kind}: {path}")
    if _document is not None:
        _document.setdefault("files", []).append({"kind": kind, "path": str(path)})


def say(text: str) -> None:
    """A word on what is being done; it is no part of what was found."""
    if not _is_quiet:
        print(text, file=sys.stderr)


def note(text: str, kind: str = "Note") -> None:
    """A remark on what was found, beside the output; --quiet leaves it out, the document has it."""
    say(f"{kind}: {text}")
    if _document is not None:
        notes = _document.setdefault("notes", [])
        if text not in notes:
            notes.append(text)


def failed(text: str) -> None:
    """Say what one part of the work failed by, whatever is quiet."""
    print(f"Failed: {text}", file=sys.stderr)
    if _document is not None:
        _document.setdefault("failed", []).append(text)


def tell_error(sentence: str) -> None:
    """Say why a command ends, whatever is quiet."""
    print(sentence, file=sys.stderr)
    give("error", sentence.removeprefix("Error: "))


def plain(value: Any) -> Any:
    """A value as JSON has it: tables are lists of rows, and what is no finite number is null."""
    value = _bare(value)
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    known = value is None or isinstance(value, str | bool | int | float)
    return value if known else str(value)


def _bare(value: Any) -> Any:
    """What a library has made as Python's own: a table's rows, an array's numbers, fields."""
    if hasattr(value, "columns") and hasattr(value, "to_dict"):
        return value.to_dict("records")
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json")
    if hasattr(value, "tolist"):
        return value.tolist()
    pandas = sys.modules.get("pandas")
    if pandas is not None and pandas.api.types.is_scalar(value) and pandas.isna(value):
        return None
    return value
