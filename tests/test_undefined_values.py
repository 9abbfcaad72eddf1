"""Parts of a condition that have no value are NULL, by DuckDB's own answer for each row."""

from __future__ import annotations

import duckdb
import pytest

from spikelearn._undefined_values import query_of, read, without_undefined


@pytest.fixture(scope="module")
def connection():
    with duckdb.connect(":memory:") as connection:
        connection.execute("CREATE TABLE runs AS SELECT * FROM (VALUES (0, 0.0), (4, 1.5)) r(n, x)")
        connection.execute("SET ieee_floating_point_ops = false")
        yield connection


@pytest.mark.parametrize(
    ("part", "values"),
    [
        ("n / 0", [None, None]),
        ("x / x", [None, 1.0]),
        ("(1 + x / n) * 2", [None, 2.75]),  # within others
        ("coalesce(1 / n, 7)", [7.0, 0.25]),
        ("n - 1", [-1, 3]),
        ("x ** 2", [0.0, 2.25]),
        ("(-1 - x) ** 0.5", [None, None]),
        ("ln(n) + sqrt(n - 1)", [None, 1.3862943611198906 + 3**0.5]),
        ("CASE WHEN n / n > 0 THEN 'is' ELSE 'is not' END", ["is not", "is"]),
        ("'a' || n", ["a0", "a4"]),
        ("x::varchar", ["0.0", "1.5"]),
        ("TRY_CAST('nan' AS DOUBLE)", [None, None]),
    ],
)
def test_what_has_no_value_is_null_and_all_else_as_it_was(part, values, connection):
    condition = without_undefined(read(part, connection), connection)
    query = f"SELECT {condition} FROM runs ORDER BY n"  # noqa: S608 - of our own words
    rows = connection.execute(query).fetchall()
    assert [row[0] for row in rows] == pytest.approx(values)


def test_a_query_that_is_none_says_so(connection):
    assert read("n >", connection)["error"]
    assert query_of("n > 1").endswith("(n > 1\n)")
