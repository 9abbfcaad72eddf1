"""What does an update of each learning rule cost, next to backpropagation?

    python benchmarks/rule_cost.py
    python benchmarks/rule_cost.py --model cnn_32 --rules feedback_alignment,predictive_coding

For every rule: time and peak memory of `update` on one batch (the optimiser, the same for all, is
left out), as ratios to backpropagation timed in the same run, in turns with the rule; beside the
ratio that its arithmetic implies. That is counted in products of a batch with a layer's weights: a
pass forwards, a pass backwards (which the first layer does without), and the products that make
the update, W-shaped; backpropagation has one of each. What a rule needs beyond these products is
elementwise. A public library that has the rule is timed in the same run where it is installed.
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

import torch

from spikelearn._seeding import torch_generator
from spikelearn.networks import load_model
from spikelearn.rules import RULES, make_rule

# (passes forwards, passes backwards, sets of products) of an update, as each paper's algorithm asks
# for them, from the rule's options; L is the number of layers, n classes.
Count = tuple[float, float, float]


def _relaxing(phases: int = 1) -> Callable[[Any, int], Count]:
    """The forward pass, then in every step of relaxation a prediction and a pass backwards."""

    def count(rule: Any, n_layers: int) -> Count:
        steps = phases * rule.n_steps
        # The first layer's prediction does not change while activity relaxes.
        return 1 + steps * (n_layers - 1) / n_layers, steps, phases

    return count


IMPLIED: dict[str, Callable[[Any, int], Count]] = {
    "backprop": lambda rule, n: (1, 1, 1),
    "feedback_alignment": lambda rule, n: (1, 1, 1),
    "direct_feedback_alignment": lambda rule, n: (1, 0.1, 1),
    "sign_symmetric_uniform": lambda rule, n: (1, 1, 1),
    "sign_symmetric_fixed": lambda rule, n: (1, 1, 1),
    "sign_symmetric_random": lambda rule, n: (1, 1, 1),
    "kolen_pollack": lambda rule, n: (1, 1, 1),
    "weight_mirror": lambda rule, n: (2, 1, 2),
    "predictive_coding": _relaxing(),
    "predictive_coding_nudged": _relaxing(),
    "predictive_coding_centred": _relaxing(2),
    "predictive_coding_incremental": lambda rule, n: (1 + rule.n_steps, rule.n_steps, rule.n_steps),
    "predictive_coding_fixed_prediction": lambda rule, n: (1, n - 1, 1),
    "predictive_coding_zil": lambda rule, n: (1 + (n - 1) * (n - 1) / n, n - 1, 1),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="mlp_784")
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--rules", help="only these, separated by commas")
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument("--memory-of", help=argparse.SUPPRESS)
    options = parser.parse_args()
    torch.set_num_threads(1)
    if options.memory_of:
        print(peak_memory_mb(options.memory_of, options))
        return
    kind = load_model(options.model).kind
    names = options.rules.split(",") if options.rules else fitting(kind)
    print(
        f"One update, {options.model}, batch {options.batch_size}, {options.device}, one thread,"
        f" torch {torch.__version__}\n"
    )
    print(f"{'rule':40} {'ms':>8} {'time':>7} {'implied':>8} {'of implied':>10} {'memory':>7}")
    baseline = memory(options, "backprop")
    worst: list[str] = []
    for name in names:
        mine, theirs = in_turns(stepper(name, options), stepper("backprop", options), options)
        ratio = mine / theirs
        implied = implied_ratio(name, options)
        shown = f"{implied:8.2f} {ratio / implied:10.2f}" if implied else f"{'-':>8} {'-':>10}"
        relative = memory(options, name) / baseline
        print(f"{name:40} {1e3 * mine:8.2f} {ratio:7.2f} {shown} {relative:7.2f}", flush=True)
        if implied and ratio / implied > 1.5:
            worst.append(name)
    peers(options)
    if worst:
        print(f"\nAbove 1.5 x what their arithmetic implies: {', '.join(worst)}")


def fitting(kind: str) -> list[str]:
    """Rules that train networks of this kind."""
    return [n for n, e in RULES.items() if kind in e.networks and n != "untrained"]


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
    one: Callable[[], None], other: Callable[[], None], options: argparse.Namespace
) -> tuple[float, float]:
    """Seconds of either, the median of measurements taken in turns."""
    times: tuple[list[float], list[float]] = ([], [])
    for step in (one, other):
        step()
        step()
    started = time.perf_counter()
    other()
    calls = max(1, int(0.03 / (time.perf_counter() - started)))
    for _ in range(options.repeats):
        for step, seconds in zip((one, other), times, strict=True):
            started = time.perf_counter()
            for _ in range(calls):
                step()
            if options.device == "cuda":
                torch.cuda.synchronize()
            seconds.append((time.perf_counter() - started) / calls)
    return statistics.median(times[0]), statistics.median(times[1])


def implied_ratio(name: str, options: argparse.Namespace) -> float | None:
    """Products of the rule over products of backpropagation, weighted by the layers' sizes."""
    if name not in IMPLIED:
        return None
    rule, _, _ = prepared(name, options)
    sizes = [cost(layer) for layer in rule.network]

    def total(count: Count) -> float:
        forwards, backwards, products = count
        return (forwards + products) * sum(sizes) + backwards * sum(sizes[1:])

    return total(IMPLIED[name](rule, len(sizes))) / total((1, 1, 1))


def cost(layer: Any) -> float:
    """Multiplications of a forward pass of one sample."""
    if len(layer.out_shape) == 1:
        return layer.weight.numel()
    return layer.weight.numel() * layer.in_shape[1] * layer.in_shape[2]


def memory(options: argparse.Namespace, name: str) -> float:
    """Peak memory of a rule's training in MB, in a process of its own."""
    command = [sys.executable, __file__, "--memory-of", name, "--model", options.model,
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


def peers(options: argparse.Namespace) -> None:
    """Public libraries that have the same rule, where they are installed."""
    if importlib_has("biotorch") and load_model(options.model).kind == "mlp":
        mine = stepper("feedback_alignment", options)
        ours, theirs = in_turns(mine, biotorch_step(options), options)
        print(f"\nbiotorch, feedback alignment: {1e3 * theirs:.2f} ms; ours over theirs"
              f" {ours / theirs:.2f}")  # fmt: skip
    else:
        print("\nbiotorch (feedback alignment) is not installed, so not timed")


def biotorch_step(options: argparse.Namespace) -> Callable[[], None]:
    """Feedback alignment by biotorch on the same layers, batch and loss."""
    from biotorch.layers.fa import Linear

    model: Any = load_model(options.model)
    layers: list[torch.nn.Module] = []
    for n_in, n_out in zip(model.sizes[:-1], model.sizes[1:], strict=True):
        layers += [Linear(n_in, n_out), torch.nn.ReLU()]
    network = torch.nn.Sequential(*layers[:-1])
    _, x, y = prepared("backprop", options)

    def step() -> None:
        network.zero_grad(set_to_none=True)
        torch.nn.functional.cross_entropy(network(x), y).backward()

    return step


def importlib_has(name: str) -> bool:
    """Whether a package is installed."""
    import importlib.util

    return importlib.util.find_spec(name) is not None


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
