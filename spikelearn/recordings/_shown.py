"""The stimuli that were shown, and what a file's names and rows mean among them.

Readers find stimuli by name. A row without a name is a stimulus by its place alone, which is
refused where two orders are possible; whatever is read by its place, guessed or left out is noted.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from spikelearn._errors import SpikelearnError
from spikelearn._names import plain_name, repeated
from spikelearn.stimuli.user_images import SUFFIXES


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
    """

    labels: tuple[str, ...]
    order: str = "as they are listed"
    doubt: str = ""
    notes: list[str] = field(default_factory=list)

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
                f"{where} numbers {len(numbers)} stimuli, but there are {len(self)}"
            )
        self.note(
            f"{where} calls the stimuli by numbers: {first} is taken for {self.labels[0]},"
            f" {first + 1} for {self.labels[1]} ... ({self.order})"
        )
        return tuple(self.labels[number - first] for number in numbers)

    def presented(self, names: Sequence[str], where: object) -> np.ndarray:
        """`numbers`, of presentations: each stimulus at least once.

        Raises
        ------
        SpikelearnError
            If a stimulus was never shown.
        """
        which = self.numbers(names, where)
        missing = sorted(set(range(len(self))) - set(which.tolist()))
        if missing:
            seen = ", ".join(list(dict.fromkeys(names))[:3]) or "nothing"
            more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
            raise SpikelearnError(
                f"{where} never shows the stimulus {self.labels[missing[0]]}{more}; it shows"
                f" {seen} ..."
            )
        return which

    def rows(self, names: Sequence[str], where: object) -> list[int]:
        """Where each stimulus stands among names of rows, of which each is one.

        Raises
        ------
        SpikelearnError
            If a stimulus is missing or stands twice, or a name is of none.
        """
        twice = repeated(names)
        if twice is not None:
            raise SpikelearnError(
                f"{where} names {twice} twice; repeats of a stimulus need an axis of their own"
            )
        which = self.numbers(names, where)
        places = {int(number): place for place, number in enumerate(which) if number >= 0}
        missing = [label for i, label in enumerate(self.labels) if i not in places]
        if missing:
            raise SpikelearnError(
                f"{where} lacks the stimulus {missing[0]}; its rows are {', '.join(names[:3])} ..."
            )
        if len(places) < len(names):
            taken = set(places.values())
            other = next(name for place, name in enumerate(names) if place not in taken)
            raise SpikelearnError(
                f"{where} names other stimuli too, such as {other}; its rows are"
                f" {', '.join(names[:3])} ..."
            )
        return [places[i] for i in range(len(self))]

    def observed_units(
        self, values: np.ndarray, unit_names: Sequence[str], who: str
    ) -> tuple[np.ndarray, tuple[str, ...]]:
        """The units that were observed under every stimulus; others are left out and noted.

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
            If none is left.
        """
        lacking = np.isnan(values).all(axis=1)  # (n_stimuli, n_units)
        left_out = lacking.any(axis=0)
        if left_out.any():
            unit = int(np.argmax(left_out))
            stimulus = self.labels[int(np.argmax(lacking[:, unit]))]
            example = f"{unit_names[unit]} was never observed while {stimulus} was shown"
            if left_out.all():
                raise SpikelearnError(
                    f"{who}: no unit was observed under every stimulus; unit {example}"
                )
            self.note(
                f"{who}: {left_out.sum()} of {left_out.size} units are left out; unit {example}"
            )
            values = values[:, :, ~left_out]
            unit_names = [n for n, out in zip(unit_names, left_out, strict=True) if not out]
            # Repeats that only those units had.
            values = values[:, ~np.isnan(values).all(axis=(0, 2))]
        return values, tuple(unit_names)


def image_label(name: str) -> str:
    """The last part of a path, without the suffix of an image."""
    last = re.split(r"[\\/]", name.strip())[-1]
    stem, dot, suffix = last.rpartition(".")
    return stem if dot and f".{suffix.lower()}" in SUFFIXES and stem else last
