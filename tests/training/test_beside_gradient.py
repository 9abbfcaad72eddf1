"""Training runs whose updates are laid beside the gradient, here and in another process."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
import torch

from spikelearn._errors import SpikelearnError
from spikelearn.networks.mlp import MLP
from spikelearn.rules import make_rule
from spikelearn.training.beside_gradient import trained, trained_elsewhere
from spikelearn.training.images import Split

MLP_SMALL = MLP(name="small", sizes=(6, 5, 4, 3))


def data() -> Split:
    """Twelve stimuli of three classes."""
    x = torch.rand(12, 6, generator=torch.Generator().manual_seed(0))
    return Split(x, torch.arange(12) % 3)


def test_backpropagation_lies_along_the_gradient_and_feedback_alignment_does_not() -> None:
    exact = trained(make_rule("backprop"), MLP_SMALL.build(0), data(), batch=4, epochs=2)
    assert exact.cosines.shape == (6, 4)
    assert exact.parameters[0] == "layers.0.weight"
    assert torch.allclose(exact.cosines, torch.ones(()), atol=1e-5)
    other = trained(make_rule("feedback_alignment"), MLP_SMALL.build(0), data(), batch=4, epochs=2)
    assert float(other.cosines.abs().max()) < 0.999
    assert (other.sizes > 0).all()


def test_another_process_makes_the_same_run(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(
        "from spikelearn.rules.feedback_alignment import FeedbackAlignment\n"
        "print('printed where the answers go')\n"
        "class Mine(FeedbackAlignment):\n    pass\n"
    )
    network = MLP_SMALL.build(0)
    rule = make_rule("feedback_alignment", scale=2.0)
    here = trained(rule, copy.deepcopy(network), data(), batch=4, epochs=2, seed=3)
    there = trained_elsewhere(
        f"{file}:Mine", {"scale": 2.0}, network, data(), batch=4, epochs=2, seed=3
    )
    assert there.parameters == here.parameters
    assert torch.allclose(there.cosines, here.cosines, atol=1e-4)


def test_a_rule_that_fails_there_is_told_in_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(SpikelearnError, match="in a process of its own"):
        trained_elsewhere(
            f"{tmp_path}/none.py:Mine", {}, MLP_SMALL.build(0), data(), batch=4, epochs=1
        )
