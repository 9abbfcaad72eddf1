"""C10: no knowledge of derivatives."""

from __future__ import annotations

import contextlib
import dataclasses
import importlib.util
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import torch

from spikelearn.networks import layers as layers_module
from spikelearn.networks import spiking_mlp
from spikelearn.networks.recurrent import ElmanCell, GatedCell, Partials
from spikelearn.plausibility.audited_rule import AuditedRule
from spikelearn.plausibility.criterion import Criterion, Finding, absent, interval
from spikelearn.plausibility.instruments.event_networks import other_slopes
from spikelearn.plausibility.instruments.intervention import Probe, magnitudes_of, summarise
from spikelearn.plausibility.instruments.observer import OperationObserver
from spikelearn.plausibility.instruments.repeated_update import effect

if TYPE_CHECKING:
    from spikelearn.plausibility.audited_plasticity import AuditedPlasticity


def measure(audited: AuditedRule) -> Finding:
    """Replace the slopes of the nonlinearities by noisy ones, and by their mean."""
    if not audited.learns_below:
        return absent("no hidden layer learns")
    probes, asked = [], [0]
    for _, magnitude, index in magnitudes_of(1):
        generator = torch.Generator().manual_seed(2000 + index)
        with _slopes(magnitude, generator, asked):
            updates = audited.update.run(OperationObserver(flat_slopes=magnitude == 1.0)).updates
        size = effect(updates, audited.base.updates, audited.hidden)
        probes.append(Probe("slope", "hidden", magnitude, index, size))
    summary = summarise(probes, audited.floor)
    seen = asked[0] + audited.trace.observer.derivatives + _of_potentials(audited)
    free = summary.largest <= 1e-12
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


def _altered(slope: torch.Tensor, magnitude: float, generator: torch.Generator) -> torch.Tensor:
    """Towards the mean slope, by the magnitude, with noise of that size on top."""
    mean = slope.mean()
    noise = torch.randn(slope.shape, generator=generator, dtype=torch.float64).to(slope.dtype)
    return (1 - magnitude) * slope + magnitude * mean * (1 + 0.5 * noise)


def _named_surrogates() -> dict[str, Any]:
    """The toolkit's surrogates by name, where they have a file of their own."""
    name = "spikelearn.networks.surrogates"
    if importlib.util.find_spec(name) is None:
        return {}
    surrogates: dict[str, Any] = importlib.import_module(name).SURROGATES
    return surrogates


@contextlib.contextmanager
def _slopes(magnitude: float, generator: torch.Generator, asked: list[int]) -> Iterator[None]:
    """For the time being, other slopes wherever the toolkit gives them."""
    kept = dict(layers_module.ACTIVATIONS)
    cells = {cell: cell.partials for cell in (ElmanCell, GatedCell)}
    surrogate = spiking_mlp.surrogate_slope

    def at_spikes(fall: torch.Tensor) -> torch.Tensor:
        if not fall.numel():
            return fall
        # Every crossing is from below: the slope stays above 0.
        noise = torch.randn(fall.shape, generator=generator, dtype=torch.float64).to(fall.dtype)
        mixed = (1 - magnitude) * fall + magnitude * fall.mean()
        return mixed * torch.exp(0.5 * magnitude * noise)

    named = _named_surrogates()
    shapes = dict(named)

    def other(activation: layers_module.Activation) -> layers_module.Activation:
        def slope(z: torch.Tensor, h: torch.Tensor) -> torch.Tensor:
            asked[0] += 1
            return _altered(activation.slope(z, h), magnitude, generator)

        return dataclasses.replace(activation, slope=slope, fused=None)

    def partials(self: Any, p: Any, q: Any, h: Any) -> Partials:
        asked[0] += 1
        exact = cells[type(self)](self, p, q, h)
        by_p, by_q = (_altered(part, magnitude, generator) for part in (exact.by_p, exact.by_q))
        return Partials(exact.keep, by_p, by_q)

    def spike_slope(distance: torch.Tensor) -> torch.Tensor:
        asked[0] += 1
        return _altered(surrogate(distance), magnitude, generator)

    def shape(original: Any) -> Any:
        def slope(distance: torch.Tensor, *settings: Any) -> torch.Tensor:
            asked[0] += 1
            return _altered(original(distance, *settings), magnitude, generator)

        return slope

    holders = [
        m for m in list(sys.modules.values()) if getattr(m, "surrogate_slope", 0) is surrogate
    ]
    try:
        for name, activation in kept.items():
            if name != "identity":
                layers_module.ACTIVATIONS[name] = other(activation)
        for cell in cells:
            cell.partials = partials  # type: ignore[method-assign]
        named.update({name: shape(original) for name, original in shapes.items()})
        for module in holders:
            module.surrogate_slope = spike_slope  # type: ignore[attr-defined]
        with other_slopes(at_spikes):
            yield
    finally:
        layers_module.ACTIVATIONS.update(kept)
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
    " that a rule of a user's writes out by itself is not seen.",
    "no effect (1e-12)",
    "Neurons signal their answer; its slope is not among what they are known to send.",
    measure,
    measure_plasticity=measure_plasticity,
)
