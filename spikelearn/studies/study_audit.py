"""The plausibility audit of a study's rules, and what stands beside it: accuracy and similarity.

One folder a rule and seed, in the folder `audit/` of the study. What is there is not measured
again, unless the rule's code has changed, or that of the criteria and instruments
(`spikelearn.plausibility.stored_findings`). The seeds are the audit's own, the field `audit_seeds`:
what an update needs to know is asked of small networks, not of those that the study trains.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from spikelearn._errors import SpikelearnError
from spikelearn._raised import told
from spikelearn.studies.early_audits import EarlyAudits, audited_rules

if TYPE_CHECKING:
    import pandas as pd

    from spikelearn._progress import Progress
    from spikelearn._workers import Workers
    from spikelearn.plausibility.audit import Audit
    from spikelearn.plausibility.criterion import Row
    from spikelearn.studies.study_run import StudyResult


def study_audit(
    result: StudyResult,
    progress: Progress | None = None,
    workers: Workers | None = None,
    early: EarlyAudits | None = None,
) -> Audit | None:
    """Measure the rules of a study by its criteria; None where it names none.

    A rule that cannot be measured is told in `result.failed`, and stops no other.

    Parameters
    ----------
    result : StudyResult
    progress : callable, optional
        Called with the fraction done and a few words.
    workers : Workers, optional
        This process, if absent.
    early : EarlyAudits, optional
        What workers have measured beside the last networks.
    """
    from spikelearn.plausibility.audit import Audit
    from spikelearn.plausibility.measuring import measure_each
    from spikelearn.rules import rule_name

    study = result.study
    groups = audited_rules(study)
    wanted = (early or EarlyAudits(study, result.folder, result.again)).wanted()
    if not wanted.criteria or not groups:
        return None
    say = progress or (lambda fraction, words: None)
    of_seeds: dict[int, list[Row]] = {seed: [] for seed in study.audit_seeds}
    read: list[Path] = []
    n_rules, done = sum(len(rules) for rules, _ in groups), 0
    for rules, options in groups:

        def part(fraction: float, words: str, n: int = len(rules), before: int = done) -> None:
            say((before + n * fraction) / n_rules, words)

        done += len(rules)
        try:
            found = told(measure_each)(rules, study.audit_seeds, wanted, workers, part, options)
        except SpikelearnError as error:
            result.failed.append(f"audit of {' and '.join(map(rule_name, rules))}: {error}")
            continue
        result.failed += [f"audit of {sentence}" for sentence in found.failed]
        read += found.read
        for seed, rows in found.of_seeds.items():
            of_seeds[seed] += rows
    if read:
        result.read.setdefault("findings", []).extend(read)
    return Audit.together(of_seeds, read) if any(of_seeds.values()) else None


def measured(best: pd.DataFrame) -> pd.DataFrame:
    """Accuracy and similarity of each trained network, as `report.plausibility.beside` takes them.

    Parameters
    ----------
    best : DataFrame
        From `report.similarity_tables.best_layers`.
    """
    trained = best[(best["family"] != "baseline") & best["test_accuracy"].notna()]
    if trained.empty:
        return trained.reindex(columns=["rule", "network", "dataset", "accuracy (%)"])
    named = trained.assign(
        rule=trained["model"],
        region="similarity, " + trained["recording"] + ", " + trained["region"],
    )
    if named["method"].nunique() > 1:
        named["region"] += ", " + named["method"]
    keys = ["rule", "network", "dataset"]
    accuracy = 100 * named.groupby(keys, sort=False)["test_accuracy"].first()
    # One score a cell, or an error: a network stands once in a region.
    scores = named.pivot(index=keys, columns="region", values="score")
    beside = accuracy.rename("accuracy (%)").to_frame()
    for region in dict.fromkeys(named["region"]):
        beside[region] = scores[region]
    return beside.reset_index()
