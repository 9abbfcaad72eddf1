"""What a criterion is, and what measuring it finds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from spikelearn.plausibility.instruments.intervention import Probe, Summary

Verdict = Literal["pass", "fail", "disagree", "reported", "does not apply"]


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
        95 % interval of the probes' mean effect; NaN where there are no probes.
    scope : str
        What the update needed to know of: "synapse", "neuron", "layer", "network", "batch", "time",
        or "-".
    by_provenance, by_intervention : bool or None
        Whether the criterion is met, by each instrument; None where an instrument cannot say.
    sentence : str
        What was found.
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

    @property
    def verdict(self) -> Verdict:
        """Met only where both instruments say so; where they differ, that is what is said."""
        if not self.applies:
            return "does not apply"
        if not self.judged:
            return "reported"
        said = {v for v in (self.by_provenance, self.by_intervention) if v is not None}
        if not said:
            return "reported"
        if len(said) == 2:
            return "disagree"
        return "pass" if said == {True} else "fail"


def absent(reason: str) -> Finding:
    """The finding where a criterion does not apply."""
    return Finding(float("nan"), "-", "-", None, None, reason, applies=False)


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
