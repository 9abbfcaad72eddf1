"""What does an update of a convolutional spiking network cost, beside snnTorch and SpikingJelly?

    python benchmarks/spiking_cost.py
    python benchmarks/spiking_cost.py --batch-size 128 --repeats 10

The same network (two convolutions with max pooling and a readout that does not spike; the second
time normalised by the batch, with time constants that learn), the same images, one update by
surrogate gradients with the reset detached: by our rule, by a loop over time with snnTorch's
neurons, and by SpikingJelly's layers in their multi-step mode. Processor time on one thread, in
turns in one process; the median of the ratios of each turn. Theirs compute the first convolution
once, too, which stands for all steps. The table is kept in benchmarks/results/spiking_cost.md.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import torch
from torch import nn
from torch.nn.functional import cross_entropy
from whole_runs import results_folder

from spikelearn._files import write_text
from spikelearn._provenance import as_lines, provenance
from spikelearn._seeding import torch_generator
from spikelearn.networks.spiking_cnn import SpikingCNN
from spikelearn.rules.surrogate import Surrogate

CHANNELS, BETA = (32, 64), 0.6
Update = Callable[[torch.Tensor, torch.Tensor], None]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--steps", type=int, default=5, help="that reach the output")
    parser.add_argument("--repeats", type=int, default=7)
    options = parser.parse_args()
    torch.set_num_threads(1)
    folder = results_folder(parser, options)
    generator = torch_generator(0, "images")
    x = torch.rand(options.batch_size, 784, generator=generator)
    y = torch.randint(10, (options.batch_size,), generator=generator)
    rows = []
    for normalised in (False, True):
        updates = {"spikelearn": ours(options.steps, normalised)}
        if find_spec("snntorch") and not normalised:
            updates["snnTorch"] = snntorch_loop(options.steps)
        if find_spec("spikingjelly"):
            updates["SpikingJelly"] = spikingjelly_layers(options.steps, normalised)
        seconds = timed(updates, x, y, options.repeats)
        for name, theirs in seconds.items():
            ratios = [a / b for a, b in zip(seconds["spikelearn"], theirs, strict=True)]
            rows.append((normalised, name, statistics.median(theirs), statistics.median(ratios)))
    text = table(rows, options)
    print(text)
    write_text(folder / "spiking_cost.md", text)


def ours(n_steps: int, normalised: bool) -> Update:
    """One update by the rule `surrogate`."""
    model = SpikingCNN(
        name="same", input_shape=(1, 28, 28), channels=CHANNELS, kernel_size=(5, 3), pool="max 2",
        norm="batch" if normalised else "none", learn_tau=normalised or None,
        tau_m_ms=-1.0 / torch.tensor(BETA).log().item(), duration_ms=n_steps + 4.0,
    )  # fmt: skip
    rule = Surrogate("arctan", 2.0)
    rule.prepare(model.build(0), torch_generator(0, "rule"))

    def update(x: torch.Tensor, y: torch.Tensor) -> None:
        rule.update(x, y, lambda: None)

    return update


class Readout(nn.Module):
    """The mean over the steps of leaky integrators' potential."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(CHANNELS[1] * 49, 10)

    def forward(self, steps: torch.Tensor) -> torch.Tensor:
        v = total = torch.zeros(())
        for current in self.linear(steps.flatten(2)):
            v = BETA * v + current
            total = total + v
        return total / len(steps)


def snntorch_loop(n_steps: int) -> Update:
    """The loop over time of its tutorial 6, with the neuron before the pool."""
    import snntorch
    from snntorch import surrogate

    def leaky() -> Any:
        return snntorch.Leaky(beta=BETA, spike_grad=surrogate.atan(alpha=2.0))

    first, second = nn.Conv2d(1, CHANNELS[0], 5, padding=2), nn.Conv2d(*CHANNELS, 3, padding=1)
    neurons, pool, readout = (leaky(), leaky()), nn.MaxPool2d(2), Readout()
    parameters = [*first.parameters(), *second.parameters(), *readout.parameters()]

    def update(x: torch.Tensor, y: torch.Tensor) -> None:
        one, two = (neuron.init_leaky() for neuron in neurons)
        current = first(x.view(-1, 1, 28, 28))
        sent = []
        for _ in range(n_steps):
            spikes, one = neurons[0](current, one)
            spikes, two = neurons[1](second(pool(spikes)), two)
            sent.append(pool(spikes))
        torch.autograd.grad(cross_entropy(readout(torch.stack(sent)), y), parameters)

    return update


def spikingjelly_layers(n_steps: int, normalised: bool) -> Update:
    """Its layers over all steps at once, and its neurons."""
    from spikingjelly.activation_based import functional, layer, neuron, surrogate

    def fires() -> Any:
        fields: Any = {"decay_input": False, "v_reset": None, "detach_reset": True,
                       "surrogate_function": surrogate.ATan(2.0), "step_mode": "m"}  # fmt: skip
        tau = 1.0 / (1.0 - BETA)
        if normalised:
            return neuron.ParametricLIFNode(init_tau=tau, **fields)
        return neuron.LIFNode(tau=tau, **fields)

    def norm(channels: int, steps: str) -> nn.Module:
        if not normalised:
            return nn.Identity()
        return layer.BatchNorm2d(channels, step_mode=steps)

    encoder = nn.Sequential(nn.Conv2d(1, CHANNELS[0], 5, padding=2), norm(CHANNELS[0], "s"))
    over_time = nn.Sequential(
        fires(), layer.MaxPool2d(2, step_mode="m"),
        layer.Conv2d(*CHANNELS, 3, padding=1, step_mode="m"), norm(CHANNELS[1], "m"), fires(),
        layer.MaxPool2d(2, step_mode="m"), Readout(),
    )  # fmt: skip
    parameters = [*encoder.parameters(), *over_time.parameters()]

    def update(x: torch.Tensor, y: torch.Tensor) -> None:
        functional.reset_net(over_time)
        current = encoder(x.view(-1, 1, 28, 28))
        scores = over_time(current.expand(n_steps, *current.shape))
        torch.autograd.grad(cross_entropy(scores, y), parameters)

    return update


def timed(
    updates: dict[str, Update], x: torch.Tensor, y: torch.Tensor, repeats: int
) -> dict[str, list[float]]:
    """Processor seconds of each update, in turns; the first turn is not counted."""
    seconds: dict[str, list[float]] = {name: [] for name in updates}
    for turn in range(repeats + 1):
        for name, update in updates.items():
            start = time.process_time()
            update(x, y)
            if turn:
                seconds[name].append(time.process_time() - start)
    return seconds


def table(rows: list[tuple[bool, str, float, float]], options: argparse.Namespace) -> str:
    lines = [
        "# What an update of a convolutional spiking network costs",
        "",
        f"28 x 28, conv 32 k5, max 2, conv 64 k3, max 2, readout; {options.steps} steps, batches of"
        f" {options.batch_size}; processor time on one thread.",
        "",
        "| network | by | seconds | ours, in units of it |",
        "|---|---|---|---|",
    ]
    for normalised, name, seconds, ratio in rows:
        network = "normalised, time constants learn" if normalised else "plain"
        lines.append(f"| {network} | {name} | {seconds:.3f} | {ratio:.2f} |")
    return "\n".join(
        [*lines, "", "Command: `python benchmarks/spiking_cost.py`  ", *as_lines(provenance()), ""]
    )


if __name__ == "__main__":
    main()
