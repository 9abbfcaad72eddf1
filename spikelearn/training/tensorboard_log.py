"""A log of a training run for TensorBoard: its learning curve, its alignment, its seconds.

A run has a folder of its own in that of the logs, by its name. What is written of a run that goes
on, or that is read, is written from its first epoch and takes the place of what was there, so that
no step stands twice. Of what decides the run nothing is changed by it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from spikelearn._atomic import WriteError, make_folder
from spikelearn._extras import lacking
from spikelearn._names import file_name

_EVENTS = "events.out.tfevents.*"


class TensorBoardLog:
    """The log of a run.

    Parameters
    ----------
    folder : path
        Of the logs of all runs.
    name : str
        Of the run.

    Raises
    ------
    SpikelearnError
        If TensorBoard is not installed, or nothing can be written there.
    """

    def __init__(self, folder: str | Path, name: str) -> None:
        self.folder = Path(folder) / file_name(name)
        self._writer: Any = None
        self._n_rows = 0
        summary_writer()
        make_folder(self.folder)

    def write(self, rows: Sequence[Mapping[str, float]]) -> None:
        """Write the rows that are not there yet.

        Parameters
        ----------
        rows : sequence of mapping
            All by now; each has its `epoch`, and other columns, which are the names of the curves.
        """
        before: list[Path] = []
        if self._writer is None:
            before = list(self.folder.glob(_EVENTS))
            self._writer = self._opened()
        for row in rows[self._n_rows :]:
            for name, value in row.items():
                if name != "epoch" and not math.isnan(value):
                    self._writer.add_scalar(name.replace(".", "/", 1), value, int(row["epoch"]))
        self._n_rows = len(rows)
        self._writer.flush()
        for path in before:
            path.unlink(missing_ok=True)

    def _opened(self) -> Any:
        try:
            return summary_writer()(str(self.folder))
        except OSError as error:
            raise WriteError(f"cannot write {self.folder}: {error.strerror or error}") from error

    def finish(self, summary: Mapping[str, Any]) -> None:
        """Write what was measured at the end, at the epoch that was chosen."""
        if self._writer is not None and summary.get("test_accuracy") is not None:
            step = int(summary.get("best_epoch", 0))
            self._writer.add_scalar("test_accuracy", float(summary["test_accuracy"]), step)
            self._writer.flush()

    def close(self) -> None:
        """Close the file."""
        if self._writer is not None:
            self._writer.close()


def summary_writer() -> Any:
    """The writer of TensorBoard's files.

    Raises
    ------
    SpikelearnError
        If TensorBoard is not installed.
    """
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise lacking("tensorboard", "a log of training", error) from error
    return SummaryWriter
