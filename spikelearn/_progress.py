"""Progress bars of long work, one a stage."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextvars import ContextVar

from spikelearn._compiling import compiling_watched

Progress = Callable[[float, str], None]
"""Takes the fraction done, 0 to 1, and a few words."""

COMPILING = "compiling, once"
"""What every bar says while machine code is made that is then kept."""


_hidden: ContextVar[bool] = ContextVar("hidden", default=False)


@contextlib.contextmanager
def without_progress() -> Iterator[None]:
    """Within the block `progress_bars` shows nothing."""
    before = _hidden.set(True)
    try:
        yield
    finally:
        _hidden.reset(before)


@contextlib.contextmanager
def progress_bars() -> Iterator[Callable[[str], Progress]]:
    """Yield a function that adds a bar of the given title and returns what moves it."""
    if _hidden.get():
        yield lambda title: lambda fraction, words: None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        Progress,
        Task,
        TaskID,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )
    from rich.text import Text

    class _Left(TimeRemainingColumn):
        """How long it will still take, once that can be told."""

        def render(self, task: Task) -> Text:
            known = task.time_remaining and not task.finished
            return super().render(task).append(" left") if known else Text("")

    columns = (
        # Names are text, whatever brackets they hold.
        TextColumn("{task.description:<34}", markup=False),
        BarColumn(bar_width=24),
        TextColumn("{task.percentage:>3.0f}%"),
        TimeElapsedColumn(),
        _Left(),
        TextColumn("{task.fields[words]}", style="dim", markup=False),
    )
    said: dict[TaskID, str] = {}
    compiling = False
    with Progress(*columns, console=Console(stderr=True)) as bars:

        def add(title: str) -> Callable[[float, str], None]:
            task = bars.add_task(title, total=1.0, words="")

            def say(fraction: float, words: str) -> None:
                said[task] = words
                shown = COMPILING if compiling else words
                bars.update(task, completed=min(fraction, 1.0), words=shown)

            return say

        def compile_told(now: bool) -> None:
            nonlocal compiling
            compiling = now
            for task, words in list(said.items()):
                bars.update(task, words=COMPILING if now else words)

        with compiling_watched(compile_told):
            yield add
