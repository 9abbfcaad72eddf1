"""How fast does each engine simulate published networks, and a feed-forward one?

    python benchmarks/simulate.py                # all of it; a quarter of an hour on two cores
    python benchmarks/simulate.py --only cuba,coba --repeats 1

Every network is given to every engine that is installed, each in a process of its own that holds it
ready: warm, without building and connecting, which are timed by themselves. All are asked in turns,
so many times as there are repeats; figures are medians of these whole runs, with the fastest and
the slowest, and ratios to the named peer of the same turns. Machine and versions stand beside them.
What is timed:

    cuba, coba   Vogels & Abbott 2005 as in Brette et al. 2007, 4,000 neurons, 1 s, steps of 0.1 ms
    brunel       Brunel 2000, 12,500 neurons, 15.6 million synapses, 1 s, steps of 0.1 ms
    cold         fresh process, empty caches, to CUBA's raster of 1 s; Brian2 as it comes (Cython)
    adapter      CUBA on Brian2's targets through the adapter, and by hand: the same populations,
                 synapses, spikes and flags, left to Brian2's integrator; the run alone
    forward      784-400-10, 128 stimuli at once, 100 steps; peers: the libraries' own loops
    training     the same with the way back: surrogate gradients on our neurons and on theirs

Peers: Brian2's C++ standalone and Cython (from the same description, its equations for the same
step written for its own integrator), NEST (iaf_psc_exp, iaf_cond_exp, iaf_psc_delta) where
installed (pip install nest-simulator), by hand with its own connections and its own Poisson
generators and by the adapter with ours, snnTorch's and Norse's own time loops. A run of NEST that
takes longer than eight seconds is made once.
Results are written to benchmarks/results/simulate.md, of one section alone to a file of its own;
to runs/benchmarks while not all of them are there.
"""

from __future__ import annotations

import argparse
import gc
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from held_ready import HeldReady, in_simulate
from simulate_peers import PEERS
from whole_runs import PARTIAL, results_folder

from spikelearn._files import write_text
from spikelearn._provenance import as_lines, provenance

MODELS = {"cuba": "vogels_abbott_cuba", "coba": "vogels_abbott_coba", "brunel": "brunel2000"}
STEP_MS = 0.1
THREADS = 1, 2
REFERENCE = "brian2_standalone"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument(
        "--only",
        help="cuba, coba, brunel, cold, adapter, forward, training; separated by commas",
    )
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--duration-ms", type=float, default=1000.0)
    options = parser.parse_args()
    every = [*MODELS, "cold", "adapter", "forward", "training"]
    wanted = options.only.split(",") if options.only else every
    command = " ".join(["python benchmarks/simulate.py", *sys.argv[1:]])
    head = ["# Speed of simulation", "", f"Command: `{command}`  ", *as_lines(provenance()), ""]
    sections: list[str] = []
    alone = len(wanted) == 1
    name_of_file = f"simulate_{wanted[0]}.md" if alone else "simulate.md"
    folder = results_folder(
        parser, options, ["only"] if alone else [], [] if nest_is_installed() else ["NEST"]
    )
    for name in wanted:
        print(f"{name} ...", file=sys.stderr, flush=True)
        if name in MODELS:
            sections.append(network(name, options.duration_ms, options.repeats))
        elif name == "cold":
            sections.append(cold(options.duration_ms))
        elif name == "adapter":
            sections.append(adapter(options.duration_ms, options.repeats))
        elif name == "forward":
            sections.append(forward(options.repeats))
        elif name == "training":
            sections.append(training(options.repeats))
        else:
            sys.exit(f"there is no benchmark called '{name}'")
        print(sections[-1], flush=True)
        write_text(PARTIAL / name_of_file, "\n".join([*head, *sections]))
    write_text(folder / name_of_file, "\n".join([*head, *sections]))


def nest_is_installed() -> bool:
    return importlib.util.find_spec("nest") is not None


def network(name: str, duration_ms: float, repeats: int) -> str:
    """One network on our engine and on its peers, in turns."""
    held: dict[tuple[str, int], HeldReady] = {}
    refused: dict[str, str] = {}
    for threads in THREADS:
        for engine in ("native", *PEERS):
            if engine.startswith("nest") and not nest_is_installed():
                continue
            if engine == "brian2_cython" and threads > 1:  # it has no threads
                continue
            if engine == "nest_adapter" and name == "coba":
                refused[engine] = "conductances are not NEST's with our integration: refused"
                continue
            call = f"prepared('{name}', '{engine}', {threads}, {duration_ms})"
            held[engine, threads] = HeldReady(call, threads)
    for _ in range(repeats):
        for ready in held.values():
            ready.run()
    for ready in held.values():
        ready.close()
    n_neurons = 12_500 if name == "brunel" else 4_000
    rates = {
        key: statistics.mean(ready.spikes) / n_neurons / duration_ms * 1000.0
        for key, ready in held.items()
    }
    lines = [f"## {name}: {MODELS[name]}, {duration_ms:g} ms", "", *table(held, rates)]
    lines += [f"| {engine} | {why} |{' |' * 7}" for engine, why in refused.items()]
    return "\n".join([*lines, ""])


def table(held: Mapping[tuple[str, int], HeldReady], rates: dict[tuple[str, int], float]) -> list:
    """A row for each engine: seconds on each number of threads, and ratios of them.

    Parameters
    ----------
    held : mapping of HeldReady
        By engine and number of threads, with the seconds of all turns.
    rates : dict of float
        Of the same, in spikes per second and neuron.
    """
    one, two = THREADS
    lines = [
        "| engine | 1 thread, s | 2 threads, s | 2 threads to 1 | to Brian2 standalone, 1 thread |"
        " 2 threads | build or connect, s | rate, Hz | runs |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    middle = {key: statistics.median(ready.seconds) for key, ready in held.items()}
    for engine in dict.fromkeys(engine for engine, _ in held):
        cells = []
        for threads in THREADS:
            ready = held.get((engine, threads))
            cells.append("" if ready is None else in_seconds(ready.seconds))
        both = (engine, two) in held
        cells.append(f"{middle[engine, two] / middle[engine, one]:.2f}" if both else "")
        for threads in THREADS:
            ratio = ""
            if (engine, threads) in held:
                ratio = f"{middle[engine, threads] / middle[REFERENCE, threads]:.2f}"
            cells.append(ratio)
        first = held[engine, one]
        cells += [f"{first.build:.1f}", f"{rates[engine, one]:.2f}", str(len(first.seconds))]
        lines.append(f"| {engine} | {' | '.join(cells)} |")
    return lines


def in_seconds(taken: list[float]) -> str:
    """The median, and in brackets the least and the most."""
    several = f" ({min(taken):.3f} to {max(taken):.3f})" if len(taken) > 1 else ""
    return f"{statistics.median(taken):.3f}{several}"


def prepared(
    name: str, engine: str, threads: int, duration_ms: float
) -> Callable[[], tuple[float, int]]:
    """What runs a network on an engine, and gives the seconds and the number of spikes."""
    if engine == "native":
        return native(name, duration_ms)
    return PEERS[engine](name, threads, duration_ms)


def native(name: str, duration_ms: float) -> Callable[[], tuple[float, int]]:
    """Our engine on the network on the grid: what Brian2's and NEST's run do after connecting."""
    from spikelearn.networks import load_model
    from spikelearn.simulation.grid.network import to_grid
    from spikelearn.simulation.native import engine
    from spikelearn.stimuli.stimulus import Stimulus

    grid = to_grid(load_model(MODELS[name]), Stimulus(), duration_ms, STEP_MS, 0, ())
    parts = engine.arranged(grid)

    def run() -> tuple[float, int]:
        start = time.perf_counter()
        spikes, _, _ = engine.run(grid, lambda fraction: None, "float64", parts)
        return time.perf_counter() - start, sum(len(found) for found in spikes.values())

    return run


def in_process(call: str, threads: int, environment: dict[str, str] | None = None) -> dict:
    """The result of a call of this file's, in a fresh process held to so many cores."""
    code = in_simulate(f"print('RESULT' + json.dumps({call}))", threads)
    done = subprocess.run(
        [sys.executable, "-c", code, str(Path(__file__).parent)],
        capture_output=True, text=True, check=False,
        env={**os.environ, "OMP_NUM_THREADS": str(threads), **(environment or {})},
    )  # fmt: skip
    for line in done.stdout.splitlines():
        if line.startswith("RESULT"):
            return dict(json.loads(line.removeprefix("RESULT")))
    sys.exit(f"{call} failed:\n{done.stderr[-2000:]}")


def cold(duration_ms: float) -> str:
    """From a fresh process to the raster's arrays, with empty and with full caches."""
    lines = [
        f"## cold: from starting Python to CUBA's spikes of {duration_ms:g} ms",
        "",
        "| engine | empty caches, s | full caches, s |",
        "|---|---|---|",
    ]
    times: dict[str, tuple[float, float]] = {}
    for engine in ("native", "brian2_cython"):
        with tempfile.TemporaryDirectory() as folder:
            caches = {"NUMBA_CACHE_DIR": folder, "XDG_CACHE_HOME": folder, "HOME": folder}
            taken = []
            for _ in range(2):
                start = time.perf_counter()
                in_process(f"start_to_raster('{engine}', {duration_ms})", 1, caches)
                taken.append(time.perf_counter() - start)
        times[engine] = (taken[0], taken[1])
        lines.append(f"| {engine} | {taken[0]:.1f} | {taken[1]:.1f} |")
    ratio = times["native"][0] / times["brian2_cython"][0]
    return "\n".join([*lines, "", f"Native to Brian2's default, empty caches: {ratio:.2f}", ""])


def start_to_raster(engine: str, duration_ms: float) -> dict[str, int]:
    """Number of spikes of CUBA."""
    if engine != "native":
        return {"spikes": PEERS[engine]("cuba", 1, duration_ms)()[1]}
    from spikelearn.networks import load_model
    from spikelearn.simulation import simulate

    activity = simulate(load_model(MODELS["cuba"]), None, duration_ms, STEP_MS, "native")
    return {"spikes": activity.n_spikes}


def adapter(duration_ms: float, repeats: int) -> str:
    """Brian2's targets by the adapter and by hand."""
    lines = [
        f"## adapter: {MODELS['cuba']} on Brian2",
        "",
        "| target | simulated, ms | by hand, s, median | by the adapter | ratio |"
        " spikes, by hand and adapter | besides the run, by the adapter, s |",
        "|---|---|---|---|---|---|---|",
    ]
    for target in ("numpy", "cython", "standalone"):
        # Of a program's second, the scatter of what is besides it would be a tenth and more.
        simulated_ms = duration_ms * (10.0 if target == "standalone" else 1.0)
        found = in_process(f"by_hand_and_adapter('{target}', {simulated_ms}, {repeats})", 1)
        hand, ours = (statistics.median(found[who]) for who in ("hand", "ours"))
        lines.append(
            f"| {target} | {simulated_ms:g} | {hand:.3f} | {ours:.3f} | {ours / hand:.2f} |"
            f" {found['spikes'][0]}, {found['spikes'][1]} | {found['besides']:.2f} |"
        )
    return "\n".join([*lines, ""])


def by_hand_and_adapter(target: str, duration_ms: float, repeats: int) -> dict:
    """Seconds of the processor that the run alone takes, both ways: a busy machine adds none.

    By the adapter it is the time from when it first tells of its progress, when all is written and
    compiled, less that of a run of a single step, which has the same network to load and connect.
    Besides the run is what the call of a single step takes, with what is compiled each time.
    """
    import resource

    from simulate_peers import brian2_by_hand

    from spikelearn.networks import load_model
    from spikelearn.simulation.grid.network import to_grid
    from spikelearn.simulation.simulate import load_backend
    from spikelearn.stimuli.stimulus import Stimulus

    net, engine = load_model(MODELS["cuba"]), load_backend(f"brian2:{target}")
    whole, single = (to_grid(net, Stimulus(), t, STEP_MS, 0, ()) for t in (duration_ms, STEP_MS))

    def processor() -> float:
        whose = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
        used = [resource.getrusage(who) for who in whose]
        return sum(u.ru_utime + u.ru_stime for u in used)

    def seconds(grid: Any) -> tuple[float, float, int]:
        begun = []
        start = processor()
        spikes, _, _ = engine.run(grid, lambda fraction: begun.append(processor()), "float64")
        end = processor()
        return end - begun[0], end - start, sum(s.steps.size for s in spikes.values())

    seconds(single)  # Cython compiles
    ours, loading, besides = [], [], []
    for _ in range(repeats):
        alone, call, _ = seconds(single)
        loading.append(alone)
        besides.append(call)
        alone, _, n_spikes = seconds(whole)
        ours.append(alone)
    hand = brian2_by_hand(target, whole, repeats)
    return {
        "ours": [alone - statistics.median(loading) for alone in ours],
        "besides": statistics.median(besides),
        "hand": [taken for taken, _ in hand],
        "spikes": [hand[0][1], n_spikes],
    }


def forward(repeats: int) -> str:
    """A feed-forward network through the adapter, and by the libraries' own loops."""
    lines = [
        "## forward: 784-400-10, 128 stimuli, 100 steps",
        "",
        "13 % of the inputs spike in a step; 32 bits, native 64.",
        "",
        "| what | threads | milliseconds, median | ratio to its own loop | to the products alone |",
        "|---|---|---|---|---|",
    ]
    for threads in (1, 2):
        found = in_process(f"feed_forward({threads}, {repeats})", threads)
        for what, milliseconds in found.items():
            own = found.get(f"{what}, own loop")
            ratio = f"{milliseconds / own:.2f}" if own else ""
            products = found["products alone, 64 bits" if what == "native" else "products alone"]
            lines.append(
                f"| {what} | {threads} | {milliseconds:.0f} | {ratio} |"
                f" {milliseconds / products:.2f} |"
            )
    return "\n".join([*lines, ""])


def training(repeats: int) -> str:
    """Forward and backward, by surrogate gradients, beside the libraries' own loops."""
    lines = [
        "## training: 784-400-10, 128 stimuli, 100 steps, forward and backward",
        "",
        "13 % of the inputs spike in a step; 32 bits.",
        "",
        "| what | threads | milliseconds, median | ratio to snnTorch's own loop | to Norse's |",
        "|---|---|---|---|---|",
    ]
    for threads in (1, 2):
        found = in_process(f"train({threads}, {repeats})", threads)
        for what, milliseconds in found.items():
            ratios = [milliseconds / found[f"{peer}, own loop"] for peer in ("snntorch", "norse")]
            lines.append(
                f"| {what} | {threads} | {milliseconds:.0f} | {ratios[0]:.2f} | {ratios[1]:.2f} |"
            )
    return "\n".join([*lines, ""])


def feed_forward(threads: int, repeats: int) -> dict[str, float]:
    """Milliseconds of each way to run the network forward."""
    from simulate_peers import feed_forward_ways

    return milliseconds_of(feed_forward_ways(threads), repeats)


def train(threads: int, repeats: int) -> dict[str, float]:
    """Milliseconds of each way to run the network forward and backward."""
    from simulate_peers import training_ways

    return milliseconds_of(training_ways(threads), repeats)


def milliseconds_of(ways: dict[str, Callable[[], object]], repeats: int) -> dict[str, float]:
    """The median of each, all of them in turns, so that a busy moment does not fall on one."""
    taken: dict[str, list[float]] = {what: [] for what in ways}
    for run in ways.values():
        run()
    for _ in range(repeats):
        for what, run in ways.items():
            # In turns, but each after one of its own kind, as when a network is trained: what
            # another left behind in memory is not its to clear away.
            gc.collect()
            run()
            start = time.perf_counter()
            run()
            taken[what].append(time.perf_counter() - start)
    return {what: 1000.0 * statistics.median(times) for what, times in taken.items()}


if __name__ == "__main__":
    main()
