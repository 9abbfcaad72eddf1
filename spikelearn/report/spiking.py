"""What spiking networks did: rasters, agreement of simulators, receptive fields."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from spikelearn._counts import counted
from spikelearn.plot.names import backend, label
from spikelearn.plot.rasters import draw_spikes
from spikelearn.plot.style import styled
from spikelearn.report.page import Section, png_of, png_picture
from spikelearn.report.page_tables import Table, as_table
from spikelearn.report.pictures import panels


@dataclass(frozen=True)
class Raster:
    """Spikes of one population in one trial: `times_ms` and `senders` of shape (n_spikes,)."""

    title: str
    population: str
    times_ms: np.ndarray
    senders: np.ndarray
    size: int
    duration_ms: float
    caption: str = ""


def spiking(
    rasters: Sequence[Raster] = (),
    fields: np.ndarray | None = None,
    agreement: pd.DataFrame | None = None,
) -> Section | None:
    """The spiking networks; None where nothing is known.

    Parameters
    ----------
    rasters : sequence of Raster
    fields : array of shape (n_neurons, height, width), optional
        Input weights of neurons of a layer.
    agreement : DataFrame, optional
        Columns model, seed, population, backend_a, backend_b, n_stimuli, spikes_a, spikes_b,
        spikes_in_both.
    """
    if agreement is not None and agreement.empty:
        agreement = None
    if not rasters and agreement is None and fields is None:
        return None
    lead = "What the spiking networks did."
    if agreement is not None:
        lead = agreement_sentence(agreement)
    section = Section("spikes", "The spiking networks", lead)
    for one in rasters:
        description = (
            f"Raster of the population {one.population}: {counted(len(one.times_ms), 'spike')}."
        )
        section.pictures.append(png_picture(raster_figure(one), description, one.caption))
    if fields is not None:
        section.pictures.append(
            png_picture(
                receptive_fields(fields),
                f"Input weights of {counted(len(fields), 'neuron')} as images.",
                "Input weights of neurons of the layer trained by STDP, first seed; brighter is"
                " stronger.",
            )
        )
    if agreement is not None:
        section.tables.append(agreement_table(agreement))
    return section


def agreement_sentence(frame: pd.DataFrame) -> str:
    """Whether each two of the backends gave the same spikes."""
    told = []
    for (a, b), part in frame.groupby(["backend_a", "backend_b"], sort=False):
        total, both = int(part["spikes_a"].sum()), int(part["spikes_in_both"].sum())
        other = int(part["spikes_b"].sum())
        names = f"{backend(str(a))} and {backend(str(b))}"
        if total == other == both:
            told.append(f"{names} gave the same {counted(total, 'spike')}, not one different.")
            continue
        share = 100 * both / max(total, other, 1)
        told.append(f"{names} agree in {share:.2f} % of spikes ({total:,} and {other:,}).")
    return " ".join(told)


def agreement_table(frame: pd.DataFrame) -> Table:
    """Spikes of two backends, summed over seeds."""
    keys = ["model", "network", "population", "backend_a", "backend_b"]
    rows = []
    for (model, network, population, a, b), part in frame.groupby(keys, sort=False):
        rows.append(
            {
                "network": str(network),
                "trained by": label(str(model)),
                "population": population,
                "first": backend(str(a)),
                "second": backend(str(b)),
                "seeds": len(part),
                "images": int(part["n_stimuli"].iloc[0]),
                "spikes, first": f"{part['spikes_a'].sum():,}",
                "spikes, second": f"{part['spikes_b'].sum():,}",
                "the same in both": f"{part['spikes_in_both'].sum():,}",
            }
        )
    return as_table(
        pd.DataFrame(rows),
        "Spikes of two backends",
        "Spikes are the same if image, neuron and time step agree; summed over seeds.",
    )


@styled()
def raster_figure(one: Raster) -> bytes:
    """A dot for every spike."""
    figure, ((axis,),) = panels(7.2, 2.3)
    draw_spikes(axis, one.times_ms, one.senders, one.size)
    axis.set_xlim(0, one.duration_ms)
    axis.set_ylim(-1, one.size)
    axis.set_xlabel("time (ms)")
    axis.set_ylabel(f"{one.population}: neuron" if one.population != "neurons" else "neuron")
    axis.set_title(one.title)
    return png_of(figure)


@styled()
def receptive_fields(fields: np.ndarray, columns: int = 10) -> bytes:
    """The input weights of each neuron as an image, black for none."""
    n_rows = -(-len(fields) // columns)
    figure, axes = panels(0.7 * columns, 0.7 * n_rows, nrows=n_rows, ncols=columns)
    for axis in axes.flat:
        axis.set_axis_off()
    top = float(fields.max())
    for axis, weights in zip(axes.flat, fields, strict=False):
        axis.imshow(weights, cmap="magma", vmin=0, vmax=top, interpolation="nearest")
    return png_of(figure)
