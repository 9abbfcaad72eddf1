"""Signals that end a command, and what is said to be kept of its work.

Ctrl-C, and what schedulers and closing terminals send (SIGTERM, SIGHUP), end a command alike: as a
`KeyboardInterrupt` that passes through the work, which keeps what it can and says so by `keeping`.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

from spikelearn._mpi import rank

# Where there is one: Windows knows no hang-up.
_ENDING = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
# What Python does at them and at Ctrl-C; where another handler stands, it is left there.
_USUAL: dict[signal.Signals, Any] = {signal.SIGINT: signal.default_int_handler}
_USUAL |= dict.fromkeys(_ENDING, signal.SIG_DFL)
# Engines end a run at an interrupt and give what there is of it: by then the exception is gone.
_last: signal.Signals = signal.SIGINT


# The file that Python names where it imports; how long a signal waits before it looks again.
_IMPORTING, _SOON_S = "<frozen importlib._bootstrap>", 0.02
_on_their_way: set[int] = set()

# What stands while nothing has begun, by signal; empty outside of `ending_at_once`.
_before: dict[signal.Signals, Any] = {}


class Interrupted(KeyboardInterrupt):
    """A signal other than that of Ctrl-C has asked for the end.

    Attributes
    ----------
    signal : signal.Signals
    """

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.signal = signal.Signals(number)


@contextlib.contextmanager
def ending_at_once() -> Iterator[None]:
    """Within the block, signals that ask for the end do so at once, while there is no work.

    Libraries that are being imported take exceptions for their own, or print them, so none is
    raised. Work begins with `ended_by_signals`; when it is over signals end the process without a
    word, for what they could say of the work would not be true.
    """

    def end(number: int, frame: Any) -> None:
        error = KeyboardInterrupt() if number == signal.SIGINT else Interrupted(number)
        sentence, status = interruption(error)
        if rank() == 0:  # of several that end together one says so
            with contextlib.suppress(OSError):  # of a terminal that is gone
                os.write(2, f"{sentence}\n".encode())
        os._exit(status)

    for number, usual in _USUAL.items():
        if signal.getsignal(number) is usual:  # else it is ignored, or another's
            _before[number] = signal.signal(number, end)
    try:
        yield
    finally:
        for number in _before:
            signal.signal(number, signal.SIG_DFL)
        _before.clear()


@contextlib.contextmanager
def ended_by_signals() -> Iterator[None]:
    """Within the block, signals that ask for the end raise `Interrupted`; Ctrl-C as it always does.

    While a library is being imported they wait for its end, a moment later: libraries take
    exceptions for their own, and what is half imported fails once more when work is put away.
    Those that are ignored (as `nohup` has it) or handled already stay as they are; so do all where
    this is not the main thread, which alone may ask for them.
    """

    begun_by = sys._getframe(2)  # behind the frames of this function and of contextlib

    def end(number: int, frame: Any) -> None:
        global _last  # noqa: PLW0603 - signals belong to the whole process
        if _importing(frame, begun_by):
            _send_again(number)
            return
        _last = signal.Signals(number)
        raise KeyboardInterrupt if number == signal.SIGINT else Interrupted(number)

    global _last  # noqa: PLW0603
    _last = signal.SIGINT
    ours = threading.current_thread() is threading.main_thread()
    for number, usual in _before.items() if ours else ():
        signal.signal(number, usual)
    taken = [one for one, usual in _USUAL.items() if ours and signal.getsignal(one) is usual]
    for one in taken:
        signal.signal(one, end)
    try:
        yield
    finally:
        for one in taken:
            signal.signal(one, _USUAL[one])
        for one in _before if ours else ():
            signal.signal(one, signal.SIG_DFL)
        _last = signal.SIGINT


def _importing(frame: Any, begun_by: Any) -> bool:
    """Whether a module is being imported in a frame, or by one that called it."""
    while frame is not None and frame is not begun_by:
        if frame.f_code.co_filename == _IMPORTING:
            return True
        frame = frame.f_back
    return False


def _send_again(number: int) -> None:
    """Send this process a signal once more, soon; at most one of a kind is on its way."""
    if number in _on_their_way:
        return

    def send() -> None:
        _on_their_way.discard(number)
        os.kill(os.getpid(), number)

    _on_their_way.add(number)
    timer = threading.Timer(_SOON_S, send)
    timer.daemon = True
    timer.start()


def last_interrupt() -> KeyboardInterrupt:
    """The interruption, once more, of work that has been ended by one and has given its part."""
    return KeyboardInterrupt() if _last is signal.SIGINT else Interrupted(_last)


@contextlib.contextmanager
def keeping(kept: Callable[[], str] | str) -> Iterator[None]:
    """Say what is kept where the block is interrupted.

    Parameters
    ----------
    kept : str or callable
        One sentence, or what gives it when it is known; empty where nothing is kept.
    """
    try:
        yield
    except KeyboardInterrupt as error:
        sentence = kept if isinstance(kept, str) else kept()
        if sentence:
            error.add_note(sentence)
        raise


def goes_on(what: str, kept: bool | int = True) -> str:
    """That something is kept and the same command goes on from there; nothing, where none is."""
    return f"{what} is kept; the same command goes on from there." if kept else ""


def interruption(error: KeyboardInterrupt) -> tuple[str, int]:
    """What is printed of an interruption, and the exit status that shells expect of it."""
    number = error.signal if isinstance(error, Interrupted) else signal.SIGINT
    notes = list(dict.fromkeys(getattr(error, "__notes__", [])))
    kept = " ".join(notes) or "Nothing of it is kept, and nothing half-written is left."
    return f"{interrupted_by(number)}. {kept}", 128 + int(number)


def interrupted_by(number: signal.Signals) -> str:
    """ "Interrupted", and by what where it was not Ctrl-C."""
    return "Interrupted" if number is signal.SIGINT else f"Interrupted by {number.name}"
