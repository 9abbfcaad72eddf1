"""The pieces of a study computed: one after another in this process, or side by side by workers.

What workers compute lies in the study's folder as what this process computes. A worker that does
not see the folder trains and compares what is not trained yet, and sends that back; what is trained
needs only be compared, and is left to this process. So are comparisons with a recording that a
worker does not have. A network that failed is not tried again, unless that is asked for: why is
kept in `failed/`, by all that decided it.
"""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spikelearn import _store as store
from spikelearn._atomic import atomic_folder
from spikelearn._code import folder_code
from spikelearn._errors import SpikelearnError
from spikelearn._files import read_yaml, write_yaml
from spikelearn._keys import content_key
from spikelearn._progress import Progress
from spikelearn._work_in_folder import Failed, outcomes_in, tried
from spikelearn._workers import Workers
from spikelearn.studies import comparing
from spikelearn.studies.early_audits import AuditTask, AuditWork, EarlyAudits
from spikelearn.studies.network_entry import NetworkEntry
from spikelearn.studies.study import Study
from spikelearn.studies.study_origins import recording_key
from spikelearn.studies.study_pieces import COMPARED, JUDGED, Piece

if TYPE_CHECKING:
    from spikelearn.recordings import ImageRecording

now = time.time  # which workers of other machines have, too


class _OutOfTimeError(Exception):
    pass


@dataclass(frozen=True)
class Done:
    """What came of a piece: what was read for it, by kind; or why it is not done.

    Attributes
    ----------
    read : dict of str to list of str
        Places of what was read instead of computed, in the study's folder, by kind.
    left : str
        Why it is left to the process of the study, whole or in part; empty where it is done.
    out_of_time : bool
    """

    read: dict[str, list[str]] = field(default_factory=dict)
    left: str = ""
    out_of_time: bool = False


@dataclass
class Computing:
    """The pieces of a study, and who computes them.

    Attributes
    ----------
    pieces : sequence of Piece
    workers : Workers
    ends_at : float
        When to stop, in seconds since 1970; in the middle of a run, whose complete epochs are kept.
    say : callable
        Called with the fraction done and a few words.
    tell : callable
        Called with sentences.
    again : bool
        Whether to compute also what is there.
    retry_failed : bool
        Whether to try again what failed an earlier time.
    seconds : dict of str to float
        How long training takes about, by the key of the run, where that is known.
    audits : EarlyAudits, optional
        Which workers make when no piece waits for one of them.
    """

    pieces: Sequence[Piece]
    workers: Workers
    ends_at: float
    say: Progress
    tell: Callable[[str], None]
    again: bool = False
    retry_failed: bool = False
    seconds: dict[str, float] = field(default_factory=dict)
    audits: EarlyAudits | None = None

    def failed(self) -> dict[int, str]:
        """Compute what is not there; why pieces failed, by their places, now or an earlier time."""
        failed: dict[int, str] = {}
        waiting = []
        for number, piece in enumerate(self.pieces):
            before = "" if self.again or self.retry_failed else _failed_before(piece)
            if before:
                failed[number] = before
            else:
                waiting.append(number)
        if not self.workers.alone:
            waiting = self._by_workers(waiting, failed)
        self._here(waiting, failed)
        return dict(sorted(failed.items()))

    def _here(self, waiting: Sequence[int], failed: dict[int, str]) -> None:
        """Compute pieces in this process, one after another.

        Not by `outcomes`, by which simulations would compute on one thread.
        """
        for at, number in enumerate(waiting):
            piece = self.pieces[number]

            def say(fraction: float, words: str, at: int = at, p: Piece = piece) -> None:
                self.say((at + fraction) / len(waiting), f"{p.title}: {words}")

            by_workers = dict(piece.read)
            given = tried(_compute, piece, say, self.ends_at, self.again and not by_workers)
            piece.read |= by_workers
            self._note(piece, number, given, failed)
            if isinstance(given, Done) and given.out_of_time:
                return
        self.say(1.0, "no piece left")

    def _by_workers(self, waiting: Sequence[int], failed: dict[int, str]) -> list[int]:
        """Have workers compute pieces; those that are left to this process."""
        settled = [] if self.again else [n for n in waiting if self.pieces[n].settled]
        todo = [number for number in waiting if number not in settled]
        left: dict[str, list[int]] = {}
        n_done = 0
        with contextlib.closing(self._outcomes(todo)) as found:
            for task, given in found:
                if isinstance(task, AuditTask):
                    self._note_audit(task, given)
                    continue
                number = task[0]
                piece = self.pieces[number]
                self._note(piece, number, given, failed)
                if isinstance(given, Done):
                    piece.read = {
                        kind: [piece.folder / place for place in places]
                        for kind, places in given.read.items()
                    }
                    if given.left:
                        left.setdefault(given.left, []).append(number)
                n_done += 1
                words = f"{n_done} of {len(todo)}"
                words += f", {len(failed)} failed" if failed else ""
                self.say(n_done / len(todo), f"{words}, on {self.workers}")
        for why, numbers in left.items():
            count = f"{len(numbers)} network{'s are' if len(numbers) > 1 else ' is'}"
            self.tell(f"{count} left to this process: {why}")
        return sorted([*settled, *(number for numbers in left.values() for number in numbers)])

    def _outcomes(self, todo: Sequence[int]) -> Generator[tuple[Any, Any], None, None]:
        if not todo:
            return
        first = self.pieces[0]
        work = StudyWork(
            PieceWork(
                first.study, first.folder.absolute(), first.keys_of_recordings(), self.ends_at,
                self.again,
            ),
            None if self.audits is None else self.audits.work,
        )  # fmt: skip
        self.say(0.0, f"0 of {len(todo)}, on {self.workers}")
        tasks = self._tasks(todo)
        yield from outcomes_in(first.folder, work, tasks, self.workers, self.tell, work.uses_gpu)

    def _tasks(self, todo: Sequence[int]) -> Iterator[Any]:
        """What is shared out: pieces, and audits behind them, as far as time allows."""
        for number in self._spread(todo):
            piece = self.pieces[number]
            if now() < self.ends_at:
                yield number, piece.entry, piece.seed, piece.trained and not self.again
        # What is there of them takes a second to find out: while workers are busy.
        for audit in () if self.audits is None else self.audits.tasks():
            if now() < self.ends_at:
                yield audit

    def _note_audit(self, task: AuditTask, given: Any) -> None:
        if self.audits is not None and not isinstance(given, Failed):
            self.audits.note(task)

    def _spread(self, todo: Sequence[int]) -> list[int]:
        """One seed after another, of each what takes longest first: workers then end together.

        The first of those that have controls in common stand before all others: two workers would
        otherwise compute the same controls at the same time.
        """
        seeds = list(dict.fromkeys(self.pieces[number].seed for number in todo))

        def place(number: int) -> tuple[int, float]:
            piece = self.pieces[number]
            return seeds.index(piece.seed), -self.seconds.get(piece.key, 0.0)

        todo = sorted(todo, key=place)
        first: dict[tuple[str, str, int], int] = {}
        for number in todo:
            piece = self.pieces[number]
            first.setdefault((piece.config.dataset, piece.config.model, piece.seed), number)
        begun = list(first.values())
        return [*begun, *(number for number in todo if number not in begun)]

    def _note(self, piece: Piece, number: int, given: Any, failed: dict[int, str]) -> None:
        """Keep why a piece failed, or forget why it did an earlier time."""
        file = _failure_file(piece)
        if isinstance(given, Failed):
            failed[number] = given.sentence
            if not given.passing:
                content = {"network": piece.title, "key": _failure_key(piece)}
                write_yaml(file, {**content, "why": given.sentence})
        elif not given.out_of_time and not given.left:
            file.unlink(missing_ok=True)


def take_trained(pieces: Sequence[Piece], runs: Path) -> int:
    """Copy into a study what a folder of runs holds of its networks; how many these are.

    Parameters
    ----------
    pieces : sequence of Piece
    runs : Path
        In which `spikelearn train` or a sweep may have trained them: the same runs, by their keys.
    """
    taken = 0
    for piece in trained_in(runs, pieces):
        with contextlib.suppress(SpikelearnError):  # what cannot be read is trained
            with atomic_folder(piece.run, durable=True) as temporary:
                shutil.copytree(runs / piece.name, temporary, dirs_exist_ok=True)
            taken += 1
    return taken


def trained_in(runs: Path, pieces: Sequence[Piece]) -> list[Piece]:
    """Those that are to be trained, and that a folder of runs holds trained: by their keys."""
    found = []
    for piece in pieces:
        there = runs / piece.name
        if store.is_complete(there) and not piece.trained:
            with contextlib.suppress(SpikelearnError):
                if store.made(there).get("key") == piece.key:
                    found.append(piece)
    return found


def _compute(piece: Piece, say: Progress, ends_at: float, again: bool) -> Done:
    """Compute a piece, as far as time allows."""

    def part(fraction: float, words: str) -> None:
        if now() > ends_at:
            raise _OutOfTimeError
        say(fraction, words)

    try:
        part(0.0, "begins")
        piece.compute(part, again)
    except _OutOfTimeError:
        return Done(out_of_time=True)
    return Done(
        {
            kind: [place.relative_to(piece.folder).as_posix() for place in places]
            for kind, places in piece.read.items()
        }
    )


def _failed_before(piece: Piece) -> str:
    """Why a piece failed an earlier time, by today's code and data; empty where it did not."""
    file = _failure_file(piece)
    if not file.is_file():  # to read the toolkit's code for the key takes a second
        return ""
    with contextlib.suppress(SpikelearnError):
        content = read_yaml(file)
        if isinstance(content, dict) and content.get("key") == _failure_key(piece):
            return f"{content.get('why')} (an earlier time; --retry-failed tries it again)"
    return ""


def _failure_file(piece: Piece) -> Path:
    return piece.folder / "failed" / f"{piece.name}.yaml"


def _failure_key(piece: Piece) -> str:
    """What decides whether a piece fails again: all that decides it, and the toolkit's code."""
    return content_key([piece.key, piece.keys_of_recordings(), folder_code(".")])


# Of a process: what pieces of one study share, by the study's key.
_shared: dict[str, tuple[dict[str, Any], dict[Any, Any], dict[str, Any], str]] = {}


@dataclass(frozen=True)
class PieceWork:
    """What a worker does with a piece of a study.

    Attributes
    ----------
    study : Study
    folder : Path
        Of the study.
    keys : dict of str to dict
        The recordings by name, with the keys of their content.
    ends_at : float
    again : bool
    """

    study: Study
    folder: Path
    keys: dict[str, dict[str, str]]
    ends_at: float
    again: bool

    def __call__(self, task: tuple[int, NetworkEntry, int, bool], folder: Path) -> Done:
        """Compute a piece.

        Parameters
        ----------
        task : (number, entry, seed, trained)
            `trained`: whether the study's folder holds the network.
        folder : Path
            To work in; another than the study's where that is not seen.
        """
        _, entry, seed, trained = task
        if trained and folder.absolute() != self.folder:
            return Done(left="trained already, in a folder that workers do not see")
        recordings, baselines, contents, lacking = self._of_process()
        if lacking and self.study.along_training:
            return Done(left=lacking)
        piece = Piece(self.study, folder, entry, seed, recordings, baselines, contents)
        done = _compute(piece, lambda fraction, words: None, self.ends_at, self.again)
        if lacking and not done.out_of_time:
            read = {kind: places for kind, places in done.read.items() if kind not in COMPARED}
            return Done(read, left=lacking)
        return done

    def uses_gpu(self, task: tuple[int, NetworkEntry, int, bool]) -> bool:
        """Whether a piece needs a GPU."""
        return task[1].seen("device") == "cuda"

    def _of_process(self) -> tuple[dict[str, Any], dict[Any, Any], dict[str, Any], str]:
        """The recordings, as this process has them, with what all pieces share; what is lacking."""
        known = content_key([self.study.model_dump(mode="json"), self.keys])
        if known not in _shared:
            _shared.clear()
            recordings, lacking = loaded(self.keys)
            _shared[known] = recordings, {}, {}, lacking
        return _shared[known]


@dataclass(frozen=True)
class StudyWork:
    """What a worker does with a piece of a study, or with one of its audits.

    Attributes
    ----------
    pieces : PieceWork
    audits : AuditWork or None
    """

    pieces: PieceWork
    audits: AuditWork | None = None

    def __call__(self, task: Any, folder: Path) -> Done | None:
        """Compute it.

        Parameters
        ----------
        task : AuditTask, or as of `PieceWork`
        folder : Path
            To work in.
        """
        if isinstance(task, AuditTask):
            assert self.audits is not None  # noqa: S101 - for the type checker
            return self.audits(task, folder)
        return self.pieces(task, folder)

    def uses_gpu(self, task: Any) -> bool:
        """Whether it needs a GPU."""
        return not isinstance(task, AuditTask) and self.pieces.uses_gpu(task)


def loaded(keys: dict[str, dict[str, str]]) -> tuple[dict[str, ImageRecording], str]:
    """The recordings of those names and contents; none, and why, where one is not to be had.

    Parameters
    ----------
    keys : dict of str to dict
        From names to keys of content, as of `recording_key`.
    """
    found: dict[str, ImageRecording] = {}
    for name, key in keys.items():
        plain = name.removesuffix(JUDGED)
        try:
            found[name] = found.get(plain) or comparing.image_recording(plain)
        except Exception as error:  # whatever is not there, the process of the study has it
            return {}, f"workers have no recording {plain} ({' '.join(str(error).split())[:200]})"
        if recording_key(found[name]) != key:
            return {}, f"workers have another recording by the name {plain}"
    return found, ""
