"""Parts of networks that a rule has no place for: refused in a sentence that says why."""

from __future__ import annotations

import pytest

from spikelearn._errors import SpikelearnError
from spikelearn._seeding import torch_generator
from spikelearn.networks.cnn import CNN
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


def test_every_refusal_is_of_a_part_that_there_is():
    for name in CONVOLUTIONAL:
        assert set(make_rule(name).refuses) <= set(PARTS)
