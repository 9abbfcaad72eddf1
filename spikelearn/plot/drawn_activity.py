"""The populations that a picture shows of what it is given."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from spikelearn._arguments import in_few
from spikelearn._errors import SpikelearnError
from spikelearn.spikes import load
from spikelearn.spikes.activity import Activity
from spikelearn.spikes.population import PopulationActivity

Drawn = Activity | PopulationActivity | str | Path
"""An activity, one of its populations, or a file of spikes."""


def activity_of(given: Drawn) -> Activity:
    """The activity that is drawn: of a population alone that with no other.

    Raises
    ------
    SpikelearnError
        Where it is none, or has no population.
    """
    if isinstance(given, str | Path):
        given = load(given)
    if isinstance(given, PopulationActivity):
        return given.alone()
    if not isinstance(given, Activity):
        raise SpikelearnError(
            "what is drawn is an activity, one of its populations or a file of spikes, found"
            f" {type(given).__name__}"
        )
    if not given.populations:
        raise SpikelearnError("there is nothing to draw: the activity has no population")
    return given


def whole_number(name: str, value: Any, end: int) -> int:
    """A number of a trial or a neuron that there is.

    Parameters
    ----------
    name : str
        Of what is counted.
    value : int
    end : int
        One past the last.
    """
    import operator

    try:
        number = operator.index(value)
    except TypeError:
        raise SpikelearnError(f"{name} is a whole number, found {in_few(value, 40)}") from None
    if not 0 <= number < end:
        raise SpikelearnError(f"there is no {name} {in_few(number)}; {name}s are 0 to {end - 1}")
    return number
