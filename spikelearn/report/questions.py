"""Questions that were fixed beforehand: an answer in a sentence each, and a table of its tests."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from spikelearn._counts import counted
from spikelearn.plot.names import label
from spikelearn.report.page import Section
from spikelearn.report.page_tables import Table, as_table, fixed
from spikelearn.report.similarity_tables import p_text
from spikelearn.report.similarity_words import LEVEL

if TYPE_CHECKING:
    import pandas as pd

VARIANCE = "variance"  # a question whose effects are shares of it
_NAMED = 2  # effects that a sentence names


def answer(words: str, table: pd.DataFrame) -> str:
    """The answer to a question, in a sentence with the interval of its largest effect.

    A difference is claimed where a test tells it, corrected within the question; else it is said
    that none was told, with the intervals in which they lie.

    Parameters
    ----------
    words : str
        The question.
    table : DataFrame
        Its rows of `spikelearn.studies.study_questions.Answers`.
    """
    tested = table[table["p"].notna()] if len(table) else table
    if not len(tested):
        known = table[table["difference"].notna()] if len(table) else table
        if not len(known):
            return f"{words} It could not be asked of these networks and recordings."
        return f"{words} It was not tested; the effects lie from {_span(known, 'difference')}."
    said = []
    rows = sorted(_rows(tested), key=lambda row: -abs(row.difference))
    for positive in (True, False):
        found = [r for r in rows if r.p_holm < LEVEL and (r.difference > 0) == positive]
        if found:
            more = f", and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
            said.append("; ".join(_effect(row) for row in found[:_NAMED]) + more)
    n = counted(len(tested), "comparison")
    if said:
        told = sum(row.p_holm < LEVEL for row in rows)
        return _minus(f"{words} In {told} of {n} it is told: {'; '.join(said)}.")
    top = rows[0]
    low, high = tested["ci_lower"].min(), tested["ci_upper"].max()
    reach = f"{_signed(low)} to {_signed(high)}"
    if top.ask == VARIANCE:  # in the unit of its effects
        reach = f"{100 * low:+.1f} to {100 * high:+.1f} %"
    return _minus(
        f"{words} No difference is told in {n}; the largest: {_effect(top)}. All intervals lie"
        f" within {reach}."
    )


def question_headlines(
    words: Mapping[str, str], table: pd.DataFrame, others: Mapping[str, str] | None = None
) -> list[str]:
    """The answers to all questions of a study, in their order.

    Parameters
    ----------
    words : mapping of str to str
        The questions, by the names by which they stand in the table.
    table : DataFrame
    others : mapping of str to str, optional
        Answers that are not of the table, by the same names.
    """
    said = []
    for name, asked in words.items():
        if others and name in others:
            said.append(others[name])
            continue
        own = table[table["question"] == name] if len(table) else table
        said.append(answer(asked, own))
    return said


def questions(
    words: Mapping[str, str],
    table: pd.DataFrame,
    left_out: Sequence[str] = (),
    more: Sequence[Table] = (),
) -> Section | None:
    """The section on questions: a table of every test of each; None where nothing was asked.

    Parameters
    ----------
    words : mapping of str to str
        The questions, by the names by which they stand in the table.
    table : DataFrame
        Of `spikelearn.studies.study_questions.Answers`.
    left_out : sequence of str
        Of what questions were not asked, and why.
    more : sequence of Table
        Of questions that are none about brains.
    """
    if not words:
        return None
    section = Section(
        "questions",
        "Questions fixed beforehand",
        "Effects with 95 % intervals first, p after. Intervals are for what is told behind each:"
        " other seeds, other subjects, other stimuli of the same kinds. p is Student's t, corrected"
        " by Holm over all tests of one question; an interval is of its test alone.",
        points=[_minus(sentence[0].upper() + sentence[1:]) for sentence in left_out],
        points_title="Of what they were not asked, and why",
    )
    for name, asked in words.items():
        own = table[table["question"] == name] if len(table) else table
        if len(own):
            told = "; ".join(dict.fromkeys(one for one in own["flag"] if one))
            notes = [told[0].upper() + told[1:] + "."] if told else []
            cells = _variance_cells(own) if own["ask"].iloc[0] == VARIANCE else _cells(own)
            section.tables.append(as_table(cells, asked, asked, notes))
    section.tables.extend(more)
    return section


def claims_section(table: pd.DataFrame) -> Section | None:
    """What others claim beside what came out; None where no claim was tested.

    Parameters
    ----------
    table : DataFrame
        Of `spikelearn.studies.claims.claim_table`.
    """
    if not len(table) or (table["verdict"] == "not tested").all():
        return None
    columns = {
        "claim": "claim", "source": "source", "printed": "as printed", "now": "its authors now",
        "verdict": "here", "here": "largest effect here, 95 %",
    }  # fmt: skip
    cells = table[list(columns)].map(_minus).rename(columns=columns)
    told = (
        "A claim is supported or contradicted where a test tells a difference, corrected within its"
        " question. That none is told proves no claim of no difference; the intervals say how large"
        " one may be."
    )
    return Section("claims", "Claims of others", told, tables=[as_table(cells, "Claims", "Claims")])


def identified_table(words: str, told: pd.DataFrame, note: str) -> Table:
    """How often networks of each rule were told to be of each.

    Parameters
    ----------
    words : str
        The question.
    told : DataFrame
        A row a network: rule, and the rule that was told.
    note : str
    """
    import pandas as pd

    counts = pd.crosstab(told["rule"], told["told"])
    counts = counts.rename(index=label, columns=lambda name: f"told {label(name)}")
    cells = counts.astype(str).reset_index().rename(columns={"rule": "trained by"})
    used = ", ".join(f"{name} ({n})" for name, n in told["classifier"].value_counts().items())
    return as_table(cells, words, words, [note, f"Classifiers chosen: {used} networks."])


def _cells(table: pd.DataFrame) -> pd.DataFrame:
    import pandas as pd

    rows = []
    for row in _rows(table):
        rows.append(
            {
                "network": f"{label(row.model_a)} on {row.network_a}" + _at(row),
                "layer": _layers(row),
                "less": _other(row),
                "region": f"{row.region}, {row.recording}",
                "difference": row.difference,
                "95 % interval": _interval(row).replace(" to ", "\u00a0to\u00a0"),
                "p (Holm)": p_text(row.p_holm),
                "p": p_text(row.p),
                "seeds": row.n_seeds,
                "subjects": row.n_subjects or "–",
                "stimuli": row.n_stimuli,
                "interval for other": row.interval_over or "–",
            }
        )
    cells = pd.DataFrame(rows)
    for column in ("layer", "interval for other"):
        if cells[column].nunique() == 1 and cells[column].iloc[0] in ("", "–"):
            cells = cells.drop(columns=column)
    return cells


def _variance_cells(table: pd.DataFrame) -> pd.DataFrame:
    """A row a combination of networks and a region; its parts beside each other, in per cent.

    Columns are what the parts are of: the rule, what it stands beside, and the images.
    """
    import pandas as pd

    rows: dict[tuple[Any, ...], dict[str, object]] = {}
    for row in _rows(table):
        key = row.recording, row.region, row.model_a, row.network_a, row.layer_a
        own = rows.setdefault(
            key,
            {
                "network": f"{label(row.model_a)} on {row.network_a}",
                "layer": _layers(row),
                "beside": label(row.model_b),
                "region": f"{row.region}, {row.recording}",
            },
        )
        words = {row.model_a: "the rule", row.model_b: "what is beside"}
        names = [words.get(name, name) for name in row.part.removesuffix(" alone").split(" and ")]
        what = " and ".join(names) + (" alone" if row.part.endswith(" alone") else "")
        percent = f"{100 * row.difference:+.1f} ({_in_percent(row)})"
        if not np.isfinite(row.difference):
            percent = "–"
        marked = np.isfinite(row.p_holm) and row.p_holm < LEVEL
        own[what] = _minus(percent + (f", p {p_text(row.p_holm)}" if marked else ""))
        own["seeds"], own["subjects"] = row.n_seeds, row.n_subjects or "–"
        own["stimuli"], own["interval for other"] = row.n_stimuli, row.interval_over or "–"
    return pd.DataFrame(list(rows.values()))


def _in_percent(row: Any) -> str:
    if not np.isfinite(row.ci_lower):
        return "–"
    return f"{100 * row.ci_lower:+.1f} to {100 * row.ci_upper:+.1f}"


def _at(row: Any) -> str:
    side = getattr(row, "resolution", np.nan)
    said = "" if side is None or np.isnan(side) else f", at {side:.0f} pixels"
    accuracy = getattr(row, "accuracy", np.nan)
    return said + ("" if np.isnan(accuracy) else f", at {100 * accuracy:.1f} % accuracy")


def _layers(row: Any) -> str:
    """The layers of both networks, once where they are the same."""
    a, b, late, early = (
        getattr(row, f"layer_{name}", None) for name in ("a", "b", "late", "early")
    )
    if isinstance(a, str) and isinstance(b, str):
        between = "beside" if row.ask == VARIANCE else "less"
        return a if a == b else f"{a}, {between} {b}"
    return f"{late} over {early}" if isinstance(late, str) else ""


def _other(row: Any) -> str:
    if row.ask == "resolution":
        return f"the same at {row.resolution_b:.0f} pixels; each less untrained"
    return "untrained" if row.model_b == "untrained" else label(row.model_b)


def _effect(row: Any) -> str:
    """One effect in words, with its interval."""
    size = f"{_signed(row.difference)} (95 %: {_interval(row)})"
    one, where = f"{label(row.model_a)} on {row.network_a}", f"{row.region} of {row.recording}"
    if row.ask == "resolution":
        return (
            f"what learning by {one} adds in {where} is other by {size} at {row.resolution:.0f}"
            f" pixels than at {row.resolution_b:.0f}"
        )
    if row.ask == "hierarchy":
        return f"{one} gains {size} on its untrained twin in {where}"
    if row.ask == VARIANCE:
        size = f"{100 * row.difference:+.1f} % (95 %: {_in_percent(row)})"
        alone = row.part.removesuffix(" alone")
        if alone == "images":
            return f"of {where} models of the images explain {size} that {one} does not"
        what = one if alone == row.model_a else f"{label(alone)}, beside {one},"
        return f"{what} explains {size} of {where} that nothing else does"
    other = "its untrained twin" if row.ask == "learning" else label(row.model_b)
    return f"{one} is {'above' if row.difference > 0 else 'below'} {other} in {where}, {size}"


def _interval(row: Any) -> str:
    if not np.isfinite(row.ci_lower):
        return "–"
    return f"{_signed(row.ci_lower)} to {_signed(row.ci_upper)}"


def _signed(value: float) -> str:
    return f"{value:+.3f}"


def _span(table: pd.DataFrame, column: str) -> str:
    return f"{fixed(table[column].min(), 3)} to {fixed(table[column].max(), 3)}"


def _minus(text: str) -> str:
    return re.sub(r"(?<![\w.])-(?=[\d.])", "−", text)


def _rows(table: pd.DataFrame) -> Any:
    return table.itertuples()
