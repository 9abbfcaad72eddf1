"""Training computes on as many threads as it is told, and what computed a run is told in words."""

from __future__ import annotations

import pytest
import torch

from spikelearn.training.on_threads import computed_on, in_words, on_threads


@pytest.mark.parametrize("number", [1, 2])
def test_threads_are_as_many_within_and_as_before_afterwards_also_after_a_failure(
    number: int,
) -> None:
    before = torch.get_num_threads()
    seen = []

    def fail() -> None:
        with on_threads(number):
            seen.append(torch.get_num_threads())
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert seen == [number]
    assert torch.get_num_threads() == before


def test_processes_and_threads_are_told_where_they_are_not_one_of_one() -> None:
    assert computed_on(1, 1) == ""
    assert computed_on(1, 4) == "4 threads"
    assert computed_on(2, 1) == "2 processes"
    assert computed_on(2, 3) == "2 processes of 3 threads"


def test_parts_of_a_run_that_something_else_computed_are_told_by_their_epochs() -> None:
    assert in_words([], 5) == ""
    assert in_words([(1, ""), (2, "")], 2) == ""
    assert in_words([(1, "2 processes"), (2, "2 processes")], 2) == "2 processes"
    assert (
        in_words([(1, "2 processes"), (2, "2 processes"), (3, ""), (4, "4 threads")], 6)
        == "2 processes (epochs 1 to 2), one thread (epoch 3) and 4 threads (epochs 4 to 6)"
    )
