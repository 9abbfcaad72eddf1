"""What workers need is imported once, beside this process, where it looks for modules itself."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
import textwrap

import pytest

from spikelearn import _imported_ahead
from spikelearn._imported_ahead import (
    AUDITING,
    COMPARING,
    SIMULATING,
    STUDYING,
    TRAINING,
    start_method,
)

needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="Python's fork server is trusted")


@pytest.mark.parametrize("names", [AUDITING, COMPARING, SIMULATING, STUDYING, TRAINING])
def test_what_is_imported_ahead_is_there(names):
    for name in names:
        assert importlib.import_module(name)


@needs_linux
def test_where_modules_are_looked_for_elsewhere_by_now_workers_start_from_nothing(monkeypatch):
    assert start_method() == "forkserver"
    monkeypatch.setattr(sys, "path", [*sys.path, "/behind/all/others"])
    assert start_method() == "forkserver"
    monkeypatch.setattr(sys, "path", ["/before/all/others", *sys.path])
    assert start_method() == "spawn"


def test_elsewhere_than_on_linux_workers_start_from_nothing(monkeypatch):
    monkeypatch.setattr(_imported_ahead, "_is_asked_for", False)
    monkeypatch.setattr(_imported_ahead, "_looks_in", None)
    monkeypatch.setattr(sys, "platform", "darwin")
    assert start_method() == "spawn"


_OWN = """
    import multiprocessing.forkserver, os, sys
    sys.path.insert(0, "first")  # which a fork server of its own does not look in
    {own}
    from spikelearn._imported_ahead import import_ahead, start_method
    def state():
        return dict(os.environ), multiprocessing.get_start_method(allow_none=True)
    before = state()
    import_ahead(["its_module"])
    assert state() == before
    print(start_method())

    if start_method() == "forkserver":
        said = "import gc; print('copied', gc.get_freeze_count() > 10_000)"
        process = multiprocessing.get_context("forkserver").Process(target=exec, args=[said])
        process.start()
        process.join()
"""


@needs_linux
@pytest.mark.parametrize("own", ["", "multiprocessing.forkserver.ensure_running()"])
def test_modules_are_looked_for_where_this_process_looks(own, tmp_path):
    """The first of two folders, also where the other is the working folder; said by the module.

    Ctrl-C, which reaches the process that imports it, too, is left to this one.
    """
    for folder in ("first", "."):
        (tmp_path / folder).mkdir(exist_ok=True)
        text = (
            "import os, signal\nos.kill(os.getpid(), signal.SIGINT)\n"
            f"print({folder!r}, os.environ['OMP_NUM_THREADS'], flush=True)\n"
        )
        (tmp_path / folder / "its_module.py").write_text(text)
    script = tmp_path / "script.py"
    script.write_text(textwrap.dedent(_OWN.format(own=own)))
    done = subprocess.run(
        [sys.executable, str(script)], cwd=tmp_path, capture_output=True, text=True, check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "2"},
    )  # fmt: skip
    # The copy reads the script, too, and starts no fork server of its own; what it has is frozen.
    expected = ["spawn"] if own else ["copied True", "first 1", "forkserver", "spawn"]
    assert sorted(done.stdout.splitlines()) == expected, done.stderr
    assert "Traceback" not in done.stderr
