"""What is said of accuracies follows their differences."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from pages import accuracy_of_runs

from spikelearn.report.accuracy_words import accuracy_sentence, differences_of_accuracy


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
    assert "backpropagation scores below" in below
    assert "difference −15.0 points" in below


def test_accuracies_on_other_images_are_not_compared() -> None:
    table = runs(backprop=0.95, feedback_alignment=0.5)
    table.loc[0, "chance"] = 0.5
    text = accuracy_sentence(table)
    assert "On held-out images, on mlp_784 (1,000 images, chance 50 %): backpropagation" in text
    assert "Highest" not in text
    assert np.isnan(differences_of_accuracy(table)["backprop", "feedback_alignment"].p)


def two_networks() -> pd.DataFrame:
    """Backpropagation at 95 % on A and 55 % on B, feedback alignment at 90 % on A alone."""
    on_a = runs(n_seeds=3, backprop=0.95, feedback_alignment=0.9).assign(model="A")
    return pd.concat([on_a, runs(n_seeds=3, backprop=0.55).assign(model="B")], ignore_index=True)


def test_each_network_is_spoken_of_by_itself() -> None:
    text = accuracy_sentence(two_networks())
    assert "Highest on held-out images, on A: backpropagation, 95.0 %; then feedback" in text
    assert "On held-out images, on B: backpropagation, 55.0 %" in text
    assert text.count("Chance, the share of the largest class, is 10 %.") == 1


def test_accuracies_that_are_none_are_left_out_and_runs_of_a_seed_are_one() -> None:
    table = runs(n_seeds=3, backprop=0.95, feedback_alignment=0.9)
    worse = table.assign(test_accuracy=np.nan, rule="stdp")
    assert accuracy_sentence(pd.concat([table, worse])) == accuracy_sentence(table)
    assert accuracy_sentence(worse).startswith("No trained network with an accuracy")
    twice = pd.concat([table, table.assign(backend="brian2")])
    assert differences_of_accuracy(twice) == differences_of_accuracy(table)
