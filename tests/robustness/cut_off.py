"""A sweep over three hosts, of which one is cut off from the network for a while.

The hosts are network namespaces of this machine, joined by a bridge: the scheduler is on one, a
worker on each of the two others, and the sweep's command here. That needs an administrator's rights
and the program `ip`.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from clusters import Cluster, Command, emptied
from sweep_kills import Killed, digest, needless

_NETWORK = "10.213.77"
_BRIDGE = "spk-bridge"
HOSTS = ("scheduler", "first", "second")
_CUT = "second"
_PATIENCE_S = 600.0


def why_not() -> str:
    """Why hosts cannot be made here; empty where they can."""
    if os.geteuid():
        return "hosts need the rights of an administrator"
    if shutil.which("ip") is None:
        return "hosts need the program `ip`"
    tried = subprocess.run(["ip", "netns", "add", "spk-tried"], capture_output=True, check=False)
    if tried.returncode:
        return f"hosts cannot be made: {tried.stderr.decode().strip()}"
    _ip("netns del spk-tried")
    return ""


@contextlib.contextmanager
def hosts() -> Iterator[dict[str, list[str]]]:
    """Three hosts; the words that run a command on each."""
    with contextlib.ExitStack() as undone:
        _ip(f"link add {_BRIDGE} type bridge")
        undone.callback(_ip, f"link del {_BRIDGE}")
        _ip(f"addr add {_NETWORK}.1/24 dev {_BRIDGE}")
        _ip(f"link set {_BRIDGE} up")
        words = {}
        for number, name in enumerate(HOSTS, start=2):
            space = f"spk-{name}"
            _ip(f"netns add {space}")
            undone.callback(_ip, f"netns del {space}")
            _ip(f"link add {_cable(name)} type veth peer name eth0 netns {space}")
            _ip(f"link set {_cable(name)} master {_BRIDGE} up")
            _ip(f"-n {space} addr add {_NETWORK}.{number}/24 dev eth0")
            _ip(f"-n {space} link set eth0 up")
            _ip(f"-n {space} link set lo up")
            words[name] = ["ip", "netns", "exec", space]
        yield words


def _cable(name: str) -> str:
    return f"spk-{name[:8]}"


def _ip(words: str) -> None:
    done = subprocess.run(["ip", *words.split()], capture_output=True, check=False)
    if done.returncode:
        raise OSError(f"ip {words}: {done.stderr.decode().strip()}")


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
        try:
            runs = emptied(folder / "runs")
            cluster.keep_running()
            command = Command(folder / "command", runs, n_runs, ["--scheduler", cluster.address])
            command.start(run_s)
            _cut_while_it_runs(cluster, command, found, n_runs, cut_s)
            # The host that is cut off counts as killed: what it has is computed by the other.
            found.wrong += needless(command, set(), cluster.killed, found.counts)
            if command.status:
                found.wrong.append(f"it ended with {command.status}: {command.errors[-2000:]}")
            elif digest(runs) != digest(alone.runs):
                found.wrong.append("another table")
        finally:
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
