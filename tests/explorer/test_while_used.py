"""A state of the process holds from the first block that uses it to the end of the last."""

from __future__ import annotations

import contextlib
import threading
import warnings

import pytest
import torch

from spikelearn.explorer.computing import told
from spikelearn.explorer.trainer import one_thread
from spikelearn.explorer.while_used import WhileUsed


def test_it_is_entered_once_and_left_by_the_last_whatever_their_order() -> None:
    said: list[str] = []

    @contextlib.contextmanager
    def state():
        said.append("entered")
        yield
        said.append("left")

    used = WhileUsed(state)
    first, second = used(), used()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert (said, used.is_used) == (["entered"], True)
    second.__exit__(None, None, None)
    assert (said, used.is_used) == (["entered", "left"], False)
    with pytest.raises(ZeroDivisionError), used():
        raise ZeroDivisionError
    assert (said[2:], used.is_used) == (["entered", "left"], False)


def test_a_state_that_cannot_be_entered_is_used_by_nobody() -> None:
    def refused():
        raise ZeroDivisionError

    used = WhileUsed(refused)
    with pytest.raises(ZeroDivisionError), used():
        pass
    assert not used.is_used


def test_threads_of_pages_that_train_are_one_and_then_as_before() -> None:
    before, inside = torch.get_num_threads(), []
    torch.set_num_threads(2)
    try:
        both = threading.Barrier(2)

        def train() -> None:
            with one_thread():
                both.wait(60)
                inside.append(torch.get_num_threads())
                both.wait(60)

        threads = [threading.Thread(target=train) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert inside == [1, 1]
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_what_is_heard_within_each_other_ends_as_it_was() -> None:
    before = warnings.showwarning, list(warnings.filters)
    with told(), told():
        assert warnings.showwarning is not before[0]
    assert (warnings.showwarning, list(warnings.filters)) == before
