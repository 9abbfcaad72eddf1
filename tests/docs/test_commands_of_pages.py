"""Every command that a page shows is one that there is, with options that it has."""

from __future__ import annotations

import re
import shlex
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer.main

from museums import models, recordings
from spikelearn.cli import app

DOCS = Path(__file__).parents[2] / "docs"
STARTED = r"(?:PYTHONPATH=\S+ )?(?:mpirun -n \d+ )?"
SHOWN = re.compile(rf"^(?: {{3,4}}|\$ | {{3}}\$ ){STARTED}spikelearn (.*)$", re.MULTILINE)
INLINE = re.compile(r"``spikelearn ([a-z][^`]*)``")
WRITTEN = {
    path.name: SHOWN.findall(path.read_text(encoding="utf-8"))
    for path in sorted([*DOCS.glob("*.md"), *(DOCS / "howto").glob("*.md")])
}


@cache
def whole_app() -> Any:
    """The command line, as one command."""
    return typer.main.get_command(app)


def fault(words: str) -> str | None:
    """What a command has that there is not: a command, or an option."""
    given = shlex.split(words, comments=True)
    command: Any = whole_app()
    while given and not given[0].startswith("-") and given[0] in getattr(command, "commands", {}):
        command = command.commands[given.pop(0)]
    if hasattr(command, "commands") and not given and not command.invoke_without_command:
        return f"{words}: no command"
    if hasattr(command, "commands") and given:
        return f"{words}: there is no {given[0]}"
    known = {name for one in command.params for name in (*one.opts, *one.secondary_opts)}
    unknown = [word for word in given if word.startswith("--") and word not in known]
    return f"{words}: has no {unknown[0]}" if unknown else None


@pytest.mark.parametrize("page", [name for name, commands in WRITTEN.items() if commands])
def test_commands_of_written_pages_are_there(page: str) -> None:
    assert [fault(words) for words in WRITTEN[page]] == [None] * len(WRITTEN[page])


def test_commands_of_museums_are_there(written: Path) -> None:
    pages = [path.read_text(encoding="utf-8") for path in written.rglob("*.rst")]
    commands = {words for text in pages for words in SHOWN.findall(text) + INLINE.findall(text)}
    commands |= set(INLINE.findall(models.overview([]))) | set(
        INLINE.findall(recordings.absent("x"))
    )
    assert len(commands) > 50
    assert [said for said in map(fault, sorted(commands)) if said] == []


def test_a_command_that_is_not_there_is_a_fault() -> None:
    assert fault("simulate lif_neuron --duration 100") is None
    assert "has no --nothing" in str(fault("simulate lif_neuron --nothing"))
    assert "there is no nothing" in str(fault("nothing at all"))
