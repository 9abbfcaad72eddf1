"""C8: spiking communication."""

from __future__ import annotations

import functools
from collections.abc import Callable

import torch

from spikelearn.plausibility.audited_rule import Subject
from spikelearn.plausibility.criteria._criterion import Criterion, Finding, absent
from spikelearn.plausibility.intervention import Probe, repeated_probes
from spikelearn.plausibility.watch import Read, Watch


def measure(subject: Subject) -> Finding:
    """What messages are made of, and what is left of the update when they are made of spikes."""
    if not subject.learns_below:
        return absent("no hidden layer learns")
    reads = subject.trace.reads
    forwards = [r for r in reads if _upwards(r)]
    back = [r for r in reads if _downwards(r)]
    shares = {"forward": _binary(forwards), "feedback": _binary(back)}
    probes = [Probe(f"{way} messages that are 0 or 1", "network", 0.0, 0, share)
              for way, share in shares.items()]  # fmt: skip
    cosines = {}
    for way, chosen in (("forward", _upwards), ("feedback", _downwards)):
        measured = functools.partial(_cosine, subject, chosen)
        found = repeated_probes(f"{way} messages as spikes (cosine)", "network", measured)
        probes += found
        strong = [p.effect for p in found if p.magnitude == 1.0]
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


def _upwards(read: Read) -> bool:
    network = all(not o.startswith("extra.") and o != "layer 1" for o in read.owners)
    return read.direction == "forwards" and network


def _downwards(read: Read) -> bool:
    extra = any(o.startswith("extra.") for o in read.owners)
    return extra or read.direction == "backwards"


def _binary(reads: list[Read]) -> float:
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
    subject: Subject, chosen: Callable[[Read], bool], magnitude: float, index: int
) -> float:
    """Cosine of the update where a share of the messages, `magnitude`, are drawn as spikes."""
    generator = torch.Generator().manual_seed(1000 + index)

    def send(read: Read) -> torch.Tensor | None:
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

    found = subject.bench.run(Watch(send=send)).updates
    one = torch.cat([found[n].flatten() for n in subject.hidden])
    two = torch.cat([subject.base.updates[n].flatten() for n in subject.hidden])
    if not torch.isfinite(one).all() or not one.any():
        return 0.0
    return float(torch.nn.functional.cosine_similarity(one, two, dim=0))


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
)
