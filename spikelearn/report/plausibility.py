"""Sections on a plausibility audit: verdicts, claims, published judgements, accuracy, brains."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from spikelearn.report.names import label
from spikelearn.report.page import About, Picture, Section, Table, as_table, svg_picture
from spikelearn.report.plausibility_figures import (
    MARKS,
    draw_beside,
    draw_equivalences,
    draw_verdicts,
)

if TYPE_CHECKING:
    import pandas as pd

    from spikelearn.plausibility.audit import Audit


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
    n = table["rule"].nunique()
    return About(
        title="What synapses needed to know",
        summary=(
            f"{n} learning rule{'s' if n > 1 else ''}, each run on a small network and measured by"
            f" {table['criterion'].nunique()} criteria of biological plausibility. Nothing here was"
            " declared by an author: one instrument follows where every number of an update came"
            " from, the other changes one thing and makes the update again. A criterion is met only"
            " where both say so.",
        ),
        command=command,
        versions=dict(versions or {}),
    )


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
        Columns rule, test_accuracy; one row a run.
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
        _beside_given(audit, accuracy, similarity, weights),
        _claims(table),
        _published(audit),
        _map(equivalences),
        _criteria(table),
    ]


def verdicts(audit: Audit) -> Section:
    """Who meets what: the figure, and its table below a fold."""
    matrix = audit.matrix()
    words = matrix.rename(index=label).reset_index().rename(columns={"rule": "rule"})
    shown = words.replace({"does not apply": "–"})
    counts = audit.table()["verdict"].value_counts()
    n_disagree = int(counts.get("disagree", 0))
    lead = (
        f"{int(counts.get('pass', 0))} findings are passes, {int(counts.get('fail', 0))} are not;"
        f" in {n_disagree} the two instruments disagree, which is shown and not averaged."
    )
    picture = svg_picture(
        draw_verdicts(matrix),
        "Verdicts: a row for each rule, a column for each criterion; the table below holds them.",
        "C1 weight transport, C2 locality within a layer, C3 error vector, C4a phases, C4b update"
        " locking, C4c error channel, C5 backward in time, C6 batch of one, C7 Dale, C8 spikes, C9"
        " unsupervised, C10 derivatives, C11 timing, C12 noise and precision, C13 weight"
        " sharing, C14"
        " exact copies, C15 data, C16 cost.",
    )
    return Section(
        "verdicts", "Rules and criteria", lead, [picture], [],
        [as_table(shown, "Verdicts as a table", "A verdict needs both instruments.")],
    )  # fmt: skip


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

    numbers = [c for c in measured.columns if c not in ("rule", "network", "dataset")]
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
    section.tables.append(
        Table(
            "Side by side",
            "Means over the runs given; a dash where a rule was not run or a criterion does not"
            " apply. ✓ met, ✗ not met, ≠ the instruments disagree, · a figure without a verdict.",
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
        f"One mark a rule{' on a network, its shape the data' if several else ''}. A panel a"
        " criterion: green"
        " where it is met, red where it is not, amber where the instruments disagree. There is no"
        " single axis of plausibility; where weights are given, the size of a mark is their score.",
    )


def _claims(table: pd.DataFrame) -> Section | None:
    claimed = table[table["claim"] != "-"]
    if claimed.empty:
        return None
    wrong = claimed[claimed["claim_holds"] == "no"]
    lead = (
        f"Authors' claims and measurements differ in {len(wrong)} of {len(claimed)} cases; the"
        " measurement says why."
    )
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
            (wrong, "Claims that the measurement does not bear out", "What was found instead."),
            (
                claimed[claimed["claim_holds"] != "no"],
                "Claims that hold",
                "Claim and verdict agree.",
            ),
        )
        if len(part)
    ]
    return Section("claims", "Claimed and measured", lead, [], shown[:1], shown[1:])


def _published(audit: Audit) -> Section | None:
    from spikelearn.plausibility.published import beside_published

    judgements = beside_published(audit)
    if judgements.empty:
        return None
    differ = int((judgements["agree"] == "no").sum())
    lead = (
        f"Of {len(judgements)} published judgements {differ} differ{'s' if differ == 1 else ''}"
        " from the measurement, which is given in a sentence. Only judgements that were read in"
        " print are here."
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
    frame = part[["rule", "verdict", "shown", "lower", "upper", "scope", "provenance",
                  "intervention", "sentence"]].copy()  # fmt: skip
    frame["rule"] = frame["rule"].map(label)
    spread = [
        f"{low:.2g} to {high:.2g}" if np.isfinite(low) else "–"
        for low, high in zip(frame["lower"], frame["upper"], strict=True)
    ]
    frame.insert(3, "95 % interval", spread)
    frame = frame.drop(columns=["lower", "upper"]).rename(columns={"shown": "value"})
    return as_table(
        frame, f"{key}: {one.title}",
        f"{one.procedure} Threshold: {one.threshold}. {one.why}",
    )  # fmt: skip
