"""The plausibility audit of a study's rules, and what stands beside it: accuracy and similarity.

One file a rule, in the folder `audit/` of the study; what is there is not measured again.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from spikelearn._files import write_text
from spikelearn._keys import content_key

if TYPE_CHECKING:
    import pandas as pd

    from spikelearn._progress import Progress
    from spikelearn.plausibility.audit import Audit
    from spikelearn.plausibility.criteria import Finding
    from spikelearn.studies.study_run import StudyResult

# Raised when what a criterion measures changes, so that older findings are not taken for new.
FORMAT = 1
_SEED = 0


def study_audit(result: StudyResult, progress: Progress | None = None) -> Audit | None:
    """Measure the rules of a study by its criteria; None where it names none.

    Parameters
    ----------
    result : StudyResult
    progress : callable, optional
        Called with the fraction done and a few words.
    """
    from spikelearn.plausibility.audit import Audit, all_rules, audit_rule
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
    say = progress or (lambda fraction, words: None)
    digest = content_key([FORMAT, _SEED, keys], n_digits=8)
    findings = []
    for done, rule in enumerate(waiting):

        def part(fraction: float, words: str, before: int = done) -> None:
            say((before + fraction) / len(waiting), words)

        path = result.folder / "audit" / f"{rule}-{digest}.json"
        if not path.is_file():
            path.parent.mkdir(parents=True, exist_ok=True)
            _write(audit_rule(rule, _SEED, keys, part), path)
        findings += _read(path)
    say(1.0, "audited")
    return Audit(findings, _SEED)


def _write(audit: Audit, path: Path) -> None:
    rows = [
        {
            "rule": rule,
            "criterion": key,
            "claim": claim,
            "finding": asdict(finding) | {"probes": []},
        }
        for rule, key, finding, claim in audit.findings
    ]
    write_text(path, json.dumps(rows, indent=1))


def _read(path: Path) -> list[tuple[str, str, Finding, bool | None]]:
    from spikelearn.plausibility.criteria import Finding

    return [
        (row["rule"], row["criterion"], Finding(**row["finding"]), row["claim"])
        for row in json.loads(path.read_text())
    ]


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
