"""The report: figures, and one self-contained HTML page made of sections.

page.py                 the page: `write_page`, sections, pictures
learning.py             what networks learned
similarity.py           similarity to brains, beside accuracy, and every test
matrices.py             dissimilarity matrices
spiking.py              rasters, agreement of simulators, receptive fields
auditory.py             model neurons beside an auditory receptor
plausibility.py         a plausibility audit
psth.py, raster.py, receptive_fields.py, statistics.py   pictures of an activity, each in a file
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from spikelearn.report.page import About, Section, write_page
    from spikelearn.report.spiking import Raster

# Public name -> module; imported when used.
_PLACES = {"About": "page", "Raster": "spiking", "Section": "page", "write_page": "page"}

__all__ = ["About", "Raster", "Section", "write_page"]


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_PLACES[name]}"), name)
