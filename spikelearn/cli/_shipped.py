"""Verbs of every group on what ships with the toolkit: `list`, `show`, `copy`, each made once."""

# Annotations are objects here, since each group has completions of its own.
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from spikelearn._errors import SpikelearnError
from spikelearn.cli._app import NoSeed, plainly
from spikelearn.cli._completions import shipped
from spikelearn.cli._output import give, print_line, wrote
from spikelearn.cli._tables import terminal_width

KINDS = {
    "models": "model", "stimuli": "stimulus", "models/recipes": "recipe",
    "models/studies": "study",
}  # fmt: skip


def add_list(group: typer.Typer, print_all: Callable[[], None], what: str) -> None:
    """Give a group the verb `list`, and the group alone the same.

    Parameters
    ----------
    group : Typer
    print_all : callable
        Prints the list.
    what : str
        Is listed, in the plural: "shipped models".
    """
    word = str(group.info.name)

    def list_(seed: NoSeed = 0) -> None:
        print_all()

    def alone(context: typer.Context, seed: NoSeed = 0) -> None:
        if context.invoked_subcommand is None:
            print_all()

    list_.__doc__ = f"List the {what}.\n\nExample: spikelearn {word} list"
    alone.__doc__ = f"List the {what}.\n\nExample: spikelearn {word}"
    group.command("list")(plainly(list_))
    group.callback(invoke_without_command=True)(plainly(alone))


def add_show_and_copy(group: typer.Typer, folder: str, example: str) -> None:
    """Give a group the verbs `show` and `copy` of the YAML files that ship in a folder.

    Parameters
    ----------
    group : Typer
    folder : str
        As `spikelearn._files.shipped_folder` takes it.
    example : str
        A name, for the help.
    """
    word, one = str(group.info.name), KINDS[folder]
    named = typer.Argument(help=f"A shipped {one}.", autocompletion=shipped(folder))

    def show(name: Annotated[str, named], seed: NoSeed = 0) -> None:
        from spikelearn._yaml import parse_yaml

        path = shipped_yaml(folder, name)
        text = path.read_text(encoding="utf-8")
        print_line(text.rstrip("\n"))
        give("name", name)
        give("path", path)
        give("content", parse_yaml(text, str(path)))

    def copy(
        name: Annotated[str, named],
        file: Annotated[Path | None, typer.Argument(help="The same as --out.")] = None,
        out: Annotated[
            Path | None,
            typer.Option(help="The file to write; its name here, if left out. None is replaced."),
        ] = None,
        seed: NoSeed = 0,
    ) -> None:
        path = shipped_yaml(folder, name)
        if file is not None and out is not None:
            raise SpikelearnError(f"one file is written, and two are named: {file} and {out}")
        target = file or out or Path(f"{name.replace('/', '-')}.yaml")
        if target.suffix not in (".yaml", ".yml"):
            raise SpikelearnError(f"{target}: a {one} is a .yaml file")
        copy_files({path: target})
        wrote(one.capitalize(), target)

    show.__doc__ = f"""Print a shipped {one} as its file has it, with what is remarked there.

    Example: spikelearn {word} show {example}
    """
    copy.__doc__ = f"""Copy the file of a shipped {one}, to be changed; no file is replaced.

    Example: spikelearn {word} copy {example} mine.yaml
    """
    group.command("show")(plainly(show))
    group.command("copy")(plainly(copy))


def shipped_yaml(folder: str, name: str) -> Path:
    """The file of that name that ships, and no other.

    Raises
    ------
    SpikelearnError
        If there is none; the message has the nearest names.
    """
    from spikelearn._errors import nearest
    from spikelearn._files import find_yaml, shipped_names

    names = shipped_names(folder)
    if name not in names:
        one = KINDS[folder]
        more = f" (`spikelearn inspect {name}` says what a file holds)" if "." in name else ""
        raise SpikelearnError(
            f"there is no shipped {one} called '{name}'; {nearest(name, names)}{more}"
        )
    return find_yaml(folder, name)


def copy_files(targets: dict[Path, Path]) -> None:
    """Copy files to where none is.

    Parameters
    ----------
    targets : dict of Path to Path
        Where each file is copied to.

    Raises
    ------
    SpikelearnError
        If there is something at one of the places; then nothing is copied.
    """
    from spikelearn._atomic import atomic_path, check_place

    there = [str(target) for target in targets.values() if target.exists() or target.is_symlink()]
    if there:
        verb = "is" if len(there) == 1 else "are"
        raise SpikelearnError(f"{', '.join(there)} {verb} there already, and stays as it is; name"
                              " another place")  # fmt: skip
    for target in targets.values():
        check_place(target)
    for source, target in targets.items():
        with atomic_path(target) as temporary:
            temporary.write_bytes(source.read_bytes())


def print_rows(
    name: str,
    rows: Iterable[Sequence[str]],
    columns: Sequence[str],
    whole: Iterable[dict[str, Any]] | None = None,
) -> None:
    """A line for each row, columns beneath one another; the last is wrapped on a terminal alone.

    Parameters
    ----------
    name : str
        Of the list in a JSON document.
    rows : iterable of sequences of str
    columns : sequence of str
        What the parts of a row are called there.
    whole : iterable of dict, optional
        Rows of the document, where it holds more than is printed.
    """
    found = [tuple(row) for row in rows]
    named = [dict(zip(columns, row, strict=True)) for row in found]
    give(name, named if whole is None else list(whole))
    for line in lines_of(found, terminal_width()):
        print_line(line)


def lines_of(rows: Sequence[Sequence[str]], width: int | None) -> list[str]:
    """Rows as lines of at most a width, if any is given.

    Columns stand beneath one another. Where that leaves little for the last, it stands below the
    others, or all stand side by side if every row fits so.

    Parameters
    ----------
    rows : sequence of sequences of str
    width : int or None
        Letters in a line.
    """
    import textwrap

    if not rows:
        return []
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]) - 1)]
    heads = [
        "".join(f"{part:<{wide}}  " for part, wide in zip(row, widths, strict=False))
        for row in rows
    ]
    indent = len(heads[0])
    lasts = [str(row[-1]) for row in rows]
    if width is None or indent + max(map(len, lasts)) <= width:
        return [f"{head}{last}".rstrip() for head, last in zip(heads, lasts, strict=True)]
    lines = []
    if indent <= width - _LEAST:
        for head, last in zip(heads, lasts, strict=True):
            first, *more = textwrap.wrap(last, width - indent) or [""]
            lines += [f"{head}{first}".rstrip(), *(" " * indent + part for part in more)]
        return lines
    close = ["  ".join(row) for row in rows]
    if max(map(len, close)) <= width:
        return close
    for head, last in zip(heads, lasts, strict=True):
        lines += textwrap.wrap(head.rstrip(), width, subsequent_indent="  ")
        lines += textwrap.wrap(last, max(width, _LEAST), initial_indent="    ",
                               subsequent_indent="    ")  # fmt: skip
    return lines


_LEAST = 45  # letters of a last column that can be read beside the others


def first_sentence(content: dict[str, Any]) -> str:
    """The first sentence of a description, in one line."""
    text = " ".join(str(content.get("description", "")).split())
    return text.split(". ", maxsplit=1)[0].rstrip(".")
