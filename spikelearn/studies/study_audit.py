"""The plausibility audit of a study's rules, and what stands beside it: accuracy and similarity.

One folder a rule and seed, in the folder `audit/` of the study. What is there is not measured
again, unless the rule's code has changed, or that of the criteria and instruments
(`spikelearn.plausibility.stored_findings`). The seeds are the audit's own, the field `audit_seeds`:
what an update needs to know is asked of small networks, not of those that the study trains.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    from spikelearn._progress import Progress
    from spikelearn.plausibility.audit import Audit
    from spikelearn.studies.study_run import StudyResult


def study_audit(result: StudyResult, progress: Progress | None = None) -> Audit | None:
    """Measure the rules of a study by its criteria; None where it names none.

    Parameters
    ----------
    result : StudyResult
    progress : callable, optional
        Called with the fraction done and a few words.
    """
    from spikelearn.plausibility.audit import all_rules, audit_rules
    from spikelearn.plausibility.criteria import CRITERIA

    study = result.study
    keys = tuple(CRITERIA) if study.criteria == "all" else study.criteria
    known = set(all_rules())
    rules = dict.fromkeys(
        entry.config(study.seeds[0], study.n_train).rule for entry in study.networks
    )
    waiting = [rule for rule in rules if rule in known]
    if not keys or not waiting:
        return None
    found = audit_rules(
        waiting, criteria=keys, progress=progress, seeds=study.audit_seeds,
        folder=result.folder / "audit", again=result.again,
    )  # fmt: skip
    if found.read:
        result.read.setdefault("findings", []).extend(found.read)
    return found


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
