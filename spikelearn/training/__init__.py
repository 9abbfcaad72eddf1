"""Training: configuration, the one training loop, and STDP in simulated networks."""

from __future__ import annotations

import importlib
from typing import Any

from spikelearn._errors import TrainingWarning

# Public name -> module; imported when used, because training needs torch.
_PLACES = {
    "STDPConfig": "config",
    "STDPRun": "stdp_training",
    "TrainConfig": "config",
    "TrainedRun": "loop",
    "open_run": "opening",
    "open_stdp_run": "stdp_training",
    "train": "given",
    "train_stdp": "stdp_training",
}

__all__ = [
    "STDPConfig",
    "STDPRun",
    "TrainConfig",
    "TrainedRun",
    "TrainingWarning",
    "open_run",
    "open_stdp_run",
    "train",
    "train_stdp",
]


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = importlib.import_module(f"{__name__}.{_PLACES[name]}")
    value = globals()[name] = getattr(module, name)
    return value
