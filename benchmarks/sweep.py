"""What a sweep costs beside its runs, and how much shorter two workers make it.

    python benchmarks/sweep.py overhead --runs 5000     # short runs: milliseconds a run beside them
    python benchmarks/sweep.py workers                  # Brunel's diagram on one and two workers
    python benchmarks/sweep.py memory --runs 50000      # peak memory by number of runs
    python benchmarks/sweep.py study                    # a study on one and two workers

Overhead is the time of the sweep less that of the same simulations and statistics by themselves,
in one process on one thread. Memory is the peak of a process of its own.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import spikelearn as sl
from spikelearn._files import sha256

DURATION_MS = 50.0  # of a short run
WEIGHT, RATE = "projections[inhibitory->*].weight_mv", "background[*].rate_hz"


def short(n_runs: int) -> dict[str, Any]:
    """A sweep of so many runs of a small network, each of about ten milliseconds."""
    populations = {
        name: {"model": "lif", "size": size, "v_threshold_mv": 20, "v_rest_mv": 0,
               "v_reset_mv": 10, "tau_m_ms": 20, "refractory_ms": 2}
        for name, size in (("excitatory", 80), ("inhibitory", 20))
    }  # fmt: skip
    network = sl.SpikingNetwork(
        name="short",
        populations=populations,
        projections=[
            {"source": source, "target": target, "weight_mv": weight, "delay_ms": 1.5,
             "connectivity": {"kind": "fixed_in_degree", "in_degree": 8}}
            for source, weight in (("excitatory", 0.5), ("inhibitory", -2.0))
            for target in populations
        ],
        background=[{"target": name, "rate_hz": 9000, "weight_mv": 0.15} for name in populations],
    )  # fmt: skip
    simulate = {"model": network, "duration_ms": DURATION_MS}
    return {"simulate": simulate, "vary": {WEIGHT: f"-1:-3:{n_runs}"}, "measures": ["rate_hz"]}


def overhead(n_runs: int) -> None:
    """Time of a sweep, and of its simulations and statistics by themselves: wall and processor."""
    from spikelearn._threads import at_most
    from spikelearn.spikes import summary

    fields = short(n_runs)
    sl.sweep({**fields, "vary": {WEIGHT: "-1:-3:3"}})  # compiled and imported
    network = fields["simulate"]["model"]
    bare = min(n_runs, 500)

    def simulations() -> None:
        with at_most(1):
            for seed in range(bare):
                activity = sl.simulate(network, duration_ms=DURATION_MS, seed=seed)
                summary(activity, without=("correlation", "synchrony"))

    with tempfile.TemporaryDirectory() as folder:
        alone = taken(simulations, bare)
        whole = taken(lambda: sl.sweep(fields, folder), n_runs)
        read = taken(lambda: sl.sweep(fields, folder), n_runs)
    for name, one, all_of_it, again in zip(("wall", "processor"), alone, whole, read, strict=True):
        print(f"{name}: {n_runs} runs of {one:.2f} ms, {all_of_it - one:.2f} ms of overhead a run;"
              f" {again:.2f} ms a run to read all of them again")  # fmt: skip


def taken(work: Callable[[], Any], number: int) -> tuple[float, float]:
    """Milliseconds of each of a number of things: by the clock, and of the processor."""
    started = time.perf_counter(), time.process_time()
    work()
    ended = time.perf_counter(), time.process_time()
    wall, processor = (1000 * (b - a) / number for a, b in zip(started, ended, strict=True))
    return wall, processor


def workers(duration_ms: float, places: int, seeds: int) -> None:
    """Seconds of Brunel's diagram on one worker and on two, and whether the tables are one."""
    fields = {
        "simulate": {"model": "brunel2000", "duration_ms": duration_ms},
        "vary": {WEIGHT: f"-0.3:-0.8:{places}", RATE: f"10000:40000:{places}"},
        "measures": ["rate_hz", "isi_cv", "synchrony"],
        "seeds": list(range(seeds)), "start_ms": duration_ms / 5,
    }  # fmt: skip
    tables, seconds = [], []
    for number in (1, 2):
        started = time.perf_counter()
        tables.append(sl.sweep(fields, workers=number).table)
        seconds.append(time.perf_counter() - started)
    from spikelearn.sweeps.table import VARYING

    one, two = (table.drop(columns=list(VARYING)) for table in tables)
    print(f"{places} x {places} x {seeds} runs of {duration_ms:g} ms: {seconds[0]:.1f} s on one"
          f" worker, {seconds[1]:.1f} s on two, {seconds[1] / seconds[0]:.2f} of it;"
          f" the tables are {'the same' if one.equals(two) else 'DIFFERENT'}")  # fmt: skip


def study(n_train: int) -> None:
    """Seconds of a whole study on one worker and on two, and whether its tables are one.

    Four rules with two seeds; a training takes about 20 s on one core.
    """
    from spikelearn._workers import Workers
    from spikelearn.studies.study import Study
    from spikelearn.studies.whole_study import make_study, write_study

    rules = ("backprop", "feedback_alignment", "pepita", "weight_mirror")
    described = Study(
        name="workers", seeds=(0, 1), n_train=n_train, recordings=("kriegeskorte92",),
        criteria=("C9",), audit_seeds=(0, 1), n_bootstrap=200, judgements=False,
        networks=[
            {"family": rule, "rule": rule, "model": "mlp_784", "epochs": 10} for rule in rules
        ],
    )  # fmt: skip
    seconds, tables = [], []
    with tempfile.TemporaryDirectory() as place:
        for number in (1, 2):
            folder = Path(place) / str(number)
            started = time.perf_counter()
            whole = make_study(
                described, folder, float("inf"), lambda title: lambda *words: None,
                workers=Workers(number),
            )  # fmt: skip
            write_study(whole, "python benchmarks/sweep.py study")
            seconds.append(time.perf_counter() - started)
            names = ("results.parquet", "zero.csv", "differences.csv", "audit.csv")
            tables.append([sha256(folder / name) for name in names])
            print(f"{seconds[-1]:.1f} s on {number}, {len(whole.result.failed)} failed", flush=True)
    print(f"a study of {len(rules)} rules and 2 seeds: {seconds[0]:.1f} s on one worker,"
          f" {seconds[1]:.1f} s on two, {seconds[1] / seconds[0]:.2f} of it; the tables are"
          f" {'the same' if tables[0] == tables[1] else 'DIFFERENT'}")  # fmt: skip


def memory(n_runs: int) -> None:
    """Peak memory of sweeps of more and more runs, each in a process of its own."""
    for n in (n_runs // 100, n_runs // 10, n_runs):
        code = f"from benchmarks.sweep import peak; peak({n})"
        done = subprocess.run(
            [sys.executable, "-c", code], check=True, capture_output=True, text=True
        )
        print(f"{n:>7} runs: {done.stdout.strip()} MB", flush=True)


def peak(n_runs: int) -> None:
    """Print the peak memory of this process after a sweep of the shortest runs."""
    fields = short(n_runs)
    fields["simulate"]["duration_ms"] = 1
    with tempfile.TemporaryDirectory() as folder:
        sl.sweep(fields, folder)
    print(round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000))


def main() -> None:
    """Measure what is asked for."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("what", choices=["overhead", "workers", "memory", "study"])
    parser.add_argument("--runs", type=int, default=5000)
    parser.add_argument("--images", type=int, default=40_000, help="that each network learns")
    parser.add_argument("--duration", type=float, default=1000.0)
    parser.add_argument("--places", type=int, default=4)
    parser.add_argument("--seeds", type=int, default=3)
    given = parser.parse_args()
    if given.what == "overhead":
        overhead(given.runs)
    elif given.what == "memory":
        memory(given.runs)
    elif given.what == "study":
        study(given.images)
    else:
        workers(given.duration, given.places, given.seeds)


if __name__ == "__main__":
    main()
