"""Curves in letters."""

from __future__ import annotations

import math

from spikelearn.cli._curves import HEIGHT, WIDTH, drawn


def test_a_curve_rises_where_its_values_do() -> None:
    assert drawn([0, 1, 2], [0.0, 0.5, 1.0], "accuracy").splitlines() == [
        "accuracy: 0 to 1",
        "1 |  *",
        "  |",
        "  |",
        "  | *",
        "  |",
        "  |",
        "  |",
        "0 |*",
        "   0 2",
    ]


def test_long_curves_are_means_of_neighbours_and_what_is_not_known_is_left_out() -> None:
    n = 10 * WIDTH
    lines = drawn(range(n), [float(i // (n // 2)) for i in range(n)], "x").splitlines()
    assert lines[1] == "1 |" + " " * (WIDTH // 2) + "*" * (WIDTH // 2)
    assert lines[HEIGHT] == "0 |" + "*" * (WIDTH // 2)
    assert drawn([0, 1], [math.nan, math.nan], "x") == ""
    assert drawn([], [], "x") == ""
    assert drawn([0, 1, 2], [math.nan, 2.0, 2.0], "x").splitlines() == [
        "x: 2 to 2", "2 |**", "   1 2"
    ]  # fmt: skip
    assert drawn([3], [2.0], "x").splitlines()[1] == "2 |*"
