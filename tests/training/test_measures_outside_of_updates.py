"""Nothing that reads a network finds it as it is in an update, whatever mode it was left in."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest
import torch

from spikelearn._seeding import torch_generator
from spikelearn.networks import CNN
from spikelearn.networks.to_torch import to_torch
from spikelearn.plausibility.untied import untied
from spikelearn.rules import make_rule
from spikelearn.rules.rule import in_training
from spikelearn.training.controls import features
from spikelearn.training.images import Split
from spikelearn.training.measures import (
    activity,
    gradient_cosines,
    layer_table,
    layer_weights,
    predict,
)

MODEL = CNN(
    name="c", input_shape=(1, 6, 6), channels=(4, 4), pool="max 2", norm="batch", dropout=0.5,
    n_classes=3,
)  # fmt: skip
X = torch.randn(9, 36, generator=torch.Generator().manual_seed(0))
Y = torch.arange(9) % 3


def prepared() -> Any:
    rule = make_rule("feedback_alignment")
    rule.prepare(MODEL.build(0), torch_generator(0, "rule"))
    for _ in range(3):  # so that the running means are not those of the batch

        def drop() -> None:
            for parameter in rule.parameters():
                parameter.grad = None

        rule.update(X * 2 + 1, Y, drop)
    return rule


READERS = {
    "the network": lambda rule, x: rule.network(x),
    "its activity": lambda rule, x: rule.network.activity(x)[1],
    "the rule": lambda rule, x: rule.predict(x),
    "the rule's activity": lambda rule, x: rule.activity(x)["hidden2"],
    "scores of a validation": predict,
    "responses for a comparison": lambda rule, x: activity(rule, x)["hidden1"],
    "features of a control": features,
    "a module of PyTorch": lambda rule, x: to_torch(rule.network)(x.view(-1, 1, 6, 6)),
    "free kernels of an audit": lambda rule, x: untied(rule.network)(x),
    "the loss of a curve": lambda rule, x: rule.objective(x, Y[: len(x)])[None],
}


@pytest.mark.parametrize("reader", READERS)
def test_what_is_read_is_the_same_after_a_module_was_left_in_training(reader):
    rule, read = prepared(), READERS[reader]
    rule.network.eval()
    expected, state = read(rule, X), {k: v.clone() for k, v in rule.network.state_dict().items()}
    rule.network.train()
    torch.testing.assert_close(read(rule, X), expected, rtol=0, atol=0)
    if reader != "the loss of a curve":  # each sample is by itself
        torch.testing.assert_close(read(rule, X[:1]), expected[:1])
    for name, tensor in rule.network.state_dict().items():
        assert torch.equal(tensor, state[name])
    with in_training(rule, len(X)):  # and what it would be, were it read in an update
        if reader in ("the network", "its activity", "the rule", "the rule's activity"):
            assert not torch.allclose(read(rule, X), expected)


def test_an_update_that_is_laid_beside_the_gradient_leaves_the_running_means():
    rule = prepared()
    before = {name: t.clone() for name, t in rule.network.state_dict().items()}
    table = layer_table(rule, layer_weights(MODEL.build(0)), Split(X, Y))
    assert len(gradient_cosines(rule, Split(X, Y))) == len(table) == 3
    assert all(torch.equal(t, before[name]) for name, t in rule.network.state_dict().items())


def test_a_copy_of_a_rule_learns_by_itself_and_a_network_can_be_kept():
    rule = prepared()
    before = {name: t.clone() for name, t in rule.network.state_dict().items()}
    other = copy.deepcopy(rule)
    other.update(X, Y, lambda: None)
    assert all(torch.equal(t, before[name]) for name, t in rule.network.state_dict().items())
    assert not torch.equal(
        other.network.layers[0].norm.running_mean, before["layers.0.norm.running_mean"]
    )
    loaded = pickle.loads(pickle.dumps(rule.network))  # noqa: S301 - what was written here
    torch.testing.assert_close(loaded(X), rule.network(X))


def test_ranks_are_refused_where_a_batch_couples_its_samples():
    from spikelearn._errors import SpikelearnError
    from spikelearn.training.sharable import refuse_coupled

    rule = prepared()
    assert rule.batch_coupled
    assert not make_rule("feedback_alignment").batch_coupled
    with pytest.raises(SpikelearnError, match="normalised by statistics of the batch"):
        refuse_coupled(rule, "feedback_alignment")
