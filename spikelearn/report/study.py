"""Tables and figures of a study: similarity by rule, layer and region, and against accuracy."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from spikelearn.comparison._rows import read_first
from spikelearn.report.names import label, rank
from spikelearn.report.pictures import styled

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
_COLOURS = (
    "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#882255", "#44aa99",
    "#999933", "#332288", "#aa4499", "#661100", "#117733", "#6699cc",
)  # fmt: skip


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
    found = grouped.agg(
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
        found = found.merge(
            own, how="left", on=[*_TESTED, "method"], suffixes=("", "_of_mean"),
            validate="many_to_one",
        )  # fmt: skip
        for bound in _INTERVAL:
            found[bound] = found.pop(f"{bound}_of_mean").fillna(found[bound])
    order = found["model"].map(rank)
    return (
        found.assign(_order=order)
        .sort_values(["recording", "region", "method", "_order"], kind="stable")
        .drop(columns="_order")
        .reset_index(drop=True)
    )


def best_layers(found: pd.DataFrame) -> pd.DataFrame:
    """Of each trained network the layer with the highest score, by region; baselines as they are.

    The highest of several layers is a little too high; `compare --assign-layers` chooses them on
    other stimuli.
    """
    keys = [key for key in _KEYS if key != "layer"]
    scored = found.dropna(subset=["score"])
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
    """What the columns of `told_table` mean, a sentence or two each."""
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


def told_table(best: pd.DataFrame, tests: Tests | None = None) -> pd.DataFrame:
    """The best layers of one region as cells to be printed, the highest score first."""
    zero, differences = ({}, {}) if tests is None else _by_key(tests)
    rows = []
    for row in _rows(best):
        key = (row.recording, row.region, row.model, row.network, row.layer)
        accuracy = "" if np.isnan(row.test_accuracy) else f"{100 * row.test_accuracy:.1f} %"
        if row.test_accuracy < _NEAR_CHANCE * row.chance:
            accuracy += ", near chance"
        told: dict[str, str] = {
            "model": label(str(row.model)),
            "network": str(row.network),
            "layer": str(row.layer),
            "score": f"{row.score:.3f}",
            "seeds": f"{row.score_min:.3f} to {row.score_max:.3f}" if row.n_seeds > 1 else "",
            "interval": f"{row.ci_lower:.3f} to {row.ci_upper:.3f}",
        }
        if tests is not None:
            told |= {"p": zero.get(key, ""), "over untrained": differences.get(key, "")}
        told |= {
            "accuracy": accuracy,
            "moved": "" if np.isnan(row.weights_moved) else f"{row.weights_moved:.2f}",
        }
        rows.append({name: value.replace("-0.", "−0.") for name, value in told.items()})
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


def troubles(found: pd.DataFrame) -> list[str]:
    """What is wrong with networks, and who was scored on fewer stimuli, a sentence each."""
    told = found[found["trouble"] != ""].drop_duplicates(["model", "network", "trouble"])
    sentences = [f"{label(str(r.model))} on {r.network}: {r.trouble}" for r in _rows(told)]
    most = found.groupby("recording")["n_stimuli"].transform("max")
    fewer = found[found["n_stimuli"] < most].assign(most=most)
    fewer = fewer.drop_duplicates(["recording", "model", "network", "layer"])
    sentences += [
        f"{label(str(r.model))} on {r.network}, {r.layer}: scored on {r.n_stimuli} of {r.most}"
        " stimuli, the others leaving it silent or without a pattern"
        for r in _rows(fewer)
    ]
    return sentences


def as_markdown(
    found: pd.DataFrame,
    command: str,
    about: str,
    made: Sequence[str] = (),
    tests: Tests | None = None,
) -> str:
    """The best layer of every network as tables of Markdown.

    Parameters
    ----------
    found : DataFrame
        From `summary`.
    command, about : str
        What made it, and its title.
    made : sequence of str
        Lines on commit, machine and date, put at the end.
    tests : (DataFrame, DataFrame), optional
        Against zero, and differences.
    """
    lines = [f"# {about}", "", f"    {command}", ""]
    for _, part in best_layers(found).groupby(["recording", "region", "method"], sort=False):
        told = told_table(part, tests)
        lines += [f"## {heading(part)}", "", f"| {' | '.join(told.columns)} |"]
        lines.append("|" + "---|" * len(told.columns))
        lines += [f"| {' | '.join(cells)} |" for cells in told.itertuples(index=False)]
        lines.append("")
    lines += [*(f"- {note}" for note in (*notes(tests is not None), *troubles(found))), "", *made]
    return "\n".join(lines).rstrip() + "\n"


@styled()
def similarity_figure(found: pd.DataFrame) -> bytes:
    """Scores by network and layer, a panel for each recording and region."""
    panels = list(dict.fromkeys(zip(found["recording"], found["region"], strict=True)))
    part = found[found["family"] == "baseline"]
    baselines = set(zip(part["model"], part["network"], strict=True))
    keys = sorted(
        dict.fromkeys(zip(found["model"], found["network"], found["layer"], strict=True)),
        key=lambda key: ((key[0], key[1]) not in baselines, rank(key[0])),
    )
    figure, axes = _figure(3.0 + 2.6 * len(panels), 0.2 * len(keys) + 1.2, len(panels))
    for axis, (recording, region) in zip(axes, panels, strict=True):
        part = found[(found["recording"] == recording) & (found["region"] == region)]
        low, high = part["ceiling_lower"].max(), part["ceiling_upper"].max()
        if np.isfinite(low):
            axis.axvspan(low, high, color="#f0e442", alpha=0.45, linewidth=0)
        axis.axvline(0, color="black", linewidth=0.6)
        for row in _rows(part):
            place = keys.index((row.model, row.network, row.layer))
            hollow = row.family == "baseline"
            hue = "#5c5c5c" if hollow else "#0072b2"
            axis.plot([row.ci_lower, row.ci_upper], [place, place], color=hue, linewidth=1)
            axis.plot([row.score_min, row.score_max], [place, place], color=hue, linewidth=3)
            axis.plot(
                row.score, place, "D" if hollow else "s", color=hue, markersize=4,
                markerfacecolor="white" if hollow else hue,
            )  # fmt: skip
        axis.set_title(f"{recording}\n{region}", fontsize=9)
        axis.grid(axis="x", linewidth=0.3)
        axis.set_xlabel("similarity")
    names = [" · ".join(filter(None, (label(m), n, layer))) for m, n, layer in keys]
    axes[0].set_yticks(range(len(keys)), names, fontsize=6.5)
    axes[0].set_ylim(len(keys) - 0.4, -0.6)
    return _svg(figure)


@styled()
def accuracy_figure(found: pd.DataFrame, along: pd.DataFrame) -> bytes:
    """Similarity of the best layer against test accuracy; lines: after every epoch of training."""
    panels = list(dict.fromkeys(zip(found["recording"], found["region"], strict=True)))
    trained = best_layers(found).dropna(subset=["test_accuracy"])
    models = list(dict.fromkeys(trained["model"]))
    hues = {model: _COLOURS[i % len(_COLOURS)] for i, model in enumerate(models)}
    figure, axes = _figure(3.6 * len(panels) + 2.2, 3.6, len(panels))
    for axis, (recording, region) in zip(axes, panels, strict=True):
        for row in _rows(trained):
            if (row.recording, row.region) != (recording, region):
                continue
            axis.plot(
                100 * row.test_accuracy, row.score, "o", color=hues[row.model], markersize=5,
                label=label(str(row.model)),
            )  # fmt: skip
        if len(along):
            part = along[(along["recording"] == recording) & (along["region"] == region)]
            best = part.groupby(["model", "network", "seed", "epoch"])[
                ["score", "validation_accuracy"]
            ].max()
            for (model, _, _), line in best.groupby(["model", "network", "seed"]):
                axis.plot(
                    100 * line["validation_accuracy"], line["score"],
                    color=hues.get(model, "#5c5c5c"), linewidth=0.8, alpha=0.6,
                )  # fmt: skip
        axis.set_title(f"{recording}\n{region}", fontsize=9)
        axis.set_xlabel("accuracy, % (dots: test; lines: validation, by epoch)", fontsize=8)
        axis.grid(linewidth=0.3)
    axes[0].set_ylabel("similarity of the best layer")
    handles, names = axes[0].get_legend_handles_labels()
    unique = dict(zip(names, handles, strict=True))
    if unique:
        figure.legend(
            list(unique.values()),
            list(unique),
            loc="outside right center",
            fontsize=7,
            frameon=False,
        )
    return _svg(figure)


def _rows(table: pd.DataFrame) -> Any:
    return table.itertuples()


def _figure(width: float, height: float, columns: int) -> tuple[Any, Any]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    (axes,) = figure.subplots(1, columns, squeeze=False, sharey=True)
    return figure, axes


def _svg(figure: Any) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None})
    return buffer.getvalue()
