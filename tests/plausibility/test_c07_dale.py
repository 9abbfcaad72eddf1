"""C7: signs of synapses."""

from __future__ import annotations

import pytest
import torch
from measured import finding, of_plasticity, pair_stdp

from spikelearn.plausibility.short_training import mixed_share


def test_from_symmetric_weights_a_rule_that_keeps_no_signs_is_mixed_throughout() -> None:
    measured = finding("feedback_alignment", "C7")
    assert measured.verdict == "fail"
    assert measured.value == pytest.approx(1.0, abs=0.01)


def test_stdp_between_bounds_keeps_signs() -> None:
    assert of_plasticity(pair_stdp(), "C7").value == 0


def test_the_share_of_mixed_units_is_counted_by_column() -> None:
    # Presynaptic units of both signs, of one, of one, and of one but for next to nothing.
    weight = torch.tensor([[1.0, 1.0, -1.0, 1.0], [-1.0, 1.0, -1.0, -1e-6]])
    assert mixed_share([weight]) == 0.25
