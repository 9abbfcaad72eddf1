"""Checks of the lesson on how plausible a learning rule is."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from spikelearn.lessons.answers import Hint, number, require_close

ASKED = ("backprop", "sign_symmetric_uniform", "direct_feedback_alignment")


def transporting_rules(answer: Any) -> str:
    """Which rules read the forward weights of the layers above, by their sources."""
    given = [answer] if isinstance(answer, str) else answer
    if not isinstance(given, Iterable):
        raise Hint(f"A list of names is asked for, found {given!r:.60}.")
    names = [str(one).strip() for one in given]
    unknown = [name for name in names if name not in ASKED]
    if unknown:
        raise Hint(f"'{unknown[0]:.60}' is none of {', '.join(ASKED)}.")
    for name in ASKED:
        if _transports(name) and name not in names:
            raise Hint(f"Look at the sources of {name} once more: its layer 1 reads layer 2.")
        if name in names and not _transports(name):
            raise Hint(f"Look at the sources of {name} once more: its feedback is its own.")
    return "Signs are read from the weights as well."


def _transports(name: str) -> bool:
    from spikelearn.plausibility.instruments.repeated_update import RepeatedUpdate

    update = RepeatedUpdate(name)
    sources: Iterable[str] = update.traced().sources(update.weight_names()[0])
    return any(source in sources for source in ("backwards layer 2", "backwards layer 3"))


def late_learning(answer: Any) -> str:
    """How far Z-IL is from backpropagation, a step late."""
    from spikelearn.plausibility.equivalences import EQUIVALENCES

    right = EQUIVALENCES["zil"].measure(1, 0)
    require_close(number(answer), right, "It is what `measure(1, 0)` returns.", 0.02)
    return "The equality holds on the exact schedule alone."


def own_rule(answer: Any) -> str:
    """A rule of the student's own that learns by errors and meets C1."""
    from spikelearn.plausibility.audit import audit_rule
    from spikelearn.rules.rule import Rule

    if not (isinstance(answer, type) and issubclass(answer, Rule)):
        raise Hint("A class of a rule is asked for, such as one that inherits FeedbackAlignment.")
    table = audit_rule(answer, criteria=["C1", "C9"]).table().set_index("criterion")
    if table.loc["C9", "verdict"] == "pass":
        raise Hint("It learns without labels, so that there is no error that could be sent.")
    if table.loc["C1", "verdict"] != "pass":
        raise Hint(f"Measured: {table['sentence'].to_dict()['C1']}")
    return "Measured, by both instruments: no weights above enter its update."


CHECKS: dict[int, Callable[[Any], str]] = {
    1: transporting_rules,
    2: late_learning,
    3: own_rule,
}
