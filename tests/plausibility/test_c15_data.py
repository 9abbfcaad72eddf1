"""C15: who is shown what is no stimulus."""

from __future__ import annotations

from measured import passes


def test_forward_forward_needs_data_that_are_no_stimuli() -> None:
    assert not passes("forward_forward", "C15")
    assert not passes("pepita", "C15")
    assert passes("backprop", "C15")
