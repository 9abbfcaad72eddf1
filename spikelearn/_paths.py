"""Paths to what lies in a description: one grammar, for `changed` and for `--set path=value`.

    tau_m_ms                        a field
    populations.excitatory.size     names with dots between them: fields, and keys of mappings
    populations[L2.3 exc].size      a key in brackets, where it holds a dot or a bracket
    sizes[1]                        an entry of a list by its place, counted from 0
    projections[inhibitory->*].weight_mv
                                    entries by their names, in which * stands for any letters. A
                                    projection is called source->target, background input and noise
                                    by their target, a study's network by its recipe or rule
    projections[plasticity.rule=stdp].plasticity.w_max
                                    entries in which a field, or what a path leads to, has a value;
                                    in text * stands for any letters
    projections[a->b, synapse.tau_ms=5]
                                    entries that fit all that stands between commas; a whole number
    projections[a->b, 1]            behind others is a place among those that fit these
    populations[model=lif].tau_m_ms the same in a mapping; populations.* are all of its entries
    projections["a, b->c"]          a name in quotes is taken as it is

What fits is meant, be it one place or many; that nothing fits is an error which says what there is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from spikelearn._errors import SpikelearnError, nearest

Place = tuple[str | int, ...]
"""Fields, keys and indices, from the outermost in."""

_SHOWN = 12  # entries that an error names


def split_assignment(text: str) -> tuple[str, str] | None:
    """Path and value of `path=value`: parted by the first = outside brackets; None without one."""
    depth = 0
    for index, letter in enumerate(text):
        depth += {"[": 1, "]": -1}.get(letter, 0)
        if letter == "=" and not depth:
            return text[:index].strip(), text[index + 1 :]
    return None


def locations(description: Any, values: Mapping[str, Any]) -> dict[Place, Any]:
    """Every place that the paths lead to, with the value that is to be there.

    Raises
    ------
    SpikelearnError
        Where a path leads nowhere, or cannot be read, or into what another replaces, or to where
        another one has put another value.
    """
    chosen: dict[Place, Any] = {}
    kinds = _kinds(values)
    for path, value in values.items():
        for place in _places(description, path, kinds):
            if place in chosen and not _equal(chosen[place], value):
                raise SpikelearnError(
                    f"{written(place)} is changed twice, to {chosen[place]!r:.60} and, by"
                    f" '{path}', to {value!r:.60}; leave one out"
                )
            chosen[place] = value
    for place in chosen:
        whole = next((place[:n] for n in range(1, len(place)) if place[:n] in chosen), None)
        if whole is not None:
            raise SpikelearnError(
                f"{written(whole)} is changed as a whole, and {written(place)} within it; put both"
                " into one value"
            )
    return chosen


def places_of(description: Any, path: str, beside: Iterable[str] = ()) -> list[Place]:
    """Every place that a path leads to.

    Parameters
    ----------
    description : Description
    path : str
    beside : iterable of str
        Paths that change together with it, itself among them or not.

    Raises
    ------
    SpikelearnError
        Where it leads nowhere, or cannot be read.
    """
    return list(_places(description, path, _kinds(beside)))


def _kinds(paths: Iterable[str]) -> set[str]:
    """Where another model or kind is chosen: with it come other fields, checked in their place."""
    ends = (path.rpartition(".") for path in paths)
    return {before for before, _, last in ends if last in ("model", "kind")}


def _places(description: Any, path: str, kinds: set[str]) -> Iterator[Place]:
    return _follow(description, _steps(path), (), path, path.rpartition(".")[0] in kinds)


def _equal(one: Any, other: Any) -> bool:
    try:
        return bool(np.all(one == other))
    except ValueError:  # lists of arrays of different lengths
        return False


def content_with(node: Any, places: Mapping[Place, Any]) -> Any:
    """The content of a description, plain where something is new and as it is elsewhere."""
    if () in places:
        return places[()]
    below: dict[str | int, dict[Place, Any]] = {}
    for place, value in places.items():
        below.setdefault(place[0], {})[place[1:]] = value
    if _is_description(node):
        # What is not set is left out: another model may not have it.
        defaults = {name: field.default for name, field in type(node).model_fields.items()}
        content = {
            k: v for k, v in dict(node).items() if v is not None or defaults.get(k) is not None
        }
    elif isinstance(node, Mapping):
        content = dict(node)
    else:
        entries = node.tolist() if isinstance(node, np.ndarray) else list(node)
        for index, inner in below.items():
            entries[int(index)] = content_with(entries[int(index)], inner)
        return entries
    for name, inner in below.items():
        # What a study's network does not say itself, its recipe says.
        content[str(name)] = content_with(_inside(node, str(name)), inner)
    return content


def _is_description(node: Any) -> bool:
    return hasattr(node, "settable")


def _steps(path: str) -> list[tuple[str, str]]:
    """("name", NAME) and ("choose", CONTENT OF BRACKETS), in order."""
    steps: list[tuple[str, str]] = []
    rest = path
    while rest or not steps:
        if match := re.match(r"""\[((?:"[^"]*"|'[^']*'|[^\]"'])*)\](?=[.\[]|$)\.?""", rest):
            steps.append(("choose", match[1]))
        elif match := re.match(r"([^.\[\]]+)(?:\.(?=[^.])|(?=\[)|$)", rest):
            steps.append(("name", match[1].strip()))
        else:
            raise SpikelearnError(
                f"the path '{path}' cannot be read: names with dots between them are needed, and"
                " entries of lists in [ ]"
            )
        rest = rest[match.end() :]
    return steps


def _follow(
    node: Any, steps: list[tuple[str, str]], place: Place, path: str, open_end: bool
) -> Iterator[Place]:
    """The places to which the steps lead from `node`, which is at `place`."""
    if not steps:
        yield place
        return
    (kind, text), rest = steps[0], steps[1:]
    if kind == "choose":
        keys = _chosen(node, text, place, path)
    elif _is_description(node):
        if text not in node.settable() and (rest or not open_end):
            raise SpikelearnError(
                f"there is no '{text}' in {_where(node, place)}; {nearest(text, node.settable())}"
            )
        keys = [text]
    elif isinstance(node, Mapping):
        keys = _keys_of_mapping(node, text, place, last=not rest)
    elif node is None:
        raise SpikelearnError(f"{written(place)} is not set; give the whole of it")
    elif isinstance(node, Sequence) and not isinstance(node, str):
        names = ", ".join(_names(node)[:_SHOWN])
        raise SpikelearnError(
            f"{written(place)} is a list; choose entries of it in [ ]: by their place, or by what"
            f" they are ({names})"
        )
    else:
        raise SpikelearnError(f"{written(place)} is one value ({node!r:.60}); it has no '{text}'")
    for key in keys:
        yield from _follow(_inside(node, key), rest, (*place, key), path, open_end)


def _inside(node: Any, key: str | int) -> Any:
    if _is_description(node):
        return node.seen(str(key))
    if isinstance(node, Mapping):
        return node.get(key)
    return node[key]


def _keys_of_mapping(
    node: Mapping[str, Any], text: str, place: Place, last: bool
) -> list[str | int]:
    if text in node:
        return [text]
    fitting: list[str | int] = [key for key in node if "*" in text and _fits(text, key)]
    if fitting:
        return fitting
    # What holds plain values takes further ones; a further description is no slip of the pen.
    if last and "*" not in text and not any(_is_description(value) for value in node.values()):
        return [text]
    raise SpikelearnError(f"there is no '{text}' in {written(place)}; {nearest(text, node)}")


def _chosen(node: Any, text: str, place: Place, path: str) -> list[str | int]:
    """Keys or indices of the entries of a list or a mapping that the brackets mean."""
    keys: list[str | int]
    if isinstance(node, Mapping):
        keys, entries = list(node), list(node.values())
    elif isinstance(node, Sequence | np.ndarray) and not isinstance(node, str):
        keys, entries = list(range(len(node))), list(node)
    else:
        raise SpikelearnError(
            f"{written(place) or 'the description'} is no list, from which [{text}] could choose"
        )
    chosen = list(range(len(keys)))
    for number, condition in enumerate(re.findall(r"""(?:"[^"]*"|'[^']*'|[^,"'])+""", text)):
        wanted = condition.strip()
        if wanted[:1] not in ("'", '"'):
            wanted = re.sub(r"\s*->\s*", "->", wanted)
        if re.fullmatch(r"\d+", wanted) and (number or not isinstance(node, Mapping)):
            chosen = chosen[int(wanted) : int(wanted) + 1]
        else:
            chosen = [i for i in chosen if _meets(wanted, keys[i], entries[i])]
    if not text.strip() or not chosen:
        names = list(map(str, keys)) if isinstance(node, Mapping) else _names(entries)
        raise SpikelearnError(
            f"{written(place)}[{text}] fits none of its entries; {nearest(text, names)}"
        )
    return [keys[i] for i in chosen]


def _meets(condition: str, key: str | int, entry: Any) -> bool:
    """Whether an entry is what a condition between commas says."""
    if condition[:1] in ("'", '"') and condition[-1:] == condition[:1]:
        return condition[1:-1] == _name(key, entry)
    field, sign, value = condition.partition("=")
    if not sign or "->" in field:
        return _fits(condition, _name(key, entry))
    for name in field.strip().split("."):
        if not (_is_description(entry) or isinstance(entry, Mapping)):
            return False
        entry = _inside(entry, name)
    return entry is not None and _same(entry, value.strip())


def _same(value: Any, text: str) -> bool:
    if isinstance(value, bool):
        return text.lower() == str(value).lower()
    if isinstance(value, int | float):
        try:
            return float(text) == value
        except ValueError:
            return False
    return _fits(text.strip("'\""), str(value))


def _fits(pattern: str, name: str) -> bool:
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), name) is not None


def _name(key: str | int, entry: Any) -> str:
    name = entry.named() if _is_description(entry) and isinstance(key, int) else None
    return str(key) if name is None else str(name)


def _names(entries: Sequence[Any]) -> list[str]:
    return [_name(index, entry) for index, entry in enumerate(entries)]


def written(place: Place) -> str:
    """A place as a path."""
    text = ""
    for part in place:
        text += _step(text, part)
    return text


def _step(before: str, part: str | int) -> str:
    """A further step of a path, behind what is there."""
    if isinstance(part, int) or re.search(r"[.\[\]]", part):
        return f"[{part}]"
    return f".{part}" if before else part


def named(description: Any, place: Place) -> str:
    """A place as a path on which entries of lists are called by their names, where these tell."""
    parts: list[str | int] = []
    node = description
    for part in place:
        names = _names(list(node)) if isinstance(node, list | tuple) else []
        is_told = isinstance(part, int) and part < len(names) and names.count(names[part]) == 1
        parts.append(f"[{names[int(part)]}]" if is_told else part)
        node = _inside(node, part) if _is_there(node, part) else None
    text = ""
    for part in parts:
        text += part if isinstance(part, str) and part[:1] == "[" else _step(text, part)
    return text


def _is_there(node: Any, part: str | int) -> bool:
    if isinstance(part, int):
        return isinstance(node, Sequence) and not isinstance(node, str) and part < len(node)
    return _is_description(node) or isinstance(node, Mapping)


def _where(node: Any, place: Place) -> str:
    """A description within another, and of which model or kind it is."""
    declared = [name for name in ("model", "kind") if name in type(node).model_fields]
    what = f" ({node.seen(declared[0])})" if place and declared else ""
    return (written(place) or node.described()) + what


def between_commas(text: str, at: str = ",") -> list[str]:
    """The parts of a text between commas (or another letter) that no bracket or quote holds.

    Raises
    ------
    SpikelearnError
        Where there is nothing in one of several, and something in others.
    """
    parts, depth, quote = [""], 0, ""
    for letter in text:
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "\"'":
            quote = letter
        depth += 0 if quote else {"[": 1, "{": 1, "(": 1, "]": -1, "}": -1, ")": -1}.get(letter, 0)
        if letter == at and not depth and not quote:
            parts.append("")
        else:
            parts[-1] += letter
    parts = [part.strip() for part in parts]
    if any(parts) and not all(parts):
        raise SpikelearnError(
            f"there is nothing {_at_which(parts, at)} of '{text.strip():.60}'; leave out the one"
            " that is too many"
        )
    return [part for part in parts if part]


def _at_which(parts: Sequence[str], at: str) -> str:
    """Between which commas a part is empty, in words."""
    name = "comma" if at == "," else f"'{at}'"
    empty = parts.index("")
    if empty in (0, len(parts) - 1):
        return f"{'before the first' if empty == 0 else 'behind the last'} {name}"
    return f"between two {'commas' if at == ',' else name}"
