"""What has no value in a condition fits nothing: a division by zero, the root of -1, inf - inf.

DuckDB gives them infinities or NaN, which is larger than every number and so fits `> 1`. Here each
such expression is put into another that is NULL there, in the tree that DuckDB reads a text as.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from typing import Any

# Of these some values are refused by DuckDB, where it is told to: 1 / 0, sqrt(-1), ln(0), 0 ** -1.
_NOT_EVERYWHERE = {"/", "//", "%", "**", "^", "sqrt", "ln", "log10"}
_NEVER_NAN = {"||", "~~", "!~~", "~~*", "!~~*"}
_HERE = "1234567"  # stands in a pattern for the expression
_REFUSED = f"TRY({_HERE})"
_KNOWN = (
    f"list_transform([{_HERE}], lambda y: CASE WHEN isnan(TRY_CAST(y AS DOUBLE)) THEN NULL"
    " ELSE y END)[1]"
)


def query_of(condition: str) -> str:
    """A query with a condition."""
    return f"SELECT 1 FROM runs WHERE ({condition}\n)"  # noqa: S608 - is read, and not run


def read(condition: str, connection: Any) -> dict[str, Any]:
    """The tree of a query with a condition, or in it what is wrong.

    Parameters
    ----------
    condition : str
    connection : duckdb.DuckDBPyConnection
    """
    text = connection.execute("SELECT json_serialize_sql(?)", [query_of(condition)]).fetchone()[0]
    found: dict[str, Any] = json.loads(text)
    return found


def without_undefined(tree: Mapping[str, Any], connection: Any) -> str:
    """The condition of a tree, NULL where a part of it has no value.

    Parameters
    ----------
    tree : mapping
        From `read`.
    connection : duckdb.DuckDBPyConnection
        Whose `ieee_floating_point_ops` are false.
    """
    patterns = {p: _where(read(p, connection)) for p in (_REFUSED, _KNOWN)}

    def put_into(pattern: str, node: Any) -> Any:
        return _replaced(copy.deepcopy(patterns[pattern]), node)

    def changed(node: Any) -> Any:
        if isinstance(node, list):
            return [changed(one) for one in node]
        if not isinstance(node, Mapping):
            return node
        found: Any = {name: changed(inner) for name, inner in node.items()}
        function = str(node.get("function_name", ""))
        if function in _NOT_EVERYWHERE:
            found = put_into(_REFUSED, found)
        is_number = node.get("class") == "FUNCTION" and (
            function in _NOT_EVERYWHERE
            or (bool(node.get("is_operator")) and function not in _NEVER_NAN)
        )
        if is_number or _is_to_floating(node):
            found = put_into(_KNOWN, found)
        return found

    whole = copy.deepcopy(dict(tree))
    node = whole["statements"][0]["node"]
    node["where_clause"] = changed(node["where_clause"])
    text = connection.execute("SELECT json_deserialize_sql(?)", [json.dumps(whole)]).fetchone()[0]
    return str(text).partition(" WHERE ")[2]


def _where(tree: Mapping[str, Any]) -> Any:
    return tree["statements"][0]["node"]["where_clause"]


def _replaced(pattern: Any, node: Any) -> Any:
    """A pattern with an expression in its place."""
    if isinstance(pattern, list):
        return [_replaced(one, node) for one in pattern]
    if not isinstance(pattern, Mapping):
        return pattern
    literal = pattern.get("literal")
    if isinstance(literal, Mapping) and literal.get("text") == _HERE:
        return node
    return {name: _replaced(inner, node) for name, inner in pattern.items()}


def _is_to_floating(node: Mapping[str, Any]) -> bool:
    """Whether a node makes another a number that may be NaN."""
    kind = json.dumps(node.get("type_expr", node.get("cast_type"))).upper()
    return node.get("class") == "CAST" and any(name in kind for name in ("DOUBLE", "FLOAT", "REAL"))
