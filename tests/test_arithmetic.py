"""Every rule makes the products that its paper asks for, and no more, as torch counts them."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from spikelearn._seeding import torch_generator
from spikelearn.networks.cnn import CNN
from spikelearn.networks.mlp import MLP
from spikelearn.networks.recurrent import Recurrent
from spikelearn.networks.residual_mlp import ResidualMLP
from spikelearn.rules import RULES, make_rule

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
MODELS: dict[str, Any] = {
    "mlp": MLP(name="m", sizes=(64, 48, 32, 10)),
    "cnn": CNN(name="c", input_shape=(1, 8, 8), channels=(16, 20), pool=(2, 2), n_classes=10),
    "residual_mlp": ResidualMLP(name="r", n_inputs=64, width=32, depth=6, n_classes=10),
    "elman": Recurrent(kind="elman", name="e", n_steps=8, row=8, hidden=32, n_classes=10),
    "gru": Recurrent(kind="gru", name="g", n_steps=8, row=8, hidden=32, n_classes=10),
}


def arithmetic() -> ModuleType:
    spec = importlib.util.spec_from_file_location("arithmetic", BENCHMARKS / "arithmetic.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["arithmetic"] = module
    spec.loader.exec_module(module)
    return module


ARITHMETIC = arithmetic()


def test_every_rule_of_networks_of_rates_has_a_count() -> None:
    trained = {name for name, entry in RULES.items() if set(MODELS) & set(entry.networks)}
    assert trained - {"untrained"} == set(ARITHMETIC.COUNTS) & trained


@pytest.mark.parametrize(
    ("name", "kind"),
    [(n, k) for n in sorted(ARITHMETIC.COUNTS) for k in MODELS if k in RULES[n].networks],
)
def test_a_rule_makes_the_products_its_paper_asks_for(name: str, kind: str) -> None:
    rule = make_rule(name)
    rule.prepare(MODELS[kind].build(0), torch_generator(0, "rule"))
    rule.begin_epoch(1, 2)
    n = 30
    x, y = torch.rand(n, 64), torch.arange(n) % 10

    def drop() -> None:
        for parameter in rule.parameters():
            parameter.grad = None

    rule.update(x, y, drop)
    with FlopCounterMode(display=False) as counter:
        rule.update(x, y, drop)
    counted = counter.get_total_flops() / 2 / n
    steps = getattr(MODELS[kind], "n_steps", 1)
    asked = ARITHMETIC.COUNTS[name](rule, ARITHMETIC.Sizes(list(rule.network), n, steps))
    # Below: relaxation skips layers that no error has reached, and forward-forward shares the
    # first layer's products between labels. Above: labels' patterns, loops over classes.
    assert 0.5 < counted / asked < 1.12, f"{counted:.0f} counted, {asked:.0f} asked for"
