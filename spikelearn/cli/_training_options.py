"""Options of a training: what is trained, by which rule, on what, and how its optimiser steps."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Annotated

import typer

from spikelearn._errors import SpikelearnError
from spikelearn.cli import _completions as completions

Rule = Annotated[
    str | None,
    typer.Option(
        autocompletion=completions.rules,
        help="Learning rule; `spikelearn rules` lists them; one of your own as"
        " my_rule.py:MyRule. Or give --recipe, or a model with plasticity of its own.",
    ),
]
Recipe = Annotated[
    str | None,
    typer.Option(
        autocompletion=completions.recipes,
        help="Training recipe, by name (such as mnist_mlp/backprop) or path; what else is"
        " given replaces what it says. With --rule alone, the shipped one, if there is one.",
    ),
]
Model = Annotated[
    str | None,
    typer.Option(
        help="Model; the recipe's, or the first that the rule trains, if left out.",
        autocompletion=completions.models,
    ),
]
Dataset = Annotated[
    str | None,
    typer.Option(
        "--dataset",
        "--stimuli",
        autocompletion=completions.datasets,
        help="Data set (of spikes: shd, nmnist), or path of a folder of images or .npz file.",
    ),
]
Neurons = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Neurons of the layer that STDP trains; the model's, if left out. Thresholds rise"
        " by as much more a spike, so that an image has as many winners.",
    ),
]
Seeds = Annotated[
    str, typer.Option(help="How many seeds, counted up from the first; or which, as 0-4 or 0,2,5.")
]
RuleOptions = Annotated[
    list[str] | None,
    typer.Option(help="A setting of the rule, as name=value; may be given several times."),
]
Epochs = Annotated[int | None, typer.Option(min=1, help="Epochs; the recipe's, or 5 (STDP: 1).")]
Images = Annotated[
    int | None, typer.Option(min=1, help="Training images; the recipe's, or all (STDP: 300).")
]
LearningRate = Annotated[float | None, typer.Option(help="Learning rate; the recipe's, or 0.001.")]
BatchSize = Annotated[
    int | None, typer.Option(min=1, help="Images of an update; the recipe's, or 64.")
]
Optimizer = Annotated[
    str | None,
    typer.Option(
        help="adam or sgd; the recipe's, or adam.",
        autocompletion=completions.of(lambda: ("adam", "sgd")),
    ),
]
Momentum = Annotated[
    float | None, typer.Option(help="Of sgd, from 0 to below 1; the recipe's, or 0.")
]
WeightDecay = Annotated[
    float | None,
    typer.Option(help="Decoupled for adam, added to the gradient for sgd; the recipe's, or 0."),
]
Schedule = Annotated[
    str | None,
    typer.Option(
        autocompletion=completions.of(lambda: ("constant", "linear", "cosine")),
        help="How learning rates fall over the run: constant, linear or cosine; the recipe's, or"
        " constant.",
    ),
]
Patience = Annotated[
    int | None,
    typer.Option(
        min=1, help="Stop after so many epochs with no better validation accuracy; the recipe's."
    ),
]
Validation = Annotated[
    float | None,
    typer.Option(
        "--validation",
        help="Share of the training images that are held out to choose the epoch; the recipe's, or"
        " 0.1.",
    ),
]
Device = Annotated[str | None, typer.Option(help="cpu or cuda; the recipe's, or cpu.")]
FirstSeed = Annotated[
    int | None, typer.Option(min=0, help="Seed of everything random; the recipe's, or 0.")
]
TensorBoard = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        help="Write logs for TensorBoard there, a folder a run: learning curve, alignment with"
        " backpropagation, seconds. It changes no number.",
    ),
]

# Options that are not called like the fields of a recipe which they set.
_CALLED = {
    "n_train": "images", "n_neurons": "neurons", "options": "option",
    "validation_fraction": "validation",
}  # fmt: skip


def option_of(field: str) -> str:
    """The option that sets a field of a recipe, as n_train: --images."""
    return f"--{_CALLED.get(field, field.replace('_', '-'))}"


@contextlib.contextmanager
def named_as_given(fields: Collection[str]) -> Iterator[None]:
    """Mistakes in fields that options have set are told of these, not of the recipe's file.

    Parameters
    ----------
    fields : collection of str
        Those that options have set.
    """
    try:
        yield
    except SpikelearnError as error:
        found = re.search(r"(?:^|: )field '(\w+)[^']*': (.*)", str(error), re.DOTALL)
        if found is None or found[1] not in fields:
            raise
        raise type(error)(f"{option_of(found[1])}: {found[2]}") from error
