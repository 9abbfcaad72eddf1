"""How does the cost of a simulation grow with its length, its stimuli, and the spikes it delivers?

    python benchmarks/growth.py                  # a minute or two

On `native`, warm, medians of the repeats; each amount is multiplied several times:

    time      CUBA (Vogels & Abbott 2005, 4,000 neurons), longer and longer, steps of 0.1 ms
    stimuli   784-400-10 neurons shown more and more images at once, 100 steps of 1 ms each
    spikes    1,000 sources onto 1,000 silent neurons, 100 synapses a source, faster and faster
    neurons   excitatory and inhibitory ones, 100 synapses on each, with Poisson background, at the
              same rates; more and more, on one thread and on two

What is told is the straight line through the points, weighted so that each counts by its relative
error, and how far the farthest point lies from it: cost that grows linearly is a constant and a
part in proportion. The table and the figure are kept in benchmarks/results/growth.md and .png.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from whole_runs import results_folder

from spikelearn._atomic import atomic_path
from spikelearn._files import write_text
from spikelearn._provenance import as_lines, provenance
from spikelearn.networks import load_model
from spikelearn.networks.spiking import SpikingNetwork
from spikelearn.simulation import simulate
from spikelearn.stimuli import poisson_spikes
from spikelearn.stimuli.encoders import RateEncoder
from spikelearn.stimuli.stimulus import Stimulus

Points = Iterator[tuple[float, Callable[[], object]]]


def longer() -> Points:
    """CUBA for longer and longer."""
    network = load_model("vogels_abbott_cuba")
    for duration_ms in (500.0, 1000.0, 2000.0, 4000.0, 8000.0):
        yield duration_ms, lambda ms=duration_ms: simulate(network, None, ms, 0.1, "native", seed=0)


def more_stimuli() -> Points:
    """More and more images, all in one call."""
    network = SpikingNetwork.model_validate(
        {
            "name": "feed-forward",
            "populations": {
                "input": {"model": "spike_source", "size": 784},
                "hidden": {"model": "lif", "size": 400, "v_threshold_mv": 15.0},
                "output": {"model": "lif", "size": 10, "v_threshold_mv": 15.0},
            },
            "projections": [
                {"source": a, "target": b, "weight_mv":
                 {"distribution": "normal", "mean": 0.1, "sd": 0.5}}
                for a, b in (("input", "hidden"), ("hidden", "output"))
            ],
        }
    )  # fmt: skip
    for n in (16, 32, 64, 128, 256):
        images = np.random.default_rng(0).integers(0, 256, (n, 784), dtype=np.uint8) / 255.0
        shown = RateEncoder(max_rate_hz=250.0).encode(images, 100.0, 1.0, np.random.default_rng(0))
        stimulus = Stimulus([str(i) for i in range(n)], spikes={"input": shown})
        yield n, lambda s=stimulus: simulate(network, s, 100.0, 1.0, "native", seed=0)


def more_spikes() -> Points:
    """Deliveries: spikes of the sources times their synapses."""
    size, synapses, duration_ms = 1000, 100, 1000.0
    network = SpikingNetwork.model_validate(
        {
            "name": "silent",
            "populations": {
                "input": {"model": "spike_source", "size": size},
                "n": {"model": "lif", "size": size, "v_threshold_mv": 1e9},
            },
            "projections": [
                {"source": "input", "target": "n", "weight_mv": 0.1,
                 "connectivity": {"kind": "fixed_in_degree", "in_degree": synapses}}
            ],
        }
    )  # fmt: skip
    for rate_hz in (80.0, 160.0, 320.0, 640.0, 1280.0):
        spikes = poisson_spikes(size, rate_hz, duration_ms, 0.5, np.random.default_rng(0))
        stimulus = Stimulus(spikes={"input": spikes})
        yield (
            len(spikes) * synapses,
            lambda s=stimulus: simulate(network, s, duration_ms, 0.5, "native", seed=0),
        )


def more_neurons() -> Points:
    """Sparse random networks at the same rates; with each its connections are drawn."""
    model = load_model("brunel2000").changed(
        {
            "projections[excitatory->*].connectivity.in_degree": 80,
            "projections[inhibitory->*].connectivity.in_degree": 20,
            "projections[excitatory->*].weight_mv": 0.25,
            "projections[inhibitory->*].weight_mv": -1.25,
            "background[*].rate_hz": 8000.0,
            "background[*].weight_mv": 0.25,
        }
    )
    for size in (2000, 3000, 4000, 6000, 8000):
        sizes = {"populations.excitatory.size": 4 * size, "populations.inhibitory.size": size}
        network = model.changed(sizes)
        yield 5 * size, lambda net=network: simulate(net, None, 500.0, 0.1, "native", seed=0)


# What grows, its points, and the threads.
KINDS = {
    "time": ("biological time, ms", longer, 1),
    "stimuli": ("stimuli", more_stimuli, 1),
    "spikes": ("spikes delivered", more_spikes, 1),
    "neurons": ("neurons", more_neurons, 1),
    "neurons_on_two": ("neurons, two threads", more_neurons, 2),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    cores = sorted(os.sched_getaffinity(0))
    kinds = {kind: given for kind, given in KINDS.items() if given[2] <= len(cores)}
    left_out = [given[0] for kind, given in KINDS.items() if kind not in kinds]
    folder = results_folder(parser, options, left_out=left_out)
    found = {}
    lines = [
        "# How the cost of a simulation grows",
        "",
        "native, warm; beside a constant and a part in proportion, fitted.",
        "",
        "| with | amount | threads | seconds, median | straight line | off |",
        "|---|---|---|---|---|---|",
    ]
    for kind, (words, points, threads) in kinds.items():
        os.sched_setaffinity(0, cores[:threads])
        amounts, seconds = [], []
        for amount, run in points():
            run()
            amounts.append(amount)
            seconds.append(statistics.median(_timed(run) for _ in range(options.repeats)))
        slope, constant = np.polyfit(amounts, seconds, 1, w=1 / np.array(seconds))
        line = constant + slope * np.array(amounts)
        found[kind] = (words, amounts, seconds, line)
        for amount, second, fitted in zip(amounts, seconds, line, strict=True):
            off = f"{100 * (second / fitted - 1):+.0f} %".replace("-", "−")
            lines.append(
                f"| {words} | {amount:,.0f} | {threads} | {second:.4f} | {fitted:.4f} | {off} |"
            )
    lines += ["", "![Seconds against the amount](growth.png)", "",
              "Command: `python benchmarks/growth.py`  ", *as_lines(provenance())]  # fmt: skip
    print("\n".join(lines))
    draw(found, folder)
    write_text(folder / "growth.md", "\n".join(lines) + "\n")


def _timed(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def draw(found: dict[str, tuple[str, list[float], list[float], np.ndarray]], folder: Path) -> None:
    """A panel a kind of amount, with its straight line."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(3.3 * len(found), 3.2), layout="constrained")
    for axis, (words, amounts, seconds, line) in zip(
        figure.subplots(1, len(found)), found.values(), strict=True
    ):
        axis.plot(amounts, line, "-", color="#8a8a8a", label="straight line")
        axis.plot(amounts, seconds, "o", color="#0072b2", label="measured")
        axis.set_xlabel(words)
        axis.set_ylim(bottom=0)
        axis.legend(fontsize=8, frameon=False)
    figure.axes[0].set_ylabel("seconds")
    with atomic_path(folder / "growth.png") as temporary:
        figure.savefig(temporary, dpi=110)


if __name__ == "__main__":
    main()
