"""An error stream that takes nothing ends no work, and changes no exit status."""

from __future__ import annotations

import gc
import io
import logging
import sys

import pytest

from spikelearn import __main__ as program
from spikelearn._error_stream import Heedless
from spikelearn._progress import progress_bars


class Gone(io.StringIO):
    """A terminal that has been closed."""

    def write(self, text: str) -> int:
        raise OSError(5, "Input/output error")

    def flush(self) -> None:
        raise OSError(5, "Input/output error")


def closed() -> io.StringIO:
    stream = io.StringIO()
    stream.close()
    return stream


@pytest.mark.parametrize("make", [Gone, closed, lambda: None])
def test_whatever_writes_there_goes_on(make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", Heedless(make()))
    print("a remark", file=sys.stderr, flush=True)
    sys.stderr.writelines(["one", "two"])
    logging.StreamHandler(sys.stderr).emit(logging.makeLogRecord({"msg": "a record"}))
    with progress_bars() as bars:
        bars("working")(1.0, "done")


def test_what_can_be_written_is() -> None:
    stream = io.StringIO()
    heedless = Heedless(stream)
    assert heedless.write("a remark") == 8
    heedless.writelines([", and another"])
    assert stream.getvalue() == "a remark, and another"
    assert heedless.isatty() is False


def test_a_command_fails_by_its_own_status_where_the_terminal_is_gone(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["spikelearn", "models", "show", "nosuch"])
    monkeypatch.setattr(sys, "stderr", Gone())
    with pytest.raises(SystemExit) as ended:
        program.main()
    assert ended.value.code == 1
    assert isinstance(sys.stderr, Heedless)
    assert capsys.readouterr().out == ""


def test_a_command_ends_without_looking_through_all_that_it_has_imported(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("spikelearn.cli.main", lambda: sys.exit(3))
    monkeypatch.setattr(sys, "stderr", sys.stderr)
    frozen: list[bool] = []
    monkeypatch.setattr(gc, "freeze", lambda: frozen.append(True))
    with pytest.raises(SystemExit) as ended:
        program.main()
    assert (ended.value.code, frozen) == (3, [True])
