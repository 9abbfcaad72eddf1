"""How many threads: all cores, or as many as are told, and as before when the block ends."""

from __future__ import annotations

import numpy as np
import pytest

from spikelearn import SpikelearnError
from spikelearn._threads import as_many, at_most, cores, n_threads


def test_a_limit_holds_within_its_block_and_within_the_innermost():
    assert n_threads() == cores() >= 1
    with at_most(3):
        assert n_threads() == 3
        with at_most(1):
            assert n_threads() == 1
        assert n_threads() == 3
    assert n_threads() == cores()


def test_the_limit_ends_with_an_error_too():
    with pytest.raises(KeyError), at_most(2):
        raise KeyError
    assert n_threads() == cores()


def test_as_many_as_a_user_says_or_as_before():
    with as_many(None):
        assert n_threads() == cores()
    with as_many(2):
        assert n_threads() == 2
    with as_many(np.int64(2)):  # type: ignore[arg-type] # as loops over arrays give it
        assert n_threads() == 2
    with as_many(10**20):  # of which libraries take what they can hold
        assert n_threads() >= cores()
    for wrong in (0, -1, 1.5, True, "2"):
        with pytest.raises(SpikelearnError, match="threads must be a whole number above 0, found"):
            as_many(wrong)
