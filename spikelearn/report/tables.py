"""Tables of the report, and the sentence above each section, computed from the tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from spikelearn.comparison.tables import with_level
from spikelearn.report.names import BASELINES, backend, label, rank

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


@dataclass(frozen=True)
class Table:
    """A table as text; `numeric` says which columns are set flush right."""

    title: str
    caption: str
    columns: tuple[str, ...]
    numeric: tuple[bool, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()


def as_table(frame: pd.DataFrame, title: str, caption: str, notes: Sequence[str] = ()) -> Table:
    """A frame whose cells are text or numbers already rounded."""
    numeric = tuple(frame[c].dtype.kind in "fi" or c in _RIGHT for c in frame.columns)
    rows = tuple(tuple(_cell(v) for v in row) for row in frame.itertuples(index=False))
    columns = tuple(str(c) for c in frame.columns)
    return Table(title, caption, columns, numeric, rows, tuple(notes))


# Columns of numbers that are already text.
_RIGHT = {
    "test accuracy (%)", "validation accuracy (%)", "test digits", "weights moved by",
    "dead units (%)", "cosine with backpropagation", "score", "95 % interval", "noise ceiling",
    "spikes, first", "spikes, second", "the same in both", "lag (ms)", "van Rossum distance",
    "correlation", "rate (Hz)", "recorded rate (Hz)",
}  # fmt: skip


def _cell(value: Any) -> str:
    return _fixed(value, 3) if isinstance(value, float | np.floating) else str(value)


def _fixed(value: float | np.floating, digits: int) -> str:
    return "–" if not np.isfinite(value) else f"{value:.{digits}f}".replace("-", "−")


def _spread(values: pd.Series, scale: float = 1.0, digits: int = 3) -> str:
    """Mean and standard deviation over seeds."""
    known = values.dropna() * scale
    if known.empty:
        return "–"
    text = f"{known.mean():.{digits}f}"
    if len(known) > 1:
        text += f" ± {known.std(ddof=1):.{digits}f}"
    return text.replace("-", "−")


def _in_order(names: Iterable[str]) -> list[str]:
    return sorted(dict.fromkeys(names), key=rank)


def accuracy(frame: pd.DataFrame) -> Table:
    """One row a rule: mean and standard deviation over seeds."""
    rows, notes = [], []
    for rule in _in_order(frame["rule"]):
        found = frame[frame["rule"] == rule]
        for flag, part in found[found["flag"] != ""].groupby("flag", sort=False):
            seeds = ", ".join(str(seed) for seed in part["seed"])
            notes.append(f"{label(rule)}, seed {seeds}: {flag}.")
        rows.append(
            {
                "rule": label(rule),
                "network": found["model"].iloc[0],
                "computed by": backend(found["backend"].iloc[0]),
                "test accuracy (%)": _spread(found["test_accuracy"], 100, 1),
                "validation accuracy (%)": _spread(found["validation_accuracy"], 100, 1),
                "seeds": len(found),
                "test digits": f"{found['n_test'].iloc[0]:,}",
                "weights moved by": _spread(found["mean_weight_displacement"], 1, 2),
                "dead units (%)": _spread(found["dead_units"], 100, 0),
            }
        )
    return as_table(
        pd.DataFrame(rows),
        "Accuracy by rule",
        "Mean ± standard deviation over seeds. “Weights moved by” is the norm of the change over"
        " the norm at the start, averaged over layers; dead units are those of the worst layer"
        " whose activity is the same for every image.",
        notes,
    )


def accuracy_sentence(frame: pd.DataFrame) -> str:
    """Which trained rule does best, and how the controls do."""
    means = frame.groupby("rule")["test_accuracy"].mean()
    trained = means[[rule for rule in means.index if rule not in BASELINES]]
    chance = 100 * float(frame["chance"].iloc[0])
    if trained.empty:
        return f"No trained network is in this report; chance is {chance:.0f} %."
    best = str(trained.idxmax())
    text = f"Highest on held-out digits: {label(best)}, {100 * trained[best]:.1f} %"
    others = trained.drop(best).sort_values(ascending=False)
    if len(others):
        text += "; then " + ", ".join(f"{label(str(r))} {100 * v:.1f} %" for r, v in others.items())
    controls = means[[rule for rule in _in_order(means.index) if rule in BASELINES]]
    if len(controls):
        found = ", ".join(f"{label(str(r))} {100 * v:.1f} %" for r, v in controls.items())
        text += f". The controls: {found}"
    return f"{text}. Chance is {chance:.0f} %."


def layers(frame: pd.DataFrame) -> Table:
    """One row a rule and layer: how far the weights moved, and where the update points."""
    rows = []
    for rule in _in_order(frame["rule"]):
        found = frame[frame["rule"] == rule]
        for layer in dict.fromkeys(found["layer"]):
            part = found[found["layer"] == layer]
            rows.append(
                {
                    "rule": label(rule),
                    "layer": layer,
                    "weights moved by": _spread(part["weight_displacement"], 1, 2),
                    "dead units (%)": _spread(part["dead_units"], 100, 1),
                    "cosine with backpropagation": _spread(part["gradient_cosine"], 1, 2),
                }
            )
    return as_table(
        pd.DataFrame(rows),
        "By layer: how far the weights moved, and where the updates point",
        "Mean ± standard deviation over seeds. The cosine is that of the rule's update"
        " with backpropagation's gradient at the same weights, on validation digits; it is not"
        " defined for rules that update nothing, and not computed for spiking networks.",
    )


def by_region(frame: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """For each region the scores over seeds: of the mean over subjects, or of the group's RDM.

    Columns model, layer, scores (one a seed), score (their mean), ci_lower, ci_upper,
    ceiling_lower, ceiling_upper (means over seeds), n_stimuli, flag.
    """
    regions = {}
    frame = with_level(frame)
    for region in dict.fromkeys(frame["region"]):
        found = frame[frame["region"] == region]
        level = "mean" if (found["level"] == "mean").any() else "group"
        chosen = found[found["level"] == level]
        rows = []
        for (model, layer), part in chosen.groupby(["model", "layer"], sort=False):
            bounds = ["ci_lower", "ci_upper", "ceiling_lower", "ceiling_upper"]
            rows.append(
                {
                    "model": model,
                    "layer": layer,
                    "scores": part["score"].to_numpy(),
                    "score": part["score"].mean(),
                    **{name: part[name].mean() for name in bounds},
                    "n_stimuli": int(part["n_stimuli"].min()),
                    "flag": "; ".join(dict.fromkeys(f for f in part["flag"] if f)),
                }
            )
        rows.sort(key=lambda row: rank(str(row["model"])))
        n_subjects = found.loc[found["level"] == "subject", "subject"].nunique()
        name = f"{region} (mean of {n_subjects} subjects)" if level == "mean" else region
        regions[name] = pd.DataFrame(rows)
    return regions


def similarity(region: str, table: Any) -> Table:
    """The scores of one region."""
    rows = [
        {
            "model": label(row.model),
            "layer": row.layer,
            "score": _spread(pd.Series(row.scores)),
            "95 % interval": _range(row.ci_lower, row.ci_upper),
            "noise ceiling": _range(row.ceiling_lower, row.ceiling_upper),
            "stimuli": row.n_stimuli,
        }
        for row in table.itertuples()
    ]
    by_flag: dict[str, list[str]] = {}
    for row in table.itertuples():
        if row.flag:
            name = f"{label(row.model)}{f' {row.layer}' if row.layer else ''}"
            by_flag.setdefault(row.flag, []).append(name)
    notes = [
        f"{flag} (all rows)." if len(names) == len(table) else f"{flag}: {', '.join(names)}."
        for flag, names in by_flag.items()
    ]
    return as_table(
        pd.DataFrame(rows),
        f"Similarity to {region}",
        "Spearman correlation of representational dissimilarity matrices, mean ±"
        " standard deviation over seeds; interval by bootstrap over stimuli (bounds averaged over"
        " seeds).",
        [note[0].upper() + note[1:] for note in notes],
    )


def _range(low: float, high: float) -> str:
    if not np.isfinite(low):
        return "–"
    return f"{low:.3f} to {high:.3f}".replace("-", "−")


def similarity_sentence(regions: dict[str, pd.DataFrame]) -> str:
    """Which model comes closest in each region, and how that stands to pixels and ceiling."""
    sentences = []
    for region, table in regions.items():
        models: Any = table[~table["model"].isin(BASELINES)].dropna(subset=["score"])
        pixels = table.loc[table["model"] == "pixels", "score"]
        if models.empty:
            continue
        best: Any = models.loc[models["score"].idxmax()]
        name = f"{label(best['model'])}{f' ({best.layer})' if best['layer'] else ''}"
        text = (
            f"{region[0].upper()}{region[1:]}: of the trained networks, {name} comes closest,"
            f" {best['score']:.3f}"
        )
        if len(pixels):
            relation = "above" if best["score"] > pixels.iloc[0] else "below"
            text += f", {relation} the pixels themselves ({pixels.iloc[0]:.3f})"
        if np.isfinite(best["ceiling_lower"]):
            text += f", and {_relation(best['score'], best['ceiling_lower'])} the noise ceiling"
            text += f" ({_range(best['ceiling_lower'], best['ceiling_upper'])})"
        untrained = table[
            table["model"].isin(["untrained", "untrained_spiking", "untrained_latency"])
        ]["score"].max()
        if np.isfinite(untrained):
            text += f"; the best untrained network scores {untrained:.3f}"
        sentences.append(f"{text}.")
    return " ".join(sentences).replace(" -0", " −0")


def _relation(score: float, ceiling: float) -> str:
    if score >= ceiling:
        return "within"
    return "far below" if score < ceiling / 2 else "below"


def agreement(frame: pd.DataFrame) -> Table:
    """Spikes of two backends, summed over seeds."""
    keys = ["model", "population", "backend_a", "backend_b"]
    rows = []
    for (model, population, a, b), part in frame.groupby(keys, sort=False):
        rows.append(
            {
                "network trained by": label(str(model)),
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


def agreement_sentence(frame: pd.DataFrame) -> str:
    """Whether the backends gave the same spikes."""
    total, both = int(frame["spikes_a"].sum()), int(frame["spikes_in_both"].sum())
    other = int(frame["spikes_b"].sum())
    names = f"{backend(frame['backend_a'].iloc[0])} and {backend(frame['backend_b'].iloc[0])}"
    if total == other == both:
        return f"{names} gave the same {total:,} spikes, not one different."
    share = 100 * both / max(total, other, 1)
    return f"{names} agree in {share:.2f} % of spikes ({total:,} and {other:,})."


def auditory(frame: pd.DataFrame) -> Table:
    """Scores of the model neurons."""
    shown = frame.assign(
        correlation=[_fixed(v, 3) for v in frame["correlation"]],
        lag_ms=[_fixed(v, 0) for v in frame["lag_ms"]],
        van_rossum=[_fixed(v, 3) for v in frame["van_rossum"]],
        rate_hz=[_fixed(v, 1) for v in frame["rate_hz"]],
        recorded_rate_hz=[_fixed(v, 1) for v in frame["recorded_rate_hz"]],
    ).rename(
        columns={
            "role": "parameters",
            "lag_ms": "lag (ms)",
            "van_rossum": "van Rossum distance",
            "rate_hz": "rate (Hz)",
            "recorded_rate_hz": "recorded rate (Hz)",
        }
    )
    return as_table(
        shown,
        "Fit to the receptor",
        "Correlation of rates (PSTH, 3 ms Gaussian) at a lag chosen on the first sound; van Rossum"
        " distance of spike trains (3 ms), 0 for identical trains and 1 for trains without a"
        " coincidence.",
    )


def auditory_sentence(frame: pd.DataFrame) -> str:
    """Which neuron model predicts the receptor best on the sound it was not fitted on."""
    held = frame[frame["role"] == "held out"].dropna(subset=["correlation"])
    if held.empty:
        return ""
    ordered = held.sort_values("correlation", ascending=False)
    ranked = ", ".join(f"{row.model} {row.correlation:.2f}" for row in ordered.itertuples())
    return f"On the held-out sound, correlation with the receptor: {ranked}.".replace("-0.", "−0.")
