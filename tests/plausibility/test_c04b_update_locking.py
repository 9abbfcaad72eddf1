"""C4b: who waits for the layers above."""

from __future__ import annotations

from measured import passes


def test_layers_with_losses_of_their_own_do_not_wait() -> None:
    assert passes("local_pred", "C4b")
    assert passes("forward_forward", "C4b")
    assert not passes("direct_feedback_alignment", "C4b")
