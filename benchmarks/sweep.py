"""What a sweep costs beside its runs, and how much shorter two workers make it.

    python benchmarks/sweep.py overhead     # 5,000 short runs: milliseconds a run beside them
    python benchmarks/sweep.py workers      # Brunel's diagram on one and two workers
    python benchmarks/sweep.py memory       # memory by number of runs, up to 50,000
    python benchmarks/sweep.py study        # a study on one and two workers

Overhead is the time of the sweep less that of the same simulations and statistics by themselves,
in one process on one thread. One worker is a process on one thread, too. Memory is that of
processes of their own, and goes on where it was interrupted. Each part is kept in
benchmarks/results/sweep.yaml, and all of them are told in sweep.md and sweep.png there.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from whole_runs import PARTIAL, results_folder

import spikelearn as sl
from spikelearn._atomic import atomic_path
from spikelearn._files import read_yaml, sha256, write_text, write_yaml
from spikelearn._imported_ahead import ONE_THREAD
from spikelearn._provenance import as_lines, provenance
from spikelearn._threads import at_most

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


def overhead(n_runs: int) -> dict[str, Any]:
    """Time of a sweep, and of its simulations and statistics by themselves: wall and processor."""
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
    found: dict[str, Any] = {"runs": n_runs}
    for name, one, all_of_it, again in zip(("wall", "processor"), alone, whole, read, strict=True):
        found[name] = {
            "of_a_run_ms": round(one, 2), "beside_it_ms": round(all_of_it - one, 2),
            "to_read_it_ms": round(again, 2),
        }  # fmt: skip
    return found


def taken(work: Callable[[], Any], number: int) -> tuple[float, float]:
    """Milliseconds of each of a number of things: by the clock, and of the processor."""
    started = time.perf_counter(), time.process_time()
    work()
    ended = time.perf_counter(), time.process_time()
    wall, processor = (1000 * (b - a) / number for a, b in zip(started, ended, strict=True))
    return wall, processor


def workers(duration_ms: float, rates: int, weights: int, seeds: int) -> dict[str, Any]:
    """Seconds of Brunel's diagram on one worker and on two, and whether the tables are one."""
    fields = {
        "simulate": {"model": "brunel2000", "duration_ms": duration_ms},
        "vary": {WEIGHT: f"-0.3:-0.8:{weights}", RATE: f"10000:40000:{rates}"},
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
    return {
        "what": f"{weights} x {rates} x {seeds} runs of {duration_ms:g} ms",
        **compared(seconds, one.equals(two)),
    }


def compared(seconds: list[float], are_same: bool) -> dict[str, Any]:
    """What is told of one worker and two."""
    return {
        "one_s": round(seconds[0], 1), "two_s": round(seconds[1], 1),
        "ratio": round(seconds[1] / seconds[0], 3), "same_tables": bool(are_same),
    }  # fmt: skip


def study(n_train: int) -> dict[str, Any]:
    """Seconds of a whole study on one worker and on two, and whether its tables are one.

    Four rules with two seeds; a training takes about 20 s on one core. Each network is compared
    with a recording, each rule audited, and all are tested against each other. Each study is made
    by the command, and all of its time counts.
    """
    seconds, tables = [], []
    with tempfile.TemporaryDirectory() as place:
        write_yaml(Path(place, "study.yaml"), described_study(n_train))
        for number in (1, 2):
            started = time.perf_counter()
            subprocess.run(
                [sys.executable, "-m", "spikelearn", "--quiet", "study", "run", "study.yaml",
                 "--out", f"{number}", "--workers", f"{number}"],
                check=True, cwd=place,
                env={**os.environ, **ONE_THREAD, "PYTHONPATH": os.pathsep.join(sys.path)},
            )  # fmt: skip
            seconds.append(time.perf_counter() - started)
            names = ("results.parquet", "zero.csv", "differences.csv", "audit.csv")
            tables.append([sha256(Path(place, f"{number}", name)) for name in names])
            print(f"{seconds[-1]:.1f} s on {number}", file=sys.stderr, flush=True)
    return {
        "what": f"{len(RULES)} rules x 2 seeds, {n_train:,} images, 10 epochs",
        **compared(seconds, tables[0] == tables[1]),
    }


RULES = ("backprop", "feedback_alignment", "pepita", "weight_mirror")


def described_study(n_train: int) -> dict[str, Any]:
    """The description of a study whose networks learn so many images."""
    return {
        "name": "workers", "seeds": [0, 1], "n_train": n_train, "recordings": ["kriegeskorte92"],
        "criteria": ["C9"], "audit_seeds": [0, 1], "n_bootstrap": 200, "judgements": False,
        "networks": [
            {"family": rule, "rule": rule, "model": "mlp_784", "epochs": 10} for rule in RULES
        ],
    }  # fmt: skip


def memory(n_runs: int, folder: Path) -> dict[str, Any]:
    """Peak memory of sweeps of more and more runs, each in a process of its own.

    Of the longest it is also told what the process holds after so many runs. What is complete is
    kept in the folder until all of it is: the same command goes on from there.
    """
    found: dict[str, Any] = {"peaks_mb": {}}
    for n in (n_runs // 100, n_runs // 10, n_runs):
        done = subprocess.run(
            [sys.executable, __file__, "peak", "--runs", str(n), "--folder", str(folder / f"{n}")],
            check=True, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        about = json.loads(done.stdout.splitlines()[-1])
        found["peaks_mb"][n] = about["peak_mb"]
        found["held_mb"] = about["held_mb"]
        print(f"{n:>7} runs: {about['peak_mb']} MB", file=sys.stderr, flush=True)
    peaks = found["peaks_mb"]
    grown = 1e6 * (peaks[n_runs] - peaks[n_runs // 10])
    found["bytes_a_run"] = round(grown / (n_runs - n_runs // 10))
    shutil.rmtree(folder)
    return found


def peak(n_runs: int, folder: Path) -> dict[str, Any]:
    """Memory of this process in a sweep of the shortest runs: the most, and after so many.

    Where an earlier process has computed some of them, what that one held is read.
    """
    fields = short(n_runs)
    fields["simulate"]["duration_ms"] = 1
    file = folder / "memory.yaml"
    kept: dict[str, Any] = read_yaml(file) if file.is_file() else {"peak_mb": 0.0, "held_mb": {}}
    held: dict[int, float] = kept["held_mb"]
    every = max(1, n_runs // 50)

    def look(fraction: float, words: str) -> None:
        counts = re.match(r"([\d,]+) of ([\d,]+)", words)
        if counts is None:
            return
        finished, to_do = (int(number.replace(",", "")) for number in counts.groups())
        done = n_runs - to_do + finished
        if done and done % every == 0 and done not in held:
            pages = int(Path("/proc/self/statm").read_text().split()[1])
            held[done] = round(pages * resource.getpagesize() / 1e6, 1)
            most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
            kept["peak_mb"] = max(kept["peak_mb"], round(most, 1))
            write_yaml(file, kept)
            print(f"{done:>7} of {n_runs}: {held[done]} MB", file=sys.stderr, flush=True)

    sl.sweep(fields, folder, progress=look)
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
    return {"peak_mb": max(kept["peak_mb"], round(most, 1)), "held_mb": held}


WHOLE_RUNS = {"overhead": 5000, "memory": 50_000, "peak": 50_000}


def main() -> None:
    """Measure what is asked for, and write what all parts have found."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parts = ["overhead", "workers", "memory", "study"]
    parser.add_argument("what", choices=[*parts, "peak"])
    parser.add_argument("--runs", type=int, help="5000 of overhead, 50000 of memory")
    parser.add_argument("--images", type=int, default=40_000, help="that each network learns")
    parser.add_argument("--duration", type=float, default=1000.0, help="ms")
    parser.add_argument("--weights", type=int, default=11)
    parser.add_argument("--rates", type=int, default=8)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument(
        "--folder", type=Path, default=PARTIAL / "sweep_memory",
        help="in which sweeps of memory go on where they were",
    )  # fmt: skip
    given = parser.parse_args()
    n_runs = given.runs or WHOLE_RUNS.get(given.what, 0)
    if given.what == "peak":
        print(json.dumps(peak(n_runs, given.folder)))
        return
    if given.runs == WHOLE_RUNS.get(given.what):
        given.runs = None
    folder = results_folder(parser, given, ["what", "folder"])
    measure: dict[str, Callable[[], dict[str, Any]]] = {
        "overhead": lambda: overhead(n_runs),
        "memory": lambda: memory(n_runs, given.folder),
        "study": lambda: study(given.images),
        "workers": lambda: workers(given.duration, given.rates, given.weights, given.seeds),
    }
    found = measure[given.what]()
    file = folder / "sweep.yaml"
    kept = read_yaml(file) if file.is_file() else {}
    command = " ".join(["python benchmarks/sweep.py", *sys.argv[1:]])
    kept[given.what] = {**found, "made": [f"Command: `{command}`", *as_lines(provenance())]}
    write_yaml(file, kept)
    text = told(kept)
    print(text)
    write_text(folder / "sweep.md", text)
    if "memory" in kept:
        draw(kept["memory"], folder)


def told(kept: dict[str, Any]) -> str:
    """What was found, as Markdown; parts that were not measured are not in it."""
    rows = []
    if (one := kept.get("overhead")) is not None:
        wall, processor = one["wall"], one["processor"]
        rows.append(
            f"| a sweep of {one['runs']:,} runs of {wall['of_a_run_ms']} ms, beside the runs |"
            f" {wall['beside_it_ms']} ms a run ({processor['beside_it_ms']} of the processor) |"
            " under 15 ms |"
        )
        rows.append(f"| the same, all read | {wall['to_read_it_ms']} ms a run | |")
    for name, words, most in (("workers", "Brunel's diagram", 0.58), ("study", "a study", 0.6)):
        if (one := kept.get(name)) is not None:
            same = "the same tables" if one["same_tables"] else "OTHER TABLES"
            rows.append(
                f"| {words} ({one['what']}), two workers of one's time |"
                f" {one['two_s']} of {one['one_s']} s: {one['ratio']:.2f}; {same} |"
                f" at most {most:g} |"
            )
    if (one := kept.get("memory")) is not None:
        for n, size in one["peaks_mb"].items():
            rows.append(f"| peak memory, {int(n):,} runs | {size:.0f} MB | |")
        grows = f"{one['bytes_a_run']} bytes a run"
        rows.append(f"| by which the peak grows: the table of results, at the end | {grows} | |")
        held = {int(n): size for n, size in one["held_mb"].items()}
        n = sorted(held)
        first, last = n[len(n) // 10], n[-1]
        sizes = f"{held[first]:.1f} and {held[last]:.1f} MB"
        rows.append(f"| held after {first:,} and {last:,} of its runs | {sizes} | does not grow |")
    lines = ["# What a sweep costs", "", "| measured | found | wanted |", "|---|---|---|", *rows]
    if "memory" in kept:
        lines += ["", "![Memory by number of runs](sweep.png)"]
    for name, one in kept.items():
        lines += ["", f"{name}: " + "; ".join(line.strip() for line in one["made"])]
    return "\n".join([*lines, ""])


def draw(found: dict[str, Any], folder: Path) -> None:
    """What the process held in the longest sweep, and the peaks of all."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.0, 3.4), layout="constrained")
    axes = figure.subplots()
    held, peaks = found["held_mb"], found["peaks_mb"]
    for sizes, style, words in ((held, "-", "held, of one"), (peaks, "o", "peaks")):
        axes.plot([int(n) for n in sizes], list(sizes.values()), style, label=words)
    axes.set(xlabel="runs", ylabel="memory (MB)")
    axes.set_ylim(0, 1.1 * max(*held.values(), *peaks.values()))
    axes.legend(frameon=False, fontsize=8)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    with atomic_path(folder / "sweep.png") as temporary:
        figure.savefig(temporary, dpi=110)


if __name__ == "__main__":
    main()
