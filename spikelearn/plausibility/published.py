"""What has been published of the same criteria, beside what was measured.

Only what was read in print stands here: the comparison of feedback-alignment methods by Ji-An &
Benna 2024, arXiv:2405.20594, table 1; and what Lv et al. 2024, arXiv:2406.16062, say of
backpropagation in their abstract (the three criteria of the field: weight symmetry, global error
computation, dual-phase training). To add a published judgement, add a line.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from spikelearn.plausibility.criteria.c04a_phases import NOISE
from spikelearn.plausibility.criterion import Finding

if TYPE_CHECKING:
    import pandas as pd

    from spikelearn.plausibility.audit import Audit

JI_AN = "Ji-An & Benna 2024, arXiv:2405.20594, table 1"
LV = "Lv et al. 2024, arXiv:2406.16062, abstract"


@dataclass(frozen=True)
class Judgement:
    """What a paper says of a rule: whether it meets what `words` says.

    Attributes
    ----------
    criterion : str
        Key of `CRITERIA`.
    part : {"", "size", "sign", "phase"}
        Which part of the criterion it is about: the sizes or the signs of weights in C1; a phase in
        which feedback weights learn, among those that C4a counts.
    """

    source: str
    rule: str
    criterion: str
    part: str
    words: str
    meets: bool


def _judgements() -> list[Judgement]:
    judgements = [
        Judgement(LV, "backprop", "C1", "", "no weight symmetry", False),
        Judgement(LV, "backprop", "C3", "", "no global error computation", False),
        Judgement(LV, "backprop", "C4a", "", "no dual-phase training", False),
    ]
    # Methods as columns of the table: transported sign, transported size, feedback's own phase.
    table = {
        "backprop": (False, False, True),
        "feedback_alignment": (True, True, True),
        "direct_feedback_alignment": (True, True, True),
        "kolen_pollack": (True, True, True),
        "weight_mirror": (True, True, False),
    }
    rows = {rule: row for rule, row in table.items()}
    for kind in ("uniform", "fixed", "random"):
        rows[f"sign_symmetric_{kind}"] = (False, True, None)  # type: ignore[assignment]
    for rule, (sign, size, phase) in rows.items():
        for part, words, meets in (
            ("sign", "no need to transport weight sign", sign),
            ("size", "no need to transport weight magnitude", size),
            ("phase", "no separate feedback weight learning phase", phase),
        ):
            if meets is not None:
                key = "C4a" if part == "phase" else "C1"
                judgements.append(Judgement(JI_AN, rule, key, part, words, meets))
    return judgements


JUDGEMENTS = _judgements()


def beside_published(audit: Audit) -> pd.DataFrame:
    """Published judgements beside what the audit measured.

    Columns: source, rule, criterion, said_of, published, measured ("met", "not met", or the
    verdict where it says neither), agree ("yes", "no" or "-"), measurement.
    """
    import pandas as pd

    known = {(rule, key): finding for rule, key, finding, _ in audit.findings}
    by_seed: dict[tuple[str, str], list[Finding]] = {}
    for rule, key, found, _ in (row for rows in audit.of_seeds.values() for row in rows):
        by_seed.setdefault((rule, key), []).append(found)
    beside = []
    for one in JUDGEMENTS:
        finding = known.get((one.rule, one.criterion))
        if finding is None or not finding.applies:
            continue
        # A part of a criterion is told by its probes, which each seed has.
        each = by_seed.get((one.rule, one.criterion), []) if one.part else []
        told = {_measured(of_seed, one.part) for of_seed in each or [finding]}
        meets = told.pop() if len(told) == 1 and finding.met is not None else None
        agree = "-" if meets is None else "yes" if meets == one.meets else "no"
        beside.append(
            {
                "source": one.source,
                "rule": one.rule,
                "criterion": one.criterion,
                "said_of": one.words,
                "published": "met" if one.meets else "not met",
                "measured": {True: "met", False: "not met", None: finding.verdict}[meets],
                "agree": agree,
                "measurement": finding.sentence,
            }
        )
    columns = ["source", "rule", "criterion", "said_of", "published", "measured", "agree",
               "measurement"]  # fmt: skip
    return pd.DataFrame(beside, columns=columns)


def _measured(finding: Finding, part: str) -> bool | None:
    """Whether what the judgement is about was measured to be met; None where that is not known."""
    if part in ("size", "sign"):
        what = "weight magnitude" if part == "size" else "weight sign"
        effects = [p.effect for p in finding.probes if p.quantity == what]
        if not effects or finding.verdict not in ("pass", "fail"):
            return None
        return bool(np.max(effects) <= finding.floor)
    if part == "phase":
        states = {p.quantity for p in finding.probes}
        return NOISE not in states if states and finding.met is not None else None
    return finding.met
