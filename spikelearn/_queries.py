"""Which rows of a table fit a condition, in what order: conditions are those of SQL, by DuckDB.

    rule = 'stdp' and test_accuracy > 0.9
    options.rate between 0.1 and 0.5 or "network.sizes[1]" = 100

Columns are called as they are, or without their beginning up to the first dot where that is enough.
Only an expression is read, of columns, numbers, texts, comparisons, arithmetic and the functions in
`FUNCTIONS`. It sees the table alone: no file, no other table, no setting. NaN is NULL, and so is
what has no value, such as a division by zero: it fits nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from spikelearn._errors import SpikelearnError, nearest
from spikelearn._undefined_values import read, without_undefined

if TYPE_CHECKING:
    import pyarrow

FUNCTIONS = (
    "abs", "ceil", "coalesce", "contains", "ends_with", "exp", "floor", "greatest", "least",
    "length", "ln", "log10", "lower", "regexp_matches", "round", "sqrt", "starts_with", "upper",
)  # fmt: skip
_CLASSES = {
    "BETWEEN", "CASE", "CAST", "COLUMN_REF", "COMPARISON", "CONJUNCTION", "CONSTANT", "FUNCTION",
    "OPERATOR", "TYPE",
}  # fmt: skip
_OPERATORS = {"+", "-", "*", "/", "//", "%", "**", "^", "||", "~~", "!~~", "~~*", "!~~*"}
# Not reserved by DuckDB, and yet no columns where they stand in a condition.
_WORDS = {"between", "glob", "ilike", "is", "isnull", "like", "notnull", "similar"}
_TOKEN = re.compile(
    r"""(?P<text>'(?:[^']|'')*')"""
    r"""|(?P<quoted>"(?:[^"]|"")*")"""
    r"""|(?P<name>[^\W\d]\w*(?:\.\w+|\[[^\]]*\])*)"""
    r"""|(?P<number>\d[\w.]*)"""
    r"""|(?P<ends>;|--|/\*|\$)"""
)
# What DuckDB calls a column, whose names know no case.
_COLUMN, _OURS = "column {}", r"column (\d+)"


class Columns:
    """The columns of a table by what they may be called.

    Parameters
    ----------
    names : sequence of str
        Theirs, of which some have a beginning up to the first dot.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self.names = list(names)
        self._place = {name: at for at, name in enumerate(self.names)}
        self._short: dict[str, list[str]] = {}
        for name in self.names:
            if "." in name:
                self._short.setdefault(name.partition(".")[2], []).append(name)

    def place(self, name: str) -> int:
        """The place of a column.

        Raises
        ------
        SpikelearnError
            If there is none of that name, with the nearest, or several.
        """
        if name in self._place:
            return self._place[name]
        meant = self._short.get(name, [])
        if len(meant) == 1:
            return self._place[meant[0]]
        if meant:
            raise SpikelearnError(f"the column '{name}' may be {' or '.join(meant)}; say which")
        raise SpikelearnError(f"there is no column '{name}'; {nearest(name, self.short())}")

    def short(self) -> list[str]:
        """The shortest name of each column by which it is found."""
        return [self.shortest(name) for name in self.names]

    def shortest(self, name: str) -> str:
        """The shortest name of one."""
        short = name.partition(".")[2]
        return short if self._short.get(short) == [name] and short not in self._place else name

    def is_known(self, name: str) -> bool:
        """Whether a column is called so, or several."""
        return name in self._place or name in self._short


def fitting_rows(table: pyarrow.Table, where: str = "", sort: Sequence[str] = ()) -> list[int]:
    """The rows that fit a condition, in order.

    Parameters
    ----------
    table : pyarrow.Table
    where : str
        The condition; all rows fit one that is empty.
    sort : sequence of str
        Columns, with a - before those of which the largest comes first; what is not known comes
        last. Rows that are alike stay in the order of the table.

    Raises
    ------
    SpikelearnError
        For a condition that is none, or asks for more than the table, in one sentence.
    """
    if not where.strip() and not sort:
        return list(range(len(table)))
    import duckdb
    import pyarrow

    columns = Columns(table.column_names)
    order = [_ordered(columns, name) for name in sort]
    number = len(columns.names)
    plain = pyarrow.table(
        [_without_nan(column) for column in table.columns],
        names=[_COLUMN.format(at) for at in range(number)],
    )
    plain = plain.append_column(_COLUMN.format(number), pyarrow.array(range(len(table))))
    connection = duckdb.connect(
        ":memory:",
        config={
            "enable_external_access": "false",
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
        },
    )
    try:
        connection.register("runs", plain)
        connection.execute("SET ieee_floating_point_ops = false")
        connection.execute("SET lock_configuration = true")
        condition = _condition(where, columns, connection) if where.strip() else "true"
        by = ", ".join([*order, f'"{_COLUMN.format(number)}"'])
        rows = connection.execute(
            f'SELECT "{_COLUMN.format(number)}" FROM runs WHERE ({condition}\n) ORDER BY {by}'  # noqa: S608 - a condition that was read
        ).fetchall()
    except duckdb.Error as error:
        raise SpikelearnError(f"--where: {_said(error, columns)}") from error
    finally:
        connection.close()
    return [int(row[0]) for row in rows]


def _without_nan(column: pyarrow.ChunkedArray) -> pyarrow.ChunkedArray:
    import pyarrow
    import pyarrow.compute

    if not pyarrow.types.is_floating(column.type):
        return column
    return pyarrow.compute.if_else(pyarrow.compute.is_nan(column), None, column)


def _ordered(columns: Columns, name: str) -> str:
    at = columns.place(name.removeprefix("-"))
    return f'"{_COLUMN.format(at)}" {"DESC" if name.startswith("-") else "ASC"} NULLS LAST'


def _condition(where: str, columns: Columns, connection: Any) -> str:
    """The condition with the columns as DuckDB knows them, when it is known to be one."""
    reserved = {
        str(word)
        for (word,) in connection.execute(
            "SELECT keyword_name FROM duckdb_keywords() WHERE keyword_category = 'reserved'"
        ).fetchall()
    } | _WORDS

    def named(found: re.Match[str]) -> str:
        token = found[0]
        if found["ends"]:
            raise SpikelearnError(
                f"--where takes one condition, such as rule = 'stdp' and test_accuracy > 0.9, in"
                f" which '{token}' has no place"
            )
        if found["quoted"]:
            name = token[1:-1].replace('""', '"')
            if not columns.is_known(name):
                try:
                    columns.place(name)
                except SpikelearnError as error:
                    raise SpikelearnError(
                        f"{error} (text stands in single quotes, as in '{name}')"
                    ) from None
            return f'"{_COLUMN.format(columns.place(name))}"'
        if not found["name"]:
            return token
        after = where[found.end() :].lstrip()[:1]
        before = where[: found.start()].rstrip().lower()
        is_type = before.endswith("::") or re.search(r"\bas$", before) is not None
        is_word = token.lower() in reserved or after in ("(", "'") or is_type
        if "." in token or "[" in token or (columns.is_known(token) and not is_word):
            return f'"{_COLUMN.format(columns.place(token))}"'
        return token

    condition = _TOKEN.sub(named, where)
    tree = read(condition, connection)
    if tree["error"]:
        raise SpikelearnError(f"--where cannot be read: {tree['error_message']}")
    for name, node in _classes(_only_condition(tree)):
        if name not in _CLASSES:
            raise SpikelearnError(
                f"--where takes one condition on the columns of the table; a"
                f" {name.lower().replace('_', ' ')} is not allowed in it"
            )
        if name == "COLUMN_REF" and not _is_ours(node["column_names"], columns):
            columns.place(".".join(node["column_names"]))
            raise SpikelearnError(f"there is no column '{'.'.join(node['column_names'])}'")
        if name == "FUNCTION":
            _check_function(str(node["function_name"]), node)
    return without_undefined(tree, connection)


def _only_condition(read: Mapping[str, Any]) -> Any:
    """The condition of what was read, if nothing else was."""
    statements = read["statements"]
    node = statements[0]["node"]
    others = ("modifiers", "group_expressions", "group_sets", "having", "sample", "qualify")
    if (
        len(statements) != 1
        or node["type"] != "SELECT_NODE"
        or any(node.get(part) for part in others)
        or node["cte_map"]["map"]
        or node["from_table"]["type"] != "BASE_TABLE"
    ):
        raise SpikelearnError("--where takes one condition, and nothing beside it")
    return node["where_clause"]


def _classes(node: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every expression in a tree, by its class; a subquery is not gone into."""
    if isinstance(node, Mapping):
        if "class" in node:
            yield str(node["class"]), node
        for inner in node.values():
            yield from _classes(inner)
    elif isinstance(node, list):
        for inner in node:
            yield from _classes(inner)


def _is_ours(names: Sequence[str], columns: Columns) -> bool:
    known = re.fullmatch(_OURS, names[0]) if len(names) == 1 else None
    return known is not None and int(known[1]) < len(columns.names)


def _check_function(name: str, node: Mapping[str, Any]) -> None:
    if node.get("is_operator") and name in _OPERATORS:
        return
    if name not in FUNCTIONS or node.get("schema") or node.get("catalog"):
        raise SpikelearnError(
            f"--where: there is no function '{name}' in conditions; there are"
            f" {', '.join(FUNCTIONS)}"
        )


def _said(error: Exception, columns: Columns) -> str:
    """What DuckDB says, in one line, with the names that the columns have."""
    first = str(error).partition("\n")[0].rpartition("Error: ")[2]

    def named(found: re.Match[str]) -> str:
        at = int(found[1])
        return f"'{columns.shortest(columns.names[at])}'" if at < len(columns.names) else found[0]

    return re.sub(f'"?{_OURS}"?', named, first)
