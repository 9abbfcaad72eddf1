"""The old place of `trace`, which is now a method of `RepeatedUpdate`, kept for a release."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from spikelearn.plausibility.instruments.repeated_update import Outcome, RepeatedUpdate


def trace(update: RepeatedUpdate) -> Outcome:
    """Run one update and follow where everything in it came from."""
    warnings.warn(
        f"{__name__}.trace(update) is now update.traced(); the old name goes with the next release",
        FutureWarning,
        stacklevel=2,
    )
    return update.traced()
