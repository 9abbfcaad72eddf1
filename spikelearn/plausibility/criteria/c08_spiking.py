"""C8: spiking communication."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING

import torch

from spikelearn.plausibility.audited_rule import AuditedRule
from spikelearn.plausibility.criterion import Criterion, Finding, absent
from spikelearn.plausibility.instruments.intervention import Probe, repeated_probes
from spikelearn.plausibility.instruments.observer import OperationObserver, WeightRead
from spikelearn.plausibility.sight import ACTIVITY_SEEN, within_sight

if TYPE_CHECKING:
    from spikelearn.plausibility.audited_plasticity import AuditedPlasticity


@within_sight(met=ACTIVITY_SEEN, not_met=ACTIVITY_SEEN)
def measure(audited: AuditedRule) -> Finding:
    """What messages are made of, and what is left of the update when they are made of spikes."""
    if not audited.learns_below:
        return absent("no hidden layer learns")
    reads = audited.trace.reads
    forwards = [r for r in reads if _upwards(r)]
    back = [r for r in reads if _downwards(r)]
    shares = {"forward": _binary(forwards), "feedback": _binary(back)}
    probes = [Probe(f"{way} messages that are 0 or 1", "network", 0.0, 0, share)
              for way, share in shares.items()]  # fmt: skip
    cosines = {}
    for way, chosen in (("forward", _upwards), ("feedback", _downwards)):
        measured = functools.partial(_cosine, audited, chosen)
        of_way = repeated_probes(f"{way} messages as spikes (cosine)", "network", measured)
        probes += of_way
        strong = [p.effect for p in of_way if p.magnitude == 1.0]
        cosines[way] = sum(strong) / len(strong)
    spikes = {way: share == 1.0 for way, share in shares.items()}
    feedback = f"{100 * shares['feedback']:.0f} %" if back else "none sent"
    sentence = (
        f"Of the messages between neurons {100 * shares['forward']:.0f} % are 0 or 1 on the way up,"
        f" and on the way back {feedback}. Sent as single spikes, drawn at random, the update's"
        f" cosine is {cosines['forward']:.2f} (up) and {cosines['feedback']:.2f} (back)."
    )
    both = spikes["forward"] and (spikes["feedback"] or not back)
    return Finding(
        shares["forward"], f"up {100 * shares['forward']:.0f} %, back {feedback}", "-", both, both,
        sentence, probes=probes,
    )  # fmt: skip


def _upwards(read: WeightRead) -> bool:
    network = all(not o.startswith("extra.") and o != "layer 1" for o in read.owners)
    return read.direction == "forwards" and network


def _downwards(read: WeightRead) -> bool:
    extra = any(o.startswith("extra.") for o in read.owners)
    return extra or read.direction == "backwards"


def _binary(reads: list[WeightRead]) -> float:
    if not reads:
        return 1.0
    counts = [
        torch.ones((), dtype=torch.float64)
        if r.events
        else ((r.signal == 0) | (r.signal == 1)).double().mean()
        for r in reads
    ]
    return float(torch.stack(counts).min())


def _cosine(
    audited: AuditedRule, chosen: Callable[[WeightRead], bool], magnitude: float, index: int
) -> float:
    """Cosine of the update where a share of the messages, `magnitude`, are drawn as spikes."""
    generator = torch.Generator().manual_seed(1000 + index)

    def send(read: WeightRead) -> torch.Tensor | None:
        nothing = read.signal.is_complex() or not read.signal.numel()
        if not chosen(read) or nothing or read.events:
            return None
        signal = read.signal
        top = signal.abs().max()
        if not float(top):
            return None
        drawn = torch.rand(signal.shape, generator=generator, dtype=signal.dtype)
        spikes = (drawn < signal.abs() / top).to(signal.dtype) * signal.sign() * top
        which = torch.rand(signal.shape, generator=generator, dtype=signal.dtype) < magnitude
        return torch.where(which, spikes, signal)

    updates = audited.update.run(OperationObserver(send=send)).updates
    one = torch.cat([updates[n].flatten() for n in audited.hidden])
    two = torch.cat([audited.base.updates[n].flatten() for n in audited.hidden])
    if not torch.isfinite(one).all() or not one.any():
        return 0.0
    return float(torch.nn.functional.cosine_similarity(one, two, dim=0))


def measure_plasticity(audited: AuditedPlasticity) -> Finding:
    """Move potentials of input neurons below their threshold: does any synapse learn of it?"""
    silent, murmuring = audited.finals([{"murmur": False}, {"murmur": True}])
    heard, equations = audited.share(murmuring - silent), audited.equations
    spikes = not equations.graded and all(e.startswith("spike") for e in equations.events)
    return Finding(
        heard, f"{heard:.3f} by what is no spike", "-" if spikes and not heard else "network",
        spikes, heard == 0,
        "Potentials of input neurons that move below their threshold change what is learned by"
        f" {heard:.3g} of its size. Synapses act at these events of neurons:"
        f" {', '.join(sorted(equations.events))}; variables of other neurons that they are handed"
        f" at all times: {', '.join(sorted(equations.graded)) or 'none'}. What they read:"
        f" {equations.reads}.",
        probes=[Probe("potential below threshold", "pre", 1.0, 0, heard)],
    )  # fmt: skip


CRITERION = Criterion(
    "C8",
    "spiking communication",
    "What one neuron tells another, for activity and for learning alike, is whether it spikes.",
    "Bengio et al. 2015, arXiv:1502.04156",
    "Every message, that is every signal that is summed with weights, is looked at: on the way up"
    " between layers, and on the way back. And messages are sent as Bernoulli spikes of the same"
    " mean, with the sign and the scale kept; read: the cosine of the update. A pass needs the"
    " messages themselves to be spikes; how gracefully a rule degrades is reported.",
    "all messages 0 or 1",
    "Spikes are all or none.",
    measure,
    "spiking communication",
    measure_plasticity=measure_plasticity,
)
