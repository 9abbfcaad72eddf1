"""Small results by their keys, thousands in one file, which outlive the process that found them.

A folder for each, as `_store` has it, costs more than a short simulation. Here they are rows of one
SQLite file, which several processes may read and write at once: a row is there whole or not at all,
and stays after a crash. What is added within half a second of the last writing waits for the next,
so that a killed process loses what half a second has brought. Memory does not grow with the number
of rows.

A result is plain: numbers, texts, and lists and mappings of these. What cannot be read is set aside
as any stored result is.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from spikelearn._atomic import WriteError, no_room
from spikelearn._errors import SpikelearnError
from spikelearn._keys import text_key
from spikelearn._store import set_aside

TOGETHER_S = 0.5  # what is added meanwhile is written at once
_PATIENCE_S = 60.0  # while another process writes
_N_DIGITS = 16
_TABLE = """CREATE TABLE IF NOT EXISTS results (
    key TEXT PRIMARY KEY, value TEXT NOT NULL, digest TEXT NOT NULL) WITHOUT ROWID"""


class SmallResults:
    """The results in a file; use it in a `with` block, at whose end all is written.

    Parameters
    ----------
    path : Path
        Made where it is not there; a damaged one is set aside with a warning.

    Raises
    ------
    SpikelearnError
        Where the file can be neither made nor written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            said = "it is no folder" if path.parent.exists() else error.strerror
            raise WriteError(f"cannot write into {path.parent}: {said}") from error
        self._connection = self._opened()
        self._waiting: dict[str, str] = {}
        self._here: dict[str, Any] = {}
        self._last = -TOGETHER_S

    def _opened(self) -> sqlite3.Connection:
        try:
            return self._connected()
        except sqlite3.DatabaseError as error:
            if not _is_damage(error):
                raise self._told(error) from error
            # Of a write that was going on: without its file it says nothing.
            journal = self.path.with_name(f"{self.path.name}-journal")
            with contextlib.suppress(OSError):
                journal.unlink(missing_ok=True)
            set_aside(self.path, f"it is no file of results ({error})")
            return self._connected()

    def _connected(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, timeout=_PATIENCE_S)
        try:
            connection.execute(_TABLE)
            connection.execute("SELECT key, value, digest FROM results LIMIT 1").fetchall()
            connection.commit()
        except sqlite3.DatabaseError:
            connection.close()
            raise
        return connection

    def __enter__(self) -> SmallResults:
        return self

    def __exit__(self, *error: object) -> None:
        try:
            self.write()
        finally:
            self._connection.close()

    def find(self, key: str) -> Any:
        """The result of a key; None where there is none, or it is not what was written."""
        if key in self._here:
            return self._here[key]
        if key in self._waiting:
            return json.loads(self._waiting[key])
        with self._plainly():
            row = self._connection.execute(
                "SELECT value, digest FROM results WHERE key = ?", (key,)
            ).fetchone()
        if row is None or text_key(str(row[0]), _N_DIGITS) != row[1]:
            return None
        return json.loads(row[0])

    def add(self, key: str, value: Any) -> None:
        """Keep a result; it takes the place of another of the same key.

        Raises
        ------
        WriteError
            Where the disk is full.
        """
        self._waiting[key] = json.dumps(value)
        if time.monotonic() - self._last > TOGETHER_S:
            self.write()

    def add_here(self, key: str, value: Any) -> None:
        """Find this for a key until the block ends; what is in the file stays as it is."""
        self._here[key] = value

    def write(self) -> None:
        """Put what was added onto the disk, now."""
        # One short transaction: others may write in between.
        with self._plainly():
            self._connection.executemany(
                "INSERT OR REPLACE INTO results VALUES (?, ?, ?)",
                [(k, text, text_key(text, _N_DIGITS)) for k, text in self._waiting.items()],
            )
            self._connection.commit()
        self._waiting.clear()
        self._last = time.monotonic()

    def remove(self, keys: Iterable[str]) -> None:
        """Forget results."""
        self.write()
        with self._plainly():
            self._connection.executemany("DELETE FROM results WHERE key = ?", ((k,) for k in keys))
            self._connection.commit()

    def __len__(self) -> int:
        self.write()
        with self._plainly():
            return int(self._connection.execute("SELECT count(*) FROM results").fetchone()[0])

    @contextlib.contextmanager
    def _plainly(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.DatabaseError as error:
            with contextlib.suppress(sqlite3.Error):
                self._connection.rollback()
            raise self._told(error) from error

    def _told(self, error: sqlite3.DatabaseError) -> SpikelearnError:
        words = str(error)
        if "full" in words:
            return no_room(self.path)
        if "readonly" in words or "unable to open" in words:
            return WriteError(f"cannot write {self.path}: {words}")
        if "locked" in words:
            return SpikelearnError(
                f"another process has been writing {self.path} for more than {_PATIENCE_S:g} s;"
                " the same command goes on when it is done"
            )
        return SpikelearnError(f"{self.path} cannot be read ({words}); moved away, it is made anew")


def _is_damage(error: sqlite3.DatabaseError) -> bool:
    words = str(error)
    return any(said in words for said in ("not a database", "malformed", "no such column"))
