"""The stimuli that were shown, and what a file's names and rows mean among them.

Readers find stimuli by name. A row without a name is a stimulus by its place alone, which is
refused where two orders are possible; whatever is read by its place, guessed or left out is noted.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from spikelearn._counts import counted
from spikelearn._errors import SpikelearnError
from spikelearn._names import plain_name, repeated
from spikelearn.recordings.gaps import Gaps, named, some_of
from spikelearn.stimuli.image_files import SUFFIXES

FEWEST = 3  # stimuli that a file must have, lest other names be taken for gaps


@dataclass(frozen=True)
class ShownStimuli:
    """The stimuli of a recording while its data are read.

    Parameters
    ----------
    labels : tuple of str
        One for each stimulus, in order.
    order : str
        What decided the order, in words.
    doubt : str
        Why rows without names cannot be told, in words; empty where their order is certain.
    notes : list of str
        What is to be said of the reading; readers add theirs.
    gaps : {"units", "stimuli", "subjects", "refuse"}
        What is done with what was not observed, see `spikelearn.recordings.gaps`.
    """

    labels: tuple[str, ...]
    order: str = "as they are listed"
    doubt: str = ""
    notes: list[str] = field(default_factory=list)
    gaps: Gaps = "units"

    def __len__(self) -> int:
        return len(self.labels)

    def note(self, sentence: str) -> None:
        """Say something once."""
        if sentence not in self.notes:
            self.notes.append(sentence)

    def by_place(self, where: object) -> None:
        """Take the rows of a file for the stimuli in their order, and say so.

        Raises
        ------
        SpikelearnError
            If two orders are possible; the sentence names both.
        """
        if self.doubt:
            raise SpikelearnError(f"{where} names no stimuli, and {self.doubt}")
        first = ", ".join(self.labels[:3])
        self.note(
            f"{where} names no stimuli: its rows are taken for {first} ... in this order"
            f" ({self.order})"
        )

    def numbers(self, names: Sequence[str], where: object) -> np.ndarray:
        """The number of the stimulus that each name means; -1 where it means none.

        A name is a stimulus's label, or a path whose last part is one, with or without the suffix
        of an image. Where a stimulus is named in no other way, a name that differs only in case,
        spaces or in how a number is written is taken for it, and noted.

        Raises
        ------
        SpikelearnError
            If such a name could mean two stimuli.
        """
        number = {label: i for i, label in enumerate(self.labels)}
        distinct = list(dict.fromkeys(names))
        found = {name: number.get(name, number.get(image_label(name), -1)) for name in distinct}
        exact = set(found.values())
        plain: dict[str, list[int]] = {}
        for label, i in number.items():
            plain.setdefault(plain_name(label), []).append(i)
        guessed = []
        for name in distinct:
            near = plain.get(plain_name(image_label(name)), []) if found[name] < 0 else []
            free = [i for i in near if i not in exact]
            if len(free) > 1:
                raise SpikelearnError(
                    f"{where}: '{name}' may be the stimulus {self.labels[free[0]]} or"
                    f" {self.labels[free[1]]}; write it as one of them"
                )
            if free:
                found[name] = free[0]
                guessed.append(f"'{name}' for {self.labels[free[0]]}")
        if guessed:
            more = f" and {len(guessed) - 1} more so" if len(guessed) > 1 else ""
            self.note(f"{where}: {guessed[0]} is taken{more}, though it is written differently")
        return np.array([found[name] for name in names], dtype=int)

    def called_by_number(self, names: Sequence[str], where: object) -> tuple[str, ...]:
        """The stimuli that numbers from 0 or 1 on mean, which stand in no order of their own.

        Raises
        ------
        SpikelearnError
            If a number may mean two stimuli.
        """
        if self.doubt:
            raise SpikelearnError(f"{where} calls the stimuli by numbers, and {self.doubt}")
        numbers = [int(name) for name in names]
        first = min(numbers)
        within = [re.findall(r"\d+", label) for label in self.labels]
        own = {int(its[-1]): label for its, label in zip(within, self.labels, strict=True) if its}
        for number in numbers if set(own) == set(numbers) else ():
            place = self.labels[number - first]
            if own[number] != place:
                raise SpikelearnError(
                    f"{where}: {number} may be the stimulus {own[number]}, by its name, or {place},"
                    f" by its place ({self.order}); write the names of the stimuli"
                )
        if len(numbers) != len(self):
            raise SpikelearnError(
                f"{where} numbers {counted(len(numbers), 'stimulus', 'stimuli')}, but there are"
                f" {len(self)}"
            )
        self.note(
            f"{where} calls the stimuli by numbers: {first} is taken for {self.labels[0]},"
            f" {first + 1} for {self.labels[1]} ... ({self.order})"
        )
        return tuple(self.labels[number - first] for number in numbers)

    def presented(self, names: Sequence[str], where: object) -> np.ndarray:
        """`numbers`, of presentations. A stimulus that was never shown was not observed.

        Raises
        ------
        SpikelearnError
            If fewer than `FEWEST` stimuli were shown, or a stimulus never was and gaps are refused.
        """
        which = self.numbers(names, where)
        missing = sorted(set(range(len(self))) - set(which.tolist()))
        if self._too_few(missing):
            seen = ", ".join(list(dict.fromkeys(names))[:3]) or "nothing"
            more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
            raise SpikelearnError(
                f"{where} never shows the stimulus {self.labels[missing[0]]}{more}; it shows"
                f" {seen} ..."
            )
        return which

    def _too_few(self, missing: Sequence[int]) -> bool:
        """Whether what lacks these stimuli is to be refused."""
        return bool(missing) and (self.gaps == "refuse" or len(self) - len(missing) < FEWEST)

    def rows(self, names: Sequence[str], where: object) -> list[int]:
        """Where each stimulus stands among names of rows, of which each is one; -1 where in none.

        Raises
        ------
        SpikelearnError
            If a stimulus stands twice, a name is of none, fewer than `FEWEST` stimuli are named, or
            one is missing and gaps are refused.
        """
        twice = repeated(names)
        if twice is not None:
            raise SpikelearnError(
                f"{where} names {twice} twice; repeats of a stimulus need an axis of their own"
            )
        which = self.numbers(names, where)
        places = {int(number): place for place, number in enumerate(which) if number >= 0}
        missing = [label for i, label in enumerate(self.labels) if i not in places]
        if len(places) < len(names):
            taken = set(places.values())
            other = next(name for place, name in enumerate(names) if place not in taken)
            raise SpikelearnError(
                f"{where} names other stimuli too, such as {other}"
                + (f", and lacks the stimulus {missing[0]}" if missing else "")
                + f"; its rows are {', '.join(names[:3])} ..."
            )
        if self._too_few([i for i in range(len(self)) if i not in places]):
            raise SpikelearnError(
                f"{where} lacks the stimulus {missing[0]}; its rows are {', '.join(names[:3])} ..."
            )
        return [places.get(i, -1) for i in range(len(self))]

    def placed(self, values: np.ndarray, names: Sequence[str], where: object) -> np.ndarray:
        """Rows by their names in the order of the stimuli, NaN for stimuli that none is of.

        Parameters
        ----------
        values : array of shape (n_rows, ...)
        names : sequence of str
            One for each row; see `rows`.
        where : object
            The file, for messages.
        """
        rows = np.array(self.rows(names, where))
        ordered: np.ndarray = values[rows]
        if (rows < 0).any():
            ordered = ordered.astype(np.result_type(values.dtype, np.float32))
            ordered[rows < 0] = np.nan
        return ordered

    def observed_units(
        self, values: np.ndarray, unit_names: Sequence[str], who: str
    ) -> tuple[np.ndarray, tuple[str, ...]]:
        """The units that were observed under every stimulus that their file has.

        Whatever is left out, or was not observed at all, is noted. Where gaps are closed by leaving
        stimuli out, only units that were never observed are left out here.

        Parameters
        ----------
        values : array of shape (n_stimuli, n_repeats, n_units)
            NaN where a unit was not observed.
        unit_names : sequence of str
        who : str
            File and region, for the note.

        Raises
        ------
        SpikelearnError
            If none is left, or something is missing and gaps are refused.
        """
        lacking = np.isnan(values).all(axis=1)  # (n_stimuli, n_units)
        absent, dead = lacking.all(axis=1), lacking.all(axis=0)
        partly = lacking[~absent].any(axis=0) & ~dead
        if not lacking.any():
            return values, tuple(unit_names)
        if dead.all():
            raise SpikelearnError(f"{who}: no response was observed; all values are NaN")
        said = []
        if absent.any():
            names = named(self.labels, absent)
            which = counted(len(names), "stimulus was", "stimuli were")
            said.append(f"{which} not observed: {some_of(names)}")
        if dead.any():
            names = named(unit_names, dead)
            then = "" if self.gaps == "refuse" else " and are left out"
            said.append(
                f"{len(names)} of {dead.size} units were never observed{then}: {some_of(names)}"
            )
        if partly.any():
            said.append(self._partly(lacking & ~absent[:, None], partly, dead, unit_names, who))
        if self.gaps == "refuse":
            raise SpikelearnError(f"{who}: {'; '.join(said)}; `gaps: refuse` allows none")
        for sentence in said:
            self.note(f"{who}: {sentence}")
        kept = ~dead if self.gaps == "stimuli" else ~(dead | partly)
        values = values[:, :, kept]
        # Repeats that only other units had.
        values = values[:, ~np.isnan(values).all(axis=(0, 2))]
        return values, tuple(named(unit_names, kept))

    def _partly(
        self,
        lacking: np.ndarray,
        partly: np.ndarray,
        dead: np.ndarray,
        unit_names: Sequence[str],
        who: str,
    ) -> str:
        """What is said, and done, with units that lack some of the stimuli of the others."""
        unit = int(np.argmax(partly))
        stimulus = self.labels[int(np.argmax(lacking[:, unit]))]
        example = f"unit {unit_names[unit]} was never observed while {stimulus} was shown"
        if self.gaps in ("stimuli", "refuse"):
            return (
                f"{partly.sum()} of {partly.size} units lack a stimulus that others have; {example}"
            )
        if (partly | dead).all():
            raise SpikelearnError(
                f"{who}: no unit was observed under every stimulus; {example}; `gaps: stimuli`"
                " leaves stimuli out instead of units"
            )
        return f"{partly.sum()} of {partly.size} units are left out; {example}"


def image_label(name: str) -> str:
    """The last part of a path, without the suffix of an image."""
    last = re.split(r"[\\/]", name.strip())[-1]
    stem, dot, suffix = last.rpartition(".")
    return stem if dot and f".{suffix.lower()}" in SUFFIXES and stem else last
