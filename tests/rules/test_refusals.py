"""Parts of networks that a rule has no place for: refused in a sentence that says why."""

from __future__ import annotations

import pytest
import torch

from spikelearn._errors import SpikelearnError
from spikelearn._seeding import torch_generator
from spikelearn.networks.cnn import CNN
from spikelearn.networks.mlp import MLP
from spikelearn.rules import RULES, make_rule
from spikelearn.rules.rule import parts_of

PARTS = {
    "batch normalisation": {"norm": "batch"},
    "group normalisation": {"norm": "group 1"},
    "pooling": {"pool": "average 2"},
    "dropout": {"dropout": 0.5},
    "residual layers": {"residual": [False, True]},
}
CONVOLUTIONAL = [n for n, entry in RULES.items() if not entry.simulated and "cnn" in entry.networks]


def built(fields):
    given = {"name": "c", "input_shape": (1, 4, 4), "channels": (10, 10), "pool": 1}
    return CNN(**given | fields).build(0)


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("name", CONVOLUTIONAL)
def test_a_rule_trains_a_part_or_says_why_it_does_not(name, part):
    network, rule = built(PARTS[part]), make_rule(name)
    assert parts_of(network) == [part]
    if part not in rule.refuses:
        rule.prepare(network, torch_generator(0, "rule"))
        return
    with pytest.raises(SpikelearnError, match=rf"trains no network with {part}: .{{40}}") as raised:
        rule.prepare(network, torch_generator(0, "rule"))
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("norm", ["batch", "group 2"])
@pytest.mark.parametrize("name", [n for n, e in RULES.items() if "mlp" in e.networks])
def test_a_rule_trains_normalised_layers_that_are_fully_connected_or_says_why_not(name, norm):
    network, rule = MLP(name="m", sizes=(6, 10, 10, 5), norm=norm).build(0), make_rule(name)
    (part,) = parts_of(network)
    if part in rule.refuses:
        with pytest.raises(SpikelearnError, match=rf"trains no network with {part}: .{{40}}"):
            rule.prepare(network, torch_generator(0, "rule"))
        return
    rule.prepare(network, torch_generator(0, "rule"))
    applied = []
    rule.begin_epoch(1, 2)
    x, y = torch.rand(5, 6, generator=torch_generator(0, "x")), torch.arange(5)
    rule.update(x, y, lambda: applied.append(1))
    assert applied or not rule.trains


def test_every_refusal_is_of_a_part_that_there_is():
    for name in CONVOLUTIONAL:
        assert set(make_rule(name).refuses) <= set(PARTS)
