"""Tables of a study: similarity by rule, layer and region, with accuracy and tests."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from spikelearn.comparison.models_and_targets import PARTIAL_RSA
from spikelearn.comparison.tables import checked, joined, one_side, read_first, without_test
from spikelearn.plot.names import label, rank
from spikelearn.plot.similarities import (
    CEILING,
    INTERVAL,
    PANEL,
    ROW,
    ceiling_of,
    meaning_of_intervals,
)

if TYPE_CHECKING:
    import pandas as pd

    Tests = tuple[pd.DataFrame, pd.DataFrame]

UNTRAINED = ("untrained", "untrained_spiking", "untrained_latency")


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
        seeds), `score_min`, `score_max`, interval, ceilings (averaged over seeds), `above_ceiling`
        (whether the score is above the upper one), `interval_over` (what intervals are for; see
        `spikelearn.comparison.intervals`), `test_accuracy` (mean over seeds; of test
        images), `chance` (share of the largest class), `n_test`, `beside_controls` (how the
        accuracy stands to its controls, in words), `weights_moved` (norm of the change over the
        norm at the start, of the layer), `trouble` (what is wrong with a network, such as a class
        that is never predicted), `n_seeds`, `n_stimuli`.
    """

    def said_once(said: Any) -> str:
        return "; ".join(dict.fromkeys(filter(None, said)))

    # What tables of earlier versions have not.
    missing: dict[str, Any] = {"interval_over": "stimuli", "n_test": np.nan, "beside_controls": ""}
    table = table.assign(**{k: v for k, v in missing.items() if k not in table})
    grouped = read_first(table).groupby(ROW, sort=False, dropna=False)
    scores = grouped.agg(
        family=("family", "first"),
        dataset=("dataset", said_once),
        score=("score", "mean"),
        score_min=("score", "min"),
        score_max=("score", "max"),
        **{name: (name, "mean") for name in (*INTERVAL, *CEILING)},
        interval_over=("interval_over", "first"),
        test_accuracy=("test_accuracy", "mean"),
        chance=("chance", "mean"),
        n_test=("n_test", "max"),
        beside_controls=("beside_controls", said_once),
        weights_moved=("weights_moved", "mean"),
        trouble=("trouble", said_once),
        n_seeds=("seed", "nunique"),
        n_stimuli=("n_stimuli", "min"),
    ).reset_index()
    scores.insert(
        list(scores.columns).index("test_accuracy"),
        "above_ceiling",
        scores["score"] > scores["ceiling_upper"],
    )
    if zero is not None and len(zero):
        averaged = scores[INTERVAL]
        scores = joined(scores, without_test(read_first(zero)), INTERVAL)
        scores = scores.fillna({name: averaged[name] for name in INTERVAL})
    order = scores["model"].map(rank)
    return checked(
        scores.assign(_order=order)
        .sort_values(["recording", "region", "method", "_order"], kind="stable")
        .drop(columns="_order")
        .reset_index(drop=True)
    )


def panels(table: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """The parts of a table that are read together: one recording, region and method each."""
    for _, part in checked(table).groupby(PANEL, sort=False):
        yield part


def best_layers(scores: pd.DataFrame) -> pd.DataFrame:
    """Of each trained network the layer with the highest score, by region; baselines as they are.

    The highest of several layers is a little too high; `compare --assign-layers` chooses them on
    other stimuli.
    """
    keys = [key for key in ROW if key != "layer"]
    scored = checked(scores).dropna(subset=["score"])
    best = scored.loc[scored.groupby(keys, sort=False, dropna=False)["score"].idxmax()]
    return best.sort_values(["recording", "region", "score"], ascending=[True, True, False])


_LEVEL = 0.05  # of the tests that are told in words

_SCORE = (
    "Score: that of the layer with the highest, mean over seeds. The highest of several layers is a"
    " little too high; `--assign-layers` chooses them on other stimuli.",
    "Seeds: lowest and highest score.",
)
_ACCURACY = (
    "Accuracy: of test images, which chose nothing; its controls are a linear readout of the pixels"
    " and one of random features, and chance is the share of the largest class. Moved: how far the"
    " layer's weights moved, norm of the change over the norm at the start.",
)


def has_intervals(scores: pd.DataFrame) -> bool:
    """Whether there are intervals: none where nothing was resampled."""
    return bool(scores["ci_lower"].notna().any())


def notes(tested: bool, scores: pd.DataFrame) -> tuple[str, ...]:
    """What the columns of `layer_cells` mean, a sentence or two each, for intervals of `scores`."""
    meant = meaning_of_intervals(scores)
    if not tested and not has_intervals(scores):
        return (*_SCORE, *_ACCURACY)
    if not tested:
        return (
            *_SCORE,
            f"Interval: 95 %, {meant}, bounds averaged over seeds: a little too wide.",
            *_ACCURACY,
        )
    return (
        *_SCORE,
        f"Interval: 95 %, of the mean over these seeds, {meant}.",
        "p: permutation of the stimuli, for a score of 0, one-sided; maps are fitted anew to"
        " each"
        + ", and partial RSA permutes what the controls leave of the model"
        * bool((scores["method"] == PARTIAL_RSA).any())
        + ". Over untrained: the layer's score less that of the same layer of the untrained"
        " network with the same initial weights, with its 95 % interval and p, two-sided;"
        " no better where these do not tell it to be above. Both p"
        " are Holm's, corrected over all tests of their kind in the region by the same method.",
        *_ACCURACY,
    )


def layer_cells(best: pd.DataFrame, tests: Tests | None = None) -> pd.DataFrame:
    """The layers of one panel as cells to be printed.

    Parameters
    ----------
    best : DataFrame
        Rows of `summary` or `best_layers`.
    tests : (DataFrame, DataFrame), optional
        Against zero, and differences, of a `Significance`: beside each score stand its own.
    """
    import pandas as pd

    tested = best if tests is None else _tested(best, tests)
    usual = best["level"].iloc[0] if best["level"].nunique() == 1 else "mean"
    rows = []
    for row in _rows(tested):
        accuracy = "" if np.isnan(row.test_accuracy) else f"{100 * row.test_accuracy:.1f} %"
        if accuracy and _by_chance(row):
            accuracy += ", no better than chance"
        elif accuracy and (beside := getattr(row, "beside_controls", "")).startswith("no "):
            accuracy += f", {beside}"
        cells: dict[str, str] = {
            "model": label(str(row.model))
            + (f" ({row.level} {row.subject}".rstrip() + ")") * (row.level != usual),
            "network": str(row.network),
            "layer": str(row.layer),
            "score": f"{row.score:.3f}" + ", above the ceiling" * bool(row.above_ceiling),
            "seeds": f"{row.score_min:.3f} to {row.score_max:.3f}" if row.n_seeds > 1 else "",
            "interval": f"{row.ci_lower:.3f} to {row.ci_upper:.3f}"
            * bool(np.isfinite(row.ci_lower)),
        }
        if tests is not None:
            trained = row.family != "baseline"
            cells |= {
                "p": p_text(row.p_zero),
                "over untrained": _over(row) if np.isfinite(row.p_over) or trained else "",
            }
        cells |= {
            "accuracy": accuracy,
            "moved": "" if np.isnan(row.weights_moved) else f"{row.weights_moved:.2f}",
        }
        rows.append({name: value.replace("-0.", "−0.") for name, value in cells.items()})
    return pd.DataFrame(rows)


def _tested(best: pd.DataFrame, tests: Tests) -> pd.DataFrame:
    """The rows with what was tested of each: p_zero, and over, over_lower, over_upper, p_over."""
    zero, differences = tests
    new = ["p_zero", "over", "over_lower", "over_upper", "p_over"]
    found = best.assign(**dict.fromkeys(new, np.nan))
    if len(zero):
        of_zero = without_test(read_first(zero)).rename(columns={"p_holm": "p_zero"})
        found = joined(found, of_zero, ["p_zero"])
    if len(differences):
        twins = one_side(from_twins(read_first(differences))).rename(
            columns={"difference": "over", "ci_lower": "over_lower", "ci_upper": "over_upper",
                     "p_holm": "p_over"}
        )  # fmt: skip
        found = joined(found, twins, new[1:])
    return found


def from_twins(differences: pd.DataFrame) -> pd.DataFrame:
    """Of differences the planned ones from the same layer of the untrained twin."""
    same = differences["layer_a"] == differences["layer_b"]
    # Of untrained networks none but the twin is planned.
    twin = differences["model_b"] == "untrained"
    return differences[same & twin & (differences["test"] == "planned")]


def _over(row: Any) -> str:
    if np.isnan(row.p_over):
        return NOT_TESTED
    interval = f"{row.over_lower:+.3f} to {row.over_upper:+.3f}"
    words = "" if row.over > 0 and row.p_over < _LEVEL else ", no better"
    return f"{row.over:+.3f} ({interval}), p {p_text(row.p_over)}{words}"


def _by_chance(row: Any) -> bool:
    """Whether no test tells an accuracy from the share of the largest class."""
    from spikelearn.comparison.accuracies import above_share

    n_test = getattr(row, "n_test", np.nan)  # tables of earlier versions do not say it
    if np.isnan(row.chance) or np.isnan(n_test):
        return False
    return above_share(row.test_accuracy, int(n_test), row.chance) >= _LEVEL


NOT_TESTED = "not tested"


def p_text(p: float) -> str:
    """A p-value as it is printed."""
    if np.isnan(p):
        return NOT_TESTED
    return f"{p:.3f}" if p >= 0.001 else "< 0.001"


def heading(part: pd.DataFrame) -> str:
    """Recording, region, how they are compared, and the noise ceiling where there is one."""
    low, high = ceiling_of(part)
    first = part.iloc[0]
    ceiling = "no noise ceiling: a single matrix"
    if first["method"] == PARTIAL_RSA:
        ceiling = "no noise ceiling: none is known of what controls leave"
    if np.isfinite(low):
        ceiling = f"noise ceiling {low:.3f} to {high:.3f}"
    how = f"{first['method']} ({first['measure']})"
    return f"{first['recording']}, {first['region']}, {how}; {ceiling}"


def warning_sentences(scores: pd.DataFrame) -> list[str]:
    """What is wrong with networks, and who was scored on fewer stimuli, a sentence each."""
    said = [
        f"{label(str(r.model))} on {r.network}: {r.trouble}"
        for r in _rows(scores[scores["trouble"] != ""])
    ]
    most = scores.groupby("recording")["n_stimuli"].transform("max")
    said += [
        f"{label(str(r.model))} on {r.network}, {r.layer}: scored on {r.n_stimuli} of {r.most}"
        " stimuli, the others leaving it silent or without a pattern"
        for r in _rows(scores.assign(most=most)[scores["n_stimuli"] < most])
    ]
    if scores["above_ceiling"].any():
        said.append(
            "Above the ceiling: a score that is higher than what a noiseless copy of the region is"
            " expected to reach; by chance, or because the ceiling is too low"
        )
    return list(dict.fromkeys(said))


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
    for part in panels(best_layers(scores)):
        table = layer_cells(part, tests)
        lines += [f"## {heading(part)}", "", f"| {' | '.join(table.columns)} |"]
        lines.append("|" + "---|" * len(table.columns))
        lines += [f"| {' | '.join(cells)} |" for cells in table.itertuples(index=False)]
        lines.append("")
    lines += [
        *(f"- {note}" for note in (*notes(tests is not None, scores), *warning_sentences(scores))),
        "",
        *made,
    ]
    return "\n".join(lines).rstrip() + "\n"


def _rows(table: pd.DataFrame) -> Any:
    return table.itertuples()
