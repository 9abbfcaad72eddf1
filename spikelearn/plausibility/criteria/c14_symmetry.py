"""C14: no exact copies that must stay exact."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from spikelearn._seeding import torch_generator
from spikelearn.plausibility.audited_rule import AuditedRule
from spikelearn.plausibility.criterion import Criterion, Finding, Graded, absent, untold
from spikelearn.plausibility.instruments.intervention import Probe
from spikelearn.plausibility.short_training import BATCH, DECAY, gradient_cosine, model_like, train

if TYPE_CHECKING:
    from spikelearn.plausibility.audited_plasticity import AuditedPlasticity

_R = 1.0
THRESHOLD = 0.05
# From which cosine before the noise on there is something to find back to.
LEAST = 0.1
_EPOCHS, _IMAGES = 2, 1000
_UPDATES = _EPOCHS * _IMAGES // BATCH


def measure(audited: AuditedRule) -> Finding:
    """Disturb the weights once; does the update find back to where it pointed?"""
    if not audited.learns_below:
        return absent("no hidden layer learns")
    if audited.label_effect <= audited.floor:
        return absent("nothing returns from the output")
    update = audited.update
    settings: dict[str, Any] = {"batch": BATCH, "n_images": _IMAGES, "decay": DECAY}
    network = model_like(update).build(update.seed)
    rule = update.make()
    rule.prepare(network, torch_generator(update.seed, "rule"))
    start = _alignment(audited, rule)
    run = train(update, epochs=_EPOCHS, rule=rule, **settings)
    before = gradient_cosine(run.rule, update)
    aligned = _alignment(audited, run.rule)
    generator = torch_generator(audited.seed, "audit desynchronise")
    with torch.no_grad():
        for weight in update.weights(run.rule.network).values():
            noise = torch.randn(weight.shape, generator=generator)
            weight.add_(_R * noise * weight.norm() / noise.norm())
    at_once = gradient_cosine(run.rule, update)
    train(update, epochs=_EPOCHS, rule=run.rule, **settings)
    later = gradient_cosine(run.rule, update)
    probes = [
        Probe("cosine with backpropagation", "before", 0.0, 0, before),
        Probe("cosine with backpropagation", "at once", _R, 0, at_once),
        Probe("cosine with backpropagation", f"after {_UPDATES} updates", _R, 1, later),
    ]
    sentence = (
        f"Cosine with backpropagation's gradient: {before:.2f}; {at_once:.2f} after noise as large"
        f" as the weights; {later:.2f} after {_UPDATES} more updates."
    )
    if aligned is not None and start is not None:
        probes.append(Probe("cosine of feedback and forward weights", "trained", 0.0, 0, aligned))
        sentence += (
            f" The rule's own matrices have a cosine of {start:.2f} with the forward weights at the"
            f" start, and of {aligned:.2f} after {_UPDATES} updates."
        )
    shown = f"{before:.2f}, {at_once:.2f}, {later:.2f}"
    if not before >= LEAST:
        return untold(
            f"{sentence} There is no direction to find back to.",
            f"A cosine of at least {LEAST:g} before the noise would be needed.",
            value=later, shown=shown, probes=probes,
        )  # fmt: skip
    change = Graded(max(at_once, later) - before, -THRESHOLD, unit="of cosine")
    return Finding(
        later, shown, "network", None, change.meets(change.value), sentence, probes=probes,
        graded=change,
    )  # fmt: skip


def _alignment(audited: AuditedRule, rule: object) -> float | None:
    """Mean cosine between weights and matrices of the rule's own that have their shapes."""
    weights = list(audited.update.weights(rule.network).values())[1:]  # type: ignore[attr-defined]
    cosines = []
    for weight in weights:
        for extra in rule.extra.parameters():  # type: ignore[attr-defined]
            if extra.shape == weight.shape and extra.ndim >= 2:
                one, two = extra.detach().flatten(), weight.detach().flatten()
                cosines.append(float(torch.nn.functional.cosine_similarity(one, two, dim=0)))
                break
    return sum(cosines) / len(cosines) if cosines else None


def measure_plasticity(audited: AuditedPlasticity) -> Finding:
    """Is there a second set of synapses, that would have to be a copy of the first?"""
    return absent(
        f"nothing returns from the output: the equations of a weight read {audited.equations.reads}"
    )


CRITERION = Criterion(
    "C14",
    "no exact copies",
    "Learning does not need two sets of synapses to be, and to stay, copies of one another.",
    "Liao, Leibo & Poggio 2016, arXiv:1510.05067; Akrout et al. 2019, arXiv:1904.05391",
    f"After {_UPDATES} updates on 8 x 8 digits, noise as large as the weights is added to them, and"
    f" to nothing else; {_UPDATES} updates follow. The cosine of the hidden layers' updates with"
    " the gradient of backpropagation, before, at once and after. Weights decay by 1.5 % a step,"
    " for every rule,"
    " which is what lets Kolen-Pollack feedback forget.",
    f"cosine back within {THRESHOLD:g} of what it was, which has to be at least {LEAST:g}",
    "A rule whose two sets learn alike finds back; one that relies on a copy made once does not."
    " A rule that reads the weights themselves has nothing to lose here: that is C1.",
    measure,
    alone="What counts is whether two sets of weights find back to one another, and no tag"
    " tells that; whether one is read from the other is C1.",
    measure_plasticity=measure_plasticity,
)
