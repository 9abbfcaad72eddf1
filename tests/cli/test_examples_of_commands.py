"""Every command's help has examples that the command line knows; so has the README."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from spikelearn.cli import app

ROOT: Any = typer.main.get_command(app)
README = Path(__file__).parents[2] / "README.md"


def commands(group: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command that does something, with the words that call it."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name), command


COMMANDS = dict(commands(ROOT))


def parsed(words: list[str]) -> tuple[str, ...]:
    """The command that is called by words, all of which it takes; nothing is run."""
    command, context, path = ROOT, None, ()
    while True:
        context = command.make_context(path[-1] if path else "spikelearn", words, parent=context)
        if not hasattr(command, "commands"):
            return path
        words = [*context._protected_args, *context.args]
        if not words:
            return path  # a group alone
        name, command, words = command.resolve_command(context, words)
        path = (*path, name)


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_a_command_has_an_example_that_it_takes(path: tuple[str, ...]) -> None:
    examples = re.findall(r"^Example: spikelearn (.*)$", COMMANDS[path].help or "", re.MULTILINE)
    assert examples
    for example in examples:
        assert parsed(shlex.split(example)) == path


def test_the_help_is_wrapped_to_the_terminal_and_not_in_the_middle_of_its_lines() -> None:
    for path, command in COMMANDS.items():
        for paragraph in (command.help or "").split("\n\n"):
            lines = paragraph.splitlines()
            assert all(line.startswith("Example: ") for line in lines[1:]), path


def test_what_the_readme_types_is_what_commands_take() -> None:
    text = README.read_text(encoding="utf-8").replace("\\\n", " ")
    lines = re.findall(r"^    spikelearn (.*?)(?: +#.*)?$", text, re.MULTILINE)
    assert len(lines) > 35
    for line in lines:
        assert parsed(shlex.split(line)) is not None
