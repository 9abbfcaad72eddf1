"""C10: no knowledge of derivatives."""

from __future__ import annotations

import contextlib
import dataclasses
import importlib.util
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from spikelearn.networks import activations, spiking_mlp
from spikelearn.networks.layers import Dense
from spikelearn.networks.recurrent import ElmanCell, GatedCell, Partials
from spikelearn.plausibility.audited_rule import AuditedRule
from spikelearn.plausibility.criterion import Criterion, Finding, absent, interval
from spikelearn.plausibility.instruments.event_networks import other_slopes
from spikelearn.plausibility.instruments.intervention import Probe, magnitudes_of, summarise
from spikelearn.plausibility.instruments.observer import OperationObserver, WeightRead
from spikelearn.plausibility.instruments.repeated_update import effect
from spikelearn.plausibility.sight import ALWAYS, LABELS_SEEN, within_sight

if TYPE_CHECKING:
    from spikelearn.plausibility.audited_plasticity import AuditedPlasticity

# An update goes with the slope where what is left is less; differences of two nearby drives have an
# error of about their distance.
_PROPORTIONAL = 1e-4


@within_sight(met=LABELS_SEEN, not_met=ALWAYS)
def measure(audited: AuditedRule) -> Finding:
    """Replace the slopes of the nonlinearities by noisy ones, and by their mean."""
    if not audited.learns_below:
        return absent("no hidden layer learns")
    probes, asked = [], [0]
    for _, magnitude, index in magnitudes_of(1):
        # Drawn outside torch, where vmap has no say: all samples that it maps over hear the same.
        rng = np.random.default_rng(2000 + index)
        with _slopes(magnitude, rng, asked):
            updates = audited.update.run(OperationObserver(flat_slopes=magnitude == 1.0)).updates
        size = effect(updates, audited.base.updates, audited.hidden)
        probes.append(Probe("slope", "hidden", magnitude, index, size))
    summary = summarise(probes, audited.floor)
    seen = asked[0] + audited.trace.observer.derivatives + _of_potentials(audited)
    free = summary.largest <= 1e-12
    if free and (by_itself := _slope_of_its_own(audited)) is not None:
        probes.append(by_itself)
        return Finding(
            by_itself.effect, f"{by_itself.effect:.3f}", "neuron", None, False,
            "The toolkit's slopes are not asked for, but when a neuron is driven to another point"
            " of its nonlinearity, its synapses' update changes as the slope does, by a factor of"
            f" {by_itself.effect:.3f} here: the rule writes the slope out itself.",
            probes=probes, **interval(summary),
        )  # fmt: skip
    sentence = (
        "The update does not change with the slopes of the nonlinearities."
        if free
        else f"Noisy slopes change the hidden layers' update by up to {summary.largest:.2f} of its"
        " size."
    )
    return Finding(
        summary.largest, f"{summary.largest:.3f}", "neuron", seen == 0, free, sentence,
        probes=probes, **interval(summary),
    )  # fmt: skip


def _slope_of_its_own(audited: AuditedRule) -> Probe | None:
    """Whether a neuron's update goes with its slope, one sample and all else being the same.

    A neuron is moved along its nonlinearity, and nobody hears of it but its own synapses. An update
    of an error times the slope then changes by the ratio of the slopes, of each neuron alike and
    at every step along the nonlinearity; one of activity changes with the activity.
    """
    update = audited.update
    layers = list(audited.base.rule.network) if update.n_steps == 1 else []
    if update.spikes or not layers or not isinstance(layers[0], Dense):
        return None
    name, x, y = update.weight_names()[0], update.x[:1], update.y[:1]
    if name not in audited.hidden:
        return None
    drives: list[torch.Tensor] = []
    steps = (0.5, -0.7, 1.1)

    def moved(step: float) -> torch.Tensor:
        def alter(read: WeightRead, z: torch.Tensor) -> torch.Tensor | None:
            if read.owners != {"layer 1"}:
                return None
            drives.append(z.detach().clone())
            return z + step

        with torch.no_grad():
            return update.run(OperationObserver(alter=alter), x=x, y=y).updates[name]

    still, others = moved(0.0), {step: moved(step) for step in steps}
    if not drives:
        return None
    z = drives[0].flatten()
    # The bias may come with the product or after it.
    bias = layers[0].bias.detach().double()
    for drive in (z, z + bias) if z.shape == bias.shape else ():
        slopes = {step: layers[0].slope(drive + step, layers[0].activate(drive + step))
                  for step in (0.0, *steps)}  # fmt: skip
        ratios = {step: (slopes[step] / slopes[0.0])[:, None] for step in steps}
        told = all(float((r - 1).abs().min()) > 1e-3 for r in ratios.values())
        gaps = [float((others[s] - ratios[s] * still).norm() / others[s].norm()) for s in steps]
        if told and max(gaps) < _PROPORTIONAL:
            return Probe("slope by itself", "layer 1", steps[0], 0, float(ratios[steps[0]].mean()))
    return None


def _of_potentials(audited: AuditedRule) -> int:
    """Whether slopes of the potential at spikes reach the update of a hidden layer, by tags."""
    if not audited.update.events:
        return 0
    observer = OperationObserver(tags=True)

    def marked(fall: torch.Tensor) -> torch.Tensor:
        observer.mark(fall, "slope")
        return fall

    with other_slopes(marked):
        tags = audited.update.run(observer).tags
    return sum("slope" in tags.get(name, ()) for name in audited.hidden)


def _altered(slope: torch.Tensor, magnitude: float, rng: np.random.Generator) -> torch.Tensor:
    """Towards the mean slope, by the magnitude, with noise of that size on top."""
    mean = slope.mean()
    noise = _normal(slope, rng)
    return (1 - magnitude) * slope + magnitude * mean * (1 + 0.5 * noise)


def _normal(like: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
    return torch.from_numpy(np.asarray(rng.normal(size=tuple(like.shape)))).to(like.dtype)


def _named_surrogates() -> dict[str, Any]:
    """The toolkit's surrogates by name, where they have a file of their own."""
    name = "spikelearn.networks.surrogates"
    if importlib.util.find_spec(name) is None:
        return {}
    surrogates: dict[str, Any] = importlib.import_module(name).SURROGATES
    return surrogates


@contextlib.contextmanager
def _slopes(magnitude: float, rng: np.random.Generator, asked: list[int]) -> Iterator[None]:
    """For the time being, other slopes wherever the toolkit gives them."""
    kept = dict(activations.ACTIVATIONS)
    cells = {cell: cell.partials for cell in (ElmanCell, GatedCell)}
    surrogate = spiking_mlp.surrogate_slope

    def at_spikes(fall: torch.Tensor) -> torch.Tensor:
        if not fall.numel():
            return fall
        # Every crossing is from below: the slope stays above 0.
        noise = _normal(fall, rng)
        mixed = (1 - magnitude) * fall + magnitude * fall.mean()
        return mixed * torch.exp(0.5 * magnitude * noise)

    named = _named_surrogates()
    shapes = dict(named)

    def other(activation: activations.Activation) -> activations.Activation:
        def slope(z: torch.Tensor, h: torch.Tensor) -> torch.Tensor:
            asked[0] += 1
            return _altered(activation.slope(z, h), magnitude, rng)

        return dataclasses.replace(activation, slope=slope, fused=None)

    def partials(self: Any, p: Any, q: Any, h: Any) -> Partials:
        asked[0] += 1
        exact = cells[type(self)](self, p, q, h)
        by_p, by_q = (_altered(part, magnitude, rng) for part in (exact.by_p, exact.by_q))
        return Partials(exact.keep, by_p, by_q)

    def spike_slope(distance: torch.Tensor) -> torch.Tensor:
        asked[0] += 1
        return _altered(surrogate(distance), magnitude, rng)

    def shape(original: Any) -> Any:
        def slope(distance: torch.Tensor, *settings: Any) -> torch.Tensor:
            asked[0] += 1
            return _altered(original(distance, *settings), magnitude, rng)

        return slope

    holders = [
        m for m in list(sys.modules.values()) if getattr(m, "surrogate_slope", 0) is surrogate
    ]
    try:
        for name, activation in kept.items():
            if name != "identity":
                activations.ACTIVATIONS[name] = other(activation)
        for cell in cells:
            cell.partials = partials  # type: ignore[method-assign]
        named.update({name: shape(original) for name, original in shapes.items()})
        for module in holders:
            module.surrogate_slope = spike_slope  # type: ignore[attr-defined]
        with other_slopes(at_spikes):
            yield
    finally:
        activations.ACTIVATIONS.update(kept)
        named.update(shapes)
        for cell, original in cells.items():
            cell.partials = original  # type: ignore[method-assign]
        for module in holders:
            module.surrogate_slope = surrogate  # type: ignore[attr-defined]


def measure_plasticity(audited: AuditedPlasticity) -> Finding:
    """What do the equations read of neurons?"""
    equations = audited.equations
    return audited.follows(
        True, f"Nothing that they read, {equations.reads}, is a slope of a"
        " neuron's answer.", value=0.0, shown="no slope",
    )  # fmt: skip


CRITERION = Criterion(
    "C10",
    "no knowledge of derivatives",
    "Learning does not need the derivative of a neuron's answer by its input.",
    "Bengio et al. 2015, arXiv:1502.04156; Neftci, Mostafa & Zenke 2019,"
    " doi:10.1109/MSP.2019.2931595",
    "Slopes are moved towards their mean by the magnitude, with noise on top, wherever a rule"
    " asks a"
    " layer or a cell for them, in surrogate gradients, and (at magnitude 1) in automatic"
    " differentiation. Provenance: whether any slope was asked for (in networks"
    " of spike times: whether the slope of the potential at a spike reaches an update). A slope"
    " that a rule writes out by itself is told, in fully connected layers, by moving neurons along"
    " their nonlinearity, unheard by others: an update that is proportional to the slope at every"
    " point knows it.",
    "no effect (1e-12)",
    "Neurons signal their answer; its slope is not among what they are known to send.",
    measure,
    measure_plasticity=measure_plasticity,
)
