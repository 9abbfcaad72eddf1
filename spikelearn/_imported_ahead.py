"""Worker processes of this machine begin as copies of one that has imported what they need.

To import PyTorch, SciPy and what builds on them takes each process some seconds of its core. So one
process imports that, beside this one and once for all workers, also those that take a dead one's
place: Python's fork server, on Linux. It computes nothing, and so has no threads that a copy could
miss (but for one of Arrow's allocator, which sees to copies itself). Elsewhere, and where this
program has a fork server of its own, each worker starts from nothing.

The copies are of this process's code: what they import is looked for where this process looks, and
where that has changed since, workers start from nothing, too.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
from collections.abc import Iterable, Iterator, Mapping

# What workers need, by what they do; libraries and rooms that are imported only when first used.
COMPARING = ("scipy.stats", "xarray", "pyarrow.parquet", "rsatoolbox", "spikelearn.comparison")
SIMULATING = ("spikelearn.sweeps.running", "spikelearn.simulation.native.engine")
TRAINING = (
    "torch._dynamo",
    "safetensors.torch",
    "pooch",
    "spikelearn.training.loop",
    "spikelearn.training.stdp_training",
)
AUDITING = (*TRAINING, "spikelearn.plausibility.measuring")
STUDYING = (*AUDITING, *COMPARING, "spikelearn.studies.study_computing")

ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")

# Where the fork server looks for modules; None where there is none of ours.
_looks_in: list[str] | None = None
_is_asked_for = False


def import_ahead(modules: Iterable[str] = ()) -> None:
    """Start the process that workers will be copies of, and return at once; done once a process.

    Parameters
    ----------
    modules : iterable of str
        That it imports; what cannot be imported is left to the workers.
    """
    global _is_asked_for, _looks_in  # noqa: PLW0603 - of the process, as its fork server is
    if _is_asked_for:
        return
    _is_asked_for = True
    if sys.platform != "linux" or multiprocessing.parent_process() is not None:
        return
    # Also while this process is one that another starts, and still reads its script.
    if getattr(multiprocessing.current_process(), "_inheriting", False):
        return
    from multiprocessing import forkserver

    # One that was started before has another environment, and nobody knows what it has imported.
    if forkserver._forkserver._forkserver_pid is not None:  # type: ignore[attr-defined]
        return
    places = [os.path.abspath(place) for place in sys.path]
    surroundings = {
        **ONE_THREAD,  # which libraries read when they are imported
        "PYTHONPATH": os.pathsep.join(places),
        "PYTHONSAFEPATH": "1",
    }
    multiprocessing.set_forkserver_preload(["distributed", *modules, "spikelearn._here_to_stay"])
    chosen = multiprocessing.get_start_method(allow_none=True)
    with _deaf_to_ctrl_c(), _environment(surroundings):
        forkserver.ensure_running()
    if chosen is None:  # nor has this program chosen now how it starts its own processes
        multiprocessing.set_start_method(None, force=True)
    # Another, in the place of one that was killed, would have other surroundings.
    multiprocessing.set_forkserver_preload([])
    _looks_in = list(sys.path)


def start_method() -> str:
    """How workers of this machine are started: "forkserver", or "spawn"."""
    import_ahead()
    is_ours = _looks_in is not None and sys.path[: len(_looks_in)] == _looks_in
    return "forkserver" if is_ours else "spawn"


@contextlib.contextmanager
def _deaf_to_ctrl_c() -> Iterator[None]:
    """Processes started in the block hear no Ctrl-C, which reaches all of a terminal.

    The fork server ignores it itself only when it has imported all; before that it would print
    where it was.
    """
    from multiprocessing import resource_tracker

    resource_tracker.ensure_running()  # where that is started by the fork server, it ends the block
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextlib.contextmanager
def _environment(changes: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in changes}
    os.environ.update(changes)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
