"""The old name of `spikelearn.plausibility.instruments.repeated_update`, kept for a release."""

from __future__ import annotations

import warnings
from typing import Any


def __getattr__(name: str) -> Any:
    from spikelearn.plausibility.instruments import repeated_update

    now = {"Bench": "RepeatedUpdate"}.get(name, name)
    if name.startswith("_") or not hasattr(repeated_update, now):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    warnings.warn(
        f"{__name__}.{name} is now {repeated_update.__name__}.{now}; the old name goes with the"
        " next release",
        FutureWarning,
        stacklevel=2,
    )
    return getattr(repeated_update, now)
