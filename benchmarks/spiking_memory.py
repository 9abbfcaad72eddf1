"""How does the memory of an update of a spiking network grow with the number of time steps?

    python benchmarks/spiking_memory.py
    python benchmarks/spiking_memory.py --steps 25,50,100,200,400,800

Backpropagation through time keeps every step until the way back; e-prop, OTTT and DECOLLE keep
traces. For each rule and number of steps: the highest number of bytes that torch held at one time
during `update` on one batch, beyond what it held before, with 784-256-10 neurons. Table and picture
are kept in benchmarks/results/spiking_memory.md and .png.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import torch
from torch.profiler import ProfilerActivity, profile
from whole_runs import results_folder

from spikelearn._atomic import atomic_path
from spikelearn._files import write_text
from spikelearn._provenance import as_lines, provenance
from spikelearn._seeding import torch_generator
from spikelearn.networks.spiking_mlp import SpikingMLP
from spikelearn.rules import make_rule

RULES: dict[str, tuple[str, dict[str, Any]]] = {
    "surrogate": ("surrogate", {}),
    "surrogate on snnTorch": ("surrogate", {"backend": "snntorch"}),
    "surrogate on Norse": ("surrogate", {"backend": "norse"}),
    "e-prop": ("eprop_spiking", {}),
    "e-prop, step by step": ("eprop_spiking", {"block_steps": 1}),
    "OTTT": ("ottt", {}),
    "DECOLLE": ("decolle", {}),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", default="100,200,400")
    parser.add_argument("--batch-size", type=int, default=32)
    options = parser.parse_args()
    folder = results_folder(parser, options)
    steps = [int(n) for n in options.steps.split(",")]
    torch.set_num_threads(1)
    found: dict[str, list[float]] = {}
    for title, (name, settings) in RULES.items():
        print(f"{title} ...", file=sys.stderr, flush=True)
        found[title] = [peak_bytes(name, settings, n, options.batch_size) / 2**20 for n in steps]
    text = table(found, steps, options.batch_size)
    print(text)
    write_text(folder / "spiking_memory.md", text)
    plot(found, steps, folder)


def peak_bytes(name: str, settings: dict[str, Any], n_steps: int, batch: int) -> int:
    """The most that torch held at one time during an update, beyond what it held before."""
    model = SpikingMLP(
        name="memory", sizes=(784, 256, 10), duration_ms=float(n_steps), readout="potential"
    )
    rule = make_rule(name, **settings)
    rule.prepare(model.build(0), torch_generator(0, "rule"))
    generator = torch_generator(0, "batch")
    x = torch.rand(batch, 784, generator=generator)
    y = torch.randint(10, (batch,), generator=generator)
    rule.update(x, y, lambda: None)  # what is made once is made here
    for parameter in rule.parameters():
        parameter.grad = None
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiled:
        rule.update(x, y, lambda: None)
    level = peak = 0
    for event in profiled.profiler.kineto_results.events():  # type: ignore[union-attr]
        if event.name() == "[memory]":
            level += event.nbytes()
            peak = max(peak, level)
    return peak


def table(found: dict[str, list[float]], steps: list[int], batch: int) -> str:
    """Mebibytes by rule and number of steps, as Markdown."""
    lines = [
        "# Memory of an update by number of time steps",
        "",
        f"784-256-10 LIF neurons with a leaky readout, batch {batch}, 32 bits; MiB that torch held"
        " at most during `update`, and how that grew from the fewest steps to the most.",
        "",
        f"| rule | {' | '.join(f'{n} steps' for n in steps)} | growth |",
        f"|---|{'---|' * (len(steps) + 1)}",
    ]
    for title, sizes in found.items():
        cells = " | ".join(f"{size:.1f}" for size in sizes)
        lines.append(f"| {title} | {cells} | {sizes[-1] / sizes[0]:.2f} |")
    command = " ".join(["python benchmarks/spiking_memory.py", *sys.argv[1:]])
    return "\n".join([*lines, "", f"Command: `{command}`  ", *as_lines(provenance()), ""])


def plot(found: dict[str, list[float]], steps: list[int], folder: Path) -> None:
    """The table as a picture."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.0, 4.0), layout="constrained")
    axes = figure.subplots()
    for title, sizes in found.items():
        style = "--" if title.startswith("surrogate") else "-"
        axes.plot(steps, sizes, style, marker="o", markersize=3, label=title)
    axes.set(xscale="log", yscale="log", xlabel="time steps", ylabel="memory of an update (MiB)")
    axes.set_xticks(steps, [str(n) for n in steps])
    axes.minorticks_off()
    axes.legend(frameon=False, fontsize=8)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    with atomic_path(folder / "spiking_memory.png") as temporary:
        figure.savefig(temporary, dpi=110)


if __name__ == "__main__":
    main()
