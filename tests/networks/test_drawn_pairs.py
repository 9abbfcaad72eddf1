"""Pairs that are kept are those that would be drawn, and so is all that is drawn after them."""

from __future__ import annotations

import numpy as np
import pytest

from spikelearn._seeding import generator
from spikelearn.networks import drawn_pairs
from spikelearn.networks.drawn_pairs import pairs_kept
from spikelearn.networks.projections import Projection, draw_synapses

SIZE = 60
KINDS = (
    {"kind": "fixed_probability", "probability": 0.2},
    {"kind": "fixed_probability", "probability": 0.2, "allow_self": False},
    {"kind": "fixed_in_degree", "in_degree": 7},
    {"kind": "fixed_in_degree", "in_degree": 7, "allow_self": False},
    {"kind": "fixed_total_number", "number": 300},
    {"kind": "one_to_one"},
    {"kind": "all_to_all"},
)


@pytest.fixture(autouse=True)
def few(monkeypatch):
    """Small projections count, too, and nothing is kept from elsewhere."""
    monkeypatch.setattr(drawn_pairs, "_FEWEST", 0)
    monkeypatch.setattr(drawn_pairs, "_kept", None)
    monkeypatch.setattr(drawn_pairs, "_most_bytes", None)


def drawn(connectivity, weight, seed, source="a"):
    projection = Projection(source=source, target="a", connectivity=connectivity, weight_mv=weight)
    stream = generator(seed, "connections")
    synapses = draw_synapses(projection, SIZE, SIZE, stream)
    return synapses.pre, synapses.post, synapses.weight, stream.random(3)


@pytest.mark.parametrize("connectivity", KINDS)
def test_kept_pairs_are_those_that_would_be_drawn(connectivity):
    weights = (1.0, {"distribution": "normal", "mean": 1.0, "sd": 0.1}, -2.0)
    cases = [(w, seed, source) for seed in (0, 1) for w in weights for source in ("a", "b")]
    anew = [drawn(connectivity, *case) for case in cases]
    with pairs_kept():
        for _ in range(2):
            again = [drawn(connectivity, *case) for case in cases]
            for one, other in zip(anew, again, strict=True):
                for a, b in zip(one, other, strict=True):
                    np.testing.assert_array_equal(a, b)


def test_they_are_drawn_once_and_forgotten_with_the_block(monkeypatch):
    from spikelearn.networks.connectivity import FixedInDegree

    n = []
    draw = FixedInDegree.draw
    monkeypatch.setattr(FixedInDegree, "draw", lambda *a: n.append(1) or draw(*a))
    with pairs_kept():
        for weight in (1.0, 2.0, 3.0):
            drawn(KINDS[2], weight, 0)
        assert len(n) == 1
        drawn(KINDS[2], 1.0, 1)
        assert len(n) == 2
    drawn(KINDS[2], 1.0, 0)
    assert len(n) == 3


def test_no_more_is_kept_than_there_is_room_for(monkeypatch):
    monkeypatch.setattr(drawn_pairs, "MOST_BYTES", 10_000)
    with pairs_kept():
        for seed in range(20):
            drawn(KINDS[2], 1.0, seed)
        assert drawn_pairs._kept is not None
        assert 1 <= len(drawn_pairs._kept) <= 3


def test_no_more_is_kept_than_was_said():
    drawn_pairs.keep_at_most(20_000)
    try:
        with pairs_kept():
            for degree in range(1, 40):
                drawn({"kind": "fixed_in_degree", "in_degree": degree}, 1.0, 0)
                assert drawn_pairs._size(drawn_pairs._kept) <= 20_000
            assert len(drawn_pairs._kept) >= 1
    finally:
        drawn_pairs.keep_at_most(None)
