"""Hosts of the harness: however the process ends that made them, the next one finds none."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

pytest.importorskip("fcntl")
pytest.importorskip("distributed")
from cut_off import HOSTS, hosts, left, remove, why_not

# Others than those of `make robustness`, which may run meanwhile.
NAMES, NETWORK = "spt", "10.213.78"
HOLDER = """
import signal, subprocess, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever started us may ignore some
for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
    signal.signal(number, signal.SIG_DFL)
sys.path.insert(0, {folder!r})
from cut_off import hosts
with hosts({names!r}, {network!r}) as words:
    quiet = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.DEVNULL)  # it may outlive us
    on_it = subprocess.Popen([*words["first"], "sleep", "1000"], **quiet)
    print("there are hosts", on_it.pid, flush=True)
    sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def none_is_left():
    """Nothing is there before, and nothing after."""
    if reason := why_not():
        pytest.skip(reason)
    remove(NAMES)
    yield
    remove(NAMES)


@pytest.fixture
def holder(none_is_left):
    """A process that has made hosts, on one of which something runs."""
    folder = str(Path(__file__).parent)
    program = textwrap.dedent(HOLDER).format(folder=folder, names=NAMES, network=NETWORK)
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout.readline().startswith("there are hosts")
    yield process
    if process.poll() is None:
        process.kill()
        process.communicate()


def ended(process, number):
    process.send_signal(number)
    process.communicate()
    return process.returncode


def on_first():
    """What runs on the first host."""
    words = ["ip", "netns", "pids", f"{NAMES}-first"]
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout.split()


EVERY = [*(f"{NAMES}-{name}" for name in HOSTS), *(f"link {NAMES}-{name[:8]}" for name in HOSTS),
         f"link {NAMES}-bridge"]  # fmt: skip


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"])
def test_a_signal_leaves_no_host(name, holder):
    assert left(NAMES) == EVERY
    assert ended(holder, getattr(signal, name)) != 0
    assert left(NAMES) == []


def test_what_a_killed_process_has_left_is_removed_at_the_next_start(holder):
    assert ended(holder, signal.SIGKILL) == -signal.SIGKILL
    assert left(NAMES) == EVERY
    assert on_first()
    with hosts(NAMES, NETWORK) as words:
        assert left(NAMES) == EVERY
        assert on_first() == []
        reached = subprocess.run([*words["first"], "ip", "-o", "addr"], capture_output=True,
                                 text=True, check=True)  # fmt: skip
        assert f"{NETWORK}.3/24" in reached.stdout
    assert left(NAMES) == []


def test_hosts_that_are_in_use_are_left_alone(holder):
    with pytest.raises(OSError, match="another process has these hosts"), hosts(NAMES, NETWORK):
        pass
    assert left(NAMES) == EVERY
    assert on_first()
    holder.communicate("")
    assert holder.returncode == 0
    assert left(NAMES) == []
