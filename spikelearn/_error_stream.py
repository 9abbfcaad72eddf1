"""The error stream of a command: remarks, bars and errors that it cannot take are lost.

A terminal that is closed, a full disk behind `2> log`, or no error stream at all (`2>&-`) end no
work, and change no exit status.
"""

from __future__ import annotations

import io
from typing import Any, TextIO


class _Nowhere(io.TextIOBase):
    """Takes whatever is written."""

    def write(self, text: str) -> int:
        return len(text)


class Heedless:
    """A stream that writes what can be written to another one.

    Parameters
    ----------
    stream : text stream or None
        Where there is none, nothing is written.
    """

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = _Nowhere() if stream is None else stream

    def write(self, text: str) -> int:
        """Write it, or lose it."""
        try:
            return self._stream.write(text)
        except (OSError, ValueError):  # ValueError: it is closed
            return len(text)

    def writelines(self, lines: Any) -> None:
        """Write them, or lose them."""
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Pass on what is held back, or lose it."""
        try:
            self._stream.flush()
        except (OSError, ValueError):
            return

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
