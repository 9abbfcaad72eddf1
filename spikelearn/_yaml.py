"""YAML as it is meant: what two readers would understand differently is refused, with its line.

- A key that stands twice in one mapping: both lines are named. (Over a key that a merge, `<<`,
  brings, one may be written anew: that is what merges are for.)
- 1e-3 is a number, as in YAML 1.2 (version 1.1 takes it for text).
- A key that is no name, as no, ~ or 2020-01-01 (which YAML 1.1 reads as false, nothing and a day),
  is refused: in quotes it is one.
- 010 is refused (8 in YAML 1.1, 10 in 1.2), and so is 1:30 (90 in 1.1, text in 1.2): written
  without the leading 0, or in quotes, each is one thing. (07 is 7 in both.)

A few hundred bytes of aliases of aliases say more than memory holds, and a text may nest deeper
than any reader's stack: what is said is counted before anything is made of it, and refused beyond
`MOST_DEPTH`, `MOST_ITEMS` and `MOST_BYTES`.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Any

import yaml

from spikelearn._arguments import MOST_DIGITS
from spikelearn._errors import SpikelearnError

MOST_BYTES, MOST_DEPTH, MOST_ITEMS = 50_000_000, 100, 5_000_000
# Written in C where PyYAML was built so, and many times as fast; both say the same.
_Parser: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_INT, _FLOAT, _MERGE = (f"tag:yaml.org,2002:{name}" for name in ("int", "float", "merge"))
_EXPONENT = re.compile(r"[-+]?(\d[\d_]*)(\.[\d_]*)?[eE][-+]?\d+$|[-+]?\.\d+[eE][-+]?\d+$")


class _Loader(_Parser):
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
            if isinstance(key, yaml.SequenceNode | yaml.MappingNode) and key.tag in _SEVERAL:
                problem = f"a key is a name, and no {_SEVERAL[key.tag]}"
                raise yaml.constructor.ConstructorError(None, None, problem, key.start_mark)
            if not isinstance(key, yaml.ScalarNode):
                continue
            name = "<<" if key.tag == _MERGE else self.construct_object(key)
            if isinstance(name, bool) or not isinstance(name, str | int | float):
                problem = (
                    f"the key '{key.value[:40]}' is read as {_KINDS.get(type(name), 'no text')},"
                    " and is no name; as a name, write it in quotes"
                )
                raise yaml.constructor.ConstructorError(None, None, problem, key.start_mark)
            line = key.start_mark.line + 1
            if name in lines:
                problem = f"the key '{key.value}' stands twice, in lines {lines[name]} and {line}"
                raise yaml.constructor.ConstructorError(None, None, problem, key.start_mark)
            lines[name] = line
        super().flatten_mapping(node)

    def construct_object(self, node: Any, deep: bool = False) -> Any:
        """What a node says; where it is not what its tag calls it, that is said with its line."""
        try:
            return super().construct_object(node, deep)
        except (ValueError, KeyError, AttributeError, TypeError, OverflowError) as error:
            if not isinstance(node, yaml.ScalarNode):
                raise
            what = node.tag.rpartition(":")[2]
            problem = f"'{node.value[:40]}' is {_TAGS.get(what, f'no {what}')}"
            raise yaml.constructor.ConstructorError(None, None, problem, node.start_mark) from error

    def refuse(self, node: Any) -> Any:
        """Bytes, sets and the like, which nothing here is described by."""
        problem = f"!!{node.tag.rpartition(':')[2]} is neither a mapping, a list, a number nor text"
        raise yaml.constructor.ConstructorError(None, None, problem, node.start_mark)

    def construct_yaml_int(self, node: Any) -> Any:
        """A whole number, unless there are two ways to read it."""
        text = self.construct_scalar(node)
        if len(text) > MOST_DIGITS:
            problem = f"a whole number of {len(text)} digits; at most {MOST_DIGITS} are read"
            raise yaml.constructor.ConstructorError(None, None, problem, node.start_mark)
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


_TAGS = {"bool": "neither true nor false", "int": "no whole number", "float": "no number",
         "timestamp": "no date"}  # fmt: skip
_SEVERAL = {"tag:yaml.org,2002:seq": "list", "tag:yaml.org,2002:map": "mapping"}
_KINDS = {bool: "true or false", type(None): "nothing", date: "a day", datetime: "a time"}


def _ambiguous(node: Any, text: str, value: Any) -> Exception:
    other: Any = f"the text '{text}'" if ":" in text else int(text, 10)
    problem = (
        f"{text} may be read as {value} or as {other}; write the number as it is meant, or the text"
        " in quotes"
    )
    return yaml.constructor.ConstructorError(None, None, problem, node.start_mark)


_Loader.add_constructor(_INT, _Loader.construct_yaml_int)
_Loader.add_constructor(_FLOAT, _Loader.construct_yaml_float)
for _name in ("binary", "set", "omap", "pairs"):
    _Loader.add_constructor(f"tag:yaml.org,2002:{_name}", _Loader.refuse)
_Loader.add_implicit_resolver(_FLOAT, _EXPONENT, list("-+.0123456789"))


def parse_yaml(text: str, source: str) -> Any:
    """What a text in YAML says: plain mappings, lists, numbers and text.

    Raises
    ------
    SpikelearnError
        Naming `source` and the line, where it is no YAML, may be read in two ways, or says more
        than is read.
    """
    if len(text) > MOST_BYTES:
        raise SpikelearnError(
            f"{source}: {len(text) / 1e6:.0f} MB of YAML, where at most"
            f" {MOST_BYTES / 1e6:.0f} MB are read"
        )
    try:
        _check_depth(text)
        loader = _Loader(text)
        try:
            node = loader.get_single_node()
            if node is None:
                return None
            _check_size(node)
            return loader.construct_document(node)
        finally:
            loader.dispose()
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark is not None else ""
        problem = getattr(error, "problem", None) or "not a YAML file"
        raise SpikelearnError(f"{source}{where}: {problem}") from error
    except ValueError as error:  # characters that no text has
        raise SpikelearnError(f"{source}: {error}") from error


def _too_much(problem: str, at: Any) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=problem, problem_mark=at.start_mark)


def _check_depth(text: str) -> None:
    """Refuse what nests deeper than `MOST_DEPTH`; nothing here calls itself."""
    depth = 0
    for event in yaml.parse(text, _Parser):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MOST_DEPTH:
                problem = f"nested more than {MOST_DEPTH} deep"
                raise _too_much(problem, event)
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _check_size(root: Any) -> None:
    """Refuse what says more than `MOST_ITEMS`, counted with every alias written out."""
    sizes: dict[int, int] = {}
    open_nodes: set[int] = set()
    waiting = [(root, False)]
    while waiting:
        node, counted = waiting.pop()
        if id(node) in sizes:
            continue
        children = _children(node)
        if counted:
            open_nodes.discard(id(node))
            size = sizes[id(node)] = 1 + sum(sizes[id(child)] for child in children)
            if size > MOST_ITEMS:
                problem = f"more than {MOST_ITEMS:,} items, with what the aliases (*) stand for"
                raise _too_much(problem, node)
            continue
        if id(node) in open_nodes:
            problem = "an alias (*) stands inside what it is the name of"
            raise _too_much(problem, node)
        open_nodes.add(id(node))
        waiting.append((node, True))
        waiting += [(child, False) for child in children if id(child) not in sizes]


def _children(node: Any) -> list[Any]:
    if isinstance(node, yaml.MappingNode):
        return [part for pair in node.value for part in pair]
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []
