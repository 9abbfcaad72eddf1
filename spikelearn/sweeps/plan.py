"""The runs of a sweep in their order, with their keys: on disk, so that many take no memory."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from spikelearn._errors import SpikelearnError
from spikelearn._raised import raised
from spikelearn.sweeps.axes import changes_at, places
from spikelearn.sweeps.description import Sweep


@dataclass(frozen=True)
class Run:
    """A run of a sweep.

    Attributes
    ----------
    number : int
        In the order of the table: the seed varies fastest, then the last axis.
    values : tuple of tuple
        At each axis, the values of its paths.
    seed : int
    key : str
        Empty where the description refuses it.
    refused : str
        Why, in a sentence; empty where it does not.
    """

    number: int
    values: tuple[tuple[Any, ...], ...]
    seed: int
    key: str
    refused: str = ""


class Plan:
    """All runs of a sweep; use it in a `with` block.

    Parameters
    ----------
    sweep : Sweep
    key : callable
        Gives the key of a run of its changes and its seed.
    said : callable
        Told how many runs have their key, now and then.
    """

    def __init__(
        self,
        sweep: Sweep,
        key: Callable[[dict[str, Any], int], str],
        said: Callable[[int], None] = lambda number: None,
    ) -> None:
        self.sweep, self.axes = sweep, sweep.axes()
        self._connection = sqlite3.connect("")  # a file of no name, which goes with the process
        self._connection.execute(
            "CREATE TABLE runs (number INTEGER PRIMARY KEY, key TEXT, refused TEXT)"
        )
        self._connection.execute("CREATE TABLE to_do (key TEXT PRIMARY KEY, seed INT, number INT)")
        self._connection.executemany("INSERT INTO runs VALUES (?, ?, ?)", self._rows(key, said))

    def _rows(
        self, key: Callable[[dict[str, Any], int], str], said: Callable[[int], None]
    ) -> Iterator[tuple[int, str, str]]:
        number = 0
        for place in places(self.axes):
            changes = changes_at(self.axes, place)
            for seed in self.sweep.seeds:
                try:
                    yield number, key(changes, seed), ""
                except SpikelearnError as error:
                    yield number, "", str(error)
                except Exception as error:  # values that are too large for what they are made into
                    yield number, "", raised(error)
                number += 1
                if not number % 50:
                    said(number)

    def __enter__(self) -> Plan:
        return self

    def __exit__(self, *error: object) -> None:
        self._connection.close()

    def __len__(self) -> int:
        return self.sweep.n_runs

    def runs(self) -> Iterator[Run]:
        """All, in the order of the table."""
        rows = self._connection.execute("SELECT number, key, refused FROM runs ORDER BY number")
        for (number, key, refused), (values, seed) in zip(rows, self._points(), strict=True):
            yield Run(number, values, seed, key, refused)

    def _points(self) -> Iterator[tuple[tuple[tuple[Any, ...], ...], int]]:
        for place in places(self.axes):
            values = tuple(a.values[at] for a, at in zip(self.axes, place, strict=True))
            for seed in self.sweep.seeds:
                yield values, seed

    def choose(self, is_to_do: Callable[[Run], bool]) -> int:
        """Note which runs are to be computed, each key once; how many these are."""
        self._connection.executemany(
            "INSERT OR IGNORE INTO to_do VALUES (?, ?, ?)",
            ((r.key, r.seed, r.number) for r in self.runs() if not r.refused and is_to_do(r)),
        )
        return int(self._connection.execute("SELECT count(*) FROM to_do").fetchone()[0])

    def to_do(self) -> Iterable[Run]:
        """Those that were chosen; of one seed after another, whose networks are drawn alike."""
        rows = self._connection.execute("SELECT number, key FROM to_do ORDER BY seed, number")
        for number, key in rows:
            yield self._run(number, key)

    def _run(self, number: int, key: str) -> Run:
        rest, at = divmod(number, len(self.sweep.seeds))
        values: list[tuple[Any, ...]] = []
        for axis in reversed(self.axes):
            rest, place = divmod(rest, len(axis))
            values.insert(0, axis.values[place])
        return Run(number, tuple(values), self.sweep.seeds[at], key)

    def changes(self, run: Run) -> dict[str, Any]:
        """What differs in a run, by path."""
        pairs = zip(self.axes, run.values, strict=True)
        return {p: v for axis, at in pairs for p, v in zip(axis.paths, at, strict=True)}
