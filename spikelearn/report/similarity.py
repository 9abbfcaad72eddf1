"""Sections on similarity to brains: by layer, beside accuracy, and every test."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from spikelearn.comparison.tables import read_first
from spikelearn.plot.names import label
from spikelearn.plot.similarities import meaning_of_intervals
from spikelearn.report import similarity_figures
from spikelearn.report.page import Section, svg_picture
from spikelearn.report.page_tables import Table, as_table
from spikelearn.report.similarity_tables import (
    best_layers,
    has_intervals,
    heading,
    layer_cells,
    notes,
    panels,
    warning_sentences,
)
from spikelearn.report.similarity_words import Differences, sentences

if TYPE_CHECKING:
    import pandas as pd

    from spikelearn.report.similarity_tables import Tests


def similarity(
    scores: pd.DataFrame,
    tests: Tests | None,
    subjects: pd.DataFrame | None = None,
    drawn: bytes | None = None,
) -> Section:
    """Every layer's similarity, and the best of each.

    Parameters
    ----------
    scores : DataFrame
        Of `similarity_tables.summary`.
    tests : (DataFrame, DataFrame) or None
        Against zero, and differences, of a `Significance`.
    subjects : DataFrame, optional
        Of `spikelearn.plot.similarities.of_subjects`.
    drawn : bytes, optional
        The figure of all scores, where it has been drawn; that of one method, if there is no other.
    """
    alone = drawn if scores["method"].nunique() == 1 else None
    dots = subjects is not None and len(subjects)
    lines = "Thick lines"
    if has_intervals(scores):
        lines = f"Thin lines are 95 % intervals {meaning_of_intervals(scores)}, thick ones"
    section = Section(
        "similarity",
        "Whose representation resembles the brain's",
        _lead(scores, tests),
        points=sentences(scores, tests),
        points_title="In words, of each region and method",
    )
    for method, part in scores.groupby("method", sort=False):
        section.pictures.append(
            svg_picture(
                alone or similarity_figures.similarity_figure(part, subjects),
                f"Similarity of every layer to each region by {method}; the tables hold the"
                " numbers.",
                f"Scores by {method}. Filled squares are trained networks, open diamonds baselines"
                " and untrained networks: means over seeds, from the first layer (light) to the"
                f" last (dark). {lines} reach from the lowest seed to the highest; the noise"
                " ceiling is shaded where the"
                " recording has one." + " Dots are single subjects." * bool(dots),
            )
        )
    filled = tests if tests is not None and len(tests[0]) else None
    best = best_layers(scores)
    parts = list(panels(best))
    for k, part in enumerate(parts):
        title = heading(part)
        cells = layer_cells(part, filled)
        # Intervals in one line each.
        cells = cells.replace(" to ", "\u00a0to\u00a0", regex=True)
        # Once, below the last.
        below: tuple[str, ...] = ()
        if k == len(parts) - 1:
            below = (*notes(filled is not None, scores), *warning_sentences(best))
        caption = f"{title}. The best layer of each."
        section.tables.append(as_table(cells, title, caption, below, by="score"))
    return section


def _lead(scores: pd.DataFrame, tests: Tests | None) -> str:
    """What the section tells: no more than was tested, and intervals where there are any."""
    meant = f"intervals are 95 %, {meaning_of_intervals(scores)}"
    if not Differences(tests).found:
        text = (
            "For each region and method, how the best layers score; whether they differ was not"
            " tested"
        )
        end = f"; {meant}" if has_intervals(scores) else ", and there are no intervals"
        return f"{text}{end}."
    text = (
        "For each region and method, which networks lead and what tests tell apart: p is Holm's,"
        " over all pairs of best layers"
    )
    return f"{text}, and {meant}." if has_intervals(scores) else f"{text}."


def accuracy(
    scores: pd.DataFrame, along: pd.DataFrame, drawn: bytes | None = None
) -> Section | None:
    """Similarity against accuracy, and `along` training; None where no network is scored.

    Parameters
    ----------
    scores, drawn
        As of `similarity`.
    along : DataFrame
        Scores after every epoch.
    """
    several = max(frame["method"].nunique() for frame in (scores, along) if len(frame)) > 1
    alone = None if several else drawn
    trained = scores[(scores["family"] != "baseline") & scores["test_accuracy"].notna()]
    if trained.empty:
        return None
    section = Section(
        "accuracy",
        "Similarity and accuracy",
        "Is a network that does its task better also more like the brain?",
    )
    for method, part in scores.groupby("method", sort=False):
        followed = along[along["method"] == method] if len(along) else along
        lines = (
            " Lines: validation accuracy and similarity after every epoch, each seed for itself,"
            " from the untrained network on."
        )
        section.pictures.append(
            svg_picture(
                alone or similarity_figures.accuracy_figure(part, followed),
                f"Similarity of the best layer by {method} against accuracy, a panel a region.",
                f"Scores by {method}. Marks: test accuracy at the end."
                + lines * bool(len(followed)),
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
        "Every network and layer against zero, by relabelling the stimuli; and differences. Planned"
        " are those of each layer from the same of the untrained network and from the images'"
        " baselines, and of rules from each other on the same network. Those between best layers"
        " compare the layers of all networks that scored highest; their p allow for that choice."
        " Seeds of one rule are tested by their mean score. p is corrected by Holm (any false"
        " positive) and by the false discovery rate, over all tests of its kind in a region by the"
        " same method."
    )
    section = Section("tests", "Tests", lead)
    for part in panels(zero):
        rows = part.assign(
            model=[label(str(m)) for m in part["model"]],
            **{name: [f"{v:.4f}" for v in part[name]] for name in ("p", "p_holm", "p_fdr")},
        )
        columns = ["model", "network", "layer", "score", "p", "p_holm", "p_fdr", "n_stimuli"]
        section.folded.append(
            as_table(rows[columns], f"Against zero: {_place(part)}", "One-sided.")
        )
    if differences.empty:
        return section
    for part in panels(differences):
        for test, family in part.groupby("test", sort=False):
            title = f"Differences: {_place(part)}, {test}"
            section.folded.append(_differences(title, family))
    return section


def _place(part: pd.DataFrame) -> str:
    first = part.iloc[0]
    return f"{first['recording']}, {first['region']}, {first['method']}"


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
    for part in panels(scores):
        cells = layer_cells(part)
        section.folded.append(as_table(cells, heading(part), "Means over seeds.", by="score"))
    return section
