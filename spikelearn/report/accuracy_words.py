"""What a page says of whose accuracy is highest: no more than a test tells apart."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from spikelearn._counts import counted
from spikelearn.plot.names import BASELINES, in_order, label
from spikelearn.report.similarity_tables import NOT_TESTED, p_text

if TYPE_CHECKING:
    import pandas as pd

LEVEL = 0.05
_CHANCE = "chance, the share of the largest class, is"


@dataclass(frozen=True)
class Difference:
    """Difference of two accuracies in points, its 95 % interval, and p corrected by Holm."""

    points: float
    low: float
    high: float
    p: float

    @property
    def told(self) -> bool:
        return self.points > 0 and self.p < LEVEL

    @property
    def words(self) -> str:
        if np.isnan(self.p):
            return f"difference {self.points:+.1f} points, {NOT_TESTED}"
        return (
            f"difference {self.points:+.1f} points, {self.low:+.1f} to {self.high:+.1f},"
            f" p {p_text(self.p)}"
        )


# What accuracies share that are measures of each other: the network, and what it was tested on.
_NETWORK = ["model", "n_test", "chance"]


def by_network(frame: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """The runs of each network and data set, by what it is called: nothing where there is one.

    Parameters
    ----------
    frame : DataFrame
        Of `spikelearn.report.learning.learning`.
    """
    parts: list[tuple[Any, pd.DataFrame]] = list(frame.groupby(_NETWORK, sort=False, dropna=False))
    if len(parts) < 2:
        return [("", part) for _, part in parts]
    named = [str(model) for (model, _, _), _ in parts]
    return [
        (
            str(model)
            + f" ({counted(n_test, 'image')}, chance {100 * chance:.4g} %)"
            * (named.count(str(model)) > 1),
            part,
        )
        for (model, n_test, chance), part in parts
    ]


def measured(frame: pd.DataFrame) -> pd.DataFrame:
    """The runs that have an accuracy."""
    return frame[np.isfinite(frame["test_accuracy"].to_numpy(dtype=float))]


def accuracy_sentence(frame: pd.DataFrame) -> str:
    """Which trained rules lead on the test images, from what they are told apart, the controls.

    Rules are compared on one network and data set; of several each has its own words. Intervals are
    for other test images and, where there are several, other seeds. Rules that saw the same images
    are taken to err independently, which makes intervals rather too wide. p-values are Holm's, over
    all pairs of rules on a network; each rule is tested against its own controls for itself.

    Parameters
    ----------
    frame : DataFrame
        Of `spikelearn.report.learning.learning`.
    """
    chances = {f"{100 * float(chance):.0f} %" for chance in frame["chance"]}
    said = []
    for name, runs in by_network(frame):
        if text := _of_network(name, measured(runs)):
            chance = f" {_CHANCE.capitalize()} {100 * float(runs['chance'].iloc[0]):.0f} %."
            said.append(text + chance * (len(chances) > 1))
    end = f"{_CHANCE} {next(iter(chances))}." if len(chances) == 1 else ""
    if not said:
        text = "No trained network with an accuracy is in this report"
        return f"{text}; {end}" if end else f"{text}."
    return " ".join([*said, f"{end[:1].upper()}{end[1:]}"]).rstrip().replace(" -", " −")


def _of_network(name: str, frame: pd.DataFrame) -> str:
    """What is said of one network and data set; nothing where none was trained."""
    means = frame.groupby("rule")["test_accuracy"].mean()
    trained = means[[rule for rule in means.index if rule not in BASELINES]]
    if trained.empty:
        return ""
    differences = differences_of_accuracy(frame)
    first, *others = map(str, trained.sort_values(ascending=False, kind="stable").index)
    text = _leading(first, others, means, differences, name)
    controls = [rule for rule in in_order(means.index) if rule in BASELINES]
    if controls:
        text += f". The controls: {', '.join(_named(rule, means) for rule in controls)}"
        below = [rule for rule in controls if differences[rule, first].told]
        equal = [c for c in controls if c not in below and not differences[first, c].told]
        for verb, rules in (("scores below", below), ("is not told to be above", equal)):
            if rules:
                said = " or ".join(f"{label(c)} ({differences[first, c].words})" for c in rules)
                text += f"; {label(first)} {verb} {said}"
    beside = control_sentence(frame)
    return f"{text}. {beside}" if beside else f"{text}."


def _leading(
    first: str,
    others: list[str],
    means: pd.Series,
    differences: dict[tuple[str, str], Difference],
    network: str,
) -> str:
    where = "held-out images" + f", on {network}" * bool(network)
    if not others:
        return f"On {where}: {_named(first, means, ', ')}"
    following = differences[first, others[0]]
    after = f"{_named(others[0], means)} ({following.words})"
    if following.told:
        text = f"Highest on {where}: {_named(first, means, ', ')}; then {after}"
    else:
        text = (
            f"On {where}{',' * bool(network)} nothing is told apart at the top:"
            f" {_named(first, means)} and {after}"
        )
    if len(others) > 1:
        text += "; then " + ", ".join(_named(rule, means) for rule in others[1:])
    return text


def _named(rule: str, means: pd.Series, between: str = " ") -> str:
    return f"{label(rule)}{between}{100 * means[rule]:.1f} %"


def differences_of_accuracy(frame: pd.DataFrame) -> dict[tuple[str, str], Difference]:
    """Of all pairs of rules, in both directions; p are Holm's, and NaN where none was tested.

    Parameters
    ----------
    frame : DataFrame
        Of `spikelearn.report.learning.learning`; of one network and data set, as `by_network`
        gives them. Rules that are not on one and the same are not tested against each other.
    """
    from spikelearn.comparison.accuracies import accuracy_difference
    from spikelearn.comparison.multiplicity import holm

    by_rule = {str(rule): part for rule, part in measured(frame).groupby("rule")}
    pairs = list(combinations(by_rule, 2))
    found = []
    for a, b in pairs:
        both = [by_rule[a], by_rule[b]]
        # Runs of one seed, as on several engines, are no further seeds.
        own, its = (dict(part.groupby("seed")["test_accuracy"].mean()) for part in both)
        value = accuracy_difference(own, its, int(both[0]["n_test"].iloc[0]))
        places = {tuple(row) for part in both for row in part[_NETWORK].to_numpy()}
        found.append((value, value.p if len(places) == 1 else np.nan))
    corrected = holm(np.array([p for _, p in found]))
    result: dict[tuple[str, str], Difference] = {}
    for (a, b), (value, _), p in zip(pairs, found, corrected, strict=True):
        points, low, high = (100 * v for v in (value.difference, value.ci_lower, value.ci_upper))
        result[a, b] = Difference(points, low, high, float(p))
        result[b, a] = Difference(-points, -high, -low, float(p))
    return result


CONTROL_NAMES = {"linear_readout": "linear readout", "random_features": "random features"}
NOT_RUN = "not run"


def beside_controls(found: pd.DataFrame, numbers: bool = True) -> str:
    """How one network's accuracy stands to its controls, by tests; "not run" where none was.

    Parameters
    ----------
    found : DataFrame
        Its rows of `spikelearn.comparison.accuracies.control_table`.
    numbers : bool
        Whether differences stand behind what it is no better than.
    """
    run = found.dropna(subset=["difference"])
    if run.empty:
        return NOT_RUN
    below = []
    for row in run.to_dict("records"):
        points, low, high = (100 * row[name] for name in ("difference", "ci_lower", "ci_upper"))
        difference = Difference(points, low, high, float(row["p"]))
        if not difference.told:
            words = f" ({difference.words})" if numbers else ""
            below.append(CONTROL_NAMES[row["control"]] + words)
    if below:
        return f"no better than {' and '.join(below)}".replace(" -", " −")
    return "above " + " and ".join(CONTROL_NAMES[str(control)] for control in run["control"])


def control_sentence(frame: pd.DataFrame) -> str:
    """Which rules of a table are no better than a control; nothing where no control was run.

    Parameters
    ----------
    frame : DataFrame
        Of `spikelearn.report.learning.learning`.
    """
    from spikelearn.comparison.accuracies import control_table

    words = {
        str(rule): beside_controls(part)
        for rule, part in control_table(trained_runs(frame)).groupby("rule", sort=False)
    }
    if all(said == NOT_RUN for said in words.values()):
        return ""
    below = [f"{label(rule)} is {said}" for rule, said in words.items() if said.startswith("no ")]
    without = [label(rule) for rule, said in words.items() if said == NOT_RUN]
    text = "; ".join(below) or "Every rule is above the controls that were run"
    if without:
        text += f". Without controls: {', '.join(without)}"
    return f"{text[0].upper()}{text[1:]}."


def trained_runs(frame: pd.DataFrame) -> pd.DataFrame:
    """The runs that have controls, with their columns, which are NaN where nothing is known."""
    from spikelearn.comparison.accuracies import CONTROLS

    runs = frame[[rule not in BASELINES for rule in frame["rule"]]]
    return runs.assign(**{name: np.nan for name in CONTROLS if name not in runs})
