"""Studies over the corridor: runs compared with recordings, and whole studies.

representation.py    what a trained network makes of images
comparing.py         networks against a recording; image_baselines.py: what they should beat
significance.py      tests of a comparison
agreement.py         whether simulators give the same spikes
auditory.py          model neurons beside an auditory receptor
study.py             the description of a study; starting_study.py: one to start from
whole_study.py       a study from beginning to end, with all of its files
study_*.py           its parts: run and pieces, tests, audit, learning, spikes, auditory
"""

from __future__ import annotations

import importlib
from typing import Any

# Public name -> module; imported when used, because training needs torch.
_PLACES = {
    "compare": "comparing",
    "show": "representation",
}

__all__ = [
    "compare",
    "show",
]


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = importlib.import_module(f"{__name__}.{_PLACES[name]}")
    value = globals()[name] = getattr(module, name)
    return value
