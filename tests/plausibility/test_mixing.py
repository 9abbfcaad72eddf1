"""Mixing: which rules compare the samples of a batch."""

from __future__ import annotations

import pytest
from measured import audited


@pytest.mark.parametrize(("rule", "mixes"), [("backprop", False), ("local_sim", True)])
def test_samples_add_up_or_are_compared(rule: str, mixes: bool) -> None:
    assert (audited(rule).mixing > 0) is mixes
