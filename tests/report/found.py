"""An audit made up for tests: a finding of every kind."""

from __future__ import annotations

import dataclasses

from spikelearn.plausibility.audit import Audit
from spikelearn.plausibility.criterion import Finding, absent, by_equations, untold

_RUN = Finding(0.25, "0.25", "layer", True, True, "Was run.", 0.2, 0.3, interval_of="probes")
FINDINGS = {
    "pass": _RUN,
    "fail": dataclasses.replace(_RUN, by_provenance=False, by_intervention=False),
    "disagree": dataclasses.replace(_RUN, by_provenance=False),
    "contradicted": dataclasses.replace(_RUN, contradiction="The cosine is 1.00."),
    "undecided": dataclasses.replace(_RUN, undecided=True, counts="3 pass, 2 fail"),
    "follows from the equations: met": by_equations(True, "w = w + x"),
    "follows from the equations: not met": by_equations(False, "w = w + e"),
    "cannot be told": untold("Little was learned.", "Needed: three times chance."),
    "reported": dataclasses.replace(_RUN, judged=False),
    "does not apply": absent("no hidden layer learns"),
}


def every_kind() -> Audit:
    """One rule, a criterion a kind of verdict; claims of the first three and of one untold."""
    keys = ["C1", "C2", "C3", "C4a", "C4b", "C4c", "C5", "C6", "C16", "C8"]
    claims = [True, True, False, None, None, None, None, True, None, None]
    rows = [("oja", key, one, claim)
            for key, one, claim in zip(keys, FINDINGS.values(), claims, strict=True)]  # fmt: skip
    return Audit(rows, 0, {0: rows, 1: rows, 2: rows})
