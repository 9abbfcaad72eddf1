"""What one update of a rule left, and how far it is from another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch

from spikelearn.plausibility.instruments.observer import OperationObserver
from spikelearn.plausibility.instruments.shadow_memory import storage_of
from spikelearn.plausibility.instruments.weight_reads import WeightRead
from spikelearn.rules.rule import Rule

Updates = dict[str, torch.Tensor]


@dataclass
class Outcome:
    """What one update left.

    Attributes
    ----------
    updates : dict
        By parameter, added up over calls of apply.
    calls : list of dict
        The same, by call.
    element_tags, tags : dict
        Sources of each parameter's update, by element (as bits) and in all, where they are
        followed.
    emitted, write_tags : dict
        By parameter, what each write added to it, in order, and the sources of each write.
    """

    rule: Rule
    observer: OperationObserver
    loss: torch.Tensor
    updates: Updates = field(default_factory=dict)
    calls: list[Updates] = field(default_factory=list)
    element_tags: dict[str, torch.Tensor] = field(default_factory=dict)
    tags: dict[str, frozenset[str]] = field(default_factory=dict)
    emitted: dict[str, list[torch.Tensor]] = field(default_factory=dict)
    write_tags: dict[str, list[frozenset[str]]] = field(default_factory=dict)

    @property
    def reads(self) -> list[WeightRead]:
        """All readings of weights, in order, where they are kept."""
        return self.observer.reads

    def sources(self, parameter: str) -> frozenset[str]:
        """What the update of a parameter may depend on; empty if there was none."""
        return self.tags.get(parameter, frozenset())

    @property
    def taken_out(self) -> list[frozenset[str]]:
        """What was taken out of torch (by `.item()` and the like), with what it depended on."""
        return [names for names in self.observer.tracking.taken_out if names]

    def collect(self) -> None:
        """Add what is in `.grad`, with what the observer knows of it."""
        call: Updates = {}
        observer = self.observer
        for name, parameter in named_parameters(self.rule).items():
            if parameter.grad is None:
                continue
            gradient = parameter.grad.detach()
            self.observer.look_at(gradient)
            call[name] = gradient.clone()
            if observer.follow_tags:
                bits = observer.shadow.tags(gradient)
                if bits is not None:
                    old = self.element_tags.get(name)
                    self.element_tags[name] = bits.clone() if old is None else old | bits
                known = self.tags.get(name, frozenset())
                self.tags[name] = known | observer.tags_of(gradient)
            key = storage_of(gradient).data_ptr()
            written = observer.writes.pop(key, [])
            self.write_tags.setdefault(name, []).extend(
                observer.sources.of(bits) for bits in observer.write_tags.pop(key, [])
            )
            values = [*written, call[name]]
            if len(values) > 1 and torch.equal(values[-1], values[-2]):
                values.pop()
            before = torch.zeros_like(call[name])
            for value in values:
                self.emitted.setdefault(name, []).append(value - before)
                before = value
            total = self.updates.get(name)
            self.updates[name] = call[name] if total is None else total + call[name]
        self.calls.append(call)


def named_parameters(rule: Rule) -> dict[str, torch.nn.Parameter]:
    """What the optimiser moves, by name."""
    moved = {id(p) for p in rule.parameters()}
    named = {f"network.{k}": p for k, p in rule.network.named_parameters()}
    named |= {f"extra.{k}": p for k, p in rule.extra.named_parameters()}
    return {name: p for name, p in named.items() if id(p) in moved}


def effect(changed: Updates, unchanged: Updates, names: Sequence[str]) -> float:
    """|changed - unchanged| / |unchanged| over the named updates.

    Parameters
    ----------
    changed, unchanged : dict of tensors
        Updates by parameter, with an intervention and without.
    names : sequence of str
        Parameters that count.

    Returns
    -------
    float
        0 where both are nothing; infinite where only the unchanged ones are, or where numbers are
        no longer finite.
    """
    pairs = [
        tuple(
            (updates[n] if n in updates else torch.zeros_like(other[n])).detach().flatten()
            for updates, other in ((changed, unchanged), (unchanged, changed))
        )
        for n in names
        if n in changed or n in unchanged
    ]
    if all(torch.equal(one, two) for one, two in pairs):
        return 0.0
    one, two = (torch.cat(tensors).to(torch.complex128) for tensors in zip(*pairs, strict=True))
    # Of numbers so small that their squares are 0, too.
    scale = torch.maximum(one.abs(), two.abs()).max()
    gap, size = float(((one - two) / scale).norm()), float((two / scale).norm())
    return gap / size if size > 0 and gap < float("inf") else float("inf")


def effect_on(changed: Outcome, unchanged: Outcome, names: Sequence[str]) -> float:
    """The effect on an update; of one that adds up to the same, on its calls of apply.

    Parameters
    ----------
    changed, unchanged : Outcome
        With an intervention and without.
    names : sequence of str
        Parameters that count.
    """
    whole = effect(changed.updates, unchanged.updates, names)
    if whole > 0 or max(len(changed.calls), len(unchanged.calls)) <= 1:
        return whole
    by_call = [
        {f"{i} {n}": call[n] for i, call in enumerate(outcome.calls) for n in names if n in call}
        for outcome in (changed, unchanged)
    ]
    return effect(by_call[0], by_call[1], sorted(by_call[0].keys() | by_call[1].keys()))
