"""C4b: no update locking."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from spikelearn._seeding import torch_generator
from spikelearn.networks.latency_mlp import LatencyLayer
from spikelearn.plausibility.audited_rule import AuditedRule
from spikelearn.plausibility.criterion import Criterion, Finding, absent, interval, untold
from spikelearn.plausibility.instruments.event_networks import moved
from spikelearn.plausibility.instruments.intervention import MAGNITUDES, Probe, summarise
from spikelearn.plausibility.instruments.observer import Alter, OperationObserver, WeightRead
from spikelearn.plausibility.instruments.repeated_update import Updates, effect
from spikelearn.plausibility.sight import ACTIVITY_SEEN, ALWAYS, within_sight

if TYPE_CHECKING:
    from spikelearn.plausibility.audited_plasticity import AuditedPlasticity


@within_sight(met=ACTIVITY_SEEN, not_met=ALWAYS)
def measure(audited: AuditedRule) -> Finding:
    """Change the activity of each layer: which layers below learn differently?"""
    if not audited.learns_below:
        return absent("no hidden layer learns")
    update, names = audited.update, audited.update.weight_names()
    layer_of = update.layer_of
    probes, locked = [], set()
    for m in range(1, len(names)):
        below = [n for n in audited.hidden if layer_of[n] < m]
        for magnitude in MAGNITUDES:
            for index in range(7 if len(names) == 2 else 4):
                generator = torch_generator(audited.seed, "audit drift", m, index)
                noisy = _noisy({f"layer {m + 1}"}, magnitude, generator)
                observer = OperationObserver(alter=noisy, openly=True)
                updates = update.run(observer).updates
                for name in below:
                    if effect(updates, audited.base.updates, [name]) > audited.floor:
                        locked.add(layer_of[name])
                total = effect(updates, audited.base.updates, below)
                probes.append(Probe("activity above", f"layer {m + 1}", magnitude, index, total))
    n_layers = len({layer_of[n] for n in audited.hidden})
    share = len(locked) / n_layers
    cosine = _drifted(audited, probes) if locked else 1.0
    sentence = (
        f"{len(locked)} of {n_layers} hidden layers wait for activity above them; when"
        f" activity has drifted by its own size meanwhile, the update's cosine with what it would"
        f" have been is {cosine:.2f}."
        if locked
        else "Every layer can learn as soon as it is active."
    )
    summary = summarise([p for p in probes if p.quantity == "activity above"], audited.floor)
    return Finding(
        share, f"{len(locked)}/{n_layers}", "network" if locked else "-",
        not audited.waiting, not locked, sentence, probes=probes, **interval(summary),
    )  # fmt: skip


def _noisy(owners: set[str], size: float, generator: torch.Generator) -> Alter:
    def alter(read: WeightRead, z: torch.Tensor) -> torch.Tensor | None:
        if not read.owners <= owners or z.is_complex():
            return None
        if read.events:
            return z * _gains(z, size, owners)
        scale = float(z.std()) if z.numel() > 1 else 1.0
        noise = torch.randn(z.shape, generator=generator, dtype=z.dtype)
        return z + size * max(scale, 1e-3) * noise

    return alter


def _gains(z: torch.Tensor, size: float, owners: set[str]) -> torch.Tensor:
    """Of each neuron in each sample, the same for all that its spikes are computed from."""
    generator = torch_generator(0, "audit gains", *sorted(owners))
    shape = (z.shape[0] if z.ndim == 3 else 1, 1, z.shape[-1])
    xi = torch.randn(shape, generator=generator, dtype=z.dtype)
    return torch.exp(size * xi[:, 0] if z.ndim == 2 else size * xi)


def _drifted(audited: AuditedRule, probes: list[Probe]) -> float:
    """Cosine of the update when activity drifts before plasticity reads it; at magnitude 1."""
    owners = {f"layer {i + 1}" for i in range(len(audited.update.weight_names()) - 1)}
    cosines = []
    for magnitude in MAGNITUDES:
        for index in range(4):
            generator = torch_generator(audited.seed, "audit held", index)
            updates = _held(audited, owners, magnitude, generator)
            one = torch.cat([updates[n].flatten() for n in audited.hidden])
            two = torch.cat([audited.base.updates[n].flatten() for n in audited.hidden])
            cosine = float(torch.nn.functional.cosine_similarity(one, two, dim=0))
            probes.append(Probe("held activity (cosine)", "hidden", magnitude, index, cosine))
            if magnitude == MAGNITUDES[-1]:
                cosines.append(cosine)
    return sum(cosines) / len(cosines)


def _held(
    audited: AuditedRule, owners: set[str], size: float, generator: torch.Generator
) -> Updates:
    if not audited.update.events:
        return audited.update.run(OperationObserver(alter=_noisy(owners, size, generator))).updates

    def held(layers: list[LatencyLayer]) -> list[LatencyLayer]:
        for index in range(len(owners)):
            layers = moved(layers, index, size, None, generator)
        return layers

    return audited.update.run(held=held).updates


def measure_plasticity(audited: AuditedPlasticity) -> Finding:
    """Change what neurons above do, by other weights onto them."""
    probes, moved = audited.above
    summary = summarise(probes, audited.floor)
    locked, foreign = summary.largest > audited.floor, audited.variables["elsewhere"]
    told = (
        f"Neurons above spike otherwise in {moved} of {len(probes)} runs, which changes what is"
        f" learned by {summary.largest:.3g} of its size. The equations of a weight read"
        f" {audited.equations.reads}."
    )
    if not moved and not locked:
        return untold(told, "Needed: neurons above that do otherwise.", probes=probes)
    return Finding(
        float(locked), "1/1" if locked else "0/1", "network" if locked or foreign else "-",
        not foreign, not locked, told, probes=probes, **interval(summary),
    )  # fmt: skip


CRITERION = Criterion(
    "C4b",
    "no update locking",
    "A layer can learn when it is active, without its activity being frozen until layers above it"
    " have answered.",
    "Jaderberg et al. 2017, arXiv:1608.05343; Czarnecki et al. 2017, arXiv:1703.00522",
    "Noise is added to the activity of each layer in turn, and the updates of the layers below are"
    " compared. For layers that do wait, activity drifts by noise between the forward pass and"
    " plasticity; the cosine of the updates is reported. Provenance: whether an update carries"
    " activity of layers above.",
    "no hidden layer waits",
    "Any dependence on what happens above is a wait, whatever its size.",
    measure,
    measure_plasticity=measure_plasticity,
)
