"""Whether a configuration can be trained, found out before anything is: no data is read for it."""

from __future__ import annotations

from typing import Any

from spikelearn._seeding import torch_generator
from spikelearn.rules import make_rule
from spikelearn.training.config import STDPConfig, TrainConfig
from spikelearn.training.loop import check_batches, device_of
from spikelearn.training.memory import check_memory
from spikelearn.training.optimization import Optimizer


def check_trainable(config: TrainConfig | STDPConfig) -> None:
    """Refuse what the network or the rule would refuse once training starts.

    That is a rule for another kind of network, groups of parameters that the rule has not, rates
    for another number of layers, batches that are too small for it, a device that is not there, and
    more than the memory holds.

    Raises
    ------
    SpikelearnError
    """
    description: Any = config.description()
    check_memory(config)
    if isinstance(config, STDPConfig):
        return
    device_of(config)
    rule = make_rule(config.rule_place, **config.options)
    rule.prepare(description.build(config.seed), torch_generator(config.seed, "rule", config.rule))
    check_batches(rule, config)
    Optimizer(config, rule)
