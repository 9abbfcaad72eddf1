"""Recipes: what a training run is, in a YAML file; shipped ones, one's own, and a run's own.

The `config.yaml` of a stored run is a recipe, too: the same run again, with the same key and the
same weights, wherever its model and its rule have gone meanwhile. Where the model is not at hand or
reads otherwise, it is the one that the configuration writes out; where a rule of one's own is not
as it was, it is the copy that the run keeps. Both are told.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from spikelearn._errors import SpikelearnError
from spikelearn._files import (
    cache_folder,
    find_yaml,
    read_yaml,
    shipped_names,
    validate,
    write_yaml,
)
from spikelearn._keys import content_key, current_name
from spikelearn._store import CONFIG, StoredResultWarning, is_complete
from spikelearn.networks import load_model
from spikelearn.rules import RULES, known_name
from spikelearn.rules.user_rule import absolute_place, is_place
from spikelearn.stimuli.datasets import DATASETS, EVENT_DATASETS, is_own
from spikelearn.training.config import SAID_OF_NETWORKS, STDPConfig, TrainConfig, fields_of
from spikelearn.training.stored_runs import rule_of_run

# What a run's configuration says beside what was asked for: it follows from that.
# Fields of a recipe that no model has.
SAID_BY_RECIPES = {"rule", "model", "dataset", "epochs", "n_train"}
# Endings of files that a description may name: models, images, recordings, spikes, sounds.
FILES = (".yaml", ".yml", ".nir", ".npz", ".npy", ".csv", ".mat", ".nwb", ".nix", ".h5", ".wav",
         ".txt")  # fmt: skip
# Fields that name a Python file of one's own, and what is meant there.
PLACES = ("rule", "module", "preprocess")
_FOLLOWS = ("format", "network", "data", "code", "variant", "images")


def load_recipe(name: str | Path, **changes: Any) -> TrainConfig | STDPConfig:
    """The training recipe of that name among the shipped ones, or in the YAML file at that path.

    Parameters
    ----------
    name : str or path
        Such as "mnist_mlp/feedback_alignment"; or a run's folder, or its `config.yaml`.
    **changes
        Fields of `TrainConfig`, or of `STDPConfig` where the recipe's rule is carried out by the
        simulation, to replace, such as `seed`.

    Raises
    ------
    SpikelearnError
        Naming the file, the field and what is allowed.
    """
    if is_of_run(name):
        path = Path(name, CONFIG) if Path(name).is_dir() else Path(name)
        return _made(_given_of_run(path, read_yaml(path), changes) | changes, path)
    path = find_yaml("models/recipes", name)
    content = read_yaml(path)
    if isinstance(content, dict):
        for word in ("description", "reference"):
            if not isinstance(content.get(word, ""), str):
                raise SpikelearnError(
                    f"{path}: field '{word}': must be text (found {content[word]!r})"
                )
        content = {k: v for k, v in content.items() if k not in ("description", "reference")}
        content = beside(path, content) | changes
    return _made(content, path)


def recipe_with(name: str | Path, given: Mapping[str, Any]) -> TrainConfig | STDPConfig:
    """A recipe with what is given in place of what it says; of options and changes, see `joined`.

    Parameters
    ----------
    name : str or Path
        Of a recipe or a run, as for `load_recipe`.
    given : mapping
        Fields of its configuration.

    Raises
    ------
    SpikelearnError
        As `load_recipe` does.
    """
    if any(given.get(field) is not None for field in ("options", "changes", "rule", "model")):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", StoredResultWarning)  # told when it is read below
            given = joined(said_of(load_recipe(name)), given)
    return load_recipe(name, **given)


def said_of(config: TrainConfig | STDPConfig) -> dict[str, Any]:
    """The fields of a configuration, its rule by a name that finds it."""
    return {**dict(config), "rule": config.rule_place}


def joined(said: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """What is given in place of what a configuration says; of options and changes, one by one.

    Options that are not given stay as they are said, unless another rule is given, to which they do
    not belong; so do changes of the model, unless another model is.

    Parameters
    ----------
    said, given : mapping
        Fields of a configuration.
    """
    fields = dict(given)
    for part, owner, name in (("options", "rule", known_name), ("changes", "model", str)):
        asked, before = given.get(owner), said.get(owner)
        known = asked is not None and before is not None
        of_another = known and name(asked) != name(before)
        own = {} if of_another else said.get(part) or {}
        if isinstance(fields.get(part), Mapping):
            fields[part] = {**own, **fields[part]}
        elif of_another and said.get(part):
            fields[part] = {}
    return fields


def _made(content: Any, path: Path) -> TrainConfig | STDPConfig:
    """The configuration of what a recipe says."""
    if isinstance(content, dict) and isinstance(named := content.get("rule"), str):
        content["rule"] = current_name("rule", named)
        rule = RULES.get(content["rule"])
        if rule is not None and rule.simulated:
            content = {k: v for k, v in content.items() if k != "options" or v}
            return validate(STDPConfig, content, path)
    return validate(TrainConfig, content, path)


def beside(path: Path, content: dict[str, Any]) -> dict[str, Any]:
    """What a file says, with the files that it names looked for from its folder.

    Rules and modules of one's own are always counted from there; a model, a recipe and images where
    there are such, and else from the working folder.
    """
    return {name: value_beside(name, value, path.parent) for name, value in content.items()}


def value_beside(name: str | float, value: Any, folder: Path) -> Any:
    """A field's value; where that names a file in a folder, with the path of it.

    Parameters
    ----------
    name : str or float
        Of the field, or a path that ends in it; a number, which names nothing, is refused later.
    value : object
        Texts within mappings and lists are looked at, too.
    folder : Path
    """
    field = str(name).rpartition(".")[2]
    if isinstance(value, Mapping):
        return {inner: value_beside(inner, v, folder) for inner, v in value.items()}
    if isinstance(value, list):
        return [value_beside(name, v, folder) for v in value]
    if not isinstance(value, str):
        return value
    if is_place(value) and (field in PLACES or Path(folder, value.rpartition(":")[0]).is_file()):
        return absolute_place(value, folder)
    there = folder / value
    try:
        if field == "dataset":  # which may be a folder of any name
            is_file = value not in (*DATASETS, *EVENT_DATASETS, "") and is_own(there)
        else:  # what is called without an ending is shipped, or a run
            is_file = value.endswith(FILES) and there.is_file()
            is_file |= field == "model" and "/" in value and is_complete(there)
    except OSError:  # as for a text of thousands of letters
        is_file = False
    return str(there) if is_file else value


def is_recipe(name: str | Path) -> bool:
    """Whether it is a shipped recipe's name, or a file or folder that says how to train."""
    if is_of_run(name):
        return True
    path = Path(name)
    if path.suffix not in (".yaml", ".yml"):
        return str(name) in shipped_names("models/recipes")
    if not path.is_file():
        return False
    try:
        content = read_yaml(path)
    except SpikelearnError:
        return False
    return isinstance(content, dict) and not SAID_BY_RECIPES.isdisjoint(content)


def is_model(name: str | Path) -> bool:
    """Whether it is a shipped model's name, or a YAML file that describes a network."""
    path = Path(name)
    if path.suffix not in (".yaml", ".yml"):
        return str(name) in shipped_names("models")
    if not path.is_file() or is_recipe(name):
        return False
    try:
        content = read_yaml(path)
    except SpikelearnError:
        return False
    return isinstance(content, dict) and "kind" in content


def is_of_run(name: str | Path) -> bool:
    """Whether it is the folder of a complete run, or a file that holds a run's configuration."""
    path = Path(name)
    if path.is_dir():
        return is_complete(path)
    if path.suffix not in (".yaml", ".yml") or not path.is_file():
        return False
    try:
        content = read_yaml(path)
    except SpikelearnError:
        return False
    return (
        isinstance(content, dict)
        and {"format", "rule", "model"} <= set(content)
        and isinstance(content.get("network"), dict)
    )


def _given_of_run(
    path: Path, content: dict[str, Any], changes: Mapping[str, Any]
) -> dict[str, Any]:
    """The fields of the configuration that trains a run again.

    Parameters
    ----------
    path : Path
        Of its configuration.
    content : mapping
        What that says.
    changes : mapping
        Fields that are replaced.
    """
    asked = {name: value for name, value in content.items() if name not in _FOLLOWS}
    given = fields_of(content) | asked
    rule = given.get("rule")
    if isinstance(rule, str) and is_place(rule) and "rule" not in changes:
        given["rule"] = rule_of_run(path.parent, content, "is trained again")
        given.pop("rule_file", None)
    if "model" in changes:
        return {k: v for k, v in given.items() if k != "changes"}
    why = _model_is_another(given, content["network"], path)
    if why:
        stem = Path(str(given["model"])).stem
        written = cache_folder() / "models" / content_key(content["network"], 16) / f"{stem}.yaml"
        write_yaml(written, content["network"])
        warnings.warn(
            f"{path} is trained again with the model that it writes out: {why}",
            StoredResultWarning,
            stacklevel=3,
        )
        given |= {"model": str(written)}
        given.pop("changes", None)
    return given


def _model_is_another(given: dict[str, Any], network: Mapping[str, Any], path: Path) -> str:
    """How the model that a run names is another than the one that it was; empty if it is not."""
    name = str(given["model"])
    try:
        model = load_model(name)
        if given.get("changes"):
            model = model.changed(given["changes"])
    except (SpikelearnError, OSError) as error:
        return " ".join(str(error).split())
    if model.kind != network.get("kind"):
        return f"{name} is of kind {model.kind} now"
    today = _made(dict(given), path).description()
    found = json.loads(today.model_dump_json(exclude_none=True))
    names = [n for n in {*found, *network} if found.get(n) != network.get(n)]
    other = sorted(set(names) - set(SAID_OF_NETWORKS))
    return f"{name} has another {', '.join(other)} now" if other else ""
