"""Answers are read however a student gives them; what is not right is told without a traceback."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import quantities as pq
import torch

import spikelearn as sl
from spikelearn.lessons import Verdict
from spikelearn.lessons.answers import (
    Hint,
    NotAnswered,
    choice,
    is_open,
    number,
    numbers,
    require_close,
    values_of,
)


@pytest.mark.parametrize(
    "given",
    [200, 200.0, np.float32(200), np.array(200), np.array([200]), [200.0], (200,), "200", "200 pA",
     "0.2nA", " 2e2 pA ", 200 * pq.pA, 0.2 * pq.nA, pq.Quantity([200], "pA"), pd.Series([200]),
     torch.tensor(200.0, requires_grad=True), {"neuron": 200}, ["200 pA"], [0.2 * pq.nA],
     [[0.2 * pq.nA]], {"neuron": 0.2 * pq.nA}],
    ids=repr,
)  # fmt: skip
def test_one_number_may_be_given_in_many_ways(given: object) -> None:
    assert number(given, "pA") == pytest.approx(200)


def test_a_number_of_brian2_has_a_unit() -> None:
    import brian2

    assert number(200 * brian2.pA, "pA") == pytest.approx(200)
    assert number(20 * brian2.ms, "ms") == pytest.approx(20)
    assert number(20 * brian2.kHz, "Hz") == pytest.approx(20_000)
    assert number(brian2.Quantity(0.5)) == 0.5
    assert numbers([0.2 * brian2.nA, 3], "pA") == pytest.approx([200, 3])
    for given in (325 * brian2.pF, [325 * brian2.pF], 325 * brian2.pA / brian2.second):
        with pytest.raises(Hint, match="; a number in pA"):
            number(given, "pA")
    with pytest.raises(Hint, match="a number without a unit"):
        number(0.5 * brian2.mV)


def test_quantities_of_pint_are_converted_one_by_one() -> None:
    class Pint:  # what is read of one
        units = "nanoampere"

        def m_as(self, unit: str) -> float:
            return {"pA": 200.0}[unit]

    assert numbers([Pint(), Pint()], "pA").tolist() == [200, 200]
    with pytest.raises(Hint, match="in nanoampere; a number in mV"):
        numbers([Pint()], "mV")


@pytest.mark.parametrize(
    ("given", "said"),
    [(200 * pq.mV, "in mV; a number in pA"), ("200 mV", "in mV"), ("many", "no number in pA"),
     ("3 zorks", "no unit that is known"), ([1, 2], "One number is asked for, found 2"),
     ([], "found 0"), (np.nan, "not a finite"), (True, "found True"), (3 + 4j, "found"),
     ([[1], [2, 3]], "several lengths"), (len, "call it"), (object(), "A number in pA"),
     (pd.Series(["a"]), "A number in pA"), ([200 * pq.mV], "in mV; a number in pA"),
     ("325,0 pA", "decimal point"), ("1,000,000", "decimal point"), ("1 2", "'2' is no unit"),
     ("5 )", "no unit"), ("5 1/0", "no unit"), (["3 pA", [1, 2]], "several lengths"),
     (["3 pA", 2j], "A number in pA")],
)  # fmt: skip
def test_what_is_no_such_number_is_told(given: object, said: str) -> None:
    with pytest.raises(Hint, match=said):
        number(given, "pA")


def test_per_cent_is_a_share() -> None:
    assert number("20 %") == 0.2
    assert number("−325") == -325  # the sign for minus
    assert numbers([1, 2.5], n=2).tolist() == [1, 2.5]


@pytest.mark.parametrize("given", [..., None, "", " ", [1, ...], (...,), {"a": ...}])
def test_three_dots_are_no_answer(given: object) -> None:
    assert is_open(given)
    assert sl.lessons.check("lif_neuron", 1, given).right is None


def test_a_choice_is_known_by_any_of_its_words() -> None:
    words = {"type I": ("1", "one", "class 1"), "type II": ("2", "two")}
    assert choice("Type-I", words) == choice("1", words) == choice("CLASS 1", words) == "type I"
    with pytest.raises(Hint, match='Answer by "type I" or "type II", found 3'):
        choice(3, words)


def test_functions_are_tried_and_what_they_raise_is_told() -> None:
    assert values_of(lambda a, b: a * b, [(1, 2), (3, 4)]).tolist() == [2, 12]
    with pytest.raises(Hint, match="raises ZeroDivisionError for 0"):
        values_of(lambda x: 1 / x, [1, 0])
    with pytest.raises(Hint, match="For 2 your function returns no such number"):
        values_of(lambda x: "text", [2])
    with pytest.raises(Hint, match="takes other than 2 arguments"):
        values_of(lambda x: x, [(1, 2)])
    with pytest.raises(Hint, match="A function is asked for, found 3"):
        values_of(3, [1])
    with pytest.raises(NotAnswered):
        values_of(lambda x: ..., [1])


@pytest.mark.parametrize(
    ("found", "said"),
    [(-200, "wrong sign"), (0.2, "mind the unit in pA"), (2e5, "mind the unit"),
     (20000, "per cent"), (250, "250 pA is too large. Think."), (0, "too small")],
)  # fmt: skip
def test_a_hint_says_how_a_number_is_wrong(found: float, said: str) -> None:
    require_close(201, 200, "Think.", unit="pA")
    with pytest.raises(Hint, match=said):
        require_close(found, 200, "Think.", unit="pA")
    with pytest.raises(Hint, match="too large for 3 mV"):
        require_close([1, 5], [1, 4], "", at=["2 mV", "3 mV"])
    require_close([0.4], [0.0], "", least=0.5)


def test_a_verdict_is_true_where_the_answer_is_right_and_shows_itself_escaped() -> None:
    assert Verdict(True, "so")
    assert not Verdict(False, "so")
    assert not Verdict(None, "so")
    assert repr(Verdict(True, "a < b")) == "Right. a < b"
    assert "a &lt; b" in Verdict(False, "a < b")._repr_html_()
    assert "No answer yet." in Verdict(None, "")._repr_html_()


def test_an_answer_that_raises_gives_no_traceback() -> None:
    class Odd:
        def __array__(self, *_: object, **__: object) -> np.ndarray:
            raise MemoryError("odd")

    verdict = sl.lessons.check("lif_neuron", 1, Odd())
    assert verdict.right is False
    assert "MemoryError: odd" in verdict.text


@pytest.mark.parametrize(
    ("lesson", "exercise", "said"),
    [("lif", 1, "did you mean lif_neuron"), ("lif_neuron", 9, "no exercise 9 in the lesson"),
     ("lif_neuron", "1", "no exercise '1'"), (3, 1, "no lesson 3")],
)  # fmt: skip
def test_what_there_is_not_is_refused(lesson: object, exercise: object, said: str) -> None:
    with pytest.raises(sl.SpikelearnError, match=said):
        sl.lessons.check(lesson, exercise, 1)  # type: ignore[arg-type]
