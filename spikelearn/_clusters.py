"""Workers that are jobs in a cluster's queue, by dask-jobqueue and a file as it has them.

    jobqueue:
      slurm:                   # or pbs, lsf, sge, oar, htcondor, moab
        cores: 4               # of a job
        memory: 8 GB
        queue: short
        walltime: '01:00:00'

Of the cores of a job each of its workers takes as many as it has threads, so that a job of 4 cores
holds 4 workers of one thread; `processes` says another number of workers. A job that ends while
there is work, as at the end of its walltime, is followed by another.
"""

from __future__ import annotations

import asyncio
import contextlib
import shlex
import shutil
import signal
import threading
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from spikelearn._counts import counted
from spikelearn._errors import SpikelearnError, nearest
from spikelearn._extras import lacking
from spikelearn._files import read_yaml

# Of dask-jobqueue's classes, by what its file calls them.
QUEUES = {
    "slurm": "SLURMCluster", "pbs": "PBSCluster", "lsf": "LSFCluster", "sge": "SGECluster",
    "oar": "OARCluster", "htcondor": "HTCondorCluster", "moab": "MoabCluster",
}  # fmt: skip
ANSWER_S = 60.0  # for the queue to take the jobs
LOST_S = 15.0  # without a worker of it, and a job is taken to have ended
GPU = "GPU"  # what workers call a GPU of theirs


@dataclass(frozen=True)
class JobQueue:
    """What a file says of the jobs of a cluster; `read_queue` makes it.

    Attributes
    ----------
    path : Path
    kind : str
        Of `QUEUES`.
    settings : dict
        As dask-jobqueue has them.
    threads : int
        Of each worker.
    notes : tuple of str
        What dask-jobqueue says of them.
    """

    path: Path
    kind: str
    settings: dict[str, Any]
    threads: int
    notes: tuple[str, ...] = ()

    @property
    def processes(self) -> int:
        """Workers of a job."""
        return int(self.settings["processes"])

    @property
    def gpus(self) -> float:
        """GPUs that each worker says it has."""
        words = [shlex.split(str(word)) for word in self.settings.get("worker-extra-args") or []]
        flat = [part for word in words for part in word]
        for at, part in enumerate(flat):
            option, _, given = part.partition("=")
            if option == "--resources":
                for one in (given or " ".join(flat[at + 1 : at + 2])).replace(",", " ").split():
                    name, _, number = one.partition("=")
                    if name == GPU:
                        return float(number or 0)
        return 0.0

    @contextlib.contextmanager
    def in_force(self) -> Iterator[None]:
        """Within the block dask-jobqueue has these settings."""
        import dask

        values = {f"jobqueue.{self.kind}.{name}": value for name, value in self.settings.items()}
        with dask.config.set(values):
            yield


def read_queue(path: str | Path, threads: int = 1) -> JobQueue:
    """What a file of dask-jobqueue's says, checked as far as it can be without the cluster.

    Parameters
    ----------
    path : str or Path
        A YAML file with one queue below `jobqueue`.
    threads : int
        Of each worker.

    Raises
    ------
    SpikelearnError
        Where dask-jobqueue is not installed, or the file says what it does not know.
    """
    path = Path(path)
    _jobqueue()
    kind, settings = _only_queue(path, read_yaml(path))
    known = _known(kind)
    given: dict[str, Any] = {}
    for name, value in settings.items():
        dashed = str(name).replace("_", "-")
        if dashed not in known:
            raise SpikelearnError(
                f"{path}: field 'jobqueue.{kind}.{name}': there is no such field;"
                f" {nearest(dashed, known)}"
            )
        if dashed in given:
            raise SpikelearnError(f"{path}: field 'jobqueue.{kind}.{dashed}' stands twice")
        if value is not None:
            _check_shape(f"{path}: field 'jobqueue.{kind}.{name}'", value, known[dashed])
            given[dashed] = value
    cores = _whole(path, kind, given, "cores")
    if "memory" not in given:
        raise SpikelearnError(
            f"{path}: field 'jobqueue.{kind}.memory' is needed: memory of a job, as in memory: 8 GB"
        )
    processes = _whole(path, kind, given, "processes") if "processes" in given else None
    if processes is None:
        processes = cores // threads
    if processes < 1 or processes * threads > cores:
        raise SpikelearnError(
            f"{path}: a job of {counted(cores, 'core')} does not hold"
            f" {counted(max(processes, 1), 'worker')} of {counted(threads, 'thread')}; give"
            f" cores: {max(processes, 1) * threads}, or workers fewer threads"
        )
    queue = JobQueue(path, kind, {**given, "processes": processes}, threads)
    return replace(queue, notes=_notes(queue))


def job_script(queue: JobQueue) -> str:
    """The script of a job, as it is given to the cluster; an address stands for the scheduler."""
    with _without_words():
        return str(_job(queue).job_script())


def cores_at_rest(queue: JobQueue) -> int:
    """Cores of a job that none of its workers uses."""
    return int(queue.settings["cores"]) - queue.processes * queue.threads


@contextlib.contextmanager
def cluster_of(
    queue: JobQueue, jobs: tuple[int, int], tell: Callable[[str], None]
) -> Iterator[Any]:
    """A Dask cluster whose workers are jobs; at the end they are taken back.

    Parameters
    ----------
    queue : JobQueue
    jobs : (int, int)
        At least, and at most: as many as there is work for.
    tell : callable
        Told in a sentence which jobs wait.

    Raises
    ------
    SpikelearnError
        Where the queue takes none of the jobs.
    """
    import dask

    submit = shlex.split(_cluster_class(queue.kind).job_cls.submit_command)[0]
    if shutil.which(submit) is None:
        raise SpikelearnError(
            f"there is no command `{submit}` here, by which {queue.kind} takes jobs; start this"
            " where jobs are submitted, as on a login node"
        )
    answers = _Answers()
    settings = {"distributed.deploy.lost-worker-timeout": f"{LOST_S} s"}
    with dask.config.set(settings), queue.in_force(), _without_words():
        cluster = _started(queue, answers)
        try:
            cluster.scale(jobs=jobs[0])
            taken, refused = answers.of(jobs[0])
            if not taken:
                raise SpikelearnError(
                    f"`{submit}` took no job: {refused[0] if refused else 'it does not answer'}"
                )
            for sentence in (*queue.notes, _told(queue, jobs, taken, refused)):
                tell(sentence)
            # Follows jobs that end by others, also where least and most are one.
            cluster.adapt(
                minimum_jobs=jobs[0], maximum_jobs=jobs[1], interval="1 s", target_duration="0.5 s"
            )
            yield cluster
        finally:
            # What goes wrong at the end is not what went wrong.
            with contextlib.suppress(Exception):
                cluster.close(timeout=30)


def _told(queue: JobQueue, jobs: tuple[int, int], taken: list[str], refused: list[str]) -> str:
    n, workers = len(taken), len(taken) * queue.processes
    sentence = f"{counted(n, 'job')} in the queue of {queue.kind} ({', '.join(taken[:5])}"
    sentence += f"{', ...' if n > 5 else ''}), of {counted(workers, 'worker')};"
    if jobs[1] > jobs[0]:
        sentence += f" up to {jobs[1]} jobs as there is work;"
    sentence += " runs begin with the first that starts, and Ctrl-C takes them back"
    if refused:
        sentence += f". {len(refused)} more were refused: {refused[0]}"
    return sentence


class _Answers:
    """What the queue said of the jobs that were given to it."""

    def __init__(self) -> None:
        self.taken: list[str] = []
        self.refused: list[str] = []
        self._changed = threading.Condition()

    def add(self, taken: str | None, refused: str | None = None) -> None:
        with self._changed:
            if taken is not None:
                self.taken.append(taken)
            if refused is not None:
                self.refused.append(refused)
            self._changed.notify_all()

    def of(self, number: int) -> tuple[list[str], list[str]]:
        """Of so many jobs: numbers of those taken, and why others were not."""
        with self._changed:
            self._changed.wait_for(
                lambda: len(self.taken) + len(self.refused) >= number, timeout=ANSWER_S
            )
            return list(self.taken), list(self.refused)


def _started(queue: JobQueue, answers: _Answers) -> Any:
    """A cluster of jobs that say how the queue answered, and which are followed by others."""
    from distributed.core import Status

    base = _cluster_class(queue.kind)

    class Job(_one_at_a_time(base.job_cls)):  # type: ignore[misc]
        async def start(self) -> None:
            try:
                await super().start()
            except Exception as error:
                self.status = Status.failed  # else the cluster is not closed
                answers.add(None, _words(error))
                raise
            answers.add(str(self.job_id))

    class Cluster(base):  # type: ignore[misc, valid-type]
        def _update_worker_status(self, op: str, msg: Any) -> None:
            """Of a job of several workers, the end of the last is the end of the job."""
            if op == "remove" and queue.processes > 1:
                name = str(self.scheduler_info["workers"][msg]["name"]).rpartition("-")[0]
                asyncio.get_running_loop().call_later(LOST_S, self._end_if_lost, name)
            super()._update_worker_status(op, msg)

        def _end_if_lost(self, name: str) -> None:
            alive = {str(w["name"]) for w in self.scheduler_info["workers"].values()}
            if name in self.workers and not any(one.rpartition("-")[0] == name for one in alive):
                self._futures.add(asyncio.ensure_future(self.workers.pop(name).close()))

    given = dict(queue.settings.get("scheduler-options") or {})
    # Any free port: the one by custom may be another user's.
    given = {"dashboard_address": ":0", **given}
    try:
        return Cluster(
            job_cls=Job, processes=queue.processes, scheduler_options=given, silence_logs="critical"
        )
    except Exception as error:
        raise SpikelearnError(
            f"the scheduler of the jobs of {queue.path} does not start: {_words(error)};"
            " `interface` and `scheduler-options` say where it is reached"
        ) from error


def _one_at_a_time(job_class: Any) -> Any:
    """Jobs whose workers take one task at a time, on however many threads it computes."""

    class OneAtATime(job_class):
        @property
        def worker_process_threads(self) -> int:
            return 1

    return OneAtATime


def _job(queue: JobQueue) -> Any:
    job_class = _one_at_a_time(_cluster_class(queue.kind).job_cls)
    with queue.in_force():
        return job_class("tcp://SCHEDULER:PORT", name="NAME", processes=queue.processes)


def _notes(queue: JobQueue) -> tuple[str, ...]:
    """What dask-jobqueue says of the settings; those that it makes no script of are refused."""
    try:
        with warnings.catch_warnings(record=True) as noticed:
            warnings.simplefilter("always")
            _job(queue).job_script()
    except Exception as error:
        raise SpikelearnError(
            f"{queue.path}: dask-jobqueue makes no job of it: {_words(error)}"
        ) from error
    return tuple(dict.fromkeys(str(one.message) for one in noticed))


def _check_shape(where: str, value: Any, usual: Any) -> None:
    """Refuse a text where a list is wanted: each of its letters would be taken for one entry."""
    for kind, words in ((list, "a list"), (dict, "a mapping")):
        if isinstance(usual, kind) and not isinstance(value, kind):
            raise SpikelearnError(f"{where}: {words} is needed, found {value!r:.60}")
    if not isinstance(usual, list | dict) and isinstance(value, list | dict):
        raise SpikelearnError(f"{where}: one value is needed, found {value!r:.60}")


@contextlib.contextmanager
def _without_words() -> Iterator[None]:
    """Without what dask-jobqueue says of settings, every time that it makes a job of them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _words(error: BaseException) -> str:
    """What went wrong, in one line: of a command, what it said."""
    said = str(error)
    if "stderr:\n" in said:
        said = said.partition("stderr:\n")[2].strip() or said.partition("stdout:\n")[2].strip()
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    return lines[0][:300].rstrip(".") if lines else type(error).__name__


def _only_queue(path: Path, content: Any) -> tuple[str, dict[str, Any]]:
    """The name of the queue in a file, and what stands there."""
    example = "one is written as jobqueue: {slurm: {cores: 4, memory: 8 GB}}"
    if not isinstance(content, dict) or "jobqueue" not in content:
        raise SpikelearnError(f"{path} says nothing of a queue; {example}")
    if others := [str(name) for name in content if name != "jobqueue"]:
        raise SpikelearnError(
            f"{path}: '{others[0]}' is no part of it; settings of Dask's own stand in"
            " ~/.config/dask"
        )
    queues = content["jobqueue"]
    if not isinstance(queues, dict) or not queues:
        raise SpikelearnError(f"{path} says nothing of a queue; {example}")
    for kind in queues:
        if kind not in QUEUES:
            raise SpikelearnError(
                f"{path}: there is no queue '{kind}'; {nearest(str(kind), QUEUES)}"
            )
    if len(queues) > 1:
        raise SpikelearnError(
            f"{path} describes {len(queues)} queues, {' and '.join(queues)}; jobs go to one"
        )
    ((kind, settings),) = queues.items()
    if not isinstance(settings, dict):
        raise SpikelearnError(f"{path} says nothing of the jobs of {kind}; {example}")
    return kind, settings


def _whole(path: Path, kind: str, given: dict[str, Any], name: str) -> int:
    value = given.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        found = "none is given" if value is None else f"found {value!r:.60}"
        raise SpikelearnError(
            f"{path}: field 'jobqueue.{kind}.{name}': a whole number above 0 is needed, {found}"
        )
    return value


def _known(kind: str) -> dict[str, Any]:
    """The settings that dask-jobqueue has for a queue, with what they are by default."""
    # As it is shipped: what Dask has at hand may hold settings of the user's own.
    file = Path(_jobqueue().__file__).with_name("jobqueue.yaml")
    return dict(read_yaml(file)["jobqueue"][kind])


def _cluster_class(kind: str) -> Any:
    return getattr(_jobqueue(), QUEUES[kind])


def _jobqueue() -> Any:
    before = signal.getsignal(signal.SIGINT)
    is_main = threading.current_thread() is threading.main_thread()
    try:
        import dask_jobqueue
    except ImportError as error:
        raise lacking("dask_jobqueue", "a cluster's queue", error) from error
    except ValueError as error:  # of a signal's handler
        if is_main:
            raise
        raise SpikelearnError(
            "dask-jobqueue can be imported in a program's main thread only; import it there first"
        ) from error
    finally:
        # It takes Ctrl-C for itself where it is imported.
        if is_main and before is not None:
            signal.signal(signal.SIGINT, before)
    return dask_jobqueue
