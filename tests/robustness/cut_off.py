"""A sweep over three hosts, of which one is cut off from the network for a while.

The hosts are network namespaces of this machine, joined by a bridge: the scheduler is on one, a
worker on each of the two others, and the sweep's command here. That needs an administrator's rights
and the program `ip`. They are removed at the end and at any signal, and what a killed process has
left is removed at the next start; two at a time would be in each other's way, and the second is
refused.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from clusters import Cluster, Command, emptied
from sweep_kills import Killed, digest, needless

_NETWORK = "10.213.77"
_NAMES = "spk"
HOSTS = ("scheduler", "first", "second")
_CUT = "second"
_PATIENCE_S = 600.0
_ENDED_S = 20.0  # within which a killed process is gone
# What ends a process unless it is asked otherwise.
_ENDING = (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)


def why_not() -> str:
    """Why hosts cannot be made here; empty where they can."""
    if os.geteuid():
        return "hosts need the rights of an administrator"
    if shutil.which("ip") is None:
        return "hosts need the program `ip`"
    name = f"{_NAMES}-tried-{os.getpid()}"
    tried = subprocess.run(["ip", "netns", "add", name], capture_output=True, check=False)
    if tried.returncode:
        return f"hosts cannot be made: {tried.stderr.decode().strip()}"
    _ip(f"netns del {name}")
    return ""


@contextlib.contextmanager
def hosts(names: str = _NAMES, network: str = _NETWORK) -> Iterator[dict[str, list[str]]]:
    """Three hosts; the words that run a command on each.

    Parameters
    ----------
    names : str
        What the names of their namespaces and cables begin with.
    network : str
        The first three parts of their addresses.

    Raises
    ------
    OSError
        Where another process has hosts of these names.
    """
    with _alone(names), _ended_by_signals():
        remove(names)
        try:
            yield _made(names, network)
        finally:
            # A second signal would leave the rest.
            before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, *_ENDING})
            try:
                remove(names)
            finally:
                signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _made(names: str, network: str) -> dict[str, list[str]]:
    bridge = f"{names}-bridge"
    _ip(f"link add {bridge} type bridge")
    _ip(f"addr add {network}.1/24 dev {bridge}")
    _ip(f"link set {bridge} up")
    words = {}
    for number, name in enumerate(HOSTS, start=2):
        space, cable = f"{names}-{name}", _cable(name, names)
        _ip(f"netns add {space}")
        _ip(f"link add {cable} type veth peer name eth0 netns {space}")
        _ip(f"link set {cable} master {bridge} up")
        _ip(f"-n {space} addr add {network}.{number}/24 dev eth0")
        _ip(f"-n {space} link set eth0 up")
        _ip(f"-n {space} link set lo up")
        words[name] = ["ip", "netns", "exec", space]
    return words


def left(names: str) -> list[str]:
    """What there is of hosts: namespaces, then cables and the bridge.

    Parameters
    ----------
    names : str
        What their names begin with.
    """
    spaces = {line.split()[0] for line in _ip("netns list").splitlines() if line.strip()}
    links = [*(_cable(name, names) for name in HOSTS), f"{names}-bridge"]
    return [
        *(space for name in HOSTS if (space := f"{names}-{name}") in spaces),
        *(f"link {link}" for link in links if Path("/sys/class/net", link).exists()),
    ]


def remove(names: str) -> None:
    """Remove what there is of hosts, and end what still runs on them.

    Parameters
    ----------
    names : str
        What their names begin with.
    """
    there = left(names)
    for one in there:
        if not one.startswith("link "):
            _end_all_on(one)
    # Cables first: those of a namespace go with it, but some time later.
    for one in sorted(there, key=lambda name: not name.startswith("link ")):
        with contextlib.suppress(OSError):  # the other end took it along
            _ip(f"link del {one[5:]}" if one.startswith("link ") else f"netns del {one}")
    if there := left(names):
        raise OSError(f"hosts that cannot be removed: {', '.join(there)}")


def _end_all_on(space: str) -> None:
    """Kill what runs on a host, which was started for it alone, and wait until it is gone."""
    until = time.monotonic() + _ENDED_S
    while running := [int(pid) for pid in _ip(f"netns pids {space}").split()]:
        for pid in running:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if time.monotonic() > until:
            raise OSError(f"processes on {space} do not end: {running}")
        time.sleep(0.02)


@contextlib.contextmanager
def _alone(names: str) -> Iterator[None]:
    """Refuse to be two at a time. The lock goes with this process, and with none that it forks."""
    path = Path("/run", f"{names}-hosts.lock")
    with path.open("w") as file:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise OSError(f"another process has these hosts ({path} is locked)") from None
        yield


@contextlib.contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Signals that end a process end this one as Ctrl-C does: what it leaves is cleared up."""
    mine = os.getpid()

    def end(number: int, frame: Any) -> None:
        if os.getpid() != mine:  # forked from it
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
            return
        raise SystemExit(128 + number)

    # What it was started to ignore, it goes on ignoring.
    heeded = [number for number in _ENDING if signal.getsignal(number) != signal.SIG_IGN]
    before = {number: signal.signal(number, end) for number in heeded}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _cable(name: str, names: str = _NAMES) -> str:
    return f"{names}-{name[:8]}"


def _ip(words: str) -> str:
    done = subprocess.run(["ip", *words.split()], capture_output=True, check=False)
    if done.returncode:
        raise OSError(f"ip {words}: {done.stderr.decode().strip()}")
    return done.stdout.decode()


def cut_off(n_runs: int, run_s: float, cut_s: float | None, folder: Path) -> Killed:
    """Cut one of two workers' hosts off when a tenth of a sweep is measured.

    Parameters
    ----------
    n_runs : int
    run_s : float
        Seconds that a run takes.
    cut_s : float or None
        After so many seconds it comes back; never, if None.
    folder : Path
        Where to work.
    """
    found = Killed()
    alone = Command(folder / "alone", folder / "runs-alone", n_runs).start(0.0)
    if alone.wait():
        found.wrong.append(f"undisturbed: {alone.errors}")
        return found
    with hosts() as words:
        cluster = Cluster(
            folder / "cluster", [words["first"], words[_CUT]], words["scheduler"], f"{_NETWORK}.2"
        )
        runs = emptied(folder / "runs")
        command = Command(folder / "command", runs, n_runs, ["--scheduler", cluster.address])
        try:
            cluster.keep_running()
            command.start(run_s)
            _cut_while_it_runs(cluster, command, found, n_runs, cut_s)
            # The host that is cut off counts as killed: what it has is computed by the other.
            found.wrong += needless(command, set(), cluster.killed, found.counts)
            if command.status:
                found.wrong.append(f"it ended with {command.status}: {command.errors[-2000:]}")
            elif digest(runs) != digest(alone.runs):
                found.wrong.append("another table")
        finally:
            if command.pid:
                command.kill()
            found.wrong += cluster.close()
    return found


def _cut_while_it_runs(
    cluster: Cluster, command: Command, found: Killed, n_runs: int, cut_s: float | None
) -> None:
    name, began, cut_at, back_at = "worker1", time.monotonic(), 0.0, 0.0
    while command.poll() is None:
        measured = command.measured()
        now = time.monotonic()
        both = len({pid for _, pid in measured}) > 1
        if not cut_at and both and len(measured) >= n_runs // 10:
            cluster.killed |= {process.pid for process in cluster.computing(name)}
            _ip(f"link set {_cable(_CUT)} down")
            cut_at = now
        elif cut_at and not back_at and cut_s is not None and now - cut_at > cut_s:
            _ip(f"link set {_cable(_CUT)} up")
            back_at = now
            found.counts["measured until it came back"] = len(measured)
        if not cut_at or back_at:  # a host that is cut off is not mended from here
            cluster.keep_running()
        if now - began > _PATIENCE_S:
            found.wrong.append(f"it does not end: {command.errors}")
            command.kill()
        time.sleep(0.05)
    found.counts["seconds"] = round(time.monotonic() - began)
    found.counts["workers started"] = sum(cluster.started[w] for w in cluster.workers)
