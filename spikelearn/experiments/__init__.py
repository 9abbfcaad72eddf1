"""Experiments stand over the corridor: configuration, training, comparison, the demonstration."""

from __future__ import annotations

import importlib
from typing import Any

# Public name -> module; imported when used, because training needs torch.
_PLACES = {
    "STDPConfig": "config",
    "STDPRun": "stdp_training",
    "TrainConfig": "config",
    "TrainedRun": "training",
    "compare": "comparing",
    "open_run": "representation",
    "open_stdp_run": "stdp_training",
    "show": "representation",
    "stimulus_for": "stimulus",
    "train": "training",
    "train_stdp": "stdp_training",
}

__all__ = [
    "STDPConfig",
    "STDPRun",
    "TrainConfig",
    "TrainedRun",
    "compare",
    "open_run",
    "open_stdp_run",
    "show",
    "stimulus_for",
    "train",
    "train_stdp",
]


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_PLACES[name]}"), name)
