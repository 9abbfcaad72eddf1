"""The old name of `spikelearn.training` and `spikelearn.studies`, kept for a release.

What was imported from here is found where it lies now, with a word about where that is.
"""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import sys
import types
import warnings
from collections.abc import Sequence
from typing import Any

# Module that was here -> where it is now.
_MODULES = {
    "auditory": "studies.auditory",
    "comparing": "studies.comparing",
    "config": "training.config",
    "health": "training.measures",
    "representation": "studies.representation",
    "significance": "studies.significance",
    "stdp_training": "training.stdp_training",
    "stimulus": "simulation.simulate",
    "study": "studies.study",
    "training": "training.loop",
}
_NAMES = {
    "STDPConfig": "training",
    "STDPRun": "training",
    "TrainConfig": "training",
    "TrainedRun": "training",
    "compare": "studies",
    "open_run": "training",
    "open_stdp_run": "training",
    "show": "studies",
    "stimulus_for": "simulation",
    "train": "training",
    "train_stdp": "training",
}


def _say(old: str, new: str) -> None:
    warnings.warn(
        f"spikelearn.experiments.{old} is now in spikelearn.{new}; the old name goes with the next"
        " release",
        FutureWarning,
        stacklevel=3,
    )


def __getattr__(name: str) -> Any:
    if name not in _NAMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    _say(name, _NAMES[name])
    return getattr(importlib.import_module(f"spikelearn.{_NAMES[name]}"), name)


class _Moved(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds a module by its old name: the same module, not a second one."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        package, _, name = fullname.rpartition(".")
        if package != __name__ or name not in _MODULES:
            return None
        return importlib.machinery.ModuleSpec(fullname, self)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> types.ModuleType:
        name = spec.name.rpartition(".")[2]
        _say(name, _MODULES[name])
        module = types.ModuleType(spec.name)
        now = importlib.import_module(f"spikelearn.{_MODULES[name]}")
        module.__dict__.update(
            {key: value for key, value in vars(now).items() if not key.startswith("__")}
        )
        return module

    def exec_module(self, module: types.ModuleType) -> None:
        """All is there already."""


sys.meta_path.append(_Moved())
