"""Options that say whose potentials are recorded, how often, and what becomes of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from spikelearn._errors import SpikelearnError

if TYPE_CHECKING:
    from spikelearn.networks.spiking import SpikingNetwork

Record = Annotated[
    list[str] | None,
    typer.Option(
        help="A population whose membrane potential is recorded; NAME=0,5 of some neurons alone,"
        " NAME=0:100:10 of every tenth of the first hundred. May be repeated."
    ),
]
RecordEvery = Annotated[
    float | None,
    typer.Option(
        help="Time in ms from one record of potentials to the next, a multiple of the time step;"
        " every step if not given."
    ),
]
PotentialFiles = Annotated[
    list[Path] | None,
    typer.Option(
        "--potentials",
        help="File for a picture of recorded potentials: .png, .svg or .pdf. May be repeated.",
    ),
]


def recorded(
    given: list[str] | None,
    every_ms: float | None,
    spikes: list[Path] | None,
    potentials: list[Path] | None,
) -> dict[str, Any]:
    """What `--record` asks for, as `simulate` takes it: neurons by population, or None for all.

    Parameters
    ----------
    given : list of str or None
        "NAME", "NAME=0,5" or "NAME=0:100:10".
    every_ms : float, optional
        What `--record-every` says.
    spikes, potentials : list of Path or None
        Files in which potentials are kept, and on which they are drawn.

    Raises
    ------
    SpikelearnError
        Where that cannot be read, or nothing would become of it.
    """
    if not given:
        if potentials or every_ms is not None:
            option = "--potentials" if potentials else "--record-every"
            raise SpikelearnError(
                f"{option} is about recorded potentials, and none are; give --record POPULATION"
            )
        return {}
    _check_kept(spikes, potentials)
    return neurons_recorded(given)


def neurons_recorded(given: list[str]) -> dict[str, Any]:
    """Neurons by population, or None for all, as `--record` names them.

    Parameters
    ----------
    given : list of str
        "NAME", "NAME=0,5" or "NAME=0:100:10".

    Raises
    ------
    SpikelearnError
        Where that cannot be read.
    """
    found: dict[str, Any] = {}
    for text in given:
        name, equals, which = text.partition("=")
        if name in found:
            raise SpikelearnError(
                f"--record names {name} twice; give its neurons at once, as in {name}=0,5"
            )
        found[name] = _neurons(name, which) if equals else None
    return found


def _check_kept(spikes: list[Path] | None, potentials: list[Path] | None) -> None:
    from spikelearn.spikes.files import FORMATS, format_of

    able = [suffix for suffix in FORMATS if format_of(Path(f"_{suffix}")).COMPLETE]
    if not potentials and not any(format_of(path).COMPLETE for path in spikes or []):
        raise SpikelearnError(
            f"--record keeps potentials in a file that holds them; give --out ({', '.join(able)}),"
            " or --potentials for a picture"
        )


def _neurons(name: str, which: str) -> list[int] | slice:
    """Neurons as they are written on the command line."""
    from spikelearn.simulation.recorded import neurons_of_text

    if (neurons := neurons_of_text(which)) is not None:
        return neurons
    raise SpikelearnError(
        f"--record {name}={which}: neurons are numbers, as in {name}=0,5, or from, to and step, as"
        f" in {name}=0:100:10"
    )


def numbers_recorded(
    network: SpikingNetwork,
    chosen: dict[str, Any],
    every_ms: float | None,
    grid_ms: tuple[float, float],
) -> tuple[dict[str, int], int]:
    """How many neurons are recorded by population, and steps from one record to the next.

    Parameters
    ----------
    network : SpikingNetwork
    chosen : mapping
        As `recorded` gives it.
    every_ms : float, optional
    grid_ms : (float, float)
        Duration of a trial and time step.

    Raises
    ------
    SpikelearnError
        Where there is no such population or neuron, or that is no whole number of steps.
    """
    from spikelearn.simulation.recorded import recorded_every, recorded_given

    given = recorded_given(chosen, network)
    sizes = {
        name: network.neurons[name].size if which is None else which.size
        for name, which in given.items()
    }
    return sizes, recorded_every(every_ms, given, *grid_ms)
