"""Brian2 is imported here, so that errors and warnings of others stay as they are.

Brian2 takes over what Python does with uncaught exceptions, in whose place it asks for a report of
a bug in Brian2, and hands all warnings to its log.
"""

from __future__ import annotations

import functools
import logging
import sys
from collections.abc import Callable
from typing import Any

from spikelearn._errors import SpikelearnError


def import_brian2() -> Any:
    """The module; what is uncaught is told as before, or where a user imports Brian2, ours is."""
    is_new = "brian2" not in sys.modules
    hook = sys.excepthook
    captured = getattr(logging, "_warnings_showwarning", None) is not None
    import brian2
    from brian2.utils.logger import brian_excepthook

    if is_new:
        sys.excepthook = hook
        if not captured:
            logging.captureWarnings(False)
    elif sys.excepthook is brian_excepthook:
        sys.excepthook = functools.partial(_told, brian_excepthook)
    return brian2


def _told(others: Callable[..., Any], kind: type[BaseException], error: Any, trace: Any) -> None:
    """Tell our own errors as Python does, and leave the rest to others."""
    (sys.__excepthook__ if issubclass(kind, SpikelearnError) else others)(kind, error, trace)
