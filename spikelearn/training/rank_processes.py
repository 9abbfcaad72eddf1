"""The processes that share a training: started, told what to do, and ended with the first of them.

The process that was asked for the training is rank 0: it computes its part, evaluates, and writes
all that is kept. The others get the examples and the state of the rule by files (that of a
checkpoint, which does not depend on the number of processes), and compute epochs when they are told
to, a line of JSON for each. After every epoch all must have the same weights, bit for bit.

Signals that ask for the end are left to rank 0. The others end when it does, however it ends; when
one of them is lost, or answers no more, rank 0 says so in a sentence, and ends the rest.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np
import torch

from spikelearn._errors import SpikelearnError
from spikelearn._imported_files import own_path
from spikelearn._raised import raised
from spikelearn._seeding import torch_generator
from spikelearn._threads import start
from spikelearn.rules import make_rule, rule_code
from spikelearn.training.checked_runs import described_network
from spikelearn.training.checkpoints import Progressed, read_checkpoint, write_checkpoint
from spikelearn.training.config import TrainConfig
from spikelearn.training.epoch import seeded_epoch
from spikelearn.training.images import Split
from spikelearn.training.on_threads import on_threads
from spikelearn.training.optimization import Optimizer
from spikelearn.training.rank_groups import LostRank, Processes
from spikelearn.training.ranks import Ranks, digest
from spikelearn.training.sharable import kept_beside, refuse_coupled

if TYPE_CHECKING:
    from spikelearn.rules.rule import Rule

SILENT_S = 300  # seconds without an answer, and a process counts as lost
_STATE, _MEETING = "state.safetensors", "meeting"
_ENDING = [getattr(signal, n) for n in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, n)]


class RankError(SpikelearnError):
    """A process that shares a training was lost, or failed."""


def check_sharing(config: TrainConfig, ranks: int, threads: int) -> None:
    """Refuse numbers of processes and threads that cannot be.

    Parameters
    ----------
    config : TrainConfig
    ranks, threads : int
        Processes, and threads of each.

    Raises
    ------
    SpikelearnError
    """
    for name, number in (("ranks", ranks), ("threads", threads)):
        if not isinstance(number, int) or isinstance(number, bool) or number < 1:
            raise SpikelearnError(f"{name} must be a whole number above 0, found {number!r}")
    if ranks > 1 and config.device != "cpu":
        raise SpikelearnError(
            f"ranks are processes that compute on the processor, and device {config.device} was"
            " asked for; leave out one of the two"
        )
    if ranks > config.batch_size:
        raise SpikelearnError(
            f"{ranks} ranks cannot share batches of {config.batch_size}; give at most as many ranks"
            " as batch_size"
        )


@contextlib.contextmanager
def shared(
    config: TrainConfig,
    complete: dict[str, Any],
    rule: Rule,
    data: Split,
    ranks: int,
    threads: int,
) -> Iterator[Team | None]:
    """Yield the processes that share a training; None where it is one alone.

    Parameters
    ----------
    config : TrainConfig
    complete : mapping
        All that decides the run.
    rule : Rule
        Prepared.
    data : Split
        The training examples.
    ranks, threads : int
        Processes, and threads of each.

    Raises
    ------
    SpikelearnError
        If the rule learns something else from a batch than the mean of what it learns from parts.
    """
    if ranks == 1 or not rule.trains:
        yield None
        return
    refuse_coupled(rule, config.rule)

    def afresh() -> Rule:
        one = make_rule(config.rule_place, **config.options)
        network = described_network(complete["network"], config.model).build(config.seed)
        one.prepare(network.double(), torch_generator(config.seed, "rule", config.rule))
        one.extra.double()
        return one

    team = Team(config, complete, data, ranks, threads)
    try:
        team.kept = kept_beside(afresh, data, config.epochs, config.rule)
        yield team
    finally:
        team.end()


class Team:
    """Rank 0 of a training, with the other processes.

    Parameters
    ----------
    config : TrainConfig
    complete : mapping
        All that decides the run.
    data : Split
        The training examples.
    number : int
        Of processes, this one included.
    threads : int
        Of each.
    """

    def __init__(
        self,
        config: TrainConfig,
        complete: dict[str, Any],
        data: Split,
        number: int,
        threads: int,
    ) -> None:
        self.number, self.data = number, data
        self.ranks: Ranks | None = None
        self.kept: tuple[str, ...] = ()  # what updates move beside the parameters
        self._config, self._complete, self._threads = config, complete, threads
        self._folder = Path(tempfile.mkdtemp(prefix="spikelearn-ranks-"))
        self._others: list[_Other] = []
        try:
            for rank in range(1, number):
                self._others.append(_Other(rank, number, self._folder))
        except OSError as error:
            self.end()
            raise SpikelearnError(f"no further process could be started ({error})") from error
        except BaseException:
            self.end()
            raise

    def begin(self, rule: Rule, optimizer: Optimizer, generator: torch.Generator) -> None:
        """Hand the others the examples and the state from which all go on, and meet them.

        Parameters
        ----------
        rule : Rule
            With the weights from which training goes on.
        optimizer : Optimizer
        generator : torch.Generator
            Of what the rule draws.
        """
        state = Progressed([{"epoch": 0, "train_loss": 0.0, "validation_accuracy": 0.0}], {}, -1, 0)
        try:
            np.save(self._folder / "x.npy", self.data.x.numpy())
            np.save(self._folder / "y.npy", self.data.y.numpy())
            write_checkpoint(self._folder / _STATE, rule, optimizer, generator, state)
        except OSError as error:
            raise SpikelearnError(
                f"the training examples cannot be handed to other processes by {self._folder}"
                f" ({error.strerror or error}); TMPDIR names another place"
            ) from error
        task = {
            "config": self._config.model_dump(mode="json", exclude_none=True),
            "rule": self._config.rule_place, "code": self._complete["code"],
            "network": self._complete["network"], "threads": self._threads, "kept": self.kept,
        }  # fmt: skip
        for other in self._others:
            other.tell(task)
        for other in self._others:
            other.answer()
        for other in self._others:
            other.tell({"meet": True})
        group = Processes(self._folder / _MEETING, 0, self.number, self._look_after)
        self.ranks = Ranks(group, rule, self.kept)

    @contextlib.contextmanager
    def epoch(self, epoch: int, generator: torch.Generator) -> Iterator[Ranks]:
        """An epoch, which the others compute while this process computes its part in the block.

        Raises
        ------
        RankError
        """
        assert self.ranks is not None  # noqa: S101 - for the type checker
        state = bytes(generator.get_state().numpy()).hex()
        try:
            for other in self._others:
                other.tell({"epoch": epoch, "generator": state})
            yield self.ranks
            mine = digest(self.ranks.rule, generator)
            for other in self._others:
                if other.answer()["digest"] != mine:
                    raise RankError(
                        f"the processes have come to different weights in epoch {epoch}: the rule"
                        f" '{self._config.rule}' keeps something that they do not share; train it"
                        " with ranks 1"
                    )
        except LostRank as error:
            raise RankError(f"{self._why(error)}, in epoch {epoch}") from error

    def end(self) -> None:
        """End the others, and leave the rule as it was before."""
        if self.ranks is not None:
            self.ranks.release()
        for other in self._others:
            other.end()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _look_after(self, seconds: int) -> None:
        """Called in every second in which no other process gives its part."""
        if any(other.has_ended() for other in self._others):
            raise LostRank("it has ended")
        if seconds >= SILENT_S:
            raise LostRank(f"another process has not answered for {SILENT_S} s and was ended")

    def _why(self, error: LostRank) -> str:
        """What has happened to the others, in words."""
        ended = [words for other in self._others if (words := other.failure())]
        return ended[0] if ended else str(error)


class _Other:
    """Another process, as rank 0 knows it."""

    def __init__(self, rank: int, number: int, folder: Path) -> None:
        self.rank, self.number = rank, number
        self._errors = folder / f"{rank}.errors"
        # Whatever lies in the working folder is not taken for a library.
        code = (
            f"import sys; sys.path[:] = {own_path()!r}; from {__name__} import main;"
            f" main({rank}, {number}, {str(folder)!r})"
        )
        with open(self._errors, "wb") as errors:
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and code
                [sys.executable, "-c", code],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors,
            )  # fmt: skip
        self._answers: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self._failed = ""
        try:
            start(threading.Thread(target=self._listen, daemon=True))
        except SpikelearnError:
            self.end()
            raise

    def _listen(self) -> None:
        with contextlib.suppress(ValueError, OSError):  # closed, or cut off in a line
            for line in _pipe(self._process.stdout):
                self._answers.put(json.loads(line))
        self._answers.put(None)

    def tell(self, words: dict[str, Any]) -> None:
        """Send it a line."""
        try:
            _pipe(self._process.stdin).write(json.dumps(words).encode() + b"\n")
            _pipe(self._process.stdin).flush()
        except OSError as error:
            raise RankError(self.failure() or f"process {self.rank} has ended") from error

    def answer(self) -> dict[str, Any]:
        """Its next line.

        Raises
        ------
        RankError
            If it has ended, has failed, or does not answer.
        """
        for _ in range(SILENT_S):
            with contextlib.suppress(queue.Empty):
                found = self._answers.get(timeout=1)
                if found is None or "failed" in found:
                    self._failed = (found or {}).get("failed", "")
                    raise RankError(self.failure() or f"process {self.rank} has ended")
                return found
        raise RankError(
            f"process {self.rank + 1} of {self.number} has not answered for {SILENT_S} s and was"
            " ended"
        )

    def has_ended(self) -> bool:
        """Whether it is there no more."""
        return self._process.poll() is not None

    def failure(self) -> str:
        """Why it has ended, in words; empty where it has not."""
        while not self._failed:  # what it says of its end, which lies behind what it answered
            try:
                found = self._answers.get(timeout=1)
            except queue.Empty:
                return ""
            if found is None:
                break
            self._failed = found.get("failed", "")
        who = f"process {self.rank + 1} of {self.number}"
        if self._failed:
            return self._failed
        status = self._process.wait()
        if status < 0:
            name = signal.Signals(-status).name
            return f"{who} was ended by {name} (out of memory, or by somebody)"
        said = self._errors.read_text(errors="replace").strip().splitlines()
        last = f": {said[-1]}" if said else ""
        return f"{who} ended with status {status}{last}"

    def end(self) -> None:
        """End it; nothing of it is needed."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(OSError):
                _pipe(pipe).close()


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    assert pipe is not None  # noqa: S101 - for the type checker
    return pipe


# --- What the others do.


def main(rank: int, number: int, folder: str) -> None:
    """One of the others: do what rank 0 says, and end with it.

    Parameters
    ----------
    rank, number : int
        Which of the processes this one is, and how many they are.
    folder : str
        Where rank 0 has put what this process needs.
    """
    for one in _ENDING:
        signal.signal(one, signal.SIG_IGN)
    answers, sys.stdout = sys.stdout, sys.stderr  # what a rule prints is no answer
    told: queue.Queue[dict[str, Any]] = queue.Queue()

    def listen() -> None:
        with contextlib.suppress(ValueError, OSError):
            for line in sys.stdin:
                told.put(json.loads(line))
        shutil.rmtree(folder, ignore_errors=True)
        os._exit(0)  # rank 0 is no more, whatever is being computed here

    def say(words: dict[str, Any]) -> None:
        answers.write(json.dumps(words) + "\n")
        answers.flush()

    listening = threading.Thread(target=listen, daemon=True)
    start(listening)
    try:
        _take_part(rank, number, Path(folder), told, say)
    except LostRank:
        listening.join()  # another is lost: rank 0 ends this process, or is the one that is lost
    except BaseException as error:
        say({"failed": str(error) if isinstance(error, SpikelearnError) else raised(error)})
        os._exit(1)


def _take_part(
    rank: int, number: int, folder: Path, told: queue.Queue[dict[str, Any]], say: Any
) -> None:
    task = told.get()
    config = TrainConfig.model_validate(task["config"])
    # The same texts and values, by whatever names this process and rank 0 know their modules.
    if sorted(rule_code(task["rule"]).values()) != sorted(task["code"].values()):
        raise SpikelearnError(
            f"the rule '{config.rule}' is another in a process of its own than here: what was set"
            " on its class after its file was read is not there; write it into the file"
        )
    rule = make_rule(task["rule"], **config.options)
    generator = torch_generator(config.seed, "rule", config.rule)
    rule.prepare(described_network(task["network"], config.model).build(config.seed), generator)
    optimizer, _ = read_checkpoint(folder / _STATE, rule, Optimizer(config, rule), generator)
    x, y = (torch.from_numpy(np.load(folder / f"{n}.npy", mmap_mode="c")) for n in ("x", "y"))
    data = Split(x, y)
    say({"ready": rank})
    told.get()
    ranks = Ranks(Processes(folder / _MEETING, rank, number), rule, task["kept"])
    with on_threads(task["threads"]):
        while True:
            words = told.get()
            state = np.frombuffer(bytes.fromhex(words["generator"]), np.uint8).copy()
            generator.set_state(torch.from_numpy(state))
            seeded_epoch(config, rule, data, optimizer, words["epoch"], ranks=ranks)
            say({"digest": digest(rule, generator)})
