"""How fast does Diehl and Cook's network learn digits, beside Brian2 and BindsNET?

    python benchmarks/diehl_cook.py --quick
    python benchmarks/diehl_cook.py --peers peers

Every engine sees the spikes of the same training digits, 350 ms each with 150 ms of rest, at steps
of 0.5 ms, on one thread, one digit after another (batch one), while all synapses learn. Each runs
in a process of its own; what is told is the median time of a digit, and its ratio to ours. Brian2's
spikes and weights are compared with ours where the adapter runs it: the same to 1e-9. The peers are
the network as their users write it (diehl_cook_peers.py): the same rule and constants; their
integration differs, so their spikes are counted only.

The table is written to benchmarks/results/diehl_cook.md.
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
from typing import Any

import numpy as np
from diehl_cook_peers import DT_MS, PEERS, PERIOD_MS, PRESENT_MS, Digits, available
from whole_runs import results_folder

from spikelearn._files import write_text
from spikelearn._provenance import as_lines, provenance

WORDS = {
    "native": "spikelearn, native: 20 digits a simulation, everything included",
    "brian2_backend": "spikelearn, brian2: the same simulation on Brian2, NumPy target",
    "brian2_standalone": "Brian2 by hand: C++ standalone, 20 digits a run, its main loop alone",
    "brian2_cython": "Brian2 by hand: Cython, a run for each digit",
    "bindsnet": "BindsNET 0.3.4: a digit at a time, without rest",
}
WANTED = {"brian2_standalone": 4.0, "brian2_cython": 50.0, "bindsnet": 50.0}


def main() -> None:
    parser, options = parse()
    if options.child:
        child(options)
        return
    names = ["native", "brian2_backend", "brian2_standalone", "brian2_cython", "bindsnet"]
    if options.quick:
        names = ["native", "brian2_backend", "brian2_standalone", "bindsnet"]
    found: dict[str, dict[str, Any]] = {}
    for name in names:
        if name in PEERS and not available(name, options.peers):
            print(f"{name}: not found; see diehl_cook_peers.py", flush=True)
            continue
        started = time.perf_counter()
        found[name] = measured(name, options)
        took = time.perf_counter() - started
        print(f"{name}: {median(found[name]) * 1e3:.2f} ms a digit ({took:.0f} s)", flush=True)
    lines = table(found, options)
    print("\n".join(lines))
    missing = [name for name in names if name not in found]
    folder = results_folder(parser, options, indifferent=["peers"], left_out=missing)
    write_text(folder / "diehl_cook.md", "\n".join(lines) + "\n")


def parse() -> tuple[argparse.ArgumentParser, argparse.Namespace]:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--neurons", type=int, default=400)
    parser.add_argument("--digits", type=int, default=20)
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--quick", action="store_true", help="fewer engines and repeats")
    parser.add_argument("--peers", type=Path, help="folder with BindsNET")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.quick:
        options.repeats = min(options.repeats, 10)
    return parser, options


def measured(name: str, options: argparse.Namespace) -> dict[str, Any]:
    """What a process of its own finds."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "found"
        command = [
            sys.executable, __file__, "--child", name, "--out", str(out), "--neurons",
            str(options.neurons), "--digits", str(options.digits), "--repeats",
            str(options.repeats),
        ]  # fmt: skip
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}
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
    digits, network, weights = shown(options.digits, options.neurons)
    arrays: dict[str, np.ndarray] = {}
    if options.child in PEERS:
        found = PEERS[options.child](digits, weights, options.repeats)
    else:
        backend = "native" if options.child == "native" else "brian2:numpy"
        repeats = options.repeats if backend == "native" else 1
        found, arrays = ours(network, digits, backend, repeats)
    np.savez(options.out.with_suffix(".npz"), **arrays)  # type: ignore[arg-type]
    options.out.with_suffix(".json").write_text(json.dumps(found), encoding="utf-8")


def shown(n_digits: int, n_neurons: int) -> tuple[Digits, Any, np.ndarray]:
    """Spikes of the first training digits, the network, and its normalised initial weights."""
    from spikelearn.networks import load_model
    from spikelearn.stimuli import mnist
    from spikelearn.stimuli.encoders import RateEncoder
    from spikelearn.stimuli.images import network_input

    network = load_model("diehl_cook2015").changed("populations[model=*lif].size", n_neurons)
    images = network_input(mnist.load("auto").train_images[:n_digits], 28, 28)
    spikes = RateEncoder(max_rate_hz=63.75).encode(
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
    network: Any, digits: Digits, backend: str, repeats: int
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
        activity = simulate(network, stimulus, len(digits) * PERIOD_MS, DT_MS, backend, seed=0)
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


def table(found: dict[str, dict[str, Any]], options: argparse.Namespace) -> list[str]:
    """The times as lines of Markdown."""
    own = median(found["native"])
    lines = [
        f"# Diehl and Cook's network, {options.neurons} neurons, {options.digits} digits, learning",
        "",
        "| | ms a digit | times ours | wanted | spikes a digit |",
        "|---|---|---|---|---|",
    ]
    for name, result in found.items():
        wanted = f"{WANTED[name]:g}" if name in WANTED else ""
        spikes = "" if result["spikes"] is None else f"{result['spikes'] / options.digits:.1f}"
        lines.append(
            f"| {WORDS[name]} | {median(result) * 1e3:.2f} | {median(result) / own:.1f} | {wanted}"
            f" | {spikes} |"
        )
    lines += ["", comparison(found), "", *as_lines(provenance())]
    command = "python benchmarks/diehl_cook.py" + (" --quick" if options.quick else "")
    return [*lines, "", f"Made by `{command}`."]


def comparison(found: dict[str, dict[str, Any]]) -> str:
    """Whether both engines did the same."""
    if "brian2_backend" not in found:
        return ""
    mine, theirs = found["native"], found["brian2_backend"]
    if len(mine["times"]) != len(theirs["times"]):
        return f"The engines differ: {len(mine['times'])} and {len(theirs['times'])} spikes."
    order = [np.lexsort((f["senders"], np.rint(f["times"] / DT_MS))) for f in (mine, theirs)]
    same = (
        np.allclose(mine["times"][order[0]], theirs["times"][order[1]], atol=1e-6)
        and (mine["senders"][order[0]] == theirs["senders"][order[1]]).all()
    )
    apart = float(np.abs(mine["weights"] - theirs["weights"]).max())
    words = "the same spikes" if same else "DIFFERENT spikes"
    return (
        f"native and Brian2 through the adapter: {words} ({len(mine['times'])}), weights at most"
        f" {apart:.1e} apart."
    )


if __name__ == "__main__":
    main()
