"""At every place of every shipped file, an unknown field and a value of a wrong type are refused.

The files are taken apart into places: every mapping gets a key that nothing knows, and every value
gives way to values that its kind does not take. The sentence must say the field's name. What no
shipped file holds is covered class by class and field by field.
"""

from __future__ import annotations

import copy
import importlib
import pkgutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

import spikelearn
from spikelearn._description import Description
from spikelearn._errors import SpikelearnError
from spikelearn._files import read_yaml, shipped_folder, validate
from spikelearn._paths import written
from spikelearn.networks import KINDS
from spikelearn.stimuli.protocol import Protocol
from spikelearn.studies.study import Study
from spikelearn.training.config import STDPConfig, TrainConfig
from spikelearn.training.recipes import load_recipe

UNKNOWN = "nonsense_of_a_field"
WRONG: dict[type, tuple[Any, ...]] = {
    bool: ("yes", 1),
    int: (True, "10", float("nan")),
    float: (True, "10", float("inf")),
    str: (3, True),
    list: ({UNKNOWN: 1}, "text"),
    dict: ("text", True),
}
Place = tuple[str | int, ...]


def places(content: Any, at: Place = ()) -> Iterator[tuple[Place, Any]]:
    """Every value within a file's content, with where it is."""
    for key, value in content.items() if isinstance(content, dict) else enumerate(content):
        yield (*at, key), value
        if isinstance(value, dict):
            yield from places(value, (*at, key))
        elif isinstance(value, list):
            yield from places(value[:2], (*at, key))  # a list's entries are of one kind


def with_value(content: Any, place: Place, value: Any) -> Any:
    """The content with another value at a place."""
    new = copy.deepcopy(content)
    inside = new
    for key in place[:-1]:
        inside = inside[key]
    inside[place[-1]] = value
    return new


def mistakes(content: dict[str, Any]) -> Iterator[tuple[str, Place, Any]]:
    """A word that the refusal must hold, a place, and what is wrong there."""
    yield UNKNOWN, (UNKNOWN,), 1
    for place, value in places(content):
        if isinstance(value, dict):
            yield UNKNOWN, (*place, UNKNOWN), 1
        if value is not None and place != ("kind",):  # it says who reads the rest
            field = next(key for key in reversed(place) if isinstance(key, str))
            for wrong in WRONG[type(value)]:
                if (field, wrong) != ("pool", 3):  # which takes words and numbers
                    yield field, place, wrong


def files(kind: str) -> Iterator[tuple[Path, dict[str, Any], Any]]:
    """Shipped files of a kind, with what they say; of those with the same fields, the first.

    All of them are read.
    """
    known = set()
    for path in sorted(shipped_folder(kind).glob("*/*.yaml" if "recipes" in kind else "*.yaml")):
        content = read_yaml(path)
        made = READERS[kind](content)
        said = content.get("rule"), content.get("kind"), *(place for place, _ in places(content))
        if said not in known:
            known.add(said)
            yield path, content, made


def network(content: dict[str, Any]) -> Any:
    module, name = KINDS[content["kind"]]
    return validate(getattr(importlib.import_module(module), name), content, "a file")


def stimulus(content: dict[str, Any]) -> Any:
    adapter: Any = TypeAdapter(Protocol)
    context = {"folder": shipped_folder("stimuli")}
    return validate(lambda **c: adapter.validate_python(c, context=context), content, "a file")


def study(content: dict[str, Any]) -> Any:
    return validate(Study, content, "a file")


def training(content: dict[str, Any]) -> Any:
    content = {k: v for k, v in content.items() if k not in ("description", "reference")}
    simulated = content.get("rule") in ("stdp", "homeostasis")
    return validate(STDPConfig if simulated else TrainConfig, content, "a file")


READERS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "models": network,
    "stimuli": stimulus,
    "models/studies": study,
    "models/recipes": training,
}


@pytest.mark.parametrize("kind", READERS)
def test_an_unknown_field_and_a_wrong_type_are_refused_by_name_wherever_they_stand(
    kind: str,
) -> None:
    passed = []
    n = 0
    for path, content, _ in files(kind):
        for word, place, wrong in mistakes(content):
            if kind == "models/recipes" and place[0] in ("description", "reference"):
                continue
            n += 1
            try:
                READERS[kind](with_value(content, place, wrong))
            except SpikelearnError as error:
                if word not in str(error) or "\n" in str(error):
                    passed.append((path.name, place, wrong, str(error)))
            else:
                passed.append((path.name, place, wrong, "accepted"))
    assert n > 100
    assert not passed


@pytest.mark.parametrize("kind", ["models", "stimuli", "models/recipes"])
def test_every_place_of_a_file_is_reached_by_its_path(kind: str) -> None:
    n = 0
    for _, content, made in files(kind):
        for place, value in places(content):
            # What a recipe says of itself, and spread values, which are arrays once they are read.
            if place[0] in ("description", "reference") or place[-1] in ("from", "to", "power"):
                continue
            n += 1
            same = made.changed(written(place), value)
            assert same.model_dump_json() == made.model_dump_json(), place
    assert n > 50


def test_a_recipe_says_what_its_training_does_not_know(tmp_path: Path) -> None:
    for name, line, words in (
        ("a", "epoch: 3", "did you mean epochs"),
        ("b", "description: 5", "description"),
        ("c", "options: {n_step: 3}", "n_step"),
    ):
        path = tmp_path / f"{name}.yaml"
        path.write_text(f"rule: predictive_coding\nmodel: mlp_784\n{line}\n")
        with pytest.raises(SpikelearnError, match=words):
            load_recipe(path)


def classes() -> Iterator[type[Description]]:
    """Every kind of description in the toolkit, those that others are made of among them."""
    found = {}
    for module in pkgutil.walk_packages(spikelearn.__path__, "spikelearn."):
        for one in vars(importlib.import_module(module.name)).values():
            if isinstance(one, type) and issubclass(one, Description) and one is not Description:
                found[f"{one.__module__}.{one.__name__}"] = one
    yield from found.values()


def refused(kind: type[Description], field: str, value: Any) -> bool:
    """Whether a field does not take a value, whatever else is missing."""
    try:
        kind.model_validate({field: value})
    except ValidationError as error:
        mistakes = error.errors(include_url=False)
        # A mistake of the whole is found by what looks at all fields before they are read.
        return any(m["loc"][:1] == (field,) or not m["loc"] for m in mistakes)
    except (
        AttributeError,
        NotImplementedError,
    ):  # of what others have in common, never made itself
        return True
    return False


def test_every_field_of_every_description_takes_nothing_for_what_it_is_not() -> None:
    n = 0
    wrong = []
    for kind in classes():
        for name, field in kind.model_fields.items():
            # Options are checked by the rule that has them, a change by what it is of.
            if field.annotation is Any or "Any]" in str(field.annotation):
                continue
            n += 1
            takes = {
                "number": any(not refused(kind, name, v) for v in (0.5, 1.0, 3.0)),
                "text": not refused(kind, name, "text"),
                "truth": not refused(kind, name, True) and not refused(kind, name, False),
            }
            for value in (object(), {UNKNOWN: object()}, [object()], {1: 2}):
                if not refused(kind, name, value):
                    wrong.append((kind.__name__, name, value))
            if takes["number"]:
                unlike = [True, float("nan"), float("inf"), *([] if takes["text"] else ["10"])]
                wrong += [(kind.__name__, name, v) for v in unlike if not refused(kind, name, v)]
            if takes["truth"]:
                others = [v for v in (1, 0.0, "yes") if not refused(kind, name, v)]
                wrong += [(kind.__name__, name, v) for v in others]
    assert n > 250
    assert not wrong


def test_every_description_refuses_an_unknown_field_with_the_nearest() -> None:
    for kind in classes():
        known = next(iter(kind.model_fields), None)
        if known is None:  # what others have in common
            continue
        with pytest.raises(ValidationError) as raised:
            kind.model_validate({f"{known}_": 1})
        told = [m["msg"] for m in raised.value.errors() if m["loc"][-1:] == (f"{known}_",)]
        if kind.__name__ == "NetworkEntry":  # its own check, once there is a rule
            continue
        assert told, kind
        assert f"did you mean {known}" in told[0], kind
