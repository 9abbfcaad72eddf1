"""Every rule works on the device that its network is on, and only there."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from spikelearn.experiments.health import troubles
from spikelearn.experiments.images import Split
from spikelearn.experiments.measures import accuracy_of, layer_table, predict
from spikelearn.experiments.readout_free import nearest_centroid_accuracy
from spikelearn.rules._bench import Bench, named
from spikelearn.rules.rule import Rule
from tests.rules.other_device import OTHER, back, other_device
from tests.rules.test_checks import CASES, MODELS


def learnt(rule: Rule, x: torch.Tensor, y: torch.Tensor) -> dict[str, torch.Tensor]:
    """Two updates' sums by parameter, with a prediction between them, and the scores."""
    found: dict[str, torch.Tensor] = {}

    def add_up() -> None:
        for name, parameter in named(rule).items():
            if parameter.grad is not None:
                found[name] = found.get(name, 0) + back(parameter.grad).detach()
            parameter.grad = None

    rule.update(x, y, add_up)
    found["scores"] = back(rule.predict(x)).clone()
    rule.begin_epoch(2, 2)
    rule.update(x, y, add_up)
    found["objective"] = back(rule.objective(x, y)).detach()
    for name, activity in rule.activity(x).items():
        found[name] = back(activity).detach()
    return found


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_a_rule_does_the_same_on_another_device(name: str, kind: str) -> None:
    bench: Any = Bench(name, MODELS[kind], 0)
    expected = learnt(bench.fresh(), bench.x, bench.y)
    with other_device():
        rule = bench.fresh()
        rule.network.to(OTHER)
        rule.extra.to(OTHER)
        found = learnt(rule, bench.x.to(OTHER), bench.y.to(OTHER))
    assert found.keys() == expected.keys()
    for key, tensor in expected.items():
        torch.testing.assert_close(found[key], tensor, rtol=1e-12, atol=1e-14, msg=key)


@pytest.mark.parametrize("name", ["backprop", "softhebb", "surrogate", "eventprop"])
def test_what_a_run_tells_of_a_network_is_the_same_on_another_device(name: str) -> None:
    bench: Any = Bench(name, None, 0)

    def told(device: torch.device | str) -> list[Any]:
        rule, data = bench.fresh(), Split(bench.x, bench.y).to(str(device))
        rule.network.to(device)
        rule.extra.to(device)
        layers = layer_table(rule, bench.model.build(0).double(), data)
        return [
            layers.to_dict("list"),
            troubles(rule, data.x),
            nearest_centroid_accuracy(rule, data, data),
            accuracy_of(predict(rule, data.x).argmax(1), data.y),
        ]

    expected = told("cpu")
    with other_device():
        found = told(OTHER)
    assert str(found) == str(expected)


def test_a_tensor_made_on_the_cpu_in_between_is_caught() -> None:
    with other_device():
        x = torch.rand(3).to(OTHER)
        assert x.device == OTHER
        assert torch.equal(back(x + 1.0), back(x) + 1.0)
        with pytest.raises(RuntimeError, match="two devices"):
            x + torch.ones(3)
        with pytest.raises(RuntimeError, match="generator of another"):
            torch.rand(3, device=OTHER, generator=torch.Generator())
        with pytest.raises((RuntimeError, TypeError, NotImplementedError)):
            x.numpy()
