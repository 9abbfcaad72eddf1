"""Whether samples that were seen before are learned from again, beside the one that is there.

Two samples come one after the other. At the second some inputs are silent, so that synapses from
them have nothing to learn of it; at the first they are silent too, or one of them is not. What the
one input of the first sample changes in the update by the second, at its own synapses and at no
other silent ones, was kept. A trace at the synapse keeps that honestly; a sample that was kept is
passed through the synapses again, and then the update changes with the weights as they are by now.
"""

from __future__ import annotations

import torch

from spikelearn._seeding import torch_generator
from spikelearn.networks.layers import RateNetwork
from spikelearn.plausibility.instruments.repeated_update import RepeatedUpdate

_N_SILENT = 3


def learned_again(update: RepeatedUpdate) -> float | None:
    """How much of an update a sample that was seen before makes anew, as a share of its size.

    None where it is not asked: of networks whose synapses are shared by several inputs or steps.
    """
    if not isinstance(update.network(), RateNetwork) or update.n_steps > 1:
        return None
    if next(iter(update.weights(update.network()).values())).ndim != 2:
        return None
    generator = torch_generator(update.seed, "audit kept samples")
    first, second = torch.rand((2, 1, update.model.n_inputs), generator=generator).double()
    first[:, :_N_SILENT] = second[:, :_N_SILENT] = 0.0
    lit = first.clone()
    lit[:, 0] = 1.0
    kept = []
    for shift in (0.0, 1.0):
        dark = _second_update(update, first, second, shift)
        bright = _second_update(update, lit, second, shift)
        if dark is None or bright is None:
            return None
        changed = bright - dark
        if changed[:, 1:_N_SILENT].any():  # of the whole activity then, as a threshold that moves
            return 0.0
        kept.append(changed[:, 0])
    size = float(max(k.norm() for k in kept))
    return float((kept[0] - kept[1]).norm()) / size if size else 0.0


def _second_update(
    update: RepeatedUpdate, first: torch.Tensor, second: torch.Tensor, shift: float
) -> torch.Tensor | None:
    """The first layer's update by the second sample; weights move by a shift in between."""
    network = update.network()
    rule = update.make()
    rule.prepare(network, torch_generator(update.seed, "rule"))
    rule.extra.double()
    rule.network.train()
    weights = list(update.weights(rule.network).values())
    found: list[torch.Tensor] = []

    def keep() -> None:
        gradient = weights[0].grad
        if gradient is not None:
            found.append(gradient.detach().clone())
        for parameter in rule.parameters():
            parameter.grad = None

    rule.begin_epoch(1, 2)
    y = update.y[:1]
    rule.update(first.clone(), y.clone(), keep)
    found.clear()
    with torch.no_grad():
        for index, weight in enumerate(weights):
            drawn = torch.randn(
                weight.shape, dtype=weight.dtype,
                generator=torch_generator(update.seed, "audit kept weights", index),
            )  # fmt: skip
            weight.add_(shift * float(weight.std()) * drawn)
    rule.update(second.clone(), y.clone(), keep)
    return torch.stack(found).sum(0) if found else None
