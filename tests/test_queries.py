"""Conditions on a table: what fits, what columns are called, and that nothing else is read."""

from __future__ import annotations

from pathlib import Path

import pyarrow
import pytest

from spikelearn import SpikelearnError
from spikelearn._queries import Columns, fitting_rows

TABLE = pyarrow.table(
    {
        "run": ["a", "b", "c"],
        "config.rule": ["stdp", "backprop", None],
        "config.network.sizes[1]": [10, 20, 30],
        "config.Rate": [1.0, 2.0, 3.0],
        "config.rate": [3.0, 2.0, 1.0],
        "config.lambda": [1, 2, 3],
        "config.seed": [0, 1, 2],
        "summary.accuracy": [0.5, None, 0.9],
        "summary.seed": [5, 6, 7],
        "made.date": ["2026-01-01", "2026-02-01", "2026-03-01"],
    }
)


@pytest.mark.parametrize(
    ("where", "rows"),
    [
        ("", [0, 1, 2]),
        ("rule = 'stdp'", [0]),
        ("accuracy > 0.4 and rule is null", [2]),
        ("not (accuracy > 0.6)", [0]),  # what is not known fits neither
        ("config.network.sizes[1] >= 20 and network.sizes[1] < 30", [1]),
        ("Rate > 2", [2]),
        ("rate > 2", [0]),
        ('"lambda" = 2 or config.lambda = 3', [1, 2]),
        ("date >= '2026-02-01'", [1, 2]),
        ("rule in ('stdp', 'x') or rule like 'back%'", [0, 1]),
        ("upper(rule) = 'STDP' or contains(rule, 'prop')", [0, 1]),
        ("abs(rate - Rate) < 0.5", [1]),
        ("case when accuracy > 0.6 then true else false end", [2]),
        ("cast(accuracy * 10 as int) between 5 and 8", [0]),
        ("rule = 'a''; drop table runs --'", []),
        ("run = 'rule'", []),  # a text that is called as a column is
        ("summary.seed / config.seed > 1", [1, 2]),  # what is divided by zero fits nothing
        ("summary.seed / 0 > 1 or not (summary.seed / 0 > 1)", []),
        ("config.seed // 0 is null and config.seed % 0 is null", [0, 1, 2]),
        ("config.seed / config.seed >= 1 or run = 'a'", [0, 1, 2]),
        ("sqrt(config.seed - 1) >= 0", [1, 2]),
        ("ln(config.seed) > -100 and log10(config.seed) > -100", [1, 2]),
        ("0 ** (config.seed - 1) >= 0", [1, 2]),
        ("(0.0 - config.seed) ** 0.5 >= 0", [0]),
        ("cast('nan' as double) > 1 or 'nan'::float > 1", []),
        ("config.rate * cast('inf' as double) > 1", [0, 1, 2]),
        ("cast('inf' as double) - cast('inf' as double) > 1", []),
        ("config.seed + 9007199254740992 = 9007199254740993", [1]),  # exact as whole numbers are
        ("run || 'x' = 'ax' and round(config.rate / 7, 3) = 0.429", [0]),
    ],
)
def test_the_rows_that_fit(where: str, rows: list[int]) -> None:
    assert fitting_rows(TABLE, where) == rows


@pytest.mark.parametrize(
    ("sort", "rows"),
    [(["-accuracy"], [2, 0, 1]), (["accuracy"], [0, 2, 1]), (["rule", "-run"], [1, 0, 2]),
     (["-config.seed"], [2, 1, 0]), ([], [0, 1, 2])],
)  # fmt: skip
def test_what_is_not_known_is_sorted_last(sort: list[str], rows: list[int]) -> None:
    assert fitting_rows(TABLE, "", sort) == rows


@pytest.mark.parametrize(
    ("where", "words"),
    [
        ("ruel = 'stdp'", r"no column 'ruel'; did you mean rule\?"),
        ("network.size[1] = 1", r"no column 'network.size\[1\]'; did you mean network.sizes\[1\]"),
        ("seed = 1", "'seed' may be config.seed or summary.seed; say which"),
        ('rule = "stdp"', "no column 'stdp'; .*text stands in single quotes"),
        ("accuracy >", "cannot be read: syntax error"),
        ("rule > 3", "Cannot compare"),
        ("rule", "'rule'"),
        # Nothing but a condition on the table.
        ("1 = 1; drop table runs", "';' has no place"),
        ("1 = 1 -- all", "'--' has no place"),
        ("1 = 1) union select 1 from runs where (1 = 1", "nothing beside it"),
        ("rule in (select 1)", "subquery is not allowed"),
        ("exists(select * from read_csv('/etc/passwd'))", "subquery is not allowed"),
        ("rule = (select content from read_text('/etc/passwd'))", "subquery is not allowed"),
        ("read_text('/etc/passwd') is null", "no function 'read_text'"),
        ("getenv('HOME') = ''", "no function 'getenv'"),
        ("current_setting('threads') = 1", "no function 'current_setting'"),
        ("main.lower(rule) = ''", "no column 'main.lower'"),
        ("count(*) > 1", "no function 'count"),
        ("row_number() over () = 1", "window is not allowed"),
        ("rate = ?", "parameter is not allowed"),
        ("rate = $1", r"'\$' has no place"),
        ("#1 = 1", "positional reference is not allowed"),
        ('"column 0" = 1', "no column 'column 0'"),
    ],
)
def test_what_is_no_condition_on_the_table_is_one_sentence(where: str, words: str) -> None:
    with pytest.raises(SpikelearnError, match=words) as told:
        fitting_rows(TABLE, where)
    assert "\n" not in str(told.value)
    assert "column 0" not in str(told.value).replace("'column 0'", "")


def test_no_file_can_be_reached_even_if_a_condition_were_let_through(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import spikelearn._queries as queries

    (tmp_path / "secret.csv").write_text("a\n1\n")
    monkeypatch.chdir(tmp_path)
    for where in (
        "exists(select * from read_csv('secret.csv'))",
        "exists(select * from 'secret.csv')",
        "exists(select * from read_text('secret.csv'))",
        "exists(select * from glob('*'))",
    ):
        monkeypatch.setattr(queries, "_condition", lambda given, columns, connection: given)
        with pytest.raises(SpikelearnError, match=r"disabled|does not exist"):
            fitting_rows(TABLE, where)


@pytest.mark.parametrize(
    "where", ["time > '2'", "by = 'me' and time is not null", "cast(by as time) = time '12:00'"]
)
def test_columns_may_be_called_as_words_that_are_not_reserved(where: str) -> None:
    texts = {"time": ["1", "3"], "by": ["you", "me"]}
    if "cast" in where:
        texts["by"] = ["11:00", "12:00"]
    assert fitting_rows(pyarrow.table(texts), where) == [1]


def test_nan_is_not_known() -> None:
    table = pyarrow.table({"x": [float("nan"), 2.0, None, 1.0]})
    assert fitting_rows(table, "x > 0 or x <= 0") == [1, 3]
    assert fitting_rows(table, "x is null") == [0, 2]
    assert fitting_rows(table, "", ["-x"]) == [1, 3, 0, 2]


def test_names_without_their_beginning_are_known_where_that_is_enough() -> None:
    columns = Columns(TABLE.column_names)
    assert columns.short() == [
        "run", "rule", "network.sizes[1]", "Rate", "rate", "lambda", "config.seed", "accuracy",
        "summary.seed", "date",
    ]  # fmt: skip
    assert [columns.place(name) for name in columns.short()] == list(range(10))
    assert [columns.place(name) for name in columns.names] == list(range(10))
