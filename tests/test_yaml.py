"""YAML files: what two readers would understand differently is refused, with its line."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest

from spikelearn._errors import SpikelearnError
from spikelearn._files import read_yaml, shipped_folder
from spikelearn._yaml import parse_yaml

PACKAGE = Path(__file__).parents[1] / "spikelearn"


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("projections: [1]\nname: x\nprojections: [2]\n", (1, 3)),
        ("a:\n  - b: {c: 1}\n  - d:\n      e: 1\n      f: 2\n      e: 3\n", (4, 6)),
        ('a: 1\n"a": 2\n', (1, 2)),
        ("base: &base {a: 1}\nb:\n  <<: *base\n  <<: *base\n", (3, 4)),
        ("b: {<<: {a: 1, \n  a: 2}}\n", (1, 2)),
        ("1: a\n1.0: b\n", (1, 2)),  # one key in a dictionary of Python
    ],
)
def test_a_key_that_stands_twice_is_refused_with_both_lines(
    text: str, lines: tuple[int, int], tmp_path: Path
) -> None:
    path = tmp_path / "network.yaml"
    path.write_text(text)
    with pytest.raises(SpikelearnError) as raised:
        read_yaml(path)
    message = str(raised.value)
    assert str(path) in message
    assert "twice" in message
    assert f"in lines {lines[0]} and {lines[1]}" in message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: 1\nno: b\n", "line 2: the key 'no' is read as true or false, and is no name"),
        ("a: {~: b}", "line 1: the key '~' is read as nothing"),
        ("2020-01-01: b", "line 1: the key '2020-01-01' is read as a day"),
        ("!!binary aGk=: b", "line 1: !!binary is neither a mapping, a list, a number nor text"),
        ("a: !!binary aGk=", "line 1: !!binary is neither a mapping, a list, a number nor text"),
        ("a: 1\nb: !!set {a, b}", "line 2: !!set is neither"),
        ("a: !!omap [a: 1]", "line 1: !!omap is neither"),
        ("a: !!pairs [a: 1]", "line 1: !!pairs is neither"),
        ("a: 1\n? [a, b]\n: c", "line 2: a key is a name, and no list"),
        ("a: {{b}}", "line 1: a key is a name, and no mapping"),
    ],
)
def test_keys_that_are_no_names_and_bytes_and_sets_are_refused(text: str, words: str) -> None:
    with pytest.raises(SpikelearnError) as raised:
        parse_yaml(text, "f")
    assert str(raised.value).startswith(f"f, {words}")
    assert parse_yaml("'no': 1\n1: b\n'2020-01-01': c", "f") == {"no": 1, 1: "b", "2020-01-01": "c"}


def test_a_key_over_that_of_a_merge_is_no_second_one_however_often_it_is_merged() -> None:
    text = "x: &x {a: 1}\ny: &y {<<: *x, a: 2}\nz: {<<: *y, a: 3}\nw: *y\n"
    assert parse_yaml(text, "f") == {"x": {"a": 1}, "y": {"a": 2}, "z": {"a": 3}, "w": {"a": 2}}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 1e-3), ("-2E5", -2e5), (".5e3", 500.0), ("1.0e-3", 1e-3), ("10", 10), ("0", 0),
        ("07", 7), ("0_7", 7),
        ("0x1F", 31), ("-0.5", -0.5), ("1e5x", "1e5x"), ("'010'", "010"), ("'1:30'", "1:30"),
    ],
)  # fmt: skip
def test_numbers_are_numbers_as_everybody_writes_them(text: str, value: Any) -> None:
    read = parse_yaml(f"a: {text}", "f")["a"]
    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize(
    ("text", "readings"),
    [("010", ("8", "10")), ("-017", ("-15", "-17")), ("1:30", ("90", "'1:30'")),
     ("12:30:00", ("45000", "'12:30:00'")), ("1:30.5", ("90.5", "'1:30.5'"))],
)  # fmt: skip
def test_a_number_that_may_be_read_in_two_ways_is_refused_with_both(
    text: str, readings: tuple[str, str]
) -> None:
    with pytest.raises(SpikelearnError, match="line 2: ") as raised:
        parse_yaml(f"b: 1\na: {text}", "f")
    assert all(reading in str(raised.value) for reading in readings)


def test_every_shipped_file_is_read() -> None:
    files = [p for kind in ("models", "stimuli") for p in shipped_folder(kind).rglob("*.yaml")]
    assert len(files) > 100
    for path in files:
        assert isinstance(read_yaml(path), dict), path


def test_the_toolkit_reads_yaml_in_one_place() -> None:
    readers = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and node.attr in (
                "load",
                "safe_load",
                "load_all",
                "parse",
                "compose",
            ):
                owner = node.value
                if isinstance(owner, ast.Name) and owner.id == "yaml":
                    readers.add(path.relative_to(PACKAGE).as_posix())
    assert readers == {"_yaml.py"}


# Nine aliases of nine aliases ...: 400 bytes that say 9^12 things.
_BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{chr(98 + i)}: &{chr(98 + i)} [{','.join(['*' + chr(97 + i)] * 9)}]\n" for i in range(12)
)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (_BOMB, "line 7: more than 5,000,000 items, with what the aliases"),
        ("a: 1\nb: &b [*b]", "line 2: an alias .* inside what it is the name of"),
        ("a: &a {b: *a}", "line 1: an alias"),
        ("[" * 900 + "]" * 900, "line 1: nested more than 100 deep"),
        ("\n".join(" " * i + "a:" for i in range(300)), "line 101: nested more than 100 deep"),
        ("[" * 200_000, "line 1: nested more than 100 deep"),
        ("a: !!bool abc", "line 1: 'abc' is neither true nor false"),
        ("b: 1\na: !!timestamp abc", "line 2: 'abc' is no date"),
        ("a: 2020-13-45", "line 1: '2020-13-45' is no date"),
        ("a: !!int abc", "line 1: 'abc' is no whole number"),
        ("a: !!float x1", "line 1: 'x1' is no number"),
        ("a: 0x" + "f" * 10_000, "line 1: a whole number of 10002 digits"),
        ("9" * 400, "line 1: a whole number of 400 digits"),
        ("!!python/object/apply:os.system [ls]", "line 1: could not determine a constructor"),
        ("a: \x00", "f: "),
        ("a: \ud800", "f: "),
        ("{[1, 2]: 3}", "line 1: a key is a name, and no list"),
    ],
)
def test_what_is_too_much_or_not_what_it_is_called_is_one_sentence(
    text: str, sentence: str
) -> None:
    with pytest.raises(SpikelearnError, match=sentence) as caught:
        parse_yaml(text, "f")
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300


def test_aliases_that_say_little_are_read() -> None:
    assert parse_yaml("a: &a [1]\nb: [*a, *a]", "f") == {"a": [1], "b": [[1], [1]]}


def test_a_text_of_many_megabytes_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("spikelearn._yaml.MOST_BYTES", 10)
    with pytest.raises(SpikelearnError, match="at most"):
        parse_yaml("a: 1111111111", "f")
