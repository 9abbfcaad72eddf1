"""spikelearn: simulate spiking networks, train them by any learning rule, compare with brains.

The names below are the toolkit's front door; each room (`spikelearn.stimuli`, `networks`, `rules`,
`simulation`, `spikes`, `responses`, `recordings`, `training`, `plausibility`, `comparison`,
`plot`, `report`, `studies`, `sweeps`, `explorer`, `lessons`) has more.
Everything is imported when first used, so that `import spikelearn` costs next to nothing.
"""

from __future__ import annotations

import importlib
import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from spikelearn._errors import (
        DataUnavailableError,
        SpikelearnError,
        UnsupportedFeatureError,
    )
    from spikelearn.comparison.recording_summary import recording_summary
    from spikelearn.comparison.tables import read_first
    from spikelearn.explorer.notebook import explore
    from spikelearn.networks import load_model
    from spikelearn.networks.spiking import SpikingNetwork
    from spikelearn.recordings import load as load_recording
    from spikelearn.simulation.given import stimulus_for
    from spikelearn.simulation.simulate import simulate
    from spikelearn.spikes import load as load_activity
    from spikelearn.spikes.activity import Activity
    from spikelearn.stimuli import load_protocol
    from spikelearn.stimuli.stimulus import Stimulus
    from spikelearn.studies.comparing import compare
    from spikelearn.sweeps.description import Sweep
    from spikelearn.sweeps.running import sweep
    from spikelearn.training.config import STDPConfig, TrainConfig
    from spikelearn.training.given import train
    from spikelearn.training.opening import open_run
    from spikelearn.training.run_comparison import compare_runs
    from spikelearn.training.stdp_training import train_stdp

# Matrix products with the same bits whatever the number of threads; Intel's library reads this when
# torch first uses it.
os.environ.setdefault("MKL_CBWR", "AUTO,STRICT")

# Public name -> (module, name there).
_PLACES: dict[str, tuple[str, str]] = {
    "Activity": ("spikelearn.spikes.activity", "Activity"),
    "DataUnavailableError": ("spikelearn._errors", "DataUnavailableError"),
    "STDPConfig": ("spikelearn.training.config", "STDPConfig"),
    "SpikelearnError": ("spikelearn._errors", "SpikelearnError"),
    "SpikingNetwork": ("spikelearn.networks.spiking", "SpikingNetwork"),
    "Stimulus": ("spikelearn.stimuli.stimulus", "Stimulus"),
    "Sweep": ("spikelearn.sweeps.description", "Sweep"),
    "TrainConfig": ("spikelearn.training.config", "TrainConfig"),
    "UnsupportedFeatureError": ("spikelearn._errors", "UnsupportedFeatureError"),
    "compare": ("spikelearn.studies.comparing", "compare"),
    "compare_runs": ("spikelearn.training.run_comparison", "compare_runs"),
    "explore": ("spikelearn.explorer.notebook", "explore"),
    "load_activity": ("spikelearn.spikes", "load"),
    "load_model": ("spikelearn.networks", "load_model"),
    "load_protocol": ("spikelearn.stimuli", "load_protocol"),
    "load_recording": ("spikelearn.recordings", "load"),
    "recording_summary": ("spikelearn.comparison.recording_summary", "recording_summary"),
    "open_run": ("spikelearn.training.opening", "open_run"),
    "read_first": ("spikelearn.comparison.tables", "read_first"),
    "simulate": ("spikelearn.simulation", "simulate"),
    "stimulus_for": ("spikelearn.simulation.given", "stimulus_for"),
    "sweep": ("spikelearn.sweeps.running", "sweep"),
    "train": ("spikelearn.training.given", "train"),
    "train_stdp": ("spikelearn.training.stdp_training", "train_stdp"),
}

# Rooms, each a package with more.
_ROOMS = (
    "comparison", "explorer", "lessons", "networks", "plausibility", "plot", "recordings", "report",
    "responses", "rules", "simulation", "spikes", "stimuli", "studies", "sweeps", "training",
)  # fmt: skip

__all__ = [
    "Activity",
    "DataUnavailableError",
    "STDPConfig",
    "SpikelearnError",
    "SpikingNetwork",
    "Stimulus",
    "Sweep",
    "TrainConfig",
    "UnsupportedFeatureError",
    "compare",
    "compare_runs",
    "explore",
    "load_activity",
    "load_model",
    "load_protocol",
    "load_recording",
    "open_run",
    "read_first",
    "recording_summary",
    "simulate",
    "stimulus_for",
    "sweep",
    "train",
    "train_stdp",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("spikelearn-toolkit")
    if name in _ROOMS:
        return importlib.import_module(f"spikelearn.{name}")
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, there = _PLACES[name]
    value = globals()[name] = getattr(importlib.import_module(module), there)
    return value


def __dir__() -> list[str]:
    return sorted([*__all__, *_ROOMS, "__version__"])
