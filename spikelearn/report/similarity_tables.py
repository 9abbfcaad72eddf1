"""Tables of a study: similarity by rule, layer and region, with accuracy and tests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from spikelearn.comparison.tables import read_first
from spikelearn.report.names import label, rank

if TYPE_CHECKING:
    import pandas as pd

    Tests = tuple[pd.DataFrame, pd.DataFrame]

_KEYS = [
    "recording",
    "region",
    "method",
    "measure",
    "model",
    "family",
    "network",
    "dataset",
    "layer",
]
_TESTED = ["recording", "region", "model", "network", "layer"]
_INTERVAL = ["ci_lower", "ci_upper"]
_BOUNDS = [*_INTERVAL, "ceiling_lower", "ceiling_upper"]


def summary(table: pd.DataFrame, zero: pd.DataFrame | None = None) -> pd.DataFrame:
    """Means over seeds for the rows that are read first.

    Parameters
    ----------
    table : DataFrame
        Of `StudyResult`.
    zero : DataFrame, optional
        Of `Significance`: intervals of the means over seeds. Without it bounds are averaged over
        seeds, and a little too far apart.

    Returns
    -------
    DataFrame
        One row for each recording, region, method, model, network and layer: `score` (mean over
        seeds), `score_min`, `score_max`, interval, ceilings (averaged over seeds),
        `test_accuracy` (mean over seeds; of test images), `chance`, `weights_moved` (norm of the
        change over the norm at the start, of the layer), `trouble` (what is wrong with a network,
        such as a class that is never predicted), `n_seeds`, `n_stimuli`.
    """
    grouped = read_first(table).groupby(_KEYS, sort=False, dropna=False)
    scores = grouped.agg(
        score=("score", "mean"),
        score_min=("score", "min"),
        score_max=("score", "max"),
        **{name: (name, "mean") for name in _BOUNDS},
        test_accuracy=("test_accuracy", "mean"),
        chance=("chance", "mean"),
        weights_moved=("weights_moved", "mean"),
        trouble=("trouble", lambda said: "; ".join(dict.fromkeys(filter(None, said)))),
        n_seeds=("seed", "nunique"),
        n_stimuli=("n_stimuli", "min"),
    ).reset_index()
    if zero is not None and len(zero):
        own = read_first(zero)[[*_TESTED, *_INTERVAL]].assign(method="rsa")
        scores = scores.merge(
            own, how="left", on=[*_TESTED, "method"], suffixes=("", "_of_mean"),
            validate="many_to_one",
        )  # fmt: skip
        for bound in _INTERVAL:
            scores[bound] = scores.pop(f"{bound}_of_mean").fillna(scores[bound])
    order = scores["model"].map(rank)
    return (
        scores.assign(_order=order)
        .sort_values(["recording", "region", "method", "_order"], kind="stable")
        .drop(columns="_order")
        .reset_index(drop=True)
    )


def best_layers(scores: pd.DataFrame) -> pd.DataFrame:
    """Of each trained network the layer with the highest score, by region; baselines as they are.

    The highest of several layers is a little too high; `compare --assign-layers` chooses them on
    other stimuli.
    """
    keys = [key for key in _KEYS if key != "layer"]
    scored = scores.dropna(subset=["score"])
    best = scored.loc[scored.groupby(keys, sort=False)["score"].idxmax()]
    return best.sort_values(["recording", "region", "score"], ascending=[True, True, False])


_NEAR_CHANCE = 1.5  # times chance, below which an accuracy is said to be near it

_SCORE = (
    "Score: that of the layer with the highest, mean over seeds. The highest of several layers is a"
    " little too high; `--assign-layers` chooses them on other stimuli.",
    "Seeds: lowest and highest score.",
)
_ACCURACY = (
    "Accuracy: of test images, which chose nothing. Moved: how far the layer's weights moved, norm"
    " of the change over the norm at the start.",
)


def notes(tested: bool) -> tuple[str, ...]:
    """What the columns of `layer_cells` mean, a sentence or two each."""
    if not tested:
        return (
            *_SCORE,
            "Interval: 95 %, for other stimuli, bounds averaged over seeds: a little too wide.",
            *_ACCURACY,
        )
    return (
        *_SCORE,
        "Interval: 95 %, of the mean over these seeds, for other stimuli.",
        "p: permutation of the stimuli, for a score of 0, one-sided. Over untrained: the layer's"
        " score less that of the same layer of the untrained network with the same initial weights,"
        " with its 95 % interval and p, two-sided. Both p are Holm's, corrected over all tests of"
        " their kind in the region.",
        *_ACCURACY,
    )


def layer_cells(best: pd.DataFrame, tests: Tests | None = None) -> pd.DataFrame:
    """The best layers of one region as cells to be printed, the highest score first."""
    zero, differences = ({}, {}) if tests is None else _by_key(tests)
    rows = []
    for row in _rows(best):
        key = (row.recording, row.region, row.model, row.network, row.layer)
        accuracy = "" if np.isnan(row.test_accuracy) else f"{100 * row.test_accuracy:.1f} %"
        if row.test_accuracy < _NEAR_CHANCE * row.chance:
            accuracy += ", near chance"
        cells: dict[str, str] = {
            "model": label(str(row.model)),
            "network": str(row.network),
            "layer": str(row.layer),
            "score": f"{row.score:.3f}",
            "seeds": f"{row.score_min:.3f} to {row.score_max:.3f}" if row.n_seeds > 1 else "",
            "interval": f"{row.ci_lower:.3f} to {row.ci_upper:.3f}",
        }
        if tests is not None:
            cells |= {"p": zero.get(key, ""), "over untrained": differences.get(key, "")}
        cells |= {
            "accuracy": accuracy,
            "moved": "" if np.isnan(row.weights_moved) else f"{row.weights_moved:.2f}",
        }
        rows.append({name: value.replace("-0.", "−0.") for name, value in cells.items()})
    import pandas as pd

    return pd.DataFrame(rows)


def _by_key(tests: Tests) -> tuple[dict[Any, str], dict[Any, str]]:
    zero, differences = (read_first(table) for table in tests)
    return (
        {(r.recording, r.region, r.model, r.network, r.layer): p_text(r.p_holm)
         for r in _rows(zero)},
        {(r.recording, r.region, r.model_a, r.network_a, r.layer_a):
         f"{r.difference:+.3f} ({r.ci_lower:+.3f} to {r.ci_upper:+.3f}), p {p_text(r.p_holm)}"
         for r in _rows(differences) if r.model_b == "untrained"},
    )  # fmt: skip


def p_text(p: float) -> str:
    """A p-value as it is printed."""
    if np.isnan(p):
        return "–"
    return f"{p:.3f}" if p >= 0.001 else "< 0.001"


def heading(part: pd.DataFrame) -> str:
    """Recording, region, how they are compared, and the noise ceiling where there is one."""
    low, high = part["ceiling_lower"].max(), part["ceiling_upper"].max()
    ceiling = "no noise ceiling: a single matrix"
    if np.isfinite(low):
        ceiling = f"noise ceiling {low:.3f} to {high:.3f}"
    first = part.iloc[0]
    how = f"{first['method']} ({first['measure']})"
    return f"{first['recording']}, {first['region']}, {how}; {ceiling}"


def warning_sentences(scores: pd.DataFrame) -> list[str]:
    """What is wrong with networks, and who was scored on fewer stimuli, a sentence each."""
    warned = scores[scores["trouble"] != ""].drop_duplicates(["model", "network", "trouble"])
    sentences = [f"{label(str(r.model))} on {r.network}: {r.trouble}" for r in _rows(warned)]
    most = scores.groupby("recording")["n_stimuli"].transform("max")
    fewer = scores.assign(most=most)[scores["n_stimuli"] < most]
    fewer = fewer.drop_duplicates(["recording", "model", "network", "layer"])
    sentences += [
        f"{label(str(r.model))} on {r.network}, {r.layer}: scored on {r.n_stimuli} of {r.most}"
        " stimuli, the others leaving it silent or without a pattern"
        for r in _rows(fewer)
    ]
    return sentences


def as_markdown(
    scores: pd.DataFrame,
    command: str,
    about: str,
    made: Sequence[str] = (),
    tests: Tests | None = None,
) -> str:
    """The best layer of every network as tables of Markdown.

    Parameters
    ----------
    scores : DataFrame
        From `summary`.
    command, about : str
        What made it, and its title.
    made : sequence of str
        Lines on commit, machine and date, put at the end.
    tests : (DataFrame, DataFrame), optional
        Against zero, and differences.
    """
    lines = [f"# {about}", "", f"    {command}", ""]
    for _, part in best_layers(scores).groupby(["recording", "region", "method"], sort=False):
        table = layer_cells(part, tests)
        lines += [f"## {heading(part)}", "", f"| {' | '.join(table.columns)} |"]
        lines.append("|" + "---|" * len(table.columns))
        lines += [f"| {' | '.join(cells)} |" for cells in table.itertuples(index=False)]
        lines.append("")
    lines += [
        *(f"- {note}" for note in (*notes(tests is not None), *warning_sentences(scores))),
        "",
        *made,
    ]
    return "\n".join(lines).rstrip() + "\n"


def _rows(table: pd.DataFrame) -> Any:
    return table.itertuples()
