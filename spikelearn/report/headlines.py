"""What stands first on a page: what was found, with its uncertainty, and no more than tests tell.

A difference is claimed where a test tells it; else it is said that none was found, with the
interval in which it may lie.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from spikelearn._counts import counted
from spikelearn.comparison.methods import METHODS
from spikelearn.plot.names import BASELINES, label
from spikelearn.plot.similarities import ceiling_of
from spikelearn.report.accuracy_words import by_network, differences_of_accuracy, measured
from spikelearn.report.similarity_tables import best_layers, p_text, panels
from spikelearn.report.similarity_words import CONTROLS, LEVEL, Differences, controls_of
from spikelearn.report.sweep_figures import label_with_unit, mean_and_half

if TYPE_CHECKING:
    import pandas as pd

    from spikelearn.comparison.recording_summary import RecordingSummary
    from spikelearn.plausibility.audit import Audit
    from spikelearn.report.similarity_tables import Tests

MOST = 3  # sentences of one kind; the sections of the page have all
_MOST_RULES = 6  # each of which has a sentence of an audit


def similarity_headlines(scores: pd.DataFrame, tests: Tests | None = None) -> list[str]:
    """Of each recording, region and method, how the network that scores highest stands.

    Parameters
    ----------
    scores : DataFrame
        Of `similarity_tables.summary`.
    tests : (DataFrame, DataFrame), optional
        Against zero, and differences, of a `Significance`; nothing is told apart without them.
    """
    if scores.empty:
        return []
    differences = Differences(tests)
    by_method = scores["method"].nunique() > 1
    on_networks = scores.loc[_trained(scores), "network"].nunique() > 1
    order = list(METHODS)
    parts = sorted(panels(scores), key=lambda part: order.index(part["method"].iloc[0]))
    said, all_told, recordings, named = [], [], [], set()
    for part in parts:
        best: Any = best_layers(part)
        found = sorted(best[_trained(best)].itertuples(), key=lambda row: -row.score)
        if not found:
            continue
        controls = controls_of(best.itertuples())
        first = part.iloc[0]
        if any(differences.of(found[0], row) is not None for row in controls.values()):
            all_told.append(all(differences.told(found[0], row) for row in controls.values()))
            recordings.append(str(first["recording"]))
            named |= set(controls)
        place = f"{first['region']} of {first['recording']}"
        place += f", by {first['method']}" * by_method
        text = _closest(found, controls, differences, on_networks)
        low, high = ceiling_of(part)
        if np.isfinite(low) and np.isfinite(high):
            text += f"; the noise ceiling is {low:.3f} to {high:.3f}"
        said.append(_minus(f"Similarity to {place}: {text}."))
    said = _first(said)
    if len(all_told) < 2:
        return said
    return [_of_all(all_told, recordings, [name for name in CONTROLS if name in named]), *said]


def _of_all(told: Sequence[bool], recordings: Sequence[str], controls: Sequence[str]) -> str:
    """In how many comparisons a trained network is above every control that stands in them."""
    n_above, n_tested = sum(told), len(told)
    where = "none" if not n_above else "all" if n_above == n_tested else str(n_above)
    return (
        f"In {where} of the {n_tested} comparisons with {_listed(dict.fromkeys(recordings))} a"
        f" trained network is told to be above every control there: {_listed(controls)}."
    )


def _listed(names: Iterable[str]) -> str:
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last


def _trained(scores: pd.DataFrame) -> pd.Series:
    return (scores["family"] != "baseline") & scores["score"].notna()


def _closest(
    trained: list[Any], controls: Mapping[str, Any], differences: Differences, networks: bool
) -> str:
    """How the trained network with the highest score stands to its controls and the next one."""

    def named(row: Any) -> str:
        return label(str(row.model)) + f" on {row.network}" * networks

    top, *others = trained
    score = f"{top.score:.3f}"
    if np.isfinite(top.ci_lower):
        score += f" (95 %: {top.ci_lower:.3f} to {top.ci_upper:.3f})"
    not_below = {n: row for n, row in controls.items() if not differences.told(top, row)}
    if not_below:
        name, row = max(not_below.items(), key=lambda item: item[1].score)
        if (found := differences.of(top, row)) is None:
            what = "the highest score of the trained networks" if others else "a score"
            return (
                f"{named(top)} has {what}, {score}, and {name} {row.score:.3f}; whether they differ"
                " was not tested"
            )
        if differences.told(row, top):
            best = "the best trained network, " if others else ""
            return (
                f"{best}{named(top)}, {score}, scores below {name}, {row.score:.3f}"
                f" ({differences.words(top, row)})"
            )
        difference, low, high, p = found
        alone = low > 0 or high < 0  # one comparison by itself would tell them apart
        return (
            f"no difference was found between {named(top)}, {score}, and {name}, {row.score:.3f}"
            + ", corrected for all comparisons" * alone
            + f"; the interval{' of this one alone' * alone} is {low:+.3f} to {high:+.3f}"
            f" (difference {difference:+.3f}, p {p_text(p)})"
        )
    above = ""
    if controls:
        name, row = max(controls.items(), key=lambda item: item[1].score)
        above = f"above every control, next {name}, {row.score:.3f} ({differences.words(top, row)})"
    if not others:
        return f"{named(top)}, {score}" + f", is {above}" * bool(above)
    following = others[0]
    after = f"{named(following)}, {following.score:.3f} ({differences.words(top, following)})"
    if differences.told(top, following):
        return f"{named(top)} comes closest, {score}, before {after}" + f"; it is {above}" * bool(
            above
        )
    text = f"no difference was found at the top, between {named(top)}, {score}, and {after}"
    if differences.of(top, following) is None:
        text = f"{named(top)}, {score}, and {after}"
    return text + f"; the first is {above}" * bool(above)


def accuracy_headline(frame: pd.DataFrame | None) -> list[str]:
    """Of each network, whether one rule is the most accurate on held-out images.

    Rules are compared on one network and data set alone. Nothing is said where none was trained,
    and, of several networks, of those with nothing to compare.

    Parameters
    ----------
    frame : DataFrame or None
        Of `spikelearn.report.learning.learning`.
    """
    if frame is None or frame.empty:
        return []
    said = []
    for name, part in by_network(frame):
        runs = measured(part)
        if (runs["rule"].nunique() > 1 or not name) and (text := _most_accurate(runs)):
            on = f", on {name}" * bool(name)
            said.append(_minus(f"Accuracy on held-out images{on}: {text}."))
    return _first(said)


def _most_accurate(runs: pd.DataFrame) -> str:
    """How the rules on one network stand to each other and to the best control."""
    means = 100 * runs.groupby("rule")["test_accuracy"].mean()
    trained = means[[rule for rule in means.index if rule not in BASELINES]]
    if trained.empty:
        return ""
    found = differences_of_accuracy(runs)
    first, *others = map(str, trained.sort_values(ascending=False, kind="stable").index)
    shown = {rule: f"{label(rule)}, {means[rule]:.1f} %" for rule in map(str, means.index)}
    if not others:
        text = shown[first]
    elif found[first, others[0]].told:
        text = f"{shown[first]}, is highest, before {shown[others[0]]}"
        text += f" ({found[first, others[0]].words})"
    else:
        text = f"no difference was found at the top, between {shown[first]}, and"
        text += f" {shown[others[0]]} ({found[first, others[0]].words})"
    controls = [str(rule) for rule in means.index if rule in BASELINES]
    if controls:
        best = max(controls, key=lambda rule: means[rule])
        verb = "is above" if found[first, best].told else "is not told to be above"
        verb = "scores below" if found[best, first].told else verb
        text += f"; {label(first)} {verb} its best control, {shown[best]}"
        text += f" ({found[first, best].words})"
    return text


def audit_headlines(audit: Audit) -> list[str]:
    """How many findings there are of each kind, and of a few rules what they do not meet.

    Parameters
    ----------
    audit : Audit
    """
    table = audit.table()
    if table.empty:
        return []
    n_rules = table["rule"].nunique()
    counts = table["verdict"].value_counts()
    met, failed = int(counts.get("pass", 0)), int(counts.get("fail", 0))
    total = int(counts.drop(["does not apply", "reported"], errors="ignore").sum())
    of_rules = "one rule" if n_rules == 1 else f"{n_rules} rules"
    text = (
        f"{counted(total, 'finding')} on {of_rules}: {met} met and {failed} not met by what was run"
    )
    follow = sum(int(n) for verdict, n in counts.items() if str(verdict).startswith("follows"))
    text += f"; {follow} follow from equations" * bool(follow)
    if open_ := total - met - failed - follow:
        text += f"; {open_} open, each with its reason"
    said = [f"{text}."]
    if n_rules <= _MOST_RULES:
        said += [_of_rule(str(rule), part) for rule, part in table.groupby("rule", sort=False)]
    else:
        said += _shared(table, n_rules)
    return said


def _of_rule(rule: str, part: pd.DataFrame) -> str:
    """Which criteria a rule does not meet, and which are open."""
    kinds = {
        "not met": part["verdict"].isin(["fail", "follows from the equations: not met"]),
        "undecided": part["verdict"] == "undecided",
        "the instruments disagree": part["verdict"].isin(["disagree", "contradicted"]),
        "cannot be told": part["verdict"] == "cannot be told",
    }
    said = [
        f"{words}: {', '.join(f'{row.criterion} {row.title}' for row in _rows(part[chosen]))}"
        for words, chosen in kinds.items()
        if chosen.any()
    ]
    name = label(rule)
    return f"{name[0].upper()}{name[1:]}: {'; '.join(said) or 'met wherever it is judged'}."


def _shared(table: pd.DataFrame, n_rules: int) -> list[str]:
    """Criteria that all rules meet, and that none does, of those that are judged of every rule."""
    kinds = {"pass": True, "fail": False, "follows from the equations: met": True,
             "follows from the equations: not met": False}  # fmt: skip
    judged = table.assign(met=table["verdict"].map(kinds)).dropna(subset=["met"])
    said = []
    for words, wanted in (("All rules meet", True), ("No rule meets", False)):
        named = [
            f"{key} {part['title'].iloc[0]}"
            for key, part in judged.groupby("criterion", sort=False)
            if len(part) == n_rules and (part["met"] == wanted).all()
        ]
        if named:
            said.append(f"{words} {', '.join(named)}.")
    return said


def sweep_headlines(
    table: pd.DataFrame, axes: Sequence[Sequence[str]], measures: Sequence[str]
) -> list[str]:
    """Whether measures differ between the places of a sweep, and where they are extreme.

    Tested by Kruskal and Wallis' test over seeds, corrected by Holm for the number of measures and
    populations.

    Parameters
    ----------
    table : DataFrame
        Of the sweep.
    axes : sequence of sequence of str
        Columns of each axis.
    measures : sequence of str
        Columns of numbers.
    """
    from spikelearn.comparison.multiplicity import holm

    good = table[table["failed"] == ""]
    names = [columns[0] for columns in axes]
    if not names or good.empty:
        return []
    found = list(_differing(good, names, measures))
    corrected = holm(np.array([p for _, p, _, _ in found]))
    at = " and ".join(label_with_unit(name) for name in names)
    said = []
    for (what, _, low, high), p in zip(found, corrected, strict=True):
        ends = f"lowest {low}, highest {high}"
        if np.isnan(p):
            text = f"{what} over {at}: {ends}; whether they differ cannot be told from single seeds"
        elif p < LEVEL:
            text = f"{what} differs over {at} (p {p_text(p)}): {ends}"
        else:
            text = f"no difference in {what} was found over {at} (p {p_text(p)}): {ends}"
        said.append(_minus(f"{text[0].upper()}{text[1:]}."))
    return _first(said)


def _differing(
    good: pd.DataFrame, names: Sequence[str], measures: Sequence[str]
) -> Iterator[tuple[str, float, str, str]]:
    """Of each measure and population: its name, p, and the places of the lowest and highest."""
    populations = list(dict.fromkeys(good["population"])) if "population" in good else [""]
    for measure, population in itertools.product(measures, populations):
        mine = good[good["population"] == population] if population else good
        groups = {
            at: known
            for at, part in mine.groupby(list(names), sort=False)
            if (known := _finite(part[measure])).size
        }
        if len(groups) < 2:
            continue
        means = {at: float(values.mean()) for at, values in groups.items()}
        ends = [pick(means, key=lambda at: means[at]) for pick in (min, max)]
        low, high = (_value_at(groups[at], names, at) for at in ends)
        what = label_with_unit(measure) + f" of {population}" * bool(population)
        yield what, _p_of_groups(list(groups.values())), low, high


def _finite(values: pd.Series) -> np.ndarray:
    found = values.to_numpy(dtype=float)
    return found[np.isfinite(found)]


def _p_of_groups(groups: list[np.ndarray]) -> float:
    """p of Kruskal and Wallis; NaN where places have one seed each."""
    from scipy.stats import kruskal

    if min(len(values) for values in groups) < 2:
        return float("nan")
    if np.ptp(np.concatenate(groups)) == 0:
        return 1.0
    return float(kruskal(*groups).pvalue)


def _value_at(values: np.ndarray, names: Sequence[str], at: Any) -> str:
    mean, half = mean_and_half(values)
    interval = f" (95 %: {mean - half:.4g} to {mean + half:.4g})" if np.isfinite(half) else ""
    where = ", ".join(
        f"{value:.4g}" if isinstance(value, float) else str(value)
        for value in (at if isinstance(at, tuple) else (at,))
    )
    return f"{mean:.4g}{interval} at {where}"


def recording_headlines(summary: RecordingSummary) -> list[str]:
    """How far a model of a recording can come: its noise ceilings, or that there are none.

    Parameters
    ----------
    summary : RecordingSummary
    """
    table = summary.ceilings
    said = []
    if len(table):
        for row in table[table["level"] == "mean"].to_dict("records"):
            parts = []
            if np.isfinite(row.get("rdm_lower", np.nan)):
                parts.append(
                    f"the noise ceiling of RSA (Spearman, over subjects) is {row['rdm_lower']:.3f}"
                    f" to {row['rdm_upper']:.3f}"
                )
            if np.isfinite(row.get("reliability", np.nan)):
                parts.append(
                    "no prediction can correlate with the mean responses of a unit by more than"
                    f" {row['reliability']:.3f}, median over units"
                )
            if parts:
                said.append(f"{row['region']}: {'; '.join(parts)}.")
    if not said:
        return ["It has no noise ceiling: no repeats or several subjects tell how reliable it is."]
    return _first(said)


def _first(said: list[str]) -> list[str]:
    """The first sentences, and how many more there are."""
    if len(said) <= MOST:
        return said
    n_more = len(said) - MOST
    return [*said[:MOST], f"{n_more} more {'is' if n_more == 1 else 'are'} below."]


def _minus(text: str) -> str:
    """Minus signs before numbers as they are printed."""
    return re.sub(r"(?<![\w.])-(?=[\d.])", "−", text)


def _rows(table: pd.DataFrame) -> Any:
    return table.itertuples()
