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
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from spikelearn._seeding import torch_generator
from spikelearn.plausibility.instruments.repeated_update import Outcome, RepeatedUpdate, effect

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


def weight_probes(
    update: RepeatedUpdate,
    base: Outcome,
    kind: str,
    names: Sequence[str] | None = None,
) -> tuple[list[Probe], float]:
    """Change the weights of each layer where anything but the synapses reads them.

    The effect is that on the layers below (and, where a layer's weights carry its own activity
    through time, on itself).

    Parameters
    ----------
    update : RepeatedUpdate
    base : Outcome
        Of the update with nothing changed.
    kind : {"magnitude", "sign"}
        Weights times exp(magnitude * xi), xi normal; or the signs of a share of the weights, as
        large as the magnitude, turned.
    names : sequence of str, optional
        Parameters whose updates count; all weights, if absent.

    Returns
    -------
    probes : list of Probe
    floor : float
    """
    weights = update.weight_names() if names is None else list(names)
    recurrent = update.recurrent()
    places = [
        (m, [n for i, n in enumerate(weights) if i < m or (i == m and m in recurrent)])
        for m in range(len(weights))
    ]
    places = [(m, read) for m, read in places if read]
    probes = []
    for place, magnitude, index in magnitudes_of(len(places)):
        m, read = places[place]
        generator = torch_generator(update.seed, f"probe {kind}", m, index)
        outcome = update.run(intervene=_changer(m, kind, magnitude, generator))
        size = effect(outcome.updates, base.updates, read)
        probes.append(Probe(f"weight {kind}", f"layer {m + 1}", magnitude, index, size))
    return probes, floor_of(update, base)


def _changer(m: int, kind: str, magnitude: float, generator: torch.Generator) -> Any:
    def change(observer: Any, weights: list[torch.Tensor]) -> None:
        weight = weights[m].detach()
        if kind == "magnitude":
            xi = torch.randn(weight.shape, generator=generator, dtype=weight.dtype)
            observer.change(weight, weight * torch.exp(magnitude * xi))
        else:
            drawn = torch.rand(weight.shape, generator=generator, dtype=weight.dtype)
            observer.change(weight, torch.where(drawn < magnitude, -weight, weight))

    return change


def floor_of(update: RepeatedUpdate, base: Outcome) -> float:
    """The effect of setting every weight to what it is."""

    def change(observer: Any, weights: list[torch.Tensor]) -> None:
        for weight in weights:
            observer.change(weight, weight.detach().clone())

    outcome = update.run(intervene=change)
    return effect(outcome.updates, base.updates, list(base.updates))


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
        size = effect(outcome.updates, base.updates, names)
        probes.append(Probe("label", "batch", magnitude, index, size))
    return probes


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
