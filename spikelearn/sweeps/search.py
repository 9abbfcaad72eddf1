"""`Search`: how a sweep looks for the values that are best, in place of trying all.

    train: mnist_mlp/backprop
    vary:
      learning_rate: "1e-4:1e-1:log"
      optimizer: [adam, sgd]
    search: {sampler: tpe, trials: 60, maximise: validation_accuracy}

Trials are asked for in batches of one size, whoever computes them: what is tried then hangs on
nothing but the description. What is sought is never measured on test images.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import Field, model_validator

from spikelearn._description import Description
from spikelearn.rules.user_rule import is_place
from spikelearn.sweeps.measures import TRAINED, absolute_measure, check_measure

MOST_TRIALS = 100_000
# Of trainings, what may be sought by name; all else is of the test images, or of no use.
SOUGHT = ("validation_accuracy",)
_AIM = "the name of a measure is needed, as rate_hz, or rate_hz[excitatory] of one of several"
_OF_POPULATION = re.compile(r"(.+?)\[([^\[\]]+)\]")


class Search(Description):
    """A search among the values of a sweep's axes.

    Parameters
    ----------
    sampler : str
        tpe, which tries what promises most by what was found so far (Bergstra et al. 2011), or
        random.
    trials : int
        Points that are tried, each with every seed.
    maximise, minimise : str
        One of them: a measure, of a population where there are several as in rate_hz[excitatory].
        The mean over seeds counts.
    batch : int
        Trials that are chosen together, before any of them is known, and may be computed side by
        side.
    """

    field_words: ClassVar[Mapping[str, str]] = {
        "sampler": "tpe or random is needed",
        "trials": f"a whole number from 1 to {MOST_TRIALS:,} is needed",
        "maximise": _AIM,
        "minimise": _AIM,
        "batch": "a whole number of at least 1 is needed",
    }

    sampler: Literal["tpe", "random"] = "tpe"
    trials: int = Field(default=60, ge=1, le=MOST_TRIALS)
    maximise: str | None = Field(default=None, min_length=1)
    minimise: str | None = Field(default=None, min_length=1)
    batch: int = Field(default=4, ge=1)

    @model_validator(mode="after")
    def _one_aim(self) -> Search:
        if (self.maximise is None) == (self.minimise is None):
            raise ValueError("one of maximise and minimise is needed, with a measure's name")
        return self

    @property
    def aim(self) -> str:
        """What is sought, as it is written."""
        return str(self.minimise if self.maximise is None else self.maximise)

    @property
    def measure(self) -> str:
        """The measure that is sought."""
        found = _OF_POPULATION.fullmatch(self.aim)
        return found[1] if found else self.aim

    @property
    def population(self) -> str | None:
        """The population of which it is sought; None where none is named."""
        found = _OF_POPULATION.fullmatch(self.aim)
        return found[2] if found else None

    def check(self, trains: bool) -> None:
        """Refuse to seek what there is not, or what is measured on test images.

        Raises
        ------
        ValueError
        """
        if trains and self.population is not None:
            raise ValueError(f"search: a training has no populations, found '{self.aim}'")
        if trains and self.measure in TRAINED and self.measure not in SOUGHT:
            what = (
                "is measured on the test images, which would no longer test what was chosen by them"
                if "accuracy" in self.measure
                else "does not say how good a run is"
            )
            raise ValueError(
                f"search: {self.measure} {what}; take {SOUGHT[0]}, or a measure of your own that"
                " leaves test images alone"
            )
        check_measure(self.measure, trains)


def absolute_search(given: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """A search whose measure of one's own has the whole path of its file, counted from a folder."""
    found = dict(given)
    for word in ("maximise", "minimise"):
        aim = found.get(word)
        if isinstance(aim, str):
            match = _OF_POPULATION.fullmatch(aim)
            name, rest = (match[1], f"[{match[2]}]") if match else (aim, "")
            if is_place(name):
                found[word] = absolute_measure(name, folder) + rest
    return found
