"""Handicaps under which a rule is trained, by name; each is run once for a audited."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from spikelearn._seeding import torch_generator
from spikelearn.plausibility.audited_rule import AuditedRule
from spikelearn.plausibility.short_training import BATCH, Handicap, Run, Weights, train


def run_of(audited: AuditedRule, name: str | None = None) -> Run:
    """A training run with a handicap, or without."""
    key = f"run {name}"
    if key not in audited.shared:
        settings: dict[str, Any] = {} if name is None else HANDICAPS[name](audited)
        audited.shared[key] = train(audited.update, **settings)
    run: Run = audited.shared[key]
    return run


def plain(audited: AuditedRule) -> float:
    """Accuracy without a handicap."""
    return run_of(audited).accuracy


def with_handicap(audited: AuditedRule, name: str) -> float:
    """Accuracy with one."""
    return run_of(audited, name).accuracy


def _dale(audited: AuditedRule) -> dict[str, Any]:
    signs: dict[int, torch.Tensor] = {}

    def after(weights: Weights, noise: torch.Generator) -> None:
        for index, weight in enumerate(weights):
            if index not in signs:
                generator = torch_generator(audited.seed, "audit cell types", index)
                drawn = torch.rand(weight.shape[1], generator=generator) < 0.5
                side = torch.where(drawn, 1.0, -1.0).to(weight.dtype)
                signs[index] = side.view(1, -1, *(1,) * (weight.ndim - 2))
            weight.copy_((weight * signs[index]).clamp_min(0.0) * signs[index])

    return {"handicap": Handicap(after=after)}


def _weight_noise(audited: AuditedRule) -> dict[str, Any]:
    def before(weights: Weights, noise: torch.Generator) -> Callable[[], None]:
        kept = [w.clone() for w in weights]
        for weight in weights:
            weight.mul_(1 + 0.1 * torch.randn(weight.shape, generator=noise))

        def undo() -> None:
            with torch.no_grad():
                for weight, old in zip(weights, kept, strict=True):
                    weight.copy_(old)

        return undo

    return {"handicap": Handicap(before=before)}


def _few_bits(bits: int) -> Callable[[AuditedRule], dict[str, Any]]:
    def handicap(audited: AuditedRule) -> dict[str, Any]:
        grids: list[float] = []

        def after(weights: Weights, noise: torch.Generator) -> None:
            if not grids:  # fixed at the start, and half as wide again as the weights are then
                grids.extend(1.5 * float(w.abs().max()) / 2 ** (bits - 1) for w in weights)
            for weight, step in zip(weights, grids, strict=True):
                drawn = torch.rand(weight.shape, generator=noise)
                # Rounded up or down at random, so that small changes count on average.
                levels = (weight / step + drawn).floor()
                weight.copy_(levels.clamp(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) * step)

        return {"handicap": Handicap(after=after)}

    return handicap


def _late(audited: AuditedRule) -> dict[str, Any]:
    waiting: list[list[tuple[int, torch.Tensor]]] = []
    clock = [0]

    def hold(updates: list[torch.Tensor], noise: torch.Generator) -> list[torch.Tensor]:
        """Each neuron's update comes 0 to 4 updates late, every time by another delay."""
        while len(waiting) < len(updates):
            waiting.append([])
        arrived = []
        for queue, update in zip(waiting, updates, strict=False):
            delays = torch.randint(0, 5, (len(update),), generator=noise)
            for delay in range(5):
                part = torch.zeros_like(update)
                part[delays == delay] = update[delays == delay]
                queue.append((clock[0] + delay, part))
            due = [u for t, u in queue if t <= clock[0] and u.shape == update.shape]
            queue[:] = [(t, u) for t, u in queue if t > clock[0]]
            arrived.append(torch.stack(due).sum(0))
        clock[0] += 1
        return arrived

    return {"handicap": Handicap(hold=hold)}


def _one_by_one(audited: AuditedRule) -> dict[str, Any]:
    # Fewer images than in the other runs: an update takes as long for one image as for many.
    return {"batch": 1, "n_images": 250, "epochs": 2}


HANDICAPS: dict[str, Callable[[AuditedRule], dict[str, Any]]] = {
    "one sample at a time": _one_by_one,
    "batches of the same images": lambda s: {"batch": BATCH, "n_images": 250, "epochs": 2},
    "fixed signs": _dale,
    "weight noise": _weight_noise,
    "4 bits": _few_bits(4),
    "6 bits": _few_bits(6),
    "late updates": _late,
}
