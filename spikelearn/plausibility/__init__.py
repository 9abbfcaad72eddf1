"""The plausibility audit: what a rule's synapses needed to know, measured on a running rule.

Two instruments, in the folder `instruments`: `provenance` (tags through every operation of one
update) and `intervention` (the same update with one thing changed where it is read). The criteria
are measured by them, a file each in `criteria`: of a rule that leaves its updates in `.grad`
(`audited_rule`), and of a plasticity that acts while a network spikes (`audited_plasticity`). A
criterion is passed only where both instruments agree. What was not run is not printed as measured:
it follows from a rule's equations, which stand beside, or it cannot be told.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from spikelearn.plausibility.audit import Audit, all_rules, audit_rule, audit_rules
    from spikelearn.plausibility.criteria import CRITERIA

__all__ = ["CRITERIA", "Audit", "all_rules", "audit_rule", "audit_rules"]


def __getattr__(name: str) -> Any:
    if name == "CRITERIA":
        from spikelearn.plausibility.criteria import CRITERIA

        return CRITERIA
    if name in __all__:
        from spikelearn.plausibility import audit

        return getattr(audit, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
