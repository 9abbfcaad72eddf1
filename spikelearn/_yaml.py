"""YAML as it is meant: what two readers would understand differently is refused, with its line.

- A key that stands twice in one mapping: both lines are named. (Over a key that a merge, `<<`,
  brings, one may be written anew: that is what merges are for.)
- 1e-3 is a number, as in YAML 1.2 (version 1.1 takes it for text).
- 010 is refused (8 in YAML 1.1, 10 in 1.2), and so is 1:30 (90 in 1.1, text in 1.2): written
  without the leading 0, or in quotes, each is one thing. (07 is 7 in both.)
"""

from __future__ import annotations

import re
from typing import Any

import yaml

from spikelearn._errors import SpikelearnError

_INT, _FLOAT, _MERGE = (f"tag:yaml.org,2002:{name}" for name in ("int", "float", "merge"))
_EXPONENT = re.compile(r"[-+]?(\d[\d_]*)(\.[\d_]*)?[eE][-+]?\d+$|[-+]?\.\d+[eE][-+]?\d+$")


class _Loader(yaml.SafeLoader):
    """A safe loader that refuses what is ambiguous."""

    def __init__(self, stream: Any) -> None:
        super().__init__(stream)
        self.checked: set[Any] = set()

    def flatten_mapping(self, node: Any) -> None:
        """Refuse keys that stand twice, before merges put theirs in front."""
        if node in self.checked:  # merged into another mapping, and already holds its own merges
            return
        self.checked.add(node)
        lines: dict[Any, int] = {}
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                continue
            name = "<<" if key.tag == _MERGE else self.construct_object(key)
            line = key.start_mark.line + 1
            if name in lines:
                problem = f"the key '{key.value}' stands twice, in lines {lines[name]} and {line}"
                raise yaml.constructor.ConstructorError(None, None, problem, key.start_mark)
            lines[name] = line
        super().flatten_mapping(node)

    def construct_yaml_int(self, node: Any) -> Any:
        """A whole number, unless there are two ways to read it."""
        text = self.construct_scalar(node)
        plain = text.lstrip("+-").replace("_", "")
        value = super().construct_yaml_int(node)
        if ":" in plain or (re.fullmatch(r"0\d+", plain) and value != int(text, 10)):
            raise _ambiguous(node, text, value)
        return value

    def construct_yaml_float(self, node: Any) -> Any:
        """A number, unless there are two ways to read it."""
        text = self.construct_scalar(node)
        if ":" in text:
            raise _ambiguous(node, text, super().construct_yaml_float(node))
        return super().construct_yaml_float(node)


def _ambiguous(node: Any, text: str, value: Any) -> Exception:
    other: Any = f"the text '{text}'" if ":" in text else int(text, 10)
    problem = (
        f"{text} may be read as {value} or as {other}; write the number as it is meant, or the text"
        " in quotes"
    )
    return yaml.constructor.ConstructorError(None, None, problem, node.start_mark)


_Loader.add_constructor(_INT, _Loader.construct_yaml_int)
_Loader.add_constructor(_FLOAT, _Loader.construct_yaml_float)
_Loader.add_implicit_resolver(_FLOAT, _EXPONENT, list("-+.0123456789"))


def parse_yaml(text: str, source: str) -> Any:
    """What a text in YAML says: plain mappings, lists, numbers and text.

    Raises
    ------
    SpikelearnError
        Naming `source` and the line, where it is no YAML, or may be read in two ways.
    """
    try:
        return yaml.load(text, _Loader)  # noqa: S506 - a safe loader
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark is not None else ""
        problem = getattr(error, "problem", None) or "not a YAML file"
        raise SpikelearnError(f"{source}{where}: {problem}") from error
    except ValueError as error:  # a date or a number that YAML's form allows and Python does not
        raise SpikelearnError(f"{source}: {error}") from error
