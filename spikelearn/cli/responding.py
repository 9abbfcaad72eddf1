"""The command that makes population responses of spikes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from spikelearn._atomic import check_place
from spikelearn._errors import SpikelearnError
from spikelearn.cli import _completions as completions
from spikelearn.cli._app import (
    Changes,
    NoSeed,
    app,
    changes,
    plainly,
    print_changes,
    settings,
)
from spikelearn.cli._output import give, print_line, wrote
from spikelearn.cli._reading import SPIKES, Given, read_spikes, reading
from spikelearn.cli.simulation import Reset, Scale, WrittenBy, spiking_network

Readout = Annotated[
    str,
    typer.Option(
        help="counts, rates, latency, psth, filtered, population_vector, bold, lfp or rdms.",
        autocompletion=completions.readouts,
    ),
]
Simulated = Annotated[
    str | None,
    typer.Option(
        help="What was simulated, as `simulate` takes it: lfp needs its synapses.",
        autocompletion=completions.models_and_runs,
    ),
]


@app.command()
@plainly
@reading
def respond(
    source: Annotated[Path, typer.Argument(help=SPIKES)],
    readout: Readout = "rates",
    population: Annotated[
        str | None, typer.Option(help="Whose spikes; may be left out where there is one.")
    ] = None,
    network: Simulated = None,
    written_by: WrittenBy = None,
    reset: Reset = None,
    scale: Scale = None,
    option: Annotated[
        list[str] | None,
        typer.Option(help="An option of the readout, as in sigma_ms=5. May be repeated."),
    ] = None,
    start: Annotated[float, typer.Option(help="Time in ms from which spikes are read.")] = 0.0,
    stop: Annotated[
        float | None, typer.Option(help="Time in ms up to which they are; the end if not given.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="File for the response: .nc (netCDF) or .parquet.")
    ] = None,
    setting: Changes = None,
    given: Given = None,
    seed: NoSeed = 0,
) -> None:
    """Make a population response of spikes: what a comparison with a recording reads.

    Example: spikelearn respond spikes.nwb --population E --readout bold --option n_voxels=50
    --out bold.nc
    """
    from spikelearn.responses import check_response_path, save_response
    from spikelearn.responses import respond as read_out

    if out is not None:
        check_response_path(out)
        check_place(out)
    options = settings(option or [])
    if network is None and (written_by is not None or reset is not None):
        raise SpikelearnError(
            "--written-by and --reset say how a .nir file is read; give --network"
        )
    if network is None and setting:
        raise SpikelearnError("--set changes what is said of a network; give --network")
    activity = read_spikes(source, given)
    if network is not None:
        (changed,) = changes(setting)
        step = activity.dt_ms if network.endswith(".nir") else None
        described = spiking_network(network, 0, changed, step, written_by, reset)
        options["network"] = described if scale is None else described.scaled(scale)
        print_changes(changed)
    if population is None:
        if len(activity.populations) != 1:
            raise SpikelearnError(
                f"{source} holds the populations {', '.join(activity.populations)}; choose one by"
                " --population"
            )
        population = next(iter(activity.populations))
    response = read_out(activity, population, readout, options, start, stop)
    sizes = ", ".join(f"{dim} {size}" for dim, size in response.sizes.items())
    print_line(f"{readout} of {population} ({response.attrs['units']}): {sizes}")
    print_line(
        f"mean {response.mean().item():.4g}, from {response.min().item():.4g} to"
        f" {response.max().item():.4g}; {response.attrs['source']}"
    )
    if "left_out" in response.attrs:
        print_line(f"left out: {response.attrs['left_out']}")
    if "network" in response.attrs:
        print_line(f"network: {response.attrs['network']}")
    given_of = {"mean": response.mean(), "least": response.min(), "most": response.max()}
    give("readout", readout)
    give("population", population)
    give("sizes", dict(response.sizes))
    give("values", {name: value.item() for name, value in given_of.items()})
    give("about", dict(response.attrs))
    if out is not None:
        wrote("Response", save_response(response, out))
