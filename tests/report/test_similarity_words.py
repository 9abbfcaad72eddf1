"""Words follow numbers: a network is said to come closest only where a test tells it apart."""

from __future__ import annotations

from itertools import combinations

import pandas as pd
import pytest
from pages import scores_by_layer

from spikelearn.report.similarity_words import sentences


def scores(**others: float) -> pd.DataFrame:
    """Of human IT: three trained networks, pixels at 0.08, an untrained network at 0.03."""
    table = scores_by_layer().query("region == 'human IT'")
    (ours,) = (table[table.model == "backprop"],)
    trained = {"backprop": 0.17, "softhebb": 0.15, "feedback_alignment": 0.1, **others}
    rows = [ours.assign(model=name, score=score) for name, score in trained.items()]
    return pd.concat([table[table.model != "backprop"], *rows], ignore_index=True)


def differences_of(table: pd.DataFrame, p_holm: float, **special: float) -> tuple:
    """All differences between the rows of a table; `special` are p-values by "a_b"."""
    rows = []
    for (_, a), (_, b) in combinations(table.iterrows(), 2):
        p = special.get(f"{b.model}_{a.model}", special.get(f"{a.model}_{b.model}", p_holm))
        names = {
            f"{name}_{end}": row[name]
            for end, row in (("a", b), ("b", a))
            for name in ("model", "network", "layer")
        }
        place = {
            name: a[name]
            for name in (
                "recording",
                "region",
                "subject",
                "level",
                "method",
                "measure",
                "resolution",
            )
        }
        d = b.score - a.score
        rows.append(
            {**names, **place, "test": "best layers", "difference": d, "ci_lower": d - 0.01,
             "ci_upper": d + 0.01, "p": p, "p_holm": p, "p_fdr": p}
        )  # fmt: skip
    return pd.DataFrame(), pd.DataFrame(rows)


def test_a_network_comes_closest_where_a_test_tells_it_from_the_next_and_the_controls() -> None:
    table = scores()
    (text,) = sentences(table, differences_of(table, 0.001))
    assert (
        "of the trained networks backpropagation on mlp (hidden1) comes closest, with 0.170" in text
    )
    assert "told from the next, SoftHebb on mlp (hidden1), 0.150" in text
    assert "difference +0.020, +0.010 to +0.030, p 0.001" in text
    assert "It is above the pixels (0.080;" in text
    assert "the best untrained network (0.030;" in text
    assert "noise ceiling 0.400 to 0.600" in text


@pytest.mark.parametrize("p", [0.05, 0.2, None])
def test_else_nothing_is_told_apart_and_the_interval_of_the_difference_is_given(p) -> None:
    table = scores()
    (text,) = sentences(
        table, None if p is None else differences_of(table, 0.001, backprop_softhebb=p)
    )
    assert ("nothing is told apart at the top" in text) is (p is not None)
    for word in ("closest", "best layer", "better", "highest"):
        assert word not in text
    if p is None:
        assert "difference +0.020, not tested" in text
        assert "told" not in text
        assert "It is above" not in text
        assert "Not tested: whether it is above the pixels (0.080) and the best untrained" in text
    else:
        assert f"difference +0.020, +0.010 to +0.030, p {p:.3f}" in text
        assert "1 of 2 others are not told from it" in text


def test_a_winner_below_the_pixels_is_not_praised() -> None:
    table = scores()
    table.loc[table.model == "pixels", "score"] = 0.4
    (text,) = sentences(table, differences_of(table, 0.001))
    assert (
        "no trained network scores above the pixels (0.400; difference −0.230, −0.240 to −0.220"
        in text
    )
    assert "comes closest" not in text
    assert "has the highest score, 0.170" in text
    assert "It is above the best untrained network" in text


def test_a_test_against_a_control_decides_what_is_said_of_it() -> None:
    table = scores()
    (text,) = sentences(table, differences_of(table, 0.001, backprop_pixels=0.3))
    assert "comes closest" in text
    assert (
        "It is not told from the pixels (0.080; difference +0.090, +0.080 to +0.100, p 0.300)"
        in text
    )
    assert "It is above the best untrained network" in text


def test_tests_of_another_method_region_or_layer_tell_nothing() -> None:
    table = scores()
    for column, value in (
        ("method", "cka"),
        ("region", "V4"),
        ("layer_a", "output"),
        ("test", "planned"),
    ):
        zero, differences = differences_of(table, 0.001)
        (text,) = sentences(table, (zero, differences.assign(**{column: value})))
        assert "comes closest" not in text
        assert "not tested" in text


def test_one_trained_network_is_the_one_and_a_region_without_one_has_no_sentence() -> None:
    table = scores()
    alone = table[~table.model.isin(["softhebb", "feedback_alignment"])]
    (text,) = sentences(alone, differences_of(alone, 0.001))
    assert "the one trained network, backpropagation on mlp (hidden1), has 0.170" in text
    assert sentences(table[table.family == "baseline"], None) == []


def test_networks_of_the_study_s_own_controls_are_controls() -> None:
    table = scores()
    (one,) = (table[table.model == "untrained"],)
    own = one.assign(model="homeostasis", score=0.2)
    table = pd.concat([table, own], ignore_index=True)
    (text,) = sentences(table, differences_of(table, 0.001))
    assert "no trained network scores above the best other control network (0.200;" in text
    assert "comes closest" not in text
