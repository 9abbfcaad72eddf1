"""The cortical microcircuit of Potjans & Diesmann by its own recipe: how fast, in how much memory,
and whether it fires as published.

    python benchmarks/microcircuit.py                          # whole: 77,169 neurons, 10 s
    python benchmarks/microcircuit.py --scale 0.1 --duration 2000 --nest-scale 0

10 s of spontaneous activity are simulated, of which the first 0.5 s are dropped. What is told:
seconds to build (to draw 0.3 billion synapses, and to put them where the engine wants them), the
most memory that the process held, the real-time factor (seconds of a clock for a second of the
model), and of each population the mean rate, the mean coefficient of variation of its intervals,
its synchrony, and the mean correlation of its neurons, beside what is published. NEST runs the same
description with its own random numbers, connected as its own implementation of the model does it,
on as many threads, for `--nest-duration`, at half the size (the whole takes NEST 14 GB and about
ten minutes: `--nest-scale 1`); we run that, too.

    rate          spikes a second
    CV            of the intervals of neurons that have five or more
    synchrony     variance over mean of the spikes of 1,000 neurons in bins of 3 ms
    correlation   of spike counts in 2 ms, over all pairs of 200 neurons

Each is measured in a process of its own, whose code is compiled before. Results are written to
benchmarks/results/microcircuit.md; of part of it to runs/benchmarks.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from whole_runs import results_folder

from spikelearn._files import write_text
from spikelearn._provenance import as_lines, provenance

MODEL, STEP_MS, DROPPED_MS = "potjans_diesmann2014", 0.1, 500.0
POPULATIONS = ("L23E", "L23I", "L4E", "L4I", "L5E", "L5I", "L6E", "L6I")
# Rates of Potjans & Diesmann 2014 (doi:10.1093/cercor/bhs358), as Romaro et al. 2021 give those of
# the excitatory populations; of NEST's own implementation, from one run of the whole model; and of
# Romaro et al. 2021 (doi:10.1162/neco_a_01400, tables A.1, A.3, A.5), the whole model in NetPyNE,
# 60 s and about 1,000 neurons of each population.
PUBLISHED: dict[str, dict[str, tuple[float | None, ...]]] = {
    "rate": {
        "Potjans & Diesmann 2014": (0.86, None, 4.45, None, 7.59, None, 1.09, None),
        "NEST's implementation": (0.903, 2.965, 4.414, 5.876, 7.569, 8.633, 1.105, 7.829),
        "Romaro et al. 2021": (0.90, 2.80, 4.39, 5.70, 6.80, 8.22, 1.14, 7.60),
    },
    "CV": {"Romaro et al. 2021": (0.938, 0.916, 0.891, 0.873, 0.847, 0.809, 0.924, 0.819)},
    "synchrony": {"Romaro et al. 2021": (2.9, 1.8, 3.0, 1.7, 4.4, 1.1, 1.2, 1.0)},
    "correlation": {},
}
DIGITS = {"rate": 2, "CV": 3, "synchrony": 1, "correlation": 4}


def main() -> None:
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n\n")[0])
    parser.add_argument("--scale", type=float, default=1.0, help="share of neurons and synapses")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--duration", type=float, default=10_000.0, help="ms of the model")
    parser.add_argument("--weight-bits", type=int, default=32, choices=(32, 64))
    parser.add_argument("--nest-scale", type=float, default=0.5, help="0: without NEST")
    parser.add_argument("--nest-duration", type=float, default=1_500.0, help="ms of the model")
    options = parser.parse_args()
    if min(options.duration, options.nest_duration) < 2 * DROPPED_MS:
        parser.error(f"give at least {2 * DROPPED_MS:g} ms, of which {DROPPED_MS:g} are dropped")
    there = importlib.util.find_spec("nest") is not None
    folder = results_folder(parser, options, (), () if there else ("NEST",))
    beside = bool(options.nest_scale and there)
    ours = in_process("native", options.scale, options.duration, options)
    pair = []
    if beside:
        same = (options.nest_scale, options.nest_duration)
        repeated = same == (options.scale, options.duration)
        pair = [ours if repeated else in_process("native", *same, options)]
        pair.append(in_process("nest", *same, options))
    command = " ".join(["python benchmarks/microcircuit.py", *sys.argv[1:]])
    text = "\n".join(
        ["# The cortical microcircuit", "", f"Command: `{command}`  ", *as_lines(provenance()), "",
         f"{MODEL}, weights of {options.weight_bits} bits, {options.threads} threads.", "",
         *costs([ours, *pair[:1], *pair[1:]] if pair else [ours]), *statistics(ours, options),
         *(side_by_side(*pair, options) if pair else [])]
    )  # fmt: skip
    print(text)
    write_text(folder / "microcircuit.md", text + "\n")


def costs(runs: list[dict[str, Any]]) -> list[str]:
    """Seconds and bytes, a row a run."""
    lines = [
        "| engine | scale | neurons | synapses, millions | build, s | memory, GB | simulated, s |"
        " seconds | real-time factor | with building |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for run in runs:
        simulated = run["duration_ms"] / 1000.0
        lines.append(
            f"| {run['engine']} | {run['scale']:g} | {run['neurons']:,} |"
            f" {run['synapses'] / 1e6:.1f} | {run['build']:.1f} | {run['memory'] / 1e9:.2f} |"
            f" {simulated:g} | {run['seconds']:.1f} | {run['seconds'] / simulated:.2f} |"
            f" {(run['seconds'] + run['build']) / simulated:.2f} |"
        )
    if len(runs) == 3:
        _, ours, nest = runs
        alone = ours["seconds"] / nest["seconds"]
        whole = (ours["seconds"] + ours["build"]) / (nest["seconds"] + nest["build"])
        lines += ["", f"At scale {ours['scale']:g} native takes {alone:.3f} of NEST's time,"
                      f" {whole:.3f} with building."]  # fmt: skip
    return [*lines, ""]


def statistics(run: dict[str, Any], options: argparse.Namespace) -> list[str]:
    """How each population fires, beside what is published."""
    lines = [
        f"## How it fires, scale {options.scale:g}",
        "",
        f"From {DROPPED_MS:g} to {options.duration:g} ms.",
        "",
        f"| what | from | {' | '.join(POPULATIONS)} |",
        "|---" * (2 + len(POPULATIONS)) + "|",
    ]
    for what, others in PUBLISHED.items():
        lines.append(row(what, "native", run["found"][what]))
        lines += [row(what, who, values) for who, values in others.items()]
    return [*lines, ""]


def side_by_side(
    ours: dict[str, Any], nest: dict[str, Any], options: argparse.Namespace
) -> list[str]:
    """How the smaller network fires on both engines, whose random numbers differ."""
    lines = [
        f"## How it fires on both, scale {options.nest_scale:g}",
        "",
        f"From {DROPPED_MS:g} to {options.nest_duration:g} ms.",
        "",
        f"| what | engine | {' | '.join(POPULATIONS)} |",
        "|---" * (2 + len(POPULATIONS)) + "|",
    ]
    for what in PUBLISHED:
        lines += [row(what, who, r["found"][what]) for who, r in (("native", ours), ("NEST", nest))]
    return [*lines, ""]


def row(what: str, who: str, values: Any) -> str:
    """A row of figures."""
    cells = ["" if v is None or not np.isfinite(v) else f"{v:.{DIGITS[what]}f}" for v in values]
    return f"| {what} | {who} | {' | '.join(cells)} |"


def in_process(
    engine: str, scale: float, duration_ms: float, options: argparse.Namespace
) -> dict[str, Any]:
    """A run in a fresh process held to as many cores as it has threads."""
    code = (
        "import sys, json, os; sys.path.insert(0, sys.argv[1]);"
        f"os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:{options.threads}]);"
        "from microcircuit import *;"
        f"print('RESULT' + json.dumps(run_{engine}({scale}, {duration_ms}, {options.threads},"
        f" {options.weight_bits})))"
    )
    print(f"{engine}, scale {scale:g}, {duration_ms:g} ms ...", file=sys.stderr, flush=True)
    done = subprocess.run(
        [sys.executable, "-c", code, str(Path(__file__).parent)], stdout=subprocess.PIPE, text=True,
        check=False, env={**os.environ, "OMP_NUM_THREADS": str(options.threads)},
    )  # fmt: skip
    for line in done.stdout.splitlines():
        if line.startswith("RESULT"):
            return dict(json.loads(line.removeprefix("RESULT")))
    sys.exit(f"{engine} at scale {scale:g} failed")


def described(scale: float, weight_bits: int = 64) -> Any:
    """The model at a scale."""
    import spikelearn as sl

    network = sl.load_model(MODEL).changed("weight_bits", weight_bits)
    return network if scale == 1 else network.scaled(scale)


def run_native(scale: float, duration_ms: float, threads: int, weight_bits: int) -> dict[str, Any]:
    """Build and run on our engine."""
    from spikelearn._threads import at_most
    from spikelearn.simulation.grid.network import to_grid
    from spikelearn.simulation.native import engine
    from spikelearn.stimuli.stimulus import Stimulus

    def whole(scale: float, duration_ms: float) -> dict[str, Any]:
        network = described(scale, weight_bits)
        start = time.perf_counter()
        grid = to_grid(network, Stimulus(), duration_ms, STEP_MS, 0, ())
        parts = engine.arranged(grid)
        built = time.perf_counter()
        spikes, _, _ = engine.run(grid, lambda fraction: None, "float64", parts)
        ended = time.perf_counter()
        n_steps = grid.n_steps
        trains = {
            name: spikes[name].of(network.populations[name].size, np.arange(1), n_steps, STEP_MS)
            for name in network.neurons
        }
        found = {name: (t.times_ms, t.senders, t.size) for name, t in trains.items()}
        return about("native", scale, duration_ms, network, built - start, ended - built, found)

    with at_most(threads):
        whole(0.01, 2 * DROPPED_MS)  # compiled
        return whole(scale, duration_ms)


def run_nest(scale: float, duration_ms: float, threads: int, weight_bits: int) -> dict[str, Any]:
    """Build and run on NEST, in its own words and with its own random numbers."""
    import nest

    network = described(scale)
    nest.ResetKernel()
    nest.set_verbosity("M_ERROR")
    nest.SetKernelStatus(
        {"resolution": STEP_MS, "local_num_threads": threads, "rng_seed": 1, "print_time": False}
    )
    start = time.perf_counter()
    neurons, recorders = {}, {}
    for name, p in network.neurons.items():
        start_mv = p.v_init_mv
        neurons[name] = nest.Create("iaf_psc_exp", p.size, params={
            "E_L": p.v_rest_mv, "V_th": p.v_threshold_mv, "V_reset": p.v_reset_mv,
            "t_ref": p.refractory_ms, "tau_m": p.tau_m_ms, "C_m": p.leak_ns * p.tau_m_ms,
            "tau_syn_ex": 0.5, "tau_syn_in": 0.5,
            "V_m": nest.random.normal(start_mv.mean, start_mv.sd),
        })  # fmt: skip
        recorders[name] = nest.Create("spike_recorder")
        nest.Connect(neurons[name], recorders[name])
    for p in network.projections:
        weight, delay = p.weight_pa, p.delay_ms
        low, high = (weight.low, None) if weight.low is not None else (None, weight.high)
        nest.Connect(
            neurons[p.source], neurons[p.target],
            {"rule": "fixed_total_number", "N": p.connectivity.number},
            {
                "weight": nest.math.redraw(
                    nest.random.normal(weight.mean, weight.sd),
                    -np.inf if low is None else low, np.inf if high is None else high,
                ),
                "delay": nest.math.redraw(
                    nest.random.normal(delay.mean, delay.sd), STEP_MS - 0.5 * STEP_MS, np.inf
                ),
            },
        )  # fmt: skip
    for item in network.background:
        drive = nest.Create("poisson_generator", params={"rate": item.rate_hz})
        nest.Connect(drive, neurons[item.target],
                     syn_spec={"weight": item.weight_pa, "delay": STEP_MS})  # fmt: skip
    nest.Prepare()
    built = time.perf_counter()
    nest.Run(duration_ms)
    ended = time.perf_counter()
    found = {}
    for name, recorder in recorders.items():
        events = recorder.get("events")
        senders = np.asarray(events["senders"]) - neurons[name][0].global_id
        found[name] = np.asarray(events["times"]), senders, network.neurons[name].size
    return about("NEST", scale, duration_ms, network, built - start, ended - built, found)


def about(
    engine: str, scale: float, duration_ms: float, network: Any, build: float, seconds: float,
    found: dict[str, tuple[np.ndarray, np.ndarray, int]],
) -> dict[str, Any]:  # fmt: skip
    """What is told of a run."""
    import resource

    numbers = [
        p.connectivity.expected_number(*(network.populations[e].size for e in (p.source, p.target)))
        for p in network.projections
    ]
    return {
        "engine": engine, "scale": scale, "duration_ms": duration_ms, "build": build,
        "seconds": seconds, "synapses": sum(numbers),
        "neurons": sum(p.size for p in network.neurons.values()),
        "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "found": {
            what: [of(*found[name], duration_ms) for name in POPULATIONS]
            for what, of in (("rate", rate), ("CV", variation), ("synchrony", synchrony),
                             ("correlation", correlation))
        },
    }  # fmt: skip


def rate(times: np.ndarray, senders: np.ndarray, size: int, duration_ms: float) -> float:
    """Spikes a second of a neuron."""
    late = (times > DROPPED_MS).sum()
    return float(late / size / (duration_ms - DROPPED_MS) * 1000.0)


def variation(times: np.ndarray, senders: np.ndarray, size: int, duration_ms: float) -> float:
    """Mean coefficient of variation of neurons that have five intervals or more."""
    late = times > DROPPED_MS
    order = np.lexsort((times[late], senders[late]))
    times, senders = times[late][order], senders[late][order]
    each = np.split(times, np.flatnonzero(np.diff(senders)) + 1)
    intervals = [np.diff(one) for one in each if one.size > 5]
    return float(np.mean([i.std() / i.mean() for i in intervals])) if intervals else np.nan


def counts(
    times: np.ndarray, senders: np.ndarray, most: int, bin_ms: float, duration_ms: float
) -> np.ndarray:
    """Spikes of the first neurons in bins, shape (most, bins)."""
    n_bins = int((duration_ms - DROPPED_MS) / bin_ms)
    bins = np.floor((times - DROPPED_MS) / bin_ms + 1e-9).astype(np.int64)
    here = (senders < most) & (bins >= 0) & (bins < n_bins)
    places = senders[here] * n_bins + bins[here]
    return np.bincount(places, minlength=most * n_bins).reshape(most, n_bins)


def synchrony(times: np.ndarray, senders: np.ndarray, size: int, duration_ms: float) -> float:
    """Variance over mean of the spikes of a thousand neurons in bins of 3 ms."""
    together = counts(times, senders, min(size, 1000), 3.0, duration_ms).sum(axis=0)
    return float(together.var() / together.mean()) if together.any() else np.nan


def correlation(times: np.ndarray, senders: np.ndarray, size: int, duration_ms: float) -> float:
    """Mean correlation coefficient of the counts in 2 ms, over pairs of 200 neurons that spike."""
    each = counts(times, senders, min(size, 200), 2.0, duration_ms).astype(float)
    each = each[each.std(axis=1) > 0]
    if len(each) < 2:
        return np.nan
    return float(np.corrcoef(each)[np.triu_indices(len(each), 1)].mean())


if __name__ == "__main__":
    main()
