"""What a rule does where no update is looked at.

Every criterion reads updates. A rule that moves its weights when it is asked for its scores, whose
scores come from some other network, or whose parameters are no longer those of the network that it
was given, learns by a way that no criterion has seen: that it meets one does not follow then.
"""

from __future__ import annotations

from typing import Any

import torch

from spikelearn._seeding import torch_generator
from spikelearn.plausibility.instruments.repeated_update import RepeatedUpdate
from spikelearn.rules.rule import Rule

_ASKED = {
    "predict": "it is asked for its scores",
    "objective": "it is asked for its objective",
    "activity": "it is asked for its activity",
    "begin_epoch": "a new epoch begins",
}


def outside_updates(update: RepeatedUpdate) -> str:
    """What a rule does where no update is looked at; empty if nothing was found.

    Parameters
    ----------
    update : RepeatedUpdate
        Of the rule.
    """
    rule = update.run().rule
    given = {"predict": (update.x,), "objective": (update.x, update.y), "activity": (update.x,),
             "begin_epoch": (2, 3)}  # fmt: skip
    said = []
    if _kinds(rule.network) != _kinds(update.network()):
        said.append("has made parameters or layers of the network something of its own")
    for name, words in _ASKED.items():
        before = _weights(rule)
        getattr(rule, name)(*given[name])
        after = _weights(rule)
        if before.keys() != after.keys() or any(
            not torch.equal(after[key], weight) for key, weight in before.items()
        ):
            said.append(f"moves the network's weights when {words}")
    if rule.trains and not _answers(update, rule):
        said.append("gives scores in which the weights of the network's hidden layers have no part")
    return f"The rule {'; and it '.join(said)}." if said else ""


def _kinds(network: torch.nn.Module) -> list[tuple[str, type]]:
    """Classes of the network's modules and parameters."""
    modules = [(name, type(module)) for name, module in network.named_modules()]
    return modules + [(name, type(parameter)) for name, parameter in network.named_parameters()]


def _weights(rule: Rule) -> dict[str, torch.Tensor]:
    return {name: p.detach().clone() for name, p in rule.network.named_parameters()}


def _answers(update: RepeatedUpdate, rule: Rule) -> bool:
    """Whether other weights of the hidden layers make other scores."""
    hidden = list(update.weights(rule.network).values())[:-1]
    if not hidden:
        return True
    scores = _scores(update, rule)
    generator = torch_generator(update.seed, "audit answers")
    for size in (0.3, 3.0):
        kept = [weight.detach().clone() for weight in hidden]
        with torch.no_grad():
            for weight in hidden:
                noise = torch.randn(weight.shape, generator=generator, dtype=weight.dtype)
                weight.add_(size * weight.abs().mean() * noise)
        other = _scores(update, rule)
        with torch.no_grad():
            for weight, value in zip(hidden, kept, strict=True):
                weight.copy_(value)
        if not torch.equal(scores, other):
            return True
    return False


def _scores(update: RepeatedUpdate, rule: Rule) -> Any:
    state = rule.generator.get_state()
    scores = rule.predict(update.x)
    rule.generator.set_state(state)
    return scores
