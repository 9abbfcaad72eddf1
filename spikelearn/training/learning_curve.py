"""The learning curve of a run, on disk while it trains: whole after every epoch or part.

It lies beside the checkpoint, as `.NAME.learning_curve.csv`, and in the run's folder as
`learning_curve.csv` when the run is complete. A row an epoch (of STDP, a part of the images), with
the columns of the run's table `epochs`, and

seconds                  that the epoch took here, its validation included; empty where nobody
                         knows, as of epochs before a resumption whose file is gone
gradient_cosine.LAYER    between the rule's update and backpropagation's gradient, where a log for
                         TensorBoard asks for it

What differs from machine to machine stands here alone, and decides nothing.
"""

from __future__ import annotations

import contextlib
import copy
import csv
import io
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from spikelearn import _store as store
from spikelearn._files import write_text
from spikelearn.networks.layers import RateNetwork
from spikelearn.training.measures import activity, gradient_cosines
from spikelearn.training.stored_runs import Place
from spikelearn.training.tensorboard_log import TensorBoardLog

if TYPE_CHECKING:
    from spikelearn.rules.rule import Rule
    from spikelearn.training.images import Split

SECONDS, COSINE = "seconds", "gradient_cosine."
Row = dict[str, float]


class LearningCurve:
    """The curve of a run that is trained now.

    Parameters
    ----------
    place : Place or None
        Of the run; None where nothing is kept.
    tensorboard : path or None
        Folder of logs for TensorBoard, in which the run has one of its own; None for no log.
    name : str
        Of the run.
    """

    def __init__(self, place: Place | None, tensorboard: str | Path | None, name: str) -> None:
        self.place = place
        self.log = None if tensorboard is None else TensorBoardLog(tensorboard, name)
        self.rows: list[Row] = []
        self._beside = {} if place is None else _told_beside(place.curve)
        self._since = time.monotonic()

    @contextlib.contextmanager
    def followed(self) -> Iterator[None]:
        """Within the block others can tell that the run is made, and the log is open.

        What was interrupted before it had a checkpoint leaves nothing.
        """
        with contextlib.ExitStack() as stack:
            if self.log is not None:
                stack.callback(self.log.close)
            if self.place is not None:
                stack.callback(self._tidy)
                stack.enter_context(self.place.worked_on())
            self._since = time.monotonic()
            yield

    def _tidy(self) -> None:
        assert self.place is not None  # noqa: S101 - asked for before
        if not self.place.checkpoint.is_file():
            self.place.curve.unlink(missing_ok=True)

    def put(
        self,
        records: Sequence[Mapping[str, float]],
        rule: Rule | None = None,
        validation: Split | None = None,
    ) -> None:
        """Write the curve after an epoch.

        Parameters
        ----------
        records : sequence of mapping
            Of all epochs by now; the last is new.
        rule : Rule, optional
            As it is after the epoch; it stays so. Its alignment is measured where a log asks.
        validation : Split, optional
            On which that is measured.
        """
        now = time.monotonic()
        beside = {SECONDS: round(now - self._since, 6)}
        if self.log is not None and rule is not None and validation is not None:
            beside |= alignment(rule, validation)
        self._beside[int(records[-1]["epoch"])] = beside
        self.resumed(records)
        if self.place is not None:
            write_text(self.place.curve, self.text())
        if self.log is not None:
            self.log.write(self.rows)
        self._since = time.monotonic()

    def resumed(self, records: Sequence[Mapping[str, float]]) -> None:
        """Take over the records of a checkpoint, with what an earlier process told beside them."""
        self.rows = [{**r, **self._beside.get(int(r["epoch"]), {})} for r in records]

    def finish(self, summary: Mapping[str, Any]) -> None:
        """Log what was measured at the end."""
        if self.log is not None:
            self.log.write(self.rows)
            self.log.finish(summary)

    def log_complete(self, summary: Mapping[str, Any]) -> None:
        """Log a run that is complete, and is read."""
        if self.log is not None and self.place is not None:
            with contextlib.closing(self.log):
                self.log.write(rows_of(self.place.folder))
                self.log.finish(summary)

    def text(self) -> str:
        """The curve as the file has it."""
        columns = list(dict.fromkeys(name for row in self.rows for name in row))
        columns.sort(key=lambda name: (name == SECONDS) + 2 * name.startswith(COSINE))
        written = io.StringIO()
        table = csv.DictWriter(written, columns, restval="", lineterminator="\n")
        table.writeheader()
        table.writerows(self.rows)
        return written.getvalue()


def alignment(rule: Rule, validation: Split) -> Row:
    """Cosines with backpropagation by layer, measured on a copy: the rule stays as it is.

    Empty for networks that spike, and for rules that update nothing.
    """
    if not rule.trains or not isinstance(rule.network, RateNetwork):
        return {}
    with torch.random.fork_rng(devices=[]):  # of a rule that draws as it should not
        measured = copy.deepcopy(rule)
        names = activity(measured, validation.x[:1])
        cosines = gradient_cosines(measured, validation)
    return {f"{COSINE}{name}": cosine for name, cosine in zip(names, cosines, strict=True)}


def read_curve(path: Path) -> list[Row]:
    """The rows of a curve's file.

    Raises
    ------
    DamagedResultError
        If it is no table of numbers.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = [
                {name: float(value) for name, value in row.items() if value != ""}
                for row in csv.DictReader(file, strict=True)
            ]
        for row in rows:
            if not math.isfinite(row["epoch"]):
                raise ValueError("an epoch has no number")
    except (OSError, ValueError, TypeError, KeyError, csv.Error, AttributeError) as error:
        words = " ".join(str(error).split())[:200]
        raise store.DamagedResultError(f"{path} cannot be read ({words})") from error
    return rows


def _told_beside(path: Path) -> dict[int, Row]:
    """What an earlier process has told of epochs beside their records; nothing where it is gone."""
    if not path.is_file():
        return {}
    with contextlib.suppress(store.DamagedResultError):
        return {
            int(row["epoch"]): {k: v for k, v in row.items() if _is_beside(k)}
            for row in read_curve(path)
        }
    return {}


def _is_beside(name: str) -> bool:
    return name == SECONDS or name.startswith(COSINE)


def rows_of(folder: Path) -> list[Row]:
    """The curve of a complete run: with seconds where it has told them, else its table `epochs`."""
    if (folder / store.CURVE).is_file():
        return read_curve(folder / store.CURVE)
    table: Any = store.read_table(folder, "epochs", ["epoch"])
    return [dict(row) for row in table.to_dict("records")]
