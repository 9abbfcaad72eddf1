"""The plausibility audit of a study's rules, and what stands beside it: accuracy and similarity.

One folder a rule, in the folder `audit/` of the study. What is there is not measured again, unless
the rule's code has changed, or that of the criteria and instruments.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from spikelearn import _store as store
from spikelearn._code import folder_code
from spikelearn._files import write_text
from spikelearn._keys import content_key, plain
from spikelearn.rules import RULES, rule_code
from spikelearn.studies.study_origins import FORMAT, result_folder

if TYPE_CHECKING:
    import pandas as pd

    from spikelearn._progress import Progress
    from spikelearn.plausibility.audit import Audit
    from spikelearn.plausibility.criteria import Finding
    from spikelearn.studies.study_run import StudyResult

_SEED = 0
_FINDINGS = "findings.json"
Row: TypeAlias = "tuple[str, str, Finding, bool | None]"


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
    findings = []
    for done, rule in enumerate(waiting):

        def part(fraction: float, words: str, before: int = done) -> None:
            say((before + fraction) / len(waiting), words)

        decides = _decides(rule, keys)
        folder = result_folder(result.folder / "audit", rule, decides)
        found = None if result.again else _found(folder, decides)
        if found is None:
            _write(audit_rule(rule, _SEED, keys, part), folder, decides)
            found = _read(folder)
        else:
            result.read.setdefault("rules", []).append(folder)
        findings += found
    say(1.0, "audited")
    return Audit(findings, _SEED)


def _decides(rule: str, criteria: tuple[str, ...]) -> dict[str, Any]:
    """All that decides what is found of a rule: its code, the criteria and their instruments."""
    # A plasticity that is audited by itself is no variant of a training rule.
    options = plain(RULES[rule].options) if rule in RULES else {}
    return {
        "kind": "audit",
        "format": FORMAT,
        "seed": _SEED,
        "rule": rule,
        "options": options,
        "criteria": list(criteria),
        "code": rule_code(rule),
        "instruments": folder_code("plausibility"),
    }


def _write(audit: Audit, folder: Path, decides: dict[str, Any]) -> None:
    rows = [
        {
            "rule": rule,
            "criterion": key,
            "claim": claim,
            "finding": asdict(finding) | {"probes": []},
        }
        for rule, key, finding, claim in audit.findings
    ]
    with store.new_result(folder, decides) as temporary:
        write_text(temporary / _FINDINGS, json.dumps(rows, indent=1))


def _found(folder: Path, decides: dict[str, Any]) -> list[Row] | None:
    """What was found before; None where there is nothing, or it was damaged and is set aside."""
    if not store.holds(folder, content_key(decides)):
        return None
    try:
        return _read(folder)
    except (OSError, ValueError, KeyError, TypeError) as error:
        store.set_aside(folder, f"{_FINDINGS} cannot be read ({error})")
        return None


def _read(folder: Path) -> list[Row]:
    from spikelearn.plausibility.criteria import Finding

    return [
        (row["rule"], row["criterion"], Finding(**row["finding"]), row["claim"])
        for row in json.loads((folder / _FINDINGS).read_text(encoding="utf-8"))
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
