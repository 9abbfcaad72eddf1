"""Commands that say what there is, and that bring it."""

from __future__ import annotations

from typing import Annotated

import typer

from spikelearn._counts import counted
from spikelearn._errors import SpikelearnError, nearest
from spikelearn._interrupts import goes_on, keeping
from spikelearn.cli import _completions as completions
from spikelearn.cli._app import NoSeed, app, plainly
from spikelearn.cli._output import give, print_line, say
from spikelearn.cli._shipped import add_list, add_show_and_copy, first_sentence, print_rows


@app.command()
@plainly
def download(
    name: Annotated[
        str,
        typer.Argument(
            help="mnist, fashion_mnist, cifar10, svhn, or a recording.",
            autocompletion=completions.several(completions.datasets, completions.recordings),
        ),
    ],
    seed: NoSeed = 0,
) -> None:
    """Bring a data set or a recording into the cache; recordings can be large.

    Example: spikelearn download kriegeskorte92
    """
    from spikelearn import recordings
    from spikelearn._files import cache_folder
    from spikelearn.stimuli.datasets import DATASETS, EVENT_DATASETS, dataset_module
    from spikelearn.stimuli.events import load_events

    if name in DATASETS:
        with keeping(goes_on("What has arrived")):
            dataset_module(name).download(say)
    elif name in EVENT_DATASETS:
        load_events(name)  # or what to download, and where to put it
    elif name.partition(":")[0] in recordings.RECORDINGS:
        with keeping(goes_on("What has arrived")):
            recordings.load(name, progressbar=True)
    else:
        raise SpikelearnError(
            f"there is nothing to download called '{name}';"
            f" {nearest(name, (*DATASETS, *recordings.RECORDINGS))}"
        )
    give("name", name)
    give("cache", cache_folder())
    print_line(f"{name} is at hand (cache: {cache_folder()}).")


def _group(name: str, help_text: str) -> typer.Typer:
    group = typer.Typer(name=name, help=f"{help_text}; `{name}` alone lists them.")
    app.add_typer(group)
    return group


def _print_rules() -> None:
    from spikelearn.rules import RULES

    rows = [(name, ", ".join(e.networks), e.description) for name, e in RULES.items()]
    whole = [
        {"name": name, "networks": list(e.networks), "description": e.description}
        for name, e in RULES.items()
    ]
    print_rows("rules", rows, ("name", "networks", "description"), whole)


def _print_recipes() -> None:
    from spikelearn._files import find_yaml, read_yaml, shipped_names
    from spikelearn.rules import RULES
    from spikelearn.training.config import STDPConfig, TrainConfig

    # Without a check of what the recipes say, for which every rule would have to be imported.
    rows, whole = [], []
    for name in shipped_names("models/recipes"):
        says = read_yaml(find_yaml("models/recipes", name))
        fields = (STDPConfig if RULES[says["rule"]].simulated else TrainConfig).model_fields
        model, epochs = (says.get(f, fields[f].default) for f in ("model", "epochs"))
        rows.append((name, model, counted(epochs, "epoch")))
        whole.append({"name": name, "rule": says["rule"], "model": model, "epochs": epochs})
    print_rows("recipes", rows, ("name", "model", "epochs"), whole)


def _print_datasets() -> None:
    import importlib

    from spikelearn.stimuli.datasets import DATASETS, EVENT_DATASETS, resolve_source

    # The source is what this machine has, or would download.
    rows = [(name, resolve_source(name), entry.description) for name, entry in DATASETS.items()]
    for name, entry in EVENT_DATASETS.items():
        at_hand = importlib.import_module(entry.module).at_hand()
        rows.append((name, "full" if at_hand else "absent", entry.description))
    print_rows("datasets", rows, ("name", "source", "description"))


def _print_described(folder: str) -> None:
    """Models or stimuli, by what their files say."""
    from spikelearn._files import find_yaml, read_yaml, shipped_names

    contents = {name: read_yaml(find_yaml(folder, name)) for name in shipped_names(folder)}
    rows = [(name, c["kind"], first_sentence(c)) for name, c in contents.items()]
    print_rows(folder, rows, ("name", "kind", "description"))


rules_app = _group("rules", "Learning rules, and the kinds of models that each trains")
add_list(rules_app, _print_rules, "learning rules and the kinds of models that each trains")


@rules_app.command("show")
@plainly
def show_rule(
    name: Annotated[str, typer.Argument(help="A shipped rule.", autocompletion=completions.rules)],
    seed: NoSeed = 0,
) -> None:
    """Print what a learning rule is: its update in mathematics, its paper, its settings.

    Example: spikelearn rules show feedback_alignment
    """
    from spikelearn.rules import RULES

    if name not in RULES:
        raise SpikelearnError(f"there is no rule called '{name}'; {nearest(name, RULES)}")
    entry = RULES[name]
    family, own = entry.documentation
    options = ", ".join(f"{option}={value}" for option, value in entry.options.items())
    for part, text in {
        "name": name, "description": entry.description, "networks": list(entry.networks),
        "options": dict(entry.options), "family": family, "documentation": own,
        "code": f"{entry.module}.{entry.name_of_class}",
    }.items():  # fmt: skip
        give(part, text)
    print_line(f"{name}: {entry.description}\n")
    print_line(f"Trains networks of kind {', '.join(entry.networks)}.")
    if options:
        print_line(f"Of its family it is the one with {options}.")
    print_line(f"Code: {entry.module}.{entry.name_of_class}\n\n{own}\n\n---\n\n{family}")


models_app = _group("models", "The shipped models")
add_list(models_app, lambda: _print_described("models"), "shipped models")
add_show_and_copy(models_app, "models", "diehl_cook2015")

stimuli_app = _group("stimuli", "The shipped stimuli")
add_list(stimuli_app, lambda: _print_described("stimuli"), "shipped stimuli")
add_show_and_copy(stimuli_app, "stimuli", "fi_curve")

recipes_app = _group("recipes", "The shipped training recipes")
add_list(recipes_app, _print_recipes, "shipped training recipes: name, model, epochs")
add_show_and_copy(recipes_app, "models/recipes", "mnist_mlp/backprop")

datasets_app = _group("datasets", "Labelled data sets: images, text, and recorded spikes")
add_list(datasets_app, _print_datasets, "labelled data sets that networks are trained on")
