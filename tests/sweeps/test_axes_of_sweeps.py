"""Axes: what values a text says, held to closed forms, and refused where it says none."""

from __future__ import annotations

import itertools
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spikelearn import SpikelearnError
from spikelearn._paths import between_commas
from spikelearn.sweeps.axes import Axis, Together, Varied, changes_at, places
from spikelearn.sweeps.axes import values_of as read

DECIMALS = st.decimals(-1000, 1000, places=3)


def values_of(text, seed=0, path="x"):
    return read(text, seed, path)


@given(DECIMALS, DECIMALS, st.integers(2, 40))
def test_a_range_holds_the_values_that_its_decimals_say(first, last, n):
    values = values_of(f"{first}:{last}:{n}")
    assert len(values) == n
    assert values[0] == float(first)
    assert values[-1] == float(last)
    assert np.allclose(values, np.linspace(float(first), float(last), n), rtol=0, atol=1e-9)
    # Whoever writes the same value by hand has the same number.
    step = (last - first) / (n - 1)
    by_hand = [first + i * step for i in range(n)]
    exact = [v for v in by_hand if v == v.quantize(Decimal("1e-6"))]
    assert {float(v) for v in exact} <= set(values)


def test_a_value_of_a_range_is_that_of_a_list():
    assert values_of("-0.3:-0.8:11") == [-0.3, -0.35, -0.4, -0.45, -0.5, -0.55, -0.6, -0.65, -0.7,
                                         -0.75, -0.8]  # fmt: skip
    assert values_of("10:100:10") == [10, 20, 30, 40, 50, 60, 70, 80, 90, 100]
    assert all(type(v) is int for v in values_of("10:100:10"))


@given(st.integers(-6, 6), st.integers(1, 8))
def test_a_logarithmic_range_over_decades_holds_the_decades(low, n):
    values = values_of(f"1e{low}:1e{low + n}:{n + 1}:log")
    assert values == [float(f"1e{low + i}") for i in range(n + 1)]


def test_a_logarithmic_range_has_equal_ratios():
    values = np.array(values_of("2:700:9:log"), dtype=float)
    assert np.allclose(values[1:] / values[:-1], 350 ** (1 / 8), rtol=1e-10)


def test_values_between_commas_are_read_as_yaml():
    assert values_of("1, 2.5, 1e-3") == [1, 2.5, 1e-3]
    assert values_of("native, brian2:numpy") == ["native", "brian2:numpy"]
    assert values_of("[784, 10], [784, 100, 10]") == [[784, 10], [784, 100, 10]]
    assert values_of("true, null") == [True, None]
    assert values_of("{distribution: uniform, low: 0, high: 1}, 3") == [
        {"distribution": "uniform", "low": 0, "high": 1}, 3,
    ]  # fmt: skip
    assert values_of("'a, b', c") == ["a, b", "c"]
    assert between_commas("a=1:2:2 & b[x & y]=3", "&") == ["a=1:2:2", "b[x & y]=3"]


@pytest.mark.parametrize(
    ("text", "where"),
    [("10,,20", "between two commas"), ("10, ,20", "between two commas"),
     (",10", "before the first comma"), ("10,20,", "behind the last comma")],
)  # fmt: skip
def test_a_value_that_is_not_there_is_not_dropped(text, where):
    with pytest.raises(SpikelearnError, match=f"there is nothing {where}") as raised:
        Varied(path="x", values=text)
    assert "\n" not in str(raised.value)
    with pytest.raises(SpikelearnError, match=where):
        between_commas(text)
    with pytest.raises(ValueError, match="there is nothing between two commas"):
        read("uniform(0,,1):5", 0, "x")


def test_draws_are_those_of_their_seed_and_path():
    one = values_of("uniform(0, 1):50")
    assert one == values_of("uniform(0, 1):50")
    assert one != values_of("uniform(0, 1):50", seed=1)
    assert one != values_of("uniform(0, 1):50", path="y")
    assert one[:10] != sorted(one[:10])


@pytest.mark.parametrize(
    ("text", "mean", "sd"),
    [
        ("uniform(2, 4)", 3, 2 / np.sqrt(12)),
        ("normal(5, 2)", 5, 2),
        ("lognormal(5, 2)", 5, 2),
        ("exponential(3)", 3, 3),
        ("integers(1, 6)", 3.5, np.sqrt(35 / 12)),
        ("loguniform(1, 100)", 99 / np.log(100), np.sqrt((1e4 - 1) / (2 * np.log(100))
                                                        - (99 / np.log(100)) ** 2)),
    ],
)  # fmt: skip
def test_draws_have_the_moments_of_their_distribution(text, mean, sd):
    n = 20_000
    values = np.array(values_of(f"{text}:{n}"), dtype=float)
    assert abs(values.mean() - mean) < 5 * sd / np.sqrt(n)
    assert abs(values.std() / sd - 1) < 0.1


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("1:2:3:4:5", "first:last:number"),
        ("1:2:0", "1 to 1,000,000 values"),
        ("1:2:2000000", "1 to 1,000,000 values"),
        ("1:2:" + "9" * 400, "1 to 1,000,000 values"),
        ("0:2:3:log", "above 0"),
        ("1:2:3:cubic", "'cubic'"),
        ("1:2:1", "cannot be both"),
        ("unifrom(0, 1):3", "did you mean uniform"),
        ("uniform(0):3", "low and high"),
        ("uniform(a, b):3", "low and high"),
        ("uniform(2, 1):3", "low must not lie above"),
        ("normal(0, -1):3", "sd must not be below 0"),
        ("lognormal(-1, 1):3", "mean must lie above 0"),
        ("integers(0.5, 2):3", "must be whole"),
        ("", "at least 1 value"),
        (" , ", "at least 1 value"),
        ("[1, 2", "a value"),
    ],
)
def test_what_is_no_values_is_refused_in_a_sentence(text, words):
    with pytest.raises(SpikelearnError, match="values") as raised:
        Varied(path="x", values=text)
    assert words in str(raised.value)
    assert "\n" not in str(raised.value)


def test_paths_that_vary_together_are_one_axis():
    parts = [{"path": "a", "values": "1:3:3"}, {"path": "b", "values": ["x", "y", "z"]}]
    axis = Axis(Together(together=parts), 0)
    assert len(axis) == 3
    assert axis.columns == ("a", "b")
    assert axis.changes(1) == {"a": 2, "b": "y"}
    with pytest.raises(SpikelearnError, match="a has 3, b has 2"):
        Together(together=[parts[0], {"path": "b", "values": [1, 2]}])


@given(st.lists(st.integers(1, 4), max_size=4))
def test_a_grid_has_every_combination_once_the_last_axis_fastest(sizes):
    axes = [Axis(Varied(path=f"p{i}", values=tuple(range(n))), 0) for i, n in enumerate(sizes)]
    found = [tuple(changes_at(axes, place).values()) for place in places(axes)]
    assert found == list(itertools.product(*(range(n) for n in sizes)))
