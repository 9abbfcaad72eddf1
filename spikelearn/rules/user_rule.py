"""A rule that a user has written, by its file and the name of its class."""

from __future__ import annotations

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import TYPE_CHECKING

from spikelearn._errors import SpikelearnError

if TYPE_CHECKING:
    from spikelearn.rules.rule import Rule


def rule_from_file(place: str) -> type[Rule]:
    """The class of a user's rule, from a Python file: `my_rule.py:MyRule`. The file is run.

    Raises
    ------
    SpikelearnError
        If there is no such file or class, or the file fails.
    """
    from spikelearn.rules.rule import Rule

    path, _, name = place.rpartition(":")
    spec = spec_from_file_location("user_rule", path) if Path(path).is_file() else None
    if spec is None or spec.loader is None:
        raise SpikelearnError(f"there is no Python file {path}; a rule is named my_rule.py:MyRule")
    module = module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # whatever the user's file does wrong
        raise SpikelearnError(f"{path} fails: {type(error).__name__}: {error}") from error
    rule = getattr(module, name, None)
    if not (isinstance(rule, type) and issubclass(rule, Rule)):
        raise SpikelearnError(f"{path} has no class {name} derived from spikelearn.rules.rule.Rule")
    return rule
