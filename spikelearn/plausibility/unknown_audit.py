"""Whether a rule makes the same updates in a process that knows nothing of an audit.

A rule can find out that it is under audit: who calls it, what has been imported, which thread it is
in, who looks at its operations. So it is trained as its users train it, in a process that has never
heard of an audit, from the same weights on the same images with the same random numbers, and again
here. Every update of either run is laid beside the exact gradient; a run is long enough for a rule
that behaves for a while, or but now and then.

Rules that ship are the toolkit's own code, and are not asked; nor is a rule that another process
cannot make, or whose runs cannot be repeated.
"""

from __future__ import annotations

import copy
import inspect
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from spikelearn._errors import SpikelearnError
from spikelearn._imported_files import is_toolkits
from spikelearn.plausibility.instruments.repeated_update import RepeatedUpdate
from spikelearn.plausibility.short_training import BATCH, digits, model_like
from spikelearn.rules.user_rule import is_place, place_of
from spikelearn.training.beside_gradient import BesideGradient, trained, trained_elsewhere
from spikelearn.training.images import Split

N_IMAGES, EPOCHS = 1000, 3
# What counts as the direction of the gradient; no estimate from noise reaches it.
EXACT = 1 - 1e-4
# Differences of cosines and of logarithms of sizes: what repeating leaves, what is another update.
SAME, OTHER = 0.01, 0.05
# A direction of fewer numbers may lie along the gradient by chance.
LEAST_NUMBERS = 10
# Of a rule whose update on a small network takes more, hundreds of updates take too long.
MOST_OPERATIONS = 2000


@dataclass(frozen=True)
class Unaudited:
    """What a rule was seen to do in training.

    Attributes
    ----------
    otherwise : str
        How its updates are others in a process that knows nothing of an audit; empty if they are
        the same.
    along : str
        Which of its updates lie along the exact gradient; empty if none does.
    """

    otherwise: str = ""
    along: str = ""


def unaudited(update: RepeatedUpdate, rule: Any, options: dict[str, Any]) -> Unaudited:
    """What a rule does in training, where nobody audits it.

    Parameters
    ----------
    update : RepeatedUpdate
        Of the rule.
    rule : str or class
        A file and a class in it, or the class.
    options : dict
        Of the class.
    """
    place = _place(rule)
    if not place or update.run().observer.n_operations > MOST_OPERATIONS:
        return Unaudited()
    training, _ = digits()
    data = Split(training.x[:N_IMAGES], training.y[:N_IMAGES])
    network = model_like(update).build(update.seed)
    run: Any = (data, BATCH, EPOCHS, update.seed)
    here = trained(update.make(), copy.deepcopy(network), *run)
    again = trained(update.make(), copy.deepcopy(network), *run)
    if _first(here, again, SAME) is not None:
        return Unaudited()
    try:
        there = trained_elsewhere(place, options, network, *run)
    except SpikelearnError:
        return Unaudited()  # it needs what only this process has
    other = _first(here, there, OTHER)
    if other is not None:
        return Unaudited(
            otherwise="In a process that knows nothing of an audit, the rule makes another update"
            f" than here (number {other + 1} of {len(here.sizes)}{_told(here, there, other)})."
        )
    return Unaudited(along=_along(there, network))


def _place(rule: Any) -> str:
    """Where another process finds a rule that a user has written; empty where it cannot."""
    if isinstance(rule, str):
        return rule if is_place(rule) else ""
    if not inspect.isclass(rule):
        return ""
    try:
        place = place_of(rule)
    except SpikelearnError:
        return ""
    path = Path(place.rpartition(":")[0])
    return place if path.is_file() and not is_toolkits(path) else ""


def _first(one: BesideGradient, two: BesideGradient, allowed: float) -> int | None:
    """The first update that differs by more than is allowed."""
    gaps = [
        (one.cosines - two.cosines).nan_to_num(0.0).abs(),
        (one.cosines.isnan() != two.cosines.isnan()).float(),
        ((one.sizes + 1e-30).log() - (two.sizes + 1e-30).log()).abs(),
    ]
    differs = (torch.stack(gaps).amax(0) > allowed).any(1).nonzero()
    return int(differs[0]) if len(differs) else None


def _told(here: BesideGradient, there: BesideGradient, at: int) -> str:
    if here.cosines[at].isnan().any() or there.cosines[at].isnan().any():
        return ""
    worst = int((here.cosines[at] - there.cosines[at]).abs().argmax())
    return (
        f"; cosine with the exact gradient in {here.parameters[worst]}"
        f" {float(there.cosines[at, worst]):.2f} there, {float(here.cosines[at, worst]):.2f} here"
    )


def _along(run: BesideGradient, network: Any) -> str:
    """Whether any update lay along the exact gradient."""
    counts = {name: p.numel() for name, p in network.named_parameters()}
    large = torch.tensor([counts[name] >= LEAST_NUMBERS for name in run.parameters])
    exact = (run.cosines.nan_to_num(0.0).abs() > EXACT) & large
    updates = exact.any(1).nonzero().flatten()
    if not len(updates):
        return ""
    at = int(updates[0])
    names = [n for n, on in zip(run.parameters, exact[at].tolist(), strict=True) if on]
    return (
        f"In training, {len(updates)} of {len(run.sizes)} updates lie along the gradient of"
        f" backpropagation, the first of them number {at + 1}, in {', '.join(names)}."
    )
