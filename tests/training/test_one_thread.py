"""Training computes on one thread, and leaves the number of threads as it was."""

from __future__ import annotations

import pytest
import torch

from spikelearn.training.one_thread import one_thread


def test_threads_are_one_within_and_as_before_afterwards_also_after_a_failure() -> None:
    before = torch.get_num_threads()
    seen = []

    def fail() -> None:
        with one_thread():
            seen.append(torch.get_num_threads())
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert seen == [1]
    assert torch.get_num_threads() == before
