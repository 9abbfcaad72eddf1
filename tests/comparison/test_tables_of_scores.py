"""Tables have keys: where they are made, put together, joined, stored by earlier versions, read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from response_examples import recorded_responses
from rsa_examples import made_up_recording, response

from spikelearn._errors import SpikelearnError
from spikelearn.comparison import (
    LEVELS,
    METHODS,
    compare_by,
    compare_held_out,
    compare_over_time,
    compare_partial_rsa,
    compare_regions,
    difference_table,
    mean_table,
    read_first,
    with_level,
    zero_table,
)
from spikelearn.comparison.models_and_targets import OF_RDMS
from spikelearn.comparison.tables import (
    TableKeyError,
    checked,
    joined,
    stacked,
    stacked_once,
)

RECORDING = made_up_recording(16)
RANDOM = np.random.default_rng(0)
MODELS = {name: response(RANDOM.normal(size=(16, 8))) for name in "ab"}
OVER_TIME = {"a": MODELS["a"].expand_dims(time=[5.0, 15.0])}

TABLES: dict[str, Callable[[], pd.DataFrame]] = {
    "regions": lambda: compare_regions(RECORDING, 3),
    "held out": lambda: compare_held_out(MODELS, RECORDING, 3, n_divisions=1),
    "partial": lambda: compare_partial_rsa({"a": MODELS["a"]}, RECORDING, {"b": MODELS["b"]}, 3),
    "over time": lambda: compare_over_time(OVER_TIME, RECORDING, 3),
    "zero": lambda: zero_table(MODELS, RECORDING, 3),
    "zero over subjects": lambda: zero_table(MODELS, RECORDING, 3, test="subjects"),
    "means": lambda: mean_table(MODELS, RECORDING, 3),
    "differences": lambda: difference_table(MODELS, RECORDING, None, 3),
}


def table_of_method(method: str) -> pd.DataFrame:
    recording, features = recorded_responses(n_stimuli=30)
    if method in OF_RDMS:
        return compare_by(method, MODELS, RECORDING, 3)
    return compare_by(method, {"a": response(features)}, recording, 3)


def table_called(name: str) -> pd.DataFrame:
    return TABLES[name]() if name in TABLES else table_of_method(name)


@pytest.mark.parametrize("name", [*TABLES, *METHODS])
def test_every_table_says_of_each_row_whose_it_is_and_has_each_row_once(name) -> None:
    table = table_called(name)
    assert set(table.level) <= set(LEVELS)
    assert ((table.subject == "") == (table.level != "subject")).all()
    columns = list(table.columns)
    assert columns.index("level") == columns.index("subject") + 1
    assert {"method", "measure", "recording"} <= set(columns)
    assert checked(table) is table
    with pytest.raises(TableKeyError, match="1 row not told apart"):
        checked(pd.concat([table, table.tail(1)]))


@pytest.mark.parametrize("name", [*TABLES, *METHODS])
def test_a_table_of_an_earlier_version_becomes_one_of_today(name) -> None:
    table = table_called(name)
    before = table.assign(subject=table.subject.where(table.level == "subject", table.level))
    for stored in (before, before.drop(columns="level")):
        kept = stored.copy()
        pd.testing.assert_frame_equal(with_level(stored), table)
        pd.testing.assert_frame_equal(read_first(stored), read_first(table))
        pd.testing.assert_frame_equal(stored, kept)


def test_a_table_that_was_text_is_read_first_as_it_was(tmp_path) -> None:
    table = compare_by("rsa", MODELS, RECORDING, 0)
    table.to_csv(tmp_path / "table.csv", index=False)
    read = pd.read_csv(tmp_path / "table.csv")
    assert read_first(read).score.tolist() == pytest.approx(read_first(table).score.tolist())
    groups = table[table.level == "group"]
    groups.to_csv(tmp_path / "groups.csv", index=False)
    assert len(read_first(pd.read_csv(tmp_path / "groups.csv"))) == len(groups)


def test_a_subject_may_be_called_mean_or_group() -> None:
    renamed = {"S0": "", "S1": "group", "S2": "mean"}  # in the order of their names
    recording = replace(
        RECORDING, rdms=tuple(replace(r, subject=renamed[r.subject]) for r in RECORDING.rdms)
    )
    table, plain = (compare_by("rsa", MODELS, r, 20) for r in (recording, RECORDING))
    assert set(table[table.level == "subject"].subject) == {"mean", "group", ""}
    columns = [column for column in table if column not in ("subject", "flag")]
    pd.testing.assert_frame_equal(table[columns], plain[columns])
    pd.testing.assert_frame_equal(read_first(table), read_first(plain))
    assert len(difference_table(MODELS, recording, n_bootstrap=5)) == 6


def test_every_model_and_region_is_read_first_once_and_none_is_lost() -> None:
    scores = compare_by("rsa", MODELS, RECORDING, 0)
    table = stacked([scores, compare_regions(RECORDING, 0)])
    first = read_first(table)
    places = set(zip(table.model, table.region, strict=True))
    assert {("monkey IT", "human IT"), ("a", "monkey IT")} < places
    assert sorted(zip(first.model, first.region, strict=True)) == sorted(places)
    levels = first.set_index(["model", "region"]).level
    assert levels["a", "human IT"] == "mean"
    assert levels["a", "monkey IT"] == levels["monkey IT", "human IT"] == "group"
    alone = table[(table.model == "a") & (table.level == "subject")]
    assert len(read_first(alone)) == len(alone)
    assert read_first(pd.DataFrame()).empty


def rows(model=("a", "b"), score=(0.1, 0.2), **columns) -> pd.DataFrame:
    return pd.DataFrame({"model": list(model), "score": list(score), **columns})


def test_a_join_neither_multiplies_rows_nor_loses_them() -> None:
    table = rows(model=("b", "a", "c"), score=(1.0, 2.0, 3.0), layer="h")
    other = rows(p=[0.5, 0.6])
    found = joined(table, other, ["p"])
    assert found.p.tolist()[:2] == [0.6, 0.5]
    assert np.isnan(found.p.iloc[2])
    assert found.score.tolist() == [1.0, 2.0, 3.0]
    replaced = joined(table, other, ["score"])
    assert list(replaced.columns) == list(table.columns)
    assert replaced.score.tolist()[:2] == [0.2, 0.1]
    with pytest.raises(TableKeyError, match="not told apart"):
        joined(table, pd.concat([other, other]), ["p"])
    with pytest.raises(TableKeyError, match="without method"):
        joined(table, other.assign(method="rsa"), ["p"])
    lost = rows(model=("a", "d"), p=[0.5, 0.6])
    assert len(joined(table, lost, ["p"])) == 3
    with pytest.raises(TableKeyError, match="loses 1 row, first model 'd'"):
        joined(table, lost, ["p"], every=True)


def test_tables_that_share_a_row_must_say_the_same_of_it() -> None:
    one, other = rows(), rows(model=("b", "c"), score=(0.2 + 1e-9, 0.3))
    assert stacked_once([one, other, pd.DataFrame()], ["score"]).model.tolist() == ["a", "b", "c"]
    with pytest.raises(TableKeyError, match="not told apart"):
        stacked([one, other])
    with pytest.raises(TableKeyError, match="two things have one name in a table, model 'b'"):
        stacked_once([one, other.assign(score=0.4)], ["score"])
    assert stacked([]).empty
    assert stacked_once([], ["score"]).empty


def test_two_spellings_of_one_model_are_refused() -> None:
    models = {("a", "h"): MODELS["a"], "a · h": MODELS["b"]}
    with pytest.raises(SpikelearnError, match="two models are called 'a · h'"):
        compare_by("rsa", models, RECORDING, 0)
    with pytest.raises(SpikelearnError, match="two models are called 'a · h'"):
        zero_table(models, RECORDING, 3)
    with pytest.raises(SpikelearnError, match=r"pair \('a', 'b'\) is to be compared twice"):
        difference_table(MODELS, RECORDING, [("a", "b"), ("a", "b")], 3)
