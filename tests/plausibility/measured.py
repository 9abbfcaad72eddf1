"""Rules under audit, each made and measured once for all tests."""

from __future__ import annotations

from functools import cache
from typing import Any

from spikelearn.networks.plasticity import PairSTDP
from spikelearn.plausibility.audited_plasticity import AuditedPlasticity
from spikelearn.plausibility.audited_rule import AuditedRule
from spikelearn.plausibility.criteria import CRITERIA, Finding


@cache
def audited(rule: Any) -> AuditedRule:
    """A rule under audit."""
    return AuditedRule(rule)


@cache
def finding(rule: Any, key: str) -> Finding:
    """What the audit says of it."""
    return audited(rule).finding(CRITERIA[key])


def passes(rule: Any, key: str) -> bool:
    """Whether both instruments say that the criterion is met."""
    measured = finding(rule, key)
    assert measured.verdict in ("pass", "fail"), (measured.verdict, measured.sentence)
    return measured.verdict == "pass"


@cache
def pair_stdp() -> AuditedPlasticity:
    """Pair-based STDP and nothing else."""
    return AuditedPlasticity("pair", PairSTDP(a_plus=0.01, a_minus=0.012))


@cache
def scaled_stdp() -> AuditedPlasticity:
    """The same with weights that are scaled to a sum onto each neuron."""
    rule = PairSTDP(a_plus=0.01, a_minus=0.012, normalise_sum=3.0, normalise_every_ms=50.0)
    return AuditedPlasticity("scaled", rule)


def of_plasticity(plasticity: AuditedPlasticity, key: str) -> Finding:
    """What the audit says of a plasticity."""
    return plasticity.finding(CRITERIA[key])
