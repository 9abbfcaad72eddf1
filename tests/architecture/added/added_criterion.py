"""A criterion: what is measured of rules and of plasticity, and a line in CRITERIA."""

from __future__ import annotations

from spikelearn.plausibility.audited_plasticity import AuditedPlasticity
from spikelearn.plausibility.audited_rule import AuditedRule
from spikelearn.plausibility.criteria import CRITERIA, Criterion, Finding


def measure(audited: AuditedRule) -> Finding:
    """How many tensors does the rule keep beside the network?"""
    kept = len(list(audited.base.rule.extra.parameters()))
    return finding(kept)


def measure_plasticity(audited: AuditedPlasticity) -> Finding:
    """How many numbers does a synapse keep beside its weight?"""
    return finding(len(audited.variables["synapse"] - {"w"}))


def finding(kept: int) -> Finding:
    """What so many mean."""
    return Finding(float(kept), f"{kept}", "-", None, kept == 0, f"{kept} are kept.")


CRITERIA["added_criterion"] = Criterion(
    "added_criterion",
    "no memory",
    "A synapse keeps its weight and nothing else.",
    "nobody",
    "What is kept is counted.",
    "nothing is kept",
    "What is not kept needs no place.",
    measure,
    alone="Counted, not followed.",
    measure_plasticity=measure_plasticity,
)
