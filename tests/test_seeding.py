"""One seed, independent streams by name."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch

from spikelearn._errors import SpikelearnError
from spikelearn._seeding import generator, torch_generator

STREAMS: list[tuple[int | str, ...]] = [
    (0,),
    (1,),
    (0, "weights"),
    (1, "weights"),
    (0, "connections"),
    (0, "connections", 0),
    (0, "connections", 1),
    (0, "connections", 0, 0),
    (0, "connections", 1, 0),
    (0, "background", 0, 0),
    (0, "background", 0, 1),
    (0, "background", 1, 0),
    (0, "stimulus", "input"),
    (0, "stimulus", "output"),
    (2**32, "weights"),
]


def test_a_stream_repeats_itself() -> None:
    for stream in STREAMS:
        a, b = generator(*stream).random(5), generator(*stream).random(5)  # type: ignore[arg-type]
        np.testing.assert_array_equal(a, b)
        x, y = (torch.rand(5, generator=torch_generator(*stream)) for _ in range(2))  # type: ignore[arg-type]
        assert torch.equal(x, y)


@pytest.mark.parametrize(
    ("a", "b"),
    [pytest.param(a, b, id=f"{a}-{b}") for a, b in itertools.combinations(STREAMS, 2)],
)
def test_streams_of_different_names_are_different(a: tuple[int, ...], b: tuple[int, ...]) -> None:
    x, y = generator(*a).random(2000), generator(*b).random(2000)
    assert not np.array_equal(x, y)
    assert abs(np.corrcoef(x, y)[0, 1]) < 5 / np.sqrt(2000)


def test_numpys_integers_are_seeds_like_pythons() -> None:
    a = generator(np.int64(3), "x", np.int32(1)).random()  # type: ignore[arg-type]
    assert a == generator(3, "x", 1).random()


def test_drawing_from_one_stream_does_not_move_another_nor_the_global_ones() -> None:
    before_numpy = np.random.get_state()[1].copy()  # noqa: NPY002 - the global one is meant
    before_torch = torch.get_rng_state()
    alone = generator(0, "b").random(3)
    generator(0, "a").random(1000)
    torch_generator(0, "a").initial_seed()
    torch.rand(3, generator=torch_generator(0, "a"))
    np.testing.assert_array_equal(generator(0, "b").random(3), alone)
    np.testing.assert_array_equal(np.random.get_state()[1], before_numpy)  # noqa: NPY002
    assert torch.equal(torch.get_rng_state(), before_torch)


@pytest.mark.parametrize("seed", [-1, 1.5])
def test_a_seed_that_is_no_natural_number_is_refused(seed: int) -> None:
    with pytest.raises(SpikelearnError) as raised:
        generator(seed)
    assert str(seed) in str(raised.value)
