"""What the checks of rules and of backends give back."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class CheckResult:
    """Outcome of one property: `passed` is None where it does not apply; `detail` says why."""

    property: str
    passed: bool | None
    detail: str = ""


class Fails(Exception):
    """The property does not hold; the message says how."""


class Skips(Exception):
    """The property does not apply; the message says why."""
