"""A Dask scheduler that runs elsewhere: whether it answers, and its workers compute by our code."""

from __future__ import annotations

import contextlib
import threading
import warnings
from collections.abc import Callable, Iterator
from typing import Any

from spikelearn._batches import asked, differing
from spikelearn._errors import SpikelearnError
from spikelearn._threads import start

ANSWER_S = 10.0  # for a scheduler to answer
SAID_S = 1.0  # of waiting, and it is said


@contextlib.contextmanager
def client_of(address: str, tell: Callable[[str], None]) -> Iterator[Any]:
    """A client of the scheduler at an address.

    Parameters
    ----------
    address : str
        Such as tcp://10.0.0.1:8786.
    tell : callable
        Called with a sentence where it takes a while.

    Raises
    ------
    SpikelearnError
        If it does not answer within `ANSWER_S`, or has no workers.
    """
    from distributed import Client
    from distributed.versions import VersionMismatchWarning

    _refuse_silent(address, tell)
    try:
        with warnings.catch_warnings():
            # A table of many lines; what counts is compared by `refuse_other_versions`.
            warnings.simplefilter("ignore", VersionMismatchWarning)
            client = Client(address, timeout=ANSWER_S, set_as_default=False)
    except (OSError, TimeoutError, ValueError, ImportError) as error:
        raise _silent(address, error) from error
    try:
        _wait_for_workers(client, address, tell)
        yield client
    finally:
        with contextlib.suppress(Exception):  # what it says of its end helps nobody
            client.close(timeout=10)


def _wait_for_workers(client: Any, address: str, tell: Callable[[str], None]) -> None:
    """Give workers that were started with the scheduler the time to come."""
    for seconds in (SAID_S, ANSWER_S):
        try:
            client.wait_for_workers(1, timeout=seconds)
        except TimeoutError:
            if seconds == SAID_S:
                tell(f"Waiting for a worker of {address}, {ANSWER_S:g} s at most")
        else:
            return
    raise SpikelearnError(
        f"the scheduler at {address} has no workers; start some with `dask worker {address}"
        " --nthreads 1`"
    )


def _refuse_silent(address: str, tell: Callable[[str], None]) -> None:
    """Refuse an address at which no scheduler answers, also where something there only listens."""
    ended = threading.Event()
    wrong: list[Exception] = []

    def ask() -> None:
        import asyncio

        try:
            asyncio.run(_greeted(address))
        except Exception as error:  # whatever else may listen there
            wrong.append(error)
        ended.set()

    # In a thread of its own: this one may run a loop already, as notebooks do.
    start(threading.Thread(target=ask, daemon=True))
    if not ended.wait(SAID_S):
        tell(f"Waiting for the scheduler at {address}, {ANSWER_S:g} s at most")
        ended.wait(ANSWER_S + 5)
    if wrong or not ended.is_set():
        error = wrong[0] if wrong else TimeoutError()
        raise _silent(address, error) from error


async def _greeted(address: str) -> None:
    import asyncio

    from distributed.comm import connect

    comm = await asyncio.wait_for(connect(address, timeout=ANSWER_S), ANSWER_S)
    await comm.close()


def _silent(address: str, error: Exception) -> SpikelearnError:
    if isinstance(error, ValueError):
        return SpikelearnError(
            f"'{address}' is no address of a scheduler, such as tcp://10.0.0.1:8786"
        )
    return SpikelearnError(
        f"no Dask scheduler answers at {address} within {ANSWER_S:g} s; start one with `dask"
        " scheduler`, and workers with `dask worker ADDRESS`"
    )


def refuse_other_versions(client: Any, address: str, version: Callable[[], Any] | None) -> None:
    """Refuse workers that compute by other code than this process.

    Those that do not answer, or compute meanwhile, are asked once more with their first batch.

    Parameters
    ----------
    client : distributed.Client
    address : str
        Of the scheduler.
    version : callable or None
        Gives what must be the same.

    Raises
    ------
    SpikelearnError
        Naming the worker and what differs.
    """
    if version is None:
        return
    mine = version()
    try:
        answers = client.sync(
            client._run, asked, version, on_error="return", callback_timeout=ANSWER_S
        )
    except TimeoutError:
        return
    for worker, theirs in answers.items():
        if isinstance(theirs, OSError):  # gone, or cut off
            continue
        failed = isinstance(theirs, BaseException)
        if failed or (isinstance(theirs, str) and not isinstance(mine, str)):
            words = f"{type(theirs).__name__}: {theirs}" if failed else theirs
            said = " ".join(words.split())[:200]
            raise SpikelearnError(
                f"the worker {worker} of {address} cannot say by which versions it computes"
                f" ({said}); install the toolkit there as it is here"
            )
        if theirs != mine:
            raise SpikelearnError(
                f"the worker {worker} of {address} computes by other code than this process"
                f" ({differing(mine, theirs)}); install the same versions in both places"
            )
