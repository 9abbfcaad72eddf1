"""Sections on similarity to brains: by layer, beside accuracy, and every test."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from spikelearn.comparison.tables import read_first
from spikelearn.report import similarity_figures
from spikelearn.report.names import label
from spikelearn.report.page import Section, Table, as_table, svg_picture
from spikelearn.report.similarity_tables import (
    best_layers,
    heading,
    layer_cells,
    notes,
    warning_sentences,
)

if TYPE_CHECKING:
    import pandas as pd

    from spikelearn.report.similarity_tables import Tests

UNTRAINED = ["untrained", "untrained_spiking", "untrained_latency"]


def sentences(scores: pd.DataFrame) -> str:
    """In each region, the closest trained network beside pixels, untrained networks and ceiling."""
    told = []
    for _, part in scores.groupby(["recording", "region", "method"], sort=False):
        trained = part[part["family"] != "baseline"].dropna(subset=["score"])
        if trained.empty:
            continue
        best: Any = trained.loc[[trained["score"].idxmax()]].iloc[0]
        text = (
            f"{heading(part)}: of the trained networks {label(best['model'])} on"
            f" {best['network']} comes closest, {best['score']:.3f} ({best['layer']})"
        )
        for names, words in ((["pixels"], "the pixels"), (UNTRAINED, "the best untrained network")):
            score = part.loc[part["model"].isin(names), "score"].max()
            if np.isfinite(score):
                text += f"; {words} {score:.3f}"
        told.append(f"{text}.")
    return " ".join(told).replace(" -0.", " −0.")


def similarity(scores: pd.DataFrame, tests: Tests | None) -> Section:
    """Every layer's similarity, and the best of each; `scores` of `similarity_tables.summary`."""
    section = Section("similarity", "Whose representation resembles the brain's", sentences(scores))
    section.pictures.append(
        svg_picture(
            similarity_figures.similarity_figure(scores),
            "Similarity of every layer to each region; the tables hold the numbers.",
            "Filled squares are trained networks, open diamonds baselines and untrained networks:"
            " means over seeds, from the first layer (light) to the last (dark). Thin lines are"
            " 95 % intervals for other stimuli, thick ones reach from the lowest seed to the"
            " highest; the noise ceiling is shaded where the recording has several subjects.",
        )
    )
    filled = tests if tests is not None and len(tests[0]) else None
    best = best_layers(scores)
    parts = [part for _, part in best.groupby(["recording", "region", "method"], sort=False)]
    for k, part in enumerate(parts):
        title = heading(part)
        cells = layer_cells(part, filled)
        # Intervals in one line each.
        cells = cells.replace(" to ", "\u00a0to\u00a0", regex=True)
        # Once, below the last.
        below: tuple[str, ...] = ()
        if k == len(parts) - 1:
            below = (*notes(filled is not None), *warning_sentences(best))
        section.tables.append(as_table(cells, title, f"{title}. The best layer of each.", below))
    return section


def accuracy(scores: pd.DataFrame, along: pd.DataFrame) -> Section | None:
    """Similarity against accuracy, and `along` training; None where no network is scored."""
    trained = scores[(scores["family"] != "baseline") & scores["test_accuracy"].notna()]
    if trained.empty:
        return None
    section = Section(
        "accuracy",
        "Similarity and accuracy",
        "Is a network that does its task better also more like the brain?",
    )
    section.pictures.append(
        svg_picture(
            similarity_figures.accuracy_figure(scores, along),
            "Similarity of the best layer against test accuracy, a panel a region.",
            "Marks: test accuracy at the end. Lines: validation accuracy and similarity after every"
            " epoch, each seed for itself, from the untrained network on.",
        )
    )
    return section


def significance(tests: Tests | None) -> Section | None:
    """Every test, against zero and of differences; None where there is none."""
    if tests is None or tests[0].empty:
        return None
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


def layers(scores: pd.DataFrame) -> Section:
    """The scores of every layer, on demand."""
    section = Section("layers", "Every layer", "")
    for _, part in scores.groupby(["recording", "region", "method"], sort=False):
        cells = layer_cells(part)
        section.folded.append(as_table(cells, heading(part), "In no order."))
    return section
