"""A training run in which every update is laid beside the exact gradient.

`trained_elsewhere` makes the run in a process and a thread of its own, with what training imports
and nothing else: what a rule does there is what it does for its users.
"""

from __future__ import annotations

import io
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.nn.functional import cosine_similarity

from spikelearn._errors import SpikelearnError
from spikelearn._seeding import torch_generator
from spikelearn.networks.layers import RateNetwork
from spikelearn.rules.rule import Rule, output_loss
from spikelearn.rules.user_rule import rule_from_file
from spikelearn.training.images import Split
from spikelearn.training.optimization import train_epoch

RATE = 5e-3


@dataclass(frozen=True)
class BesideGradient:
    """What the updates of a run were; a row an update and a column a hidden parameter.

    Attributes
    ----------
    parameters : list of str
    sizes : tensor of shape (updates, parameters)
        Lengths of the updates.
    cosines : tensor of the same shape
        With the gradient of the rule's loss in the network as it was then; NaN of networks that
        spike, and where one of the two is nothing.
    """

    parameters: list[str]
    sizes: torch.Tensor
    cosines: torch.Tensor


def trained(
    rule: Rule, network: nn.Module, data: Split, batch: int, epochs: int, seed: int = 0
) -> BesideGradient:
    """Train by Adam.

    Parameters
    ----------
    rule : Rule
        Not prepared.
    network : Module
    data : Split
    batch, epochs : int
        Images of an update, and how often all are shown.
    seed : int
        Of the rule's random numbers and of the order of the images.
    """
    rule.prepare(network, torch_generator(seed, "rule"))
    order = torch_generator(seed, "order")
    moved = [p for p in rule.parameters() if p.requires_grad]
    optimizer = torch.optim.Adam(moved, lr=RATE)
    output = len(list(network.parameters())) - (2 if isinstance(network, RateNetwork) else 1)
    hidden = dict(list(network.named_parameters())[:output])
    sizes: list[list[float]] = []
    cosines: list[list[float]] = []
    exact: list[torch.Tensor] = []
    total: dict[str, torch.Tensor] = {}

    def close() -> None:
        """Of the update that is over."""
        updates = [total.get(n, torch.zeros_like(p)).flatten() for n, p in hidden.items()]
        sizes.append([float(u.norm()) for u in updates])
        nothing = float("nan")
        cosines.append(
            [float(cosine_similarity(u, g.flatten(), dim=0)) if u.any() and g.any() else nothing
             for u, g in zip(updates, exact, strict=True)]
            if exact else [nothing] * len(updates)
        )  # fmt: skip

    def step() -> None:
        for name, parameter in hidden.items():
            if parameter.grad is not None:
                known = total.get(name)
                grad = parameter.grad.detach().clone()
                total[name] = grad if known is None else known + grad
        optimizer.step()
        for parameter in rule.parameters():
            parameter.grad = None

    for epoch in range(1, epochs + 1):
        batches = list(torch.randperm(len(data.y), generator=order).split(batch))

        def before(done: int, epoch: int = epoch, batches: Any = batches) -> None:
            if done or epoch > 1:
                close()
            total.clear()
            exact.clear()
            if isinstance(network, RateNetwork):
                chosen = batches[done]
                loss = output_loss(rule.loss, network(data.x[chosen]), data.y[chosen])[0]
                exact.extend(torch.autograd.grad(loss, list(hidden.values())))

        train_epoch(rule, data, batches, step, epoch, epochs, before)
    close()
    return BesideGradient(list(hidden), torch.tensor(sizes), torch.tensor(cosines))


def trained_elsewhere(
    place: str,
    options: dict[str, Any],
    network: nn.Module,
    data: Split,
    batch: int,
    epochs: int,
    seed: int = 0,
) -> BesideGradient:
    """The same in a process of its own.

    Parameters
    ----------
    place : str
        Of the rule, my_rule.py:MyRule.
    options : dict
        Of the rule.
    network : Module
    data : Split
    batch, epochs : int
        Images of an update, and how often all are shown.
    seed : int
        Of the rule's random numbers and of the order of the images.

    Raises
    ------
    SpikelearnError
        If the rule fails there.
    """
    packed = io.BytesIO()
    torch.save((place, options, network, data.x, data.y, batch, epochs, seed), packed)
    ran = subprocess.run(  # noqa: S603 - our own interpreter and code
        [sys.executable, "-c", f"from {__name__} import _main; _main()"],
        input=packed.getvalue(), capture_output=True, check=False,
    )  # fmt: skip
    if ran.returncode:
        last = ran.stderr.decode(errors="replace").strip().splitlines()[-1:]
        raise SpikelearnError(f"the rule {place} fails in a process of its own: {''.join(last)}")
    parameters, sizes, cosines = torch.load(io.BytesIO(ran.stdout), weights_only=True)
    return BesideGradient(parameters, sizes, cosines)


def _main() -> None:
    given = torch.load(io.BytesIO(sys.stdin.buffer.read()), weights_only=False)
    place, options, network, x, y, batch, epochs, seed = given
    answers = sys.stdout.buffer
    sys.stdout = sys.stderr  # what the rule prints is no answer

    def run() -> BesideGradient:
        torch.set_num_threads(1)
        return trained(rule_from_file(place)(**options), network, Split(x, y), batch, epochs, seed)

    # In a thread that is not the main one, as where a program has windows to look after.
    with ThreadPoolExecutor(1) as pool:
        made = pool.submit(run).result()
    packed = io.BytesIO()
    torch.save((made.parameters, made.sizes, made.cosines), packed)
    answers.write(packed.getvalue())
