"""What is said of accuracies follows their differences."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from pages import accuracy_of_runs

from spikelearn.report.accuracy_words import accuracy_sentence


def runs(n_test: int = 1000, n_seeds: int = 1, **accuracies: float) -> pd.DataFrame:
    table = accuracy_of_runs().query("rule == 'backprop'").head(n_seeds)
    return pd.concat(
        [table.assign(rule=rule, test_accuracy=a, n_test=n_test) for rule, a in accuracies.items()],
        ignore_index=True,
    )


def test_the_highest_is_named_where_it_is_told_from_the_next() -> None:
    text = accuracy_sentence(accuracy_of_runs())
    assert "Highest on held-out images: backpropagation, 95.0 %; then " in text
    assert "p < 0.001)" in text
    assert "The controls: untrained 10.0 %. Chance, the share" in text
    assert "Highest on held-out images: STDP" in accuracy_sentence(accuracy_of_runs("stdp"))


def test_else_nothing_is_told_apart_with_the_interval_of_the_difference() -> None:
    text = accuracy_sentence(runs(backprop=0.951, feedback_alignment=0.95, softhebb=0.7))
    assert "nothing is told apart at the top: backpropagation 95.1 % and feedback alignment" in text
    assert "difference +0.1 points, −1." in text
    assert "Highest" not in text
    many = accuracy_sentence(runs(10**6, backprop=0.951, feedback_alignment=0.95))
    assert "Highest on held-out images: backpropagation" in many


def test_an_interval_is_that_of_two_shares_of_images_and_covers_other_seeds() -> None:
    text = accuracy_sentence(runs(400, backprop=0.9, feedback_alignment=0.5))
    low, high = 40 - 196 * np.sqrt(0.09 / 400 + 0.25 / 400), 0
    high = 80 - low
    said = text.split("points, ")[1].split(", p")[0].replace("+", "").split(" to ")
    assert [float(v) for v in said] == pytest.approx([low, high], abs=0.4)
    table = runs(10**6, n_seeds=3, backprop=0.9, feedback_alignment=0.89)
    table.loc[table.rule == "backprop", "test_accuracy"] += [-0.05, 0.0, 0.05]
    assert "nothing is told apart" in accuracy_sentence(table)


def test_a_rule_that_is_not_above_a_control_is_said_so() -> None:
    text = accuracy_sentence(runs(backprop=0.95, random_features=0.95, untrained=0.1))
    assert "is not told to be above random features (difference +0.0 points" in text
    assert "untrained (" not in text
    below = accuracy_sentence(runs(backprop=0.8, homeostasis=0.95))
    assert "is not told to be above" in below
    assert "difference −15.0 points" in below


def test_accuracies_on_other_images_are_not_compared() -> None:
    table = runs(backprop=0.95, feedback_alignment=0.5)
    table.loc[0, "chance"] = 0.5
    text = accuracy_sentence(table)
    assert "not tested" in text
    assert "Highest" not in text
