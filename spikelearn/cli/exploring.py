"""The command that opens a page on which one turns knobs."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from spikelearn.cli import _completions as completions
from spikelearn.cli._app import Seed, app, plainly
from spikelearn.cli._output import answer_now, give, in_document


@app.command()
@plainly
def explore(
    model: Annotated[
        str,
        typer.Argument(
            help="A shipped spiking model, or a YAML or .nir file.",
            autocompletion=completions.models,
        ),
    ] = "brunel2000",
    stimulus: Annotated[
        str | None,
        typer.Option(
            help="A shipped stimulus or a YAML file; poisson, if the model has sources.",
            autocompletion=completions.stimuli,
        ),
    ] = None,
    seed: Seed = 0,
    port: Annotated[int, typer.Option(help="Port of the page; 0 takes one that is free.")] = 0,
    host: Annotated[
        str,
        typer.Option(
            help="Address that is listened to. 0.0.0.0 stands for all: then others reach the page,"
            " by a token in its address."
        ),
    ] = "127.0.0.1",
    runs: Annotated[
        Path, typer.Option(help="Folder of training runs that the page of matrices offers.")
    ] = Path("runs"),
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Whether a browser is opened.")
    ] = True,
) -> None:
    """Turn the knobs of a spiking network on a page, and see at once what it does.

    Raster, rates, potentials, weights and spectrum follow each slider; what was found is taken
    along as YAML, Python, a command, a link, or spikes. Further pages show what protocols of pairs
    do to a synapse, learning rules while they train a small network, and dissimilarity matrices of
    models and brains. Ctrl-C ends it. With --json the address is printed as soon as it is served.

    Example: spikelearn explore brunel2000
    Example: spikelearn explore lif_neuron --stimulus fi_curve --port 5050
    """
    from spikelearn.explorer.server import Served, require_panel

    require_panel()
    from spikelearn.explorer.page import first_setting
    from spikelearn.explorer.pages import PLACES, makers

    known, setting = first_setting(model, stimulus)
    setting = replace(setting, seed=seed)
    served = Served(makers(known, setting, runs), host, port)

    def ready(address: str) -> None:
        give("address", address)
        first = address.rstrip("/")
        give("pages", {title: f"{first}/{place}".rstrip("/") for title, place in PLACES.items()})
        if in_document():
            answer_now()
            return
        print(f"Explore: {address}", flush=True)
        print("Ctrl-C ends it.", flush=True)
        if browser and sys.stdout.isatty():
            _open(address)

    served.run(ready)


def _open(address: str) -> Any:
    import webbrowser

    return webbrowser.open(address)
