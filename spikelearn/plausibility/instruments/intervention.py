"""The second instrument: what an update does depend on.

The same update again, with the same network, data and random numbers, and one thing changed where
it is read (`observer.py`). An effect is the relative change of an update,

    |dW(changed) - dW| / |dW|,

from at least 20 probes, of three magnitudes. The noise floor is the effect of setting the thing to
what it was; on a processor it is 0, and every effect that is not 0 is an effect. What is reported
is the largest effect, and a 95 % interval of the mean over the probes of the middle magnitude.

It under-approximates: what was changed in no probe, or by too little, is not seen.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch

from spikelearn._seeding import torch_generator
from spikelearn.plausibility.instruments.in_training import Change, SeveralUpdates
from spikelearn.plausibility.instruments.observer import OperationObserver
from spikelearn.plausibility.instruments.outcome import Outcome, effect_on
from spikelearn.plausibility.instruments.repeated_update import Intervene, RepeatedUpdate

Kind = Literal["magnitude", "sign", "both"]
_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth")
N_PROBES = 20
MAGNITUDES = (0.1, 0.3, 1.0)


@dataclass(frozen=True)
class Probe:
    """One intervention and its effect."""

    quantity: str
    place: str
    magnitude: float
    index: int
    effect: float


@dataclass(frozen=True)
class Summary:
    """Effects of many probes.

    Attributes
    ----------
    largest : float
    mean, lower, upper : float
        Of the middle magnitude, with a 95 % interval of the mean (percentile bootstrap).
    floor : float
        Effect of an intervention that changes nothing.
    """

    largest: float
    mean: float
    lower: float
    upper: float
    floor: float
    n: int


def magnitudes_of(n_places: int) -> list[tuple[int, float, int]]:
    """(place, magnitude, index) of the probes: all magnitudes at all places, at least 20 in all."""
    repeats = max(1, math.ceil(N_PROBES / (n_places * len(MAGNITUDES))))
    return [(p, m, i) for p in range(n_places) for m in MAGNITUDES for i in range(repeats)]


def weight_probes(update: RepeatedUpdate, base: Outcome, kind: Kind) -> tuple[list[Probe], float]:
    """Change the weights of each layer where anything but the synapses reads them.

    The effect is that on the layers below, their weights and biases (and, where a layer's weights
    carry its own activity through time, on itself).

    Parameters
    ----------
    update : RepeatedUpdate
    base : Outcome
        Of the update with nothing changed.
    kind : {"magnitude", "sign"}
        Weights times exp(magnitude * xi), xi normal; or the signs of a share of the weights, as
        large as the magnitude, turned.

    Returns
    -------
    probes : list of Probe
    floor : float
    """
    places = places_below(update)
    probes = []
    for place, magnitude, index in magnitudes_of(len(places)):
        m, read = places[place]
        change = _changer(update.seed, kind, magnitude, m, index)
        outcome = update.run(intervene=_of_layer(m, change))
        size = effect_on(outcome, base, read)
        probes.append(Probe(f"weight {kind}", f"layer {m + 1}", magnitude, index, size))
    return probes, floor_of(update, base)


def held_weight_probes(several: SeveralUpdates, kind: Kind = "both") -> list[Probe]:
    """Change the weights of each layer likewise, and keep them changed through several updates.

    One probe a layer and update; the index is that of the update, the first being 0.

    Parameters
    ----------
    several : SeveralUpdates
    kind : {"magnitude", "sign", "both"}
        As for `weight_probes`, of magnitude 1; or both at once.
    """
    probes = []
    for m, read in places_below(several.update):
        change = _changer(several.update.seed, kind, 1.0, m, 0)
        for index, outcome in enumerate(several.run(changes={m: change})):
            size = effect_on(outcome, several.base[index], read)
            probes.append(Probe(f"weights, {several.words}", f"layer {m + 1}", 1.0, index, size))
    return probes


def places_below(update: RepeatedUpdate) -> list[tuple[int, list[str]]]:
    """Layers, and the parameters that signals through their weights could reach on the way back.

    Those of the layers below and, where a layer's weights carry its own activity through time, of
    the layer itself.
    """
    recurrent = update.recurrent()
    places = [
        (m, [n for n, at in update.layer_of.items() if at < m or (at == m and m in recurrent)])
        for m in range(len(update.weight_names()))
    ]
    return [(m, read) for m, read in places if read]


def _changer(seed: int, kind: Kind, magnitude: float, m: int, index: int) -> Change:
    """What weights are changed to; the same however often."""

    def change(weight: torch.Tensor) -> torch.Tensor:
        generator = torch_generator(seed, f"probe {kind}", m, index)
        changed = weight
        if kind != "sign":
            xi = torch.randn(weight.shape, generator=generator, dtype=weight.dtype)
            changed = weight * torch.exp(magnitude * xi)
        if kind != "magnitude":
            drawn = torch.rand(weight.shape, generator=generator, dtype=weight.dtype)
            share = 0.5 if kind == "both" else magnitude
            changed = torch.where(drawn < share, -changed, changed)
        return changed

    return change


def _of_layer(m: int, change: Change) -> Intervene:
    def intervene(observer: OperationObserver, weights: list[torch.Tensor]) -> None:
        weight = weights[m].detach()
        observer.change(weight, change(weight))

    return intervene


def floor_of(update: RepeatedUpdate, base: Outcome) -> float:
    """The effect of setting every weight to what it is."""

    def change(observer: Any, weights: list[torch.Tensor]) -> None:
        for weight in weights:
            observer.change(weight, weight.detach().clone())

    outcome = update.run(intervene=change)
    return effect_on(outcome, base, list(base.updates))


def label_probes(update: RepeatedUpdate, base: Outcome, names: Sequence[str]) -> list[Probe]:
    """Replace the labels of a share of the samples by random others.

    The share is the magnitude; of the rest the labels stay.

    Parameters
    ----------
    update : RepeatedUpdate
    base : Outcome
        Of the update with nothing changed.
    names : sequence of str
        Parameters whose updates count.
    """
    probes = []
    for _, magnitude, index in magnitudes_of(1):
        generator = torch_generator(update.seed, "probe label", index)
        n = len(update.y)
        shift = torch.randint(1, update.n_classes, (n,), generator=generator)
        chosen = torch.zeros(n, dtype=torch.bool)
        chosen[torch.randperm(n, generator=generator)[: max(1, round(magnitude * n))]] = True
        y = torch.where(chosen, (update.y + shift) % update.n_classes, update.y)
        outcome = update.run(y=y)
        size = effect_on(outcome, base, names)
        probes.append(Probe("label", "batch", magnitude, index, size))
    return probes


def held_label_probes(several: SeveralUpdates, which: Collection[int] | None = None) -> list[Probe]:
    """Replace the labels of several batches by others; what do hidden layers learn otherwise?

    The weights of hidden layers go the way of the unchanged updates; the readout learns by the
    labels it is given. One probe an update, twice; the index is that of the update.

    Parameters
    ----------
    several : SeveralUpdates
    which : collection of int, optional
        Batches whose labels are replaced, the first being 0; all, if absent.
    """
    probes, update = [], several.update
    names = update.hidden_parameters()
    for shift in (1, 2) if update.n_classes > 2 else (1,):
        labels = {
            i: (several.labels(i) + shift) % update.n_classes
            for i in range(several.n_updates)
            if which is None or i in which
        }
        for index, outcome in enumerate(several.run(labels=labels, follows="hidden")):
            size = effect_on(outcome, several.base[index], names)
            probes.append(Probe(f"labels, {several.words}", "batch", 1.0, index, size))
    return probes


@dataclass(frozen=True)
class Held:
    """Effects of what was changed in several updates that follow one another.

    Attributes
    ----------
    probes : list of Probe
    floor : float
        Effect of changing nothing, where an effect was seen.
    words : str
        Where it was ("from the second update on"); empty where there was none.
    several : SeveralUpdates or None
        The updates in which it was.
    """

    probes: list[Probe]
    floor: float = 0.0
    words: str = ""
    several: SeveralUpdates | None = None

    @property
    def seen(self) -> bool:
        """Whether there was an effect."""
        return bool(self.words)

    def tags(self, layers: Collection[int]) -> frozenset[str]:
        """What may enter the updates of these layers where an effect was seen.

        Parameters
        ----------
        layers : collection of int
            The first is 0.
        """
        if self.several is None:
            return frozenset()
        layer_of, tags = self.several.update.layer_of, self.several.tags
        return frozenset().union(*(tags[n] for n in tags if layer_of.get(n) in layers))

    @property
    def largest(self) -> float:
        """The largest effect."""
        return max((p.effect for p in self.probes), default=0.0)


def held_probes(
    conditions: Iterable[SeveralUpdates], probe: Callable[[SeveralUpdates], list[Probe]]
) -> Held:
    """Probe several updates, under one condition after another, until there is an effect.

    Parameters
    ----------
    conditions : iterable of SeveralUpdates
    probe : callable
        Gives the effects.
    """
    probes: list[Probe] = []
    for several in conditions:
        found = probe(several)
        probes += found
        floor = several.floor if any(p.effect > 0 for p in found) else 0.0
        first = min((p.index for p in found if p.effect > floor), default=None)
        if first is not None:
            return Held(probes, floor, _when(several, first), several)
    return Held(probes)


def _when(several: SeveralUpdates, first: int) -> str:
    from_then_on = f"from the {_ORDINALS[first]} update on" if first else ""
    if several.warm_up:
        return f"{from_then_on} {several.words}".strip()
    return from_then_on or "where several updates follow one another"


def summarise(probes: Iterable[Probe], floor: float = 0.0, seed: int = 0) -> Summary:
    """Largest effect, and the mean with its interval.

    Parameters
    ----------
    probes : iterable of Probe
    floor : float
        Effect of changing nothing.
    seed : int
        Of the bootstrap.
    """
    probes = list(probes)
    if not probes:
        nothing = float("nan")
        return Summary(nothing, nothing, nothing, nothing, floor, 0)
    middle = sorted({p.magnitude for p in probes})[len({p.magnitude for p in probes}) // 2]
    values = np.array([p.effect for p in probes if p.magnitude == middle])
    drawn = np.random.default_rng(seed).integers(len(values), size=(1000, len(values)))
    with np.errstate(invalid="ignore"):
        means = values[drawn].mean(1)
    lower, upper = np.percentile(means, [2.5, 97.5]) if np.isfinite(means).all() else (np.inf,) * 2
    largest = max(p.effect for p in probes)
    return Summary(largest, float(values.mean()), float(lower), float(upper), floor, len(probes))


def repeated_probes(
    quantity: str, place: str, measure: Callable[[float, int], float]
) -> list[Probe]:
    """At least 20 probes of three magnitudes.

    Parameters
    ----------
    quantity, place : str
        What is changed, and where.
    measure : callable
        Gives the effect by magnitude and index.
    """
    return [
        Probe(quantity, place, magnitude, index, measure(magnitude, index))
        for _, magnitude, index in magnitudes_of(1)
    ]
