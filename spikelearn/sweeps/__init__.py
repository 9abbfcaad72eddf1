"""Many runs: every combination of some values, with every seed, and the table of what they measure.

description.py   `Sweep`, what runs, varies and is measured; bases.py, of what runs are made
axes.py          values: lists, ranges, draws; paths that vary together
checking.py      refused before anything runs; overlapping.py, paths that mean one place
plan.py          all runs in their order, with their keys
simulated.py     runs that are simulations; trained.py, those that are trainings
measures.py      what is measured, also by functions of one's own
estimate.py      how many, how long, how much: told before
running.py       `sweep`: what is there is read, the rest computed
table.py         the table of all; result.py, what Python has of it
search.py        `Search`: the best values are looked for; trials.py, by Optuna
search_result.py the best of all, as a file that runs, and what mattered
"""

from __future__ import annotations

import importlib
from typing import Any

# Public name -> module; imported when used, for trainings need torch and simulations an engine.
_PLACES = {
    "Sweep": "description",
    "SweepResult": "result",
    "load_sweep": "description",
    "sweep": "running",
}

__all__ = ["Sweep", "SweepResult", "load_sweep", "sweep"]


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = importlib.import_module(f"{__name__}.{_PLACES[name]}")
    value = globals()[name] = getattr(module, name)
    return value
