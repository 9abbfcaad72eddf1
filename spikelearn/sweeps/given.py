"""What users give a sweep: its description, or what it simulates or trains alone."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from spikelearn._description import Description
from spikelearn._errors import SpikelearnError
from spikelearn._files import shipped_names, validate
from spikelearn.networks.spiking import SpikingNetwork
from spikelearn.sweeps.description import Sweep, load_sweep
from spikelearn.training.recipes import is_model, is_recipe
from spikelearn.training.stored_runs import StoredRun

Described = Sweep | str | Path | Mapping[str, Any] | Description | StoredRun
"""A sweep, its fields or its file; or a model, a recipe or a run alone, by name, file or object."""


def sweep_given(description: Described | None, fields: Mapping[str, Any]) -> Sweep:
    """The sweep that a user gives.

    Parameters
    ----------
    description : see `spikelearn.sweep`
    fields : mapping
        Of `Sweep`, in place of what that says.

    Raises
    ------
    SpikelearnError
        Where it describes no sweep.
    """
    if description is None:
        return Sweep(**fields)
    kind = base_of(description)
    if kind:
        return Sweep(**{kind: description, **fields})
    if isinstance(description, str | Path):
        description = load_sweep(description)
    elif isinstance(description, Mapping):
        description = validate(Sweep, dict(description), "the sweep")
    if not isinstance(description, Sweep):
        raise SpikelearnError(
            f"a sweep is a Sweep, a mapping of its fields or a YAML file, found {description!r:.60}"
        )
    return description.model_copy(update=fields) if fields else description


def base_of(given: Any) -> str:
    """The field of a sweep that a base given alone is; empty for what describes a whole sweep."""
    if isinstance(given, SpikingNetwork) or str(given) in shipped_names("models"):
        return "simulate"
    if isinstance(given, str | Path):
        return "train" if is_recipe(given) else "simulate" if is_model(given) else ""
    if isinstance(given, Sweep) or not isinstance(given, Description | StoredRun):
        return ""
    return "train"
