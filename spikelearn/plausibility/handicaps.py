"""Handicaps under which a rule is trained, by name; each is run once for a rule under audit."""

from __future__ import annotations

from collections.abc import Callable

import torch

from spikelearn._seeding import torch_generator
from spikelearn.plausibility.accuracy_left import enough
from spikelearn.plausibility.audited_rule import AuditedRule
from spikelearn.plausibility.course import Course, chosen
from spikelearn.plausibility.short_training import Handicap, Run, Weights, train

_MOST_SHOWN = 10000


def run_of(audited: AuditedRule, name: str | None = None) -> Run:
    """A training run with a handicap, or without, on the rule's course."""
    key = f"run {name}"
    if key not in audited.shared:
        course, free = _free(audited)
        if name is None:
            return free
        handicap = HANDICAPS[name](audited)
        audited.shared[key] = train(audited.update, handicap, **course.settings)
    run: Run = audited.shared[key]
    return run


def _free(audited: AuditedRule) -> tuple[Course, Run]:
    """The course on which the rule learns, and the run on it."""
    if "course" not in audited.shared:
        audited.shared["course"] = chosen(lambda course: train(audited.update, **course.settings))
    found: tuple[Course, Run] = audited.shared["course"]
    return found


def one_by_one(audited: AuditedRule) -> tuple[Course, Run, Run | None]:
    """What is learned in batches, and from the same images one by one.

    An update takes as long for one image as for many: as few are shown as teach enough in batches,
    and at most 10,000. One by one is learned only where enough is.

    Returns
    -------
    course : Course
    whole : Run
        In batches.
    single : Run or None
        One by one.
    """
    course, free = _free(audited)
    shorter = [Course(course.rate, n, epochs) for n, epochs in ((250, 2), (500, 3))]
    courses = [one for one in (*shorter, course) if one.n_shown <= _MOST_SHOWN]

    def trained(one: Course) -> Run:
        return free if one == course else train(audited.update, **one.settings)

    shown, whole = chosen(trained, courses, longer=1)
    single = train(audited.update, batch=1, **shown.settings) if enough(whole) else None
    return shown, whole, single


def _dale(audited: AuditedRule) -> Handicap:
    signs: dict[int, torch.Tensor] = {}

    def after(weights: Weights, noise: torch.Generator) -> None:
        for index, weight in enumerate(weights):
            if index not in signs:
                generator = torch_generator(audited.seed, "audit cell types", index)
                drawn = torch.rand(weight.shape[1], generator=generator) < 0.5
                side = torch.where(drawn, 1.0, -1.0).to(weight.dtype)
                signs[index] = side.view(1, -1, *(1,) * (weight.ndim - 2))
            weight.copy_((weight * signs[index]).clamp_min(0.0) * signs[index])

    return Handicap(after=after)


def _weight_noise(audited: AuditedRule) -> Handicap:
    def before(weights: Weights, noise: torch.Generator) -> Callable[[], None]:
        kept = [w.clone() for w in weights]
        for weight in weights:
            weight.mul_(1 + 0.1 * torch.randn(weight.shape, generator=noise))

        def undo() -> None:
            with torch.no_grad():
                for weight, old in zip(weights, kept, strict=True):
                    weight.copy_(old)

        return undo

    return Handicap(before=before)


def _few_bits(bits: int) -> Callable[[AuditedRule], Handicap]:
    def handicap(audited: AuditedRule) -> Handicap:
        grids: list[float] = []

        def after(weights: Weights, noise: torch.Generator) -> None:
            if not grids:  # fixed at the start, and half as wide again as the weights are then
                grids.extend(1.5 * float(w.abs().max()) / 2 ** (bits - 1) for w in weights)
            for weight, step in zip(weights, grids, strict=True):
                drawn = torch.rand(weight.shape, generator=noise)
                # Rounded up or down at random, so that small changes count on average.
                levels = (weight / step + drawn).floor()
                weight.copy_(levels.clamp(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) * step)

        return Handicap(after=after)

    return handicap


def _late(audited: AuditedRule) -> Handicap:
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

    return Handicap(hold=hold)


HANDICAPS: dict[str, Callable[[AuditedRule], Handicap]] = {
    "fixed signs": _dale,
    "weight noise": _weight_noise,
    "4 bits": _few_bits(4),
    "6 bits": _few_bits(6),
    "late updates": _late,
}
