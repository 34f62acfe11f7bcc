"""The engine's SQL, which is DuckDB's, as ClickHouse says it. Everything in which the two differ is here, or is a setting below.

Queries are written once. What is parsed and written anew is their structure, never a value: values stay bound.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

from sqlglot import exp, parse_one

from usagecost.periods import instant_us

SETTINGS = {
    "aggregate_functions_null_for_empty": 1,  # a sum of nothing is not known
    "cast_keep_nullable": 1,
    "enable_materialized_cte": 1,
    "group_by_use_nulls": 1,
    "join_use_nulls": 1,
    "prefer_column_name_to_alias": 1,  # an alias may be called as the column it is made of
    "transform_null_in": 0,
    "output_format_arrow_string_as_string": 1,
    "output_format_arrow_low_cardinality_as_dictionary": 0,
    "output_format_arrow_compression_method": "none",
}
"""What makes ClickHouse answer as DuckDB does, NULL for NULL."""

_BOUND = "bound__"
_PARAMETER = re.compile(r"\$([a-z_]\w*)")
_FUNCTION_NAMES = {
    "epoch_us": "toUnixTimestamp64Micro",
    "hash": "cityHash64",
    "grouping_id": "grouping",
    "list_position": "indexOf",
}
"""Functions of other names."""


def clickhouse_sql(sql: str, parameters: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """The query as ClickHouse says it, and its parameters: instants are microseconds there."""
    types = tuple((name, _type_of(value)) for name, value in parameters.items())
    return _translated(sql, types), {
        name: instant_us(value) if isinstance(value, datetime) else value for name, value in parameters.items()
    }


@lru_cache(maxsize=1_000)
def _translated(sql: str, types: tuple[tuple[str, str], ...]) -> str:
    """Parsing takes longer than asking, and a page asks the same again with other values."""
    tree = parse_one(_PARAMETER.sub(rf"{_BOUND}\1", sql), read="duckdb")
    column_types = dict(types)
    for node in reversed(list(tree.bfs())):  # what a node is made of comes before it
        changed = _changed(node, column_types)
        if changed is not node:
            node.replace(changed)
    return tree.sql(dialect="clickhouse")


def _changed(node: exp.Expr, types: Mapping[str, str]) -> exp.Expr:
    if isinstance(node, exp.Column) and node.name.startswith(_BOUND):
        return _parameter(node.name.removeprefix(_BOUND), types)
    if isinstance(node, exp.Anonymous):
        name = str(node.this).lower()
        return _histogram(node) if name == "histogram" else _call(_FUNCTION_NAMES.get(name, str(node.this)), *node.expressions)
    change = _CHANGES.get(type(node))
    return change(node) if change else node


def _parameter(name: str, types: Mapping[str, str]) -> exp.Expression:
    kind = types[name]
    if kind == "Instant":
        return exp.Anonymous(this="fromUnixTimestamp64Micro", expressions=[_bound(name, "Int64"), exp.Literal.string("UTC")])
    return _bound(name, kind)


def _bound(name: str, kind: str) -> exp.Expression:
    return exp.Placeholder(this=name, kind=exp.DataType.build(kind, dialect="clickhouse"))


def _call(name: str, *arguments: exp.Expression) -> exp.Expression:
    return exp.Anonymous(this=name, expressions=list(arguments))


def _quantile(node: exp.Bracket) -> exp.Expression:
    """quantile_cont(x, [0.5, 0.95])[1]: here a level is a parameter of the function."""
    if not isinstance(node.this, exp.PercentileCont):
        return node
    level = node.this.expression.expressions[int(node.expressions[0].name) - 1]
    return exp.ParameterizedAgg(this="quantileExactInclusive", expressions=[level], params=[node.this.this])


def _histogram(node: exp.Anonymous) -> exp.Expression:
    """histogram(x, edges): how many lie at or below each edge and above the one before. Only whole numbers can be counted by."""
    value, edges = (argument.sql(dialect="clickhouse") for argument in node.expressions)
    edge_index = f"toInt64(arrayFirstIndex(edge -> assumeNotNull({value}) <= edge, {edges}))"
    counts = f"sumMapIf(map({edge_index}, toUInt64(1)), {value} IS NOT NULL)"
    by_edge = f"mapFromArrays(arrayMap(place -> {edges}[place], mapKeys({counts})), mapValues({counts}))"
    return exp.maybe_parse(by_edge, dialect="clickhouse")


def _json_text(node: exp.JSONExtractScalar) -> exp.Expression:
    """A text as it is, another value as JSON writes it; NULL if there is none."""
    keys = [text_sql(key.this) for key in node.expression.find_all(exp.JSONPathKey)]
    path = ", ".join([node.this.sql(dialect="clickhouse"), *keys])
    other = f"nullIf(nullIf(JSONExtractRaw({path}), ''), 'null')"
    text = f"if(JSONType({path}) = 'String', JSONExtractString({path}), {other})"
    return exp.maybe_parse(text, dialect="clickhouse")


def _cast(node: exp.Cast) -> exp.Expression:
    """A product that is made an integer: what is left of one DuckDB rounds, halves to the even side, and ClickHouse cuts off."""
    if node.is_type("bigint") and isinstance(node.this.unnest(), exp.Mul):
        node.set("this", _call("roundBankers", node.this.unnest()))
    return node


def _cte(node: exp.CTE) -> exp.Expression:
    """What is used twice is computed once where the query says so; the rest ClickHouse never keeps, and needs not be told."""
    node.set("materialized", node.args.get("materialized") or None)
    return node


_CHANGES: dict[type, Callable[[Any], exp.Expression]] = {
    exp.CTE: _cte,
    exp.GroupingId: lambda node: _call("grouping", *node.expressions),
    exp.Cast: _cast,
    exp.IntDiv: lambda node: _call("intDiv", node.this, node.expression),
    exp.StrPosition: lambda node: _call("positionUTF8", node.this, node.args["substr"]),
    exp.Translate: lambda node: _call("translate", node.this, node.args["from_"], node.args["to"]),
    exp.Lower: lambda node: _call("lowerUTF8", node.this),
    exp.Left: lambda node: _call("leftUTF8", node.this, node.expression),
    exp.Length: lambda node: _call("length", node.this),
    exp.LogicalOr: lambda node: _call("max", node.this),
    exp.Bracket: _quantile,
    exp.JSONExtractScalar: _json_text,
}


def _type_of(value: Any) -> str:
    if isinstance(value, bool):
        return "Bool"
    if isinstance(value, (list, tuple)):
        return f"Array({_type_of(value[0]) if value else 'String'})"
    kinds = {int: "Int64", float: "Float64", str: "String", Decimal: "Decimal(38, 9)", datetime: "Instant", date: "Date"}
    return kinds[type(value)]


def text_sql(text: str) -> str:
    """A text as ClickHouse's SQL, for where no value can be bound."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
