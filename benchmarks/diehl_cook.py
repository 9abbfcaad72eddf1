"""How fast does Diehl and Cook's network learn digits, beside Brian2 and BindsNET?

    python benchmarks/diehl_cook.py --quick
    python benchmarks/diehl_cook.py --peers peers

400, 1,600 and 6,400 neurons (and as many inhibitory ones) see the spikes of the same training
digits, 350 ms each with 150 ms of rest, at steps of 0.5 ms, one digit after another (batch one),
while all synapses learn. Each engine runs in a process of its own; what is told is the median time
of a digit, and its ratio to the best time of Brian2 for as many neurons in this run. What is ours
is timed with everything that a simulation includes, of which training makes one for 100 digits, and
Brian2's main loop alone. Brian2's spikes and weights are compared
with ours where the adapter runs it: the same to 1e-9. The peers are the network as their users
write it (diehl_cook_peers.py): the same rule and constants; their integration differs, so their
spikes are counted only.

The table is written to benchmarks/results/diehl_cook.md. It takes about seven minutes on two cores
on which nothing else runs; threads of OpenMP that have to wait for a core take hundreds of times as
long.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from diehl_cook_peers import DT_MS, PEERS, PERIOD_MS, PRESENT_MS, Digits, available
from whole_runs import results_folder

from spikelearn._files import write_text
from spikelearn._provenance import as_lines, provenance

WORDS = {
    "native_1": "spikelearn, native, one thread: whole simulations",
    "native_2": "spikelearn, native, two threads: whole simulations",
    "brian2_backend": "spikelearn, brian2: the same simulation on Brian2, NumPy target",
    "brian2_standalone": "Brian2 by hand: C++ standalone, one thread, its main loop alone",
    "brian2_openmp": "Brian2 by hand: C++ standalone, two threads, its main loop alone",
    "brian2_cython": "Brian2 by hand: Cython, a run for each digit",
    "bindsnet": "BindsNET 0.3.4: a digit at a time, without rest",
}
BRIAN2 = ("brian2_standalone", "brian2_openmp", "brian2_cython")


class Size(NamedTuple):
    """How a number of neurons is measured: digits a simulation and repeats, ours and the peers'."""

    digits: int
    repeats: int
    peers_digits: int
    peers_repeats: int
    names: tuple[str, ...]
    wanted: dict[str, str]


SIZES = {
    400: Size(100, 7, 20, 7, tuple(WORDS), {"native_1": "at most 0.167 of Brian2's best"}),
    1600: Size(100, 5, 20, 5, ("native_1", "native_2", *BRIAN2[:2]), {}),
    6400: Size(100, 3, 5, 2, ("native_1", "native_2", *BRIAN2[:2]), {"native_2": "at most 14 ms"}),
}
QUICK = ("native_1", "native_2", "brian2_backend", "brian2_standalone", "bindsnet")


def main() -> None:
    parser, options = parse()
    if options.child:
        child(options)
        return
    sections, missing = [], []
    for neurons in options.neurons:
        size = SIZES[neurons]
        found: dict[str, dict[str, Any]] = {}
        for name in [n for n in size.names if n in QUICK or not options.quick]:
            if name in PEERS and not available(name, options.peers):
                print(f"{name}: not found; see diehl_cook_peers.py", flush=True)
                missing.append(name)
                continue
            started = time.perf_counter()
            found[name] = measured(name, neurons, options)
            took, ms = time.perf_counter() - started, median(found[name]) * 1e3
            print(f"{neurons} neurons, {name}: {ms:.2f} ms a digit ({took:.0f} s)", flush=True)
        sections += [*table(neurons, found), ""]
    command = " ".join(["python benchmarks/diehl_cook.py", *sys.argv[1:]])
    lines = ["# Diehl and Cook's network, learning digits", "", *sections, *as_lines(provenance())]
    lines += ["", f"Made by `{command}`."]
    print("\n".join(lines))
    folder = results_folder(parser, options, indifferent=["peers"], left_out=missing)
    write_text(folder / "diehl_cook.md", "\n".join(lines) + "\n")


def parse() -> tuple[argparse.ArgumentParser, argparse.Namespace]:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--neurons", type=int, nargs="+", choices=SIZES, default=[*SIZES])
    parser.add_argument("--quick", action="store_true", help="fewer engines and repeats")
    parser.add_argument("--peers", type=Path, help="folder with BindsNET")
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, help=argparse.SUPPRESS)
    return parser, parser.parse_args()


def measured(name: str, neurons: int, options: argparse.Namespace) -> dict[str, Any]:
    """What a process of its own finds."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "found"
        command = [sys.executable, __file__, "--child", name, str(neurons), "--out", str(out)]
        command += ["--quick"] * options.quick
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        if options.peers is not None:
            environment["PYTHONPATH"] = os.pathsep.join(
                filter(None, [str(options.peers.resolve()), os.environ.get("PYTHONPATH")])
            )
        subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL)
        found = json.loads(out.with_suffix(".json").read_text(encoding="utf-8"))
        if out.with_suffix(".npz").is_file():
            with np.load(out.with_suffix(".npz")) as arrays:
                found |= {key: arrays[key] for key in arrays.files}
    return found


def child(options: argparse.Namespace) -> None:
    """Run one engine, and leave what it found in files."""
    name, neurons = options.child[0], int(options.child[1])
    size = SIZES[neurons]
    peer = name in PEERS
    n_digits = size.peers_digits if peer else size.digits
    repeats = size.peers_repeats if peer else size.repeats
    digits, network, weights = shown(n_digits, neurons)
    repeats = max(2, repeats // 3) if options.quick else repeats
    arrays: dict[str, np.ndarray] = {}
    if peer:
        found = PEERS[name](digits, weights, repeats)
    elif name == "brian2_backend":
        found, arrays = ours(network, digits, "brian2:numpy", 1, 1)
    else:
        found, arrays = ours(network, digits, "native", repeats, int(name[-1]))
    np.savez(options.out.with_suffix(".npz"), **arrays)  # type: ignore[arg-type]
    found["digits"] = n_digits
    options.out.with_suffix(".json").write_text(json.dumps(found), encoding="utf-8")


def shown(n_digits: int, n_neurons: int) -> tuple[Digits, Any, np.ndarray]:
    """Spikes of the first training digits, the network, and its normalised initial weights."""
    from spikelearn.networks import load_model
    from spikelearn.stimuli import mnist
    from spikelearn.stimuli.encoders import BernoulliEncoder
    from spikelearn.stimuli.images import network_input

    network = load_model("diehl_cook2015").changed("populations[model=*lif].size", n_neurons)
    images = network_input(mnist.load("auto").train_images[:n_digits], 28, 28)
    # Brian2's generators of spikes refuse a second one of a neuron in a step.
    spikes = BernoulliEncoder(max_rate_hz=63.75).encode(
        images, PRESENT_MS, DT_MS, np.random.default_rng(0)
    )
    digits = [
        (spikes.times_ms[spikes.trials == i], spikes.senders[spikes.trials == i])
        for i in range(n_digits)
    ]
    drawn = network.connections(network.projections[0], np.random.default_rng(0))
    weights = drawn.weight.reshape(784, n_neurons)
    return digits, network, weights * (78.0 / weights.sum(0))


def ours(
    network: Any, digits: Digits, backend: str, repeats: int, threads: int
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """The adapter: the time of whole calls, and what they give."""
    from spikelearn._spike_arrays import PopulationSpikes
    from spikelearn.simulation import simulate
    from spikelearn.stimuli.stimulus import Stimulus

    times = np.concatenate([t + i * PERIOD_MS for i, (t, _) in enumerate(digits)])
    senders = np.concatenate([pixels for _, pixels in digits])
    stimulus = Stimulus(spikes={"input": PopulationSpikes.from_unsorted(784, times, senders)})
    seconds = []
    for repeat in range(repeats + (backend == "native")):  # the first loads what is compiled
        start = time.perf_counter()
        activity = simulate(
            network, stimulus, len(digits) * PERIOD_MS, DT_MS, backend, seed=0, threads=threads
        )
        if repeat or backend != "native":
            seconds.append((time.perf_counter() - start) / len(digits))
    spikes = activity["excitatory"]
    arrays = {
        "times": spikes.times_ms,
        "senders": spikes.senders,
        "weights": activity.weights["input->excitatory"],
    }
    return {"per_digit_s": seconds, "spikes": len(spikes)}, arrays


def median(found: dict[str, Any]) -> float:
    """Seconds of a digit."""
    return statistics.median(found["per_digit_s"])


def table(neurons: int, found: dict[str, dict[str, Any]]) -> list[str]:
    """The times as lines of Markdown."""
    by_hand = [median(found[name]) for name in BRIAN2 if name in found]
    lines = [
        f"## {neurons:,} neurons",
        "",
        "| | ms a digit | of Brian2's best | wanted | spikes a digit | digits a run |",
        "|---|---|---|---|---|---|",
    ]
    for name, result in found.items():
        spikes = "" if result["spikes"] is None else f"{result['spikes'] / result['digits']:.1f}"
        share = f"{median(result) / min(by_hand):.3f}" if by_hand else ""
        lines.append(
            f"| {WORDS[name]} | {median(result) * 1e3:.2f} | {share} |"
            f" {SIZES[neurons].wanted.get(name, '')} | {spikes} | {result['digits']} |"
        )
    pairs = [("native_1", "native_2", 0.0), ("native_1", "brian2_backend", 1e-9)]
    told = [comparison(found, *pair) for pair in pairs if found.keys() >= set(pair[:2])]
    return [*lines, "", *told]


def comparison(found: dict[str, dict[str, Any]], one: str, other: str, within: float) -> str:
    """Whether two engines of ours did the same."""
    mine, theirs = found[one], found[other]
    names = f"{one} and {other}"
    if len(mine["times"]) != len(theirs["times"]):
        return f"{names} differ: {len(mine['times'])} and {len(theirs['times'])} spikes.  "
    order = [np.lexsort((f["senders"], np.rint(f["times"] / DT_MS))) for f in (mine, theirs)]
    same = (
        np.allclose(mine["times"][order[0]], theirs["times"][order[1]], rtol=0, atol=1e-6)
        and (mine["senders"][order[0]] == theirs["senders"][order[1]]).all()
    )
    apart = float(np.abs(mine["weights"] - theirs["weights"]).max())
    words = "the same spikes" if same and apart <= within else "DIFFERENT results"
    return f"{names}: {words} ({len(mine['times'])}), weights at most {apart:.1e} apart.  "


if __name__ == "__main__":
    main()
