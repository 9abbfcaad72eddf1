"""The audit's short trainings are runs of the one training loop."""

from __future__ import annotations

import torch

from spikelearn._seeding import torch_generator
from spikelearn.plausibility.instruments.repeated_update import RepeatedUpdate
from spikelearn.plausibility.short_training import (
    RATE,
    Handicap,
    digits,
    gradient_cosine,
    model_like,
    train,
)


def test_without_a_handicap_it_is_adam_on_the_batches_in_their_order() -> None:
    update = RepeatedUpdate("backprop", 1)
    run = train(update, batch=50, n_images=200, epochs=2)
    network = model_like(update).build(1)
    optimizer = torch.optim.AdamW(network.parameters(), lr=RATE, weight_decay=0.0)
    training, test = digits()
    order = torch_generator(1, "audit order")
    for _ in range(2):
        for batch in torch.randperm(200, generator=order).split(50):
            optimizer.zero_grad()
            scores = network(training.x[batch])
            torch.nn.functional.cross_entropy(scores, training.y[batch]).backward()
            optimizer.step()
    for mine, theirs in zip(run.rule.network.parameters(), network.parameters(), strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-3, atol=2e-5)
    accuracy = (network(test.x).argmax(1) == test.y).double().mean()
    assert abs(run.accuracy - float(accuracy)) < 0.02


def test_a_handicap_is_called_around_every_update() -> None:
    calls: list[str] = []

    def before(weights: object, noise: object) -> object:
        calls.append("before")
        return lambda: calls.append("undo")

    def hold(updates: list[torch.Tensor], noise: object) -> list[torch.Tensor]:
        calls.append("hold")
        return updates

    handicap = Handicap(before, hold, lambda weights, noise: calls.append("after"))  # type: ignore[arg-type]
    train(RepeatedUpdate("backprop"), handicap, batch=50, n_images=100, epochs=1)
    assert calls == ["before", "undo", "hold", "after"] * 2


def test_the_cosine_of_backpropagation_with_itself_is_one() -> None:
    update = RepeatedUpdate("backprop")
    rule = train(update, n_images=50, epochs=1).rule
    assert gradient_cosine(rule, update) > 1 - 1e-5
