"""The page of a study: similarity with baselines and ceilings, accuracy, and every test."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from spikelearn._files import write_text
from spikelearn.comparison.tables import read_first
from spikelearn.report import study as pictures
from spikelearn.report import study_figures
from spikelearn.report.data import ReportData
from spikelearn.report.names import label
from spikelearn.report.page import Section, _svg
from spikelearn.report.tables import Table, as_table

if TYPE_CHECKING:
    import pandas as pd

    from spikelearn.report.study import Tests


def write_study_page(
    path: str | Path,
    found: pd.DataFrame,
    along: pd.DataFrame,
    tests: Tests,
    *,
    title: str,
    plausibility: Sequence[Section] = (),
    about: Sequence[str] = (),
    gaps: Sequence[str] = (),
    command: str = "",
    config: str = "",
    made: Mapping[str, str] | None = None,
    citations: Sequence[str] = (),
) -> Path:
    """Write the page. The same findings give the same file; text is escaped.

    Parameters
    ----------
    path : path
    found : DataFrame
        From `summary`.
    along : DataFrame
        Scores after every epoch; may be empty.
    tests : (DataFrame, DataFrame)
        Against zero, and differences; may be empty.
    title, about, gaps, command, config
        What was studied, what is not in it, and how to make it again.
    made : mapping
        Commit, machine, versions and date.
    plausibility : sequence of Section
        Of the audit of its rules.
    citations : sequence of str
    """
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    data = ReportData(
        title=title,
        summary=about,
        gaps=gaps,
        command=command,
        versions=dict(made or {}),
        citations=citations,
    )
    parts = [
        _similarity(found, tests),
        _accuracy(found, along),
        *plausibility,
        _tests(tests),
        _layers(found),
    ]
    page = environment.get_template("template.html.j2").render(
        data=data, sections=[part for part in parts if part is not None], config=config
    )
    write_text(path, page)
    return Path(path)


def sentences(found: pd.DataFrame) -> str:
    """In each region, the closest trained network beside pixels, untrained networks and ceiling."""
    told = []
    for _, part in found.groupby(["recording", "region", "method"], sort=False):
        trained = part[part["family"] != "baseline"].dropna(subset=["score"])
        if trained.empty:
            continue
        best: Any = trained.loc[[trained["score"].idxmax()]].iloc[0]
        text = (
            f"{pictures.heading(part)}: of the trained networks {label(best['model'])} on"
            f" {best['network']} comes closest, {best['score']:.3f} ({best['layer']})"
        )
        for name, words in (("pixels", "the pixels"), ("untrained", "the best untrained network")):
            score = part.loc[part["model"] == name, "score"].max()
            if np.isfinite(score):
                text += f"; {words} {score:.3f}"
        told.append(f"{text}.")
    return " ".join(told).replace(" -0.", " −0.")


def _similarity(found: pd.DataFrame, tests: Tests) -> Section:
    section = Section("similarity", "Whose representation resembles the brain's", sentences(found))
    section.pictures.append(
        _svg(
            study_figures.similarity_figure(found),
            "Similarity of every layer to each region; the tables hold the numbers.",
            "Filled squares are trained networks, open diamonds baselines and untrained networks:"
            " means over seeds, from the first layer (light) to the last (dark). Thin lines are"
            " 95 % intervals for other stimuli, thick ones reach from the lowest seed to the"
            " highest; the noise ceiling is shaded where the recording has several subjects.",
        )
    )
    filled = tests if len(tests[0]) else None
    best = pictures.best_layers(found)
    parts = [part for _, part in best.groupby(["recording", "region", "method"], sort=False)]
    for k, part in enumerate(parts):
        title = pictures.heading(part)
        told = pictures.told_table(part, filled)
        # Intervals in one line each.
        told = told.replace(" to ", "\u00a0to\u00a0", regex=True)
        # Once, below the last.
        notes: tuple[str, ...] = ()
        if k == len(parts) - 1:
            notes = (*pictures.notes(filled is not None), *pictures.troubles(best))
        section.tables.append(as_table(told, title, f"{title}. The best layer of each.", notes))
    return section


def _accuracy(found: pd.DataFrame, along: pd.DataFrame) -> Section | None:
    trained = found[(found["family"] != "baseline") & found["test_accuracy"].notna()]
    if trained.empty:
        return None
    section = Section(
        "accuracy",
        "Similarity and accuracy",
        "Is a network that does its task better also more like the brain?",
    )
    section.pictures.append(
        _svg(
            study_figures.accuracy_figure(found, along),
            "Similarity of the best layer against test accuracy, a panel a region.",
            "Marks: test accuracy at the end. Lines: validation accuracy and similarity after every"
            " epoch, each seed for itself, from the untrained network on.",
        )
    )
    return section


def _tests(tests: Tests) -> Section | None:
    zero, differences = (read_first(table) for table in tests)
    if zero.empty:
        return None
    lead = (
        "Every network and layer against zero, by relabelling the stimuli; and differences: each"
        " layer with that of the untrained network and with the images' baselines, and rules with"
        " each other on the same network. Seeds of one rule are tested by their mean score. p is"
        " corrected by Holm (any false positive) and by the false discovery rate, over all tests"
        " of its kind in a region."
    )
    section = Section("tests", "Tests", lead)
    for (recording, region), part in zero.groupby(["recording", "region"], sort=False):
        rows = part.assign(
            model=[label(str(m)) for m in part["model"]],
            **{name: [f"{v:.4f}" for v in part[name]] for name in ("p", "p_holm", "p_fdr")},
        )
        columns = ["model", "network", "layer", "score", "p", "p_holm", "p_fdr", "n_stimuli"]
        section.folded.append(
            as_table(rows[columns], f"Against zero: {recording}, {region}", "One-sided.")
        )
    if differences.empty:
        return section
    for (recording, region), part in differences.groupby(["recording", "region"], sort=False):
        section.folded.append(_differences(f"Differences: {recording}, {region}", part))
    return section


def _differences(title: str, part: pd.DataFrame) -> Table:
    def name(row: Any, which: str) -> str:
        words = (getattr(row, f"{field}_{which}") for field in ("model", "network", "layer"))
        model, *rest = (str(word) for word in words)
        return " · ".join(filter(None, (label(model), *rest)))

    import pandas as pd

    rows = [
        {
            "one": name(row, "a"),
            "less": name(row, "b"),
            "difference": f"{row.difference:+.3f}".replace("-", "−"),
            "95 % interval": f"{row.ci_lower:+.3f} to {row.ci_upper:+.3f}".replace("-", "−"),
            "p": f"{row.p:.4f}",
            "p_holm": f"{row.p_holm:.4f}",
            "p_fdr": f"{row.p_fdr:.4f}",
        }
        for row in part.itertuples()
    ]
    return as_table(pd.DataFrame(rows), title, "Score of the one less that of the other.")


def _layers(found: pd.DataFrame) -> Section:
    section = Section("layers", "Every layer", "")
    for _, part in found.groupby(["recording", "region", "method"], sort=False):
        told = pictures.told_table(part)
        section.folded.append(as_table(told, pictures.heading(part), "In no order."))
    return section
