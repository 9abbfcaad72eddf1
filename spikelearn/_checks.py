"""What the checks of rules and of backends give back."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from spikelearn._errors import SpikelearnError
from spikelearn._raised import raised


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


def run_checks(
    properties: Iterable[tuple[str, Callable[[Any], None]]],
    tested: Any,
    skips: tuple[type[Exception], ...] = (),
) -> list[CheckResult]:
    """Call each property with what is tested.

    Parameters
    ----------
    properties : iterable of (name, callable)
        A property that does not hold raises `Fails`, or whatever else the tested code does; one
        that does not apply raises `Skips`, or one of `skips`.
    tested : object
        Whatever the properties take.
    skips : tuple of exception classes, optional

    Returns
    -------
    list of CheckResult
        One a property, in the order given.
    """
    not_applying: tuple[type[Exception], ...] = (Skips, *skips)
    results = []
    for name, test in properties:
        try:
            test(tested)
        except not_applying as reason:
            results.append(CheckResult(name, None, str(reason)))
        except (Fails, SpikelearnError) as failure:
            results.append(CheckResult(name, False, str(failure)))
        except (Exception, SystemExit) as error:  # the others are tested all the same
            results.append(CheckResult(name, False, raised(error)))
        else:
            results.append(CheckResult(name, True))
    return results


def failures(results: Iterable[CheckResult]) -> str:
    """Every property that failed, and how, in one sentence; empty where none did."""
    return "; ".join(f"{r.property}: {r.detail}" for r in results if r.passed is False)
