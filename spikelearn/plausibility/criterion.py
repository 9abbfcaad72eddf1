"""What a criterion is, and what measuring it finds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from spikelearn.plausibility.instruments.intervention import Probe, Summary

Verdict = Literal[
    "pass",
    "fail",
    "disagree",
    "contradicted",
    "undecided",
    "follows from the equations: met",
    "follows from the equations: not met",
    "cannot be told",
    "reported",
    "does not apply",
]
# Verdicts that say whether a criterion is met, and what they say.
MET: dict[str, bool] = {
    "pass": True,
    "fail": False,
    "follows from the equations: met": True,
    "follows from the equations: not met": False,
}


@dataclass(frozen=True)
class Graded:
    """A number that is laid beside a threshold.

    Attributes
    ----------
    value, threshold : float
    at_least : bool
        Whether the criterion is met from the threshold upwards; else downwards.
    unit : str
        What stands behind the value where it is printed, such as "of accuracy".
    """

    value: float
    threshold: float
    at_least: bool = True
    unit: str = ""

    def meets(self, value: float) -> bool:
        """Whether the criterion is met by a value."""
        return value >= self.threshold if self.at_least else value <= self.threshold

    def told_by(self, lower: float, upper: float) -> bool:
        """Whether an interval lies on one side of the threshold."""
        return self.meets(lower) == self.meets(upper)


@dataclass(frozen=True)
class Finding:
    """What was measured of one rule by one criterion.

    Attributes
    ----------
    value : float
        In the criterion's unit; NaN where the criterion does not apply.
    shown : str
        The value as it is printed.
    lower, upper : float
        95 % interval, of what `interval_of` says; NaN where there is none.
    scope : str
        What the update needed to know of: "synapse", "neuron", "layer", "network", "batch", "time",
        or "-".
    by_provenance, by_intervention : bool or None
        Whether the criterion is met, by each instrument; None where an instrument cannot say.
    sentence : str
        What was found.
    by_equations : bool or None
        Whether it is met by what the rule's equations say, where nothing was run; `equation` has
        them.
    equation : str
        From which the verdict follows.
    needed : str
        Where it cannot be told: what would be needed to tell.
    undecided : bool
        Whether the interval of what was measured holds the threshold.
    contradiction : str
        What was measured of the rule that cannot be true beside this verdict.
    graded : Graded or None
        The number that the verdict rests on, where it is not exact: over several seeds its interval
        is laid beside the threshold.
    interval_of : str
        What the interval is drawn from: "probes", "test images", "seeds".
    counts : str
        How many seeds gave which verdict, where there are several.
    """

    value: float
    shown: str
    scope: str
    by_provenance: bool | None
    by_intervention: bool | None
    sentence: str
    lower: float = float("nan")
    upper: float = float("nan")
    floor: float = 0.0
    applies: bool = True
    judged: bool = True
    probes: list[Probe] = field(default_factory=list)
    by_equations: bool | None = None
    equation: str = ""
    needed: str = ""
    undecided: bool = False
    contradiction: str = ""
    graded: Graded | None = None
    interval_of: str = "probes"
    counts: str = ""

    @property
    def verdict(self) -> Verdict:  # noqa: PLR0911 - a line a verdict
        """Met only where both instruments say so; where they differ, that is what is said."""
        if not self.applies:
            return "does not apply"
        if not self.judged:
            return "reported"
        if self.needed:
            return "cannot be told"
        said = {v for v in (self.by_provenance, self.by_intervention) if v is not None}
        if self.undecided and not said and self.by_equations is None:
            return "undecided"
        if not said and self.by_equations is not None:
            met = self.by_equations
            return f"follows from the equations: {'met' if met else 'not met'}"  # type: ignore[return-value]
        if not said:
            return "reported"
        if len(said) == 2:
            return "disagree"
        if self.contradiction and said == {True}:
            return "contradicted"
        if self.undecided:
            return "undecided"
        return "pass" if said == {True} else "fail"

    @property
    def met(self) -> bool | None:
        """Whether the criterion is met; None where that is not known."""
        return MET.get(self.verdict)


# Rule, criterion, what was found, and the author's claim, or None.
Row: TypeAlias = tuple[str, str, Finding, bool | None]


def absent(reason: str) -> Finding:
    """The finding where a criterion does not apply."""
    return Finding(float("nan"), "-", "-", None, None, reason, applies=False)


def untold(sentence: str, needed: str, **known: Any) -> Finding:
    """The finding where nothing could be measured that tells.

    Parameters
    ----------
    sentence : str
        What was found, and why it does not tell.
    needed : str
        What would be needed.
    **known
        Other fields of the finding: value, shown, probes ...
    """
    given: dict[str, Any] = {"value": float("nan"), "shown": "-", "scope": "-"} | known
    return Finding(
        by_provenance=None, by_intervention=None, sentence=f"{sentence} {needed}".strip(),
        needed=needed, **given,
    )  # fmt: skip


def by_equations(met: bool, equation: str, **known: Any) -> Finding:
    """The finding where nothing was run: what the rule's equations say.

    Parameters
    ----------
    met : bool
    equation : str
        From which it follows.
    **known
        Other fields of the finding: value, shown, scope ...
    """
    given: dict[str, Any] = {"value": float(not met), "shown": "-", "scope": "-"} | known
    sentence = f"Follows from the rule's equations: {equation}"
    return Finding(
        by_provenance=None, by_intervention=None, sentence=sentence, by_equations=met,
        equation=equation, **given,
    )  # fmt: skip


def interval(summary: Summary) -> dict[str, Any]:
    """The interval and the floor of a finding."""
    return {"lower": summary.lower, "upper": summary.upper, "floor": summary.floor}


@dataclass(frozen=True)
class Criterion:
    """One criterion.

    Attributes
    ----------
    key : str
        "C1" ...
    title, definition, source, procedure, threshold, why : str
    measure : callable
        (AuditedRule) -> Finding; of a rule that leaves its updates in `.grad`.
    claim : str or None
        Name of the rule's claim that this criterion tests.
    alone : str
        Why intervention alone judges it; empty where provenance does too.
    measure_plasticity : callable or None
        (AuditedPlasticity) -> Finding; of a plasticity that acts while a network spikes. None where
        the criterion is not asked of one.
    """

    key: str
    title: str
    definition: str
    source: str
    procedure: str
    threshold: str
    why: str
    measure: Callable[[Any], Finding]
    claim: str | None = None
    alone: str = ""
    measure_plasticity: Callable[[Any], Finding] | None = None
