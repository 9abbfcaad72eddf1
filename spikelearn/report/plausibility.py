"""Sections on a plausibility audit: verdicts, what is open, claims, accuracy, brains, cheats."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from spikelearn._counts import counted
from spikelearn.comparison.accuracies import CONTROLS, control_table
from spikelearn.plot.names import label
from spikelearn.report.accuracy_words import beside_controls
from spikelearn.report.headlines import audit_headlines
from spikelearn.report.page import About, Picture, Section, svg_picture
from spikelearn.report.page_tables import Table, as_table
from spikelearn.report.plausibility_figures import (
    LEGEND,
    MARKS,
    draw_beside,
    draw_equivalences,
    draw_verdicts,
)
from spikelearn.report.unsettled import FOLLOWS, contradictions, intervals, unsettled

if TYPE_CHECKING:
    import pandas as pd

    from spikelearn.plausibility.audit import Audit

# Verdicts of what was run.
MEASURED = ("pass", "fail", "disagree", "contradicted", "undecided")


def about_audit(
    audit: Audit, command: str = "", versions: Mapping[str, str] | None = None
) -> About:
    """What stands around the sections of a page on an audit alone.

    Parameters
    ----------
    audit : Audit
    command : str
        What made it.
    versions : mapping of str to str, optional
        Of Python and packages.
    """
    table = audit.table()
    n, seeds = table["rule"].nunique(), [str(seed) for seed in audit.seeds]
    of_seeds = f"seed{'s' if len(seeds) > 1 else ''} {_listed(seeds)}"
    return About(
        title="What synapses needed to know",
        found=audit_headlines(audit),
        summary=(
            f"{counted(n, 'learning rule')} and"
            f" {counted(table['criterion'].nunique(), 'criterion', 'criteria')}"
            f" of biological plausibility, on small networks from {of_seeds}. {_how(table)}",
        ),
        gaps=audit.failed,
        command=command,
        versions=dict(versions or {}),
    )


def _how(table: pd.DataFrame) -> str:
    """How the verdicts of a table came about, each kind with how many it has."""
    counts = table["verdict"].value_counts()
    run, follow = (int(counts.reindex(list(kind)).sum()) for kind in (MEASURED, FOLLOWS))
    untold, shown = (int(counts.get(kind, 0)) for kind in ("cannot be told", "reported"))
    absent = int(counts.get("does not apply", 0))
    parts = [
        (run, f"Verdicts of what was run: {run}; one instrument follows where every number of an"
         " update came from, the other changes one thing and makes the update again, or trains"
         " under a handicap; where a criterion asks both, it is met only if both say so."),
        (follow, "Not run, for they follow from how a rule changes weights, which stands beside"
         f" them: {follow}."),
        (untold, f"Not to be told, with what would be needed: {untold}."),
        (shown, f"Figures without a verdict: {shown}."),
        (absent, f"Not asked, as the criterion does not apply: {absent}."),
    ]  # fmt: skip
    told = " ".join(words for count, words in parts if count)
    return f"{told} What authors claim stands beside, and decides no verdict."


def _listed(names: Sequence[str]) -> str:
    """A, b and c."""
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else names[0]


def audit_sections(
    audit: Audit,
    accuracy: pd.DataFrame | None = None,
    similarity: pd.DataFrame | None = None,
    equivalences: pd.DataFrame | None = None,
    weights: Mapping[str, float] | None = None,
) -> list[Section | None]:
    """All sections of a page on an audit.

    Parameters
    ----------
    audit : Audit
    accuracy : DataFrame, optional
        Columns rule, test_accuracy; one row a run. Where controls were run, also seed, n_test and
        the accuracies of the controls, as `spikelearn.comparison.accuracies.control_table` takes
        them.
    similarity : DataFrame, optional
        Columns rule, region, score; the best layer of each rule.
    equivalences : DataFrame, optional
        As made by `map_of_equivalences`.
    weights : mapping of str to float, optional
        Of criteria, for a score; there is none without.
    """
    table = audit.table()
    return [
        verdicts(audit),
        contradictions(table),
        unsettled(table),
        _beside_given(audit, accuracy, similarity, weights),
        _claims(table),
        _published(audit),
        _map(equivalences),
        cheats_caught(),
        _criteria(table),
    ]


def verdicts(audit: Audit) -> Section:
    """Who meets what: the figure, and its table below a fold."""
    from spikelearn.plausibility.criteria import CRITERIA

    matrix = audit.matrix()
    words = matrix.rename(index=label).reset_index()
    shown = words.replace({"does not apply": "–"})
    counts = audit.table()["verdict"].value_counts()
    told = [f"{LEGEND[verdict]}: {counts[verdict]}" for verdict in MARKS if verdict in counts]
    lead = f"How many findings of each kind there are: {'; '.join(told)}."
    if len(audit.seeds) > 1:
        lead += (
            f" A verdict is that of all {counted(len(audit.seeds), 'seed')} together: where they do"
            " not agree, or the interval over seeds holds the threshold, it is undecided."
        )
    picture = svg_picture(
        draw_verdicts(matrix),
        "Verdicts: a row for each rule, a column for each criterion; the table below holds them.",
        f"{', '.join(f'{key} {CRITERIA[key].title}' for key in matrix.columns)}.",
    )
    return Section(
        "verdicts", "Rules and criteria", lead, [picture], [],
        [as_table(shown, "Verdicts as a table", "The kinds of verdicts are those of the figure.")],
    )  # fmt: skip


def cheats_caught() -> Section | None:
    """How many planted cheats of which kind are caught; None where nothing is known of them."""
    import pandas as pd

    from spikelearn import plausibility

    path = Path(plausibility.__file__).parent / "cheats_caught.csv"
    if not path.is_file():
        return None
    table = pd.read_csv(path, keep_default_na=False)
    numbers = [c for c in table.columns if c not in ("kind", "what", "why")]
    sums = {name: int(pd.to_numeric(table[name]).sum()) for name in numbers}
    beyond = table.loc[table["why"] != "", "kind"].tolist()
    told = "; ".join(
        f"{name.replace('_', ' ')}: {n}" for name, n in sums.items() if name != "cheats"
    )
    lead = (
        f"{sums['cheats']} rules that were written to pass an audit which they should not, of"
        f" {len(table)} kinds, each counted once by its worst answer. {told}."
    )
    if beyond:
        lead += f" Kinds that cannot be caught in principle: {_listed(beyond)}; the table says why."
    frame = table.rename(columns=lambda name: name.replace("_", " "))
    return Section("cheats", "How the audit is tested", lead, [], [
        as_table(frame, "Planted cheats by kind", "What became of them when they were audited."),
    ])  # fmt: skip


def _beside_given(
    audit: Audit,
    accuracy: pd.DataFrame | None,
    similarity: pd.DataFrame | None,
    weights: Mapping[str, float] | None,
) -> Section | None:
    import pandas as pd

    if accuracy is None and similarity is None and not weights:
        return None
    rules = list(audit.matrix().index)
    frame = pd.DataFrame(index=rules)
    if accuracy is not None:
        frame["accuracy (%)"] = 100 * accuracy.groupby("rule")["test_accuracy"].mean()
        if set(CONTROLS) & set(accuracy.columns):
            found = control_table(accuracy.assign(
                **{name: np.nan for name in CONTROLS if name not in accuracy}
            ))  # fmt: skip
            for rule, part in found.groupby("rule"):
                frame.loc[rule, "beside its controls"] = beside_controls(part)
    if similarity is not None:
        by_region = similarity.groupby(["region", "rule"])["score"].mean()
        for region in dict.fromkeys(similarity["region"]):
            frame[f"similarity, {region}"] = by_region[region]
    if weights:
        frame["weighted score"] = audit.score(dict(weights))
    measured = frame.dropna(how="all").reset_index(names="rule")
    return beside(audit, measured, weights)


def beside(
    audit: Audit, measured: pd.DataFrame, weights: Mapping[str, float] | None = None
) -> Section:
    """Accuracy, similarity and verdicts, a row a rule or a rule on a network.

    Parameters
    ----------
    audit : Audit
    measured : DataFrame
        Column rule; maybe network and dataset; the others are printed as they are called, and
        "accuracy (%)" and those that begin with "similarity" also stand in the figure.
    weights : mapping, optional
        Of criteria, for a score.
    """
    import pandas as pd

    numbers = [
        c for c in measured.columns
        if c not in ("rule", "network", "dataset", "beside its controls")
    ]  # fmt: skip
    if numbers:
        measured = measured.sort_values(numbers[0], ascending=False, kind="stable")
    table = measured.merge(audit.matrix(), left_on="rule", right_index=True, how="left",
                           validate="many_to_one")  # fmt: skip
    table["rule"] = table["rule"].map(label)
    for column in numbers:
        digits = 1 if "%" in column else 3
        table[column] = [f"{v:.{digits}f}" if np.isfinite(v) else "–" for v in table[column]]
    lead = "Accuracy, similarity to brains and the criteria, for every rule that was run."
    if weights:
        said = ", ".join(f"{key} {value:g}" for key, value in weights.items())
        lead += f" The weighted score is the share of the given weights ({said}) that a rule earns."
    section = Section("beside", "Plausibility, accuracy and brains", lead)
    regions = [c for c in numbers if c.startswith("similarity")]
    if "accuracy (%)" in numbers:
        section.pictures.extend(
            _panels(audit, measured, region, weights)
            for region in regions
            if not measured[["accuracy (%)", region]].dropna().empty
        )
    marks = {verdict: mark or "–" for verdict, mark in MARKS.items()}
    key = ", ".join(f"{MARKS[v]} {words}" for v, words in LEGEND.items() if MARKS[v])
    section.tables.append(
        Table(
            "Side by side",
            "Means over the runs given; a dash where a rule was not run or a criterion does not"
            f" apply. {key}.",
            tuple(map(str, table.columns)),
            tuple(c in numbers for c in table.columns),
            tuple(
                tuple("–" if pd.isna(v) else marks.get(v, str(v)) for v in row)
                for row in table.itertuples(index=False)
            ),
        )
    )
    return section


def _panels(
    audit: Audit, measured: pd.DataFrame, region: str, weights: Mapping[str, float] | None
) -> Picture:
    content = draw_beside(audit, measured, region, weights)
    several = "dataset" in measured and measured["dataset"].nunique() > 1
    return svg_picture(
        content,
        f"Accuracy against {region}, a panel for each criterion, dots coloured by its verdict.",
        f"One mark a rule{' on a network, its shape the data' if several else ''}, a panel a"
        " criterion; colours as in the figure of verdicts. There is no single axis of plausibility"
        f"{'; the size of a mark is the score by the weights given' if weights else ''}.",
    )


def _claims(table: pd.DataFrame) -> Section | None:
    claimed = table[table["claim"] != "-"]
    if claimed.empty:
        return None
    told = claimed[claimed["claim_holds"] != "-"]
    wrong = told[told["claim_holds"] == "no"]
    lead = f"Of {counted(len(told), 'claim')} of authors {_differ(len(wrong))} from what was found."
    if more := len(claimed) - len(told):
        lead += f" Whether {more} more hold{'s' if more == 1 else ''} is not known."
    columns = [
        "rule",
        "criterion",
        "title",
        "claim",
        "verdict",
        "provenance",
        "intervention",
        "sentence",
    ]
    shown = [
        as_table(part[columns].assign(rule=part["rule"].map(label)), title, caption)
        for part, title, caption in (
            (wrong, "Claims that are not borne out", "What was found instead."),
            (told[told["claim_holds"] == "yes"], "Claims that hold", "Claim and verdict agree."),
            (
                claimed[claimed["claim_holds"] == "-"],
                "Claims of which nothing is known",
                "Undecided, or it cannot be told.",
            ),
        )
        if len(part)
    ]
    return Section("claims", "Claimed and found", lead, [], shown[:1], shown[1:])


def _differ(n: int) -> str:
    return f"{n} differ" if n > 1 else f"{'one' if n else 'none'} differs"


def _published(audit: Audit) -> Section | None:
    from spikelearn.plausibility.published import beside_published

    judgements = beside_published(audit)
    if judgements.empty:
        return None
    differ = int((judgements["agree"] == "no").sum())
    lead = (
        f"Of {len(judgements)} published judgements {_differ(differ)} from the measurement, which"
        " is given in a sentence. Only judgements that were read in print are here."
    )
    shown = judgements.assign(rule=judgements["rule"].map(label)).rename(
        columns={"said_of": "said of"}
    )
    return Section("published", "Published and measured", lead, [], [
        as_table(shown, "Published judgements", "One line a judgement."),
    ])  # fmt: skip


def _map(equivalences: pd.DataFrame | None) -> Section | None:
    if equivalences is None or equivalences.empty:
        return None
    lead = "Knobs that turn one rule into another, and how far apart the updates are on the way."
    frame = equivalences.copy()
    frame["value"] = [f"{v:g}" for v in frame["value"]]
    frame["distance"] = [f"{v:.2g}" for v in frame["distance"]]
    return Section(
        "map", "The map of equivalences", lead,
        [svg_picture(
            draw_equivalences(equivalences), "Distance between two rules' updates by the knob.",
            "Distances are relative, over the hidden layers; what lies below 1e-12 is rounding and"
            " is drawn at the bottom.")],
        [], [as_table(frame.drop(columns="key"), "The distances", "One line a setting of a knob.")],
    )  # fmt: skip


def _criteria(table: pd.DataFrame) -> Section:
    from spikelearn.plausibility.criteria import CRITERIA

    shown = [key for key in CRITERIA if key in set(table["criterion"])]
    rows = [
        {"": key, "criterion": CRITERIA[key].title, "definition": CRITERIA[key].definition,
         "instruments": f"Intervention. {CRITERIA[key].alone}" if CRITERIA[key].alone else "Both.",
         "source": CRITERIA[key].source}
        for key in shown
    ]  # fmt: skip
    folded = []
    for key in shown:
        part = table[table["criterion"] == key]
        folded.append(_findings(key, part))
    import pandas as pd

    return Section(
        "criteria", "The criteria, and every finding",
        "Each criterion with its definition and source; below, a fold for each with what was done,"
        " the threshold, and the value of every rule.",
        [], [as_table(pd.DataFrame(rows), "The criteria", "")], folded,
    )  # fmt: skip


def _findings(key: str, part: pd.DataFrame) -> Table:
    from spikelearn.plausibility.criteria import CRITERIA

    one = CRITERIA[key]
    frame = part[["rule", "verdict", "shown", "counts", "scope", "provenance", "intervention",
                  "sentence"]].copy()  # fmt: skip
    frame["rule"] = frame["rule"].map(label)
    frame.insert(3, "95 % interval", intervals(part))
    frame = frame.rename(columns={"shown": "value", "counts": "seeds"})
    return as_table(
        frame, f"{key}: {one.title}",
        f"{one.procedure} Threshold: {one.threshold}. {one.why}",
    )  # fmt: skip
