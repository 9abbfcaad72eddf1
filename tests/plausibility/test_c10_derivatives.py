"""C10: who needs the slopes of nonlinearities."""

from __future__ import annotations

import torch
from measured import finding, passes


def test_derivatives_are_needed_by_backpropagation_and_not_by_perturbation() -> None:
    assert not passes("feedback_alignment", "C10")
    assert passes("node_perturbation", "C10")
    assert passes("pepita", "C10")


def test_the_audit_leaves_the_slopes_as_they_were() -> None:
    from spikelearn.networks.activations import ACTIVATIONS

    finding("backprop", "C10")
    h = torch.tensor([0.5])
    assert torch.equal(ACTIVATIONS["tanh"].slope(h, h), 1 - h * h)
    assert ACTIVATIONS["tanh"].fused is not None
