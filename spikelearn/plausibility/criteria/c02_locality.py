"""C2: locality within a layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from spikelearn._seeding import torch_generator
from spikelearn.networks.latency_mlp import LatencyLayer
from spikelearn.plausibility.audited_rule import AuditedRule
from spikelearn.plausibility.criterion import Criterion, Finding, absent, interval
from spikelearn.plausibility.instruments.event_networks import moved, moved_first
from spikelearn.plausibility.instruments.intervention import MAGNITUDES, Probe, summarise
from spikelearn.plausibility.instruments.observer import OperationObserver, WeightRead
from spikelearn.plausibility.instruments.repeated_update import Outcome, Updates
from spikelearn.plausibility.instruments.weight_moves import unobserved
from spikelearn.plausibility.sight import ACTIVITY_SEEN, within_sight
from spikelearn.rules.rule import Axis, Rule

if TYPE_CHECKING:
    from spikelearn.plausibility.audited_plasticity import AuditedPlasticity

THRESHOLD = 1e-9
_N = 7  # places, at three magnitudes each


@within_sight(met=ACTIVITY_SEEN, not_met=ACTIVITY_SEEN)
def measure(audited: AuditedRule) -> Finding:
    """Change one presynaptic unit, one postsynaptic unit, one weight; see who else learns by it."""
    name = audited.update.weight_names()[0]
    if name not in audited.hidden:
        return absent("no hidden layer learns")
    probes = [*_post(audited, name), *_noise(audited, name), *_pre(audited, name),
              *_weight(audited, name)]  # fmt: skip
    mixed = mixing(audited)
    worst = {w: max((p.effect for p in probes if p.quantity == w), default=0.0) for w in _SCOPES}
    scope = "synapse"
    for which, what in _SCOPES.items():
        if worst[which] > THRESHOLD:
            scope = what
    if mixed > THRESHOLD:
        scope = "batch"
    by_tags = _scope_by_tags(audited, name)
    words = {
        "synapse": "Each synapse learns from its own two ends and its own weight.",
        "neuron": "A synapse needs what arrives at other synapses of its neuron, or their weights.",
        "layer": "A synapse needs activity or weights of other neurons of its layer.",
        "batch": "A sample's update depends on which other samples are in the batch.",
    }
    provenance = f"By provenance: {by_tags}."
    if scope == "synapse" != by_tags:
        provenance = (
            f"By provenance: {by_tags}, by way of what no probe here changes (in which"
            " order inputs spike, say)."
        )
    summary = summarise([p for p in probes if p.quantity == "postsynaptic unit"], audited.floor)
    share = max([*worst.values(), mixed])
    return Finding(
        share, f"{share:.3f} elsewhere", scope, by_tags == "synapse", scope == "synapse",
        f"{words[scope]} {provenance}",
        probes=[*probes, Probe("other samples", "batch", 1.0, 0, mixed)], **interval(summary),
    )  # fmt: skip


# What is changed -> the scope that it shows, widest last.
_SCOPES = {
    "presynaptic unit": "neuron",
    "weight, same neuron": "neuron",
    "weight, other neurons": "layer",
    "postsynaptic unit": "layer",
    "noise of a unit": "layer",
    "order of spikes": "layer",
}


def _inside(audited: AuditedRule) -> frozenset[str]:
    # Below the first layer nothing hears; what it reads of its own weights stays within it.
    return frozenset() if audited.update.recurrent() else frozenset({"layer 1"})


def _share(updates: Updates, base: Outcome, name: str, elsewhere: torch.Tensor) -> float:
    change = updates[name] - base.updates[name]
    size = float(change.norm())
    # Rounding in what was not touched is no effect.
    if size <= 1e-12 * float(base.updates[name].norm()):
        return 0.0
    return float((change * elsewhere).norm()) / size


def _post(audited: AuditedRule, name: str) -> list[Probe]:
    shape = audited.base.updates[name].shape
    probes = []
    for unit in range(min(_N, shape[0])):
        if audited.update.events:
            probes += [_spikes_of(audited, name, unit, size) for size in (*MAGNITUDES, None)]
            continue
        for magnitude in MAGNITUDES:

            def alter(
                read: WeightRead, z: torch.Tensor, unit: int = unit, size: float = magnitude
            ) -> torch.Tensor | None:
                if read.owners != {"layer 1"} or read.units is None:
                    return None
                step = size * float(z.std() if z.numel() > 1 else 1.0)
                return torch.where(read.units == unit, z + step, z)

            observer = OperationObserver(alter=alter, inside=_inside(audited))
            updates = audited.update.run(observer).updates
            share = _share(updates, audited.base, name, _not_at(audited, shape, unit))
            probes.append(Probe("postsynaptic unit", f"unit {unit + 1}", magnitude, 0, share))
    return probes


def _not_at(audited: AuditedRule, shape: Sequence[int], unit: int) -> torch.Tensor:
    """Which synapses of the layer do not touch a unit: 1, else 0."""
    elsewhere = torch.ones(*shape, dtype=torch.float64)
    # Gates of one unit are one unit.
    blocks = _blocks(audited)
    n = shape[0] // blocks
    elsewhere.view(blocks, n, *shape[1:])[:, unit % n] = 0.0
    if (own := _own_columns(audited)) is not None:  # where it is the presynaptic unit
        elsewhere[:, own + unit % n] = 0.0
    return elsewhere


def _noise(audited: AuditedRule, name: str) -> list[Probe]:
    """What the rule draws for one unit is another when plasticity reads it, not in its activity.

    A step of a unit's activity is the same in every pass, and cancels where passes are compared;
    what sets them apart is noise.
    """
    shape = audited.base.updates[name].shape
    probes: list[Probe] = []
    for unit in range(min(_N, shape[0])):
        for magnitude in MAGNITUDES:
            observer = OperationObserver(inside=_inside(audited))
            observer.altered = frozenset({"layer 1"})  # whose noise it is
            drawn: list[int] = []

            def draw(
                i: int,
                tensor: torch.Tensor,
                axes: Sequence[Axis],
                unit: int = unit,
                size: float = magnitude,
                observer: OperationObserver = observer,
                drawn: list[int] = drawn,
            ) -> torch.Tensor:
                if 0 in axes and unit < tensor.shape[axes.index(0)]:
                    drawn.append(i)
                    with unobserved():
                        changed = tensor.clone()
                        changed.select(axes.index(0), unit).mul_(1 + size)
                        observer.change(tensor, changed)
                return tensor

            updates = audited.update.run(observer, draw=draw).updates
            if not drawn:
                return probes
            share = _share(updates, audited.base, name, _not_at(audited, shape, unit))
            probes.append(Probe("noise of a unit", f"unit {unit + 1}", magnitude, 0, share))
    return probes


def _spikes_of(audited: AuditedRule, name: str, unit: int, magnitude: float | None) -> Probe:
    """Another time, and another slope, of one unit's spikes when plasticity reads them.

    Without a magnitude they come before those of all others.
    """
    base = audited.base.updates[name]
    generator = torch_generator(audited.seed, "audit unit", unit)
    chosen = torch.arange(len(base)) == unit

    def held(layers: list[LatencyLayer]) -> list[LatencyLayer]:
        if magnitude is None:
            return moved_first(layers, 0, chosen)
        return moved(layers, 0, magnitude, chosen, generator)

    updates = audited.update.run(held=held).updates
    elsewhere = torch.ones_like(base)
    elsewhere[unit] = 0.0
    share = _share(updates, audited.base, name, elsewhere)
    what = "order of spikes" if magnitude is None else "postsynaptic unit"
    return Probe(what, f"unit {unit + 1}", magnitude or 1.0, 0, share)


def _blocks(audited: AuditedRule) -> int:
    layers = getattr(audited.base.rule.network, "layers", None)
    return int(getattr(layers[0], "blocks", 1)) if layers is not None else 1


def _own_columns(audited: AuditedRule) -> int | None:
    """First of the columns for the layer's own units, in a recurrent layer."""
    if 0 not in audited.update.recurrent():
        return None
    return int(audited.base.rule.network.layers[0].row)  # type: ignore[arg-type]


def _pre(audited: AuditedRule, name: str) -> list[Probe]:
    update = audited.update
    events, shape = update.events, audited.base.updates[name].shape
    # The inputs of one step; of a convolution, pixels share every weight of a kernel.
    n = update.model.n_inputs // (1 if update.spikes else update.n_steps)
    probes = []
    for unit in range(min(_N, n)):
        for magnitude in MAGNITUDES:

            def change(x: torch.Tensor, unit: int = unit, size: float = magnitude) -> torch.Tensor:
                changed = x.clone()
                changed.view(len(x), -1, n)[:, :, unit] *= 1 + size
                if not events:
                    return changed
                # A pixel that spikes goes on to spike, once, and no other begins.
                return torch.where(x >= update.least, changed.clamp_max(1), x)

            updates = update.run(change_input=change).updates
            elsewhere = torch.ones(shape, dtype=torch.float64)
            if len(shape) == 2:
                elsewhere[:, unit] = 0.0
            else:
                elsewhere.zero_()
            share = _share(updates, audited.base, name, elsewhere)
            probes.append(Probe("presynaptic unit", f"unit {unit + 1}", magnitude, 0, share))
    return probes


def _weight(audited: AuditedRule, name: str) -> list[Probe]:
    shape = audited.base.updates[name].shape
    probes = []
    for index in range(_N):
        for magnitude in MAGNITUDES:
            generator = torch_generator(audited.seed, "audit synapse", index)
            place = tuple(int(torch.randint(n, (1,), generator=generator)) for n in shape)

            observer = OperationObserver(inside=_inside(audited))

            def change(
                rule: Rule,
                observer: OperationObserver = observer,
                place: Any = place,
                size: float = magnitude,
            ) -> None:
                # Now, when the rule is prepared: initial weights may well be scaled together.
                weight = next(iter(audited.update.weights(rule.network).values()))
                changed = weight.detach().clone()
                changed[place] += size * float(changed.std())
                observer.change(weight, changed)

            updates = audited.update.run(observer, after=change).updates
            same, others = torch.zeros(2, *shape, dtype=torch.float64).unbind()
            same[place[0]] = 1.0
            same[place] = 0.0
            others += 1.0
            others[place[0]] = 0.0
            for which, mask in (("same neuron", same), ("other neurons", others)):
                share = _share(updates, audited.base, name, mask)
                probes.append(
                    Probe(f"weight, {which}", f"synapse {index + 1}", magnitude, 0, share)
                )
    return probes


def mixing(audited: AuditedRule) -> float:
    """Second difference of the update by two samples: 0 where samples only add up."""
    return audited.mixing


def _scope_by_tags(audited: AuditedRule, name: str) -> str:
    if audited.trace.observer.tracking.mixed_samples:
        return "batch"
    observer = OperationObserver(tags=True, units_of="layer 1", inside=_inside(audited))
    outcome = audited.update.run(observer)
    bits = outcome.element_tags.get(name)
    if bits is None:
        return "synapse"
    blocks = _blocks(audited)
    names = observer.sources.names
    n = bits.shape[0] // blocks
    scope = "synapse"
    for place in torch.cartesian_prod(*(torch.arange(k) for k in bits.shape[:2])).tolist():
        element = bits[tuple(place)]
        value = int(element) if element.ndim == 0 else 0
        for bit, source in enumerate(names):
            if not value >> bit & 1:
                continue
            kind, _, number = source.partition(" ")
            if kind == "post" and (int(number) - 1) % n != place[0] % n:
                own = _own_columns(audited)
                if own is None or place[1] != own + (int(number) - 1) % n:
                    return "layer"
            if kind == "pre" and number.isdigit() and int(number) - 1 != place[1]:
                scope = "neuron"
    # Its own weights, summed over their postsynaptic side, are other neurons'.
    return "layer" if "backwards layer 1" in audited.trace.sources(name) else scope


def measure_plasticity(audited: AuditedPlasticity) -> Finding:
    """Add a spike to one neuron, or change one weight; see which other synapses learn by it."""
    places: list[tuple[str, int, float]] = []
    variants: list[dict[str, Any]] = []
    for j in range(_N):
        for magnitude in MAGNITUDES:
            added = 40.0 + 30 * j + 10 * magnitude
            for which, trains in (("pre", audited.pre), ("post", audited.post)):
                unit = j % len(trains)
                with_added = [t.copy() for t in trains]
                with_added[unit] = audited.apart(np.append(with_added[unit], added))
                places.append((f"{which}synaptic unit", unit, magnitude))
                variants.append({which: with_added})
            weights = audited.weights.copy()
            weights[_synapse(j, weights)] *= 1 + 0.3 * magnitude
            places.append(("weight", j, magnitude))
            variants.append({"weights": weights})
    probes = [
        _elsewhere(change, *place)
        for place, change in zip(places, audited.moved(variants), strict=True)
    ]
    worst = {q: max(p.effect for p in probes if p.quantity == q)
             for q in ("presynaptic unit", "postsynaptic unit", "weight")}  # fmt: skip
    scope = "synapse"
    if max(worst["presynaptic unit"], worst["weight"]) > THRESHOLD:
        scope = "neuron"
    if worst["postsynaptic unit"] > THRESHOLD:
        scope = "layer"
    equations = audited.equations
    # What lives at the neuron, such as its potential, is made by all of its synapses.
    read = "neuron" if equations.scaled or audited.variables["post"] else "synapse"
    if audited.variables["elsewhere"]:
        read = "layer"
    share = max(worst.values())
    told = ", ".join(f"{worst[quantity]:.3g} {words}" for quantity, words in _CHANGED.items())
    return Finding(
        share, f"{share:.3f} elsewhere", scope, read == "synapse", scope == "synapse",
        f"Share of the change that falls on synapses that do not touch what was changed: {told}."
        f" The equations of a weight read {equations.reads}: {read}.", probes=probes,
    )  # fmt: skip


_CHANGED = {
    "presynaptic unit": "of a presynaptic spike",
    "postsynaptic unit": "of a postsynaptic spike",
    "weight": "of a weight",
}


def _synapse(index: int, weights: np.ndarray) -> tuple[int, int]:
    return index % weights.shape[0], index % weights.shape[1]


def _elsewhere(change: np.ndarray, what: str, unit: int, magnitude: float) -> Probe:
    """The share of a change that falls on synapses that do not touch what was changed."""
    mask = np.ones_like(change)
    if what == "presynaptic unit":
        mask[unit] = 0
    elif what == "postsynaptic unit":
        mask[:, unit] = 0
    else:
        mask[_synapse(unit, change)] = 0
    size = np.linalg.norm(change)
    # Rounding of what is scaled is no effect.
    share = float(np.linalg.norm(change * mask) / size) if size > 1e-12 else 0.0
    return Probe(what, f"unit {unit + 1}", magnitude, 0, share if share > THRESHOLD else 0.0)


CRITERION = Criterion(
    "C2",
    "locality within a layer",
    "Within its layer synapse ij reads nothing beyond its two neurons: their activity and traces"
    " and its own weight, but no other neuron of the layer and no other synapse. What reaches a"
    " neuron from other layers, be it an error, counts here as that neuron's own: whether and how"
    " it may come is asked by C1, C3, C4b and C4c; a rule may well meet this one and none of them.",
    "Baldi & Sadowski 2016, arXiv:1506.06472; Oja 1982, doi:10.1007/BF00275687",
    "In the first hidden layer, where nothing has reached it through other synapses: one"
    " presynaptic unit, one postsynaptic unit, the noise that is drawn for it and one weight in"
    " turn are changed wherever they are"
    " read but by synapses (which go on with what was). Read: the share of the change of the update"
    " that falls on synapses that do not touch what was changed. The batch: the second difference"
    " of the update by two of its samples, which is 0 where samples only add up. Provenance: every"
    " unit is a source of tags, and each element of the update is looked at.",
    f"no share above {THRESHOLD:g} (rounding in 64-bit arithmetic)",
    "A sum over units that are not there for the synapse leaves a share of order one.",
    measure,
    measure_plasticity=measure_plasticity,
)
