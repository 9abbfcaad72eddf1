"""Commands that say what there is, and that bring it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any

import typer

from spikelearn._errors import SpikelearnError, nearest
from spikelearn._interrupts import goes_on, keeping
from spikelearn.cli._app import NoSeed, app, plainly, say
from spikelearn.cli.inspecting import print_model


@app.command()
@plainly
def download(
    name: Annotated[
        str, typer.Argument(help="mnist, fashion_mnist, cifar10, svhn, or a recording.")
    ],
    seed: NoSeed = 0,
) -> None:
    """Bring a data set or a recording into the cache; recordings can be large."""
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
    print(f"{name} is at hand (cache: {cache_folder()}).")


@app.command()
@plainly
def rules(seed: NoSeed = 0) -> None:
    """List the learning rules and the kind of model each trains."""
    from spikelearn.rules import RULES

    print_lines((name, ", ".join(e.networks), e.description) for name, e in RULES.items())


@app.command()
@plainly
def recipes(seed: NoSeed = 0) -> None:
    """List the shipped training recipes: data set and kind of network, rule, model, epochs."""
    from spikelearn._files import find_yaml, read_yaml, shipped_names
    from spikelearn.rules import RULES
    from spikelearn.training.config import STDPConfig, TrainConfig

    # Without a check of what the recipes say, for which every rule would have to be imported.
    rows = []
    for name in shipped_names("models/recipes"):
        says = read_yaml(find_yaml("models/recipes", name))
        fields = (STDPConfig if RULES[says["rule"]].simulated else TrainConfig).model_fields
        model, epochs = (says.get(f, fields[f].default) for f in ("model", "epochs"))
        rows.append((name, model, f"{epochs} epochs"))
    print_lines(rows)


@app.command()
@plainly
def datasets(seed: NoSeed = 0) -> None:
    """List the labelled data sets that networks are trained on: images, and recorded spikes."""
    import importlib

    from spikelearn.stimuli.datasets import DATASETS, EVENT_DATASETS, resolve_source

    # The source is what this machine has, or would download.
    rows = [(name, resolve_source(name), entry.description) for name, entry in DATASETS.items()]
    for name, entry in EVENT_DATASETS.items():
        at_hand = importlib.import_module(entry.module).at_hand()
        rows.append((name, "full" if at_hand else "absent", entry.description))
    print_lines(rows)


models_app = typer.Typer(
    help="The shipped models; `models` alone lists them.", invoke_without_command=True
)
app.add_typer(models_app, name="models")


@models_app.callback()
@plainly
def models(context: typer.Context, seed: NoSeed = 0) -> None:
    """List the shipped models; or show one."""
    if context.invoked_subcommand is None:
        _print_models()


@models_app.command("list")
@plainly
def list_models(seed: NoSeed = 0) -> None:
    """List the shipped models."""
    _print_models()


@models_app.command("show")
@plainly
def show_model(
    name: Annotated[
        str, typer.Argument(help="A shipped model, or the file (.yaml, .nir) of your own.")
    ],
    seed: NoSeed = 0,
) -> None:
    """Print what a model holds, and of one that spikes the steps its neurons are trusted with.

    Example: spikelearn models show diehl_cook2015
    """
    print_model(name)


def _print_models() -> None:
    from spikelearn._files import find_yaml, read_yaml, shipped_names

    contents = {name: read_yaml(find_yaml("models", name)) for name in shipped_names("models")}
    print_lines((name, c["kind"], _first_sentence(c)) for name, c in contents.items())


@app.command()
@plainly
def stimuli(seed: NoSeed = 0) -> None:
    """List the shipped stimuli."""
    from spikelearn._files import find_yaml, read_yaml, shipped_names

    contents = {name: read_yaml(find_yaml("stimuli", name)) for name in shipped_names("stimuli")}
    print_lines((name, c["kind"], _first_sentence(c)) for name, c in contents.items())


def _first_sentence(content: dict[str, Any]) -> str:
    text: str = content.get("description", "")
    return text.split(". ", maxsplit=1)[0].rstrip(".")


def print_lines(rows: Iterable[tuple[str, str, str]]) -> None:
    """Name, kind and one line each; lines are not wrapped, so that they can be searched."""
    rows = list(rows)
    widths = [max((len(row[i]) for row in rows), default=0) for i in (0, 1)]
    for name, kind, line in rows:
        print(f"{name:<{widths[0]}}  {kind:<{widths[1]}}  {line}")
