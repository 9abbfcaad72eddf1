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
from spikelearn._extras import lacking
from spikelearn._mpi import n_ranks

# Threads meet after each shortest delay, which costs more than so many neurons take until then.
_NEURONS_PER_THREAD = 4_000
_in_use = threading.Lock()
# By these NEST without MPI sees that several processes were started, and ends this one at once.
_SEEN = ("OMPI_COMM_WORLD_SIZE", "MPI_LOCALNRANKS")


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
    started = {name: os.environ.pop(name) for name in _SEEN if name in os.environ}
    # It reads the command line as if that were its own, and has all libraries that are loaded
    # after it share their names.
    sys.argv = arguments[:1]
    os.environ.setdefault("PYNEST_QUIET", "1")
    try:
        import nest
    except ImportError as error:
        raise lacking("nest", "the backend nest", error) from None
    finally:
        sys.argv = arguments
        sys.setdlopenflags(flags)
        os.environ.update(started)
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
        Where NEST is not installed; where several processes were started that NEST does not join;
        where the process has a network of its own in NEST, which would be lost; or in place of what
        NEST itself raises within the block.
    """
    import threadpoolctl

    nest = import_nest()
    _check_started(nest)
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


def _check_started(nest: Any) -> None:
    """Refuse several processes that NEST does not join, each of which would do the whole."""
    started = n_ranks()
    if started == 1 or nest.GetKernelStatus("num_processes") > 1:
        return
    with_mpi = nest.build_info["have_mpi"]
    built = "with another MPI than the one that started them" if with_mpi else "without MPI"
    raise SpikelearnError(
        f"{started} processes were started together, as by mpirun, and this NEST was built {built}:"
        " each would simulate the whole and write the same files; start one, or use a NEST that was"
        " built with that MPI (`python benchmarks/nest_mpi.py` builds one)"
    )


def threads_for(n_neurons: int, most: int) -> int:
    """On how many threads a network runs, of so many at most.

    Parameters
    ----------
    n_neurons : int
        Those of one process.
    most : int
    """
    return max(1, min(most, n_neurons // _NEURONS_PER_THREAD))
