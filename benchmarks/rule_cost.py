"""What does an update of each learning rule cost, next to backpropagation?

    python benchmarks/rule_cost.py
    python benchmarks/rule_cost.py --models cnn_28 --rules feedback_alignment,predictive_coding

For every rule: time and peak memory of `update` on one batch (the optimiser, the same for all, is
left out), as ratios to backpropagation (through time, on a recurrent network) timed in the same
run, in turns with the rule. Beside it the ratio that its arithmetic implies (arithmetic.py, by hand
from the papers), and the multiplications that torch counted while the rule ran, as a ratio to
those. Unlabelled learning is timed in its unsupervised phase. Public libraries that have a rule
(rule_peers.py) are timed in the same run where they are installed, and their gradients compared
with ours: backpropagation by PyTorch's own layers among them. The tables are kept in
benchmarks/results/rule_cost_<model>.md; every rule for networks of rates trains one of the models
that are measured by default.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from arithmetic import COUNTS, Sizes
from rule_peers import PEERS, installed
from torch.utils.flop_counter import FlopCounterMode
from whole_runs import results_folder

from spikelearn._allocator import keep_freed_memory
from spikelearn._files import write_text
from spikelearn._progress import progress_bars
from spikelearn._provenance import as_lines, provenance
from spikelearn._seeding import torch_generator
from spikelearn.networks import load_model
from spikelearn.rules import RULES, make_rule

BASELINES = ("backprop", "backprop_through_time")
MOST = 1.3  # times what its arithmetic implies: a rule above it is named


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", default="mlp_784,cnn_32,residual_mlp_784,elman_28,gru_28")
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--rules", help="only these, separated by commas")
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument("--memory-of", help=argparse.SUPPRESS)
    options = parser.parse_args()
    torch.set_num_threads(1)
    keep_freed_memory()  # as a training does
    if options.memory_of:
        options.model = options.models
        print(peak_memory_mb(options.memory_of, options))
        return
    if hasattr(os, "sched_setaffinity"):  # Libraries with pools of their own keep to one core.
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    folder = results_folder(parser, options, indifferent=["models"])  # a file for each model
    for model in options.models.split(","):
        options.model = model
        text = table(*measured(options), peers(options), options)
        print(text)
        write_text(folder / f"rule_cost_{options.model}.md", text)


def measured(options: argparse.Namespace) -> tuple[list[str], list[str]]:
    """A row of the table for each rule of the model, and the names of those that are slow."""
    names = fitting(options.model)
    base = next(name for name in BASELINES if name in names)
    names = [n for n in names if n in options.rules.split(",")] if options.rules else names
    baseline = memory(options, base)
    rows, slow = [], []
    with progress_bars() as bar:
        say = bar(f"update of each rule, {options.model}")
        for done, name in enumerate(names):
            say(done / len(names), name)
            mine, theirs = in_turns(stepper(name, options), stepper(base, options), options)
            rule, x, y = prepared(name, options)
            asked, counted = asked_for(name, rule, x), multiplications(rule, x, y)
            implied = asked / asked_for(base, rule, x)
            ratio = mine / theirs
            rows.append(
                f"| {name} | {1e3 * mine:.2f} | {ratio:.2f} | {implied:.2f} | {ratio / implied:.2f}"
                f" | {counted / asked:.2f} | {memory(options, name) / baseline:.2f} |"
            )
            slow += [name] if ratio / implied > MOST else []
    return rows, slow


def table(
    rows: list[str], slow: list[str], compared: list[str], options: argparse.Namespace
) -> str:
    """What was measured, as Markdown."""
    command = f"python benchmarks/rule_cost.py --models {options.model}"
    return "\n".join(
        [
            f"# Cost of an update, {options.model}, batch {options.batch_size}",
            "",
            "Time and memory as ratios to backpropagation in the same run, beside the ratio that"
            " the rule's arithmetic implies; counted: multiplications that torch saw, over those.",
            "",
            "| rule | ms | time | implied | time / implied | counted / implied | memory |",
            "|---|---|---|---|---|---|---|",
            *rows,
            "",
            f"Above {MOST} times what their arithmetic implies: {', '.join(slow) or 'none'}.",
            "",
            *compared,
            "",
            f"Command: `{command}`, device {options.device}, one thread  ",
            *as_lines(provenance()),
            "",
        ]
    )


def fitting(model: str) -> list[str]:
    """Rules that train this network and have a count."""
    kind = load_model(model).kind
    return [name for name, entry in RULES.items() if kind in entry.networks and name in COUNTS]


def prepared(name: str, options: argparse.Namespace) -> tuple[Any, torch.Tensor, torch.Tensor]:
    """A rule on the model, and a batch."""
    model: Any = load_model(options.model)
    network = model.build(0)
    rule = make_rule(name)
    rule.prepare(network, torch_generator(0, "rule"))
    network.to(options.device)
    rule.extra.to(options.device)
    rule.begin_epoch(1, 2)
    generator = torch_generator(0, "batch")
    x = torch.rand(options.batch_size, model.n_inputs, generator=generator).to(options.device)
    y = torch.randint(model.n_classes, (options.batch_size,), generator=generator)
    return rule, x, y.to(options.device)


def stepper(name: str, options: argparse.Namespace) -> Callable[[], None]:
    """An update that is dropped."""
    rule, x, y = prepared(name, options)

    def drop() -> None:
        for parameter in rule.parameters():
            parameter.grad = None

    return lambda: rule.update(x, y, drop)


def in_turns(
    one: Callable[[], Any],
    other: Callable[[], Any],
    options: argparse.Namespace,
    clock: Callable[[], float] = time.process_time,
) -> tuple[float, float]:
    """Seconds of either, the median of measurements taken in turns.

    Of one thread on a CPU the processor's time is taken, to which other programs add little.
    """
    clock = time.perf_counter if options.device == "cuda" else clock
    times: tuple[list[float], list[float]] = ([], [])
    for step in (one, other):
        step()
        step()
    started = time.perf_counter()
    other()
    calls = max(1, int(0.03 / (time.perf_counter() - started)))
    for _ in range(options.repeats):
        for step, seconds in zip((one, other), times, strict=True):
            started = clock()
            for _ in range(calls):
                step()
            if options.device == "cuda":
                torch.cuda.synchronize()
            seconds.append((clock() - started) / calls)
    return statistics.median(times[0]), statistics.median(times[1])


def asked_for(name: str, rule: Any, x: torch.Tensor) -> float:
    """Multiplications a sample that the algorithm asks for."""
    return COUNTS[name](rule, sizes_of(rule.network, x))


def sizes_of(network: Any, x: torch.Tensor) -> Sizes:
    """What the counts need to know of a network and its input."""
    layers = list(network)
    steps = x.shape[1] // layers[0].row if hasattr(layers[0], "row") else 1
    return Sizes(layers, len(x), steps)


def multiplications(rule: Any, x: torch.Tensor, y: torch.Tensor) -> float:
    """Multiplications a sample that torch counts in an update."""

    def drop() -> None:
        for parameter in rule.parameters():
            parameter.grad = None

    rule.update(x, y, drop)
    with FlopCounterMode(display=False) as counter:
        rule.update(x, y, drop)
    return counter.get_total_flops() / 2 / len(x)


def memory(options: argparse.Namespace, name: str) -> float:
    """Peak memory of a rule's training in MB, in a process of its own."""
    command = [sys.executable, __file__, "--memory-of", name, "--models", options.model,
               "--batch-size", str(options.batch_size), "--device", options.device]  # fmt: skip
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    return float(found.stdout) if found.returncode == 0 else float("nan")


def peak_memory_mb(name: str, options: argparse.Namespace) -> float:
    """Memory that ten updates add at most to what the process had, network and rule included."""
    if options.device == "cuda":
        step = stepper(name, options)
        for _ in range(10):
            step()
        return torch.cuda.max_memory_allocated() / 1e6
    from torch.profiler import ProfilerActivity, profile

    step = stepper(name, options)
    rule, _, _ = prepared(name, options)
    held = sum(p.numel() * p.element_size() for p in rule.network.parameters())
    held += sum(p.numel() * p.element_size() for p in rule.extra.parameters())
    step()
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as found:
        step()
    level = peak = 0
    for event in found.profiler.kineto_results.events():  # type: ignore[union-attr]
        if event.name() == "[memory]":
            level += event.nbytes()
            peak = max(peak, level)
    return (held + peak) / 1e6


def peers(options: argparse.Namespace) -> list[str]:
    """A line for each public library that has one of the rules."""
    if options.device != "cpu":
        return []
    lines = []
    for library, packages, kinds, name, make in PEERS:
        if load_model(options.model).kind not in kinds:
            continue
        if not installed(*packages):
            lines.append(f"{library} ({name}) is not installed, so not timed.  ")
            continue
        rule, x, y = prepared(name, options)
        theirs, gradients = make(rule, x, y)
        # Libraries with threads of their own are told by the clock on the wall.
        mine, other = in_turns(stepper(name, options), theirs, options, time.perf_counter)
        line = (
            f"{library}, {name}: {1e3 * other:.2f} ms against our {1e3 * mine:.2f} ms;"
            f" ours over theirs {mine / other:.2f}"
        )
        if gradients is not None:
            line += f"; gradients differ by {distance(rule, x, y, gradients()):.1e} of their length"
        lines.append(f"{line}.  ")
    return lines


def distance(rule: Any, x: torch.Tensor, y: torch.Tensor, theirs: list[np.ndarray]) -> float:
    """Largest distance between our gradient of a layer's weights and theirs, over its length."""
    ours: list[np.ndarray] = []

    def keep() -> None:
        ours[:] = [layer.weight.grad.numpy().copy() for layer in rule.network]

    rule.update(x, y, keep)
    return max(
        float(np.linalg.norm(a - b) / np.linalg.norm(b)) for a, b in zip(ours, theirs, strict=True)
    )


if __name__ == "__main__":
    main()
