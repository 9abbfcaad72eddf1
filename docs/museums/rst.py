"""Pieces of reStructuredText, and a folder of pages."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path

# What ends a sentence is no part of an address.
_DOI = re.compile(r"(?<![\w/<`.:])doi:(10\.\d{4,}/[^\s;,]*[^\s;,.:)])")
_ARXIV = re.compile(r"(?<![\w/<`.:])arXiv:(\d{4}\.\d{4,5})")
_MEANS_SOMETHING = re.compile(r"([\\*|_])")


class Pages:
    """A folder of sources, in which only what has changed is written."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.written: set[Path] = set()

    def text(self, name: str, text: str) -> None:
        """Write a page, unless it stands there as it is.

        Parameters
        ----------
        name : str
            Path in the folder, with its suffix.
        text : str
        """
        path = self._place(name)
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")

    def file(self, name: str, source: Path) -> None:
        """Copy a file, unless the copy is the same.

        Parameters
        ----------
        name : str
            Path in the folder.
        source : Path
        """
        path = self._place(name)
        if not path.is_file() or path.read_bytes() != source.read_bytes():
            shutil.copyfile(source, path)

    def keep(self, name: str) -> None:
        """Leave alone a page that Sphinx writes.

        Parameters
        ----------
        name : str
            Path in the folder.
        """
        self.written.add(self.folder / name)

    def remove_others(self) -> None:
        """Remove pages that were not written or kept this time."""
        for path in self.folder.rglob("*"):
            if path.is_file() and path not in self.written:
                path.unlink()

    def _place(self, name: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        self.written.add(path)
        return path


def heading(text: str, line: str = "=") -> str:
    """A heading over its line."""
    return f"{text}\n{line * len(text)}\n"


def prose(text: str) -> str:
    """Plain text with `code` and addresses of papers; nothing else in it means anything."""
    parts = " ".join(str(text).split()).split("`")
    if len(parts) % 2 == 0:  # a backtick alone
        parts = ["'".join(parts)]
    return "".join(
        f"``{part}``" if index % 2 and part else linked(_MEANS_SOMETHING.sub(r"\\\1", part))
        for index, part in enumerate(parts)
    )


def linked(text: str) -> str:
    """Text in which doi:... and arXiv:... lead to the papers."""
    text = _DOI.sub(
        lambda found: f"`doi:{found[1]} <https://doi.org/{found[1].replace(chr(92), '')}>`__", text
    )
    return _ARXIV.sub(r"`arXiv:\1 <https://arxiv.org/abs/\1>`__", text)


def table(heads: Sequence[str], rows: Iterable[Sequence[str]], widths: str = "auto") -> str:
    """A table whose cells are reStructuredText already.

    Parameters
    ----------
    heads : sequence of str
    rows : iterable of sequences of str
    widths : str
        Of the columns, as `list-table` has them.
    """
    lines = [".. list-table::", "   :header-rows: 1", f"   :widths: {widths}", ""]
    for row in [heads, *rows]:
        for place, cell in enumerate(row):
            mark = "*" if place == 0 else " "
            lines.append(f"   {mark} - {str(cell).replace(chr(10), ' ')}".rstrip())
    return "\n".join(lines) + "\n"


def facts(rows: Iterable[tuple[str, str]]) -> str:
    """A table of two columns without heads: what, and how it is."""
    lines = [".. list-table::", "   :widths: auto", "   :stub-columns: 1", ""]
    for what, said in rows:
        lines += [f"   * - {what}", f"     - {said}".rstrip()]
    return "\n".join(lines) + "\n"


def block(text: str, language: str) -> str:
    """Code or text as it is."""
    body = "\n".join(f"   {line}".rstrip() for line in text.strip("\n").splitlines())
    return f".. code-block:: {language}\n\n{body}\n"


def picture(path: str, alt: str) -> str:
    """A picture, and what it shows in words.

    Parameters
    ----------
    path : str
        Relative to the page.
    alt : str
    """
    return f".. image:: {path}\n   :alt: {' '.join(alt.split())}\n   :class: museum\n"


def contents(names: Iterable[str], shown: bool = False) -> str:
    """The pages that belong to this one."""
    lines = [".. toctree::", "   :maxdepth: 1"] + ([] if shown else ["   :hidden:"])
    return "\n".join([*lines, "", *(f"   {name}" for name in names)]) + "\n"


def page(*parts: str) -> str:
    """Parts of a page, those that are empty left out."""
    return "\n".join(part.rstrip("\n") + "\n" for part in parts if part)
