"""Names: their order, and which of them mean the same."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spikelearn._names import (
    alike,
    are_counted,
    are_numbers,
    file_name,
    is_file_name,
    is_sorted,
    natural_key,
    order_of_names,
    plain_name,
    repeated,
    written_name,
)


def test_two_comes_before_ten() -> None:
    names = ["im10", "im2", "im1", "a9b10", "a9b9", "im"]
    assert [names[i] for i in order_of_names(names)] == [
        "a9b9",
        "a9b10",
        "im",
        "im1",
        "im2",
        "im10",
    ]
    assert is_sorted([0, 1, 2])
    assert not is_sorted([1, 0])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(alphabet="aB01_ 29", max_size=6), unique=True, max_size=8), st.randoms())
def test_the_order_is_that_of_the_names_alone(names, random) -> None:
    shuffled = random.sample(names, len(names))
    assert [names[i] for i in order_of_names(names)] == [
        shuffled[i] for i in order_of_names(shuffled)
    ]
    assert len({str(natural_key(name)) for name in names}) == len(names)


def test_a_name_that_stands_twice_is_found() -> None:
    assert repeated(["a", "b", "a", "b"]) == "a"
    assert repeated(["1", 2, 1]) == "1"
    assert repeated([]) is None


def test_numbers_that_only_count_are_no_names() -> None:
    assert are_counted(["0", "1", "2"])
    assert are_counted([1, 2, 3])
    assert not are_counted(["0", "2", "1"])  # out of order they are somebody's numbers
    assert are_numbers(["0", "2", "1"])
    assert not are_numbers(["0", "2", "2"])
    assert not are_counted(["u0", "u1"])
    assert not are_counted(["7", "8"])


@pytest.mark.parametrize(
    ("one", "other"),
    [("1", "01"), ("1", "1.0"), ("Cat_1", "cat_1"), (" cat 1", "cat_1"), ("cat-1", "cat_1")],
)
def test_names_that_are_written_in_two_ways_are_plainly_the_same(one, other) -> None:
    assert plain_name(one) == plain_name(other)


def test_names_that_may_be_meant_as_one_are_found() -> None:
    assert alike(["V1", "V2", "v1", "V1", "hV4"]) == [("V1", "v1")]
    assert alike(["1", "01", "2"]) == [("1", "01")]


def test_other_names_stay_apart() -> None:
    assert len({plain_name(name) for name in ("1", "10", "1.5", "cat1", "cat_1", "01a")}) == 6


def test_numbers_in_a_column_are_written_as_names() -> None:
    assert written_name(np.float64(3.0)) == "3"
    assert written_name(np.int64(3)) == "3"
    assert written_name(1.5) == "1.5"
    assert written_name(b"cat") == "cat"
    assert written_name("1.0") == "1.0"


@pytest.mark.parametrize(
    ("name", "is_one"),
    [
        ("learning rules v1.2", True), ("Größe", True), ("../../elsewhere", False), ("a/b", False),
        ("a\\b", False), ("", False), (" ", False), (".hidden", False), ("..", False),
        ("a\nb", False), ("a\0b", False), ("C:x", False), ("x" * 121, False), ("x[/y]", False),
    ],
)  # fmt: skip
def test_a_name_that_is_a_path_is_no_name_of_a_file(name: str, is_one: bool) -> None:
    assert is_file_name(name) == is_one
    made = file_name(name)
    assert is_file_name(made)
    assert "/" not in made


@pytest.mark.parametrize("title", ["x[/y]", "[red]", "a [b] c", "[[", "]"])
def test_brackets_in_names_are_no_markup(title: str) -> None:
    from spikelearn._progress import progress_bars

    with progress_bars() as bars:
        bars(title)(0.5, title)
