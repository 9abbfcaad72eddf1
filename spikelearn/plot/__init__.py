"""Pictures: each function draws into an axis of matplotlib and returns it.

    import spikelearn as sl
    activity = sl.simulate("brunel2000", duration_ms=200)
    sl.plot.raster(activity["excitatory"])            # in a figure of its own
    sl.plot.psth(activity, bin_ms=5, ax=axis)         # into an axis that is there

The command line and reports draw by the same functions. matplotlib is imported when something is
drawn.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from spikelearn.plot.dissimilarities import rdm
    from spikelearn.plot.learning_curves import learning_curve
    from spikelearn.plot.peristimulus import psth
    from spikelearn.plot.potentials import states
    from spikelearn.plot.rasters import raster
    from spikelearn.plot.rate_curves import rate_curve
    from spikelearn.plot.similarities import similarity
    from spikelearn.plot.stdp_windows import stdp_window
    from spikelearn.plot.weight_matrices import weights

# Public name -> module; imported when used.
_PLACES = {
    "learning_curve": "learning_curves",
    "psth": "peristimulus",
    "raster": "rasters",
    "rate_curve": "rate_curves",
    "rdm": "dissimilarities",
    "similarity": "similarities",
    "states": "potentials",
    "stdp_window": "stdp_windows",
    "weights": "weight_matrices",
}

__all__ = [
    "learning_curve",
    "psth",
    "raster",
    "rate_curve",
    "rdm",
    "similarity",
    "states",
    "stdp_window",
    "weights",
]


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_PLACES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
