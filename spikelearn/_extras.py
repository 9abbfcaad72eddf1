"""Libraries of the extras: who lacks one is told in one sentence which extra it is of."""

from __future__ import annotations

from dataclasses import dataclass

from spikelearn._errors import SpikelearnError

DISTRIBUTION = "spikelearn-toolkit"


@dataclass(frozen=True)
class Library:
    """A library that not everyone has installed.

    Attributes
    ----------
    name : str
        As its authors write it.
    extra : str
        Of this distribution, which installs it.
    """

    name: str
    extra: str


# By the module that is imported.
LIBRARIES = {
    "bokeh": Library("Bokeh", "explore"),
    "dask_jobqueue": Library("dask-jobqueue", "cluster"),
    "nest": Library("the simulator NEST", "nest"),
    "optuna": Library("Optuna", "search"),
    "panel": Library("Panel", "explore"),
    "tensorboard": Library("TensorBoard", "tensorboard"),
}


def lacking(module: str, what: str, error: ImportError | None = None) -> SpikelearnError:
    """What is raised where a library of an extra cannot be imported.

    Parameters
    ----------
    module : str
        Of `LIBRARIES`.
    what : str
        What needs it.
    error : ImportError, optional
        Of its import, which is told where the library itself is there.
    """
    library = LIBRARIES[module]
    is_gone = error is None or (error.name or "").partition(".")[0] == module
    why = "is not installed" if is_gone else f"cannot be imported ({error})"
    return SpikelearnError(
        f"{what} needs {library.name}, which {why}; install it with"
        f" pip install '{DISTRIBUTION}[{library.extra}]'"
    )
