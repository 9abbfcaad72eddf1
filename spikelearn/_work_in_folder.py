"""Tasks whose results lie in one folder, shared out among workers, some of which do not see it.

    for task, outcome in outcomes_in(folder, work, tasks, Workers(number=2)):

A worker that sees the folder works in it. One that does not, on another machine with disks of its
own, works in a folder that it makes, and sends back all that it has written there. What a task
raises is its outcome and stops no other; what it warns of is told here.
"""

from __future__ import annotations

import contextlib
import functools
import importlib.metadata
import tempfile
import threading
import warnings
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from spikelearn._atomic import WriteError, atomic_folder, atomic_path, hidden_folder
from spikelearn._batches import scratch
from spikelearn._code import folder_code
from spikelearn._errors import DataUnavailableError, SpikelearnError
from spikelearn._provenance import package_versions
from spikelearn._raised import raised
from spikelearn._room import NoRoomError
from spikelearn._store import MADE
from spikelearn._threads import NoThreadError, is_refused_thread
from spikelearn._workers import LostTask, Workers, outcomes

Work = Callable[[Any, Any], Any]


@dataclass(frozen=True)
class Failed:
    """The outcome of a task that failed.

    Attributes
    ----------
    sentence : str
        Why.
    passing : bool
        Whether that lies in the machine rather than in the task: a full disk, data not at hand.
    lacks_room : bool
        Whether there was no memory for it, or no disk, beside what else was computed.
    """

    sentence: str
    passing: bool = False
    lacks_room: bool = False


def outcomes_in(
    folder: Path | None,
    work: Work,
    tasks: Iterable[Any],
    workers: Workers,
    tell: Callable[[str], None] | None = None,
    uses_gpu: Callable[[Any], bool] | None = None,
    watch: Callable[[int], None] | None = None,
) -> Generator[tuple[Any, Any], None, None]:
    """Each task with its outcome, in the order in which they are done.

    Parameters
    ----------
    folder : Path or None
        In which results are kept; None where nothing is.
    work : callable
        Takes a task and the folder to work in, which is another than `folder` on a worker that does
        not see that. Where others compute, it, tasks and outcomes are sent by pickle.
    tasks : iterable
        Taken one after another as there are workers for them.
    workers : Workers
    tell : callable, optional
        Called with a sentence on where progress can be watched, and on jobs that wait.
    uses_gpu : callable, optional
        Whether a task needs a GPU; see `outcomes`.
    watch : callable, optional
        Called with how many other processes compute, as it changes.

    Yields
    ------
    (task, outcome)
        `Failed` where the work raised, or worker after worker died of it.
    """
    by_others = elsewhere(workers) and folder is not None
    with seen(folder, by_others) as token:
        made = _InFolder(work, folder.absolute() if by_others and folder else folder, token,
                         workers.alone)  # fmt: skip
        found = outcomes(made, tasks, workers, versions, tell, uses_gpu, watch)
        with contextlib.closing(found):
            for task, given in found:
                yield task, _taken(given, folder)


def elsewhere(workers: Workers) -> bool:
    """Whether workers may be on machines that do not see the disks of this one."""
    return workers.elsewhere


def _taken(given: Any, folder: Path | None) -> Any:
    """What a worker has sent, with its files and its words put where they belong."""
    if isinstance(given, LostTask):
        return Failed(given.sentence)
    for category, sentence in given.notes:
        warnings.warn(sentence, category, stacklevel=4)
    if folder is not None:
        for place, content in given.files.items():
            write_sent(folder / place, content)
    return given.outcome


@dataclass(frozen=True)
class _Sent:
    outcome: Any
    files: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[tuple[type[Warning], str], ...] = ()

    @property
    def lacks_room(self) -> bool:
        """Whether it may be done where nothing else is computed."""
        if isinstance(self.outcome, Mapping):
            return bool(self.outcome.get("lacks_room"))
        return isinstance(self.outcome, Failed) and self.outcome.lacks_room


@dataclass(frozen=True)
class _InFolder:
    """What a worker does with a task.

    Attributes
    ----------
    work : callable
    folder : Path or None
    token : str
        A folder in the folder, by which a worker knows that it sees it; empty for those that do.
    alone : bool
        Whether this process computes itself, and warnings need not be sent.
    """

    work: Work
    folder: Path | None
    token: str
    alone: bool

    def __call__(self, task: Any) -> _Sent:
        if self.alone:
            return _Sent(tried(self.work, task, self.folder))
        with warnings.catch_warnings(record=True) as noticed:
            warnings.simplefilter("always")
            if self.folder is None or not self.token or (self.folder / self.token).is_dir():
                outcome, files = tried(self.work, task, self.folder), {}
            else:
                with tempfile.TemporaryDirectory(prefix="spikelearn-", dir=scratch()) as name:
                    outcome = tried(self.work, task, Path(name))
                    files = to_send(Path(name))
        told = dict.fromkeys(
            (one.category, str(one.message)) for one in noticed if is_told(one.category)
        )
        return _Sent(outcome, files, tuple(told))


def tried(function: Callable[..., Any], *args: Any) -> Any:
    """What a function gives; `Failed`, where it raises, whatever that is.

    Where this thread is the main one of its process, a `KeyboardInterrupt` is from outside.
    """
    try:
        return function(*args)
    except SpikelearnError as error:
        passing = isinstance(error, WriteError | DataUnavailableError | NoThreadError)
        return Failed(str(error), passing, isinstance(error, NoRoomError | NoThreadError))
    except MemoryError as error:
        return Failed(raised(error), lacks_room=True)
    except BaseException as error:  # also what is meant to end a program
        if is_refused_thread(error):  # to a library
            return Failed(str(NoThreadError()), True, True)
        outside = threading.current_thread() is threading.main_thread()
        if isinstance(error, KeyboardInterrupt) and outside:
            raise
        return Failed(raised(error))


def is_told(category: type[Warning]) -> bool:
    """Whether a warning is for users: not what libraries say to programmers."""
    return not issubclass(
        category, DeprecationWarning | PendingDeprecationWarning | ResourceWarning
    )


def to_send(folder: Path) -> dict[str, Any]:
    """All that lies in a folder, by place in it: bytes of a file; of a result all of its files."""
    found: dict[str, Any] = {}
    results = sorted(path.parent for path in folder.rglob(MADE))
    for result in results:
        inside = sorted(file for file in result.rglob("*") if file.is_file())
        content = {file.relative_to(result).as_posix(): file.read_bytes() for file in inside}
        found[result.relative_to(folder).as_posix()] = content
    for file in sorted(folder.rglob("*")):
        if file.is_file() and not any(result in file.parents for result in results):
            found[file.relative_to(folder).as_posix()] = file.read_bytes()
    return found


def write_sent(path: Path, content: Any) -> None:
    """Write what was sent: a file, or a result, which is there whole or not at all.

    Parameters
    ----------
    path : Path
    content : bytes or mapping
        One of the values of `to_send`.
    """
    if isinstance(content, bytes):
        with atomic_path(path) as temporary:
            temporary.write_bytes(content)
        return
    with atomic_folder(path, durable=True) as temporary:
        for name, part in content.items():
            (temporary / name).parent.mkdir(parents=True, exist_ok=True)
            (temporary / name).write_bytes(part)


@contextlib.contextmanager
def seen(folder: Path | None, by_others: bool) -> Iterator[str]:
    """A folder by which workers elsewhere know that they see another; its name, empty for none.

    Parameters
    ----------
    folder : Path or None
    by_others : bool
        Whether there are such workers.
    """
    if folder is None or not by_others:
        yield ""
        return
    # The next process removes that of one that was killed.
    with hidden_folder(folder / "seen") as token:
        yield token.name


@functools.cache
def versions() -> dict[str, str]:
    """What must be the same on every worker: the toolkit's code, and what numbers hang on."""
    of_packages = {n: v for n, v in package_versions().items() if n != "platform"}
    compiling = {name: importlib.metadata.version(name) for name in ("numba", "dask")}
    return {"the toolkit's code": folder_code("."), **of_packages, **compiling}
