"""`train`: by whatever says what is to be trained, and by the loop or the simulation.

What that is, is `config_given`: a configuration, a recipe, a model or an earlier run, by name, file
or fields.
"""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from spikelearn._atomic import check_place
from spikelearn._description import Description
from spikelearn._errors import SpikelearnError, nearest
from spikelearn._files import cache_folder, shipped_names, validate, write_yaml
from spikelearn._keys import content_key
from spikelearn._names import file_name
from spikelearn._progress import check_progress, progress_of_call
from spikelearn.networks import KINDS, load_model
from spikelearn.rules import RULES, known_name, rule_entry
from spikelearn.training.config import STDPConfig, TrainConfig
from spikelearn.training.loop import AfterEpoch, Progress, TrainedRun
from spikelearn.training.recipes import is_recipe, joined, recipe_with, said_of
from spikelearn.training.several_runs import train_one
from spikelearn.training.stdp_training import STDPRun
from spikelearn.training.usual import DATASET, usual_dataset, usual_model, usual_recipe, usual_rule

Trained = (
    TrainConfig | STDPConfig | TrainedRun | STDPRun | Description | str | Path | Mapping[str, Any]
)
"""A configuration or its fields; a recipe, a model or a run, by name or path; a network."""

_WHAT = (
    "what is trained is a configuration, a recipe, a model or a run: an object, a name, a file or a"
    " mapping of fields"
)


def train(
    config: Trained | None = None,
    runs: str | Path | None = None,
    progress: Progress | bool | None = None,
    after_epoch: AfterEpoch | None = None,
    again: bool = False,
    tensorboard: str | Path | None = None,
    ranks: int = 1,
    threads: int | None = None,
    **fields: Any,
) -> TrainedRun | STDPRun:
    """Train a network by a rule; or read the run, where `runs` holds it already.

    What `runs` holds is taken for the run only where everything that decides it is the same: every
    option, given or not, the model, the content of the data, the rule's code and the format. What
    differs stays there, and `origin` of the run names it.

    Parameters
    ----------
    config : TrainConfig, STDPConfig, str, Path, mapping, network or run, optional
        What is trained: a configuration or its fields; a model, by name ("mlp_64"), YAML file or
        object; a recipe, by name ("mnist_mlp/backprop") or file; an earlier run, or its folder.
        May be left out where `rule` is given. Where no rule is named, it is gradient descent (or
        the model's own plasticity), and where no data set is, one that the model takes; a line says
        which. Where there is a shipped recipe for rule, model and data set, that fills in what is
        left open, which a line says, too.
    runs : path, optional
        Folder of runs. The run is stored there, and a checkpoint after every epoch, from which an
        interrupted run goes on; `learning_curve` says where its curve stands meanwhile. Nothing is
        stored where it is absent.
    progress : callable or bool, optional
        Called with the fraction done and a few words. Without it, a line says that a run was read,
        and a bar shows itself in a terminal and in a notebook where training takes longer than a
        second; with False none does.
    after_epoch : callable, optional
        Called after every epoch that is computed now (0: before training) with its number, the rule
        in evaluation mode, and the validation accuracy. It must leave the rule as it is. Not of
        training by simulation.
    again : bool
        Whether to train also where `runs` holds the run, which is then replaced.
    tensorboard : path, optional
        Folder for logs of TensorBoard; see `spikelearn.training.loop.train`.
    ranks : int
        Processes that share each batch; see there. Not of training by simulation.
    threads : int, optional
        On which it computes: 1, if absent, and by simulation as many as there are cores.
    **fields
        Of `TrainConfig`, or of `STDPConfig` where the simulation carries out the rule, in place of
        what `config` says: rule, dataset, epochs, learning_rate, seed, options ... `options` and
        `changes` replace those that they name; the others stay, unless another rule is given, to
        which options do not belong, or another model, to which changes do not.

    Returns
    -------
    TrainedRun or STDPRun

    Raises
    ------
    SpikelearnError
        Where there is nothing of that name, a field is unknown, the rule does not train this kind
        of model, or the model does not fit the data.

    Warns
    -----
    TrainingWarning
        Once for each problem that a network that spikes gets into: a layer is silent, most of it is
        dead, or its rates explode; and where test or validation images are training images.

    Examples
    --------
    >>> import spikelearn as sl
    >>> run = sl.train("mlp_64", rule="feedback_alignment", dataset="digits", epochs=8, runs="runs")
    >>> run.summary["test_accuracy"] > 0.5
    True
    >>> config = sl.TrainConfig(
    ...     model="mlp_64", rule="feedback_alignment", dataset="digits", epochs=8
    ... )
    >>> sl.train(config, runs="runs").folder == run.folder  # complete: read, not computed again
    True
    """
    check_progress(progress)
    if after_epoch is not None and not callable(after_epoch):
        raise SpikelearnError(f"after_epoch is a function, found {after_epoch!r:.40}")
    if not isinstance(again, bool):
        raise SpikelearnError(f"again is true or false, found {again!r:.40}")
    for name, place in (("runs", runs), ("tensorboard", tensorboard)):
        if place is not None and not isinstance(place, str | Path):
            raise SpikelearnError(f"{name} is the path of a folder, found {place!r:.40}")
        if place is not None:
            check_place(Path(place) / "a run")
    if isinstance(runs, str) and runs in RULES and not Path(runs).exists():
        raise SpikelearnError(
            f"'{runs}' is a learning rule, and what comes second is the folder of runs; name it by"
            f" rule='{runs}'"
        )
    found = config_given(config, **fields)
    options: dict[str, Any] = {"tensorboard": tensorboard}
    if isinstance(found, TrainConfig):
        options["after_epoch"] = after_epoch
    elif after_epoch is not None:
        raise SpikelearnError(
            f"after_epoch is of the training loop; the simulation carries out '{found.rule}'"
        )
    with progress_of_call(progress, "training") as say:
        run = train_one(found, runs, say, again, ranks, threads, **options)
    if say is not None and progress in (None, True) and run.origin.startswith("read"):
        _say(run.origin.capitalize())  # as it is said where nobody watches
    return run


def config_given(given: Trained | None = None, /, **fields: Any) -> TrainConfig | STDPConfig:
    """The configuration that a user gives.

    Parameters
    ----------
    given : TrainConfig, STDPConfig, str, Path, mapping, network or run, optional
        See `train`.
    **fields
        In place of what that says.

    Raises
    ------
    SpikelearnError
        Where it is nothing that can be trained.
    """
    if isinstance(given, TrainConfig | STDPConfig):
        return given.changed(joined(said_of(given), fields)) if fields else given
    if isinstance(given, TrainedRun | STDPRun):
        if given.folder is None:
            raise SpikelearnError("a run that was not stored in `runs` is not trained again")
        return recipe_with(given.folder, fields)
    if isinstance(given, str | Path) and _is_recipe(given):
        return recipe_with(given, fields)
    named = _named(given)
    if isinstance(given, str | Path | Description) and fields.get("model") is not None:
        raise SpikelearnError(f"two models are given: {given!r:.60} and {fields['model']!r:.60}")
    return _completed({**named, **joined(named, fields)})


def _named(given: Any) -> dict[str, Any]:
    """The fields of a configuration that are given in one."""
    if given is None:
        return {}
    if isinstance(given, str | Path):
        if str(given) in RULES and str(given) not in shipped_names("models"):
            raise SpikelearnError(f"'{given}' is a learning rule; name it by rule='{given}'")
        return {"model": given}
    if isinstance(given, Mapping):
        if "kind" in given and "model" not in given:  # the fields of a network
            return {"model": given}
        return {str(key): value for key, value in given.items()}
    if isinstance(given, Description):
        return {"model": given}
    raise SpikelearnError(f"{_WHAT}; found {type(given).__name__}")


def _is_recipe(name: str | Path) -> bool:
    """Whether it names a recipe, or a run, rather than a model; also one that is misspelt."""
    if is_recipe(name):
        return True
    folder, _, last = str(name).partition("/")
    folders = {recipe.partition("/")[0] for recipe in shipped_names("models/recipes")}
    return bool(last) and folder in folders and not Path(name).suffix and not Path(name).exists()


def _completed(fields: Mapping[str, Any]) -> TrainConfig | STDPConfig:
    """The configuration of these fields, with what is usual for those that are left open."""
    given = {name: value for name, value in fields.items() if value is not None}
    guessed = []
    if "model" in given:
        given["model"] = _named_model(given["model"])
    elif "rule" not in given:
        raise SpikelearnError(f"{_WHAT}; found neither a model nor a rule")
    if "rule" not in given:
        given["rule"] = usual_rule(load_model(given["model"]))
        guessed.append(f"rule {given['rule']}")
    rule = given["rule"] = known_name(given["rule"])
    dataset = str(given.get("dataset", DATASET))
    recipe = usual_recipe(rule, given.get("model"), dataset)
    if recipe is not None:
        _say(f"Recipe: {recipe}")
        return recipe_with(recipe, given)
    if "model" not in given:
        given["model"] = usual_model(rule, dataset)
        guessed.append(f"model {given['model']}")
    if "dataset" not in given:
        given["dataset"] = usual_dataset(load_model(given["model"]))
        if given["dataset"] != DATASET:
            guessed.append(f"data set {given['dataset']}")
    kind = STDPConfig if rule_entry(rule).simulated else TrainConfig
    found: Any = validate(kind, given, "what is trained")
    if guessed:
        _say(f"Chosen, as it was not named: {', '.join(guessed)}")
    made: TrainConfig | STDPConfig = found
    return made


def _named_model(model: Any) -> str:
    """The name by which a configuration finds a model; of an object or fields a file is kept."""
    if isinstance(model, str | Path):
        load_model(model)  # or say that there is none
        return str(model)
    if isinstance(model, Mapping):
        kind = model.get("kind")
        if not isinstance(kind, str) or kind not in KINDS:
            hint = nearest(str(kind), KINDS)
            raise SpikelearnError(f"there is no kind of network {kind!r:.40}; {hint}")
        module, name = KINDS[kind]
        made: Any = getattr(importlib.import_module(module), name)
        model = validate(made, {str(key): value for key, value in model.items()}, "the network")
    elif getattr(model, "kind", None) not in KINDS:
        raise SpikelearnError(f"{_WHAT}; found {type(model).__name__} for a model")
    content = json.loads(model.model_dump_json(exclude_none=True))
    place = cache_folder() / "models" / content_key(content, 16)
    path = place / f"{file_name(model.name)}.yaml"
    write_yaml(path, content)
    load_model(path)
    return str(path)


def _say(sentence: str) -> None:
    print(sentence, file=sys.stderr)
