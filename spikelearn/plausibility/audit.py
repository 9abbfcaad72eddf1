"""The audit of rules over seeds: a table of rule by criterion, and what lies behind it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spikelearn._errors import SpikelearnError
from spikelearn.plausibility.criteria import CRITERIA, Finding
from spikelearn.plausibility.criterion import MET, Row
from spikelearn.plausibility.spread import pooled

if TYPE_CHECKING:
    import pandas as pd

    from spikelearn._progress import Progress
    from spikelearn._workers import Workers
    from spikelearn.plausibility.measuring import Measured

# Verdicts beside which a claim holds or does not, and which count in a score.
JUDGED = (*MET, "disagree", "contradicted")


@dataclass(frozen=True)
class Audit:
    """What was measured of some rules.

    Attributes
    ----------
    findings : list of (rule, criterion, Finding, claim)
        One a rule and criterion: of all seeds together. The claim is the author's, or None.
    seed : int
        The first.
    of_seeds : dict of int to list
        The same of each seed; empty where there is one.
    read : tuple of Path
        Folders of findings that were read instead of measured.
    failed : tuple of str
        Sentences on rules that could not be measured, which are in no table.
    """

    findings: list[Row]
    seed: int = 0
    of_seeds: Mapping[int, list[Row]] = field(default_factory=dict)
    read: tuple[Path, ...] = ()
    failed: tuple[str, ...] = ()

    @classmethod
    def together(
        cls,
        of_seeds: Mapping[int, list[Row]],
        read: Sequence[Path] = (),
        failed: Sequence[str] = (),
    ) -> Audit:
        """The audit of several seeds.

        Parameters
        ----------
        of_seeds : mapping of int to list of rows
            The same rules and criteria of each seed.
        read : sequence of Path
            Folders of findings that were read instead of measured.
        failed : sequence of str
            Sentences on rules that could not be measured.
        """
        seeds = list(of_seeds)
        cells: dict[tuple[str, str], dict[int, Finding]] = {}
        claims: dict[tuple[str, str], bool | None] = {}
        for seed, rows in of_seeds.items():
            for rule, key, finding, claim in rows:
                cells.setdefault((rule, key), {})[seed] = finding
                claims[rule, key] = claim
        findings = [(*cell, pooled(found), claims[cell]) for cell, found in cells.items()]
        return cls(findings, seeds[0], dict(of_seeds), tuple(read), tuple(failed))

    @classmethod
    def of(cls, measured: Measured) -> Audit:
        """The audit of what was measured."""
        return cls.together(measured.of_seeds, measured.read, measured.failed)

    @property
    def seeds(self) -> tuple[int, ...]:
        """Of what was measured."""
        return tuple(self.of_seeds) or (self.seed,)

    def _each(self) -> list[tuple[int, Row]]:
        """Every finding of every seed, by rule and criterion and then by seed."""
        each = [(s, row) for s, rows in (self.of_seeds or {self.seed: self.findings}).items()
                for row in rows]  # fmt: skip
        places = {row[:2]: place for place, row in enumerate(self.findings)}
        return sorted(each, key=lambda one: places[one[1][:2]])

    def table(self) -> pd.DataFrame:
        """One row a rule and criterion, of all seeds together.

        Columns: rule, criterion, title, verdict, value, shown, lower, upper (a 95 % interval) and
        interval_of (what it is drawn from: "seeds", "test images", "probes"), noise_floor, scope,
        provenance, intervention ("pass", "fail" or "-"), claim ("met", "not met" or "-"),
        claim_holds ("yes", "no" or "-"), equation, needed, contradiction (empty where there is
        none), seeds, counts (how many seeds gave which verdict), sentence.
        """
        import pandas as pd

        listed = " ".join(map(str, self.seeds))
        rows = [_row(*finding) | {"seeds": listed} for finding in self.findings]
        for row, (*_, finding, _claim) in zip(rows, self.findings, strict=True):
            row["counts"] = finding.counts or f"1 {finding.verdict}"
            row["sentence"] = row.pop("sentence")
        return pd.DataFrame(rows)

    def by_seed(self) -> pd.DataFrame:
        """One row a rule, criterion and seed; columns as of `table`, with seed for seeds."""
        import pandas as pd

        rows = []
        for seed, row in self._each():
            made = _row(*row)
            rows.append({"rule": made.pop("rule"), "criterion": made.pop("criterion"),
                         "seed": seed} | made)  # fmt: skip
        return pd.DataFrame(rows)

    def probes(self) -> pd.DataFrame:
        """One row a probe.

        Columns: rule, criterion, seed, probe (a number of its own in these), quantity, place,
        magnitude, index, effect.
        """
        import pandas as pd

        rows = [
            {"rule": rule, "criterion": key, "seed": seed, "probe": number, **asdict(probe)}
            for seed, (rule, key, finding, _) in self._each()
            for number, probe in enumerate(finding.probes)
        ]
        columns = ["rule", "criterion", "seed", "probe", "quantity", "place", "magnitude", "index",
                   "effect"]  # fmt: skip
        return pd.DataFrame(rows, columns=columns)

    def matrix(self) -> pd.DataFrame:
        """Verdicts over all seeds, a row a rule and a column a criterion."""
        table = self.table()
        # One verdict a cell, or an error: a rule is judged once by a criterion.
        verdicts = table.pivot(index="rule", columns="criterion", values="verdict")
        rules = list(dict.fromkeys(table["rule"]))
        return verdicts.loc[rules, [key for key in CRITERIA if key in verdicts.columns]]

    def contradictions(self) -> pd.DataFrame:
        """What cannot be true beside a criterion that was found to be met: a row each.

        Columns: rule, criterion, title, sentence.
        """
        import pandas as pd

        rows = [
            {"rule": rule, "criterion": key, "title": CRITERIA[key].title,
             "sentence": finding.contradiction}
            for rule, key, finding, _ in self.findings
            if finding.verdict == "contradicted"
        ]  # fmt: skip
        return pd.DataFrame(rows, columns=["rule", "criterion", "title", "sentence"])

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
    known = math.isfinite(finding.lower)
    return {
        "rule": rule,
        "criterion": key,
        "title": CRITERIA[key].title,
        "verdict": finding.verdict,
        "value": finding.value,
        "shown": finding.shown,
        "lower": finding.lower,
        "upper": finding.upper,
        "interval_of": finding.interval_of if known else "-",
        "noise_floor": finding.floor,
        "scope": finding.scope,
        "provenance": words[finding.by_provenance],
        "intervention": words[finding.by_intervention],
        "claim": {True: "met", False: "not met", None: "-"}[claim],
        "claim_holds": holds,
        "equation": finding.equation,
        "needed": finding.needed,
        "contradiction": finding.contradiction,
        "sentence": finding.sentence,
    }


def audit_rule(
    rule: Any,
    seed: int = 0,
    criteria: Sequence[str] | None = None,
    progress: Progress | None = None,
    seeds: Sequence[int] | None = None,
    workers: int | Workers = 1,
    folder: str | Path | None = None,
    again: bool = False,
    **options: Any,
) -> Audit:
    """Measure one rule by the criteria.

    Parameters
    ----------
    rule : str, class, callable or plasticity
        A shipped rule's name, or a rule in a file, as my_rule.py:MyRule; a class derived from
        `Rule`, or a function that makes one; or a description of plasticity, as a projection takes
        it.
    seed : int
    criteria : sequence of str, optional
        Keys of `CRITERIA`; all, if absent.
    progress : callable, optional
        Called with the fraction done and a few words.
    seeds : sequence of int, optional
        In place of one seed: what is found of each, and of all together.
    workers : int or Workers
        Processes that compute side by side, for several seeds of a rule that has a name; or
        `Workers` of a cluster.
    folder : path, optional
        Where what is found of each seed is kept, and read from when it is asked for again.
    again : bool
        Whether to measure also what is kept there.
    **options
        Of a shipped rule, or of the class.

    Raises
    ------
    SpikelearnError
        If there is no such rule, criterion or option.
    """
    from spikelearn.plausibility.measuring import Wanted, measure_each

    chosen = _seeds(seed, seeds)
    wanted = Wanted.of(criteria, folder, again)
    who = _workers(workers)
    return Audit.of(measure_each([rule], chosen, wanted, who, progress, options))


def audit_rules(
    rules: Iterable[Any],
    seed: int = 0,
    criteria: Sequence[str] | None = None,
    workers: int | Workers = 1,
    progress: Progress | None = None,
    seeds: Sequence[int] | None = None,
    folder: str | Path | None = None,
    again: bool = False,
) -> Audit:
    """Measure many shipped rules; one that fails stops no other, and is told in `failed`.

    Parameters
    ----------
    rules : iterable of str
        Names of shipped rules.
    seed : int
    criteria : sequence of str, optional
        Keys of `CRITERIA`; all, if absent.
    workers : int or Workers
        Processes that compute side by side; or `Workers` of a cluster.
    progress : callable, optional
        Called with the fraction done and a few words.
    seeds : sequence of int, optional
        In place of one seed.
    folder : path, optional
        Where what is found of each rule and seed is kept, and read from when it is asked for again.
    again : bool
        Whether to measure also what is kept there.
    """
    from spikelearn.plausibility.measuring import Wanted, measure_each

    chosen = _seeds(seed, seeds)
    wanted = Wanted.of(criteria, folder, again)
    return Audit.of(measure_each(list(rules), chosen, wanted, _workers(workers), progress))


def _workers(given: int | Workers) -> Workers:
    from spikelearn._workers import Workers

    return given if isinstance(given, Workers) else Workers(given)


def _seeds(seed: int, seeds: Sequence[int] | None) -> tuple[int, ...]:
    wanted = (seed,) if seeds is None else tuple(seeds)
    if not wanted or any(type(one) is not int or one < 0 for one in wanted):
        raise SpikelearnError(f"seeds are whole numbers of at least 0, found {list(wanted)}")
    if len(set(wanted)) < len(wanted):
        raise SpikelearnError(f"each seed counts once, found {list(wanted)}")
    return wanted


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
