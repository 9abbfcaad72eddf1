"""A run's network as a plain module of PyTorch, where that answers as the run does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from spikelearn._errors import SpikelearnError

if TYPE_CHECKING:
    from torch import nn


def torch_module(run: Any) -> nn.Sequential:
    """The network of a run as `nn.Sequential`, in evaluation mode, with copies of the weights.

    Its scores are those of `run.rule.predict`; `spikelearn.networks.to_torch` says of what it is
    made.

    Raises
    ------
    SpikelearnError
        Where it is neither a multi-layer perceptron nor a convolutional network, or the rule
        answers by more than the network's output.
    """
    from spikelearn.networks.to_torch import to_torch
    from spikelearn.rules.rule import Rule

    rule = getattr(run, "rule", None)
    if rule is None:
        raise SpikelearnError(
            "a network that spikes is no sequence of PyTorch's layers; run.network.to_nir(PATH)"
            " writes it for snnTorch, Norse and others"
        )
    rates = getattr(rule.network, "kind", "") in ("mlp", "cnn")
    if rates and type(rule).predict is not Rule.predict:
        raise SpikelearnError(
            f"the rule '{run.config['rule']}' answers otherwise than by its network's output, so"
            " that the network alone, as a module of PyTorch, would answer differently"
        )
    return to_torch(rule.network)
