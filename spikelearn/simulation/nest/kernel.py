"""NEST's kernel, of which a process has one: imported in silence, lent to one run at a time."""

from __future__ import annotations

import contextlib
import functools
import os
import sys
import threading
from collections.abc import Iterator
from typing import Any

from spikelearn._errors import SpikelearnError
from spikelearn._threads import n_threads

# Threads meet after each shortest delay, which costs more than so many neurons take until then.
_NEURONS_PER_THREAD = 4_000
_in_use = threading.Lock()


@functools.cache
def import_nest() -> Any:
    """The module, imported without its banner.

    Raises
    ------
    SpikelearnError
        Where NEST is not installed, saying how to install it.
    """
    if sys.modules.get("nest") is not None:
        return sys.modules["nest"]
    arguments, flags, quiet = sys.argv, sys.getdlopenflags(), "PYNEST_QUIET" in os.environ
    # It reads the command line as if that were its own, and has all libraries that are loaded
    # after it share their names.
    sys.argv = arguments[:1]
    os.environ.setdefault("PYNEST_QUIET", "1")
    try:
        import nest
    except ImportError as error:
        raise SpikelearnError(
            "the backend nest needs the simulator NEST, which cannot be imported"
            f" ({error}); install it with pip install 'spikelearn-toolkit[nest]'"
        ) from None
    finally:
        sys.argv = arguments
        sys.setdlopenflags(flags)
        if not quiet:
            os.environ.pop("PYNEST_QUIET", None)
    return nest


@contextlib.contextmanager
def empty_kernel() -> Iterator[Any]:
    """NEST with no network in it; what is made in it within the block is gone after it.

    Within the block `ResetKernel` empties it again.

    Raises
    ------
    SpikelearnError
        Where NEST is not installed; where the process has a network of its own in NEST, which would
        be lost; or in place of what NEST itself raises within the block.
    """
    import threadpoolctl

    nest = import_nest()
    # NEST crashes where OpenMP has been told another number of threads than its kernel, as by
    # whoever limits the threads of all libraries; it tells its own when it changes.
    number = nest.GetKernelStatus("local_num_threads")
    with _in_use, threadpoolctl.threadpool_limits(number, user_api="openmp"):
        if nest.GetKernelStatus("network_size") > 0:
            raise SpikelearnError(
                "NEST holds one network a process, and this process has made one in it, which a"
                " simulation with backend nest would remove; call nest.ResetKernel() first, or"
                " simulate in another process"
            )
        verbosity = nest.verbosity
        nest.verbosity = nest.VerbosityLevel.QUIET
        try:
            nest.ResetKernel()
            yield nest
        except nest.NESTError as error:
            raise SpikelearnError(f"NEST refuses this: {' '.join(str(error).split())}") from error
        finally:
            nest.ResetKernel()
            nest.verbosity = verbosity


def threads_for(n_neurons: int) -> int:
    """On how many threads a network of so many neurons runs."""
    return max(1, min(n_threads(), n_neurons // _NEURONS_PER_THREAD))
