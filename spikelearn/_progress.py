"""Progress bars of long work, one a stage."""

from __future__ import annotations

import contextlib
import importlib.util
import multiprocessing
import sys
import time
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any

from spikelearn._compiling import compiling_watched
from spikelearn._errors import SpikelearnError

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
    with _bars() as add, without_progress():  # what is called within shows no bars of its own
        yield add


@contextlib.contextmanager
def progress_of_call(progress: Any, title: str) -> Iterator[Callable[..., None] | None]:
    """Yield what is told of the progress of one call: what the user gave, or else a bar.

    The bar shows itself in a terminal and in a notebook, once the call has lasted a second, and
    goes when it has ended. What is called within shows none.

    Parameters
    ----------
    progress : callable, bool or None
        What the user gave: a function, which is yielded; False, and nothing is shown or said.
    title : str
        Of the bar.

    Yields
    ------
    callable or None
        None where nobody watches.

    Raises
    ------
    SpikelearnError
        Where `progress` is something else.
    """
    check_progress(progress)
    hidden = _hidden.get() or not _is_watched()
    with without_progress(), contextlib.ExitStack() as stack:
        if callable(progress):
            yield progress
        elif progress is False:
            yield lambda fraction, words="": None
        else:
            yield None if hidden else _Later(title, stack)


def check_progress(progress: Any) -> None:
    """Refuse what nothing can be told to.

    Raises
    ------
    SpikelearnError
    """
    if not (progress is None or isinstance(progress, bool) or callable(progress)):
        raise SpikelearnError(
            f"progress is a function, or False for no bar, found {progress!r:.40}"
        )


def _is_watched() -> bool:
    """Whether somebody sees a bar: at a terminal or in a notebook, and in no worker.

    In a notebook that takes ipywidgets, without which every move of a bar would leave a warning.
    """
    if multiprocessing.parent_process() is not None:
        return False
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    in_notebook = getattr(shell, "kernel", None) is not None
    return sys.stderr.isatty() or (in_notebook and _has_widgets())


def _has_widgets() -> bool:
    return importlib.util.find_spec("ipywidgets") is not None


LATER_S = 1.0  # before which no bar is shown


class _Later:
    """Moves a bar that appears when the call has lasted a while."""

    def __init__(self, title: str, stack: contextlib.ExitStack) -> None:
        self.title, self.stack, self.began = title, stack, time.monotonic()
        self.move: Progress | None = None

    def __call__(self, fraction: float, words: str = "") -> None:
        if self.move is None:
            if fraction >= 1 or time.monotonic() - self.began < LATER_S:
                return
            self.move = self._shown()
        self.move(fraction, words)

    def _shown(self) -> Progress:
        from rich.errors import LiveError

        try:
            return self.stack.enter_context(_bars(transient=True))(self.title)
        except LiveError:  # the user shows something of rich already
            return lambda fraction, words: None


@contextlib.contextmanager
def _bars(transient: bool = False) -> Iterator[Callable[[str], Progress]]:
    """Yield what adds a bar; they go at the end where they are transient."""
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
    console = Console(stderr=True, force_jupyter=None if _has_widgets() else False)
    bars = Progress(*columns, console=console, transient=transient)
    with contextlib.ExitStack() as stack:

        def add(title: str) -> Callable[[float, str], None]:
            if not bars.live.is_started:  # without a bar it would print an empty line
                stack.enter_context(bars)
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
