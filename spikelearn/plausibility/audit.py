"""The audit of a rule, or of many: a table of rule by criterion, and the probes behind it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from spikelearn._errors import SpikelearnError
from spikelearn._keys import current_name
from spikelearn.plausibility.criteria import CRITERIA, Finding
from spikelearn.plausibility.criterion import MET

if TYPE_CHECKING:
    import pandas as pd

    from spikelearn.plausibility.audited_plasticity import AuditedPlasticity
    from spikelearn.plausibility.audited_rule import AuditedRule

Progress = Callable[[float, str], None]
# Verdicts beside which a claim holds or does not, and which count in a score.
JUDGED = (*MET, "disagree", "contradicted")


@dataclass(frozen=True)
class Audit:
    """What was measured of some rules.

    Attributes
    ----------
    findings : list of (rule, criterion, Finding, claim)
        The claim is the author's, or None.
    seed : int
    """

    findings: list[tuple[str, str, Finding, bool | None]]
    seed: int = 0

    def table(self) -> pd.DataFrame:
        """One row a rule and criterion.

        Columns: rule, criterion, title, verdict, value, shown, lower, upper, noise_floor, scope,
        provenance, intervention ("pass", "fail" or "-"), claim ("met", "not met" or "-"),
        claim_holds ("yes", "no" or "-"), sentence.
        """
        import pandas as pd

        return pd.DataFrame([_row(*finding) for finding in self.findings])

    def probes(self) -> pd.DataFrame:
        """One row a probe: rule, criterion, quantity, place, magnitude, index, effect."""
        import pandas as pd

        rows = [
            {"rule": rule, "criterion": key, **asdict(probe)}
            for rule, key, finding, _ in self.findings
            for probe in finding.probes
        ]
        columns = ["rule", "criterion", "quantity", "place", "magnitude", "index", "effect"]
        return pd.DataFrame(rows, columns=columns)

    def matrix(self) -> pd.DataFrame:
        """Verdicts, a row a rule and a column a criterion."""
        table = self.table()
        # One verdict a cell, or an error: a rule is judged once by a criterion.
        verdicts = table.pivot(index="rule", columns="criterion", values="verdict")
        rules = list(dict.fromkeys(table["rule"]))
        return verdicts.loc[rules, [key for key in CRITERIA if key in verdicts.columns]]

    def score(self, weights: dict[str, float]) -> pd.Series:
        """Weighted share of the criteria that a rule passes, of those that could be judged.

        There is no score without weights: which criterion matters how much is the reader's to say.

        Raises
        ------
        SpikelearnError
            If a weight is of no criterion, or all are 0.
        """
        import pandas as pd

        self.check_weights(weights)
        scores = {}
        for rule in dict.fromkeys(name for name, *_ in self.findings):
            total = passed = 0.0
            for name, key, finding, _ in self.findings:
                if name == rule and finding.verdict in JUDGED:
                    total += weights.get(key, 0.0)
                    passed += weights.get(key, 0.0) * (finding.met is True)
            scores[rule] = passed / total if total else float("nan")
        return pd.Series(scores, name="score")

    @staticmethod
    def check_weights(weights: dict[str, float]) -> None:
        """Refuse weights that make no score.

        Raises
        ------
        SpikelearnError
        """
        for key in weights:
            if key not in CRITERIA:
                raise SpikelearnError(
                    f"there is no criterion {key}; they are {', '.join(CRITERIA)}"
                )
        values = list(weights.values())
        if not values or not all(0 <= v < float("inf") for v in values) or not any(values):
            raise SpikelearnError("weights of criteria must be at least 0, finite, and not all 0")


def _row(rule: str, key: str, finding: Finding, claim: bool | None) -> dict[str, Any]:
    words = {True: "pass", False: "fail", None: "-"}
    judged = finding.verdict in JUDGED
    holds = "-"
    if claim is not None and judged:
        holds = "yes" if claim == (finding.met is True) else "no"
    return {
        "rule": rule,
        "criterion": key,
        "title": CRITERIA[key].title,
        "verdict": finding.verdict,
        "value": finding.value,
        "shown": finding.shown,
        "lower": finding.lower,
        "upper": finding.upper,
        "noise_floor": finding.floor,
        "scope": finding.scope,
        "provenance": words[finding.by_provenance],
        "intervention": words[finding.by_intervention],
        "claim": {True: "met", False: "not met", None: "-"}[claim],
        "claim_holds": holds,
        "sentence": finding.sentence,
    }


def audit_rule(
    rule: Any,
    seed: int = 0,
    criteria: Sequence[str] | None = None,
    progress: Progress | None = None,
    **options: Any,
) -> Audit:
    """Measure one rule by the criteria.

    Parameters
    ----------
    rule : str, class, callable or plasticity
        A shipped rule's name; a class derived from `Rule`, or a function that makes one; or a
        description of plasticity, as a projection takes it.
    seed : int
    criteria : sequence of str, optional
        Keys of `CRITERIA`; all, if absent.
    progress : callable, optional
        Called with the fraction done and a few words.
    **options
        Of a shipped rule, or of the class.

    Raises
    ------
    SpikelearnError
        If there is no such rule or criterion.
    """
    import torch

    keys = list(CRITERIA) if criteria is None else list(criteria)
    for key in keys:
        if key not in CRITERIA:
            raise SpikelearnError(f"there is no criterion {key}; they are {', '.join(CRITERIA)}")
    say = progress or (lambda fraction, words: None)
    threads = torch.get_num_threads()
    # Sums in another order are other sums; and the networks are too small to share out.
    torch.set_num_threads(1)
    try:
        audited = _audited(rule, seed, options)
        findings = []
        for done, key in enumerate(keys):
            say(done / len(keys), f"{audited.name}: {key}")
            claim = audited.claims.get(CRITERIA[key].claim or "")
            findings.append((audited.name, key, audited.finding(CRITERIA[key]), claim))
        say(1.0, audited.name)
    finally:
        torch.set_num_threads(threads)
    return Audit(findings, seed)


def _audited(rule: Any, seed: int, options: dict[str, Any]) -> AuditedRule | AuditedPlasticity:
    """What is to be measured: a rule that leaves its updates in `.grad`, or a plasticity."""
    from spikelearn.plausibility.audited_rule import AuditedRule
    from spikelearn.rules import RULES

    rule = current_name("rule", rule)
    named = isinstance(rule, str)
    if hasattr(type(rule), "model_fields"):
        from spikelearn.plausibility.audited_plasticity import AuditedPlasticity

        return AuditedPlasticity(str(getattr(rule, "rule", type(rule).__name__)), rule, seed)
    if named and (rule not in RULES or RULES[rule].simulated):
        from spikelearn.plausibility.audited_plasticity import PLASTICITIES, plasticity_named

        if rule in RULES or rule in PLASTICITIES:
            return plasticity_named(rule, seed)
    return AuditedRule(rule, seed, **options)


def audit_rules(
    rules: Iterable[str],
    seed: int = 0,
    criteria: Sequence[str] | None = None,
    jobs: int = 1,
    progress: Progress | None = None,
) -> Audit:
    """Measure many shipped rules, several at a time.

    Parameters
    ----------
    rules : iterable of str
        Names of shipped rules.
    seed : int
    criteria : sequence of str, optional
        Keys of `CRITERIA`; all, if absent.
    jobs : int
        Processes.
    progress : callable, optional
        Called with the fraction done and a few words.
    """
    names = list(rules)
    say = progress or (lambda fraction, words: None)
    if jobs == 1 or len(names) == 1:
        audits = {}
        for done, name in enumerate(names):
            say(done / len(names), name)
            audits[name] = audit_rule(name, seed, criteria)
    else:
        audits = _side_by_side(names, seed, criteria, jobs, say)
    say(1.0, "audited")
    return Audit([finding for name in names for finding in audits[name].findings], seed)


def _side_by_side(
    names: list[str], seed: int, criteria: Sequence[str] | None, jobs: int, say: Progress
) -> dict[str, Audit]:
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor, as_completed

    audits = {}
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, mp_context=context) as pool:
        waiting = {pool.submit(audit_rule, name, seed, criteria): name for name in names}
        try:
            for done, future in enumerate(as_completed(waiting), start=1):
                audits[waiting[future]] = future.result()
                say(done / len(names), waiting[future])
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return audits


def all_rules() -> list[str]:
    """Every shipped rule that has updates to audit, on a kind of network that the audit knows."""
    from spikelearn.plausibility.audited_plasticity import PLASTICITIES
    from spikelearn.plausibility.instruments.repeated_update import KINDS
    from spikelearn.rules import RULES

    idle = {
        "untrained", "untrained_spiking", "untrained_latency", "homeostasis", "random_features",
    }  # fmt: skip
    known = {*KINDS, "spiking"}
    trained = [n for n, entry in RULES.items() if n not in idle and entry.networks[0] in known]
    return [*trained, *PLASTICITIES]
