"""Sweeps of which worker, nanny, scheduler or client is killed, again and again.

The moments are counted by what was measured since the last of them. The same command is given again
where it has ended; at the end its table must be that of one process, and nothing may have been
computed twice but what a killed process had.
"""

from __future__ import annotations

import collections
import hashlib
import random
import time
from dataclasses import dataclass, field
from pathlib import Path

from clusters import Cluster, Command, emptied

KINDS = ("worker", "nanny", "scheduler", "client")
RUN_S = 0.02  # that a run takes
_MOST_BETWEEN = 9  # measurements between two kills
_STEP_S = 0.005
_PATIENCE_S = 300.0  # without a measurement


@dataclass
class Killed:
    """What became of sweeps.

    Attributes
    ----------
    counts : Counter
        Kills by what was killed; sweeps; runs that were measured again, and commands.
    wrong : list of str
        Empty where nothing was.
    """

    counts: collections.Counter[str] = field(default_factory=collections.Counter)
    wrong: list[str] = field(default_factory=list)

    @property
    def kills(self) -> int:
        return sum(self.counts[f"{kind} killed"] for kind in KINDS)


def killed_sweeps(n_kills: int, n_runs: int, folder: Path, seed: int = 0) -> Killed:
    """Kill so many times, in sweeps of so many runs, and compare each with one of one process.

    Parameters
    ----------
    n_kills, n_runs : int
    folder : Path
        Where to work.
    seed : int
        Draws what is killed, and when.
    """
    found = Killed()
    rng = random.Random(f"sweeps {seed}")  # noqa: S311 - no secret
    alone = Command(folder / "alone", folder / "runs-alone", n_runs).start(0.0)
    if alone.wait():
        found.wrong.append(f"undisturbed: {alone.errors}")
        return found
    expected = digest(alone.runs)
    cluster = Cluster(folder / "cluster")
    try:
        while found.kills < n_kills and not found.wrong:
            runs = emptied(folder / "runs")
            _one_sweep(cluster, found, n_kills, n_runs, runs, rng)
            found.counts["sweeps"] += 1
            if not found.wrong and digest(runs) != expected:
                found.wrong.append(f"another table (seed {seed}, sweep {found.counts['sweeps']})")
            left = [str(p.relative_to(runs)) for p in runs.rglob("*") if p.name.startswith(".")]
            left += [str(p) for p in runs.rglob("*-journal")]
            found.wrong += [f"left over: {left}"] if left else []
    finally:
        found.wrong += cluster.close()
    left = [p.name for p in folder.glob(".workers*")]
    found.wrong += [f"left over for a time: {left}"] if left else []
    return found


def _one_sweep(
    cluster: Cluster, found: Killed, n_kills: int, n_runs: int, runs: Path, rng: random.Random
) -> None:
    """A sweep from its start to its end, under kills."""
    while True:
        number = found.counts["commands"]
        found.counts["commands"] += 1
        before = stored(runs)
        place = runs.parent / f"command{number}"
        command = Command(place, runs, n_runs, ["--scheduler", cluster.address])
        cluster.keep_running()
        command.start(RUN_S)
        ended_by = _until_it_ends(cluster, command, found, n_kills, rng)
        found.wrong += needless(command, before, cluster.killed, found.counts)
        if command.status == 0 or found.wrong:
            return
        if ended_by == "client":
            continue
        said = command.errors.strip().splitlines()
        ours = [line for line in said if "the same command goes on" in line or "no workers" in line]
        if command.status != 1 or len(ours) != 1 or "Traceback" in command.errors:
            found.wrong.append(f"it ended with {command.status} and says {command.errors[-2000:]}")
            return
        found.counts["commands that lost their scheduler"] += 1


def _until_it_ends(
    cluster: Cluster, command: Command, found: Killed, n_kills: int, rng: random.Random
) -> str:
    """Kill now and then until the command has ended; what was killed last."""
    last, seen, wanted = "", 0, rng.randint(1, _MOST_BETWEEN)
    heard = time.monotonic()
    while command.poll() is None:
        cluster.keep_running()
        now = len(command.measured())
        if now > seen:
            seen, heard = now, time.monotonic()
        if time.monotonic() - heard > _PATIENCE_S:
            found.wrong.append(f"nothing comes any more: {command.errors}")
            command.kill()
            return "client"
        if found.kills < n_kills and now >= wanted:
            kind = rng.choice(KINDS)
            if kind == "client":
                command.kill()
                done = True
            else:
                done = cluster.kill(kind, rng.choice(cluster.workers))
            found.counts[f"{kind} killed"] += done
            last = kind if done else last
            wanted = now + rng.randint(1, _MOST_BETWEEN)
        time.sleep(_STEP_S)
    return last


def needless(
    command: Command, before: set[int], killed: set[int], counts: collections.Counter[str]
) -> list[str]:
    """Runs that a command computed though they were stored, or twice though nobody was killed."""
    by_seed = collections.defaultdict(list)
    for seed, pid in command.measured():
        by_seed[seed].append(pid)
    counts["measured"] += sum(map(len, by_seed.values()))
    wrong = [f"seed {seed} was stored and is computed again" for seed in before & set(by_seed)]
    wrong += [
        f"seed {seed} is computed again, and nobody who had it was killed"
        for seed, pids in by_seed.items()
        if set(pids[:-1]) - killed
    ]
    return wrong


def stored(runs: Path) -> set[int]:
    """Seeds of the runs that are stored, by what they say of themselves."""
    from spikelearn._small_results import SmallResults
    from spikelearn.sweeps.description import load_sweep
    from spikelearn.sweeps.plan import Plan
    from spikelearn.sweeps.simulated import SimulatedRuns

    path = runs / "sweeps" / "results.sqlite"
    described = sorted(runs.parent.glob("command*/sweep.yaml"))
    if not path.is_file() or not described:
        return set()
    sweep = load_sweep(described[0])
    with SmallResults(path) as results, Plan(sweep, SimulatedRuns(sweep).key) as plan:
        return {run.seed for run in plan.runs() if results.find(run.key) is not None}


def digest(runs: Path) -> str:
    """Of the table of the sweep, but for what tells of a machine or of seconds."""
    import pandas as pd

    from spikelearn.sweeps.table import VARYING

    table = pd.read_parquet(runs / "sweeps" / "killed" / "table.parquet")
    failed = table[table["failed"] != ""]
    text = table.drop(columns=list(VARYING)).to_csv(index=False)
    return hashlib.sha256(text.encode()).hexdigest() if failed.empty else str(set(failed["failed"]))
