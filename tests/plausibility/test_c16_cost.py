"""C16: what an update takes."""

from __future__ import annotations

import pytest
from measured import finding


def test_settling_costs_what_its_steps_cost() -> None:
    cheap, dear = finding("feedback_alignment", "C16"), finding("equilibrium_propagation", "C16")
    assert cheap.value == pytest.approx(1.0, abs=0.05)
    assert dear.value > 10
    passed = {p.quantity: p.effect for p in dear.probes}["passes through a layer"]
    assert passed == 20 + 8 + 1  # free and nudged steps, and the start
