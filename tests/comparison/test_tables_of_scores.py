"""The column `level`: in every table, and derived where a table was stored without it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from response_examples import recorded_responses
from rsa_examples import made_up_recording, response

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
    if method == "rsa":
        return compare_by(method, MODELS, RECORDING, 3)
    return compare_by(method, {"a": response(features)}, recording, 3)


@pytest.mark.parametrize("table", [*TABLES, *METHODS])
def test_every_table_says_of_each_row_whether_it_is_of_a_subject_a_mean_or_a_group(table) -> None:
    made = TABLES[table]() if table in TABLES else table_of_method(table)
    assert set(made.level) <= set(LEVELS)
    for subject, level in zip(made.subject, made.level, strict=True):
        assert level == (subject if subject in ("mean", "group") else "subject")
    columns = list(made.columns)
    assert columns.index("level") == columns.index("subject") + 1


@pytest.mark.parametrize("table", [*TABLES, *METHODS])
def test_a_table_stored_without_levels_gets_those_that_it_had(table) -> None:
    made = TABLES[table]() if table in TABLES else table_of_method(table)
    stored = made.drop(columns="level")
    pd.testing.assert_frame_equal(with_level(stored), made)
    pd.testing.assert_frame_equal(read_first(stored), read_first(made))
    assert "level" not in stored


def test_means_are_read_first_and_groups_where_there_is_no_mean() -> None:
    first = read_first(compare_by("rsa", MODELS, RECORDING, 0))
    human, monkey = (first[first.region == region] for region in ("human IT", "monkey IT"))
    assert list(human.level) == ["mean"] * 2
    assert list(monkey.level) == ["group"] * 2
    assert read_first(pd.DataFrame()).empty
