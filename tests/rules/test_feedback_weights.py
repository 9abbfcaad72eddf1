"""Feedback weights: drawn once, from a stream of their own, and moved by nothing."""

from __future__ import annotations

import pytest
import torch

from spikelearn._seeding import torch_generator
from spikelearn.networks.mlp import MLP
from spikelearn.rules import make_rule

FEEDBACK = ["feedback_alignment", "direct_feedback_alignment"]
MODEL = MLP(name="m", sizes=(8, 7, 6, 5))


@pytest.mark.parametrize("name", FEEDBACK)
def test_feedback_weights_stay_as_they_were_drawn(name: str) -> None:
    rule = make_rule(name)
    rule.prepare(MODEL.build(0), torch_generator(0, "rule"))
    feedback = rule.extra["feedback"]
    before = [m.clone() for m in feedback.parameters()]
    optimiser = torch.optim.AdamW(rule.parameters(), lr=0.1, weight_decay=0.1)
    generator = torch.Generator().manual_seed(1)
    for _ in range(20):
        x = torch.rand(10, 8, generator=generator)
        rule.update(x, torch.randint(5, (10,), generator=generator), optimiser.step)
    for a, b in zip(before, feedback.parameters(), strict=True):
        assert torch.equal(a, b)
        assert not b.requires_grad
    saved = rule.extra.state_dict()
    assert len(saved) == 2


@pytest.mark.parametrize("name", FEEDBACK)
def test_feedback_and_initial_weights_come_from_streams_of_their_own(name: str) -> None:
    def drawn(weights_seed: int, rule_seed: int) -> tuple[torch.Tensor, torch.Tensor]:
        rule = make_rule(name)
        rule.prepare(MODEL.build(weights_seed), torch_generator(rule_seed, "rule"))
        return rule.network.layers[0].weight.detach(), next(rule.extra.parameters())

    weight, feedback = drawn(0, 0)
    other_weight, same_feedback = drawn(1, 0)
    same_weight, other_feedback = drawn(0, 1)
    assert torch.equal(feedback, same_feedback)
    assert torch.equal(weight, same_weight)
    assert not torch.equal(weight, other_weight)
    assert not torch.equal(feedback, other_feedback)


@pytest.mark.parametrize("name", FEEDBACK)
def test_feedback_weights_have_the_scale_of_initial_weights_and_no_likeness_to_them(
    name: str,
) -> None:
    rule = make_rule(name)
    rule.prepare(MLP(name="m", sizes=(50, 400, 300, 200)).build(0), torch_generator(0, "rule"))
    layers = list(rule.network.layers)
    for index, matrix in enumerate(rule.extra.parameters()):
        n_source = layers[index + 1].weight.shape[1]
        # Uniform of variance 2 / n; that of the sample variance of n uniforms is 0.8 v^2 / n.
        variance = 2.0 / n_source
        assert abs(matrix.var() - variance) < 5 * variance * (0.8 / matrix.numel()) ** 0.5
        assert abs(matrix.mean()) < 5 * (variance / matrix.numel()) ** 0.5
        weight = layers[index + 1].weight.detach()
        if weight.shape == matrix.shape:
            cosine = torch.nn.functional.cosine_similarity(weight.ravel(), matrix.ravel(), dim=0)
            assert abs(cosine) < 5 / matrix.numel() ** 0.5
