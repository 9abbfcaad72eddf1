"""Checks of the lesson on one neuron: the closed form is what is simulated."""

from __future__ import annotations

import numpy as np
import pytest

import spikelearn as sl
from spikelearn.lessons.lif_neuron import lif_rate_hz
from spikelearn.spikes.summary_by import rate_curve


def test_the_closed_form_is_the_simulated_curve() -> None:
    table = rate_curve(sl.simulate("lif_neuron", "fi_curve", 500, progress=False))
    assert lif_rate_hz(table["value"].to_numpy()) == pytest.approx(
        table["rate_hz"].to_numpy(), rel=0.025, abs=2.0
    )
    assert lif_rate_hz(np.array([0.0, 200.0])).tolist() == [0.0, 0.0]


@pytest.mark.parametrize(
    ("exercise", "answer", "said"),
    [(1, 325, None), (1, "0.325 nA", None), (1, 0.325, "mind the unit"), (1, -325, "wrong sign"),
     (2, lif_rate_hz, None), (2, 200, "A function is asked for"),
     (2, lambda current_pa: 1 / 0, "ZeroDivisionError for 250"), (3, 5.0, None),
     (3, 4, "has to exceed it"), (3, 3, "to -55 mV."), (3, 7, "so do fewer"), (3, 4.5, "whole"),
     (3, "5 spikes", None), (3, ["4 Spikes"], "has to exceed it"), (3, -3, "fewer spikes than no"),
     (3, 1, "1 brings the potential to -65 mV."), (3, "5 pA", "without a unit")],
)  # fmt: skip
def test_answers_are_told_apart(exercise: int, answer: object, said: str | None) -> None:
    verdict = sl.lessons.check("lif_neuron", exercise, answer)
    assert verdict.right is (said is None), verdict
    assert (said or "") in verdict.text
