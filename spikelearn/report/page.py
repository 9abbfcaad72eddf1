"""The report as one HTML page that needs nothing but itself."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from spikelearn._files import write_text
from spikelearn.report import figures, tables
from spikelearn.report.data import ReportData
from spikelearn.report.tables import Table

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Picture:
    """A figure to embed: a data address, a description for those who do not see it, a caption."""

    source: str
    alternative: str
    caption: str = ""


@dataclass(frozen=True)
class Section:
    """A part of the page; `folded` tables are shown on demand."""

    key: str
    title: str
    lead: str
    pictures: list[Picture] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    folded: list[Table] = field(default_factory=list)


def write_report(data: ReportData, path: str | Path) -> Path:
    """Write the page.

    The same data give the same file, byte for byte. Text is escaped.

    Parameters
    ----------
    data : ReportData
    path : path
        Where the page goes, ending in .html by custom.
    """
    import jinja2
    import yaml

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    config = yaml.safe_dump(dict(data.config), sort_keys=False, allow_unicode=True, width=90)
    page = environment.get_template("template.html.j2").render(
        data=data, sections=sections(data), config=config if data.config else ""
    )
    write_text(path, page)
    return Path(path)


def sections(data: ReportData) -> list[Section]:
    """The parts of the page for which there are data."""
    parts = [
        _accuracy(data),
        _similarity(data),
        _rdms(data),
        _spikes(data),
        _auditory(data),
    ]
    return [part for part in parts if part is not None]


def _given(frame: pd.DataFrame | None) -> pd.DataFrame | None:
    return None if frame is None or frame.empty else frame


def _accuracy(data: ReportData) -> Section | None:
    frame = _given(data.accuracy)
    if frame is None:
        return None
    section = Section("accuracy", "What the networks learned", tables.accuracy_sentence(frame))
    section.pictures.append(
        _svg(
            figures.accuracy(frame),
            "Test accuracy of each learning rule; the table below holds the numbers.",
            "Bars are means over seeds, dots the seeds.",
        )
    )
    section.tables.append(tables.accuracy(frame))
    curves = _given(data.curves)
    if curves is not None and curves["epoch"].max() > 0:
        section.pictures.append(
            _svg(
                figures.learning_curves(curves),
                "Training loss and validation accuracy by epoch for each rule.",
                "Learning curves; thin lines are seeds. Epoch 0 is the network before training. The"
                " epoch used is the one with the highest validation accuracy.",
            )
        )
    layers = _given(data.layers)
    if layers is not None:
        section.folded.append(tables.layers(layers))
    return section


def _similarity(data: ReportData) -> Section | None:
    frame = _given(data.similarity)
    if frame is None:
        return None
    regions = tables.by_region(frame)
    section = Section(
        "similarity", "Whose representation resembles the brain's",
        tables.similarity_sentence(regions),
    )  # fmt: skip
    section.pictures.append(
        _svg(
            figures.similarity(regions),
            "Similarity of each layer's representation to each brain region; the tables below hold"
            " the numbers.",
            "Squares are trained networks and open diamonds baselines (means over seeds; dots are"
            " the seeds); lines are 95 % bootstrap intervals over stimuli.",
        )
    )
    section.folded.extend(tables.similarity(region, table) for region, table in regions.items())
    return section


def _rdms(data: ReportData) -> Section | None:
    if not data.rdms:
        return None
    n_stimuli = len(next(iter(data.rdms.values())))
    names = ", ".join(dict.fromkeys(name for *_, name in data.rdm_groups))
    ordered = f" They are ordered by category: {names}." if names else ""
    return Section(
        "rdms",
        "The dissimilarity matrices",
        f"Each matrix says how differently a brain or network answers each pair of the {n_stimuli}"
        f" stimuli, dark for alike.{ordered}",
        [
            _png(
                figures.rdms(data.rdms, data.rdm_groups),
                f"Representational dissimilarity matrices: {', '.join(data.rdms)}.",
                "Dissimilarities as percentiles within each matrix; grey where a network was silent"
                " and has none. Networks: last hidden layer, first seed.",
            )
        ],
    )


def _spikes(data: ReportData) -> Section | None:
    agreement = _given(data.backend_agreement)
    if not data.rasters and agreement is None and data.receptive_fields is None:
        return None
    lead = (
        tables.agreement_sentence(agreement)
        if agreement is not None
        else "What the spiking networks did."
    )
    section = Section("spikes", "The spiking networks", lead)
    for one in data.rasters:
        description = f"Raster of the population {one.population}: {len(one.times_ms)} spikes."
        section.pictures.append(_png(figures.raster(one), description, one.caption))
    if data.receptive_fields is not None:
        section.pictures.append(
            _png(
                figures.receptive_fields(data.receptive_fields),
                f"Input weights of {len(data.receptive_fields)} neurons as images.",
                "Input weights of neurons of the layer trained by STDP, first seed; brighter is"
                " stronger.",
            )
        )
    if agreement is not None:
        section.tables.append(tables.agreement(agreement))
    return section


def _auditory(data: ReportData) -> Section | None:
    frame = _given(data.auditory)
    if frame is None:
        return None
    section = Section(
        "auditory", "Model neurons and a grasshopper's ear", tables.auditory_sentence(frame)
    )
    section.pictures.append(
        _svg(
            figures.auditory_scores(frame),
            "Correlation of each model's rate with the recorded one; the table below holds the"
            " numbers.",
            "Parameters were chosen on the first sound alone.",
        )
    )
    if data.auditory_traces:
        section.pictures.append(
            _svg(
                figures.traces(data.auditory_traces),
                f"Firing rate over time: {', '.join(data.auditory_traces)}.",
                "Firing rates over a stretch of the last sound, each model's shifted by its lag.",
            )
        )
    section.tables.append(tables.auditory(frame))
    return section


def _svg(content: bytes, alternative: str, caption: str = "") -> Picture:
    return Picture(_address("image/svg+xml", content), alternative, caption)


def _png(content: bytes, alternative: str, caption: str = "") -> Picture:
    return Picture(_address("image/png", content), alternative, caption)


def _address(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"
